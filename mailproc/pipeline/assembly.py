"""From the names in ``chain`` and the ``[stage.NAME]`` tables to a chain; every mistake is collected."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mailproc.model.mistake import Findings, Key, Mistake, did_you_mean
from mailproc.model.option import build, fields_of, refusal, unknown_key
from mailproc.pipeline.chain import DEFAULT_TIMEOUT, Chain, Step
from mailproc.pipeline.loader import COMMON_KEYS, BrokenFilter, FilterFile, Library
from mailproc.pipeline.rehearsal import rehearse
from mailproc.pipeline.verdict import OnError
from mailproc.pipeline.when import RESERVED_NAMES, Condition, Scores, compile_when, name_in_conditions
from mailproc.stage import LookUps, Stage

_STAGE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class StageTable(msgspec.Struct, frozen=True, kw_only=True):
    """What every ``[stage.NAME]`` may hold, beside its filter's own options."""

    use: str = ""  # the filter: its name, or a file; the stage's name by default
    when: str | bool = True  # a condition; the stage sees only mail for which it holds
    timeout: Annotated[float, msgspec.Meta(gt=0)] = DEFAULT_TIMEOUT  # seconds
    on_error: Literal["continue", "defer"] | None = None  # as the filter says, else continue


@dataclass(frozen=True, slots=True)
class Supplies:
    """What the chains of one configuration are built from."""

    tables: Mapping[str, Mapping[str, Any]]  # [stage.NAME]
    filters: Library
    folder: Path  # of the configuration file: a path in ``use`` starts there
    everywhere: frozenset[str]  # the stages of all chains
    look_ups: LookUps | None  # what a stage's ``open`` is rehearsed with; None: not again


@dataclass(frozen=True, slots=True)
class _Place:
    """A stage's name at its place in a desk's chain."""

    name: str
    chain_key: Key
    supplies: Supplies

    @property
    def table(self) -> Mapping[str, Any]:
        return self.supplies.tables.get(self.name, {})

    @property
    def key(self) -> Key:
        """Where the stage's mistakes are shown: its table, or the chain where it has none."""
        return ("stage", self.name) if self.name in self.supplies.tables else self.chain_key


