"""The pure core: reads a change, decides whether to export the change, and builds the document."""
