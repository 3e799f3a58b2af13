"""The simulation's arithmetic: queues that theory knows, by long runs that a seed decides."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bench.simulate_day import HOUR, OFFICE, WORLD, backlog, peak
from bench.simulate_events import Hold, Process, Resource, Signal, Simulation, Take
from bench.simulate_model import STEP_BACK, Batch, Plant, Run, Times, closed, cpu, most, open_

SQLITE = Times(
    wire=0.0003,
    accept=0.0001,
    chain=0.0006,
    reading=0.0,
    accepting=Batch(once=0.001, each=0.0001),
    filing=Batch(once=0.003, each=0.0007),
    shares_writer=True,
)
POSTGRESQL = replace(
    SQLITE,
    accepting=Batch(once=0.001, each=0.0002, server=0.0002),
    filing=Batch(once=0.002, each=0.0008, server=0.0012, idle=0.0005),
    shares_writer=False,
)
CUSTOMERS = 40_000


def mean_wait(servers: int, load: float, serve: Callable[[random.Random], float]) -> float:
    """In a queue with Poisson arrivals, ``load`` for each server, and service times of mean 1."""
    simulation, resource, lot, waits = Simulation(), Resource(servers), random.Random(7), []

    def customer() -> Process:
        came = simulation.now
        yield Take(resource)
        waits.append(simulation.now - came)
        yield Hold(serve(lot))
        simulation.give(resource)

    def arrivals() -> Process:
        for _ in range(CUSTOMERS):
            yield Hold(lot.expovariate(load * servers))
            simulation.start(customer())

    simulation.start(arrivals())
    simulation.run()
    assert resource.busy / simulation.now == pytest.approx(load * servers, rel=0.03)
    return statistics.fmean(waits)


def exponential(lot: random.Random) -> float:
    return lot.expovariate(1.0)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_times_by_chance_make_one_wait_as_long_as_in_m_m_1(load: float) -> None:
    assert mean_wait(1, load, exponential) == pytest.approx(load / (1 - load), rel=0.06)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_fixed_times_make_one_wait_half_as_long_as_in_m_d_1(load: float) -> None:
    assert mean_wait(1, load, lambda _: 1.0) == pytest.approx(load / (1 - load) / 2, rel=0.06)


def test_two_servers_make_one_wait_as_long_as_in_m_m_2() -> None:
    """Erlang's C formula for two: load² / (1 - load²)."""
    assert mean_wait(2, 0.5, exponential) == pytest.approx(0.25 / 0.75, rel=0.06)


def test_a_lower_rank_goes_first_and_equals_go_in_order() -> None:
    simulation, resource, served = Simulation(), Resource(), []

    def customer(name: str, rank: int) -> Process:
        yield Take(resource, rank)
        served.append(name)
        yield Hold(1.0)
        simulation.give(resource)

    for name, rank in (("first", 2), ("later", 2), ("urgent", 0), ("last", 2)):
        simulation.start(customer(name, rank))
    simulation.run()
    assert served == ["first", "urgent", "later", "last"]


def test_a_signal_wakes_who_waits_and_keeps_nobody_who_comes_later() -> None:
    simulation, signal, woken = Simulation(), Signal(), []

    def waits() -> Process:
        yield signal
        woken.append(simulation.now)

    def sends() -> Process:
        yield Hold(3.0)
        simulation.send(signal)

    simulation.start(waits())
    simulation.start(sends())
    simulation.start(waits(), after=5.0)
    simulation.run()
    assert woken == [3.0, 5.0]


def runs() -> Iterator[tuple[Times, Run]]:
    for times in (SQLITE, POSTGRESQL):
        yield times, closed(Plant(workers=2), times, mails=500, sessions=16)


def test_every_mail_is_answered_and_then_filed() -> None:
    for _, run in runs():
        assert len(run.replies) == len(run.delays) == 500
        assert all(0 < reply < delay for reply, delay in zip(run.replies, run.delays, strict=True))
        assert 0 < run.writer <= 1.0 + 1e-9


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("times", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_a_full_site_is_no_faster_than_its_busiest_part_and_not_much_slower(
    times: Times, workers: int
) -> None:
    plant = Plant(workers, cores=4)
    rate = 4000 / closed(plant, times, mails=4000, sessions=32).filed
    assert 0.7 * most(plant, times) < rate <= 1.001 * most(plant, times)


def test_a_mail_that_comes_alone_waits_for_its_own_work_and_a_look_for_others() -> None:
    run = open_(Plant(), SQLITE, rate=0.5, seconds=2000.0)
    alone = cpu(SQLITE) + SQLITE.accepting.once + STEP_BACK + SQLITE.filing.once
    assert statistics.median(run.delays) == pytest.approx(alone)


def test_who_has_half_a_core_takes_twice_as_long() -> None:
    whole, half = (closed(Plant(share=share), POSTGRESQL, mails=1000, sessions=16) for share in (1.0, 0.5))
    assert half.filed / whole.filed == pytest.approx(2.0, rel=0.25)


def test_filing_on_postgresql_is_no_faster_on_more_nodes_than_its_lock_allows() -> None:
    two, eight = (closed(Plant(2, nodes), POSTGRESQL, mails=3000, sessions=64) for nodes in (2, 8))
    lock = POSTGRESQL.filing.each + POSTGRESQL.filing.server + POSTGRESQL.filing.idle
    assert 3000 / eight.filed <= 1 / lock
    assert eight.filed == pytest.approx(two.filed, rel=0.2)


def test_copies_into_a_folder_go_one_after_the_other() -> None:
    run = open_(Plant(), replace(SQLITE, copy=0.1), rate=20.0, seconds=20.0)
    assert max(run.copied) > (len(run.copied) * 0.1 - 20.0) * 0.9


@pytest.mark.parametrize("shape", [WORLD, OFFICE])
def test_a_day_that_is_worked_off_leaves_nothing_and_one_that_is_not_waits(shape: tuple[int, ...]) -> None:
    assert len(shape) == 24
    best = peak(shape, 100_000)
    assert best > 100_000 / 24 / HOUR
    assert backlog(shape, 100_000, best * 1.01).mails == 0
    left = backlog(shape, 100_000, best * 0.9)
    assert 0 < left.mails < 100_000
    assert left.seconds == pytest.approx(left.mails / (best * 0.9))
