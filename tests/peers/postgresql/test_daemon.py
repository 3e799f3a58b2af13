"""The daemon on PostgreSQL: mail in, answer out, and every command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.rig.agents import add_agents
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_adds_up, assert_each_once
from tests.rig.sink import Sink
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

MakeNode = Callable[..., Daemon]


def inject(node: Daemon, count: int) -> None:
    injector = Injector(node, range(count))
    injector.start()
    injector.join(60)


def test_mails_to_two_workers_are_a_ticket_each(make_node: MakeNode) -> None:
    node = make_node(top="workers = 2")
    node.start()
    inject(node, 60)
    assert_each_once(node, range(60))
    node.stop()


def test_a_mail_comes_in_and_an_answer_goes_out(make_node: MakeNode, sink: Sink, tmp_path: Path) -> None:
    node = make_node(relay_port=sink.port)
    agents = add_agents(node, make_certificate(tmp_path))
    node.start()
    assert deliver(node, mail(1)).startswith("250")
    node.settle()
    (ticket,) = node.tickets()
    letter = EmailMessage()
    letter["From"] = "alice@example.org"
    letter["To"] = "customer1@customer.example"
    letter["Subject"] = f"Re: Printer number 1 [T#{ticket['ticket']}]"
    letter["In-Reply-To"] = "<mail-1@customer.example>"
    letter.set_content("Please pour water on it.")
    agents.send("alice", letter)
    caught = eventually(lambda: [each for each in sink.caught if b"pour water" in each.raw])
    assert caught[0].recipients == ("customer1@customer.example",)
    (ticket,) = eventually(lambda: [each for each in node.tickets() if each["state"] == "answered"])
    assert ticket["messages"] == 2
    node.stop()


def test_what_a_killed_daemon_had_claimed_is_taken_up_by_its_next_start(make_node: MakeNode) -> None:
    node = make_node()
    node.start("chain.claimed:kill9")
    deliver(node, mail(1))
    assert node.wait_for_death() == -signal.SIGKILL
    node.start()
    assert_each_once(node, [1])
    node.stop()


def test_a_worker_that_dies_loses_no_mail(make_node: MakeNode) -> None:
    node = make_node(top="workers = 2")
    node.start()
    injector = Injector(node, range(80))
    injector.start()
    eventually(lambda: len(injector.acknowledged) > 20)
    os.kill(node.workers[0], signal.SIGKILL)
    injector.join(60)
    assert_each_once(node, range(80))
    node.stop()


def test_a_reload_changes_workers_under_load(make_node: MakeNode) -> None:
    node = make_node(top="workers = 2")
    node.start()
    injector = Injector(node, range(80))
    injector.start()
    node.signal(signal.SIGHUP)
    assert node.says(b"READY=1", seconds=30)
    injector.join(60)
    assert_each_once(node, range(80))
    node.stop()


COMMANDS = (
    "status",
    "ticket list",
    "ticket list --search printer",
    "ticket reindex",
    "agent list",
    "outbox list",
    "quarantine list",
    "spam status",
    "topics status",
    "report",
    "replay --since 2026-01-01",
)


def test_commands_work_beside_the_daemon(make_node: MakeNode, tmp_path: Path) -> None:
    node = make_node()
    add_agents(node, make_certificate(tmp_path))
    node.start()
    inject(node, 3)
    assert_adds_up(node.settle())
    (tmp_path / "mail.eml").write_bytes(mail(1))
    for command in COMMANDS:
        assert node.output(*command.split()) is not None, command
    number, other, _ = (ticket["ticket"] for ticket in node.tickets())
    (message,) = node.ticket(number)["messages"]
    assert b"Printer" in node.output("ticket", "raw", number, message["sha256"])
    assert b"joins ticket" in node.output("explain", str(tmp_path / "mail.eml"))
    node.output("ticket", "note", number, "called her", "--as", "alice")
    node.output("ticket", "claim", number, "--as", "alice")
    node.output("ticket", "merge", number, other, "--as", "alice")
    node.output("ticket", "unmerge", number, "--as", "alice")
    node.output("ticket", "close", number, "--as", "alice")
    assert node.ticket(number)["state"] == "closed"
    node.stop()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_backup_is_postgresqls_own(make_node: MakeNode, tmp_path: Path, command: str) -> None:
    (tmp_path / "backup.tar").write_bytes(b"")
    with pytest.raises(AssertionError, match="use pg_dump"):
        make_node().output(command, str(tmp_path / "backup.tar"))


def test_a_server_that_is_away_is_told_in_one_line(make_daemon: Callable[..., Daemon]) -> None:
    node = make_daemon(store="postgresql://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(AssertionError) as refused:
        node.output("status")
    assert "Connection refused" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_another_encoding_is_refused(store_server: StoreServer, make_daemon: Callable[..., Daemon]) -> None:
    store_server.ask("CREATE DATABASE latin ENCODING latin1 TEMPLATE template0")
    node = make_daemon(store=store_server.url.removesuffix("postgres") + "latin")
    with pytest.raises(AssertionError, match="LATIN1, and mail needs UTF8"):
        node.output("status")
    store_server.ask("DROP DATABASE latin")
