"""The processor when the store goes away, and when intake is pressed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack

from mailproc.desk.pressure import EBBING, MOST_STEPS_BACK, Pressure, StepBack, shared_page
from mailproc.model.ticket import Outcome
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Verdict
from mailproc.store.sqlite import open_sqlite
from tests.rig.silent_store import SilentStore
from tests.unit.desk.office import MakeOffice, desk, mail


async def test_a_mail_whose_put_back_failed_is_given_back_when_the_store_returns(
    make_office: MakeOffice,
) -> None:
    office = await make_office()
    good = office.processor._chains
    path = office.store.path
    await office.store.close()
    office.store = office.processor._store = office.intake._store = open_sqlite(path, busy_seconds=0.01)
    blocker = sqlite3.connect(path, isolation_level=None)

    class Locking:
        async def run(self, delivery: Delivery, between: object) -> Verdict:
            blocker.execute("BEGIN IMMEDIATE")  # from here on nothing can be written
            raise RuntimeError("this mail breaks the chain")

    office.processor._chains = dict.fromkeys(good, Locking())  # type: ignore[arg-type]
    await office.store.write(lambda tx: None)
    await office.intake.accept(None, [desk().address], mail())
    assert await office.processor._look() == 1
    await office.processor._finish_all()
    assert len(office.processor._held) == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    office.processor._chains = good
    office.clock.now += 60
    await office.processor.drain()
    counts = await office.store.read(lambda tx: tx.deliveries.counts())
    assert counts[Outcome.NEW] == 1


def test_pressure_is_the_sum_over_all_workers() -> None:
    page = shared_page(2)
    one, two = (Pressure(Watch(busy=1.0), page, slot) for slot in range(2))
    with one, one, two:
        assert one.total == two.total == 3
    assert one.total == 0


def test_a_worker_that_died_leaves_no_pressure_behind() -> None:
    page = shared_page(2)
    with Pressure(Watch(busy=1.0), page, 1):
        assert Pressure(Watch(busy=1.0), page, 1).total == 0


def test_mail_flows_while_a_client_of_any_worker_waits_and_a_moment_longer() -> None:
    page, hour = shared_page(2), [1000.0]
    one, two = (Pressure(lambda: hour[0], page, slot) for slot in range(2))
    found = [one.is_flowing]
    with two:
        hour[0] += 60
        found.append(one.is_flowing)
    for moment in (EBBING * 0.9, EBBING * 0.2):
        hour[0] += moment
        found.append(one.is_flowing)
    assert found == [False, True, True, False]


def pressed() -> tuple[Pressure, ExitStack]:
    pressure, clients = Pressure(Watch(busy=1.0)), ExitStack()
    clients.enter_context(pressure)
    return pressure, clients


class Watch:
    """Time as it passes for a process: ``busy`` seconds between two looks."""

    def __init__(self, busy: float) -> None:
        self.busy = busy
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * self.busy


async def test_a_process_with_nothing_to_do_works_on_although_clients_wait() -> None:
    pressure, _ = pressed()
    idle = Watch(busy=0.0)
    await StepBack(pressure, idle).wait()
    assert idle.looks == 2


async def test_a_busy_process_lets_the_clients_go_first_and_goes_on_when_they_are_served() -> None:
    pressure, clients = pressed()
    busy = Watch(busy=1.0)

    def look() -> float:
        if busy.looks == 2:
            clients.close()
        return busy()

    await StepBack(pressure, look).wait()
    assert busy.looks == 4


async def test_the_chain_never_stands_still_however_many_clients_wait() -> None:
    pressure, _ = pressed()
    busy = Watch(busy=1.0)
    step_back = StepBack(pressure, busy)
    await asyncio.gather(step_back.wait(), step_back.wait())
    assert busy.looks == 2 * 2 * MOST_STEPS_BACK


async def test_between_two_stages_others_have_a_turn_while_mail_flows() -> None:
    pressure, clients = pressed()
    step_back = StepBack(pressure, Watch(busy=1.0))
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "flowing")
    await step_back.between_stages()
    assert turns == ["flowing"]
    clients.close()
    quiet = StepBack(Pressure(Watch(busy=2 * EBBING)), Watch(busy=1.0))
    asyncio.get_running_loop().call_soon(turns.append, "quiet")
    await quiet.between_stages()
    assert turns == ["flowing"]


async def test_a_claim_whose_answer_was_lost_is_taken_back_and_made_again(make_office: MakeOffice) -> None:
    office = await make_office()
    path = office.store.path
    await office.store.close()
    store = SilentStore(path)
    office.store = office.processor._store = office.intake._store = store
    await office.intake.accept(None, [desk().address], mail())
    store.lost = (True,)
    assert await office.processor._look() == 0
    await office.processor.drain()
    (delivery,) = await office.store.read(lambda tx: tx.deliveries.in_state(Outcome.NEW))
    assert delivery.attempts == 1


async def test_a_crash_while_others_are_in_the_chain_is_not_counted_against_what_failed_before(
    make_office: MakeOffice,
) -> None:
    office = await make_office()
    good, done = office.processor._chains["support"], asyncio.Event()

    class Slow:
        async def run(self, delivery: Delivery, between: object) -> Verdict:
            await done.wait()
            return await good.run(delivery)

    office.processor._chains = {"support": Slow()}  # type: ignore[dict-item]
    await office.intake.accept(None, [desk().address], mail(subject="failed before"))
    await office.store.write(lambda tx: tx.deliveries.defer(1, office.clock.now, "RuntimeError", attempts=2))
    await office.intake.accept(None, [desk().address], mail(message_id="<two@customer.example>"))
    assert await office.processor._look() == 1
    retrying = asyncio.create_task(office.processor._look())
    assert await asyncio.wait({retrying}, timeout=0.1) == (set(), {retrying})
    suspect = await office.store.read(lambda tx: tx.deliveries.get(1))
    assert suspect is not None
    assert suspect.attempts == 2  # what a crash at this moment would leave
    done.set()
    assert await retrying == 1
    assert len(await office.tickets()) == 2
