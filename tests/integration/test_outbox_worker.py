"""The outbox worker with a real store and a relay that does what a test tells it to."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from mailproc.failpoint import VARIABLE
from mailproc.model.outbox import RELAYED, NewItem, OutboxItem, OutboxKind, OutboxState, Settled
from mailproc.model.signing_key import Algorithm, SigningKey
from mailproc.outbox.relay import Relay, RelaySettings
from mailproc.outbox.schedule import Schedule
from mailproc.outbox.sign import DomainKey, Signer
from mailproc.outbox.worker import Worker, WorkerLimits
from mailproc.store.outbox import Outbox
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite
from tests.rig.scripted_relay import HANG, KEEP_AND_DROP, ScriptedRelay

T = TypeVar("T")
MakeOffice = Callable[..., Awaitable["Office"]]
NOW = 1_000_000.0
LIMITS = WorkerLimits(poll=0.02, grace=5, first_probe=0.01, longest_probe=0.02)
SCHEDULE = Schedule(first=60, longest=3600, max_age=1000, jitter=0)
BOTH = ("ann@example.com", "bob@example.com")


@dataclass
class Office:
    """A store, a worker on it, and the relay; ``now`` is the worker's time."""

    store: SqliteStore
    peer: ScriptedRelay
    now: float = NOW
    settled: list[Settled] = field(default_factory=list)
    failing_callback: bool = False
    signer: Signer | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def worker(self, *, limits: WorkerLimits = LIMITS, timeout: float = 20) -> Worker:
        settings = RelaySettings(
            host="127.0.0.1", port=self.peer.port, hostname="mail.example.org", connections=2, timeout=timeout
        )
        return Worker(
            self.store,
            Relay(settings),
            clock=lambda: self.now,
            rng=random.Random(1),
            on_settled=self._on_settled,
            schedule=SCHEDULE,
            limits=limits,
            signer=self.signer,
        )

    def start(self, *, limits: WorkerLimits = LIMITS, timeout: float = 20) -> Worker:
        worker = self.worker(limits=limits, timeout=timeout)
        self.tasks.append(asyncio.create_task(worker.run()))
        return worker

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def add(
        self,
        key: str,
        *recipients: str,
        kind: OutboxKind = OutboxKind.REPLY,
        created: float = NOW,
        content: bytes = b"Message-ID: <1@example.org>\r\n\r\nHi\r\n",
    ) -> None:
        item = NewItem(
            key=key,
            kind=kind,
            desk="support",
            mail_from="support@example.org",
            recipients=recipients or ("ann@example.com",),
            content=content,
            created=created,
        )
        await self.do(lambda box: box.add(item))

    async def do(self, work: Callable[[Outbox], T]) -> T:
        return await self.store.write(lambda tx: work(tx.outbox))

    async def item(self, item_id: int = 1) -> OutboxItem:
        item = await self.store.read(lambda tx: tx.outbox.get(item_id))
        assert item is not None
        return item

    async def until(self, holds: Callable[[OutboxItem], bool], item_id: int = 1) -> OutboxItem:
        """The item, as soon as this holds."""
        async with asyncio.timeout(20):
            item = await self.item(item_id)
            while not holds(item):
                item = await self.item(item_id)
        return item

    def _on_settled(self, tx: Transaction, settled: Settled) -> None:
        assert tx.outbox.get(settled.item.id) == settled.item  # in the recording transaction
        if self.failing_callback:
            raise RuntimeError("the ticket is gone")
        self.settled.append(settled)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[MakeOffice]:
    made: list[Office] = []
    peers: list[ScriptedRelay] = []

    async def make(script: dict[str, list[str]] | None = None) -> Office:
        peer = ScriptedRelay(script or {})
        await peer.start()
        peers.append(peer)
        made.append(Office(open_sqlite(tmp_path / "mail.db"), peer))
        return made[-1]

    yield make
    for each in made:
        await each.stop()
        await each.store.close()
    for peer in peers:
        await peer.stop()


async def test_what_is_due_leaves_and_settles_once(office: MakeOffice) -> None:
    here = await office()
    await here.add("reply:1", *BOTH)
    here.start()
    item = await here.until(lambda item: item.state is OutboxState.SENT)
    (settled,) = here.settled
    assert settled.finished
    assert [result.recipient for result in settled.results] == list(BOTH)
    assert [recipient.reply for recipient in item.recipients] == ["250 2.0.0 queued"] * 2
    assert [taken.recipients for taken in here.peer.taken] == [BOTH]


