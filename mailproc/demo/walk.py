"""What is played: a customer writes, two agents work in their mail clients, and nobody is answered twice."""

from __future__ import annotations

import time

from mailproc.demo.letters import (
    ADDITION,
    CUSTOMER,
    DESK,
    PRIZE,
    QUESTION,
    SPAMMER,
    THANKS,
    absence,
    addition,
    answer,
    decision,
    question,
    spam,
    thanks,
)
from mailproc.demo.scene import FOLDER, PASSWORD, Scene
from mailproc.demo.wire import DemoFailed, deliver, submit
from mailproc.desk.status import status
from mailproc.desk.train import GRACE, learn_due
from mailproc.mime.reader import Mail
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import TicketFilter


async def play(scene: Scene) -> None:
    """All of it; DemoFailed where a step does not do what it should."""
    ticket, acknowledgement = await _a_customer_writes(scene)
    await _mail_joins_the_ticket(scene, ticket, acknowledgement)
    copy = await _alice_claims(scene, ticket)
    reply = await _alice_answers(scene, ticket, copy)
    await _bobs_answer_is_held(scene, ticket, copy)
    await _alice_closes(scene, ticket)
    await _the_customer_reopens(scene, ticket, reply)
    await _spam_is_learnt(scene)
    await _everything_adds_up(scene)


async def _a_customer_writes(scene: Scene) -> tuple[Ticket, Mail]:
    say = scene.say
    say(f"1. {CUSTOMER} writes to {DESK}; the MTA hands the mail over by LMTP")
    say(f"   {await deliver(scene.ports.lmtp, CUSTOMER, DESK, question())}")
    ticket = await scene.until("a ticket", _newest)
    say(f"   ticket {ticket.number} is {ticket.state.value}")
    await scene.copy_in("New", QUESTION)
    say(f"   the agents see it in {FOLDER}/New")
    acknowledgement = await scene.mail_to(CUSTOMER, 1)
    say("   the acknowledgement leaves through the relay:")
    _show(scene, acknowledgement, "From", "To", "Reply-To", "Subject", "Message-ID", "Auto-Submitted")
    return ticket, acknowledgement


async def _mail_joins_the_ticket(scene: Scene, ticket: Ticket, acknowledgement: Mail) -> None:
    scene.say("2. she adds something, and the mail joins the ticket; so does her out-of-office reply,")
    scene.say("   which gets no answer, because a machine wrote it")
    reply_to = acknowledgement.header("Reply-To")
    await deliver(scene.ports.lmtp, CUSTOMER, reply_to, addition(acknowledgement))
    await _say_why(scene, ticket, 2)
    await deliver(scene.ports.lmtp, "", reply_to, absence(acknowledgement))
    await _say_why(scene, ticket, 3)


async def _alice_claims(scene: Scene, ticket: Ticket) -> Mail:
    """Returns the copy that both agents have read."""
    scene.say(f"3. alice drags it to {FOLDER}/@alice: she works on it, and everybody sees that")
    uid, copy = await scene.copy_in("New", ADDITION)
    await scene.move("alice", "New", uid, "@alice")
    await _ticket_is(scene, ticket, State.CLAIMED, "alice")
    await scene.copy_in("@alice", QUESTION)
    scene.say("   its other mails follow")
    return copy


async def _alice_answers(scene: Scene, ticket: Ticket, copy: Mail) -> Mail:
    scene.say("4. alice answers in her mail client, which sends through mailproc")
    text = "Dear Carla,\n\nhere is the invoice again.\n\nAlice"
    scene.say(f"   {await _send(scene, 'alice', copy, answer('alice', copy, text))}")
    reply = await scene.mail_to(CUSTOMER, 2)
    scene.say("   what the customer gets:")
    _show(scene, reply, "From", "To", "Reply-To", "Subject", "Message-ID")
    await _ticket_is(scene, ticket, State.ANSWERED, "alice")
    await scene.copy_in("Answered", reply.message_id)
    scene.say(f"   its mails and the answer lie in {FOLDER}/Answered")
    return reply


async def _bobs_answer_is_held(scene: Scene, ticket: Ticket, copy: Mail) -> None:
    scene.say("5. bob had the same mail open, and answers it too: his answer is held, and he is told at once")
    text = "Hello,\n\nplease look into your spam folder first.\n\nBob"
    scene.say(f"   {await _send(scene, 'bob', copy, answer('bob', copy, text))}")
    notice = await scene.mail_to("bob@example.org", 1)
    scene.say(f"   bob gets: {notice.subject}")
    if len(scene.sink.to(CUSTOMER)) != 2:
        raise DemoFailed("the second answer left")
    scene.say('   he replies "drop" to that')
    await _send(scene, "bob", notice, decision("bob", notice, "drop"))
    await scene.until("the end of the held answer", lambda tx: _has_event(tx, ticket, "dropped"))


