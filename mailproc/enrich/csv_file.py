"""A CSV file as a source: read into memory, and read anew when it was changed.

Comma, semicolon and tab are told apart by the line of names.  A file that cannot be read any more is not
forgotten: what it said last counts.
"""

from __future__ import annotations

import asyncio
import csv
import logging
from collections.abc import Mapping
from pathlib import Path

from mailproc.enrich.source import Record, SourceAway
from mailproc.enrich.values import clean

log = logging.getLogger("mailproc.enrich")

LARGEST = 64 * 1024 * 1024  # octets

_SEPARATORS = ",;\t|"
_Stamp = tuple[int, int, int, int]
_Index = dict[str, list[Record]]


class CsvSource:
    """Searches one column; upper and lower case are the same.  ValueError for an unfit file."""

    def __init__(self, path: Path, key: str, by: str, wanted: Mapping[str, str], rows: int) -> None:
        self._path = path
        self._key = key
        self._by = by
        self._wanted = dict(wanted)
        self._rows = rows
        self._stamp = _stamp(path)
        self._index = self._read()

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        await self._look_again()
        return self._index.get(values[self._by].casefold(), [])

    async def close(self) -> None:
        self._index = {}

    async def _look_again(self) -> None:
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._index = await asyncio.to_thread(self._read)
        except ValueError as error:
            if not self._index:
                raise SourceAway(str(error)) from None
            log.warning("source=%s not_read=%r", self._path.name, str(error))

    def _read(self) -> _Index:
        try:
            with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                first = file.readline()
                file.seek(0)
                separator = max(_SEPARATORS, key=first.count)
                return self._indexed(csv.DictReader(file, delimiter=separator))
        except OSError as error:
            raise ValueError(f"{self._path} cannot be read: {error.strerror}") from None
        except csv.Error as error:
            raise ValueError(f"{self._path}: {error}") from None

    def _indexed(self, lines: csv.DictReader[str]) -> _Index:
        columns = lines.fieldnames or ()
        for column in (self._key, *self._wanted.values()):
            if column not in columns:
                raise ValueError(f'{self._path} has no column "{column}"')
        index: _Index = {}
        for line in lines:
            records = index.setdefault((line[self._key] or "").strip().casefold(), [])
            if len(records) < self._rows:
                records.append({name: clean(line[column]) for name, column in self._wanted.items()})
        return index


def _stamp(path: Path) -> _Stamp:
    """What tells a changed file; a new one in the old one's place too, and one that may be read now."""
    try:
        status = path.stat()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if status.st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST} octets")
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
