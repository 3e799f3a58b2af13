"""The JSON schema of a configuration file (JSON Schema 2020-12), with the shipped filters' options.

A key's description is the comment beside its field, so that an editor shows what a reader of the source
sees.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import msgspec

from mailproc.config import Config
from mailproc.model.option import fields_of
from mailproc.pipeline.assembly import StageTable
from mailproc.pipeline.loader import FilterFile, Library

Schema = dict[str, Any]

_REFERENCE = "#/$defs/{name}"
_COMMENT = re.compile(r"\s#\s+(.*)$")


def configuration_schema() -> Schema:
    """A schema for editors; what depends on other keys or on files is left to ``mailproc check``."""
    library = Library(())
    filters = [library.load(path) for name in library.names() if (path := library.find(name))]
    kinds = [Config, *map(_stage_struct, filters)]
    (_, *stages), definitions = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    config = definitions.pop("Config")
    config["properties"]["stage"] = {
        "type": "object",
        "description": "options of each stage, beside use, when, timeout and on_error",
        "properties": {found.name: stage for found, stage in zip(filters, stages, strict=True)},
        "additionalProperties": {"type": "object"},
    }
    definitions["DeskSection"]["required"] = ["addresses"]
    _describe(config, definitions, filters)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **config, "$defs": definitions}


def _stage_struct(found: FilterFile) -> type[msgspec.Struct]:
    """A filter's fields beside the keys of every stage, as one closed table."""
    keys = [
        (key.name, key.wanted, msgspec.field(default_factory=key.make_default))
        if key.make_default
        else (key.name, key.wanted)
        for key in fields_of(found.kind).values()
    ]
    return msgspec.defstruct(
        _definition_of(found), keys, bases=(StageTable,), kw_only=True, forbid_unknown_fields=True
    )


def _definition_of(found: FilterFile) -> str:
    return f"{found.name.title().replace('_', '')}Stage"


def _describe(config: Schema, definitions: Schema, filters: list[FilterFile]) -> None:
    sources = _comments(Path(inspect.getfile(Config)))
    common = _comments(Path(inspect.getfile(StageTable)))["StageTable"]
    _add_descriptions(config, sources["Config"])
    for name, comments in sources.items():
        if name in definitions:
            _add_descriptions(definitions[name], comments)
    for found in filters:
        own = _comments(found.path).get("Filter", {})
        _add_descriptions(definitions[_definition_of(found)], common | own)


def _add_descriptions(definition: Schema, comments: dict[str, str]) -> None:
    for name, schema in definition.get("properties", {}).items():
        if name in comments:
            schema.setdefault("description", comments[name])


def _comments(source: Path) -> dict[str, dict[str, str]]:
    """Class by class, the comment on the line of each field."""
    text = source.read_text(encoding="utf-8")
    lines = text.splitlines()
    return {
        node.name: {
            field.target.id: found[1]
            for field in node.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if (found := _COMMENT.search(lines[(field.end_lineno or field.lineno) - 1]))
        }
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }
