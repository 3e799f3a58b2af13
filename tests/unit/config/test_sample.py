"""sample.toml is true: it loads, it holds every key, and what it shows as a default is the default."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from mailproc.check.load import load
from mailproc.check.schema import configuration_schema
from mailproc.config import Config, ConfigurationError, Section
from mailproc.model.option import Field, fields_of, read_options
from mailproc.pipeline.assembly import StageTable
from mailproc.pipeline.loader import Library

SAMPLE = Path(__file__).resolve().parents[3] / "sample.toml"
COMMENTED = re.compile(r"^#(?=[a-z_\[])", re.MULTILINE)
# Tables that a site names itself, with the struct of each; keys of a dict are the names.
NAMED = ("calendar", "desk", "agent", "dkim")


def whole() -> dict[str, Any]:
    """The sample with every commented key in force."""
    return tomllib.loads(COMMENTED.sub("", SAMPLE.read_text()))


def commented() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each commented key with its table, and its value."""
    table: tuple[str, ...] = ()
    for line in SAMPLE.read_text().splitlines():
        bare = line.removeprefix("#")
        if re.match(r"#?\[", line):
            table = tuple(bare.partition("]")[0].strip("[").split("."))
        elif COMMENTED.match(line) and not is_example(table):
            ((key, value),) = tomllib.loads(bare).items()
            yield (*table, key), value


def is_example(table: tuple[str, ...]) -> bool:
    """Whether a table stands in an option of a stage: none of its keys shows a default."""
    return table[:1] == ("stage",) and len(table) > 2


def section_of(table: tuple[str, ...]) -> type[msgspec.Struct]:
    if not table:
        return Config
    if table[0] == "stage":
        return StageTable
    kind: Any = Config
    for name in table:
        hints = get_type_hints(kind)
        if kind is Config and name in NAMED:
            kind = get_args(hints[name])[1]
        elif name in hints:  # else it is the name of a named table
            kind = next((inner for inner in get_args(hints[name]) if inner is not type(None)), hints[name])
    return kind  # type: ignore[no-any-return]


def option_of(key: tuple[str, ...]) -> Field:
    """The field of a key; in a stage's table that of its filter, where it is none of every stage."""
    if key[0] == "stage" and key[-1] not in fields_of(StageTable):
        library = Library([])
        path = library.find(key[1])
        assert path is not None, key
        return fields_of(library.load(path).kind)[key[-1]]
    return fields_of(section_of(key[:-1]))[key[-1]]


def missing_keys(
    section: type[msgspec.Struct], table: Mapping[str, Any], where: tuple[str, ...] = ()
) -> Iterator[str]:
    for field in fields_of(section).values():
        name = (*where, field.name)
        if field.name not in table:
            yield ".".join(name)
            continue
        inner = section_of(name) if not_a_value(field.wanted) else None
        if inner is not None and issubclass(inner, Section):
            found = table[field.name]
            tables = found.values() if field.name in NAMED else found if isinstance(found, list) else [found]
            yield from missing_keys(inner, next(iter(tables)), name)


def not_a_value(wanted: Any) -> bool:
    return any(
        isinstance(kind, type) and issubclass(kind, msgspec.Struct) for kind in (wanted, *get_args(wanted))
    )


def test_the_sample_loads_without_mistakes_and_warnings() -> None:
    assert load(SAMPLE, {}).warnings == ()


def test_the_sample_holds_every_key() -> None:
    table = whole()
    assert list(missing_keys(Config, table)) == []
    stage_keys = {key for stage in table["stage"].values() for key in stage}
    assert set(fields_of(StageTable)) <= stage_keys


def test_the_sample_holds_no_key_that_is_none() -> None:
    mistakes: list[Any] = []
    read_options(Config, whole(), (), mistakes)
    assert mistakes == []


def test_a_commented_key_shows_its_default_or_an_example_where_the_default_is_nothing() -> None:
    wrong = {}
    for key, value in commented():
        field = option_of(key)
        assert field.make_default is not None
        default = msgspec.to_builtins(field.make_default())
        is_nothing = default in ("", [], (), {}, True) or default is None
        if value != (list(default) if isinstance(default, tuple) else default) and not is_nothing:
            wrong[".".join(key)] = (value, default)
    assert wrong == {}


def test_every_key_of_the_structs_is_explained_beside_it() -> None:
    """The reference is made of these comments, and so is what an editor shows."""
    definitions = configuration_schema()["$defs"]
    plain = {"name", "user", "password"}
    bare = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        if name.endswith("Section")
        for key, schema in definition["properties"].items()
        if "description" not in schema and key not in plain
    ]
    assert bare == []


def mutations() -> list[tuple[str, str, str]]:
    """Every key in force, misspelt and with a value of another kind: (key, what was done, whole text)."""
    made = []
    lines = SAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        found = re.match(r"([a-z_]+) = (\[|\"|\d|true|false)", line)
        if found is None:
            continue
        misspelt = line.replace(found[1], f"{found[1]}x", 1)
        other_kind = f"{found[1]} = " + ("3" if found[2] in '["' else '"x"')
        for what, changed in (("misspelt", misspelt), ("of another kind", other_kind)):
            made.append((f"{number + 1}", what, "\n".join([*lines[:number], changed, *lines[number + 1 :]])))
    return made


@pytest.mark.parametrize(("line", "what", "text"), mutations(), ids=lambda value: value[:20])
def test_whichever_key_is_wrong_its_line_is_told(tmp_path: Path, line: str, what: str, text: str) -> None:
    path = tmp_path / "mailproc.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert [found for found in caught.value.lines if found.startswith(f"{path}:{line}: ")]
