"""Desks that keep agents' mail in memory, and passwords that cost nothing to check."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from mailproc.listen.credentials.authenticator import Authenticator
from mailproc.listen.credentials.throttle import ThrottleRules
from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.sockets import bind, parse_endpoint
from mailproc.listen.submission import Office, SubmissionSession, Unheard
from mailproc.model.address import Address
from mailproc.model.login import Login
from mailproc.model.reply import ACCEPTED, MailError, Reply
from tests.rig.raw_client import Served

NOT_A_PARTICIPANT = Reply(550, "5.7.1", "Not in this conversation")
PASSWORDS = {"alice": b"secret of alice", "bob": b"secret of bob", "carol": b"secret of carol"}
ROSTER = {"alice": "alice", "alice@example.org": "alice", "bob": "bob", "bob@example.org": "bob"}


@dataclass(frozen=True, slots=True)
class Handed:
    """One mail as the desks got it."""

    agent: str
    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes


class KeepingDesks:
    """Lets agents send from their own address and from the desk's, to it and to customer.example."""

    def __init__(self) -> None:
        self.outcome: Reply | BaseException = ACCEPTED
        self.recipient_error: Exception | None = None
        self.taken: list[Handed] = []
        self.arrived = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    def may_send_from(self, agent: str, address: Address) -> bool:
        return address.key in (f"{agent}@example.org", "support@example.org")

    async def check_recipient(self, agent: str, recipient: Address) -> Reply | None:
        if self.recipient_error:
            raise self.recipient_error
        ours = recipient.key == "support@example.org" or recipient.domain == "customer.example"
        return None if ours else NOT_A_PARTICIPANT

    async def accept(
        self, agent: str, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> Reply:
        self.arrived.set()
        await self.may_go_on.wait()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if self.outcome.is_success:
            self.taken.append(Handed(agent, str(mail_from or ""), tuple(map(str, recipients)), raw))
        return self.outcome


class PlainPasswords:
    """Knows passwords as they are; ``trouble`` is raised instead of an answer, and ``asked`` counts."""

    def __init__(self, passwords: Mapping[str, bytes] = PASSWORDS) -> None:
        self._passwords = passwords
        self.trouble: Exception | None = None
        self.asked: list[Login] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def prove(self, login: Login) -> str | None:
        self.asked.append(login)
        await self.may_go_on.wait()
        if self.trouble:
            raise self.trouble
        user = login.user.lower()
        return login.user if self._passwords.get(user.partition("@")[0]) == login.password else None

    async def close(self) -> None:
        """Nothing is open."""


class Pauses:
    """Waits no time, and remembers how long it would have been, in seconds."""

    def __init__(self) -> None:
        self.made: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.made.append(seconds)


class TickingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class ServedOffice(Served):
    """A submission listener, and what stands behind it."""

    desks: KeepingDesks
    prover: PlainPasswords
    pauses: Pauses
    clock: TickingClock

    @classmethod
    async def start(
        cls,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        limits: ListenLimits | None = None,
        rules: ThrottleRules | None = None,
        where: str = "127.0.0.1:0",
    ) -> Self:
        desks, prover, pauses, clock = KeepingDesks(), PlainPasswords(), Pauses(), TickingClock()
        authenticator = Authenticator(prover, ROSTER, rules or ThrottleRules(), clock=clock, pause=pauses)
        office = Office(desks, authenticator, None if implicit else tls)
        session = functools.partial(SubmissionSession, office=office)
        listener = Listener(
            session,
            Unheard(),
            hostname="mail.example",
            limits=limits or ListenLimits(),
            tls=tls if implicit else None,
        )
        sockets = bind(parse_endpoint(where), {})
        address = sockets[0].getsockname()
        await listener.start(sockets)
        return cls(listener, address, desks, prover, pauses, clock)

    async def has_room(self, tls: ssl.SSLContext | None = None) -> None:
        """Until there is a place for one more client: it is not turned away."""
        async with asyncio.timeout(20):
            while not await self._greets(tls):
                pass

    async def _greets(self, tls: ssl.SSLContext | None) -> bool:
        try:
            async with self.connect(tls) as client:
                return await client.codes(1) == ["220"]
        except OSError:
            return False

    @property
    def port(self) -> int:
        assert not isinstance(self.address, str)
        return self.address[1]


UNAVAILABLE = MailError(Reply(454, "4.7.0", "Temporary authentication failure"))
