"""A real PostgreSQL that stores live on: each test has a schema of its own in it."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import psycopg

from tests.rig import freezing
from tests.rig.sources import Postgres
from tests.rig.waiting import eventually

_SESSIONS = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"


class StoreServer(Postgres):
    """``durable``: commits wait for the disk, as a site's do; ``settings`` are further ones of the server."""

    def __init__(self, *, durable: bool = False, **settings: str) -> None:
        self._more = {"max_connections": "200", "fsync": "on" if durable else "off", **settings}
        self._numbers = itertools.count(1)
        super().__init__()

    def _command(self) -> Sequence[str]:
        options = [word for name, value in self._more.items() for word in ("-c", f"{name}={value}")]
        return [*super()._command(), *options]

    def new_schema(self) -> str:
        """The URL of a fresh place for a store."""
        name = f"site{next(self._numbers)}"
        self.ask(f"CREATE SCHEMA {name}")
        return self.url_of(name)

    def url_of(self, schema: str, port: int | None = None) -> str:
        url = self.url if port is None else self.url.replace(f":{self.port}/", f":{port}/")
        return f"{url}?options={quote(f'-csearch_path={schema}')}"

    def ask(self, sql: str, url: str = "") -> list[tuple[Any, ...]]:
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        """As a power cut ends it: nothing is tidied up, clients are cut off."""
        self.end(signal.SIGQUIT)

    def end(self, number: signal.Signals) -> None:
        """SIGINT, SIGQUIT: PostgreSQL's fast and immediate shutdown."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None

    def die(self) -> None:
        """As the machine dies."""
        assert self._process is not None
        freezing.kill(self.processes)
        self._process.wait(30)
        self._process = None

    def terminate_backends(self) -> int:
        """End every session but our own; how many those were."""
        return len(self.ask(f"SELECT pg_terminate_backend(pid) {_SESSIONS}"))

    def backends(self) -> set[int]:
        """The process ids of all sessions but our own."""
        return {pid for (pid,) in self.ask(f"SELECT pid {_SESSIONS}")}

    def wait_for(self, sql: str, url: str = "") -> None:
        """Until a query gives a row."""
        eventually(lambda: self.ask(sql, url))
