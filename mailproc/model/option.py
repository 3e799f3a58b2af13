"""TOML values into typed fields: every mistake is kept, and none ends the reading.

Reads msgspec structs and dataclasses alike, so that the configuration and a filter's options are checked
by the same rules.  A value that does not fit is reported and its field keeps the default.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from mailproc.model.mistake import Key, Mistake, did_you_mean

_TOML_NAMES = {dict: "a table", list: "an array", str: "a string", bool: "true or false"}
_COLLECTIONS = (tuple, list, set, frozenset)
_PATH = re.compile(r" - at `[^`]*`$")


class _Unfit:
    """Stands for a value that did not fit its field."""


_UNFIT = _Unfit()


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One key that a table may hold; ``wanted`` is a type, as annotated."""

    name: str
    wanted: Any
    make_default: Callable[[], Any] | None  # None where the key is required

    @property
    def required(self) -> bool:
        return self.make_default is None


def fields_of(kind: type) -> dict[str, Field]:
    """The keys of a msgspec struct or a dataclass, in order; fields that ``init`` leaves out are not keys."""
    hints = get_type_hints(kind, include_extras=True)
    declared: Iterable[Any] = ()
    if issubclass(kind, msgspec.Struct):
        declared = msgspec.structs.fields(kind)
    elif dataclasses.is_dataclass(kind):
        declared = (field for field in dataclasses.fields(kind) if field.init)
    return {field.name: Field(field.name, hints[field.name], _default_of(field)) for field in declared}


def _default_of(field: Any) -> Callable[[], Any] | None:
    missing = (dataclasses.MISSING, msgspec.NODEFAULT)
    if field.default_factory not in missing:
        factory: Callable[[], Any] = field.default_factory
        return factory
    return None if field.default in missing else lambda: field.default


def read_options(kind: type, table: Mapping[str, Any], key: Key, mistakes: list[Mistake]) -> dict[str, Any]:
    """The values of a table that fit the fields of ``kind``; what does not fit goes to ``mistakes``."""
    fields = fields_of(kind)
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in fields:
            mistakes.append(unknown_key((*key, name), fields))
            continue
        read = _read(value, fields[name].wanted, (*key, name), mistakes)
        if read is not _UNFIT:
            values[name] = read
    missing = (field.name for field in fields.values() if field.required and field.name not in table)
    mistakes.extend(Mistake((*key, name), "missing") for name in missing)
    return values


def unknown_key(key: Key, known: Collection[str]) -> Mistake:
    """The mistake for a key that nobody knows."""
    return Mistake(key, f"unknown key{did_you_mean(str(key[-1]), known)}")


def build(kind: type, table: Mapping[str, Any], key: Key, mistakes: list[Mistake]) -> Any | None:
    """An instance of ``kind``; None where a required value is missing or its own rules refuse it."""
    values = read_options(kind, table, key, mistakes)
    if any(field.required and field.name not in values for field in fields_of(kind).values()):
        return None
    try:
        return kind(**values)
    except ValueError as error:
        mistakes.append(refusal(error, key, fields_of(kind)))
        return None


def refusal(error: ValueError, key: Key, fields: Collection[str]) -> Mistake:
    """A ValueError as a mistake; a text that begins with ``FIELD: `` or ``FIELD.KEY: `` is placed there."""
    text = str(error) or type(error).__name__
    name, colon, rest = text.partition(": ")
    path = name.split(".")
    return Mistake((*key, *path), rest) if colon and path[0] in fields else Mistake(key, text)


def _read(value: Any, wanted: Any, key: Key, mistakes: list[Mistake]) -> Any:
    bare = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    if get_origin(bare) in (Union, UnionType):
        bare = _without_none(bare)
    if _is_record(bare):
        return _read_record(value, bare, key, mistakes)
    if get_origin(bare) is dict:
        return _read_table(value, get_args(bare)[1], key, mistakes)
    if (item := _item_of(bare)) is not None:
        return _read_array(value, bare, item, key, mistakes)
    return _read_leaf(value, wanted if get_origin(wanted) is Annotated else bare, key, mistakes)


def _without_none(union: Any) -> Any:
    """``X`` of ``X | None``, because TOML has no null; other unions as they are."""
    kinds = [kind for kind in get_args(union) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else union


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct))


def _item_of(kind: Any) -> Any | None:
    """The type of the items, where the array may have any length."""
    arguments = [argument for argument in get_args(kind) if argument is not Ellipsis]
    is_pair = get_origin(kind) is tuple and Ellipsis not in get_args(kind)
    return arguments[0] if get_origin(kind) in _COLLECTIONS and not is_pair else None


def _read_record(value: Any, kind: type, key: Key, mistakes: list[Mistake]) -> Any:
    if not isinstance(value, dict):
        return _unfit(f"expected a table, got {_name_of(value)}", key, mistakes)
    built = build(kind, value, key, mistakes)
    return _UNFIT if built is None else built


def _read_table(value: Any, wanted: Any, key: Key, mistakes: list[Mistake]) -> Any:
    if not isinstance(value, dict):
        return _unfit(f"expected a table, got {_name_of(value)}", key, mistakes)
    read = {name: _read(item, wanted, (*key, name), mistakes) for name, item in value.items()}
    return {name: item for name, item in read.items() if item is not _UNFIT}


def _read_array(value: Any, kind: Any, wanted: Any, key: Key, mistakes: list[Mistake]) -> Any:
    if not isinstance(value, list):
        return _unfit(f"expected an array, got {_name_of(value)}", key, mistakes)
    read = [_read(item, wanted, (*key, number), mistakes) for number, item in enumerate(value)]
    return _UNFIT if _UNFIT in read else get_origin(kind)(read)


def _read_leaf(value: Any, wanted: Any, key: Key, mistakes: list[Mistake]) -> Any:
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        return _unfit(_reason(value, wanted, str(error)), key, mistakes)


def _reason(value: Any, wanted: Any, text: str) -> str:
    """msgspec's words as a postmaster would read them."""
    choices = get_args(wanted) if get_origin(wanted) is Literal else ()
    if choices and isinstance(value, str):
        listed = ", ".join(map(str, choices))
        return f'"{value}" is not one of {listed}{did_you_mean(value, map(str, choices))}'
    plain = _PATH.sub("", text).replace("`", "")
    return plain[:1].lower() + plain[1:] + ("" if "got" in plain else f", got {value!r}")


def _unfit(text: str, key: Key, mistakes: list[Mistake]) -> _Unfit:
    mistakes.append(Mistake(key, text))
    return _UNFIT


def _name_of(value: object) -> str:
    return _TOML_NAMES.get(type(value), repr(value))
