"""The JSON schema says what the configuration may hold, for editors."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mailproc.check.schema import configuration_schema
from mailproc.config import Config
from mailproc.model.option import fields_of
from mailproc.pipeline.loader import COMMON_KEYS, shipped_filters

SAMPLE = Path(__file__).resolve().parents[3] / "sample.toml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(json.dumps(configuration_schema()))  # type: ignore[no-any-return]


def resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in node:
        node = next(one for one in node["anyOf"] if one.get("type") != "null")
    if "$ref" in node:
        return schema["$defs"][node["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return node


def strangers(schema: dict[str, Any], node: dict[str, Any], table: dict[str, Any], name: str) -> list[str]:
    """Keys of a table that the schema does not know."""
    node = resolve(schema, node)
    found = []
    for key, value in table.items():
        others = node.get("additionalProperties", {})  # nothing said: anything goes
        inner = node.get("properties", {}).get(key, others)
        if inner is False:
            found.append(f"{name}{key}")
        elif isinstance(value, dict):
            found += strangers(schema, inner, value, f"{name}{key}.")
    return found


def test_the_schema_knows_every_key_of_the_configuration(schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) == set(fields_of(Config))


def test_the_sample_holds_nothing_that_the_schema_does_not_know(schema: dict[str, Any]) -> None:
    assert strangers(schema, schema, tomllib.loads(SAMPLE.read_text()), "") == []


def test_an_unknown_key_is_outside_the_schema(schema: dict[str, Any]) -> None:
    table = {"wrkers": 2, "relay": {"tsl": "none"}, "stage": {"spam": {"hma": 1}, "own": {"any": 1}}}
    assert strangers(schema, schema, table, "") == ["wrkers", "relay.tsl", "stage.spam.hma"]


def test_every_shipped_filter_has_its_options_beside_the_common_keys(schema: dict[str, Any]) -> None:
    stages = resolve(schema, schema["properties"]["stage"])["properties"]
    assert set(stages) == {path.stem for path in shipped_filters().glob("*.py")}
    assert all(set(resolve(schema, stage)["properties"]) >= COMMON_KEYS for stage in stages.values())


def test_options_are_described_by_the_comments_beside_them(schema: dict[str, Any]) -> None:
    assert schema["properties"]["workers"]["description"] == "processes"
    timeout = schema["$defs"]["TicketStage"]["properties"]["timeout"]
    assert timeout["description"] == "seconds"