async def test_wake_does_not_wait_for_the_next_poll(office: MakeOffice) -> None:
    here = await office()
    worker = here.start(limits=WorkerLimits(poll=3600))
    await here.add("first")
    worker.wake()
    await here.peer.until(1)
    await here.add("second")
    worker.wake()
    await here.peer.until(2)


async def test_bare_newlines_are_normalised_in_what_leaves(office: MakeOffice) -> None:
    here = await office()
    await here.add("reply:1", content=b"Subject: x\n\na\n.\nMAIL FROM:<eve@example.com>\n")
    here.start()
    (taken,) = await here.peer.until(1)
    assert taken.wire == b"Subject: x\r\n\r\na\r\n..\r\nMAIL FROM:<eve@example.com>\r\n.\r\n"


async def test_only_the_recipients_that_were_put_off_are_tried_again(office: MakeOffice) -> None:
    here = await office({"RCPT": ["250 2.1.5 ok", "450 4.2.0 greylisted"]})
    await here.add("reply:1", *BOTH)
    here.start()
    item = await here.until(lambda item: item.attempts == 1)
    assert (item.state, item.due, item.waiting) == (OutboxState.WAITING, NOW + 60, ("bob@example.com",))
    assert [result.recipient for result in here.settled[0].results] == ["ann@example.com"]
    assert not here.settled[0].finished
    here.now = NOW + 60
    await here.until(lambda item: item.state is OutboxState.SENT)
    assert [taken.recipients for taken in here.peer.taken] == [("ann@example.com",), ("bob@example.com",)]
    assert here.settled[1].finished


async def test_permanent_refusal_is_told_at_once_although_another_recipient_waits(office: MakeOffice) -> None:
    here = await office({"RCPT": ["550 5.1.1 no such user", "450 4.2.0 greylisted"]})
    await here.add("reply:1", *BOTH)
    here.start()
    await here.until(lambda item: item.attempts == 1)
    (settled,) = here.settled
    assert [(failure.recipient, str(failure.reply)) for failure in settled.failures] == [
        ("ann@example.com", "550 5.1.1 no such user")
    ]
    here.now = NOW + 60
    item = await here.until(lambda item: not item.waiting)
    assert (item.state, item.problem) == (OutboxState.FAILED, "550 5.1.1 no such user")
    assert here.settled[1].failures == ()


async def test_item_over_its_greatest_age_fails(office: MakeOffice) -> None:
    here = await office({"MAIL": ["451 4.3.0 broken"] * 2})
    await here.add("reply:1", created=NOW - 999)
    here.start()
    item = await here.until(lambda item: item.attempts == 1)
    assert item.due == NOW + 1
    here.now = NOW + 1
    item = await here.until(lambda item: item.state is OutboxState.FAILED)
    assert item.problem == "451 4.3.0 broken"
    assert [len(settled.failures) for settled in here.settled] == [1]


async def test_reply_of_unknown_outcome_is_sent_again_byte_for_byte(office: MakeOffice) -> None:
    here = await office({".": [KEEP_AND_DROP]})
    await here.add("reply:1")
    here.start()
    await here.until(lambda item: item.attempts == 1)
    here.now = NOW + 60
    first, second = await here.peer.until(2)
    assert first.wire == second.wire


async def test_each_try_is_signed_when_it_leaves_and_differs_in_nothing_else(office: MakeOffice) -> None:
    here = await office({".": [KEEP_AND_DROP]})
    key = SigningKey.generate(Algorithm.ED25519)
    here.signer = Signer({"example.org": [DomainKey("s", key)]}, clock=lambda: here.now)
    top = b"From: support@example.org\r\nMessage-ID: <1@example.org>\r\n\r\n"
    mail = top + b"Viele herzliche Gr\xc3\xbc\xc3\x9fe\r\n"
    await here.add("reply:1", content=mail)
    here.start()
    await here.until(lambda item: item.attempts == 1)
    here.now = NOW + 60
    first, second = await here.peer.until(2)
    signatures, rests = zip(*(taken.wire.partition(b"From: ")[::2] for taken in (first, second)), strict=True)
    assert [b"t=%d;" % NOW in signatures[0], b"t=%d;" % (NOW + 60) in signatures[1]] == [True, True]
    assert rests[0] == rests[1]
    assert b"Viele herzliche Gr=C3=BC=C3=9Fe" in rests[0]
    assert (await here.item()).content == mail


