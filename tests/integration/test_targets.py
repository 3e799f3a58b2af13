"""Targets with the real daemon: what is due, what is done about it, and that it is done once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

# A hundredth of a minute after it came a mail is in danger.
TARGETS = """
[[desk.support.target]]
name = "quick"
first = "1m"
warn = 0.01
[[desk.support.escalation]]
at = "warn"
tag = ["soon"]
mail = ["team"]
[agent.alice]
address = "alice@example.org"
"""
PATIENCE = 60.0  # seconds: the time is looked at every 15, and a lease of 15 may have to end first


def write(daemon: Daemon, number: int) -> None:
    with daemon.lmtp() as client:
        assert client.deliver("carla@customer.example", ["support@example.org"], mail(number)) == [
            "250 2.0.0 Accepted"
        ]


def escalated(daemon: Daemon, count: int) -> list[dict[str, Any]]:
    """The tickets, as soon as so many have the tag."""

    def look() -> list[dict[str, Any]]:
        tickets = daemon.tickets()
        return tickets if sum(ticket["tags"] == ["soon"] for ticket in tickets) == count else []

    return eventually(look, seconds=PATIENCE, every=1.0)


def test_a_step_is_taken_once_though_workers_and_the_daemon_die(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(top="workers = 2", tables=TARGETS)
    text = daemon.configuration.read_text()
    daemon.configuration.write_text(text.replace("[desk.support]\n", '[desk.support]\nagents = ["alice"]\n'))
    daemon.start()
    write(daemon, 1)
    (ticket,) = escalated(daemon, 1)
    assert ticket["due"]["kind"] == "first"
    os.kill(daemon.workers[0], signal.SIGKILL)  # perhaps the one that keeps the time
    write(daemon, 2)
    escalated(daemon, 2)
    daemon.kill9()
    daemon.start()
    write(daemon, 3)
    tickets = escalated(daemon, 3)
    for each in tickets:
        shown = daemon.ticket(each["ticket"])
        assert [event["what"] for event in shown["events"]].count("escalated") == 1
        assert shown["target"] == "quick"
        (clock,) = shown["clocks"]
        assert (clock["target"], clock["pauses"], clock["ended"]) == (1.0, [], None)
    notices = [item for item in daemon.cli("outbox", "list", "--json") if item["kind"] == "notice"]
    assert [item["recipients"][0]["recipient"] for item in notices] == ["alice@example.org"] * 3
    daemon.stop()
