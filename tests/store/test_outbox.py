"""The outbox in SQLite: claims, leases, and what becomes of an item after each attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from mailproc.model.outbox import (
    RELAYED,
    Fate,
    NewItem,
    OutboxItem,
    OutboxKind,
    OutboxState,
    RecipientResult,
    Settled,
)
from mailproc.model.reply import Reply
from mailproc.store.outbox import Outbox
from mailproc.store.protocol import Store

T = TypeVar("T")
NOW = 1_000_000.0
LEASE = NOW + 360
OK = Reply(250, "2.0.0", "Ok")
LATER = Reply(450, "4.2.1", "Mailbox busy")
NEVER = Reply(550, "5.1.1", "No such user")


async def do(store: Store, work: Callable[[Outbox], T]) -> T:
    return await store.write(lambda tx: work(tx.outbox))


def new(
    key: str = "k", *, kind: OutboxKind = OutboxKind.REPLY, held: bool = False, **more: object
) -> NewItem:
    recipients = more.pop("recipients", ("ann@example.com",))
    assert isinstance(recipients, tuple)
    created = more.pop("created", NOW)
    assert isinstance(created, float)
    return NewItem(
        key=key,
        kind=kind,
        desk="support",
        mail_from="support+bounce@example.org",
        recipients=recipients,
        content=b"Subject: x\r\n\r\ny\r\n",
        created=created,
        held=held,
    )


async def claim_one(store: Store, now: float = NOW) -> OutboxItem:
    (item,) = await do(store, lambda box: box.claim_due(now, now + 360, 5, RELAYED))
    return item


def accepted(recipient: str) -> RecipientResult:
    return RecipientResult(recipient, Fate.ACCEPTED, OK)


def later(recipient: str) -> RecipientResult:
    return RecipientResult(recipient, Fate.LATER, LATER)


def refused(recipient: str) -> RecipientResult:
    return RecipientResult(recipient, Fate.REFUSED, NEVER)


def unknown(recipient: str) -> RecipientResult:
    return RecipientResult(recipient, Fate.UNKNOWN, LATER)


async def record(
    store: Store, item: OutboxItem, *results: RecipientResult, due: float | None = NOW + 60
) -> Settled:
    return await do(store, lambda box: box.record(item, results, now=NOW, due=due))


async def stored(store: Store, item_id: int) -> OutboxItem:
    item = await do(store, lambda box: box.get(item_id))
    assert item is not None
    return item


async def test_second_item_with_the_same_key_is_not_added(store: Store) -> None:
    assert await do(store, lambda box: box.add(new("ack:1", recipients=("a@b.example", "a@b.example"))))
    assert not await do(store, lambda box: box.add(new("ack:1", recipients=("other@b.example",))))
    item = await claim_one(store)
    assert item.waiting == ("a@b.example",)
    assert item.content == b"Subject: x\r\n\r\ny\r\n"


async def test_claimed_item_is_not_claimed_again_before_its_lease_ends(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    item = await claim_one(store)
    assert item.lease == LEASE
    assert await do(store, lambda box: box.claim_due(LEASE - 1, LEASE + 9, 5, RELAYED)) == []
    assert [
        again.id for again in await do(store, lambda box: box.claim_due(LEASE, LEASE + 9, 5, RELAYED))
    ] == [item.id]


async def test_claims_come_oldest_due_first_and_only_of_the_kinds_asked_for(store: Store) -> None:
    for key, kind, created in (
        ("late", OutboxKind.REPLY, NOW - 1),
        ("copy", OutboxKind.PUBLISH, NOW - 9),
        ("early", OutboxKind.NOTICE, NOW - 5),
        ("future", OutboxKind.REPLY, NOW + 1),
    ):
        await do(store, lambda box, k=key, n=kind, c=created: box.add(new(k, kind=n, created=c)))  # type: ignore[misc]
    first = await do(store, lambda box: box.claim_due(NOW, LEASE, 1, RELAYED))
    rest = await do(store, lambda box: box.claim_due(NOW, LEASE, 9, RELAYED))
    assert [item.key for item in first + rest] == ["early", "late"]


async def test_claim_can_be_limited_to_items_of_a_certain_age(store: Store) -> None:
    await do(store, lambda box: box.add(new("old", created=NOW - 100)))
    await do(store, lambda box: box.add(new("young", created=NOW - 10)))
    items = await do(store, lambda box: box.claim_due(NOW, LEASE, 9, RELAYED, created_before=NOW - 50))
    assert [item.key for item in items] == ["old"]


async def test_item_knows_the_number_of_its_ticket(store: Store) -> None:
    await store.write(
        lambda tx: tx._connection.run(
            """
            INSERT INTO ticket (id, number, desk, subject, subject_key, state, opened, updated)
            VALUES (7, '2026112100017', 'support', '', '', 'new', 0, 0)
            """
        )
    )
    item = NewItem("k", OutboxKind.REPLY, "support", "", ("a@b.example",), b"", NOW, ticket=7, message=3)
    await do(store, lambda box: box.add(item))
    claimed = await claim_one(store)
    assert (claimed.ticket, claimed.number, claimed.message) == (7, "2026112100017", 3)
    assert [listed.number for listed in await do(store, lambda box: box.items())] == ["2026112100017"]


async def test_held_item_is_never_claimed(store: Store) -> None:
    await do(store, lambda box: box.add(new(held=True)))
    assert await do(store, lambda box: box.claim_due(NOW, LEASE, 5, RELAYED)) == []
    assert await do(store, lambda box: box.counts()) == {"waiting": 0, "held": 1, "sent": 0, "failed": 0}


async def test_each_recipient_follows_its_own_reply(store: Store) -> None:
    await do(store, lambda box: box.add(new(recipients=("a@x.example", "b@x.example", "c@x.example"))))
    settled = await record(
        store, await claim_one(store), accepted("a@x.example"), later("b@x.example"), refused("c@x.example")
    )
    assert not settled.finished
    assert [result.recipient for result in settled.results] == ["a@x.example", "c@x.example"]
    assert settled.item.waiting == ("b@x.example",)
    assert (settled.item.due, settled.item.attempts, settled.item.lease) == (NOW + 60, 1, 0)
    assert settled.item.problem == "450 4.2.1 Mailbox busy"

    settled = await record(store, await claim_one(store, NOW + 60), accepted("b@x.example"))
    assert settled.finished
    assert [result.recipient for result in settled.results] == ["b@x.example"]
    assert settled.item.state is OutboxState.FAILED
    assert settled.item.problem == "550 5.1.1 No such user"


async def test_item_is_sent_when_all_recipients_are(store: Store) -> None:
    await do(store, lambda box: box.add(new(recipients=("a@x.example", "b@x.example"))))
    settled = await record(store, await claim_one(store), accepted("a@x.example"), accepted("b@x.example"))
    assert (settled.item.state, settled.item.problem, settled.failures) == (OutboxState.SENT, "", ())
    assert await do(store, lambda box: box.counts()) == {"waiting": 0, "held": 0, "sent": 1, "failed": 0}


async def test_without_a_next_time_a_temporary_reply_is_final(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    settled = await record(store, await claim_one(store), later("ann@example.com"), due=None)
    assert settled.item.state is OutboxState.FAILED
    assert [result.reply for result in settled.failures] == [LATER]


async def test_unknown_outcome_is_tried_again_for_a_reply(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    settled = await record(store, await claim_one(store), unknown("ann@example.com"))
    assert settled.item.state is OutboxState.WAITING


async def test_unknown_outcome_is_never_tried_again_for_an_acknowledgement(store: Store) -> None:
    await do(store, lambda box: box.add(new(kind=OutboxKind.ACKNOWLEDGEMENT)))
    item = await claim_one(store)
    assert await do(store, lambda box: box.take_once(item))
    settled = await record(store, item, unknown("ann@example.com"))
    assert settled.item.state is OutboxState.SENT
    assert await do(store, lambda box: box.claim_due(LEASE + 1, LEASE + 2, 5, RELAYED)) == []


async def test_what_was_taken_once_stays_sent_when_nothing_is_recorded_after(store: Store) -> None:
    await do(store, lambda box: box.add(new(kind=OutboxKind.REJECTION)))
    item = await claim_one(store)
    assert await do(store, lambda box: box.take_once(item))
    assert not await do(store, lambda box: box.take_once(item))
    await store.write(lambda tx: tx.holdings.release_all())
    assert await do(store, lambda box: box.claim_due(LEASE + 1, LEASE + 2, 5, RELAYED)) == []
    assert (await stored(store, item.id)).state is OutboxState.SENT


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (later("ann@example.com"), OutboxState.WAITING),
        (refused("ann@example.com"), OutboxState.FAILED),
    ],
)
async def test_what_was_taken_once_and_surely_not_sent_follows_the_reply(
    store: Store, result: RecipientResult, state: OutboxState
) -> None:
    await do(store, lambda box: box.add(new(kind=OutboxKind.ACKNOWLEDGEMENT)))
    item = await claim_one(store)
    await do(store, lambda box: box.take_once(item))
    settled = await record(store, item, result)
    assert (settled.item.state, settled.item.recipients[0].state) == (state, state)


async def test_put_back_undoes_claim_and_taking_without_counting_an_attempt(store: Store) -> None:
    await do(store, lambda box: box.add(new(kind=OutboxKind.ACKNOWLEDGEMENT)))
    item = await claim_one(store)
    await do(store, lambda box: box.take_once(item))
    await do(store, lambda box: box.put_back(item))
    again = await claim_one(store)
    assert (again.id, again.attempts, again.waiting) == (item.id, 0, ("ann@example.com",))


async def test_late_worker_may_only_say_what_was_sent(store: Store) -> None:
    await do(store, lambda box: box.add(new(recipients=("a@x.example", "b@x.example"))))
    late = await claim_one(store)
    other = await claim_one(store, LEASE + 1)
    settled = await record(store, late, accepted("a@x.example"), refused("b@x.example"))
    assert [result.recipient for result in settled.results] == ["a@x.example"]
    assert settled.item.lease == other.lease
    assert settled.item.waiting == ("b@x.example",)
    assert not await do(store, lambda box: box.take_once(late))
    await do(store, lambda box: box.put_back(late))
    assert (await stored(store, late.id)).lease == other.lease


async def test_late_worker_with_nothing_sent_changes_nothing(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    late = await claim_one(store)
    await claim_one(store, LEASE + 1)
    before = await stored(store, late.id)
    settled = await record(store, late, refused("ann@example.com"), due=None)
    assert settled.results == ()
    assert await stored(store, late.id) == before


async def test_release_leases_makes_claimed_items_due_at_once(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    await claim_one(store)
    assert await store.write(lambda tx: tx.holdings.release_all()) == 1
    assert (await claim_one(store)).key == "k"


async def test_retry_takes_up_a_failed_item_for_the_recipients_it_did_not_reach(store: Store) -> None:
    await do(store, lambda box: box.add(new(recipients=("a@x.example", "b@x.example"))))
    item = await claim_one(store)
    await record(store, item, accepted("a@x.example"), refused("b@x.example"))
    assert await do(store, lambda box: box.retry(item.id, NOW + 5))
    assert (await claim_one(store, NOW + 5)).waiting == ("b@x.example",)


async def test_retry_is_refused_for_what_is_held_sent_or_under_way(store: Store) -> None:
    await do(store, lambda box: box.add(new("held", held=True)))
    await do(store, lambda box: box.add(new("sent")))
    sent = await claim_one(store)
    assert not await do(store, lambda box: box.retry(sent.id, NOW + 1))
    await record(store, sent, accepted("ann@example.com"))
    assert not await do(store, lambda box: box.retry(sent.id, NOW + 1))
    (held,) = await do(store, lambda box: box.items(OutboxState.HELD))
    assert not await do(store, lambda box: box.retry(held.id, NOW + 1))
    assert not await do(store, lambda box: box.retry(4711, NOW + 1))


async def test_dropped_item_leaves_list_and_counts_but_keeps_its_key(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    (item,) = await do(store, lambda box: box.items())
    assert await do(store, lambda box: box.drop(item.id))
    assert not await do(store, lambda box: box.drop(item.id))
    assert await do(store, lambda box: box.items()) == []
    assert [i.key for i in await do(store, lambda box: box.items(OutboxState.DROPPED))] == ["k"]
    assert await do(store, lambda box: box.counts()) == {"waiting": 0, "held": 0, "sent": 0, "failed": 0}
    assert not await do(store, lambda box: box.add(new()))


async def test_item_dropped_while_under_way_is_not_tried_again(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    item = await claim_one(store)
    await do(store, lambda box: box.drop(item.id))
    await record(store, item, later("ann@example.com"))
    assert (await stored(store, item.id)).state is OutboxState.DROPPED


async def test_item_dropped_while_under_way_that_was_sent_says_so(store: Store) -> None:
    await do(store, lambda box: box.add(new()))
    item = await claim_one(store)
    await do(store, lambda box: box.drop(item.id))
    settled = await record(store, item, accepted("ann@example.com"))
    assert settled.item.state is OutboxState.SENT


async def test_list_leaves_out_the_mail_itself_and_what_is_done(store: Store) -> None:
    await do(store, lambda box: box.add(new("sent")))
    await record(store, await claim_one(store), accepted("ann@example.com"))
    await do(store, lambda box: box.add(new("one")))
    await do(store, lambda box: box.add(new("two")))
    items = await do(store, lambda box: box.items(limit=1))
    assert [(item.key, item.content) for item in items] == [("one", b"")]
    assert [item.key for item in await do(store, lambda box: box.items(after=items[0].id))] == ["two"]
    assert [item.key for item in await do(store, lambda box: box.items(OutboxState.SENT))] == ["sent"]
