"""A chain is built from names and tables, and all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mailproc.model.mistake import Findings
from mailproc.pipeline.assembly import Supplies, build_chain
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.loader import Library
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.pipeline.verdict import OnError
from mailproc.stage import LookUps

Write = Callable[..., Path]
LOOK_UPS = LookUps(Unanswered(), Unanswered(), Unanswered(), (), "mail.example.org")

OPTIONS = """
    from __future__ import annotations
    from dataclasses import dataclass, field
    from typing import Literal
    from mailproc.stage import CONTINUE, Delivery, LookUps, Pattern, Stage, Verdict, compile_pattern

    @dataclass(frozen=True)
    class Source:
        path: str
        weight: float = 1.0

    @dataclass
    class Filter(Stage):
        domains: frozenset[str]
        mode: Literal["all", "any"] = "any"
        count: int | None = None
        words: tuple[str, ...] = ()
        weights: dict[str, float] = field(default_factory=dict)
        source: Source | None = None
        sources: tuple[Source, ...] = ()
        pattern: str = "."
        template: str = ""
        _compiled: Pattern = field(init=False, repr=False)

        def __post_init__(self) -> None:
            try:
                self._compiled = compile_pattern(self.pattern)
            except ValueError as error:
                raise ValueError(f"pattern: {error}") from None

        async def open(self, look_ups: LookUps) -> None:
            if self.template:
                raise ValueError(f"template: no {self.template}.j2 in {len(look_ups.stages)} places")

        async def process(self, delivery: Delivery) -> Verdict:
            delivery.score("hits", len(self.domains))
            return CONTINUE
