"""The table of attacks in the manual: none is left out, and every test that it names is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.unit.desk.office import ROOT

PAGE = (ROOT / "docs" / "reference" / "attacks.md").read_text()
ROWS = dict(re.findall(r"^\| (A\d+) \| (.+) \|$", PAGE, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
AS_TESTS = ("A1", "A2", "A3", "A4", "A5", "A19", "A20", "A21", "A22", "A23", "A24", "A30", "A31")


def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_attack_has_its_row() -> None:
    assert list(ROWS) == [f"A{number}" for number in range(1, 36)]


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_is_named_is_there(path: str, name: str) -> None:
    assert name in names_in(path) if name else names_in(path)


@pytest.mark.parametrize("attack", sorted(ROWS))
def test_every_row_names_a_test_or_says_why_not(attack: str) -> None:
    assert "`tests/" in ROWS[attack] or re.search(r"not yet|there is no", ROWS[attack])


@pytest.mark.parametrize("attack", AS_TESTS)
def test_each_line_has_a_test_that_is_named_after_it(attack: str) -> None:
    number = f"a{int(attack[1:]):02}"
    (path,) = (ROOT / "tests" / "attacks").glob(f"test_{number}_*.py")
    assert f"tests/attacks/{path.name}" in ROWS[attack]
    assert all(name.startswith(f"test_{number}_") for name in names_in(f"tests/attacks/{path.name}"))


def test_every_test_of_a_published_hole_is_in_its_table() -> None:
    names = set()
    for path in (ROOT / "tests" / "attacks").glob("test_published_holes*.py"):
        names |= names_in(f"tests/attacks/{path.name}")
    missing = [name for name in names if name not in PAGE]
    assert missing == []
