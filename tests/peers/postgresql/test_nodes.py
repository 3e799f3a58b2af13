"""Two daemons on one database, as on two machines: each mail once, one clock, nobody writes out of turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig import freezing
from tests.rig.agents import add_agents
from tests.rig.answering import answer, answered
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once
from tests.rig.sink import Sink
from tests.rig.store_server import StoreServer
from tests.rig.team import Team, make_team
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.slow]

MakeNode = Callable[..., Daemon]


def holder(server: StoreServer, url: str, lease: str) -> str:
    """Whose worker it is: the node's name."""
    rows = server.ask(f"SELECT holder FROM lease WHERE name = '{lease}' AND holder <> ''", url)
    return str(rows[0][0]) if rows else ""


def name_of(node: Daemon) -> str:
    return (node.folder / "state" / "node").read_text()


@pytest.fixture
def nodes(make_node: MakeNode, sink: Sink) -> tuple[Daemon, Daemon]:
    both = make_node(relay_port=sink.port), make_node(relay_port=sink.port)
    for node in both:
        node.start()
    return both


def test_a_mail_is_one_ticket_whichever_node_it_came_to(nodes: tuple[Daemon, Daemon], sink: Sink) -> None:
    """Each is brought to both, as Postfix does when it did not see the first one's reply."""
    injectors = [Injector(node, range(60)) for node in nodes]
    for injector in injectors:
        injector.start()
    for injector in injectors:
        injector.join(60)
    assert_each_once(nodes[0], range(60))
    assert nodes[1].status()["duplicate"] == 60
    eventually(lambda: len(sink.caught) == 60)
    for node in nodes:
        node.stop()
    recipients = [caught.recipients for caught in sink.caught]
    assert len(set(recipients)) == len(recipients) == 60


def test_a_node_that_is_killed_leaves_its_work_to_the_other(
    make_node: MakeNode, sink: Sink, tmp_path: Path, store_server: StoreServer, url: str
) -> None:
    """Its claims are free when nothing was heard of it for a minute, which passes by a moved clock."""
    clock = tmp_path / "clock"
    clock.touch()
    moved = {"MAILPROC_CLOCK": str(clock)}
    killed = make_node(relay_port=sink.port, environment=moved)
    other = make_node(relay_port=sink.port, environment=moved)
    killed.start("chain.claimed:kill9")
    freezing.freeze([killed.pid])  # it would give back what its worker held
    deliver(killed, mail(1))
    eventually(lambda: store_server.ask("SELECT 1 FROM delivery WHERE lease > 0", url))
    killed.kill9()
    other.start()
    assert deliver(other, mail(2)).startswith("250")
    eventually(lambda: [ticket["subject"] for ticket in other.tickets()] == ["Printer number 2"])
    assert other.status()["waiting"] == 1
    now = clock.stat().st_mtime + 120.0
    os.utime(clock, (now, now))
    assert_each_once(other, [1, 2])
    assert "taken_up=1 of workers that are not heard of any more" in other.log()
    other.stop()


def test_a_node_that_was_frozen_finds_the_clock_in_other_hands(
    nodes: tuple[Daemon, Daemon], store_server: StoreServer, url: str
) -> None:
    keeper = eventually(lambda: holder(store_server, url, "clock"))
    frozen, other = nodes if name_of(nodes[0]) in keeper else reversed(nodes)
    freezing.freeze(frozen.processes)
    injector = Injector(other, range(20))
    injector.start()
    eventually(lambda: name_of(other) in holder(store_server, url, "clock"), seconds=60)
    injector.join(60)
    freezing.thaw(frozen.processes)
    eventually(lambda: "lease=clock: another worker has it" in frozen.log(), seconds=60)
    assert name_of(other) in holder(store_server, url, "clock")
    assert deliver(frozen, mail(20, size=2000), mail_from="c20@customer.example").startswith("250")
    assert_each_once(frozen, range(21))
    for node in nodes:
        node.stop()


def test_a_node_with_a_key_of_its_own_is_refused(
    make_node: MakeNode, make_daemon: MakeNode, url: str
) -> None:
    """It would take the others' reply addresses for forged; until somebody says that theirs is lost."""
    node, stranger = make_node(), make_daemon(store=url)
    node.start()
    assert not stranger.start_to_crash("")
    assert "secret.key is not the key that the store's tickets are signed by" in stranger.log()
    with pytest.raises(AssertionError, match="is not the key"):
        stranger.output("outbox", "retry", "1")
    node.stop()
    assert stranger.output("store", "forget-key") == b"forgotten\n"
    stranger.start()
    assert not node.start_to_crash("")
    stranger.stop()


def test_a_node_is_served_once(make_node: MakeNode) -> None:
    """Two daemons of one name would free what the other holds."""
    node = make_node()
    node.start()
    assert node.serve_beside() != 0
    node.stop()


def test_an_answer_that_a_killed_node_had_claimed_leaves_from_its_next_start(
    make_node: MakeNode, sink: Sink, tmp_path: Path
) -> None:
    node = make_node(relay_port=sink.port)
    port = add_agents(node, make_certificate(tmp_path))
    node.start("outbox.taken:kill9@2")  # the acknowledgement passes it first
    assert deliver(node, mail(1)).startswith("250")
    sink.wait_for(1)
    port.send("alice", answer(1))
    node.wait_for_death()
    node.start()
    assert eventually(lambda: answered(sink)) == {"customer1@customer.example": 1}
    node.stop()


@pytest.fixture
def team(make_node: MakeNode, make_dovecot: Callable[..., Dovecot]) -> Iterator[tuple[Team, Team]]:
    """Two nodes that both could watch the same folders."""
    dovecot = make_dovecot(desks=("Support", "Sales"))
    both = tuple(make_team(dovecot, make_node()) for _ in range(2))
    yield both[0], both[1]
    for each in both:
        each.log_out()


def test_one_node_watches_a_folder_and_the_other_takes_over(
    team: tuple[Team, Team], store_server: StoreServer, url: str
) -> None:
    for each in team:
        each.daemon.start()
    watcher = eventually(lambda: holder(store_server, url, "folder:support"), seconds=60)
    frozen, other = team if name_of(team[0].daemon) in watcher else reversed(team)
    other.write_and_see(1)  # whoever files it, the one that watches shows it
    freezing.freeze(frozen.daemon.processes)
    other.write(2)
    other.see(2, "Support/New", seconds=60.0)
    other.move(2, "Support/@alice")
    other.see(2, "Support/@alice")
    freezing.thaw(frozen.daemon.processes)
    frozen.write(3)
    for number, mailbox in ((1, "Support/New"), (2, "Support/@alice"), (3, "Support/New")):
        other.see(number, mailbox)
    owners = {ticket["subject"]: ticket["owner"] for ticket in other.daemon.tickets()}
    assert owners["Printer number 2"] == "alice"
    for each in team:
        each.daemon.stop()
