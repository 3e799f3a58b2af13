"""Filters are loaded by path, afresh each time, and a broken one is a mistake with its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproc.pipeline.loader import BrokenFilter, FilterFile, Library, shipped_filters
from mailproc.pipeline.verdict import OnError

Write = Callable[..., Path]

GOOD = """
    from __future__ import annotations
    from dataclasses import dataclass
    from mailproc.stage import CONTINUE, Delivery, Stage, Verdict

    @dataclass(frozen=True)
    class Filter(Stage):
        level: int = 1

        async def process(self, delivery: Delivery) -> Verdict:
            delivery.score("level", self.level)
            return CONTINUE
"""


def load(name: str, *folders: Path) -> FilterFile:
    library = Library(folders)
    path = library.find(name)
    assert path is not None
    return library.load(path)


def test_a_sites_own_filter_is_found_before_a_shipped_one(write_filter: Write) -> None:
    path = write_filter("spam", GOOD)
    assert load("spam", path.parent).path == path
    assert load("spam").path == shipped_filters() / "spam.py"


def test_a_filter_is_loaded_without_touching_the_search_path(write_filter: Write) -> None:
    before = list(sys.path)
    found = load("own", write_filter("own", GOOD).parent)
    assert found.kind.__module__ == "mailproc_filters.own"
    assert sys.path == before


def test_one_library_loads_a_file_once_and_another_afresh(write_filter: Write) -> None:
    path = write_filter("own", GOOD)
    library = Library([path.parent])
    assert library.load(path).kind is library.load(path).kind
    write_filter("own", GOOD.replace("= 1", "= 2"))  # of the same size, in the same second
    assert Library([path.parent]).load(path).kind().level == 2  # type: ignore[attr-defined]


def test_a_package_with_relative_imports_is_a_filter(write_filter: Write, tmp_path: Path) -> None:
    write_filter(
        "own/__init__",
        GOOD.replace("level: int = 1", "level: int = LEVEL").replace(
            "from dataclasses", "from .levels import LEVEL\n    from dataclasses"
        ),
    )
    write_filter("own/levels", "LEVEL = 7")
    found = load("own", tmp_path / "filters")
    assert found.kind().level == 7  # type: ignore[attr-defined]
    assert found.name == "own"


def test_two_files_of_one_name_are_two_modules(write_filter: Write) -> None:
    one, two = write_filter("a/own", GOOD), write_filter("b/own", GOOD)
    library = Library([])
    modules = {library.load(path).kind.__module__ for path in (one, two)}
    assert modules == {"mailproc_filters.own", "mailproc_filters.own__2"}


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ("x = (", 1, "cannot be loaded: SyntaxError: '(' was never closed"),
        ("x = 1\nraise SystemExit(3)", 2, "cannot be loaded: SystemExit: 3"),
        ("def f():\n    return nmae\n\nf()", 2, "cannot be loaded: NameError: name 'nmae' is not defined"),
        (
            "import no_such_module",
            1,
            "cannot be loaded: ModuleNotFoundError: No module named 'no_such",
        ),
        ("from . import spam", 1, "cannot be loaded: ModuleNotFoundError: "),
        ("x = 1", 1, "holds no class Filter(Stage)"),
        ("class Filter:\n    pass", 1, "holds no class Filter(Stage)"),
        (
            "from mailproc.stage import Stage\nclass Filter(Stage):\n    pass",
            2,
            'class Filter has no "async def pro',
        ),
        (
            "from mailproc.stage import Stage\nclass Filter(Stage):\n    n: int = 1",
            2,
            "class Filter has fields and is",
        ),
        (GOOD.replace("level: int", "timeout: int"), 7, 'field "timeout" is a key of every stage'),
        (GOOD.replace("level: int", "level: Unknown"), 7, "class Filter has a field without a usable type"),
        (GOOD.replace("level: int", "on_error = 'x'\n        level: int"), 7, "class Filter: on_error is "),
    ],
)
def test_a_broken_filter_is_told_with_its_file_and_line(
    write_filter: Write, source: str, line: int, text: str
) -> None:
    path = write_filter("own", source)
    before = set(sys.modules)
    with pytest.raises(BrokenFilter) as caught:
        Library([]).load(path)
    assert (caught.value.file, caught.value.line) == (path, line)
    assert str(caught.value).startswith(text)
    if "cannot be loaded" in text:
        assert "mailproc_filters.own" not in set(sys.modules) - before


def test_a_filter_may_say_that_its_failure_defers(write_filter: Write) -> None:
    line = "on_error: ClassVar[OnError] = OnError.DEFER\n        level: int"
    source = (
        GOOD.replace("level: int", line)
        .replace("import CONTINUE", "import OnError, CONTINUE")
        .replace("from dataclasses", "from typing import ClassVar\n    from dataclasses")
    )
    assert load("own", write_filter("own", source).parent).on_error is OnError.DEFER


@pytest.mark.parametrize(
    ("change", "scores"),
    [
        (("", ""), {"level"}),
        (('delivery.score("level", self.level)', "pass"), set()),
        (('"level"', "str(self.level)"), None),
        (('delivery.score("level", self.level)', "put = delivery.score"), None),
        (
            (
                'delivery.score("level", self.level)',
                'delivery.score("a", other.score); delivery.score("b", 1)',
            ),
            {"a", "b"},
        ),
    ],
)
def test_the_scores_that_a_filter_publishes_are_read_from_its_source(
    write_filter: Write, change: tuple[str, str], scores: set[str] | None
) -> None:
    path = write_filter("own", GOOD.replace(*change) if change[0] else GOOD)
    assert Library([]).load(path).scores == scores


def test_a_librarys_names_are_files_and_packages(write_filter: Write) -> None:
    write_filter("own/__init__", GOOD)
    folder = write_filter("other", GOOD).parent
    names = Library([folder]).names()
    assert {"own", "other", "spam", "ticket"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize("use", ["../other", "a b", "", "no_such", "/etc/none.py"])
def test_what_is_no_filter_is_not_found(use: str) -> None:
    assert Library([]).find(use) is None
