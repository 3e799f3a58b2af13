"""kill -9 at every fail point of the agents' side, while customers and agents work on as people do.

Nothing is lost, and nothing is there twice; only an answer whose 250 from the relay was never recorded leaves
again, with the same Message-ID.
"""

from __future__ import annotations

import itertools
import random
import signal
import smtplib
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.rig import failpoints
from tests.rig.attendant import Attendant
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_store_is_sound
from tests.rig.sink import Sink
from tests.rig.staff import CHAIN, Staff, answer, make_staff
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

# As a day's work passes them; only acknowledgements pass outbox.taken.
AS_A_DAY_GOES = (
    "folder.before_append",
    "folder.appended",
    "folder.recorded",
    "folder.decided",
    "answer.before_commit",
    "answer.committed",
    "outbox.sent",
    "outbox.recorded",
    "folder.moved",
    "folder.taken_in",
)
PATIENCE = 60.0  # seconds, for what a crash may have put off
numbers = itertools.count(1)


@pytest.fixture
def staff(
    make_dovecot: Callable[..., Dovecot], make_daemon: Callable[..., Daemon], sink: Sink
) -> Iterator[Staff]:
    daemon = make_daemon(relay_port=sink.port, chain=CHAIN)
    dovecot = make_dovecot(desks=("Support", "Sales"))
    staff = make_staff(dovecot, daemon, sink, imap="restore_after = 60.0\nquiet = 0.5")
    yield staff
    staff.log_out()


def write(staff: Staff, number: int, *, follows: int = 0) -> None:
    """A customer's mail, sent until it is taken."""
    if follows:
        sender = f"customer{follows}@customer.example"
        headers = f"In-Reply-To: <mail-{follows}@customer.example>\r\n"
        raw = mail(number, sender=sender, subject="Re: it", headers=headers)
    else:
        raw = mail(number)
    eventually(lambda: deliver(staff.daemon, raw).startswith("250"), seconds=PATIENCE)


def send(staff: Staff, agent: str, number: int) -> None:
    """An answer, sent until it is taken."""
    letter = answer(agent, number)

    def is_taken() -> bool:
        try:
            staff.send(agent, letter)
        except (smtplib.SMTPException, OSError):
            return False
        return True

    eventually(is_taken, seconds=PATIENCE)


def see(staff: Staff, number: int, mailbox: str) -> None:
    staff.see(number, mailbox, seconds=PATIENCE)


def become(staff: Staff, number: int, state: str, owner: str = "") -> None:
    staff.becomes(number, state, owner, seconds=PATIENCE)


def work(staff: Staff) -> list[int]:
    """A day's work: the numbers of the customers who have a ticket by then."""
    claimed, closed, moved, dragged, follow_up = (next(numbers) for _ in range(5))
    for number in (claimed, closed, moved):
        write(staff, number)
    for number in (claimed, closed, moved):
        see(staff, number, "Support/New")
    staff.move(claimed, "Support/@alice")
    become(staff, claimed, "claimed", "alice")
    send(staff, "alice", claimed)
    staff.move(closed, "Support/Closed", agent="bob")
    become(staff, closed, "closed")
    write(staff, follow_up, follows=closed)
    staff.move(moved, "Sales/New", agent="carol")
    staff.client("bob").append("Support/@bob", mail(dragged, to="bob@example.org"))
    become(staff, dragged, "claimed", "bob")
    become(staff, closed, "new")
    for number, mailbox in (
        (claimed, "Support/Answered"),
        (closed, "Support/New"),
        (follow_up, "Support/New"),
        (moved, "Sales/New"),
        (dragged, "Support/@bob"),
    ):
        see(staff, number, mailbox)
    become(staff, claimed, "answered", "alice")
    return [claimed, closed, moved, dragged]


def days_of_crashes(staff: Staff, deaths: list[str]) -> None:
    customers: list[int] = []
    answered: list[int] = []
    with Attendant(staff.daemon, deaths) as attendant:
        while not attendant.is_done:
            assert len(answered) < 3 * len(deaths), f"never passed: {attendant.waits_for}"
            worked = work(staff)
            customers += worked
            answered += worked[:1]
        worked = work(staff)
        customers += worked
        answered += worked[:1]
        assert set(attendant.statuses) == {-signal.SIGKILL}
    eventually(lambda: staff.daemon.status()["outbox"]["waiting"] == 0, every=0.2)
    staff.daemon.stop()

    opened = Counter(row["customer"] for row in staff.rows("SELECT customer FROM ticket"))
    assert opened == Counter(f"customer{number}@customer.example" for number in customers)
    assert [row for row in staff.rows("SELECT what FROM event") if row["what"].startswith("restored")] == []
    assert staff.told_of_loss() == Counter()
    recipients = [caught.recipients for caught in staff.sink.caught]
    assert set(recipients) == {(f"customer{number}@customer.example",) for number in answered}
    assert len({caught.message["Message-ID"] for caught in staff.sink.caught}) == len(answered)
    assert len(recipients) <= len(answered) + len(deaths)  # each may fall between a 250 and its record
    assert_store_is_sound(staff.daemon)


def test_every_fail_point_of_the_agents_side_is_passed() -> None:
    agents_side = {
        name for name in failpoints.in_code() if name.startswith(("folder.", "answer.", "outbox."))
    }
    assert agents_side - {"outbox.taken"} == set(AS_A_DAY_GOES)


@pytest.mark.timeout(300)
def test_a_crash_at_each_fail_point_loses_and_doubles_nothing(staff: Staff) -> None:
    days_of_crashes(staff, [f"{name}:kill9" for name in AS_A_DAY_GOES])


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_crashes_lose_and_double_nothing(staff: Staff) -> None:
    lot = random.Random(100)
    days_of_crashes(staff, [f"{lot.choice(AS_A_DAY_GOES)}:kill9@{lot.randint(1, 4)}" for _ in range(100)])
