"""Search on a store that a daemon fills: it finds what came, soon after it came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

DESK = "support@example.org"
AGENTS = 'agents = ["alice"]\n\n[agent.alice]\naddress = "alice@example.org"\n'
MAIL = (
    "From: Jürgen Groß <carla@customer.example>\r\nTo: support@example.org\r\nSubject: Überweisung\r\n"
    "Message-ID: <u1@customer.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Die Nachzahlung für die Straßenlampe fehlt.\r\n"
).encode()


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    daemon = make_daemon()
    daemon.configuration.write_text(daemon.configuration.read_text() + AGENTS)
    daemon.start()
    with daemon.lmtp() as client:
        for raw in (mail(1), MAIL):
            assert client.deliver("carla@customer.example", [DESK], raw) == ["250 2.0.0 Accepted"]
    daemon.settle()
    return daemon


def subjects(daemon: Daemon, words: str) -> list[object]:
    return [ticket["subject"] for ticket in daemon.cli("ticket", "list", "--search", words)]


def test_what_came_is_found_soon_and_so_is_what_was_noted(daemon: Daemon) -> None:
    eventually(lambda: subjects(daemon, "nachzahlung strassenlampe") == ["Überweisung"])
    assert subjects(daemon, "PRINTER 1%") == ["Printer number 1"]
    assert subjects(daemon, "from:juergen ueberweisung") == ["Überweisung"]
    assert subjects(daemon, '"lampe fehlt"') == []
    (ticket,) = daemon.cli("ticket", "list", "--search", "überw*")
    daemon.output(
        "ticket", "note", str(ticket["ticket"]), "Rang him up about the spectrograph.", "--as", "alice"
    )
    eventually(lambda: subjects(daemon, "spectrograph -nobody") == ["Überweisung"])


def test_the_index_is_made_anew_beside_the_daemon(daemon: Daemon) -> None:
    eventually(lambda: subjects(daemon, "nachzahlung") == ["Überweisung"])
    daemon.output("ticket", "reindex")
    assert subjects(daemon, "nachzahlung") == ["Überweisung"]
