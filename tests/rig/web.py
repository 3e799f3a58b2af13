"""A real HTTP server that knows customers, in a thread, with a switch for each way to misbehave."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rig.ports import free_port
from tests.rig.sources import HUGE, LIE

ANN = {"name": "Ann Ang", "plan": {"tier": "gold"}, "vip": True, "orders": [{"id": 17}, {"id": 18}]}


class Web:
    """``GET /customers?mail=…``; ``behaviour`` is ``well``, or how it misbehaves."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.behaviour = "well"
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self._tls = tls
        self._released = threading.Event()
        self.start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/customers?mail={{sender}}"

    def start(self) -> None:
        self._released.clear()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web.asked.append(self.path)
                web.authorizations.append(self.headers.get("Authorization", ""))
                _BEHAVIOURS.get(web.behaviour, _answer)(self, web)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients leave
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def wait_until_released(self) -> None:
        self._released.wait(60)

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **fields: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in fields.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _answer(handler: BaseHTTPRequestHandler, web: Web) -> None:
    mail = parse_qs(urlsplit(handler.path).query).get("mail", [""])[0]
    people: dict[str, object] = {
        "ann@example.com": ANN,
        "lars@example.com": {"name": LIE, "plan": [1, {"tier": "x"}], "vip": None},
        "large@example.com": {"name": "x" * 200_000},
    }
    found = people.get(mail)
    if found is None:
        _send(handler, b"", 404)
    else:
        _send(handler, json.dumps({"result": found}).encode())


def _drip(handler: BaseHTTPRequestHandler, web: Web) -> None:
    """One octet, and then nothing for a long time."""
    handler.wfile.write(b"H")
    web.wait_until_released()


def _huge(handler: BaseHTTPRequestHandler, web: Web) -> None:
    _send(handler, json.dumps({"result": {"name": "x" * HUGE}}).encode())


def _endless(handler: BaseHTTPRequestHandler, web: Web) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"2000\r\n" + b" " * 0x2000 + b"\r\n")


def _short(handler: BaseHTTPRequestHandler, web: Web) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"result": {"name": "cut')
    handler.close_connection = True


def _redirect(handler: BaseHTTPRequestHandler, web: Web) -> None:
    _send(handler, b"", 302, Location=f"http://127.0.0.1:{web.port}/customers?mail=ann@example.com")


_BEHAVIOURS: dict[str, Callable[[BaseHTTPRequestHandler, Web], None]] = {
    "hang": lambda handler, web: web.wait_until_released(),
    "drip": _drip,
    "huge": _huge,
    "endless": _endless,
    "short": _short,
    "redirect": _redirect,
    "error": lambda handler, web: _send(handler, b'{"result": {"name": "error page"}}', 500),
    "no json": lambda handler, web: _send(handler, b"<html>It works!</html>"),
    "deep json": lambda handler, web: _send(handler, b"[" * 100_000),
    "number": lambda handler, web: _send(handler, b'{"result": 17}'),
    "no http": lambda handler, web: (handler.wfile.write(b"220 smtp.example.org ESMTP\r\n"), None)[1],
    "bad field": lambda handler, web: (handler.wfile.write(b"HTTP/1.1 200 OK\r\nA\x00: b\r\n\r\n"), None)[1],
}
