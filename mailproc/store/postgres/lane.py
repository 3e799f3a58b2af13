"""One connection that writes, for one thread: batches of work, each in one transaction.

A lane comes to an end with every batch: what lost against others is tried again, a connection that was lost
is made anew, and where it was lost at COMMIT the next one finds out whether that came true.  Each transaction
begins by writing its number into its lane's row of ``commit_mark``: who asks for that row later waits until
the lost transaction has ended, and then sees whether its number stands there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

from mailproc.store.connection import StoreBusy, StoreError
from mailproc.store.job import Job, fail
from mailproc.store.postgres.connection import PostgresConnection
from mailproc.store.postgres.patience import Patience
from mailproc.store.postgres.session import Server, is_to_be_repeated, store_error
from mailproc.store.transaction import Transaction

CHANNEL = "mailproc"
MOST_TRIES = 10  # of work that lost against other work

# Of this schema: several sites may share a database.
_ALONE = "SELECT pg_advisory_xact_lock(1835101548, hashtext(current_schema()))"


class Lost(Exception):
    """The connection was lost before COMMIT: nothing was done."""


class InDoubt(Exception):
    """The connection was lost at COMMIT."""


class Lane:
    """``alone``: one at a time of all such lanes, on every machine.  ``patience``: seconds for a server that
    went away to come back."""

    def __init__(self, server: Server, *, alone: bool, sender: str, patience: float) -> None:
        self._server = server
        self._alone = f"{_ALONE}; " if alone else ""
        self._sender = sender
        self._patience = Patience(patience)
        self._key = os.urandom(16).hex()
        self._number = 0
        self._connection: PostgresConnection | None = None

    # From the thread

    def run(self, jobs: Sequence[Job[Any]]) -> None:
        """Do all of them; each has its result or its error when this returns."""
        try:
            if not self._do(jobs) and len(jobs) > 1:
                for job in jobs:
                    self._do([job])
        except BaseException as error:
            fail(jobs, error)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # From any thread

    def cut(self) -> None:
        """It takes too long: whatever the server is asked now counts as lost."""
        if (connection := self._connection) is not None:
            connection.cut()

    def end(self) -> None:
        """Wait for the server no longer."""
        self._patience.end()

    # A batch

    def _do(self, jobs: Sequence[Job[Any]]) -> bool:
        """False where each should be tried by itself, as one of several failed."""
        failure: StoreError = StoreBusy("PostgreSQL is away")
        for tries in self._patience.tries():
            try:
                return self._commit_together(jobs)
            except InDoubt:
                if self._did_commit():
                    return True
            except Lost as error:
                failure = StoreBusy(str(error))
            except psycopg.Error as error:
                failure = store_error(error)
                if not is_to_be_repeated(error) or tries >= MOST_TRIES:
                    break
            except StoreError as error:
                failure = error
                break
        fail(jobs, failure)
        return len(jobs) == 1 or isinstance(failure, StoreBusy)

    def _commit_together(self, jobs: Sequence[Job[Any]]) -> bool:
        connection = self._connected()
        try:
            self._begin(connection)
            if not _work(jobs, Transaction(connection)):
                connection.rollback()
                return len(jobs) == 1
            connection.flush()
            self._commit(connection)
        except psycopg.Error as error:
            self._undo(connection)
            if connection.is_lost:
                raise Lost(str(store_error(error))) from error
            raise
        except BaseException:
            self._undo(connection)
            raise
        if connection.swollen:
            self.close()
        return True

    def _begin(self, connection: PostgresConnection) -> None:
        self._number += 1
        connection.stirred = False
        connection.simple(f"BEGIN; {self._alone}{self._mark(self._number, 'excluded.number')}")

    def _commit(self, connection: PostgresConnection) -> None:
        news = f"NOTIFY {CHANNEL}, '{self._sender}'; " if connection.stirred else ""
        try:
            connection.simple(f"{news}COMMIT")
        except psycopg.Error as error:
            if connection.is_lost:
                raise InDoubt from error
            raise

    def _mark(self, number: int, kept: str) -> str:
        return (
            f"INSERT INTO commit_mark (lane, number) VALUES ('\\x{self._key}', {number})"
            f" ON CONFLICT (lane) DO UPDATE SET number = {kept}, at = now() RETURNING number"
        )

    def _undo(self, connection: PostgresConnection) -> None:
        """Leave no transaction open; a connection that cannot even roll back is of no more use."""
        if not connection.is_lost:
            with suppress(psycopg.Error):
                connection.rollback()
        if connection.is_lost:
            self.close()

    # A connection

    def _connected(self) -> PostgresConnection:
        if self._connection is None:
            try:
                self._connection = self._server.connect()
            except psycopg.Error as error:
                self._patience.is_away = True
                if error.sqlstate and not isinstance(store_error(error), StoreBusy):
                    raise store_error(error) from error
                raise Lost(str(store_error(error))) from error
            self._patience.is_away = False
        return self._connection

    def _did_commit(self) -> bool:
        """What became of a transaction whose COMMIT was not answered."""
        self.close()
        failure = "PostgreSQL went away at COMMIT"
        for _ in self._patience.tries():
            try:
                result = self._connected().simple(self._mark(0, "commit_mark.number"))
                return int(result.get_value(0, 0) or b"0") == self._number
            except (psycopg.Error, Lost) as error:
                failure = str(error)
                self.close()
        raise StoreBusy(f"it is not known whether the last transaction came true: {failure}")


def _work(jobs: Sequence[Job[Any]], transaction: Transaction) -> bool:
    """Whether all went well.  Where not, the one that failed knows why."""
    for job in jobs:
        job.result = job.error = None
        try:
            job.result = job.work(transaction)
        except psycopg.Error:
            raise
        except Exception as error:
            job.error = error
            return False
    return True
