"""Originals in a bucket: none is let go before it is there, and who reads one does not see where it lies."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailproc.model.ticket import Direction, MessageStatus, State
from mailproc.store.archived import ArchivedStore
from mailproc.store.bucket import Bucket, BucketPlace
from mailproc.store.connection import BucketAway, MailElsewhere
from mailproc.store.copying import copy
from mailproc.store.moving import Mover
from mailproc.store.originals import MovingRule, Original
from mailproc.store.place import PostgresPlace, SqlitePlace
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import NewMessage
from tests.rig.s3 import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, Fault, S3Server
from tests.rig.tickets import new_ticket
from tests.rig.waiting import eventually

NOW = 1_000_000.0
RULE = MovingRule(least=20_000, after=1000.0)
Place = SqlitePlace | PostgresPlace


def bucket_at(s3: S3Server, *, timeout: float = 10.0, prefix: str = "") -> Bucket:
    url = f"s3://{BUCKET}{prefix}"
    return Bucket(BucketPlace(url, timeout, s3.endpoint, REGION, ACCESS_KEY, SECRET_KEY))


@pytest.fixture
def bucket(s3: S3Server) -> Bucket:
    return bucket_at(s3)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return SqlitePlace(tmp_path / "mailproc.db")
    return PostgresPlace(request.getfixturevalue("store_server").new_schema(), 30.0)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    store = place.open()
    yield store
    await store.close()


def mail(number: int, size: int = 30_000) -> bytes:
    """One that does not get smaller."""
    block = hashlib.sha256(str(number).encode()).digest()
    noise = b"".join(hashlib.sha256(block + bytes([i % 256, i // 256])).digest() for i in range(size // 32))
    return b"Subject: %d\r\n\r\n" % number + noise


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def file(tx: Transaction, raw: bytes, *, state: State = State.CLOSED, updated: float = 0.0) -> int:
    """A mail in a ticket of its own; the ticket's row."""
    tx.deliveries.keep_raw(sha(raw), raw)
    ticket = tx.tickets.open(new_ticket(f"{sha(raw).hex()[:12]}-{updated}", updated, state=state))
    tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=sha(raw),
            direction=Direction.IN,
            sender="carla@customer.example",
            recipients=("support@example.org",),
            subject="x",
            date=None,
            message_id="",
            size=len(raw),
            automatic="none",
            status=MessageStatus.RECEIVED,
            at=updated,
        ),
    )
    return ticket.id


def mover(bucket: Bucket) -> Mover:
    return Mover(bucket, RULE, lambda: NOW)


async def is_here(store: Store, raw: bytes) -> bool:
    return await store.read(lambda tx: tx.deliveries.raw_here(sha(raw))) == raw


async def test_what_is_moved_lies_in_the_bucket_as_it_came_and_is_read_from_there(
    store: Store, place: Place, s3: S3Server, bucket: Bucket
) -> None:
    raw = mail(1)
    await store.write(lambda tx: file(tx, raw))
    assert await mover(bucket).move_some(store, place) == 1
    assert s3.objects == {sha(raw).hex(): raw}
    assert not await is_here(store, raw)
    archived = ArchivedStore(store, bucket)
    assert await archived.read(lambda tx: tx.deliveries.raw(sha(raw))) == raw
    assert await mover(bucket).move_some(store, place) == 0
    assert await store.read(lambda tx: tx.originals.in_bucket()) == (1, len(raw))


async def test_small_mails_and_those_that_somebody_works_on_stay(
    store: Store, place: Place, bucket: Bucket
) -> None:
    small, fresh, alive, kept = mail(1, 19_000), mail(2), mail(3), mail(4)

    def work(tx: Transaction) -> None:
        file(tx, small)
        file(tx, fresh, updated=NOW - 999)
        file(tx, alive, state=State.ANSWERED)
        tx.deliveries.keep_raw(sha(kept), kept)  # of no ticket: it waits, is set aside, or is an answer

    await store.write(work)
    assert await mover(bucket).move_some(store, place) == 0


async def test_a_mail_of_two_tickets_waits_for_both(store: Store, place: Place, bucket: Bucket) -> None:
    raw = mail(1)
    await store.write(lambda tx: (file(tx, raw), file(tx, raw, updated=NOW)))
    assert await mover(bucket).move_some(store, place) == 0


async def test_a_merged_ticket_waits_for_the_other(store: Store, place: Place, bucket: Bucket) -> None:
    one, other = mail(1), mail(2)

    def work(tx: Transaction) -> None:
        merged, target = file(tx, one), file(tx, other, state=State.CLAIMED)
        tx.tickets.set_merged_into(merged, target, 0.0)

    await store.write(work)
    assert await mover(bucket).move_some(store, place) == 0


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.ERROR, Fault.CUT, Fault.SHORT, Fault.OTHER])
async def test_what_the_bucket_does_not_give_back_as_it_was_stays_in_the_database(
    fault: Fault, store: Store, place: Place, s3: S3Server, bucket: Bucket
) -> None:
    raw = mail(1)
    await store.write(lambda tx: file(tx, raw))
    s3.fault = fault
    with pytest.raises(BucketAway):
        await mover(bucket).move_some(store, place)
    assert await is_here(store, raw)
    s3.fault = None
    assert await mover(bucket_at(s3)).move_some(store, place) == 1
    assert s3.objects == {sha(raw).hex(): raw}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.FORBIDDEN, "lacks the necessary privileges|403|AccessDenied"),
        (Fault.ERROR, "500|InternalError"),
        (Fault.CUT, "error|octets"),
        (Fault.SHORT, "octets in the bucket, not"),
        (Fault.OTHER, "another mail in the bucket than its name says"),
    ],
)
async def test_what_cannot_be_had_from_the_bucket_is_told_and_can_be_had_later(
    fault: Fault, said: str, store: Store, place: Place, s3: S3Server, bucket: Bucket
) -> None:
    raw = mail(1)
    await store.write(lambda tx: file(tx, raw))
    await mover(bucket).move_some(store, place)
    s3.fault = fault
    with pytest.raises(BucketAway, match=said):
        await ArchivedStore(store, bucket).read(lambda tx: tx.deliveries.raw(sha(raw)))
    s3.fault = None
    later = ArchivedStore(store, bucket_at(s3))
    assert await later.read(lambda tx: tx.deliveries.raw(sha(raw))) == raw


