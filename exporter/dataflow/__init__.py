"""One destination's running pipeline: receive, decide, build, deliver, settle."""
