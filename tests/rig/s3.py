"""A small and strict S3 server on loopback: what is signed wrongly is refused, and it can be made to fail.

Amazon S3 API Reference: PutObject, GetObject, HeadObject, DeleteObject, path-style; "Authenticating Requests:
Using the Authorization Header" (Signature Version 4).  Payloads must be signed, too.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

BUCKET = "originals"
REGION = "eu-central-1"
ACCESS_KEY = "AKIDMAILPROC"
SECRET_KEY = "a secret of the tests"


class Fault(Enum):
    """What it does instead of its work."""

    FORBIDDEN = auto()  # 403, as for a key without the right
    ERROR = auto()  # 500
    SILENT = auto()  # no answer until the server is stopped
    CUT = auto()  # half of what was promised, and the connection ends
    SHORT = auto()  # a whole answer with half of the octets
    OTHER = auto()  # other octets of the same length


@dataclass
class S3Server:
    """``objects`` are what lies in the bucket; ``requests`` tells what was asked, as ``PUT name``."""

    port: int = 0
    fault: Fault | None = None
    only: str = ""  # the method for which there is a fault; all by default
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)  # why requests were refused
    _server: _Server | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """On the same port, where it had one."""
        self._stopped.clear()
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Nobody listens any more; what lies there stays."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None

    def wait_until_stopped(self) -> None:
        self._stopped.wait(60)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def table(self, *keys: str, prefix: str = "") -> str:
        """The configuration's table, with more keys."""
        return bucket_table(self.endpoint, ACCESS_KEY, SECRET_KEY, *keys, prefix=prefix)


def bucket_table(endpoint: str, access_key: str, secret_key: str, *keys: str, prefix: str = "") -> str:
    lines = [
        "[bucket]",
        f'url = "s3://{BUCKET}{prefix}"',
        f'endpoint = "{endpoint}"',
        f'region = "{REGION}"',
        f'access_key = "{access_key}"',
        f'secret_key = "{secret_key}"',
        *keys,
    ]
    return "\n".join(lines) + "\n"


class _Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._clients: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, object]:
        client, address = super().get_request()
        self._clients.append(client)
        return client, address

    def cut(self) -> None:
        """End the connections that clients keep open, too."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def _handler(server: S3Server) -> type[BaseHTTPRequestHandler]:
    class Handler(_Request):
        s3 = server

    return Handler


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3Server

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Not on standard error."""

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_GET(self) -> None:
        self._serve("GET")

    def do_HEAD(self) -> None:
        self._serve("HEAD")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: Literal["PUT", "GET", "HEAD", "DELETE"]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, bucket, name = urlsplit(self.path).path.split("/", 2)
        self.s3.requests.append(f"{method} {name}")
        fault = self.s3.fault if self.s3.only in ("", method) else None
        if why := self._why_not(method, body):
            self.s3.unsigned.append(why)
            self._answer(403, _trouble("SignatureDoesNotMatch"))
        elif fault in (Fault.FORBIDDEN, Fault.ERROR):
            code = 403 if fault is Fault.FORBIDDEN else 500
            self._answer(code, _trouble("AccessDenied" if code == 403 else "InternalError"))
        elif fault is Fault.SILENT:
            self.s3.wait_until_stopped()
            self.close_connection = True
        elif bucket != BUCKET:
            self._answer(404, _trouble("NoSuchBucket"))
        elif method == "PUT":
            self.s3.objects[name] = body
            self._answer(200, b"", etag=hashlib.md5(body).hexdigest())
        elif method == "DELETE":
            self.s3.objects.pop(name, None)
            self._answer(204, b"")
        elif (found := self.s3.objects.get(name)) is None:
            self._answer(404, _trouble("NoSuchKey"))
        else:
            self._give(found, fault)

    def _give(self, found: bytes, fault: Fault | None) -> None:
        etag = hashlib.md5(found).hexdigest()
        if fault is Fault.SHORT:
            found = found[: len(found) // 2]
        elif fault is Fault.OTHER:
            found = found[::-1]
        self._answer(200, found, etag=etag, cut=fault is Fault.CUT)

    def _answer(self, code: int, body: bytes, *, etag: str = "", cut: bool = False) -> None:
        self.send_response(code)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("Last-Modified", formatdate(usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def _why_not(self, method: str, body: bytes) -> str:
        """Why the signature does not hold; "" where it does."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        key, _, scope = given.get("Credential", "").partition("/")
        if scheme != "AWS4-HMAC-SHA256" or key != ACCESS_KEY:
            return "no signature with a key that is known"
        digest = self.headers.get("x-amz-content-sha256", "")
        if digest != hashlib.sha256(body).hexdigest():
            return "the payload is not what was signed"
        signed = given.get("SignedHeaders", "").split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
            return "too few headers are signed"
        parts = urlsplit(self.path)
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
        )
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in signed)
        request = "\n".join([method, parts.path, query, headers, ";".join(signed), digest])
        wanted = signature(SECRET_KEY, scope, self.headers["x-amz-date"], request)
        return "" if hmac.compare_digest(wanted, given.get("Signature", "")) else "another signature"


def signature(secret_key: str, scope: str, moment: str, request: str) -> str:
    """In hex, of a canonical request; "" for another scope than ours."""
    date, region, service, end = scope.split("/")
    if (region, service, end) != (REGION, "s3", "aws4_request") or not moment.startswith(date):
        return ""
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, end):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _trouble(code: str) -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'.encode()
