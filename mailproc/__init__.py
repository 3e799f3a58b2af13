"""Ticketing for teams that live in their mail client."""

__version__ = "0.1.0"
