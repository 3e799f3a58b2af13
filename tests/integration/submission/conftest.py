"""The submission listener on loopback, in asyncio's own loop and in the daemon's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import uvloop

from mailproc.listen.tls import server_context
from tests.rig.certificate import Certificate, make_certificate
from tests.rig.office import ServedOffice

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """TLS on a connection that has begun without it is the loop's business; each does it in its own way."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def serve(certificate: Certificate) -> AsyncIterator[Callable[..., Awaitable[ServedOffice]]]:
    """Starts offices; ``tls`` is none, starttls or implicit, the rest goes to ``ServedOffice.start``."""
    started: list[ServedOffice] = []

    async def start(tls: str = "none", **options: object) -> ServedOffice:
        context = None if tls == "none" else server_context(certificate.certificate, certificate.key)
        served = await ServedOffice.start(tls=context, implicit=tls == "implicit", **options)  # type: ignore[arg-type]  # handed through
        started.append(served)
        return served

    yield start
    for served in started:
        await served.listener.stop(0.0)
