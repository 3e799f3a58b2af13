"""``check``, ``stages`` and ``schema``, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from mailproc.cli import main
from mailproc.config import DEFAULT_CHAIN
from tests.unit.config.conftest import DESK


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mailproc.toml"
    path.write_text(text)
    return str(path)


def test_check_tells_all_mistakes_on_standard_error_with_status_2(tmp_path: Path) -> None:
    path = written(tmp_path, f"wrkers = 2\n{DESK}nmae = 1\n")
    result = CliRunner().invoke(main, ["-c", path, "check"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f'{path}:1: wrkers: unknown key (did you mean "workers"?)',
        f'{path}:4: desk.support.nmae: unknown key (did you mean "name"?)',
    ]


def test_check_says_ok_and_warns_on_standard_error_with_status_0(tmp_path: Path) -> None:
    path = written(tmp_path, DESK)
    result = CliRunner().invoke(main, ["-c", path, "check"])
    assert result.exit_code == 0
    assert result.stdout == f"{path}: ok\n"
    assert all(line.startswith(f"warning: {path}:") for line in result.stderr.splitlines())


def test_the_configuration_is_found_by_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, DESK)
    result = CliRunner().invoke(main, ["check"], env={"MAILPROC_CONFIG": path})
    assert result.stdout == f"{path}: ok\n"


def test_a_missing_configuration_is_status_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["-c", str(tmp_path / "none.toml"), "check"])
    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path}/none.toml: cannot be read: No such file or directory\n"


def test_stages_prints_each_chain_in_order_with_options_and_file(tmp_path: Path) -> None:
    stages = '[stage.ticket]\nwhen = "spam.score < 0.9"\n[stage.spam]\nham = 0.1\n'
    text = f'{DESK}chain = ["spam", "ticket"]\n{stages}'
    result = CliRunner().invoke(main, ["-c", written(tmp_path, text), "stages"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Desk support"
    assert lines[1].split()[:2] == ["1", "spam"]
    assert lines[1].endswith("filters/spam.py")
    assert "ham = 0.1" in lines[2]
    ticket = next(number for number, line in enumerate(lines) if line.split()[:2] == ["2", "ticket"])
    assert lines[ticket + 1].strip() == 'when = "spam.score < 0.9"'


def test_stages_as_json_is_one_line_for_each_stage_of_each_desk(tmp_path: Path) -> None:
    text = f'{DESK}[desk.sales]\naddresses = ["sales@example.org"]\nchain = ["ticket"]\n'
    result = CliRunner().invoke(main, ["-c", written(tmp_path, text), "stages", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["desk"], row["stage"]) for row in rows] == [
        *(("support", stage) for stage in DEFAULT_CHAIN),
        ("sales", "ticket"),
    ]
    assert {"file", "when", "timeout", "on_error", "options"} <= rows[0].keys()


def test_schema_needs_no_configuration() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "Config"
