"""Whether an answer reached the customer is what counts: else its ticket is unanswered and in Problem."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.desk.bounce import apply_bounce
from mailproc.desk.change import change_state
from mailproc.desk.settle import settle
from mailproc.desk.view import ticket_in_full
from mailproc.mime.reader import read
from mailproc.model.follow_up import IdKind
from mailproc.model.judgement import Bounce, FailedRecipient
from mailproc.model.outbox import RELAYED, Fate, NewItem, OutboxKind, RecipientResult
from mailproc.model.reply import Reply
from mailproc.model.ticket import MessageStatus, Move, State, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import TicketFilter
from tests.unit.desk.agents_desk import CARLA
from tests.unit.desk.leaving import TEXT, add_answer
from tests.unit.desk.office import Office, mail

DORA = "dora@customer.example"
TAKEN = Reply(250, "2.0.0", "ok")
NOBODY = Reply(550, "5.1.1", "no such user")
HARD = FailedRecipient(CARLA, "5.1.1", hard=True, diagnostic="550 5.1.1 no such user")
SOFT = FailedRecipient(CARLA, "5.2.2", hard=False)


@dataclass(frozen=True)
class Answer:
    ticket: Ticket
    message: int
    message_id: str


def answer(tx: Transaction, office: Office, *recipients: str, serial: int = 1) -> Answer:
    """Alice's answer to the only ticket, on its way."""
    (ticket,) = tx.tickets.matching(TicketFilter())
    message_id = office.site.keyring.message_id(ticket.number, serial, office.site.hostname)
    message = add_answer(tx, ticket, message_id, *recipients)
    tx.threads.add_ids(ticket.desk, ticket.id, [(message_id, IdKind.OURS)], at=1.0)
    assert tx.answers.take_turn(ticket.id, tx.answers.turn(message), "alice")
    ticket = change_state(tx, ticket, Move.ANSWER, who="alice", now=2.0, owner="alice")
    return Answer(ticket, message, message_id)


def sent(tx: Transaction, office: Office, *, refused: tuple[str, ...] = ()) -> None:
    """The relay takes all answers over, but for these recipients."""
    for item in tx.outbox.claim_due(10.0**10, 10.0**10 + 60, 10, RELAYED):
        if item.kind in (OutboxKind.REPLY, OutboxKind.PASSED):
            results = [
                RecipientResult(each, Fate.REFUSED, NOBODY)
                if each in refused
                else RecipientResult(each, Fate.ACCEPTED, TAKEN)
                for each in item.waiting
            ]
            settle(tx, office.site, tx.outbox.record(item, results, now=3.0, due=None), 3.0)


async def sent_answer(office: Office) -> Answer:
    """Alice's answer to a fresh ticket, which the relay took."""
    await office.receive(mail())

    def leave(tx: Transaction) -> Answer:
        first = answer(tx, office)
        sent(tx, office)
        return first

    return await office.store.write(leave)


def bounced(tx: Transaction, office: Office, an_answer: Answer, *recipients: FailedRecipient) -> None:
    desk = office.desks[0]
    apply_bounce(tx, desk, Bounce(recipients or (HARD,), an_answer.message_id), an_answer.ticket.id, 4.0)


def delivery(tx: Transaction, an_answer: Answer) -> dict[str, tuple[str, str]]:
    view = ticket_in_full(tx, an_answer.ticket, {}, 0.0)
    messages = view["messages"]
    assert isinstance(messages, list)
    (found,) = [each["delivery"] for each in messages if each["delivery"]]
    return {each["recipient"]: (each["state"], each["reply"]) for each in found}


def state_of(tx: Transaction, an_answer: Answer) -> tuple[State, MessageStatus, int]:
    """The ticket's state, the answer's status, and which turn is answered."""
    message = tx.tickets.message(an_answer.message)
    assert message is not None
    standing = tx.answers.standing(an_answer.ticket.id)
    return tx.tickets.get(an_answer.ticket.id).state, message.status, standing.turn_answered


def events(tx: Transaction, an_answer: Answer) -> list[tuple[str, str]]:
    return [(event.what, event.detail) for event in tx.history.events(an_answer.ticket.id)]


async def test_a_hard_bounce_lets_another_agent_answer(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office)
        sent(tx, office)
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.SENT, 0)
        assert not tx.answers.take_turn(first.ticket.id, 0, "bob")
        bounced(tx, office, first)
        assert state_of(tx, first) == (State.PROBLEM, MessageStatus.FAILED, -1)
        assert [what for what, _ in events(tx, first)][-3:] == ["bounced", "unanswered", "undelivered"]
        assert delivery(tx, first)[CARLA] == (
            "failed",
            f"bounced: {CARLA} 5.1.1 (hard): 550 5.1.1 no such user",
        )
        assert tx.tickets.get(first.ticket.id).owner == "alice"
        released = change_state(
            tx, tx.tickets.get(first.ticket.id), Move.CLAIM, who="bob", now=5.0, owner="bob"
        )
        assert tx.answers.take_turn(released.id, 0, "bob")

    await office.store.write(work)


