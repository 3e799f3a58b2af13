"""Clients that go on until every mail is acknowledged, as an MTA does."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from tests.rig.daemon import Daemon
from tests.rig.mails import mail


def deliver(daemon: Daemon, raw: bytes, *, mail_from: str = "customer@customer.example") -> str:
    """One mail for the desk in a session of its own: the reply, or '' when the daemon went away."""
    try:
        with daemon.lmtp() as client:
            return client.deliver(mail_from, ["support@example.org"], raw)[0]
    except (OSError, EOFError):
        return ""


class Injector:
    """Sends mails over several sessions at once, repeats each until it is answered 250."""

    def __init__(
        self, daemon: Daemon, numbers: Iterable[int], *, sessions: int = 4, size: int = 2000
    ) -> None:
        self._daemon = daemon
        self._waiting = list(numbers)
        self._size = size
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.acknowledged: set[int] = set()
        self.refusals: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(sessions)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait until every mail is acknowledged; AssertionError when that takes longer."""
        for thread in self._threads:
            thread.join(seconds)
        stuck = any(thread.is_alive() for thread in self._threads)
        self._stopped.set()
        assert not stuck, f"{len(self.acknowledged)} acknowledged, {self.refusals[-3:]}"

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if not self._waiting:
                    return
                number = self._waiting.pop()
            reply = deliver(
                self._daemon, mail(number, size=self._size), mail_from=f"c{number}@customer.example"
            )
            with self._lock:
                if reply.startswith("250"):
                    self.acknowledged.add(number)
                else:
                    self.refusals += [reply] if reply else []
                    self._waiting.append(number)
            if not reply:
                self._stopped.wait(0.02)  # the daemon is down: do not spin
