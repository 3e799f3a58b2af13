"""Load a configuration and check all of it, each part by its own rules."""
