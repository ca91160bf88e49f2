"""A receiver and token server to develop against; the demo and the tests run it too."""
