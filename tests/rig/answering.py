"""Agents who send one answer each to many customers, and again until it is taken, as mail clients do."""

from __future__ import annotations

import itertools
import smtplib
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from typing import Protocol

from tests.rig.sink import Sink


class Outlet(Protocol):
    """Where agents send: ``AgentsPort``, or ``Staff``."""

    def send(self, user: str, letter: EmailMessage) -> None: ...


class Answering:
    """Alice's answers to the customers' mails of these numbers; every try goes to the next port."""

    def __init__(self, ports: Sequence[Outlet], numbers: Iterable[int], *, sessions: int = 2) -> None:
        self._ports = itertools.cycle(ports)
        self._waiting = list(numbers)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.taken: set[int] = set()
        self.refusals: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(sessions)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait until every answer is taken; AssertionError when that takes longer."""
        for thread in self._threads:
            thread.join(seconds)
        stuck = any(thread.is_alive() for thread in self._threads)
        self._stopped.set()
        assert not stuck, f"{len(self.taken)} taken, {self.refusals[-3:]}"

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if not self._waiting:
                    return
                number, port = self._waiting.pop(), next(self._ports)
            refusal = _send(port, number)
            with self._lock:
                if refusal is None:
                    self.taken.add(number)
                else:
                    self.refusals.append(refusal)
                    self._waiting.append(number)
            if refusal is not None:
                self._stopped.wait(0.05)


def _send(port: Outlet, number: int) -> str | None:
    """Why it was not taken."""
    try:
        port.send("alice", answer(number))
    except (OSError, smtplib.SMTPException) as error:
        return str(error)
    return None


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
