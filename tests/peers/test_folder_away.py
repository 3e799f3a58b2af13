"""While the folder is away all else goes on, and when it is back it shows everything once.

Mail of customers is taken, an agent who is logged in answers, and his answer leaves.  Afterwards the folder
shows both, and agents are followed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.sink import Sink
from tests.rig.staff import CHAIN, Staff, answer, make_staff
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

Fault = Callable[[Staff], AbstractContextManager[None]]
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """One for all; what it has been through does not matter."""
    sink = Sink()
    sink.start()
    dovecot = Dovecot(desks=("Support", "Sales"), quota=2000)
    dovecot.start()
    daemon = Daemon(tmp_path_factory.mktemp("office"), relay_port=sink.port, chain=CHAIN)
    staff = make_staff(dovecot, daemon, sink, timeout=2.0, imap="restore_after = 60.0\nfull_pass = 3.0")
    daemon.start()
    yield staff
    staff.log_out()
    daemon.clean_up()
    dovecot.stop()
    sink.stop()


def waits(staff: Staff, what: str, before: str) -> None:
    """Until the daemon has said that this is wrong, once more."""
    eventually(lambda: staff.daemon.log().count(what) > before.count(what))


@contextmanager
def frozen(staff: Staff) -> Iterator[None]:
    staff.log_out()
    log = staff.daemon.log()
    staff.dovecot.freeze()
    yield
    waits(staff, "the folder waits", log)
    staff.dovecot.thaw()


@contextmanager
def down(staff: Staff) -> Iterator[None]:
    staff.log_out()
    log = staff.daemon.log()
    staff.dovecot.down()
    yield
    waits(staff, "the folder waits", log)
    staff.dovecot.up()


@contextmanager
def killed(staff: Staff) -> Iterator[None]:
    staff.log_out()
    staff.dovecot.kill()
    yield
    staff.dovecot.up()


@contextmanager
def over_quota(staff: Staff) -> Iterator[None]:
    """Somebody keeps his photographs in the team's folder."""
    log = staff.daemon.log()
    client = staff.client("mailproc")
    client.create_folder("Support/Photographs")
    for size in (1_000_000, 100_000, 10_000, 1000, 200):
        fill(client, size)
    yield
    waits(staff, "OVERQUOTA", log)
    client.delete_folder("Support/Photographs")


def fill(client: IMAPClient, size: int) -> None:
    """Until not even one more of this size has room."""
    with suppress(client.Error):
        while True:
            client.append("Support/Photographs", b"Subject: me\r\n\r\n" + b"x" * size + b"\r\n")


@contextmanager
def made_anew(staff: Staff) -> Iterator[None]:
    client = staff.client("mailproc")
    client.delete_folder("Support/New")
    yield


@contextmanager
def without_rights(staff: Staff) -> Iterator[None]:
    staff.log_out()
    log = staff.daemon.log()
    staff.dovecot.give("Support", rights="authenticated lrs\nuser=mailproc lr\n")
    staff.dovecot.restart()  # it keeps rights for a while
    yield
    waits(staff, "NOPERM", log)
    staff.dovecot.give("Support")
    staff.dovecot.restart()


def is_closed(staff: Staff, number: int) -> bool:
    """Bob moves the mail to Closed, again where it stayed: Dovecot may show him a mailbox that is gone."""
    row = staff.row(number)
    if row is not None and row["state"] == "closed":
        return True
    if [shown.mailbox for shown in staff.find(number, "bob")] == ["Support/New"]:
        try:
            staff.move(number, "Support/Closed", agent="bob")
        except IMAPClientError:
            staff.log_out()
    return False


@pytest.mark.parametrize("fault", [frozen, down, killed, over_quota, made_anew, without_rights])
def test_all_else_goes_on_and_the_folder_shows_it_later(staff: Staff, fault: Fault) -> None:
    answered, closed, new = (next(numbers) for _ in range(3))
    for number in (answered, closed):
        staff.write_and_see(number)
    with staff.sender("alice") as session:
        with fault(staff):
            staff.write(new)
            session.send_message(answer("alice", answered))
            eventually(lambda: staff.to(f"customer{answered}@customer.example"))
            staff.becomes(answered, "answered", "alice")
        staff.see(new, "Support/New", seconds=60)
        staff.see(answered, "Support/Answered", seconds=60)
        staff.see(closed, "Support/New")
    eventually(lambda: is_closed(staff, closed), seconds=20, every=1.0)
    staff.see(closed, "Support/Closed")
    assert len(staff.to(f"customer{answered}@customer.example")) == 1
    assert {"restored", "reopened"}.isdisjoint(staff.events(closed))
