"""This process: event loop, garbage collector, open files, cores, and how the exporter starts itself again."""
