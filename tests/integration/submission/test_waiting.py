"""The daemon as a whole waits for customers and agents; what its clock would take weeks for is dated back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage

import pytest

from tests.rig.agents import AgentsPort, add_agents
from tests.rig.certificate import Certificate
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.sink import Caught, Sink
from tests.rig.waiting import eventually

DESK = "support@example.org"
CUSTOMER = "carla@customer.example"
DAY = 86_400
KEYS = 'close_after = "14d"\nclose_warning = "3d"\n'


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon], sink: Sink) -> Daemon:
    daemon = make_daemon(
        relay_port=sink.port,
        chain=("automatic", "ticket", "route"),
        tables='[stage.route]\nassign = "round_robin"\n',
    )
    with daemon.configuration.open("a") as file:
        file.write(KEYS)
    return daemon


@pytest.fixture
def agents(daemon: Daemon, certificate: Certificate) -> AgentsPort:
    return add_agents(daemon, certificate)


def write(daemon: Daemon, number: int) -> str:
    """A customer's mail; the number of its ticket."""
    with daemon.lmtp() as client:
        client.deliver(CUSTOMER, [DESK], mail(number, sender=CUSTOMER))
    daemon.settle()
    return str(daemon.tickets()[-1]["ticket"])


def letter(text: str, *, to: str = DESK, answers: int = 0, subject: str = "Re: your printer") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "alice@example.org", to, subject
    made["Message-ID"] = f"<{answers}-{abs(hash(text))}@laptop.example>"
    if answers:
        made["In-Reply-To"] = f"<mail-{answers}@customer.example>"
    made.set_content(text)
    return made


def while_down(daemon: Daemon, *statements: str) -> None:
    """The daemon is down, and time passes in the store."""
    daemon.stop()
    with closing(sqlite3.connect(daemon.database)) as store, store:
        for statement in statements:
            store.execute(statement)
    daemon.start()


def told(sink: Sink, recipient: str, subject: str) -> list[Caught]:
    return [
        caught
        for caught in sink.caught
        if caught.recipients == (recipient,) and subject in str(caught.message["Subject"])
    ]


def what_happened(daemon: Daemon, number: str) -> list[str]:
    return [event["what"] for event in daemon.ticket(number)["events"]]


def test_a_ticket_wakes_in_time_and_its_owner_is_told(daemon: Daemon, agents: AgentsPort, sink: Sink) -> None:
    daemon.start()
    number = write(daemon, 1)
    daemon.output("ticket", "assign", number, "alice", "--as", "bob")
    daemon.output("ticket", "snooze", number, "monday", "--as", "alice")
    assert daemon.ticket(number)["state"] == "snoozed"
    while_down(daemon, f"UPDATE ticket SET snoozed = snoozed - {8 * DAY}")
    (notice,) = eventually(lambda: told(sink, "alice@example.org", f"Awake: ticket {number}"))
    assert notice.message["Auto-Submitted"] == "auto-generated"
    assert daemon.ticket(number)["state"] == "claimed"


def test_a_silent_customer_is_told_and_the_ticket_is_closed_until_he_writes(
    daemon: Daemon, agents: AgentsPort, sink: Sink
) -> None:
    daemon.start()
    number = write(daemon, 1)
    daemon.output("ticket", "assign", number, "alice", "--as", "bob")
    agents.send("alice", letter("Pour water on it.", answers=1))
    eventually(lambda: told(sink, CUSTOMER, "Re: "))
    earlier = f"UPDATE event SET at = at - {{}} * {DAY}"
    while_down(daemon, f"UPDATE ticket SET answered = answered - {12 * DAY}", earlier.format(12))
    (warning,) = eventually(lambda: [each for each in told(sink, CUSTOMER, "[T#") if not each.mail_from])
    assert "we will close it on" in warning.message.get_payload()
    assert daemon.ticket(number)["state"] == "answered"
    later = f"UPDATE ticket SET answered = answered - {3 * DAY}, warned = warned - {3 * DAY}"
    while_down(daemon, later, earlier.format(3))
    eventually(lambda: daemon.ticket(number)["state"] == "closed")
    assert what_happened(daemon, number).count("warned") == 1
    with daemon.lmtp() as client:
        client.deliver(CUSTOMER, [DESK], reply_to(str(warning.message["Message-ID"])))
    daemon.settle()
    assert (daemon.ticket(number)["state"], daemon.ticket(number)["owner"]) == ("claimed", "alice")


def reply_to(message_id: str) -> bytes:
    lines = [f"From: {CUSTOMER}", f"To: {DESK}", "Subject: Re: it", f"In-Reply-To: {message_id}"]
    return "\r\n".join([*lines, "Message-ID: <late@customer.example>", "", "Still burning.", ""]).encode()


def test_an_absent_agent_gets_no_tickets_and_holds_none(daemon: Daemon, agents: AgentsPort) -> None:
    daemon.start()
    daemon.output("agent", "absent", "alice")
    assert [daemon.ticket(write(daemon, number))["owner"] for number in (1, 2)] == ["bob", "bob"]
    number = write(daemon, 3)
    daemon.output("ticket", "assign", number, "alice", "--as", "alice")  # she works nevertheless
    daemon.output("agent", "absent", "alice", "--off")
    agents.send("alice", letter("#absent 2099-01-01/2099-01-02", subject="Away"))
    (alice, bob) = daemon.cli("agent", "list")
    assert (alice["here"], alice["claimed"], bob["claimed"]) == (True, 1, 2)
    assert alice["absent"] == [{"from": "2099-01-01", "to": "2099-01-02", "by": "mail"}]
    agents.send("alice", letter("#absent", subject="Away"))
    assert daemon.ticket(number)["state"] == "new"
    assert what_happened(daemon, number)[-2:] == ["released", "owner_absent"]
