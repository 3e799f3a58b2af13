"""Values on their way to PostgreSQL and back.

Parameters go without a type, and the server takes that of the column; octets go in binary form, all else as
text.  Results come in binary form (PostgreSQL's manual, chapter "Frontend/Backend Protocol", Formats).  Only
the types that the schema has are known: another one is a mistake in a statement.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg.pq import Format
from psycopg.pq.abc import PGresult

from mailproc.store.connection import Row, StoreError

# psycopg's stubs forget that None is a value, where statements are prepared.
Values = list[Any]

_DOUBLE = struct.Struct("!d")
# A text of PostgreSQL cannot hold it, and what people wrote must not be refused for it.
_NUL, _INSTEAD = "\0", "\ufffd"


def storable(value: object) -> object:
    """The same, or a text as it can be kept."""
    return value.replace(_NUL, _INSTEAD) if isinstance(value, str) and _NUL in value else value


def encode(value: object) -> tuple[bytes | None, Format]:
    """A parameter as the server takes it."""
    match value:
        case None:
            return None, Format.TEXT
        case str():
            return str(storable(value)).encode(), Format.TEXT
        case bool():
            return b"1" if value else b"0", Format.TEXT
        case int() | float():
            return repr(value).encode(), Format.TEXT
        case bytes():
            return value, Format.BINARY
    raise TypeError(f"no column of the store holds a {type(value).__name__}")


def encode_all(values: Iterable[object]) -> tuple[Values, list[Format]]:
    """All parameters of a statement."""
    encoded: Values = []
    formats: list[Format] = []
    for value in values:
        octets, form = encode(value)
        encoded.append(octets)
        formats.append(form)
    return encoded, formats


def is_larger(size: int, values: Iterable[object]) -> bool:
    """Whether any has more octets, or characters."""
    return any(isinstance(value, (bytes, str)) and len(value) > size for value in values)


def _integer(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _double(octets: bytes) -> float:
    number: float = _DOUBLE.unpack(octets)[0]
    return number


# By the types' numbers in pg_type, which never change.
_DECODERS: dict[int, Callable[[bytes], object]] = {
    16: any,  # boolean: one octet
    17: bytes,  # bytea
    20: _integer,  # bigint
    23: _integer,  # integer
    25: bytes.decode,  # text
    701: _double,  # double precision
}


def rows_of(result: PGresult) -> list[Row]:
    """All rows of an answer."""
    columns = range(result.nfields)
    decoders = [_decoder(result.ftype(column)) for column in columns]
    return [_row(result, row, decoders) for row in range(result.ntuples)]


def _row(result: PGresult, row: int, decoders: Sequence[Callable[[bytes], object]]) -> Row:
    return tuple(
        None if (octets := result.get_value(row, column)) is None else decode(octets)
        for column, decode in enumerate(decoders)
    )


def _decoder(number: int) -> Callable[[bytes], object]:
    try:
        return _DECODERS[number]
    except KeyError:
        raise StoreError(f"an answer of PostgreSQL's type {number} is not known here") from None
