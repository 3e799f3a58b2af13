"""The outbox worker with a real store and a relay that does what a test tells it to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mailproc.failpoint import VARIABLE
from mailproc.model.outbox import RELAYED, OutboxKind, OutboxState
from mailproc.outbox.worker import WorkerLimits
from tests.rig.outbox_office import BOTH, NOW, MakeOffice
from tests.rig.scripted_relay import HANG, KEEP_AND_DROP
from tests.rig.silent_store import SilentStore


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


@pytest.mark.parametrize("lost", [(True,), (False, True), (False, False, True)])
async def test_whatever_answer_of_the_store_is_lost_a_mail_leaves_once_and_soon(
    office: MakeOffice, lost: tuple[bool, ...]
) -> None:
    """To the claim, to the taking before it is sent, to the record after it."""
    here = await office()
    path = here.store.path
    await here.store.close()
    here.store = SilentStore(path)
    await here.add("ack:1", kind=OutboxKind.ACKNOWLEDGEMENT)
    here.store.lost = lost
    here.start()
    await here.until(lambda item: item.attempts == 1)
    assert (await here.item()).state is OutboxState.SENT
    assert len(here.peer.taken) == 1


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
    await here.store.write(lambda tx: tx.holdings.release_all())
    here.now = time.time() + 1
    await here.add("last", created=here.now)
    here.start()
    await here.until(lambda item: item.state is OutboxState.SENT, 2)
    await here.until(lambda item: item.state is OutboxState.SENT)
    wires = [taken.wire for taken in here.peer.taken]
    assert len(wires) == copies + 1
    assert len(set(wires)) == 1
