"""An IMAP server's word for a login, from a server that says what a test tells it to."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import pytest

from mailproc.imap.login import ImapLogin, LoginServer
from mailproc.listen.tls import server_context
from mailproc.model.login import Login
from mailproc.model.reply import MailError
from tests.rig.certificate import Certificate

LOGIN = Login("alice", b"secret")
DROP = "DROP"


@dataclass
class Player:
    """Offers ``capabilities`` and answers a login with ``answer``."""

    capabilities: str = "IMAP4rev1 AUTH=PLAIN"
    answer: str = "OK welcome"
    greeting: str = "* OK ready"
    logins: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{self.greeting}\r\n".encode())
        try:
            while line := (await reader.readline()).decode().strip():
                tag, _, command = line.partition(" ")
                if not await self._obey(tag, command, reader, writer):
                    break
        finally:
            writer.close()

    async def _obey(
        self, tag: str, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        answer = "OK done"
        if command.upper().startswith("CAPABILITY"):
            writer.write(f"* CAPABILITY {self.capabilities}\r\n".encode())
        elif command.upper().startswith("AUTHENTICATE PLAIN"):
            writer.write(b"+ \r\n")
            self.logins.append(b64decode(await reader.readline()).decode("latin-1"))
            answer = self.answer
        elif command.upper().startswith("LOGIN"):
            self.logins.append(command)
            answer = self.answer
        elif command.upper().startswith("LOGOUT"):
            writer.write(b"* BYE\r\n")
        if answer == DROP:
            return False
        writer.write(f"{tag} {answer}\r\n".encode())
        return True


Start = Callable[..., Awaitable[ImapLogin]]


@pytest.fixture
async def start(certificate: Certificate) -> AsyncIterator[Start]:
    """Starts a player, and what asks it."""
    servers: list[asyncio.Server] = []
    askers: list[ImapLogin] = []

    async def start(
        player: Player, tls: Literal["none", "implicit"] = "none", seconds: float = 20
    ) -> ImapLogin:
        context = server_context(certificate.certificate, certificate.key) if tls == "implicit" else None
        servers.append(await asyncio.start_server(player.serve, "127.0.0.1", 0, ssl=context))
        port = servers[-1].sockets[0].getsockname()[1]
        server = LoginServer("localhost", port, tls, seconds)
        askers.append(ImapLogin(server, certificate.client_context()))
        return askers[-1]

    yield start
    for asker in askers:
        await asker.close()
    for server in servers:
        server.close()


@pytest.mark.parametrize("tls", ["none", "implicit"])
@pytest.mark.parametrize(
    ("answer", "user"), [("OK welcome", "alice"), ("NO [AUTHENTICATIONFAILED] no", None), ("NO no", None)]
)
async def test_the_servers_word_counts(
    start: Start, answer: str, user: str | None, tls: Literal["none", "implicit"]
) -> None:
    asker = await start(Player(answer=answer), tls)
    assert await asker.prove(LOGIN) == user


async def test_any_octets_are_sent_by_plain_and_only_text_by_login(start: Start) -> None:
    player = Player()
    asker = await start(player)
    assert await asker.prove(Login("alice", b"p\xe4ss"))
    player.capabilities = "IMAP4rev1"
    assert await asker.prove(Login("alice", b"p\xe4ss")) is None
    assert await asker.prove(Login("alice", b'quo"ted')) == "alice"
    assert player.logins == ["\0alice\0p\u00e4ss", 'LOGIN "alice" "quo\\"ted"']


@pytest.mark.parametrize(
    "player",
    [
        Player(answer="NO [UNAVAILABLE] later"),
        Player(answer="NO [LIMIT] too many connections"),
        Player(answer=DROP),
        Player(greeting="* BYE too busy"),
        Player(greeting="* PREAUTH welcome, whoever you are"),
        Player(greeting="220 this is SMTP"),
    ],
)
async def test_what_is_no_answer_is_a_temporary_failure(start: Start, player: Player) -> None:
    asker = await start(player)
    with pytest.raises(MailError) as caught:
        await asker.prove(LOGIN)
    assert caught.value.reply.code == 454


async def test_a_server_that_says_nothing_is_waited_for_so_long_and_no_longer(start: Start) -> None:
    asker = await start(Player(capabilities="IMAP4rev1", greeting="* not yet"), seconds=0.2)
    with pytest.raises(MailError):
        await asker.prove(LOGIN)


async def test_a_certificate_of_somebody_else_is_no_server(start: Start, certificate: Certificate) -> None:
    asker = await start(Player(), "implicit")
    stranger = ImapLogin(asker.server)
    with pytest.raises(MailError):
        await stranger.prove(LOGIN)
    await stranger.close()
