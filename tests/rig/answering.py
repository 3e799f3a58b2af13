"""Agents who send one answer each to many customers, and again until it is taken, as mail clients do."""

from __future__ import annotations

import itertools
import smtplib
from collections import Counter
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from typing import Protocol

from tests.rig.sending import Sending
from tests.rig.sink import Sink


class Outlet(Protocol):
    """Where agents send: ``AgentsPort``, or ``Staff``."""

    def send(self, user: str, letter: EmailMessage) -> None: ...


class Answering(Sending):
    """Alice's answers to the customers' mails of these numbers; every try goes to the next port."""

    def __init__(self, ports: Sequence[Outlet], numbers: Iterable[int], *, sessions: int = 2) -> None:
        super().__init__(numbers, sessions=sessions)
        self._ports = itertools.cycle(ports)

    def _send(self, number: int) -> str | None:
        with self._lock:
            port = next(self._ports)
        try:
            port.send("alice", answer(number))
        except (OSError, smtplib.SMTPException) as error:
            return str(error)
        return None

    def _rest(self, refusal: str) -> float:
        return 0.05


def answer(number: int) -> EmailMessage:
    """The same mail whenever it is sent."""
    letter = EmailMessage()
    letter["From"] = "alice@example.org"
    letter["To"] = f"customer{number}@customer.example"
    letter["Subject"] = f"Re: Printer number {number}"
    letter["Message-ID"] = f"<answer-{number}@laptop.example>"
    letter["In-Reply-To"] = f"<mail-{number}@customer.example>"
    letter.set_content(f"Pour water on printer {number}.\n")
    return letter


def answered(sink: Sink) -> Counter[str]:
    """How many answers each customer got."""
    answers = [caught for caught in sink.caught if b"Pour water on printer" in caught.raw]
    return Counter(recipient for caught in answers for recipient in caught.recipients)
