"""The command line on a store that a daemon filled, as scripts and postmasters use it."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.mails import mail

DESK = "support@example.org"
AGENTS = """\
agents = ["alice", "bob"]

[agent.alice]
address = "alice@example.org"

[agent.bob]
address = "bob@example.org"
"""


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    daemon = make_daemon()
    daemon.configuration.write_text(daemon.configuration.read_text() + AGENTS)
    daemon.start()
    return daemon


def receive(daemon: Daemon, *mails: bytes) -> list[dict[str, object]]:
    with daemon.lmtp() as client:
        for raw in mails:
            assert client.deliver("carla@customer.example", [DESK], raw) == ["250 2.0.0 Accepted"]
    daemon.settle()
    return daemon.tickets()


def test_a_ticket_is_claimed_once_and_the_loser_is_told(daemon: Daemon) -> None:
    (ticket,) = receive(daemon, mail(1))
    number = str(ticket["ticket"])
    daemon.output("ticket", "claim", number, "--as", "alice")
    with pytest.raises(AssertionError, match="held by alice"):
        daemon.output("ticket", "claim", number, "--as", "bob")
    (claimed,) = daemon.cli("ticket", "list", "--owner", "alice")
    assert (claimed["state"], claimed["owner"]) == ("claimed", "alice")
    assert daemon.cli("ticket", "list", "--state", "new") == []


def test_every_change_of_a_ticket_leaves_an_event(daemon: Daemon) -> None:
    (ticket,) = receive(daemon, mail(1))
    number = str(ticket["ticket"])
    for verb in (["assign", number, "bob"], ["release", number], ["close", number], ["reopen", number]):
        daemon.output("ticket", *verb, "--as", "alice")
    daemon.output("ticket", "note", number, "Rang her up.", "--as", "alice")
    daemon.output("ticket", "snooze", number, "3d", "--as", "alice")
    daemon.output("ticket", "spam", number, "--as", "alice")
    shown = daemon.ticket(number)
    what = [event["what"] for event in shown["events"] if event["who"] == "alice"]
    assert what == ["claimed", "released", "closed", "reopened", "note", "snoozed", "marked_spam"]
    assert [message["direction"] for message in shown["messages"]] == ["in", "note"]


def test_a_merge_is_undone_exactly(daemon: Daemon) -> None:
    one, two = (str(ticket["ticket"]) for ticket in receive(daemon, mail(1), mail(2)))
    before = daemon.ticket(one)["messages"], daemon.ticket(two)["messages"]
    daemon.output("ticket", "merge", one, two, "--as", "alice")
    assert daemon.ticket(one)["links"] == [{"ticket": two, "why": "merged"}]
    answer = mail(3, headers="In-Reply-To: <mail-1@customer.example>\r\n", subject="Re: Printer number 1")
    receive(daemon, answer)
    assert len(daemon.ticket(two)["messages"]) == 2, "mail for the merged ticket joins its target"
    daemon.output("ticket", "unmerge", one, "--as", "alice")
    assert daemon.ticket(one)["messages"] == before[0]
    assert daemon.ticket(one)["links"] == []
    assert daemon.ticket(one)["state"] == "new"


def test_a_split_moves_messages_and_their_thread(daemon: Daemon) -> None:
    answer = mail(2, headers="In-Reply-To: <mail-1@customer.example>\r\n", subject="Re: Printer number 1")
    (ticket,) = receive(daemon, mail(1), answer)
    number = str(ticket["ticket"])
    second = daemon.ticket(number)["messages"][1]["sha256"]
    fresh = daemon.output("ticket", "split", number, second, "--as", "alice").decode().strip()
    assert daemon.output("ticket", "raw", fresh, second) == answer
    receive(daemon, mail(3, headers="In-Reply-To: <mail-2@customer.example>\r\n", subject="Re: again"))
    assert len(daemon.ticket(fresh)["messages"]) == 2


def test_the_original_comes_back_byte_for_byte(daemon: Daemon) -> None:
    odd = mail(1, headers="X-Odd: \xfc raw\r\nX-Tab:\tand  spaces \r\n") + b"bare \n and \r kept\r\n.dot\r\n"
    (ticket,) = receive(daemon, odd)
    number = str(ticket["ticket"])
    (message,) = daemon.ticket(number)["messages"]
    assert daemon.output("ticket", "raw", number, message["sha256"]) == odd


def test_an_import_is_idempotent_and_acknowledges_nobody(daemon: Daemon, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "old.mbox")
    for number in (1, 2):
        box.add(mail(number))
    box.add(mail(3, headers="In-Reply-To: <mail-1@customer.example>\r\n", subject="Re: Printer number 1"))
    box.close()
    report = daemon.cli("import", str(tmp_path / "old.mbox"))
    assert report == [{"imported": 3, "known": 0, "unreadable": 0}]
    assert daemon.cli("import", str(tmp_path / "old.mbox")) == [{"imported": 0, "known": 3, "unreadable": 0}]
    status = daemon.settle()
    assert (status["accepted"], status["new"], status["follow_up"]) == (3, 2, 1)
    assert sum(status["outbox"].values()) == 0
    refused = [event["detail"] for event in daemon.ticket(daemon.tickets()[0]["ticket"])["events"]]
    assert "imported" in refused


def test_a_backup_of_the_running_store_restores_everything(daemon: Daemon, tmp_path: Path) -> None:
    (ticket,) = receive(daemon, mail(1))
    daemon.output("backup", str(tmp_path / "backup.tar"))
    receive(daemon, mail(2))
    with pytest.raises(AssertionError, match="another mailproc"):
        daemon.output("restore", str(tmp_path / "backup.tar"))
    daemon.stop()
    daemon.output("restore", str(tmp_path / "backup.tar"))
    daemon.start()
    assert [found["ticket"] for found in daemon.tickets()] == [ticket["ticket"]]
    status = daemon.settle()
    assert (status["accepted"], status["new"]) == (1, 1)
    answer = mail(3, subject=f"Re: {tag_of(daemon)}", headers="")
    assert len(receive(daemon, answer)) == 1, "the key came back: the old tag still proves itself"


def tag_of(daemon: Daemon) -> str:
    """The tag in the acknowledgement of the only ticket; no relay is configured, so it waits."""
    store = daemon.folder / "state" / "mailproc.db"
    found = re.search(rb"\[T#\d+-[a-z2-7]{6}\]", store.read_bytes())
    assert found is not None
    return found[0].decode()


def test_explain_needs_neither_daemon_nor_store(make_daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    site = make_daemon()
    (tmp_path / "one.eml").write_bytes(mail(1))
    (view,) = site.cli("explain", str(tmp_path / "one.eml"))
    assert (view["outcome"], view["folder"], view["acknowledge"]["send"]) == ("new", "support/New", True)
    assert not (site.folder / "state").exists(), "nothing is stored"
    story = site.output("explain", str(tmp_path / "one.eml")).decode()
    assert "opens a new ticket" in story


def test_explain_knows_what_the_store_knows(daemon: Daemon, tmp_path: Path) -> None:
    (ticket,) = receive(daemon, mail(1))
    answer = Message()
    answer["From"], answer["To"], answer["Subject"] = "carla@customer.example", DESK, "Re: Printer number 1"
    answer["In-Reply-To"] = "<mail-1@customer.example>"
    (tmp_path / "answer.eml").write_bytes(answer.as_bytes())
    (tmp_path / "same.eml").write_bytes(mail(1))
    followed, same = daemon.cli("explain", str(tmp_path / "answer.eml"), str(tmp_path / "same.eml"))
    assert (followed["outcome"], followed["follow_up"]["ticket"]) == ("follow_up", ticket["ticket"])
    assert same["outcome"] == "duplicate"
    assert daemon.status()["accepted"] == 1
