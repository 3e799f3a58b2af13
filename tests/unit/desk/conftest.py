"""Offices to test on, and less than that: desks in a transaction, or a store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mailproc.store.sqlite import SqliteStore, open_sqlite
from tests.rig.acknowledging import Desks, Within
from tests.unit.desk.office import MakeOffice, Office, desk


@pytest.fixture
async def make_office(tmp_path: Path) -> AsyncIterator[MakeOffice]:
    """Makes offices with the desks and options given, one desk ``support`` by default."""
    offices: list[Office] = []

    async def make(*desks: object, **options: object) -> Office:
        store = open_sqlite(tmp_path / f"office{len(offices)}.db")
        office = Office(store, desks or (desk(),), **options)  # type: ignore[arg-type]
        offices.append(office)
        return await office.open()

    yield make
    for office in offices:
        await office.store.close()


@pytest.fixture
async def office(make_office: MakeOffice) -> Office:
    return await make_office()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_sqlite(tmp_path / "mailproc.db")
    yield opened
    await opened.close()


@pytest.fixture
def within(store: SqliteStore) -> Within:
    """Runs a function on Desks inside one transaction."""

    async def run(work: Callable[[Desks], None]) -> None:
        await store.write(lambda tx: work(Desks(tx)))

    return run
