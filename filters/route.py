"""Give a ticket its desk, owner, tags, priority and time by ordered rules; send a mail on, or set it aside.

Each ``[[stage.route.rule]]`` has a condition, ``when``, as stages have (nothing: always), and says what is to
be then.  All rules whose condition holds are applied in order, later ones over earlier ones, until one says
``stop``.  A rule whose condition fails on a mail is passed over and noted; so is an agent who cannot have the
ticket.  A mail that joins a ticket changes nothing of it but its tags.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from mailproc.stage import (
    CONTINUE,
    IMPORTANCE,
    PRIORITY_TAGS,
    Address,
    Assignment,
    Condition,
    Course,
    Delivery,
    Desk,
    LookUps,
    SpamVerdict,
    Stage,
    Verdict,
    Way,
    compile_when,
    parse_snooze,
)

# Stages of the default chain before this one; look_ups.stages adds those of the site's chains.
EARLIER = ("automatic", "auth", "spam", "ticket", "enrich", "analyse")

_SOME_MOMENT = 1_800_000_000.0  # to try what ``snooze`` says

Assign = Literal["", "none", "round_robin", "least_loaded"]


@dataclass(frozen=True)
class Rule:
    name: str = ""  # as explain and replay call it; its number by default
    when: str = ""  # a condition as on stages; nothing: always
    tag: str | tuple[str, ...] = ()  # one tag to add, or several
    priority: Literal["", "high", "normal", "low"] = (
        ""  # as clients show it; and a tag, priority-high or -low
    )
    desk: str = ""  # where the ticket is opened; the mail goes on in that desk's chain
    chain: str = ""  # the mail goes on in this chain: of [chains], or a desk's
    owner: str = ""  # an agent of the desk
    assign: Assign = ""  # choose an owner so, for this mail
    skill: str | tuple[str, ...] = ()  # which the owner chosen must have
    snooze: str = ""  # 4h, 3d, tomorrow, monday, 2026-12-01: the ticket sleeps so long
    forward: str | tuple[str, ...] = ()  # outside addresses that get the mail too
    discard: str = ""  # why: the mail gets no ticket, and no further rule
    stop: bool = False  # no further rule

    def __post_init__(self) -> None:
        try:
            key = "snooze"
            if self.snooze:
                parse_snooze(self.snooze, _SOME_MOMENT)
            key = "forward"
            for address in _each(self.forward):
                Address.parse(address)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        if self.name and ("," in self.name or not self.name.isprintable()):
            raise ValueError("name: a word or two, without commas")


@dataclass
class _Wanted:
    """What the rules that applied want; of each the last one's word."""

    owner: str = ""
    assign: str = ""
    skills: tuple[str, ...] = ()
    desk: str = ""
    chain: str = ""
    snooze: str = ""
    forward: dict[str, None] = field(default_factory=dict)
    discard: str = ""

    def take(self, rule: Rule) -> None:
        self.desk, self.chain = rule.desk or self.desk, rule.chain or self.chain
        self.snooze, self.discard = rule.snooze or self.snooze, rule.discard or self.discard
        self.skills = _each(rule.skill) or self.skills
        self.forward.update(dict.fromkeys(_each(rule.forward)))
        if rule.owner or rule.assign:
            self.owner, self.assign = rule.owner, rule.assign or self.assign


