"""The rules by which exports are sent, retried and given up: state machines on a time that is passed in. Pure."""
