"""Nobody gets into a ticket by guessing or forging, and no Message-ID is worth more than it proves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailproc.desk.follow_up import record_failures
from mailproc.model.address import Address
from mailproc.model.follow_up import Role, Signals
from mailproc.model.judgement import Authentication, AuthResult
from mailproc.model.mac import read_address, read_message_id, read_tags
from tests.unit.desk.mailroom import ALIGNED, FORGED, NOW, Mailroom, open_mailroom


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    with open_mailroom(tmp_path) as made:
        yield made


# Guessing and forging


def test_a_bare_number_joins_for_someone_who_takes_part(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive(f"Subject: about [T#{ticket.number}]")
    assert (found.ticket, found.by, found.newcomer) == (ticket.number, "number", False)


def test_a_bare_number_of_a_stranger_opens_a_linked_ticket(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    opened, found = mailroom.receive(f"Subject: [T#{ticket.number}]", sender="eve@evil.example")
    assert found.ticket is None
    assert opened.number != ticket.number
    assert [number for number, _ in found.links] == [ticket.number]
    assert "takes no part" in found.reasons[0]


@pytest.mark.slow
def test_ten_thousand_guesses_join_nothing_and_are_counted(mailroom: Mailroom) -> None:
    tickets = [mailroom.receive(f"Subject: Problem {place}")[0] for place in range(20)]
    mail = mailroom.signals("Subject: Re: Problem 1", sender="eve@evil.example")
    rng = random.Random(3)
    joined, failures = 0, 0
    for place in range(10_000):
        number = int(tickets[0].number) + place % 40
        mac = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=10))
        found = mailroom.find(guess(mailroom, mail, number, mac, place % 4))
        joined += found.ticket is not None
        failures += found.mac_failures
    assert joined == 0
    assert failures == 2_500 + 2_500 + 1_250  # tags, addresses, and Message-IDs with a number that exists


def guess(mailroom: Mailroom, mail: Signals, number: int, mac: str, form: int) -> Signals:
    """The mail with a guess in its tag, as a bare number, in the address, or in In-Reply-To."""
    if form == 0:
        return replace(mail, subject_tokens=read_tags(f"[T#{number}-{mac[:6]}]"))
    if form == 1:
        return replace(mail, subject_tokens=read_tags(f"[T#{number}]"))
    if form == 2:
        token = read_address(mailroom.desk, Address(f"support+{number}.{mac}", "example.org"))
        assert token is not None
        return replace(mail, reply_tokens=(token,))
    message_id = f"<{number}.1.{mac}@mail.example.org>"
    token = read_message_id(message_id)
    assert token is not None
    return replace(mail, in_reply_to=(message_id,), id_tokens={message_id: token})


@pytest.mark.parametrize(
    "auth", [Authentication(dmarc=AuthResult.FAIL), FORGED, Authentication(dmarc=AuthResult.TEMPERROR)]
)
def test_a_forged_participant_gets_in_neither_by_number_nor_by_subject(
    mailroom: Mailroom, auth: Authentication
) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, by_number = mailroom.receive(f"Subject: [T#{ticket.number}]", auth=auth)
    _, by_subject = mailroom.receive("Subject: Re: Printer", auth=auth)
    assert by_number.ticket is None
    assert by_subject.ticket is None
    assert [number for number, _ in by_subject.links] == [ticket.number]


def test_a_sender_whose_mail_was_aligned_before_must_stay_aligned(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer", auth=Authentication(aligned=True))
    assert mailroom.find(mailroom.signals("Subject: Re: Printer")).ticket is None
    assert mailroom.find(mailroom.signals("Subject: Re: Printer", auth=ALIGNED)).ticket == ticket.number


def test_two_authors_are_nobody(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive(f"From: eve@evil.example\nSubject: [T#{ticket.number}]", auth=ALIGNED)
    assert found.ticket is None


def test_answers_to_somebody_else_are_no_ones_own_subject(mailroom: Mailroom) -> None:
    """A web form is the author of everybody's mail; Reply-To tells whose it is."""
    mailroom.receive("Subject: Re: Form\nReply-To: ann@example.net", sender="form@shop.example")
    _, other = mailroom.receive(
        "Subject: Re: Form\nReply-To: bob@elsewhere.example", sender="form@shop.example"
    )
    assert other.ticket is None
    _, same = mailroom.receive("Subject: Re: Form\nReply-To: ann@example.net", sender="form@shop.example")
    assert same.ticket is not None


