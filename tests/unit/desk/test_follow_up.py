"""Mail joins the ticket that it belongs to, and nobody gets into one by guessing (store and rules)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.threads import LISTS, replay
from mailproc.desk.follow_up import find, index, record, record_failures, record_sent
from mailproc.desk.number import new_number
from mailproc.desk.site import Agent, Site
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.mime.reader import read
from mailproc.mime.signals import read_signals
from mailproc.model.address import Address
from mailproc.model.desk import (
    ClosedReply,
    Desk,
    FollowUpPolicy,
    ForwardPolicy,
    NumberScheme,
    SeveralPolicy,
)
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import FollowUp, Role, Signals
from mailproc.model.judgement import NOT_AUTHENTICATED, Authentication, AuthResult, MailClass
from mailproc.model.mac import Keyring, read_address, read_message_id, read_tags
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.migrate import migrate
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteConnection, connect
from mailproc.store.tickets import NewMessage, NewTicket

KEYRING = Keyring.generate(b"0123456789abcdef0123456789abcdef")
NOW = 1_795_262_400.0  # 2026-11-21 12:00 UTC
DAY = 86_400.0
DATE = "Sat, 21 Nov 2026 12:00:00 +0000"
ALIGNED = Authentication(dmarc=AuthResult.PASS, aligned=True)
FORGED = Authentication(spf=AuthResult.FAIL)


@dataclass
class Mailroom:
    """One desk and its store: mail comes in, and the ticket that it got is looked at."""

    tx: Transaction
    desk: Desk
    site: Site
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    mails: int = 0

    def signals(
        self,
        headers: str,
        *,
        sender: str = "ann@example.net",
        rcpt: str = "support@example.org",
        auth: Authentication = NOT_AUTHENTICATED,
        automatic: MailClass = MailClass.NONE,
        at: float = NOW,
    ) -> Signals:
        self.mails += 1
        lines = [f"From: <{sender}>"] if sender else []
        if "To:" not in headers.replace("Reply-To:", "").replace("In-Reply-To:", ""):
            lines.append("To: support@example.org")
        if "Message-ID:" not in headers:
            lines.append(f"Message-ID: <mail{self.mails}@{sender.partition('@')[2]}>")
        if "Date:" not in headers:
            lines.append(f"Date: {DATE}")
        raw = "\r\n".join([*lines, *headers.splitlines(), "", "Hello", ""])
        envelope = Envelope(Address.parse(sender), Address.parse(rcpt))
        return read_signals(
            read(raw.encode()), envelope, self.desk, authentication=auth, automatic=automatic, received=at
        )

    def find(self, signals: Signals) -> FollowUp:
        return find(self.tx, KEYRING, self.desk, signals, signals.received)

    def receive(self, headers: str, **options: object) -> tuple[Ticket, FollowUp]:
        signals = self.signals(headers, **options)  # type: ignore[arg-type]  # handed through
        found = self.find(signals)
        ticket = self.tx.tickets.by_number(found.ticket) if found.ticket else self.open(signals)
        assert ticket is not None
        self.keep(ticket, signals, found)
        return ticket, found

    def keep(self, ticket: Ticket, signals: Signals, found: FollowUp) -> None:
        self.tx.tickets.add_message(
            ticket,
            NewMessage(
                delivery=None,
                sha256=str(self.mails).encode(),
                direction=Direction.IN,
                sender=signals.sender,
                recipients=(),
                subject="",
                date=signals.date,
                message_id=signals.message_id,
                size=0,
                automatic="none",
                at=signals.received,
            ),
        )
        self.tx.tickets.touch(ticket.id, signals.received)
        record(self.tx, self.site, self.desk, ticket, signals, found)

    def open(self, signals: Signals) -> Ticket:
        return self.tx.tickets.open(
            NewTicket(
                number=new_number(self.tx, self.desk, signals.received, self.rng),
                desk=self.desk.name,
                subject=signals.subject_key,
                subject_key=signals.subject_key,
                state=State.NEW,
                owner="",
                customer=signals.customer or signals.sender,
                opened=signals.received,
                topic="",
                language="en",
                spam=0.0,
            )
        )

    def close(self, ticket: Ticket, *, at: float = NOW) -> None:
        self.tx.tickets.set_state(ticket, State.CLOSED, "", at)

    def set_policy(self, **changes: object) -> None:
        policy = replace(self.desk.follow_up, **changes)  # type: ignore[arg-type]  # handed through
        self.desk = replace(self.desk, follow_up=policy)

    def roles(self, ticket: Ticket) -> dict[str, Role]:
        return dict(self.tx.threads.participants(ticket.id))


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    raw = connect(tmp_path / "mailproc.db")
    migrate(raw, NO_FAILPOINTS)
    raw.execute("BEGIN")
    desk = Desk(
        "support",
        "Support",
        (Address("support", "example.org"), Address("help", "example.org")),
        agents=("alice",),
        follow_up=FollowUpPolicy(),
    )
    alice = Agent("alice", "Alice", Address("alice", "example.org"))
    site = Site("mail.example.org", {"support": desk}, {"alice": alice}, KEYRING)
    yield Mailroom(Transaction(SqliteConnection(raw)), desk, site)
    raw.close()


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


# Real threads

# The truth tables know only In-Reply-To; these mails carry on a thread without it (docs/reference/follow-up.md).
WRONG_IN_THE_TABLES = {
    "threads/usrp-users/01293.eml",
    "threads/linux-man/00109.eml",
    "threads/linux-man/00530.eml",
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("at_once", [False, True])
async def test_real_threads_are_joined_and_none_is_joined_to_another(
    corpus: Path, name: str, at_once: bool
) -> None:
    figures = await replay(corpus, name, forward=ForwardPolicy.NEW, at_once=at_once)
    assert figures.counts["joinable"] > 400
    assert figures.counts["right"] >= 0.995 * figures.counts["joinable"]
    assert {example.split()[0] for example in figures.examples["wrong"]} <= WRONG_IN_THE_TABLES
