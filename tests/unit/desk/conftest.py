"""Offices to test on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailproc.store.sqlite import open_sqlite
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
