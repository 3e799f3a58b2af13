"""Mail joins the ticket that it belongs to (store and rules together)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproc.desk.follow_up import record_sent
from mailproc.model.follow_up import FollowUp, Role
from mailproc.model.judgement import MailClass
from mailproc.model.mac import Keyring
from tests.unit.desk.mailroom import DAY, KEYRING, NOW, Mailroom, open_mailroom


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    with open_mailroom(tmp_path) as made:
        yield made


# What joins


def test_a_mail_that_names_nothing_opens_a_ticket(mailroom: Mailroom) -> None:
    first, _ = mailroom.receive("Subject: Printer broken")
    second, found = mailroom.receive("Subject: Printer broken")
    assert found == FollowUp(None)
    assert second.number != first.number


def test_the_answer_to_a_known_mail_joins_also_from_a_stranger_who_is_marked(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    joined, found = mailroom.receive(
        "Subject: Drucker\nIn-Reply-To: <a@example.net>", sender="bob@elsewhere.example"
    )
    assert (joined.number, found.by, found.newcomer) == (ticket.number, "known_id", True)
    assert mailroom.roles(ticket)["bob@elsewhere.example"] is Role.NEW


@pytest.mark.parametrize(
    "header",
    [
        "In-Reply-To: a@example.net",
        "In-Reply-To: Your mail of yesterday <a@example.net> (thank you)",
        "In-Reply-To: <x@y> <a@example.net>",
        "References: <0@y> <a@example.net>",
        "References: <a@example.net><z@y>",
        "References: <0@y>\n\t<a@\n example.net>",
    ],
)
def test_ids_are_read_leniently(mailroom: Mailroom, header: str) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    _, found = mailroom.receive(f"Subject: Re: Printer\n{header}", sender="bob@elsewhere.example")
    assert found.ticket == ticket.number


def test_the_newest_reference_wins(mailroom: Mailroom) -> None:
    one, _ = mailroom.receive("Subject: One\nMessage-ID: <1@example.net>")
    two, _ = mailroom.receive("Subject: Two\nMessage-ID: <2@example.net>")
    _, by_references = mailroom.receive("Subject: Re: x\nReferences: <1@example.net> <2@example.net>")
    _, by_reply = mailroom.receive(
        "Subject: Re: y\nIn-Reply-To: <1@example.net>\nReferences: <1@example.net> <2@example.net>"
    )
    assert by_references.ticket == two.number
    assert by_reply.ticket == one.number
    assert by_reply.links == ((two.number, "named in the same mail"),)


def test_the_tag_with_its_mac_joins_from_anywhere(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    tag = KEYRING.tag(ticket.number)
    _, found = mailroom.receive(f"Subject: Sv: {tag} Printer", sender="bob@elsewhere.example")
    assert (found.ticket, found.by, found.newcomer) == (ticket.number, "tag", True)


def test_the_reply_address_joins_from_anywhere(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    address = str(KEYRING.reply_address(mailroom.desk, ticket.number))
    _, by_envelope = mailroom.receive("Subject: x", rcpt=address, sender="bob@elsewhere.example")
    _, by_header = mailroom.receive(f"Subject: x\nTo: {address}", sender="cid@elsewhere.example")
    for found in (by_envelope, by_header):
        assert (found.ticket, found.by, found.newcomer) == (ticket.number, "reply_address", True)


def test_the_bounce_address_joins(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    address = str(KEYRING.bounce_address(mailroom.desk, ticket.number, 3))
    _, found = mailroom.receive(
        "Subject: Undelivered Mail",
        rcpt=address,
        sender="mailer-daemon@relay.example",
        automatic=MailClass.BOUNCE,
    )
    assert found.ticket == ticket.number
    assert "mailer-daemon@relay.example" not in mailroom.roles(ticket)


def test_our_message_id_joins_by_its_mac_though_it_was_never_stored(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    ours = KEYRING.message_id(ticket.number, 1, "mail.example.org")
    _, found = mailroom.receive(f"Subject: x\nIn-Reply-To: {ours}", sender="bob@elsewhere.example")
    assert (found.ticket, found.by) == (ticket.number, "message_id")


def test_our_own_mail_that_comes_back_joins_its_ticket(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    ours = KEYRING.message_id(ticket.number, 1, "mail.example.org")
    _, found = mailroom.receive(f"Subject: x\nMessage-ID: {ours}", sender="support@example.org")
    assert (found.ticket, found.by) == (ticket.number, "message_id")


def test_an_id_that_we_sent_joins_after_its_key_is_gone(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    old = Keyring.generate(b"a key that is long forgotten here").message_id(
        ticket.number, 1, "mail.example.org"
    )
    record_sent(mailroom.tx, ticket, old, ["Cid@Elsewhere.example"], NOW)
    _, found = mailroom.receive(f"Subject: x\nIn-Reply-To: {old}", sender="cid@elsewhere.example")
    assert (found.ticket, found.by, found.newcomer) == (ticket.number, "known_id", False)


def test_whom_an_agent_answers_is_no_newcomer_any_more(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer\nMessage-ID: <a@example.net>")
    mailroom.receive("Subject: x\nIn-Reply-To: <a@example.net>", sender="bob@elsewhere.example")
    _, again = mailroom.receive("Subject: y\nIn-Reply-To: <a@example.net>", sender="bob@elsewhere.example")
    assert again.newcomer
    record_sent(mailroom.tx, ticket, "<ours@mail.example.org>", ["bob@elsewhere.example"], NOW)
    _, answered = mailroom.receive("Subject: z\nIn-Reply-To: <a@example.net>", sender="bob@elsewhere.example")
    assert not answered.newcomer


# Threads that began elsewhere


def test_people_who_answer_each_other_before_us_meet_in_one_ticket(mailroom: Mailroom) -> None:
    """Ann and Bob discuss a mail that we never got; both then write to the desk."""
    ticket, _ = mailroom.receive(
        "Subject: Plan\nTo: bob@elsewhere.example, support@example.org\nReferences: <plan@elsewhere.example>"
    )
    _, found = mailroom.receive(
        "Subject: Plan\nTo: ann@example.net, support@example.org\nIn-Reply-To: <plan@elsewhere.example>",
        sender="bob@elsewhere.example",
    )
    assert (found.ticket, found.by, found.newcomer) == (ticket.number, "mentioned_id", False)


def test_a_mail_that_arrives_after_its_answer_joins_it(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive(
        "Subject: Re: Plan\nTo: ann@example.net\nCc: support@example.org\nIn-Reply-To: <plan@example.net>",
        sender="bob@elsewhere.example",
    )
    _, found = mailroom.receive("Subject: Plan\nMessage-ID: <plan@example.net>")
    assert (found.ticket, found.by) == (ticket.number, "mentioned_id")


def test_strangers_who_answer_one_circular_of_ours_stay_apart(mailroom: Mailroom) -> None:
    circular = (
        "Subject: Re: News\nTo: news@example.org\nCc: support@example.org\nIn-Reply-To: <news@example.org>"
    )
    first, _ = mailroom.receive(circular, sender="ann@example.net")
    _, second = mailroom.receive(circular, sender="bob@elsewhere.example")
    assert second.ticket is None
    assert [number for number, _ in second.links] == [first.number]


def test_answers_to_a_circular_are_not_all_linked_with_each_other(mailroom: Mailroom) -> None:
    for place in range(6):
        mailroom.receive(
            "Subject: Re: News\nTo: news@example.org\nIn-Reply-To: <news@example.org>",
            sender=f"customer{place}@c{place}.example",
        )
    _, found = mailroom.receive("Subject: Re: News\nIn-Reply-To: <news@example.org>")
    assert found == FollowUp(None)


def test_answers_on_a_mailing_list_to_a_mail_that_we_never_got_meet(mailroom: Mailroom) -> None:
    answer = "Subject: Re: Plan\nIn-Reply-To: <plan@elsewhere.example>"
    ticket, _ = mailroom.receive(answer, automatic=MailClass.LIST)
    _, found = mailroom.receive(answer, automatic=MailClass.LIST, sender="bob@elsewhere.example")
    assert (found.ticket, found.by) == (ticket.number, "mentioned_id")
    _, direct = mailroom.receive(answer, sender="cid@elsewhere.example")
    assert direct.ticket is None


# Subject


def test_the_same_subject_with_a_prefix_joins_among_the_same_people(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer broken\nCc: bob@elsewhere.example")
    _, by_author = mailroom.receive("Subject: Re: [team] printer  BROKEN")
    _, by_copied = mailroom.receive("Subject: AW: Printer broken", sender="bob@elsewhere.example")
    assert (by_author.ticket, by_author.by) == (ticket.number, "subject")
    assert (by_copied.ticket, by_copied.by) == (ticket.number, "subject")


def test_the_same_subject_does_not_join_for_a_stranger(mailroom: Mailroom) -> None:
    mailroom.receive("Subject: Printer broken")
    _, found = mailroom.receive("Subject: Re: Printer broken", sender="bob@elsewhere.example")
    assert found.ticket is None


def test_an_empty_subject_never_joins(mailroom: Mailroom) -> None:
    mailroom.receive("Subject: Re:")
    _, found = mailroom.receive("Subject: Re:")
    assert found == FollowUp(None)


def test_the_same_subject_joins_only_for_a_time_by_arrival(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    late = mailroom.signals("Subject: Re: Printer", at=NOW + 7.1 * DAY)
    soon = mailroom.signals("Subject: Re: Printer", at=NOW + 6.9 * DAY)
    assert mailroom.find(late).ticket is None
    assert mailroom.find(soon).ticket == ticket.number


def test_the_same_subject_joins_only_for_a_time_by_date(mailroom: Mailroom) -> None:
    """An import brings years of mail in an hour."""
    mailroom.receive("Subject: Printer\nDate: Mon, 01 Jun 2020 12:00:00 +0000")
    _, found = mailroom.receive("Subject: Re: Printer\nDate: Mon, 15 Jun 2020 12:00:00 +0000")
    assert found.ticket is None


def test_a_reply_to_an_unknown_mail_joins_by_subject_without_prefix(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive("Subject: Printer\nIn-Reply-To: <rewritten@provider.example>")
    assert (found.ticket, found.by) == (ticket.number, "subject")


def test_outlooks_conversation_joins_where_subject_and_company_fit(mailroom: Mailroom) -> None:
    root, reply = "AdgA1POU6XWax5foTkKMQf3hLbm/vw==", "AdgA1POU6XWax5foTkKMQf3hLbm/vwAAAAAB"
    ticket, _ = mailroom.receive(f"Subject: Printer\nThread-Index: {root}", at=NOW - 30 * DAY)
    _, found = mailroom.receive(f"Subject: Printer\nThread-Index: {reply}")
    assert (found.ticket, found.by) == (ticket.number, "thread_index")
    _, stranger = mailroom.receive(f"Subject: Printer\nThread-Index: {reply}", sender="bob@elsewhere.example")
    assert stranger.ticket is None


def test_outlooks_topic_stands_in_for_a_changed_subject(mailroom: Mailroom) -> None:
    ticket, _ = mailroom.receive("Subject: Printer")
    _, found = mailroom.receive("Subject: Re: Case 99 (Printer)\nThread-Topic: Printer")
    assert (found.ticket, found.by) == (ticket.number, "subject")
