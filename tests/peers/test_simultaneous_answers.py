"""Two agents answer the same customer at the same moment: one answer leaves, the other one is held.

All through the submission listener, with the desk's folder on a Dovecot: what the agents then see there is
part of it.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rig.injector import Injector
from tests.rig.mails import subject_of
from tests.rig.sink import Caught
from tests.rig.staff import Staff, answer
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

AGENTS = ("alice", "bob")
HELD = re.compile(r"Held: your answer to ticket (\S+)")
LANES = 4  # pairs at the same moment
LONGEST_GAP = 0.005  # seconds; an answer takes about as long to be taken


@pytest.fixture
def staff(start_staff: Callable[..., Staff]) -> Staff:
    return start_staff()


def one_of_each_pair_leaves(staff: Staff, pairs: int, *, seed: int) -> None:
    numbers = range(1, pairs + 1)
    injector = Injector(staff.daemon, numbers)
    injector.start()
    injector.join(60)
    eventually(lambda: len(staff.numbers()) == pairs)
    answer_all(staff, numbers, random.Random(seed))
    caught = staff.sink.wait_for(2 * pairs, seconds=60)
    # Of each ticket the customer's mail and the answer lie in Answered, and the held one stands in Problem.
    expected = {"New": 0, "@alice": 0, "@bob": 0, "Answered": 2 * pairs, "Problem": pairs}
    eventually(lambda: shown(staff) == expected, seconds=120, every=0.2)
    assert len(staff.sink.caught) == 2 * pairs

    sent = {number: [each for each in caught if each.recipients == (customer(number),)] for number in numbers}
    assert {len(answers) for answers in sent.values()} == {1}
    winners = {number: author_of(answers[0], number) for number, answers in sent.items()}
    assert set(winners.values()) == set(AGENTS)  # else nobody raced
    owners = staff.owners()
    assert {number: owners[subject_of(number)] for number in numbers} == winners
    losers = {(other(winner), subject_of(number)) for number, winner in winners.items()}
    notices = held_notices(staff)
    assert notices.keys() == losers
    for number, winner in winners.items():
        notice = notices[other(winner), subject_of(number)]
        assert text_of(winner, number).encode() in notice.raw  # the other answer is attached


def customer(number: int) -> str:
    return f"customer{number}@customer.example"


def other(agent: str) -> str:
    return AGENTS[1 - AGENTS.index(agent)]


def answer_all(staff: Staff, numbers: Sequence[int], lot: random.Random) -> None:
    gaps = {number: (lot.choice(AGENTS), lot.uniform(0.0, LONGEST_GAP)) for number in numbers}
    with ThreadPoolExecutor(len(AGENTS) * LANES) as pool:
        done = []
        for lane in (numbers[start::LANES] for start in range(LANES)):
            pair = threading.Barrier(len(AGENTS))
            done += [pool.submit(send, staff, agent, lane, gaps, pair) for agent in AGENTS]
        for each in done:
            each.result(100)


def send(
    staff: Staff,
    agent: str,
    numbers: Sequence[int],
    gaps: dict[int, tuple[str, float]],
    pair: threading.Barrier,
) -> None:
    with staff.sender(agent) as session:
        for number in numbers:
            letter = answer(agent, number, text_of(agent, number))
            later, gap = gaps[number]
            pair.wait(60)
            if agent == later:
                time.sleep(gap)  # how much later is what this varies
            assert session.send_message(letter) == {}


def text_of(agent: str, number: int) -> str:
    return f"{agent} says {number}."


def author_of(caught: Caught, number: int) -> str:
    """Whose answer it is; nothing of the other one's is in it."""
    (author,) = [agent for agent in AGENTS if text_of(agent, number).encode() in caught.raw]
    return author


def held_notices(staff: Staff) -> dict[tuple[str, str], Caught]:
    """What agents were told, by the agent and the subject of the ticket."""
    subjects = staff.numbers()
    found: dict[tuple[str, str], Caught] = {}
    for agent in AGENTS:
        for caught in staff.to(f"{agent}@example.org"):
            held = HELD.fullmatch(str(caught.message["Subject"]))
            assert held is not None
            assert found.setdefault((agent, subjects[held[1]]), caught) is caught  # told once
    return found


def shown(staff: Staff) -> dict[str, int]:
    """How many mails lie in which mailbox."""
    client = staff.client("carol")
    names = ("New", "@alice", "@bob", "Answered", "Problem")
    return {name: client.folder_status(f"Support/{name}", ["MESSAGES"])[b"MESSAGES"] for name in names}


def test_of_fifty_pairs_one_answer_each_leaves(staff: Staff) -> None:
    one_of_each_pair_leaves(staff, 50, seed=50)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_of_five_hundred_pairs_one_answer_each_leaves(staff: Staff) -> None:
    one_of_each_pair_leaves(staff, 500, seed=500)
