"""rspamd over HTTP: a server that answers as rspamd does, and one that does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailproc.model.judgement import SpamScore, SpamVerdict
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

SPAM = {
    "score": 17.5,
    "required_score": 15.0,
    "action": "reject",
    "symbols": {"BAYES_SPAM": {"score": 5.1}, "MIME_GOOD": {"score": -0.1}, "ODD": 1},
}
HAM = {"score": -2.0, "required_score": 15.0, "action": "no action", "symbols": {}}


class Server:
    """Answers each request with ``answer`` as it stands, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answer = b""

    def say(self, judgement: object, status: str = "200 OK", *fields: str) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *fields])
        self.answer = f"{head}\r\n\r\n{json.dumps(judgement)}".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        self.asked.append(head + await reader.readexactly(length))
        writer.write(self.answer)
        writer.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server()
    made.say(SPAM)
    listening = await asyncio.start_unix_server(made.serve, tmp_path / "rspamd.sock")
    yield made
    listening.close()
    await listening.wait_closed()


@pytest.fixture
def judged(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
    tmp_path: Path,
) -> Callable[..., Any]:
    async def judge(made: Delivery | None = None, **options: Any) -> Delivery:
        options.setdefault("address", f"unix:{tmp_path / 'rspamd.sock'}")
        stage = filter_module("rspamd").Filter(**options)
        await stage.open(look_ups())
        made = made or delivery()
        await stage.process(made)
        return made

    return judge


async def test_the_mail_goes_with_its_envelope(server: Server, judged: Callable[..., Any]) -> None:
    found = await judged(password="q1")
    (asked,) = server.asked
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /checkv2 HTTP/1.0\r\n")
    assert {b"From: ann@example.com", b"Rcpt: support@example.org", b"Password: q1"} <= set(
        head.split(b"\r\n")
    )
    assert body == found.raw


async def test_a_rejected_mail_is_spam_with_the_strongest_rules(
    server: Server, judged: Callable[..., Any]
) -> None:
    found = await judged()
    assert found.spam.verdict is SpamVerdict.SPAM
    assert found.spam.clues == ("rspamd reject, 17.5 of 15", "BAYES_SPAM 5.1", "MIME_GOOD -0.1")
    assert found.results[-1].scores == {"score": 17.5, "action": "reject"}


async def test_what_it_is_sure_of_is_ham_unless_another_stage_said_spam(
    server: Server, judged: Callable[..., Any], delivery: Callable[..., Delivery]
) -> None:
    server.say(HAM)
    assert (await judged()).spam.verdict is SpamVerdict.HAM
    spam = delivery()
    spam.spam = SpamScore(0.999, SpamVerdict.SPAM)
    assert (await judged(spam)).spam.verdict is SpamVerdict.SPAM


@pytest.mark.parametrize("action", ["greylist", "soft reject", "something new"])
async def test_where_it_is_not_sure_nothing_is_judged(
    server: Server, judged: Callable[..., Any], action: str
) -> None:
    server.say({**SPAM, "action": action})
    assert (await judged()).spam.verdict is SpamVerdict.UNSURE


async def test_it_may_only_publish_its_score(server: Server, judged: Callable[..., Any]) -> None:
    found = await judged(judge=False)
    assert found.spam.verdict is SpamVerdict.UNSURE
    assert found.results[-1].scores["score"] == 17.5


async def test_a_mail_that_is_too_large_is_not_asked_about(
    server: Server, judged: Callable[..., Any]
) -> None:
    found = await judged(largest=10)
    assert server.asked == []
    assert found.results[-1].scores == {"action": "not asked"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 Oops\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n[1]",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 1_100_000,
    ],
)  # fmt: skip
async def test_a_wrong_answer_is_an_error_of_the_stage(
    server: Server, judged: Callable[..., Any], answer: bytes
) -> None:
    server.answer = answer
    with pytest.raises(ValueError, match=r"rspamd|Expecting"):
        await judged()


async def test_no_server_is_an_error_of_the_stage(judged: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await judged(address=f"unix:{tmp_path / 'nobody.sock'}")


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", "localhost:port", ":11333", "x:0"])
async def test_an_address_that_is_none_stops_the_start(judged: Callable[..., Any], address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        await judged(address=address)
