"""Listeners on real sockets of loopback, in the loop of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.sockets import bind, parse_endpoint
from tests.rig.keeper import Keeper
from tests.rig.raw_client import Served


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Starts listeners; see ``start`` below for what it takes."""
    started: list[Listener] = []

    async def start(
        intake: Keeper,
        limits: ListenLimits | None = None,
        *,
        session: type[Session] = LmtpSession,
        where: str = "127.0.0.1:0",
    ) -> Served:
        listener = Listener(session, intake, hostname="mail.example", limits=limits or ListenLimits())
        sockets = bind(parse_endpoint(where), {})
        address = sockets[0].getsockname()
        await listener.start(sockets)
        started.append(listener)
        return Served(listener, address)

    yield start
    for listener in started:
        await listener.stop(0.0)
