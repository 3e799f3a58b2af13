"""Acknowledgements inside the transaction: limits, events, and what the mail may hold."""

from __future__ import annotations

import email
import email.policy
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.desk.acknowledge import (
    DAY,
    HOUR,
    CustomerMail,
    TicketIdentity,
    enqueue_acknowledgement,
    enqueue_rejection,
    one_line,
    refuse_acknowledgement,
)
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.outbox import OutboxItem
from mailproc.model.ticket import State, Ticket
from mailproc.pipeline.delivery import AcknowledgementLimits, AcknowledgementPlan
from mailproc.pipeline.template import compile_template
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.store.tickets import NewTicket

TEMPLATES = Path(__file__).resolve().parents[3] / "config" / "templates"
NOW = 1_795_000_000.0
DESK = Desk(name="support", title="Example Support", addresses=(Address("support", "example.org"),))
PLAN = AcknowledgementPlan(
    refusal="",
    template=compile_template((TEMPLATES / "acknowledge.en.j2").read_text("utf-8")),
    rejection=compile_template((TEMPLATES / "rejected.en.j2").read_text("utf-8")),
    language="en",
)
VOUCHED = replace(PLAN, vouched=True)
MAIL = CustomerMail(
    sender=Address("Ann", "example.com"),
    message_id="<1@example.com>",
    references=("<0@example.com>",),
    subject="Where is my order?",
    name="Ann Example",
)


Within = Callable[[Callable[["Desks"], None]], Awaitable[None]]