def build_chain(
    key: Key,
    names: Sequence[str],
    supplies: Supplies,
    findings: Findings,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Chain:
    """The chain that stands at this key: of a desk, or one by itself.

    What is wrong goes to ``findings``, and its stage is left out.
    """
    places = [_Place(name, (*key, number), supplies) for number, name in enumerate(names)]
    usable = [place for place in places if _name_is_good(place, places, findings)]
    filters = {place.name: _filter_of(place, findings) for place in usable}
    scores = _known_scores(filters, supplies)
    steps = [
        step
        for place in usable
        if (found := filters[place.name]) and (step := _step(place, found, scores, findings))
    ]
    if key[0] == "desk":
        _warn_of_strangers(str(key[1]), steps, names, findings)
    return Chain(steps, monotonic=monotonic)


def _name_is_good(place: _Place, places: Sequence[_Place], findings: Findings) -> bool:
    twins = [other for other in places if name_in_conditions(other.name) == name_in_conditions(place.name)]
    if not _STAGE_NAME.fullmatch(place.name):
        text = f'"{place.name}" is no name of a stage, use letters, digits, - and _'
    elif name_in_conditions(place.name) in RESERVED_NAMES:
        text = f'"{place.name}" means something else in conditions, name the stage otherwise and set use'
    elif twins[0] is not place:
        text = f'"{place.name}" stands twice in this chain'
    else:
        return True
    findings.refuse(text, *place.chain_key)
    return False


def _filter_of(place: _Place, findings: Findings) -> FilterFile | None:
    filters = place.supplies.filters
    path = filters.find(_use_of(place))
    if path is None:
        findings.mistakes.append(_not_found(place))
        return None
    try:
        return filters.load(path)
    except BrokenFilter as error:
        findings.mistakes.append(Mistake(place.key, str(error), str(error.file), error.line))
        return None


def _use_of(place: _Place) -> str:
    """The filter's name, or its absolute path."""
    use = place.table.get("use") or place.name
    if not isinstance(use, str):
        return place.name
    return str((place.supplies.folder / use).resolve()) if "/" in use or use.endswith(".py") else use


def _not_found(place: _Place) -> Mistake:
    known = {*place.supplies.filters.names(), *place.supplies.tables} - {place.name}
    if use := place.table.get("use"):
        return Mistake((*place.key, "use"), f'no such filter "{use}"{did_you_mean(str(use), known)}')
    folders = ", ".join(map(str, place.supplies.filters.folders))
    hint = did_you_mean(place.name, known) or f": there is no {place.name}.py in {folders}"
    return Mistake(place.chain_key, f'no such stage "{place.name}"{hint}')


def _known_scores(filters: Mapping[str, FilterFile | None], supplies: Supplies) -> dict[str, Scores]:
    """A ``[stage.NAME]`` table may serve several desks: a stage of another chain is absent, not unknown."""
    known: dict[str, Scores] = dict.fromkeys(supplies.everywhere)
    return known | {name: _scores_of(found, supplies.tables.get(name, {})) for name, found in filters.items()}


def _scores_of(found: FilterFile | None, table: Mapping[str, Any]) -> Scores:
    if found is None or found.scores is None:
        return None
    try:
        return found.scores | found.kind.more_scores(table)
    except Exception:  # a site's own; what is wrong with the options is reported when they are read
        return None


def _step(place: _Place, found: FilterFile, scores: Mapping[str, Scores], findings: Findings) -> Step | None:
    table = {key: value for key, value in place.table.items() if key in COMMON_KEYS}
    common = build(StageTable, table, place.key, findings.mistakes) or StageTable()
    condition = _condition(common.when, place, scores, findings)
    stage = _stage(place, found, scores, findings)
    if stage is None:
        return None
    on_error = OnError(common.on_error) if common.on_error else found.on_error
    return Step(place.name, stage, found.path, condition, common.timeout, on_error, scores[place.name])


def _condition(
    when: str | bool, place: _Place, scores: Mapping[str, Scores], findings: Findings
) -> Condition | None:
    if when is True:
        return None
    try:
        return compile_when(when or "false", scores)
    except ValueError as error:
        findings.refuse(str(error), *place.key, "when")
        return None


def _stage(
    place: _Place, found: FilterFile, scores: Mapping[str, Scores], findings: Findings
) -> Stage | None:
    """The stage with its options; None where they are wrong, which is reported."""
    fields = fields_of(found.kind)
    options = {name: value for name, value in place.table.items() if name not in COMMON_KEYS}
    for name in options.keys() - fields.keys():
        findings.mistakes.append(unknown_key((*place.key, name), {*fields, *COMMON_KEYS}))
    known = {name: value for name, value in options.items() if name in fields}
    before = len(findings.mistakes)
    try:
        stage: Stage | None = build(found.kind, known, place.key, findings.mistakes)
    except Exception as error:  # a site's own __post_init__ may raise anything
        findings.refuse(f"cannot be set up: {type(error).__name__}: {error}", *place.key)
        return None
    look_ups = place.supplies.look_ups
    if stage and look_ups and (refused := rehearse(stage, replace(look_ups, stages=scores))):
        findings.mistakes.append(refusal(refused, place.key, fields))
    return stage if len(findings.mistakes) == before else None


def _warn_of_strangers(desk: str, steps: Sequence[Step], names: Sequence[str], findings: Findings) -> None:
    own = RESERVED_NAMES.union(map(name_in_conditions, names))
    for step in steps:
        for name in sorted(step.when.names - own) if step.when else ():
            findings.warn(
                f'desk {desk} has no stage "{name}", there it is absent', "stage", step.name, "when"
            )
