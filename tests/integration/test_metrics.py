"""/metrics and /healthz of a real daemon, and of the responder what it does with bad requests."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable

import pytest

from mailproc.metrics.http import MOST_CONNECTIONS, MOST_OCTETS, Answer, Responder
from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.ports import free_port
from tests.rig.raw_client import RawClient
from tests.rig.waiting import eventually

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+|# (HELP|TYPE) [a-z_]+ .+')


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def value(page: str, sample: str) -> float:
    (line,) = (line for line in page.splitlines() if line.startswith(f"{sample} "))
    return float(line.rpartition(" ")[2])


def settled(port: int) -> str:
    """The page, as soon as it was counted after all was through the chain."""
    code, page = ask(port, "/metrics")
    assert code == 200
    return "" if value(page, "mailproc_deliveries_waiting") else page


@pytest.mark.parametrize("workers", [1, 2])
def test_the_figures_are_those_of_all_workers_and_of_status(
    make_daemon: Callable[..., Daemon], workers: int
) -> None:
    port = free_port()
    daemon = make_daemon(top=f"workers = {workers}", tables=f'[metrics]\nlisten = ["127.0.0.1:{port}"]\n')
    daemon.start()
    for number in range(8):
        assert deliver(daemon, mail(number)).startswith("250")
    status = daemon.settle()
    page = eventually(lambda: settled(port))
    assert [line for line in page.splitlines() if not SAMPLE.fullmatch(line)] == []
    assert value(page, "mailproc_deliveries_accepted_total") == status["accepted"] == 8
    assert value(page, 'mailproc_deliveries_done{outcome="new"}') == status["new"]
    assert value(page, 'mailproc_outbox{state="waiting"}') == status["outbox"]["waiting"]
    assert value(page, "mailproc_intake_seconds_count") == 8
    assert value(page, 'mailproc_intake_seconds_bucket{le="+Inf"}') == 8
    assert value(page, 'mailproc_intake_replies_total{code="2xx"}') == 8
    assert value(page, "mailproc_workers") == workers
    assert ask(port, "/healthz") == (200, "ok\n")
    assert daemon.output("check", "--probe").count(b"mailproc runs there already") == 2
    daemon.stop()


def test_a_store_that_takes_no_write_is_not_healthy(make_daemon: Callable[..., Daemon]) -> None:
    port = free_port()
    daemon = make_daemon(tables=f'[metrics]\nlisten = ["127.0.0.1:{port}"]\n')
    daemon.start()
    with sqlite3.connect(daemon.database, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        code, said = ask(port, "/healthz")
        assert (code, said.startswith("store: ")) == (503, True)
        other.execute("ROLLBACK")
    other.close()
    eventually(lambda: ask(port, "/healthz")[0] == 200)
    daemon.stop()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def page() -> Answer:
        return Answer(200, "here\n")

    async def broken() -> Answer:
        raise ValueError("a secret")

    responder = Responder({"/page": page, "/broken": broken})
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    await responder.start([listening])
    yield listening.getsockname()[1]
    await responder.stop()


async def connect(port: int) -> RawClient:
    return RawClient(*await asyncio.open_connection("127.0.0.1", port))


async def said(port: int, request: bytes) -> bytes:
    client = await connect(port)
    await client.send(request)
    client.send_no_more()
    answer = await client.rest()
    await client.close()
    return answer


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /page\r\n\r\n",
        b"GET /page HTTP/2.0\r\n\r\n",
        b"get /page HTTP/1.1\r\n\r\n",
        b"GET  /page HTTP/1.1\r\n\r\n",
        b"GET /pa ge HTTP/1.1\r\n\r\n",
        b"GET /page HTTP/1.1\r\nno field\r\n\r\n",
        b"GET /page HTTP/1.1\r\nX : space before the colon\r\n\r\n",
        b"GET /page HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        b"GET /page HTTP/1.1\nHost: x\n\r\n\r\n",
        b"GET /page HTTP/1.1\r\nX: \0\r\n\r\n",
        b"GET /" + b"a" * MOST_OCTETS + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
        b"POST /page HTTP/1.1\r\nHo",
    ],
)
async def test_what_is_no_request_is_answered_400_and_closed(port: int, request_: bytes) -> None:
    answer = await said(port, request_)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in answer


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n", b"200", b"here\n"),
        (b"GET /page?x=1 HTTP/1.0\r\n\r\n", b"200", b"here\n"),
        (b"HEAD /page HTTP/1.1\r\nHost: x\r\n\r\n", b"200", b""),
        (b"GET /../page HTTP/1.1\r\nHost: x\r\n\r\n", b"404", b"There are: /page /broken\n"),
        (b"DELETE /page HTTP/1.1\r\nHost: x\r\n\r\n", b"405", b"GET or HEAD\n"),
        (b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n", b"500", b"The cause is in the log.\n"),
    ],
)
async def test_a_request_is_answered_once(port: int, request_: bytes, status: bytes, body: bytes) -> None:
    head, _, rest = (await said(port, request_ * 2)).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert rest == body


async def test_more_connections_than_are_served_are_dropped(port: int) -> None:
    silent = [await connect(port) for _ in range(MOST_CONNECTIONS)]
    one_more = await connect(port)
    assert await one_more.rest() == b""
    for client in (*silent, one_more):
        await client.close()
