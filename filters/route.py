"""Give a ticket tags, an owner, a folder or a priority by ordered rules.

Each ``[[stage.route.rule]]`` has a condition, ``when``, as stages have (nothing: always), and says what is to
be then.  All rules whose condition holds are applied in order, later ones over earlier ones, until one says
``stop``.  A rule whose condition fails on a mail is passed over and noted; an owner who is no agent of the
desk is noted and not set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mailproc.stage import CONTINUE, Condition, Delivery, LookUps, Stage, Verdict, compile_when

# Stages of the default chain before this one; look_ups.stages adds those of the site's chains.
EARLIER = ("automatic", "auth", "spam", "ticket", "enrich", "analyse")

_IMPORTANCE = {"high": "1 (Highest)", "normal": "3 (Normal)", "low": "5 (Lowest)"}


@dataclass(frozen=True)
class Rule:
    when: str = ""  # a condition as on stages; nothing: always
    tag: str | tuple[str, ...] = ()  # one tag to add, or several
    owner: str = ""  # an agent of the desk
    folder: str = ""  # below the desk's folder
    priority: Literal["", "high", "normal", "low"] = (
        ""  # as clients show it; and a tag, priority-high or -low
    )
    stop: bool = False  # no further rule

    def __post_init__(self) -> None:
        if self.folder.startswith(("/", ".")) or ".." in self.folder:
            raise ValueError("folder: a folder below the desk's, without dots at its start")


@dataclass
class Filter(Stage):
    rule: tuple[Rule, ...] = ()
    _conditions: tuple[Condition | None, ...] = field(default=(), init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        stages = {**dict.fromkeys(EARLIER), **look_ups.stages}
        conditions: list[Condition | None] = []
        for position, rule in enumerate(self.rule, 1):
            try:
                conditions.append(compile_when(rule.when, stages) if rule.when else None)
            except ValueError as error:
                raise ValueError(f"rule: number {position}: when: {error}") from None
        self._conditions = tuple(conditions)

    async def process(self, delivery: Delivery) -> Verdict:
        applied = 0
        for position, (rule, condition) in enumerate(zip(self.rule, self._conditions, strict=True), 1):
            if not _holds(condition, delivery, position):
                continue
            _apply(rule, delivery)
            applied += 1
            if rule.stop:
                break
        delivery.score("rules", applied)
        return CONTINUE


def _holds(condition: Condition | None, delivery: Delivery, position: int) -> bool:
    if condition is None:
        return True
    try:
        return condition.holds(delivery)
    except Exception as error:  # whatever an expression makes of this mail: one rule must not stop the others
        delivery.note("route", f"rule {position} failed: {error}")
        return False


def _apply(rule: Rule, delivery: Delivery) -> None:
    for tag in (rule.tag,) if isinstance(rule.tag, str) else rule.tag:
        delivery.add_tag(tag)
    if rule.owner in delivery.desk.agents:
        delivery.owner = rule.owner
    elif rule.owner:
        delivery.note("route", f"{rule.owner} is no agent of desk {delivery.desk.name}")
    if rule.folder:
        delivery.folder = rule.folder
    if rule.priority:
        delivery.set_header("X-Priority", _IMPORTANCE[rule.priority])
    if rule.priority in ("high", "low"):
        delivery.add_tag(f"priority-{rule.priority}")
