"""Where events come from: the port, and one file per kind of queue."""
