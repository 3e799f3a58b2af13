"""Two agents take the same mail within 50 ms: one copy, one owner, and whoever lost knows it.

Each agent moves (MOVE), or copies and deletes (COPY, STORE, EXPUNGE: clients that know no MOVE), or has moved
offline and synchronises (mbsync: APPEND and EXPUNGE).  The races of a round run beside each other on one
daemon.  An agent whose server said that the mail is his now, and whose it is not, must be told so by mail,
exactly once; nobody else may be told.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from tests.rig.injector import Injector
from tests.rig.mails import subject_of
from tests.rig.offline import OfflineAgent
from tests.rig.staff import Staff
from tests.rig.waiting import eventually

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not OfflineAgent.is_installed(), reason="mbsync is missing (make peers)"),
]

AGENTS = ("alice", "bob")
PATIENT = "restore_after = 10.0\npoll = 0.5"
LESS = ("MOVE", "NOTIFY", "IDLE", "CONDSTORE", "QRESYNC")
LANES = 4  # races at the same moment
LONGEST_GAP = 0.05  # seconds
numbers = itertools.count(1)

# Of an agent, and the subject of the mail.
Claim = tuple[str, str]


class Way(StrEnum):
    MOVE = "move"
    COPY = "copy"
    OFFLINE = "offline"


@dataclass(frozen=True)
class Race:
    """``first`` begins, the other one ``gap`` seconds later; who is offline comes when he comes."""

    number: int
    ways: Mapping[str, Way] = field(compare=False)
    first: str
    gap: float

    @property
    def subject(self) -> str:
        return subject_of(self.number)


def draw(lot: random.Random, count: int, ways: Sequence[Way] = tuple(Way)) -> list[Race]:
    """Races, with agents that take each way equally often."""
    return [
        Race(
            number=next(numbers),
            ways={agent: lot.choice(ways) for agent in AGENTS},
            first=lot.choice(AGENTS),
            gap=lot.uniform(0.0, LONGEST_GAP),
        )
        for _ in range(count)
    ]


def run(staff: Staff, races: Sequence[Race], folder: Path) -> None:
    """Let the mails come in, let the agents race for them, and look at what has become of it."""
    before = staff.told_of_loss()
    injector = Injector(staff.daemon, [race.number for race in races])
    injector.start()
    injector.join(60)
    subjects = {race.subject for race in races}
    eventually(lambda: subjects <= shown(staff), seconds=60, every=0.2)
    offline = {agent: leave(staff, races, agent, folder) for agent in AGENTS}
    believed = compete(staff, races, offline)
    all_are_right(staff, races)
    owners = staff.owners()
    losers = {claim for claim in believed if owners[claim[1]] != claim[0]}
    eventually(lambda: told(staff, before).keys() >= losers, seconds=30, every=0.2)
    assert told(staff, before) == Counter(losers)
    all_are_right(staff, races)
    for agent in offline.values():
        agent.sync()
        here = {subject_in(path) for path in agent.has(f"@{agent.agent}").values()}
        mine = {race for race in races if owners[race.subject] == agent.agent}
        assert here & subjects <= {race.subject for race in mine}
        assert here >= {race.subject for race in mine if race.ways[agent.agent] is Way.OFFLINE}


def leave(staff: Staff, races: Iterable[Race], agent: str, folder: Path) -> OfflineAgent:
    """Synchronise, leave the network, and move mails to one's own folder."""
    traveller = OfflineAgent(staff.dovecot, agent, folder / agent)
    traveller.sync()
    mails = traveller.has("New")
    for race in races:
        if race.ways[agent] is Way.OFFLINE:
            traveller.rename(mails[f"<mail-{race.number}@customer.example>"], f"@{agent}")
    return traveller


def compete(staff: Staff, races: Sequence[Race], offline: Mapping[str, OfflineAgent]) -> set[Claim]:
    """All at once; returns who believes that he has what."""
    believed = {(a, race.subject) for race in races for a in AGENTS if race.ways[a] is Way.OFFLINE}
    runners = len(AGENTS) * (LANES + 1)
    with ThreadPoolExecutor(runners) as pool:
        start = threading.Barrier(runners)
        syncs = [pool.submit(sync, agent, start) for agent in offline.values()]
        grabs = []
        for lane in (races[number::LANES] for number in range(LANES)):
            pair = threading.Barrier(len(AGENTS))
            grabs += [pool.submit(grab, staff, agent, lane, start, pair) for agent in AGENTS]
        for grabbing in grabs:
            believed |= grabbing.result(100)
        for syncing in syncs:
            syncing.result(100)
    return believed