def test_reply_to_makes_nobody_a_participant_of_a_number(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive(
        f"Subject: [T#{ticket.number}]\nReply-To: ann@example.net", sender="eve@evil.example", auth=ALIGNED
    )
    assert found.ticket is None


def test_an_agents_address_takes_no_part_by_mail(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>\nCc: alice@example.org")
    _, by_id = mailroom.receive("Subject: x\nIn-Reply-To: <a@example.net>", sender="alice@example.org")
    _, by_number = mailroom.receive(f"Subject: [T#{ticket.number}]", sender="alice@example.org", auth=ALIGNED)
    assert by_id.newcomer
    assert by_number.ticket is None
    assert set(mailroom.roles(ticket)) == {"ann@example.net"}


def test_a_newcomer_brings_only_newcomers_and_promotes_nobody(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    answer = "Subject: Re: Printer\nIn-Reply-To: <a@example.net>\nCc: mal@evil.example, eve@evil.example"
    mailroom.receive(answer, sender="eve@evil.example")
    mailroom.receive(answer, sender="mal@evil.example")
    assert mailroom.roles(ticket) == {
        "ann@example.net": Role.CUSTOMER,
        "eve@evil.example": Role.NEW,
        "mal@evil.example": Role.NEW,
    }


def test_whom_a_participant_writes_to_takes_part(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    mailroom.receive("Subject: x\nIn-Reply-To: <a@example.net>", sender="bob@elsewhere.example")
    mailroom.receive("Subject: x\nIn-Reply-To: <a@example.net>\nCc: bob@elsewhere.example")
    assert mailroom.roles(ticket)["bob@elsewhere.example"] is Role.PARTICIPANT


def test_failed_macs_are_counted_per_sender(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    mailroom.receive(f"Subject: [T#{ticket.number}-aaaaaa] [T#999-bbbbbb]", sender="eve@evil.example")
    signals = mailroom.signals("Subject: [T#5-cccccc]", sender="eve@evil.example")
    record_failures(mailroom.tx, mailroom.desk, signals, mailroom.find(signals))
    assert list(mailroom.tx.threads.mac_failures(NOW)) == [("support", "eve@evil.example", 3)]


def test_ids_of_others_that_look_like_ours_are_no_failures(mailroom: Mailroom) -> None:
    _, found = mailroom.receive("Subject: x\nIn-Reply-To: <4711.1.abcdefghij@crm.example>")
    assert found.mac_failures == 0


def test_a_wrong_mac_is_worth_as_much_as_none(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive(f"Subject: [T#{ticket.number}-aaaaaa]")
    assert (found.ticket, found.by, found.mac_failures) == (ticket.number, "number", 1)


# The same mail again


def test_the_same_message_id_of_the_same_sender_is_the_same_mail(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    _, found = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    assert (found.ticket, found.by, found.reasons) == (ticket.number, "known_id", ("same Message-ID",))


@pytest.mark.parametrize(
    ("subject", "sender"), [("Printer", "eve@evil.example"), ("Invoice", "ann@example.net")]
)
def test_a_message_id_used_again_by_another_or_for_another_matter_does_not_join(
    mailroom: Mailroom, subject: str, sender: str
) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    _, found = mailroom.receive(f"Subject: {subject}\nMessage-ID: <a@example.net>", sender=sender)
    assert found.ticket is None
    assert [number for number, _ in found.links] == [ticket.number]
