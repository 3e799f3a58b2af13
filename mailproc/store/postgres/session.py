"""A connection to PostgreSQL as the store wants it, and what its errors mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mailproc.store.connection import StoreBusy, StoreDamaged, StoreError, StoreFull
from mailproc.store.postgres.connection import PostgresConnection

CONNECT_WITHIN = 5  # seconds, for each address of the server
OLDEST = 140_000  # PostgreSQL 14

# Who stands still inside a transaction holds up all that write, on every machine: the server ends him.  The
# others wait a little longer than that.  A server that is cut off from us must find out, too.
_SETTINGS = """
    SET lock_timeout = '15s';
    SET idle_in_transaction_session_timeout = '10s';
    SET client_connection_check_interval = '2s';
    SET tcp_keepalives_idle = '10s';
    SET tcp_keepalives_interval = '5s';
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '30s';
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
# Each statement of the daemon asks for a few rows by an index.  A plan made while a table was empty reads all
# of it, and stays for hours after the table has grown.
_BY_INDEX = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"

_TEMPORARY = ("40", "08", "57")  # classes: transaction rollback, connection exception, operator intervention
_BUSY = ("55P03", "53300", "25006")  # lock not available, too many connections, a standby
_FULL = ("53100",)
_DAMAGED = ("XX001", "XX002")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the store is; ``url`` as libpq reads it, which may hold a password."""

    url: str = field(repr=False)

    def connect(self, *, by_index: bool = True) -> PostgresConnection:
        """Open a connection; psycopg.Error where that is impossible, StoreError where it is no fit server."""
        raw = psycopg.connect(self._conninfo(), autocommit=True)
        try:
            _check(raw)
            connection = PostgresConnection(raw)
            connection.simple(_SETTINGS + (f"; {_BY_INDEX}" if by_index else ""))
        except BaseException:
            raw.close()
            raise
        return connection

    @property
    def has_several_hosts(self) -> bool:
        given = conninfo_to_dict(self.url)
        return "," in str(given.get("host") or given.get("hostaddr") or "")

    def _conninfo(self) -> str:
        """What the URL does not say is as suits us."""
        defaults: dict[str, str] = {
            "application_name": "mailproc",
            "connect_timeout": str(CONNECT_WITHIN),
            "target_session_attrs": "read-write",  # of several hosts the one that is the primary now
        }
        given = {name: str(value) for name, value in conninfo_to_dict(self.url).items()}
        return make_conninfo("", **(defaults | given | {"client_encoding": "utf8"}))


def _check(raw: psycopg.Connection[tuple[object, ...]]) -> None:
    if raw.pgconn.server_version < OLDEST:
        raise StoreError(f"PostgreSQL is older than {OLDEST // 10_000}")
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(f"the database's encoding is {encoding}, and mail needs UTF8")


def store_error(error: psycopg.Error) -> StoreError:
    """What a caller may make of psycopg's error."""
    state = error.sqlstate or ""
    text = str(error).strip().partition("\n")[0]
    if state in _FULL:
        return StoreFull(text)
    if state in _DAMAGED:
        return StoreDamaged(text)
    if not state or state[:2] in _TEMPORARY or state in _BUSY:  # libpq's own errors have no state
        return StoreBusy(text)
    return StoreError(text)


def is_to_be_repeated(error: psycopg.Error) -> bool:
    """Whether the same work may succeed at once: it lost against another, and was undone (class 40)."""
    return (error.sqlstate or "").startswith("40")
