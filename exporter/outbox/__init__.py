"""Which export is sent when, and what follows its attempts: state machines on a time that is passed in. Pure."""