async def test_a_bucket_that_is_away_is_not_waited_for_again_and_again(s3: S3Server) -> None:
    original = Original(sha(b"x"), 1)
    s3.fault = Fault.SILENT
    bucket = bucket_at(s3, timeout=0.3)
    with pytest.raises(BucketAway, match="did not answer within"):
        await bucket.fetch(original)
    asked = len(s3.requests)
    with pytest.raises(BucketAway, match="a moment ago"):
        await bucket.fetch(original)
    assert len(s3.requests) == asked
    s3.stop()


async def test_a_mail_that_is_missing_in_the_bucket_is_told(s3: S3Server, bucket: Bucket) -> None:
    with pytest.raises(BucketAway, match="does not hold it"):
        await bucket.fetch(Original(sha(b"x"), 1))
    original = Original(sha(b"x"), 1)
    await bucket.put(original, b"x")  # it is no reason to stay away
    assert await bucket.fetch(original) == b"x"


async def test_work_that_needs_several_of_them_gets_all_and_writes_once(
    store: Store, place: Place, bucket: Bucket
) -> None:
    raws = [mail(number) for number in range(3)]
    await store.write(lambda tx: [file(tx, raw) for raw in raws])
    assert await mover(bucket).move_some(store, place) == 3

    def work(tx: Transaction) -> list[bytes | None]:
        tx.originals.take_back(sha(raws[0]), raws[0])
        return [tx.deliveries.raw(sha(raw)) for raw in raws]

    archived = ArchivedStore(store, bucket)
    assert await archived.write(work) == raws
    assert await store.read(lambda tx: tx.originals.in_bucket()) == (2, sum(map(len, raws[1:])))


async def test_without_a_bucket_its_mails_are_away(store: Store) -> None:
    raw = mail(1)
    await store.write(lambda tx: file(tx, raw))
    await store.write(lambda tx: tx.originals.let_go(sha(raw)))
    with pytest.raises(MailElsewhere, match=r"there is no \[bucket\] here"):
        await store.read(lambda tx: tx.deliveries.raw(sha(raw)))


async def test_a_mail_that_comes_again_is_in_the_database_again(
    store: Store, place: Place, s3: S3Server, bucket: Bucket
) -> None:
    raw = mail(1)
    await store.write(lambda tx: file(tx, raw))
    await mover(bucket).move_some(store, place)
    s3.stop()
    await store.write_beside(lambda tx: tx.deliveries.keep_raw(sha(raw), raw))
    assert await is_here(store, raw)


async def test_a_mail_that_is_damaged_in_the_database_is_not_put_into_the_bucket(
    store: Store, place: Place, s3: S3Server, bucket: Bucket
) -> None:
    damaged, sound = mail(1, 40_000), mail(2)

    def work(tx: Transaction) -> None:
        file(tx, damaged)
        file(tx, sound)
        tx.originals.take_back(sha(damaged), b"another")

    await store.write(work)
    assert await mover(bucket).move_some(store, place) == 1
    assert s3.objects == {sha(sound).hex(): sound}


async def test_names_in_the_bucket_begin_with_the_prefix(s3: S3Server) -> None:
    await bucket_at(s3, prefix="/mailproc/one").put(Original(sha(b"x"), 1), b"x")
    assert s3.objects == {f"mailproc/one/{sha(b'x').hex()}": b"x"}


async def test_a_probe_leaves_nothing_behind(s3: S3Server, bucket: Bucket) -> None:
    await bucket.probe()
    assert not s3.objects
    assert [request.split()[0] for request in s3.requests] == ["PUT", "GET", "DELETE"]


async def test_a_wrong_secret_is_refused(s3: S3Server) -> None:
    wrong = Bucket(BucketPlace(f"s3://{BUCKET}", 10.0, s3.endpoint, REGION, ACCESS_KEY, "wrong"))
    with pytest.raises(BucketAway):
        await wrong.probe()
    assert s3.unsigned
    s3.unsigned.clear()


async def test_the_event_loop_turns_while_a_mail_is_fetched(s3: S3Server, bucket: Bucket) -> None:
    s3.fault = Fault.SILENT
    fetching = asyncio.create_task(bucket.fetch(Original(sha(b"x"), 1)))
    await asyncio.to_thread(eventually, lambda: s3.requests)
    assert not fetching.done()
    fetching.cancel()
    s3.stop()


async def test_a_copy_of_the_store_knows_what_lies_in_the_bucket(
    store: Store, place: Place, bucket: Bucket, tmp_path: Path
) -> None:
    raw, here = mail(1), mail(2, 1000)
    await store.write(lambda tx: (file(tx, raw), file(tx, here)))
    await mover(bucket).move_some(store, place)
    target = SqlitePlace(tmp_path / "copy.db")
    with place.end() as source, target.end() as end:
        assert copy(source, end, NOW, lambda table, rows: None)["raw_mail"] == 2
    copied = ArchivedStore(target.open(), bucket)
    assert await copied.read(lambda tx: [tx.deliveries.raw(sha(each)) for each in (raw, here)]) == [raw, here]
    await copied.close()
