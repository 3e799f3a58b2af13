"""TODO"""

from __future__ import annotations

from mailproc.store.connection import Connection


class Tokens:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
