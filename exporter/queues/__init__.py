"""Where events come from: the port, and a folder or file for each kind of queue."""