class Desks:
    """One transaction on a fresh store; every act is one ticket or one mail."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self._numbers = itertools.count(1)

    def ticket(self) -> Ticket:
        return self.tx.tickets.open(
            NewTicket(
                number=str(next(self._numbers)),
                desk="support",
                subject="x",
                subject_key="x",
                state=State.NEW,
                owner="",
                customer="ann@example.com",
                opened=NOW,
                topic="",
                language="",
                spam=0.5,
            )
        )

    def acknowledge(
        self,
        plan: AcknowledgementPlan | None = PLAN,
        *,
        mail: CustomerMail = MAIL,
        ticket: Ticket | None = None,
        now: float = NOW,
        follow_up: bool = False,
    ) -> str:
        ticket = ticket or self.ticket()
        return enqueue_acknowledgement(
            self.tx, DESK, ticket, plan, mail, identity(ticket), now=now, follow_up=follow_up
        )

    def reject(self, ticket: Ticket, *, plan: AcknowledgementPlan = PLAN, now: float = NOW) -> str:
        return enqueue_rejection(self.tx, DESK, ticket, plan, MAIL, identity(ticket), now=now)

    def waiting(self) -> list[OutboxItem]:
        items = (self.tx.outbox.get(item.id) for item in self.tx.outbox.items())
        return [item for item in items if item is not None]

    def events(self, ticket: Ticket) -> list[tuple[str, str]]:
        return [(event.what, event.detail) for event in self.tx.history.events(ticket.id)]


def identity(ticket: Ticket) -> TicketIdentity:
    number = ticket.number
    return TicketIdentity(
        number=number,
        tag=f"[T#{number}-k7q2mx]",
        reply_to=f"support+{number}.k7q2mxabcd@example.org",
        message_id=f"<{number}.1.k7q2mxabcd@mail.example.org>",
        hostname="mail.example.org",
    )


def sender(text: str) -> CustomerMail:
    return replace(MAIL, sender=Address.parse(text))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_sqlite(tmp_path / "mailproc.db")
    yield opened
    await opened.close()


@pytest.fixture
def within(store: SqliteStore) -> Within:
    """Runs a function on Desks inside one transaction."""

    async def run(work: Callable[[Desks], None]) -> None:
        await store.write(lambda tx: work(Desks(tx)))

    return run


async def test_an_acknowledgement_is_a_mail_that_nothing_answers(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(ticket=ticket) == ""
        (item,) = desks.waiting()
        assert item.key == f"acknowledgement:{ticket.id}"
        assert item.mail_from == ""
        assert item.waiting == ("Ann@example.com",)
        sent = email.message_from_bytes(item.content, policy=email.policy.default)
        assert sent["From"] == "Example Support <support@example.org>"
        assert sent["To"] == "Ann@example.com"
        assert sent["Subject"] == "[T#1-k7q2mx] We have received your message"
        assert sent["Auto-Submitted"] == "auto-replied"
        assert sent["X-Auto-Response-Suppress"] == "All"
        assert sent["Message-ID"] == "<1.1.k7q2mxabcd@mail.example.org>"
        assert sent["In-Reply-To"] == "<1@example.com>"
        assert sent["References"] == "<1@example.com>"
        assert sent["Reply-To"] == "support+1.k7q2mxabcd@example.org"
        assert sent["X-Mailproc-Loop"] == "mail.example.org"
        assert "It has the number 1." in sent.get_content()
        assert desks.events(ticket) == [
            ("acknowledged", "to Ann@example.com in en, sender not authenticated")
        ]

    await within(work)


async def test_a_vouched_sender_reads_his_own_subject_and_name(within: Within) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(VOUCHED) == ""
        sent = email.message_from_bytes(desks.waiting()[0].content, policy=email.policy.default)
        assert sent["Subject"] == "[T#1-k7q2mx] Where is my order?"
        assert sent["References"] == "<0@example.com> <1@example.com>"
        assert "Hello Ann Example," in sent.get_content()

    await within(work)


async def test_a_refusal_of_the_stage_is_an_event(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(replace(PLAN, refusal="spam (score 0.97)"), ticket=ticket)
        assert desks.events(ticket) == [("not_acknowledged", "spam (score 0.97)")]
        refuse_acknowledgement(desks.tx, ticket, "acknowledged as 17", now=NOW)
        assert desks.events(ticket)[-1] == ("not_acknowledged", "acknowledged as 17")
        assert desks.waiting() == []

    await within(work)


async def test_a_chain_without_the_stage_sends_nothing_and_tells_nothing(
    within: Within,
) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(None, ticket=ticket)
        assert desks.events(ticket) == []

    await within(work)


async def test_the_null_sender_gets_nothing_whatever_the_plan_says(within: Within) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(mail=replace(MAIL, sender=None)) == "null reverse-path"
        assert desks.waiting() == []

    await within(work)


async def test_a_further_mail_of_a_ticket_gets_none(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(ticket=ticket, follow_up=True) == "a further mail of its ticket"
        assert desks.acknowledge(replace(PLAN, follow_up=True), ticket=ticket, follow_up=True) == ""
        again = desks.acknowledge(replace(VOUCHED, follow_up=True), ticket=ticket, follow_up=True)
        assert again == "limit: the ticket has had its automatic answer"

    await within(work)


async def test_a_template_that_fails_loses_no_ticket(within: Within) -> None:
    def work(desks: Desks) -> None:
        for source in ("Subject: {{ subject }}\n", "Hello\n"):
            ticket = desks.ticket()
            assert desks.acknowledge(replace(PLAN, template=compile_template(source)), ticket=ticket)
            assert desks.events(ticket)[0][1].startswith("template: ")
        assert desks.acknowledge(replace(PLAN, template=None)).startswith("template: ")
        assert desks.waiting() == []

    await within(work)


# Limits


async def test_one_sender_gets_few_in_a_day(within: Within) -> None:
    def work(desks: Desks) -> None:
        results = [desks.acknowledge(VOUCHED) for _ in range(4)]
        assert results[:3] == ["", "", ""]
        assert results[3] == "limit: 3 automatic answers to Ann@example.com within 24 hours"
        assert desks.acknowledge(VOUCHED, mail=sender("ANN@example.com"))  # the same person
        assert desks.acknowledge(VOUCHED, mail=sender("bob@example.com")) == ""
        assert desks.acknowledge(VOUCHED, now=NOW + DAY) == ""

    await within(work)


async def test_a_sender_that_nothing_authenticated_gets_one(within: Within) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge() == ""
        assert desks.acknowledge() == "limit: 1 automatic answers to Ann@example.com within 24 hours"

    await within(work)


async def test_one_domain_gets_few_in_a_day(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(per_domain=5))
        results = [desks.acknowledge(plan, mail=sender(f"u{n}@example.com")) for n in range(6)]
        assert results[:5] == [""] * 5
        assert results[5] == "limit: 5 automatic answers to example.com within 24 hours"
        assert desks.acknowledge(plan, mail=sender("u@example.net")) == ""

    await within(work)


async def test_a_thousand_forged_senders_cause_few_answers(within: Within) -> None:
    def work(desks: Desks) -> None:
        results = [desks.acknowledge(mail=sender(f"u{n}@v{n}.example.com")) for n in range(1000)]
        assert results[:20] == [""] * 20
        assert all("nothing authenticated" in result for result in results[20:])
        assert len(desks.waiting()) == 20
        assert desks.acknowledge(VOUCHED, mail=sender("real@example.net")) == ""
        assert desks.acknowledge(mail=sender("later@example.net"), now=NOW + HOUR + 1) == ""

    await within(work)


async def test_the_circuit_breaker_stops_all_and_closes_after_an_hour(
    within: Within, caplog: pytest.LogCaptureFixture
) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(total=5, per_domain=1000))
        numbers = itertools.count()

        def send(now: float) -> str:
            return desks.acknowledge(plan, mail=sender(f"u{next(numbers)}@example.com"), now=now)

        assert [send(NOW + n) for n in range(5)] == [""] * 5
        assert len(caplog.records) == 1  # one alarm, when it opens
        assert send(NOW + 10) == "circuit breaker: 5 automatic answers within 24 hours"
        assert send(NOW + DAY - 1).startswith("circuit breaker")
        assert send(NOW + DAY + 5) == ""
        assert len(caplog.records) == 1

    await within(work)


async def test_an_open_breaker_waits_an_hour_after_the_last_answer(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(total=3, per_domain=1000))
        senders = (sender(f"u{n}@example.com") for n in itertools.count())
        times = (NOW, NOW + DAY - 100, NOW + DAY - 50)
        assert [desks.acknowledge(plan, mail=next(senders), now=at) for at in times] == ["", "", ""]
        # One answer has left the window, but the total was reached just now.
        assert desks.acknowledge(plan, mail=next(senders), now=NOW + DAY + 60).startswith("circuit breaker")
        assert desks.acknowledge(plan, mail=next(senders), now=NOW + DAY + HOUR) == ""

    await within(work)


async def test_a_clock_that_jumped_ahead_blocks_nobody_for_years(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(per_sender=1))
        assert desks.acknowledge(plan, now=NOW + 3650 * DAY) == ""
        assert desks.acknowledge(plan, now=NOW) == ""

    await within(work)


@pytest.mark.parametrize(
    "limits",
    [
        AcknowledgementLimits(per_sender=0),
        AcknowledgementLimits(per_domain=0),
        AcknowledgementLimits(total=0),
        AcknowledgementLimits(unvouched=0),
        AcknowledgementLimits(unvouched_per_sender=0),
    ],
)
async def test_a_limit_of_zero_sends_nothing(within: Within, limits: AcknowledgementLimits) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(replace(PLAN, limits=limits))

    await within(work)


# Replies to closed tickets


async def test_a_reply_to_a_closed_ticket_is_rejected_once(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(VOUCHED, ticket=ticket) == ""
        assert desks.reject(ticket, plan=VOUCHED) == ""
        assert desks.reject(ticket, plan=VOUCHED) == "limit: the ticket has had its automatic answer"
        _, rejection = desks.waiting()
        assert rejection.kind == "rejection"
        sent = email.message_from_bytes(rejection.content, policy=email.policy.default)
        assert sent["Subject"] == "[T#1-k7q2mx] This request is closed"
        assert "support@example.org" in sent.get_content()
        assert [what for what, _ in desks.events(ticket)] == ["acknowledged", "rejected", "not_rejected"]

    await within(work)


async def test_a_rejection_goes_once_also_where_no_acknowledgement_went(
    within: Within,
) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert [desks.reject(ticket, plan=VOUCHED) for _ in range(2)] == ["", "answered before"]

    await within(work)


async def test_automatic_mail_is_not_rejected_either(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(PLAN, refusal="automatic mail: auto_reply")
        assert desks.reject(desks.ticket(), plan=plan) == "automatic mail: auto_reply"
        assert desks.waiting() == []

    await within(work)


# What a stranger writes never leaves


class Undone(Exception):
    """Carries a result out of a transaction that is rolled back."""


async def undone(store: SqliteStore, plan: AcknowledgementPlan, mail: CustomerMail) -> bytes:
    """The acknowledgement as it would leave, with nothing stored."""

    def work(tx: Transaction) -> None:
        desks = Desks(tx)
        assert desks.acknowledge(plan, mail=mail) == ""
        raise Undone(desks.waiting()[0].content)

    try:
        await store.write(work)
    except Undone as done:
        content: bytes = done.args[0]
    return content


HOSTILE = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("\r\n\t\0\x0b\x85\u2028\u202e{}%<>:@?=,;ABCxyz ")),
    max_size=80,
)


def _headers(content: bytes) -> list[str]:
    return [name for name, _ in email.message_from_bytes(content, policy=email.policy.default).raw_items()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=HOSTILE, name=HOSTILE, message_id=HOSTILE, references=st.lists(HOSTILE, max_size=3))
async def test_nothing_a_stranger_wrote_stands_in_the_answer(
    store: SqliteStore, subject: str, name: str, message_id: str, references: list[str]
) -> None:
    hostile = CustomerMail(
        sender=MAIL.sender,
        message_id=f"<{message_id}@evil.example>",
        references=tuple(references),
        subject=subject,
        name=name,
    )
    first = await undone(store, PLAN, hostile)
    second = await undone(store, PLAN, replace(MAIL, message_id="", references=(), subject="", name=""))
    kept = [line for line in first.split(b"\r\n") if not line.startswith((b"In-Reply-To:", b"References:"))]
    if len(kept) < len(first.split(b"\r\n")):  # a plain id, which can say nothing to a person
        assert message_id.isascii()
        assert not set(message_id) & set(" \r\n\t\0<>@")
    assert b"\r\n".join(kept) == second


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=HOSTILE, name=HOSTILE, message_id=HOSTILE)
async def test_hostile_words_of_a_vouched_sender_break_no_header(
    store: SqliteStore, subject: str, name: str, message_id: str
) -> None:
    hostile = replace(MAIL, subject=subject, name=name, message_id=f"<{message_id}@x.example>", references=())
    content = await undone(store, VOUCHED, hostile)
    names = [name for name in _headers(content) if name not in ("In-Reply-To", "References")]
    assert names == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Mailproc-Loop",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


@given(st.text())
def test_one_line_is_one_bounded_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 200
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())


@pytest.mark.parametrize("payload", ["{{ 7 * 7 }}", "{% for x in range(9) %}x{% endfor %}", "${7*7}"])
async def test_template_code_in_a_subject_stays_text(within: Within, payload: str) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(VOUCHED, mail=replace(MAIL, subject=payload)) == ""
        sent = email.message_from_bytes(desks.waiting()[0].content, policy=email.policy.default)
        assert sent["Subject"] == f"[T#1-k7q2mx] {payload}"

    await within(work)
