"""A client of ours at a real Dovecot, and agents with another client beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.imap.client import ImapClient
from mailproc.imap.settings import ImapSettings
from tests.rig.dovecot import Dovecot

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder needs Dovecot."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.peers)


def settings(dovecot: Dovecot, user: str = "mailproc", **changes: object) -> ImapSettings:
    """A login without TLS; patient, because the machine may be busy."""
    options: dict[str, object] = {"password": user, "tls": "none", "timeout": 20.0, **changes}
    port = dovecot.tls_port if options["tls"] == "implicit" else dovecot.port
    return ImapSettings("127.0.0.1", port, user, **options)  # type: ignore[arg-type]  # handed through


@pytest_asyncio.fixture
async def connected() -> AsyncIterator[Callable[..., Awaitable[ImapClient]]]:
    """Connects clients of ours; arguments as those of ``settings``."""
    made: list[ImapClient] = []

    async def connect(dovecot: Dovecot, user: str = "mailproc", **changes: object) -> ImapClient:
        client = ImapClient(settings(dovecot, user, **changes))
        made.append(client)
        await client.connect()
        return client

    yield connect
    for client in made:
        await client.close()


@pytest_asyncio.fixture
async def client(dovecot: Dovecot, connected: Callable[..., Awaitable[ImapClient]]) -> ImapClient:
    """Ours, with the mailboxes that most tests use."""
    client = await connected(dovecot)
    for name in ("New", "@alice", "@bob", "Closed"):
        await client.create(f"Support/{name}")
    return client


@pytest.fixture
def log_in() -> Iterator[Callable[[Dovecot, str], IMAPClient]]:
    """Makes agents' clients."""
    made: list[IMAPClient] = []

    def log_in(dovecot: Dovecot, user: str) -> IMAPClient:
        made.append(dovecot.client(user))
        return made[-1]

    yield log_in
    for client in made:
        client.shutdown()


@pytest.fixture
def alice(dovecot: Dovecot, log_in: Callable[[Dovecot, str], IMAPClient]) -> IMAPClient:
    return log_in(dovecot, "alice")


def copy(number: int, body: bytes = b"Hello\r\n") -> bytes:
    """A mail as it lies in the folder."""
    head = f"X-Mailproc-Id: m{number}.abcdefghij\r\nX-Mailproc-Ticket: 47{number}\r\n"
    return f"{head}Message-ID: <{number}@customer.example>\r\nSubject: Printer\r\n\r\n".encode() + body