"""

Build = Callable[..., tuple[Chain, list[str]]]


@pytest.fixture
def build(write_filter: Write) -> Build:
    """Build a chain of the filter above and others; mistakes as ``key: text``."""
    folder = write_filter("options", OPTIONS).parent

    def build(
        names: list[str], tables: Mapping[str, Mapping[str, Any]], everywhere: tuple[str, ...] = ()
    ) -> tuple[Chain, list[str]]:
        findings = Findings()
        stages = frozenset((*names, *everywhere))
        supplies = Supplies(tables, Library([folder]), folder.parent, stages, LOOK_UPS)
        chain = build_chain(("desk", "support", "chain"), names, supplies, findings)
        found = [*findings.mistakes, *findings.warnings]
        return chain, [f"{mistake.name}: {mistake.text}" for mistake in found]

    return build


def test_options_become_typed_fields(build: Build) -> None:
    table = {
        "domains": ["a.example", "b.example"],
        "mode": "all",
        "count": 3,
        "words": ["x"],
        "weights": {"x": 1},
        "source": {"path": "p"},
        "sources": [{"path": "q", "weight": 2}],
    }
    chain, mistakes = build(["options"], {"options": table})
    assert mistakes == []
    options = chain.steps[0].options
    assert options["domains"] == frozenset({"a.example", "b.example"})
    assert options["words"] == ("x",)
    assert options["weights"] == {"x": 1.0}
    assert repr(options["source"]) == "Source(path='p', weight=1.0)"
    assert repr(options["sources"]) == "(Source(path='q', weight=2.0),)"
    assert "_compiled" not in options


def test_every_wrong_option_is_told(build: Build) -> None:
    table = {
        "domain": "x",
        "mode": "al",
        "count": "3",
        "words": "x",
        "weights": {"x": "heavy"},
        "source": {"weight": 1, "wieght": 2},
        "timeout": 0,
        "on_error": "stop",
    }
    _, mistakes = build(["options"], {"options": table})
    assert sorted(mistakes) == [
        "stage.options.count: expected int, got str",
        'stage.options.domain: unknown key (did you mean "domains"?)',
        "stage.options.domains: missing",
        'stage.options.mode: "al" is not one of all, any (did you mean "all"?)',
        'stage.options.on_error: "stop" is not one of continue, defer',
        "stage.options.source.path: missing",
        'stage.options.source.wieght: unknown key (did you mean "weight"?)',
        "stage.options.timeout: expected float > 0.0, got 0",
        "stage.options.weights.x: expected float, got str",
        "stage.options.words: expected an array, got a string",
    ]


@pytest.mark.parametrize(
    ("option", "mistake"),
    [
        ({"pattern": "(a"}, "stage.options.pattern: bad pattern '(a': missing ): (a"),
        ({"template": "ack"}, "stage.options.template: no ack.j2 in 1 places"),
    ],
)
def test_what_the_filter_itself_refuses_is_told_at_its_option(
    build: Build, option: dict[str, str], mistake: str
) -> None:
    _, mistakes = build(["options"], {"options": {"domains": [], **option}})
    assert mistakes == [mistake]


def test_a_stage_without_a_table_is_told_at_its_place_in_the_chain(build: Build) -> None:
    _, mistakes = build(["automatic", "options"], {})
    assert mistakes == ["desk.support.chain[1].domains: missing"]


def test_a_stage_may_use_another_filter_by_name_or_by_file(build: Build) -> None:
    tables = {"one": {"use": "options", "domains": []}, "two": {"use": "filters/options.py", "domains": []}}
    chain, mistakes = build(["one", "two"], tables)
    assert mistakes == []
    assert [(step.name, step.file.name) for step in chain.steps] == [
        ("one", "options.py"),
        ("two", "options.py"),
    ]


@pytest.mark.parametrize(
    ("names", "tables", "mistake"),
    [
        (["optoins"], {}, 'desk.support.chain[0]: no such stage "optoins" (did you mean "options"?)'),
        (["x"], {"x": {"use": "optoins"}}, 'stage.x.use: no such filter "optoins" (did you mean "options"?)'),
        (["x"], {"x": {"use": "filters/none.py"}}, 'stage.x.use: no such filter "filters/none.py"'),
        (["x"], {"x": {"use": 3}}, 'stage.x.use: no such filter "3"'),
    ],
)
def test_a_filter_that_is_not_there_is_told(
    build: Build, names: list[str], tables: dict[str, Any], mistake: str
) -> None:
    assert build(names, tables)[1] == [mistake]


def test_a_broken_filter_leaves_the_other_stages_to_be_checked(build: Build, write_filter: Write) -> None:
    write_filter("broken", "x = (")
    _, mistakes = build(["broken", "spam"], {"spam": {"hma": 1}})
    assert mistakes == [
        "desk.support.chain[0]: cannot be loaded: SyntaxError: '(' was never closed",
        'stage.spam.hma: unknown key (did you mean "ham"?)',
    ]


def test_the_common_keys_are_kept(build: Build) -> None:
    table = {"domains": [], "when": "spam.score > 0.9", "timeout": 3, "on_error": "defer"}
    chain, mistakes = build(["spam", "options"], {"options": table})
    assert mistakes == []
    step = chain.steps[1]
    assert step.when is not None
    assert (step.when.source, step.timeout, step.on_error) == ("spam.score > 0.9", 3.0, OnError.DEFER)


def test_when_false_switches_a_stage_off(build: Build, delivery: Delivery) -> None:
    chain, mistakes = build(["options"], {"options": {"domains": [], "when": False}})
    assert mistakes == []
    assert chain.steps[0].when is not None
    assert not chain.steps[0].when.holds(delivery)


@pytest.mark.parametrize(
    ("when", "mistake"),
    [
        ("spma.score > 0.9", 'stage.options.when: unknown name "spma" (did you mean "spam"?)'),
        ("spam.scor > 0.9", 'stage.options.when: unknown name "spam.scor" (did you mean "score"?)'),
        ("options.hit", 'stage.options.when: unknown name "options.hit" (did you mean "hits"?)'),
        (3, "stage.options.when: expected bool | str, got int"),
    ],
)
def test_a_wrong_condition_is_told_at_its_key(build: Build, when: object, mistake: str) -> None:
    assert build(["spam", "options"], {"options": {"domains": [], "when": when}})[1] == [mistake]


def test_a_stage_of_another_desks_chain_is_absent_with_a_warning(build: Build) -> None:
    tables = {"options": {"domains": [], "when": "not spam.score > 0.9"}}
    chain, found = build(["options"], tables, everywhere=("spam",))
    assert found == ['stage.options.when: desk support has no stage "spam", there it is absent']
    assert len(chain.steps) == 1


async def test_a_rehearsed_stage_is_still_as_it_was(build: Build, delivery: Delivery) -> None:
    chain, mistakes = build(["ticket", "spam"], {})
    assert mistakes == []
    assert not hasattr(chain.steps[0].stage, "_tickets")
