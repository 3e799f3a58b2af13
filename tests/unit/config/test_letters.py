"""Templates around answers, and standard answers, are tried when the configuration is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.check.load import load
from mailproc.config import ConfigurationError

DESK = '[desk.support]\naddresses = ["support@example.org"]\n'


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mailproc.toml"
    path.write_text(text)
    try:
        load(path, {}, hostname=lambda: "mail.example.org")
    except ConfigurationError as error:
        return [line.removeprefix(f"{path}:") for line in error.lines]
    return []


@pytest.mark.parametrize("key", ["sender", "salutation", "signature"])
def test_a_broken_template_is_told_with_its_line(tmp_path: Path, key: str) -> None:
    (found,) = mistakes(tmp_path, f'{DESK}{key} = "{{{{ custmer.name }}}}"\n')
    assert found == f'3: desk.support.{key}: unknown name "custmer" (did you mean "customer"?)'


def test_from_needs_a_name(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f'{DESK}sender = " "\n') == [
        "3: desk.support.sender: is empty: From needs a name"
    ]


def test_a_broken_standard_answer_is_told_once_for_all_desks(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/refund.txt").write_text("{{ customer.nmae }}")
    other = '[desk.sales]\naddresses = ["sales@example.org"]\n'
    (found,) = mistakes(tmp_path, f'canned = ["answers"]\n{DESK}{other}')
    assert found.startswith("1: canned: ")
    assert "refund" in found


def test_templates_and_standard_answers_that_are_whole_are_no_mistakes(tmp_path: Path) -> None:
    text = """sender = "{{ agent }}"
    salutation = "Hello {{ customer.name }}, {{ notes.contract }}"
    signature = "{{ desk }} {{ address }} {{ number }} {{ tag }}"
    """
    assert mistakes(tmp_path, DESK + text) == []