@dataclass
class Filter(Stage):
    rule: tuple[Rule, ...] = ()
    assign: Literal["none", "round_robin", "least_loaded"] = "none"  # who gets what no rule gives an owner
    sticky: bool = False  # before all others, who had the customer's last ticket
    most: int = 0  # who holds so many tickets of the desk is assigned no more; 0: no limit
    _conditions: tuple[Condition | None, ...] = field(default=(), init=False, repr=False)
    _look_ups: LookUps = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ValueError("most: 0 or more tickets")
        names = [_name(rule, number) for number, rule in enumerate(self.rule, 1)]
        if twin := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f'rule: two are called "{twin}"')

    async def open(self, look_ups: LookUps) -> None:
        self._look_ups = look_ups
        stages = {**dict.fromkeys(EARLIER), **look_ups.stages}
        conditions: list[Condition | None] = []
        for position, rule in enumerate(self.rule, 1):
            try:
                conditions.append(compile_when(rule.when, stages) if rule.when else None)
            except ValueError as error:
                raise ValueError(f"rule: number {position}: when: {error}") from None
            self._check(rule, position)
        self._conditions = tuple(conditions)

    def _check(self, rule: Rule, position: int) -> None:
        """ValueError where the site has no such desk, chain or agent, or the address is our own."""
        site = self._look_ups
        for key, name, known in (
            ("desk", rule.desk, site.desks),
            ("chain", rule.chain, site.chains),
            ("owner", rule.owner, site.agents),
        ):
            if name and known and name not in known:
                raise ValueError(f'rule: number {position}: {key}: there is no "{name}"')
        for address in _each(rule.forward):
            if Address.parse(address).key in site.own_addresses:
                raise ValueError(
                    f"rule: number {position}: forward: {address} is our own, name a desk instead"
                )

    async def process(self, delivery: Delivery) -> Verdict:
        wanted = self._apply(delivery)
        delivery.score("rules", len(delivery.fired))
        delivery.score("fired", ", ".join(delivery.fired))
        is_spam = delivery.spam.verdict is SpamVerdict.SPAM
        if wanted.forward and is_spam:
            delivery.note("route", "spam is not sent on")
        elif wanted.forward:
            delivery.forward_to = tuple(map(Address.parse, wanted.forward))
        if wanted.discard:
            return Verdict(Course.IGNORE, wanted.discard)
        if delivery.follow_up is None or delivery.follow_up.ticket is None:
            self._place(wanted, delivery)
            if not is_spam:
                await self._give(wanted, delivery)
        delivery.score("owner", delivery.owner)
        return CONTINUE

    def _apply(self, delivery: Delivery) -> _Wanted:
        """Tags and priority at once, because later rules may ask for them; of the rest, what is wanted."""
        wanted = _Wanted(assign=self.assign)
        for position, (rule, condition) in enumerate(zip(self.rule, self._conditions, strict=True), 1):
            if not _holds(condition, delivery, _name(rule, position)):
                continue
            delivery.fired.append(_name(rule, position))
            _mark(rule, delivery)
            wanted.take(rule)
            if rule.stop or rule.discard:
                break
        return wanted

    def _place(self, wanted: _Wanted, delivery: Delivery) -> None:
        """The desk, the chain, and a later time."""
        desk = self._look_ups.desks.get(wanted.desk)
        if desk and desk.name != delivery.desk.name:
            delivery.desk = desk
            delivery.chain = desk.name
        if wanted.chain in self._look_ups.chains:
            delivery.chain = wanted.chain
        if wanted.snooze:
            until = parse_snooze(wanted.snooze, delivery.received, delivery.desk.calendar)
            delivery.snoozed_until = until

    async def _give(self, wanted: _Wanted, delivery: Delivery) -> None:
        """An owner: the one that a rule names, else who is chosen among those who may have the ticket."""
        desk = delivery.desk
        way = Way(wanted.assign)
        if way is Way.NONE and not (self.sticky or wanted.owner):
            return
        away = await self._look_ups.load.away(desk, delivery.received)
        if wanted.owner and (why_not := self._why_not(wanted.owner, delivery, (), away)):
            delivery.note("route", f"{wanted.owner} {why_not}")
        elif wanted.owner:
            delivery.owner = wanted.owner
            return
        if way is Way.NONE and not self.sticky:
            return
        free = [agent for agent in desk.agents if not self._why_not(agent, delivery, wanted.skills, away)]
        delivery.assignment = Assignment(tuple(free), way, self.sticky, self.most)
        customer = _customer(delivery)
        delivery.owner = await self._look_ups.load.next_agent(desk, delivery.assignment, customer)
        if not delivery.owner and way is not Way.NONE:
            delivery.note("route", f"nobody of desk {desk.name} is free" + _with(wanted.skills))

    def _why_not(self, agent: str, delivery: Delivery, skills: tuple[str, ...], away: frozenset[str]) -> str:
        """Why this agent cannot have the ticket; "" where there is no reason."""
        if agent not in delivery.desk.agents:
            return f"is no agent of desk {delivery.desk.name}"
        if agent in away:
            return "is absent"
        profile = self._look_ups.agents.get(agent)
        if profile is None:
            return ""
        if profile.is_absent(_day(delivery.desk, delivery.received)):
            return "is absent"
        if missing := [skill for skill in skills if skill not in profile.skills]:
            return f"lacks {missing[0]}"
        return "" if profile.reads(delivery.language) else f"does not answer in {delivery.language}"


def _each(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(texts, str):
        return (texts,) if texts else ()
    return texts


def _name(rule: Rule, position: int) -> str:
    return rule.name or str(position)


def _holds(condition: Condition | None, delivery: Delivery, name: str) -> bool:
    if condition is None:
        return True
    try:
        return condition.holds(delivery)
    except Exception as error:  # whatever an expression makes of this mail: one rule must not stop the others
        delivery.note("route", f"rule {name} failed: {error}")
        return False


def _mark(rule: Rule, delivery: Delivery) -> None:
    for tag in _each(rule.tag):
        delivery.add_tag(tag)
    if rule.priority:
        delivery.set_header("X-Priority", IMPORTANCE[rule.priority])
        if tag := PRIORITY_TAGS[rule.priority]:
            delivery.add_tag(tag)


def _customer(delivery: Delivery) -> str:
    signals = delivery.signals
    return (signals.customer or signals.sender) if signals else ""


def _day(desk: Desk, at: float) -> date:
    return datetime.fromtimestamp(at, desk.calendar.zone).date()


def _with(skills: Iterable[str]) -> str:
    listed = " and ".join(skills)
    return f" with {listed}" if listed else ""
