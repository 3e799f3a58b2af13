"""What is known of an author: mails, open tickets, and who answered last."""

from __future__ import annotations

from mailproc.model.follow_up import Role
from mailproc.model.ticket import Direction, MessageStatus, State, Ticket
from mailproc.store.authors import Author
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import NewMessage, NewTicket

NOW = 1_795_000_000.0
ANN = "ann@example.com"


def ticket(tx: Transaction, number: str, *, desk: str = "support", state: State = State.NEW) -> Ticket:
    new = NewTicket(number, desk, "Question", "question", state, "", ANN, NOW, "", "", 0.5)
    opened = tx.tickets.open(new)
    tx.threads.add_participants(desk, opened.id, [(ANN, Role.CUSTOMER)], at=NOW)
    return opened


def answer(
    tx: Transaction, about: Ticket, agent: str, at: float, status: MessageStatus = MessageStatus.SENT
) -> None:
    row = NewMessage(
        delivery=None,
        sha256=agent.encode().ljust(32),
        direction=Direction.OUT,
        sender="support@example.org",
        recipients=(ANN,),
        subject="Re: Question",
        date=at,
        message_id=f"<{agent}.{at}@example.org>",
        size=1,
        automatic="none",
        at=at,
        agent=agent,
        status=status,
    )
    tx.tickets.add_message(about, row)


async def known(store: Store, desk: str = "support") -> Author:
    return await store.read(lambda tx: tx.authors.get(desk, ANN))


async def test_nobody_is_known_in_an_empty_store(store: Store) -> None:
    assert await known(store) == Author(0, 0, 0)


async def test_mails_and_open_tickets_are_counted(store: Store) -> None:
    def work(tx: Transaction) -> None:
        for number, state in enumerate((State.NEW, State.CLOSED, State.SPAM, State.ANSWERED)):
            ticket(tx, str(number), state=state)
            tx.authors.count("support", ANN, aligned=number == 0, at=NOW)

    await store.write(work)
    assert await known(store) == Author(4, 1, 2)


async def test_the_last_answer_that_left_counts(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.authors.count("support", ANN, aligned=True, at=NOW)
        first, second = ticket(tx, "1", state=State.CLOSED), ticket(tx, "2")
        answer(tx, first, "alice", NOW + 1)
        answer(tx, second, "bob", NOW + 5)
        answer(tx, first, "alice", NOW + 3)
        answer(tx, first, "carol", NOW + 9, MessageStatus.HELD)
        answer(tx, second, "dave", NOW + 9, MessageStatus.WAITING)

    await store.write(work)
    found = await known(store)
    assert (found.answered, found.answered_by) == (NOW + 5, "bob")


async def test_what_another_desk_answered_is_not_told(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.authors.count("support", ANN, aligned=True, at=NOW)
        answer(tx, ticket(tx, "1", desk="sales"), "carol", NOW)

    await store.write(work)
    assert await known(store) == Author(1, 1, 0)
    assert await known(store, "sales") == Author(0, 0, 1)
