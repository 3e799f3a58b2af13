"""A store is restored from a backup older than the folder: nothing is lost, nobody is answered twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig.daemon import CORE_CHAIN, Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.sink import Sink
from tests.rig.staff import Staff, answer, make_staff
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers


@pytest.fixture
def staff(make_dovecot: Callable[..., Dovecot], make_daemon: Callable[..., Daemon]) -> Iterator[Staff]:
    sink = Sink()
    sink.start()
    daemon = make_daemon(relay_port=sink.port, chain=CORE_CHAIN)
    made = make_staff(make_dovecot(desks=("Support", "Sales")), daemon, sink)
    daemon.start()
    yield made
    made.log_out()
    sink.stop()


def lies_in(staff: Staff, mailbox: str) -> list[str]:
    """The subjects of the mails in a mailbox."""
    client = staff.client("alice")
    client.select_folder(mailbox, readonly=True)
    uids = client.search(["UNDELETED"])
    fetched = client.fetch(uids, ["ENVELOPE"]) if uids else {}
    return sorted(each[b"ENVELOPE"].subject.decode() for each in fetched.values())


def restored(staff: Staff, backup: Path, do: Callable[[], None]) -> None:
    """A backup is made, things happen, and then that backup is all that there is."""
    staff.daemon.output("backup", str(backup))
    do()
    staff.daemon.stop()
    staff.log_out()
    staff.daemon.output("restore", str(backup))
    staff.daemon.start()


def test_moves_since_the_backup_take_effect(staff: Staff, tmp_path: Path) -> None:
    staff.write_and_see(1)
    staff.write_and_see(2)

    def work() -> None:
        staff.move(1, "Support/@alice")
        staff.becomes(1, "claimed", "alice")
        staff.move(2, "Support/Closed")
        staff.becomes(2, "closed")

    restored(staff, tmp_path / "backup.tar", work)
    staff.becomes(1, "claimed", "alice")
    staff.becomes(2, "closed")
    staff.see(1, "Support/@alice")
    staff.see(2, "Support/Closed")


def test_what_the_backup_does_not_know_goes_to_problem_and_is_mistaken_for_nothing(
    staff: Staff, tmp_path: Path
) -> None:
    staff.write_and_see(1)

    def work() -> None:
        for number in (2, 3):
            staff.write_and_see(number)
        staff.send("alice", answer("alice", 1))
        staff.becomes(1, "answered", "alice")
        eventually(lambda: len(lies_in(staff, "Support/Answered")) == 2)

    restored(staff, tmp_path / "backup.tar", work)
    lost = {row["subject"] for row in staff.rows("SELECT subject FROM ticket")}
    assert lost == {"Printer number 1"}
    staff.see(2, "Support/Problem")
    staff.see(3, "Support/Problem")
    staff.see(1, "Support/New")  # its answer is not known any more: somebody must look
    assert any(
        subject.startswith("Re: ") for subject in eventually(lambda: lies_in(staff, "Support/Problem"))
    )
    # What comes now is neither taken for what was lost, nor gets its number.
    staff.write_and_see(4)
    staff.write_and_see(5)
    staff.see(2, "Support/Problem")
    numbers = [row["number"] for row in staff.rows("SELECT number FROM ticket ORDER BY id")]
    assert [int(number[-5:]) for number in numbers] == [1, 10_002, 10_003]


def test_nobody_is_told_or_answered_twice(staff: Staff, tmp_path: Path) -> None:
    staff.sink.stop()  # nothing leaves for a while
    staff.write_and_see(1)
    staff.send("alice", answer("alice", 1))
    staff.becomes(1, "answered", "alice")

    def work() -> None:
        staff.sink.start()
        staff.sink.wait_for(2)

    restored(staff, tmp_path / "backup.tar", work)
    staff.write_and_see(2)
    staff.send("alice", answer("alice", 2))
    staff.sink.wait_for(3)
    subjects = [str(each.message["Subject"]) for each in staff.sink.caught]
    assert len(subjects) == 3, subjects
    assert "10002-" in subjects[-1]  # the answer to the second customer, and nothing to the first
    kept = [item for item in staff.daemon.cli("outbox", "list") if item["state"] == "failed"]
    assert sorted(item["kind"] for item in kept) == ["acknowledgement", "reply"]
    assert all("restored" in item["problem"] for item in kept)