async def test_mail_that_cannot_be_made_ready_waits(
    office: MakeOffice, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Signer):
        async def sign(self, content: bytes) -> bytes:
            raise RuntimeError("no thread")

    here = await office()
    here.signer = Broken({}, clock=lambda: here.now)
    await here.add("ack:1", kind=OutboxKind.ACKNOWLEDGEMENT)
    here.start()
    item = await here.until(lambda item: item.attempts == 1)
    assert (item.state, item.due) == (OutboxState.WAITING, NOW + 60)
    assert "could not be made ready" in caplog.text


@pytest.mark.parametrize("kind", [OutboxKind.ACKNOWLEDGEMENT, OutboxKind.REJECTION])
async def test_automatic_answer_of_unknown_outcome_is_not_sent_again(
    kind: OutboxKind, office: MakeOffice
) -> None:
    here = await office({".": [KEEP_AND_DROP]})
    await here.add("ack:1", kind=kind)
    here.start()
    await here.until(lambda item: item.attempts == 1)
    await here.add("reply:2")
    here.now = NOW + 900
    await here.until(lambda item: item.state is OutboxState.SENT, 2)
    assert (await here.item()).state is OutboxState.SENT
    assert len(here.peer.taken) == 2


async def test_acknowledgement_that_was_surely_not_taken_over_is_tried_again(office: MakeOffice) -> None:
    here = await office({".": ["450 4.2.0 later"]})
    await here.add("ack:1", kind=OutboxKind.ACKNOWLEDGEMENT)
    here.start()
    item = await here.until(lambda item: item.attempts == 1)
    assert item.state is OutboxState.WAITING
    here.now = NOW + 60
    await here.peer.until(1)
    await here.until(lambda item: item.attempts == 2)
    assert (await here.item()).state is OutboxState.SENT


async def test_acknowledgement_is_recorded_as_sent_before_it_is_sent(office: MakeOffice) -> None:
    here = await office({"MAIL": [HANG]})
    await here.add("ack:1", kind=OutboxKind.ACKNOWLEDGEMENT)
    here.start(limits=WorkerLimits(grace=0))
    await here.peer.until_said("MAIL")
    assert (await here.item()).state is OutboxState.SENT
    await here.stop()
    assert (await here.item()).state is OutboxState.SENT


async def test_published_copies_are_not_for_the_relay(office: MakeOffice) -> None:
    here = await office()
    await here.add("copy:1", kind=OutboxKind.PUBLISH)
    await here.add("reply:2")
    here.start()
    await here.until(lambda item: item.state is OutboxState.SENT, 2)
    assert (await here.item()).state is OutboxState.WAITING
    assert len(here.peer.taken) == 1


