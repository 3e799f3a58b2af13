"""After its walk the demonstration is the user's: what it prints lets a mail client in."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner

from mailproc.cli import main
from mailproc.demo.letters import answer
from mailproc.demo.wire import submit
from mailproc.imap.client import ImapClient, ImapSettings
from mailproc.mime.reader import read


@pytest.fixture
async def running() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mailproc", "demo"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def printed(process: asyncio.subprocess.Process, until: str) -> str:
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(100):
        while until not in text:
            line = await process.stdout.readline()
            assert line, text
            text += line.decode()
    return text


async def test_a_mail_client_can_do_with_what_is_printed(running: asyncio.subprocess.Process) -> None:
    told = await printed(running, "→ fay@factory.example")
    password = re.findall(r'password "(\w+)"', told)[0]
    (imap,) = map(int, re.findall(r"IMAP +127\.0\.0\.1 port (\d+)", told))
    (smtp,) = map(int, re.findall(r"SMTP +127\.0\.0\.1 port (\d+)", told))
    client = ImapClient(ImapSettings("127.0.0.1", imap, "bob", password, tls="none", timeout=30))
    await client.connect()
    try:
        async with asyncio.timeout(60):
            while len(uids := (await client.uids("Support/New")).uids) < 3:
                pass  # asks again
        stored = await client.fetch("Support/New", uids[-1])
    finally:
        await client.close()
    assert stored is not None
    copy = read(stored.raw)
    assert copy.reply_to is not None
    recipient = str(copy.reply_to.address)
    reply = await submit(smtp, "bob", password, "bob@example.org", recipient, answer("bob", copy, "At once."))
    assert reply.startswith("250 2.0.0")
    assert "Re: [T#" in await printed(running, f"→ {copy.author.address if copy.author else ''}: Re:")
    running.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        assert await running.wait() == 0


def test_without_its_imap_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["demo", "--once"])
    assert result.exit_code == 1
    assert "mailproc[demo]" in result.stderr
