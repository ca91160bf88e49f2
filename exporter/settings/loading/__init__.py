"""Loads a configuration: files and environment in, settings or everything that is wrong with them out."""
