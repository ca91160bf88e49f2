"""The running pipeline of a destination: receive, decide, build, deliver, settle."""
