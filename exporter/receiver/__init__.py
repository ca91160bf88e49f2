"""A receiver and token server for development, the demo and the tests."""
