"""How often the watcher looks without being told to."""

from __future__ import annotations

from mailproc.imap.waker import AT_REST, between_looks


def test_looks_are_rarer_only_where_the_server_tells_and_had_nothing_to_tell() -> None:
    assert between_looks(3.0, quiet=AT_REST + 1, is_told=True) > 3.0
    assert between_looks(3.0, quiet=AT_REST - 1, is_told=True) == 3.0
    assert between_looks(3.0, quiet=AT_REST + 1, is_told=False) == 3.0
