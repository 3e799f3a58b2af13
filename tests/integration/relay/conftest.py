"""Relays that play a script, and ours that hand mail to them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from mailproc.outbox.relay import Relay, RelaySettings
from tests.rig.relaying import MakeRelay, MakeScripted
from tests.rig.scripted_relay import ScriptedRelay


@pytest.fixture
async def scripted() -> AsyncIterator[MakeScripted]:
    started: list[ScriptedRelay] = []

    async def start(
        script: dict[str, list[str]] | None = None,
        *,
        extensions: tuple[str, ...] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
    ) -> ScriptedRelay:
        peer = ScriptedRelay(script or {}, tls=tls, implicit_tls=implicit_tls)
        if extensions is not None:
            peer.extensions = extensions
        await peer.start()
        started.append(peer)
        return peer

    yield start
    for peer in started:
        await peer.stop()


@pytest.fixture
async def relay_to() -> AsyncIterator[MakeRelay]:
    made: list[Relay] = []

    def make(
        peer: ScriptedRelay,
        *,
        host: str = "127.0.0.1",
        timeout: float = 20,
        connect_timeout: float = 20,
        tls: Literal["none", "starttls", "implicit"] = "none",
        user: str = "",
        connections: int = 2,
        idle: float = 30,
        tls_context: ssl.SSLContext | None = None,
    ) -> Relay:
        settings = RelaySettings(
            host=host,
            port=peer.port,
            hostname="mail.example.org",
            tls=tls,
            user=user,
            password="secret" if user else "",
            connections=connections,
            timeout=timeout,
            connect_timeout=connect_timeout,
            idle=idle,
        )
        made.append(Relay(settings, tls_context))
        return made[-1]

    yield make
    for relay in made:
        await relay.close()
