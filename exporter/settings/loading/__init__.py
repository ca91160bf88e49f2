"""Loads a configuration: files and environment in, settings or all mistakes out."""
