"""The reference and the how-to say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mailproc.check.load import load, make_chains
from mailproc.config import Config
from mailproc.model.option import fields_of
from mailproc.pipeline.sandbox import ALLOWED_FILTERS
from mailproc.pipeline.when import VARIABLES, Scores, compile_when
from tests.unit.config.test_sample import section_of

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text()
HOWTO = (ROOT / "docs/howto/filter.md").read_text()
TABLES = (
    "store",
    "bucket",
    "lmtp",
    "smtp",
    "submission",
    "relay",
    "imap",
    "dkim",
    "limits",
    "log",
    "metrics",
    "calendar",
    "desk",
    "agent",
    "stage",
)


def test_the_reference_names_every_key() -> None:
    keys = set(re.findall(r"`(?:[a-z]+\.)?…?([a-z_0-9]+)`", REFERENCE))
    known = {key for table in TABLES for key in fields_of(section_of((table,)))} | set(fields_of(Config))
    for inner in (("imap", "names"), ("desk", "support", "target"), ("desk", "support", "escalation")):
        known |= set(fields_of(section_of(inner)))
    assert known - keys - set(TABLES) == set()


def test_the_reference_names_every_variable_and_filter_of_conditions() -> None:
    names = set(re.findall(r"[a-z_]+", REFERENCE))
    assert {*VARIABLES, *ALLOWED_FILTERS} - names - {"d"} == set()


def test_the_conditions_of_the_reference_compile() -> None:
    stages: dict[str, Scores] = {"spam": frozenset({"score"})}
    for source in re.findall(r'^when = "(.*)"$', REFERENCE + HOWTO, re.MULTILINE):
        compile_when(source, stages)


def test_the_how_tos_filter_is_the_shipped_one() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", HOWTO, re.MULTILINE | re.DOTALL)
    assert blocks[0] == (ROOT / "filters/sender_tag.py").read_text()


def test_the_how_tos_configuration_loads(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", HOWTO, re.MULTILINE | re.DOTALL)
    path = tmp_path / "mailproc.toml"
    path.write_text(text)
    (tmp_path / "filters").mkdir()
    (tmp_path / "filters/sender_tag.py").write_text((ROOT / "filters/sender_tag.py").read_text())
    chain = make_chains(load(path, {}))["support"]
    step = next(step for step in chain.steps if step.name == "sender_tag")
    assert step.file == tmp_path / "filters/sender_tag.py"
    assert step.options["domains"] == frozenset(tomllib.loads(text)["stage"]["sender_tag"]["domains"])
