"""Tasks and threads: none ends unheard, and none blocks the event loop."""
