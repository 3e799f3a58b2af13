"""``mailproc stages``: what is shown of each stage, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailproc.cli import main

CONFIGURATION = """\
data_dir = "state"
[desk.support]
addresses = ["support@example.org"]
chain = ["ticket", "enrich"]
[stage.enrich.source.crm]
url = "postgresql://reader:hunter2@db.example.org/crm"
password = "hunter2"
query = "SELECT name FROM customer WHERE mail = :sender"
values = ["name"]
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "mailproc.toml"
    path.write_text(CONFIGURATION)
    path.chmod(0o600)
    return path


def test_secrets_of_a_stage_are_not_shown(configuration: Path) -> None:
    for arguments in (["stages"], ["stages", "--json"]):
        shown = CliRunner().invoke(main, ["-c", str(configuration), *arguments]).output
        assert "hunter2" not in shown
        assert "postgresql://reader:…@db.example.org/crm" in shown


def test_options_are_shown_as_they_are(configuration: Path) -> None:
    shown = CliRunner().invoke(main, ["-c", str(configuration), "stages", "--json"]).stdout
    rows = [json.loads(line) for line in shown.splitlines()]
    (source,) = [row["options"]["source"]["crm"] for row in rows if row["stage"] == "enrich"]
    assert (source["values"], source["timeout"], source["later"]) == (["name"], 2.0, True)


def test_a_password_of_a_source_in_a_file_that_everyone_reads_is_warned_of(configuration: Path) -> None:
    configuration.chmod(0o644)
    said = CliRunner().invoke(main, ["-c", str(configuration), "check"]).output
    assert "mailproc.toml:7: stage.enrich.source.crm.password: everyone may read this file" in said
