"""Clients that go on until every mail is acknowledged, as an MTA does."""

from __future__ import annotations

from collections.abc import Iterable

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.sending import Sending


def deliver(daemon: Daemon, raw: bytes, *, mail_from: str = "customer@customer.example") -> str:
    """One mail for the desk in a session of its own: the reply, or '' when the daemon went away."""
    try:
        with daemon.lmtp() as client:
            return client.deliver(mail_from, ["support@example.org"], raw)[0]
    except (OSError, EOFError):
        return ""


class Injector(Sending):
    """Sends mails over several sessions at once, repeats each until it is answered 250."""

    def __init__(
        self, daemon: Daemon, numbers: Iterable[int], *, sessions: int = 4, size: int = 2000
    ) -> None:
        super().__init__(numbers, sessions=sessions)
        self._daemon = daemon
        self._size = size

    @property
    def acknowledged(self) -> set[int]:
        return self.taken

    def _send(self, number: int) -> str | None:
        raw = mail(number, size=self._size)
        reply = deliver(self._daemon, raw, mail_from=f"c{number}@customer.example")
        return None if reply.startswith("250") else reply

    def _rest(self, refusal: str) -> float:
        return 0.0 if refusal else 0.02  # the daemon is down: do not spin
