"""The page for people at the ops port (docs/page.md): rendered here, from what ``/status`` says and a little more."""
