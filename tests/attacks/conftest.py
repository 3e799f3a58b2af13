"""Offices to attack: a real store, the real chain, no sockets."""

from __future__ import annotations

from tests.unit.desk.conftest import make_office, office

__all__ = ["make_office", "office"]
