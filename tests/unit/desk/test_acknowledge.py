"""Acknowledgements inside the transaction: limits, events, and what the mail may hold."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.desk.acknowledge import CustomerMail, refuse_acknowledgement
from mailproc.pipeline.delivery import AcknowledgementPlan
from mailproc.pipeline.template import compile_template
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore
from tests.rig.acknowledging import DESK, MAIL, NOW, PLAN, VOUCHED, Desks, Within


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


async def test_what_will_be_signed_holds_no_words_of_the_customer(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        desks = Desks(tx, replace(DESK, signed=True))
        assert desks.acknowledge(VOUCHED) == ""
        content = desks.waiting()[0].content
        assert b"Subject: [T#1-k7q2mx] We have received your message\r\n" in content
        assert b"Ann Example" not in content

    await store.write(work)


async def test_a_refusal_of_the_stage_is_an_event(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(replace(PLAN, refusal="spam (score 0.97)"), ticket=ticket)
        assert desks.events(ticket) == [("not_acknowledged", "spam (score 0.97)")]
        refuse_acknowledgement(desks.tx, ticket, "acknowledged as 17", now=NOW)
        assert desks.events(ticket)[-1] == ("not_acknowledged", "acknowledged as 17")
        assert desks.waiting() == []

    await within(work)


async def test_a_chain_in_which_the_stage_did_not_run_sends_nothing_and_says_so(within: Within) -> None:
    def work(desks: Desks) -> None:
        ticket = desks.ticket()
        assert desks.acknowledge(None, ticket=ticket)
        assert desks.events(ticket) == [("not_acknowledged", "no acknowledge stage ran")]
        assert desks.waiting() == []

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


@pytest.mark.parametrize("payload", ["{{ 7 * 7 }}", "{% for x in range(9) %}x{% endfor %}", "${7*7}"])
async def test_template_code_in_a_subject_stays_text(within: Within, payload: str) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(VOUCHED, mail=replace(MAIL, subject=payload)) == ""
        sent = email.message_from_bytes(desks.waiting()[0].content, policy=email.policy.default)
        assert sent["Subject"] == f"[T#1-k7q2mx] {payload}"

    await within(work)
