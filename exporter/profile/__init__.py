"""The pure core that reads a change, decides whether it is exported, and builds what is sent."""