async def test_a_report_of_the_relays_own_takes_the_same_way_as_mail(office: Office) -> None:
    first = await sent_answer(office)
    report = (
        "From: MAILER-DAEMON@relay.example\r\nTo: support@example.org\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <dsn@relay.example>\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; relay.example\r\nOriginal-Envelope-Id: {first.message_id}\r\n\r\n"
        f"Original-Recipient: rfc822;{CARLA}\r\nFinal-Recipient: rfc822; elsewhere@new.example\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\r\n--b--\r\n"
    )
    await office.receive(report.encode(), sender="")

    def look(tx: Transaction) -> None:
        assert state_of(tx, first) == (State.PROBLEM, MessageStatus.FAILED, -1)
        assert delivery(tx, first)[CARLA][0] == "failed"

    await office.store.read(look)


async def test_a_report_that_says_nothing_is_known_by_the_address_it_comes_to(office: Office) -> None:
    first = await sent_answer(office)
    report = (
        "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {CARLA}\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    ).encode()
    number = first.ticket.number
    forged = f"support+bounce.{number}.{first.message}.abcdefghij@example.org"
    address = office.site.keyring.bounce_address(office.desks[0], number, first.message)
    await office.receive(report, sender="", to=(forged,))
    assert (await office.store.read(lambda tx: state_of(tx, first)))[0] is State.ANSWERED
    await office.receive(report + b"\r\n", sender="", to=(str(address),))
    assert (await office.store.read(lambda tx: state_of(tx, first)))[0] is State.PROBLEM


async def test_a_refusal_of_the_relay_does_the_same(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office, CARLA, DORA)
        sent(tx, office, refused=(CARLA,))
        assert state_of(tx, first) == (State.PROBLEM, MessageStatus.FAILED, -1)
        assert delivery(tx, first) == {
            CARLA: ("failed", "550 5.1.1 no such user"),
            DORA: ("sent", "250 2.0.0 ok"),
        }

    await office.store.write(work)


async def test_a_wrong_address_in_cc_is_told_and_the_ticket_stays_answered(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office, CARLA, DORA)
        sent(tx, office, refused=(DORA,))
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.SENT, 0)
        assert events(tx, first)[-1] == ("sent", f"but not to {DORA}")
        (notice,) = [item for item in tx.outbox.items() if item.kind is OutboxKind.NOTICE]
        stored = tx.outbox.get(notice.id)
        assert stored is not None
        assert "Everybody else gets it." in read(stored.content).text

    await office.store.write(work)


async def test_a_bounce_of_a_cc_is_an_event_only(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office, CARLA, DORA)
        sent(tx, office)
        bounced(tx, office, first, FailedRecipient("Dora@Customer.Example", "5.1.1", hard=True))
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.SENT, 0)
        assert {address: state for address, (state, _) in delivery(tx, first).items()} == {
            CARLA: "sent",
            DORA: "failed",
        }
        assert events(tx, first)[-1][0] == "bounced"

    await office.store.write(work)


async def test_an_address_that_we_did_not_write_to_may_be_the_customers(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office, CARLA, DORA)
        sent(tx, office)
        bounced(tx, office, first, FailedRecipient("elsewhere@new.example", "5.1.1", hard=True))
        assert state_of(tx, first)[0] is State.PROBLEM

    await office.store.write(work)


async def test_a_soft_failure_unanswers_nothing(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office)
        sent(tx, office)
        bounced(tx, office, first, SOFT)
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.FAILED, 0)

    await office.store.write(work)


async def test_a_delay_changes_nothing_but_leaves_an_event(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office)
        sent(tx, office)
        bounced(tx, office, first, FailedRecipient(CARLA, "4.4.1", hard=False, final=False))
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.SENT, 0)
        assert delivery(tx, first)[CARLA] == ("sent", "250 2.0.0 ok")
        assert events(tx, first)[-1][0] == "delayed"

    await office.store.write(work)


async def test_a_late_bounce_of_one_answer_leaves_the_ticket_to_the_other(office: Office) -> None:
    await office.receive(mail())

    def work(tx: Transaction) -> None:
        first = answer(tx, office)
        second = answer(tx, office, "carla@new.example", serial=2)
        sent(tx, office)
        bounced(tx, office, first)
        assert state_of(tx, first) == (State.ANSWERED, MessageStatus.FAILED, 0)
        assert state_of(tx, second) == (State.ANSWERED, MessageStatus.SENT, 0)

    await office.store.write(work)


async def test_an_agent_is_told_of_a_refused_mail_that_is_no_tickets(office: Office) -> None:
    def work(tx: Transaction) -> None:
        mine = ("alice@example.org", (CARLA,), TEXT, 1.0)
        tx.outbox.add(NewItem("passed:1", OutboxKind.PASSED, "", *mine))
        sent(tx, office, refused=(CARLA,))
        (item,) = tx.outbox.claim_due(10.0**10, 10.0**10 + 60, 10, (OutboxKind.NOTICE,))
        assert [each.address for each in item.recipients] == ["alice@example.org"]
        told = read(item.content)
        assert told.subject == "Your mail was not delivered"
        assert f"{CARLA}: 550 5.1.1 no such user" in told.text
        assert told.embedded[0].text.strip() == "Try again."

    await office.store.write(work)
