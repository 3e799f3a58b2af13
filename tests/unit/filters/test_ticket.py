"""The ticket stage: says where a mail belongs, asks only when the mail names something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import ModuleType

import pytest

from mailproc.pipeline.delivery import Delivery
from mailproc.stage import CONTINUE, Bounce, Desk, FollowUp, LookUps, Signals, Stage

Module = Callable[[str], ModuleType]
Deliver = Callable[..., Delivery]


@dataclass
class AskedTickets:
    """Always finds the same, and keeps what it was asked."""

    found: FollowUp
    asked: list[Signals] = field(default_factory=list)

    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp:
        self.asked.append(signals)
        return self.found


@pytest.fixture
def tickets() -> AskedTickets:
    return AskedTickets(FollowUp("17", by="known_id", reasons=("In-Reply-To names a mail of the ticket",)))


@pytest.fixture
async def stage(filter_module: Module, look_ups: Callable[..., LookUps], tickets: AskedTickets) -> Stage:
    made = filter_module("ticket").Filter()
    assert isinstance(made, Stage)
    await made.open(replace(look_ups(), tickets=tickets))
    return made


async def test_a_mail_that_names_nothing_gets_signals_without_a_question(
    stage: Stage, tickets: AskedTickets, delivery: Deliver
) -> None:
    mail = delivery(numbered=False)
    assert await stage.process(mail) == CONTINUE
    assert mail.signals is not None
    assert mail.signals.subject_key == "question"
    assert mail.follow_up == FollowUp(None)
    assert mail.results[-1].scores == {"follow_up": False, "by": ""}
    assert tickets.asked == []


async def test_a_reply_is_looked_up_and_scored(
    stage: Stage, tickets: AskedTickets, delivery: Deliver
) -> None:
    mail = delivery(numbered=False, headers="In-Reply-To: <0@example.com>")
    assert await stage.process(mail) == CONTINUE
    assert mail.follow_up == tickets.found
    assert mail.results[-1].scores == {"follow_up": True, "by": "known_id"}
    assert tickets.asked == [mail.signals]


async def test_a_bounce_names_the_mail_that_did_not_arrive(
    stage: Stage, tickets: AskedTickets, delivery: Deliver
) -> None:
    mail = delivery(numbered=False)
    mail.bounce = Bounce((), "<ours@mail.example.org>")
    await stage.process(mail)
    assert tickets.asked[0].in_reply_to == ("<ours@mail.example.org>",)


async def test_the_plus_address_of_the_envelope_is_read(
    stage: Stage, tickets: AskedTickets, delivery: Deliver
) -> None:
    mail = delivery(numbered=False, headers="Cc: support+17.aaaaaaaaaa@example.org")
    await stage.process(mail)
    assert [token.number for token in tickets.asked[0].reply_tokens] == ["17"]
