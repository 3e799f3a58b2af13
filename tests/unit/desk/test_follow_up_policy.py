"""Closed tickets, forwards, several tickets, merges, other desks, and the numbers of new ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailproc.desk.follow_up import index
from mailproc.desk.number import new_number
from mailproc.model.address import Address
from mailproc.model.desk import ClosedReply, ForwardPolicy, NumberScheme, SeveralPolicy
from mailproc.model.follow_up import FollowUp
from mailproc.model.judgement import MailClass
from mailproc.model.ticket import Ticket
from tests.unit.desk.mailroom import DAY, KEYRING, NOW, Mailroom, open_mailroom


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    with open_mailroom(tmp_path) as made:
        yield made


# The desk's policies


def answer(mailroom: Mailroom, days: float = 0.0, **options: object) -> FollowUp:
    headers = "Subject: Re: Printer\nIn-Reply-To: <a@example.net>"
    return mailroom.find(mailroom.signals(headers, at=NOW + days * DAY, **options))  # type: ignore[arg-type]


@pytest.fixture
def closed(mailroom: Mailroom) -> Ticket:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    mailroom.close(ticket)
    return ticket


def test_a_reply_to_a_closed_ticket_joins_until_it_is_too_old(mailroom: Mailroom, closed: Ticket) -> None:
    assert answer(mailroom, days=29).ticket == closed.number
    late = answer(mailroom, days=31)
    assert late.ticket is None
    assert late.links == ((closed.number, f"reply to ticket {closed.number}, which was closed 31 days ago"),)


def test_a_desk_may_open_a_linked_ticket_for_it(mailroom: Mailroom, closed: Ticket) -> None:
    mailroom.set_policy(closed=ClosedReply.NEW)
    found = answer(mailroom)
    assert found.ticket is None
    assert [number for number, _ in found.links] == [closed.number]


def test_the_next_reply_to_it_joins_the_linked_ticket(mailroom: Mailroom, closed: Ticket) -> None:
    mailroom.set_policy(closed=ClosedReply.NEW)
    headers = "Subject: Re: Printer\nIn-Reply-To: <a@example.net>"
    second, _ = mailroom.receive(headers)
    assert second.number != closed.number
    third, _ = mailroom.receive(headers)
    assert third.number == second.number


def test_a_desk_may_reject_it_and_the_mail_is_kept(mailroom: Mailroom, closed: Ticket) -> None:
    mailroom.set_policy(closed=ClosedReply.REJECT)
    found = answer(mailroom, days=400)
    assert (found.ticket, found.reject) == (closed.number, True)


@pytest.mark.parametrize("policy", list(ClosedReply))
def test_automatic_mail_joins_a_closed_ticket_in_silence(
    mailroom: Mailroom, closed: Ticket, policy: ClosedReply
) -> None:
    mailroom.set_policy(closed=policy)
    found = answer(mailroom, days=400, automatic=MailClass.AUTO_REPLY)
    assert (found.ticket, found.reject) == (closed.number, False)


def test_a_forward_of_a_mail_opens_a_linked_ticket_unless_the_desk_joins_it(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    forward = mailroom.signals("Subject: WG: Printer\nReferences: <a@example.net>")
    found = mailroom.find(forward)
    assert found.ticket is None
    assert found.links == ((ticket.number, f"forward of a mail of ticket {ticket.number}"),)
    mailroom.set_policy(forward=ForwardPolicy.JOIN)
    assert mailroom.find(forward).ticket == ticket.number


def test_a_forward_to_the_tickets_own_address_joins(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    address = str(KEYRING.reply_address(mailroom.desk, ticket.number))
    _, found = mailroom.receive("Subject: Fwd: Printer", rcpt=address)
    assert found.ticket == ticket.number


def test_a_mail_that_names_several_tickets_joins_the_first_or_all(mailroom: Mailroom) -> None:
    one, _ = mailroom.receive("Subject: One")
    two, _ = mailroom.receive("Subject: Two")
    both = mailroom.signals(f"Subject: {KEYRING.tag(one.number)} and {KEYRING.tag(two.number)}")
    first = mailroom.find(both)
    assert (first.ticket, first.also) == (one.number, ())
    assert [number for number, _ in first.links] == [two.number]
    mailroom.set_policy(several=SeveralPolicy.ALL)
    every = mailroom.find(both)
    assert (every.ticket, every.also, every.links) == (one.number, (two.number,), ())
    index(mailroom.tx, mailroom.site, mailroom.desk, two, both, every)
    assert "ann@example.net" in mailroom.roles(two)


def test_a_number_that_is_not_proved_never_joins_several(mailroom: Mailroom) -> None:
    one, _ = mailroom.receive("Subject: One")
    two, _ = mailroom.receive("Subject: Two", sender="bob@elsewhere.example")
    mailroom.set_policy(several=SeveralPolicy.ALL)
    _, found = mailroom.receive(f"Subject: {KEYRING.tag(one.number)} [T#{two.number}]")
    assert (found.ticket, found.also) == (one.number, ())


# Merges and other desks


def test_a_reply_to_a_merged_ticket_joins_its_target(mailroom: Mailroom) -> None:
    one, _ = mailroom.receive("Subject: One\nMessage-ID: <1@example.net>")
    two, _ = mailroom.receive("Subject: Two", sender="bob@elsewhere.example")
    three, _ = mailroom.receive("Subject: Three", sender="bob@elsewhere.example")
    mailroom.tx.tickets.set_merged_into(one.id, two.id, NOW)
    mailroom.tx.tickets.set_merged_into(two.id, three.id, NOW)
    _, by_id = mailroom.receive("Subject: x\nIn-Reply-To: <1@example.net>")
    _, by_tag = mailroom.receive(f"Subject: {KEYRING.tag(one.number)}")
    _, by_number = mailroom.receive(f"Subject: [T#{one.number}]", sender="bob@elsewhere.example")
    assert [found.ticket for found in (by_id, by_tag, by_number)] == [three.number] * 3


def test_merges_that_run_in_a_circle_end(mailroom: Mailroom) -> None:
    one, _ = mailroom.receive("Subject: One\nMessage-ID: <1@example.net>")
    two, _ = mailroom.receive("Subject: Two")
    mailroom.tx.tickets.set_merged_into(one.id, two.id, NOW)
    mailroom.tx.tickets.set_merged_into(two.id, one.id, NOW)
    _, found = mailroom.receive("Subject: x\nIn-Reply-To: <1@example.net>")
    assert found.ticket in (one.number, two.number)


def test_a_ticket_of_another_desk_is_linked_not_joined(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    mailroom.desk = replace(mailroom.desk, name="sales", addresses=(Address("sales", "example.org"),))
    _, by_tag = mailroom.receive(f"Subject: {KEYRING.tag(ticket.number)}", rcpt="sales@example.org")
    assert by_tag.ticket is None
    assert [number for number, _ in by_tag.links] == [ticket.number]
    _, by_id = mailroom.receive("Subject: x\nIn-Reply-To: <a@example.net>", rcpt="sales@example.org")
    assert by_id.ticket is None


# Numbers


def test_numbers_are_unique_over_all_desks_and_schemes(mailroom: Mailroom) -> None:
    mailroom.desk = replace(mailroom.desk, number=NumberScheme.SEQUENCE)
    taken = [mailroom.receive("Subject: x")[0].number for _ in range(3)]
    assert taken == ["1", "2", "3"]
    other = replace(mailroom.desk, name="sales")
    assert new_number(mailroom.tx, other, NOW, mailroom.rng) == "4"


def test_two_desks_with_dates_share_the_count_of_the_day(mailroom: Mailroom) -> None:
    other = replace(mailroom.desk, name="sales")
    numbers = [new_number(mailroom.tx, desk, NOW, mailroom.rng) for desk in (mailroom.desk, other)]
    assert numbers == ["2026112100001", "2026112100002"]


def test_a_random_number_that_is_taken_is_not_given_again(mailroom: Mailroom) -> None:
    mailroom.desk = replace(mailroom.desk, number=NumberScheme.RANDOM)
    mailroom.rng = random.Random(5)
    ticket, _ = mailroom.receive("Subject: x")
    assert new_number(mailroom.tx, mailroom.desk, NOW, random.Random(5)) != ticket.number
