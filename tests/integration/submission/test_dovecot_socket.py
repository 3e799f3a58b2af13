"""Dovecot's auth socket, played by a server that says what a test tells it to."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailproc.listen.credentials.dovecot import DovecotAuth, DovecotTrouble
from mailproc.model.login import Login
from mailproc.model.reply import MailError

GREETING = (
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t7\nCUID\t9\nCOOKIE\tab\nDONE\n"
)
LOGIN = Login("alice", b"secret\xe4", "192.0.2.1")


@dataclass
class Player:
    """Greets with ``greeting`` and answers AUTH with ``answer``; ID stands for the request's number."""

    path: Path
    greeting: str = GREETING
    answer: str = "OK\tID\tuser=alice\n"
    said: list[list[str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting.encode())
        try:
            while line := (await reader.readline()).decode():
                self.said.append(line.rstrip("\n").split("\t"))
                if self.said[-1][0] == "AUTH":
                    writer.write(self.answer.replace("ID", self.said[-1][1]).encode())
                    if not self.answer:
                        break
        finally:
            writer.close()


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    player = Player(tmp_path / "auth")
    server = await asyncio.start_unix_server(player.serve, str(player.path))
    yield player
    server.close()


@pytest.fixture
def auth(player: Player) -> DovecotAuth:
    return DovecotAuth(player.path, timeout=20)


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        ("OK\tID\tuser=alice\n", "alice"),
        ("OK\tID\tuser=Alice@Example.org\tlogin_user=x\n", "Alice@Example.org"),
        ("OK\tID\n", "alice"),
        ("OK\tID\tuser=a\x01tb\x01nc\x011d\n", "a\tb\nc\x01d"),
        ("NOTICE\tsomething new\nOK\t0\tuser=mallory\nOK\tID\tuser=alice\n", "alice"),
        ("FAIL\tID\tuser=alice\treason=wrong\n", None),
        ("FAIL\tID\tuser=alice\tauthz\n", None),
        ("FAIL\tID\tuser=temp\n", None),
    ],
)
async def test_the_answer_is_read(player: Player, auth: DovecotAuth, answer: str, user: str | None) -> None:
    player.answer = answer
    assert await auth.prove(LOGIN) == user


async def test_the_request_is_as_the_protocol_wants_it(player: Player, auth: DovecotAuth) -> None:
    await auth.prove(LOGIN)
    version, pid, request = player.said
    assert version == ["VERSION", "1", "1"]
    assert pid[0] == "CPID" and 0 < int(pid[1]) < 2**31
    assert request[0] == "AUTH" and request[2] == "PLAIN"
    assert request[3:-1] == ["service=smtp", "secured", "no-penalty", "rip=192.0.2.1"]
    assert b64decode(request[-1].removeprefix("resp=")) == b"\0alice\0secret\xe4"


@pytest.mark.parametrize(
    ("greeting", "answer", "trouble"),
    [
        (GREETING, "FAIL\tID\tuser=alice\ttemp\n", "temporary failure"),
        (GREETING, "FAIL\tID\tuser=alice\tcode=temp_fail\n", "temporary failure"),
        (GREETING, "CONT\tID\tabc\n", "asks for more"),
        (GREETING, "", "closed the connection"),
        (GREETING, "OK" + "x" * 20_000, "line without end"),
        (GREETING, "NOTICE\n" * 2000, "talks of other things"),
        ("VERSION\t2\t0\nDONE\n", "", "speaks version 2"),
        ("VERSION\t1\t2\nMECH\tSCRAM-SHA-256\nDONE\n", "", "does not offer the mechanism PLAIN"),
        ("x\n" * 2000, "", "greeting has no end"),
        ("\xff\x00\n\n\t\nDONE\n", "", "does not offer"),
        ("* OK this is IMAP\r\n" + "x" * 20_000, "", "line without end"),
    ],
)
async def test_what_is_no_answer_is_a_temporary_failure_and_told_in_the_log(
    player: Player,
    auth: DovecotAuth,
    caplog: pytest.LogCaptureFixture,
    greeting: str,
    answer: str,
    trouble: str,
) -> None:
    player.greeting, player.answer = greeting, answer
    with pytest.raises(MailError) as caught:
        await auth.prove(LOGIN)
    assert caught.value.reply.code == 454
    assert trouble in caplog.text
    assert "secret" not in caplog.text


async def test_a_server_that_says_nothing_is_waited_for_so_long_and_no_longer(player: Player) -> None:
    player.greeting = ""
    with pytest.raises(DovecotTrouble, match="no answer within"):
        await DovecotAuth(player.path, timeout=0.05).look()


async def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DovecotTrouble, match="no such file"):
        await DovecotAuth(tmp_path / "nowhere", timeout=20).look()


async def test_many_logins_at_once_do_not_disturb_each_other(player: Player, auth: DovecotAuth) -> None:
    users = await asyncio.gather(*(auth.prove(LOGIN) for _ in range(50)))
    assert users == ["alice"] * 50
    pids = [line[1] for line in player.said if line[0] == "CPID"]
    assert len(set(pids)) == 50