def sync(agent: OfflineAgent, start: threading.Barrier) -> None:
    start.wait(60)
    agent.sync()


def grab(
    staff: Staff, agent: str, races: Sequence[Race], start: threading.Barrier, pair: threading.Barrier
) -> set[Claim]:
    """A client takes one mail after the other, each at about the same moment as one of the other agent."""
    believed = set()
    with staff.dovecot.client(agent) as client:
        client.select_folder("Support/New")
        uids = {race.number: uid_of(client, race.number) for race in races}
        start.wait(60)
        for race in races:
            pair.wait(60)
            if race.first != agent:
                time.sleep(race.gap)  # how much later is what this varies
            if take(client, uids[race.number], f"Support/@{agent}", race.ways[agent]):
                believed.add((agent, race.subject))
    return believed


def uid_of(client: IMAPClient, number: int) -> int:
    (uid,) = client.search(["HEADER", "Message-ID", f"<mail-{number}@customer.example>"])
    assert isinstance(uid, int)
    return uid


def take(client: IMAPClient, uid: int, target: str, way: Way) -> bool:
    """Whether the server says that there was something to take: it then tells its new UID (RFC 4315)."""
    with suppress(client.Error):  # a NO tells the agent, too
        if way is Way.MOVE:
            client.move([uid], target)
        elif way is Way.COPY:
            client.copy([uid], target)
            client.delete_messages([uid], silent=True)
            client.expunge()
    _, told = client._imap.response("COPYUID")
    return bool(told != [None])


def shown(staff: Staff) -> set[str]:
    """The subjects of the tickets that were put into the folder."""
    found = staff.rows(
        "SELECT ticket.subject FROM folder_copy JOIN message ON folder_copy.name = 'm' || message.id "
        "JOIN ticket ON ticket.id = message.ticket WHERE folder_copy.place = 'new'"
    )
    return {row["subject"] for row in found}


def where(staff: Staff) -> dict[str, list[str]]:
    """In which mailboxes each mail lies, by its subject."""
    client = staff.client("carol")
    found: dict[str, list[str]] = {}
    for flags, _, name in client.list_folders("", "Support/*"):
        if b"\\Noselect" in flags:
            continue
        client.select_folder(name, readonly=True)
        uids = client.search(["UNDELETED"])
        if uids:
            for fetched in client.fetch(uids, ["ENVELOPE"]).values():
                found.setdefault(fetched[b"ENVELOPE"].subject.decode(), []).append(name)
    return found


def subject_in(path: Path) -> str:
    head = path.read_text().partition("\n\n")[0]
    return head.partition("\nSubject: ")[2].partition("\n")[0]


def all_are_right(staff: Staff, races: Sequence[Race]) -> None:
    """Every mail has an owner, and is in his folder, once."""
    look = partial(wrong, staff, races)
    eventually(lambda: look() == {}, seconds=60, every=0.2)


def wrong(staff: Staff, races: Sequence[Race]) -> dict[str, tuple[str, list[str]]]:
    owners, places = staff.owners(), where(staff)
    now = {race.subject: (owners[race.subject], places.get(race.subject, [])) for race in races}
    return {
        subject: (owner, found)
        for subject, (owner, found) in now.items()
        if owner not in AGENTS or found != [f"Support/@{owner}"]
    }


def told(staff: Staff, before: Counter[Claim]) -> Counter[Claim]:
    return staff.told_of_loss() - before


def test_fifty_races_at_once_end_with_one_copy_one_owner_and_a_note_to_each_loser(
    start_staff: Callable[..., Staff], tmp_path: Path
) -> None:
    run(start_staff(imap=PATIENT), draw(random.Random(50), 50), tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_races_end_with_one_copy_one_owner_and_a_note_to_each_loser(
    start_staff: Callable[..., Staff], tmp_path: Path
) -> None:
    staff, lot = start_staff(imap=PATIENT), random.Random(1000)
    for round_ in range(20):
        run(staff, draw(lot, 50), tmp_path / f"round{round_}")


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_two_hundred_races_end_so_where_the_server_can_do_less(
    start_staff: Callable[..., Staff], tmp_path: Path
) -> None:
    """UIDPLUS stays: by it the agents' clients learn whether there was something to take."""
    staff, lot = start_staff(server={"hide": LESS}, imap=PATIENT), random.Random(200)
    for round_ in range(4):
        run(staff, draw(lot, 50, (Way.COPY, Way.OFFLINE)), tmp_path / f"round{round_}")