async def test_outage_counts_no_attempts_and_is_logged_once(
    office: MakeOffice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mailproc.outbox")
    here = await office({"CONNECT": ["421 4.3.2 maintenance"] * 5})
    for number in range(6):
        kind = OutboxKind.ACKNOWLEDGEMENT if number % 2 else OutboxKind.REPLY
        await here.add(f"item:{number}", kind=kind)
    here.start()
    await here.peer.until(6)
    items = [await here.until(lambda item: item.attempts > 0, n + 1) for n in range(6)]
    assert {item.state for item in items} == {OutboxState.SENT}
    assert [item.attempts for item in items] == [1] * 6
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert 'reply="421 4.3.2 maintenance"' in warnings[0]
    assert any("takes mail again" in record.getMessage() for record in caplog.records)


async def test_item_fails_by_age_while_the_relay_is_away(office: MakeOffice) -> None:
    here = await office()
    await here.peer.stop()
    await here.add("old")
    await here.add("young", created=NOW + 500)
    here.start()
    here.now = NOW + 1001
    item = await here.until(lambda item: item.state is OutboxState.FAILED)
    assert item.problem.startswith("550 5.4.7")
    assert [settled.item.key for settled in here.settled] == ["old"]
    young = await here.item(2)
    assert (young.state, young.attempts) == (OutboxState.WAITING, 0)


async def test_ticket_that_cannot_follow_does_not_make_the_mail_leave_twice(
    office: MakeOffice, caplog: pytest.LogCaptureFixture
) -> None:
    here = await office()
    here.failing_callback = True
    await here.add("reply:1")
    here.start()
    item = await here.until(lambda item: item.state is OutboxState.SENT)
    assert item.attempts == 1
    assert "its ticket could not follow" in caplog.text


async def test_stop_lets_mail_under_way_finish(office: MakeOffice) -> None:
    here = await office()
    await here.add("reply:1")
    here.start()
    await here.peer.until_said("MAIL")
    await here.stop()
    assert (await here.item()).state is OutboxState.SENT


async def test_stop_gives_back_what_was_not_begun(office: MakeOffice) -> None:
    here = await office({"MAIL": [HANG, HANG]})
    for key in ("hangs", "hangs too", "waits for a connection"):
        await here.add(key)
    here.start(limits=WorkerLimits(poll=3600, grace=0))
    await here.peer.until_said("MAIL", 2)
    await here.stop()
    (item,) = await here.do(lambda box: box.claim_due(NOW, NOW + 60, 9, RELAYED))
    assert (item.key, item.attempts) == ("waits for a connection", 0)


async def test_claim_that_another_took_over_meanwhile_is_not_sent(office: MakeOffice) -> None:
    here = await office({"MAIL": [HANG, HANG]})
    for key in ("hangs", "hangs too", "waits for a connection"):
        await here.add(key)
    worker = here.start(limits=WorkerLimits(poll=3600))
    await here.peer.until_said("MAIL", 2)
    here.now = NOW + 10_000
    assert len(await here.do(lambda box: box.claim_due(here.now, here.now + 60, 9, RELAYED))) == 3
    await here.peer.drop_connections()
    await here.add("last", created=here.now)
    worker.wake()
    await here.until(lambda item: item.state is OutboxState.SENT, 4)
    assert len(here.peer.taken) == 1


async def test_results_are_logged_without_the_mail(
    office: MakeOffice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mailproc.outbox")
    here = await office({"RCPT": ['550 5.1.1 no "user"']})
    await here.add("reply:1", content=b"Subject: secret\r\n\r\nsecret\r\n")
    here.start()
    await here.until(lambda item: item.state is OutboxState.FAILED)
    await here.stop()
    assert (
        'outbox=1 kind=reply ticket=- recipient="ann@example.com" fate=refused attempt=1 '
        "reply=\"550 5.1.1 no 'user'\"" in caplog.text
    )
    assert "secret" not in caplog.text


# Killed between two steps


async def run_until_killed(database: Path, port: int, failpoint: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.rig.outbox_process",
        str(database),
        str(port),
        env={**os.environ, VARIABLE: f"{failpoint}:kill9"},
    )
    return await asyncio.wait_for(process.wait(), 60)


@pytest.mark.parametrize(
    ("failpoint", "kind", "copies"),
    [
        ("outbox.taken", OutboxKind.ACKNOWLEDGEMENT, 0),
        ("outbox.sent", OutboxKind.ACKNOWLEDGEMENT, 1),
        ("outbox.recorded", OutboxKind.ACKNOWLEDGEMENT, 1),
        ("outbox.sent", OutboxKind.REPLY, 2),
        ("outbox.recorded", OutboxKind.REPLY, 1),
    ],
)
async def test_killed_worker_never_doubles_an_acknowledgement_nor_loses_a_reply(
    failpoint: str, kind: OutboxKind, copies: int, office: MakeOffice
) -> None:
    here = await office()
    await here.add("item:1", kind=kind, created=time.time())
    assert await run_until_killed(here.store.path, here.peer.port, failpoint) == -signal.SIGKILL
    await here.do(lambda box: box.release_leases())
    here.now = time.time() + 1
    await here.add("last", created=here.now)
    here.start()
    await here.until(lambda item: item.state is OutboxState.SENT, 2)
    await here.until(lambda item: item.state is OutboxState.SENT)
    wires = [taken.wire for taken in here.peer.taken]
    assert len(wires) == copies + 1
    assert len(set(wires)) == 1