async def _alice_closes(scene: Scene, ticket: Ticket) -> None:
    scene.say(f"6. alice drags it to {FOLDER}/Closed")
    uid, _ = await scene.copy_in("Answered", ADDITION)
    await scene.move("alice", "Answered", uid, "Closed")
    await _ticket_is(scene, ticket, State.CLOSED, "alice")


async def _the_customer_reopens(scene: Scene, ticket: Ticket, reply: Mail) -> None:
    scene.say("7. the customer answers: the ticket is open again, and back with alice")
    await deliver(scene.ports.lmtp, CUSTOMER, reply.header("Reply-To"), thanks(reply))
    await _ticket_is(scene, ticket, State.CLAIMED, "alice")
    await scene.copy_in("@alice", THANKS)


async def _spam_is_learnt(scene: Scene) -> None:
    scene.say(f"8. spam comes; bob drags it to {FOLDER}/Spam, and mailproc learns from it")
    await deliver(scene.ports.lmtp, SPAMMER, DESK, spam())
    ticket = await scene.until("a second ticket", lambda tx: _newest(tx, 2))
    uid, _ = await scene.copy_in("New", PRIZE)
    await scene.move("bob", "New", uid, "Spam")
    await _ticket_is(scene, ticket, State.SPAM, "")
    await scene.until("a lesson", lambda tx: tx.lessons.pending(ticket.id))
    # Agents have a minute to change their minds; the demonstration does not wait for its end.
    await learn_due(scene.store, time.time() + 2 * GRACE)
    spam_mails, ham_mails = await scene.store.read(lambda tx: tx.tokens.totals())
    scene.say(f"   {spam_mails} mail learnt as spam; {ham_mails} as ham, because agents answered")
    if spam_mails != 1:
        raise DemoFailed("the spam was not learnt")


async def _everything_adds_up(scene: Scene) -> None:
    counts = await scene.store.read(status)
    parts = ("new", "follow_up", "duplicate", "ignored", "quarantined", "waiting")
    scene.say("9. everything adds up (mailproc status)")
    scene.say(f"   accepted {counts['accepted']} = " + " + ".join(f"{counts[part]} {part}" for part in parts))
    if (counts["accepted"], counts["new"], counts["follow_up"]) != (5, 2, 3):
        raise DemoFailed(f"unexpected counts {counts}")
    if len(scene.sink.to(CUSTOMER)) != 2:
        raise DemoFailed("the customer should have got an acknowledgement and an answer")


# What the steps are made of


async def _send(scene: Scene, agent: str, to: Mail, raw: bytes) -> str:
    """An agent's mail client sends a reply to a mail."""
    recipient = to.reply_to or to.author
    if recipient is None:
        raise DemoFailed(f"a mail to {agent} that cannot be answered")
    sender = f"{agent}@example.org"
    return await submit(scene.ports.submission, agent, PASSWORD, sender, str(recipient.address), raw)


def _newest(tx: Transaction, count: int = 1) -> Ticket | None:
    """The newest of so many tickets."""
    tickets = list(tx.tickets.matching(TicketFilter()))
    return tickets[-1] if len(tickets) == count else None


async def _ticket_is(scene: Scene, ticket: Ticket, state: State, owner: str) -> None:
    def look(tx: Transaction) -> Ticket | None:
        now = tx.tickets.get(ticket.id)
        return now if (now.state, now.owner) == (state, owner) else None

    await scene.until(f"ticket {ticket.number} to be {state.value}", look)
    held = f", held by {owner}" if owner else ""
    scene.say(f"   ticket {ticket.number} is {state.value}{held}")


async def _say_why(scene: Scene, ticket: Ticket, count: int) -> None:
    """Wait until the ticket has so many mails; say how the newest one came to it."""
    messages = await scene.until(
        f"mail {count} of the ticket",
        lambda tx: found if len(found := tx.tickets.messages(ticket.id)) >= count else None,
    )
    newest = messages[-1]
    kind = "" if newest.automatic == "none" else f" ({newest.automatic})"
    scene.say(f"   mail {count}{kind}, because {newest.joined_reasons[0]}")


def _has_event(tx: Transaction, ticket: Ticket, what: str) -> bool | None:
    return any(event.what == what for event in tx.history.events(ticket.id)) or None


def _show(scene: Scene, mail: Mail, *names: str) -> None:
    for name in names:
        scene.say(f"   {name}: {mail.header(name)}")
