"""The protocol by which Mozilla's programs are driven from outside: JSON over TCP, after its length.

Whoever drives may run scripts with the program's own rights, in its windows.  An error that the program
answers, or a connection that ends, is a ``MarionetteError``.
"""

from __future__ import annotations

import json
import socket
from typing import Any

_ASYNC = """
const done = arguments[arguments.length - 1];
(async () => {%s})().then(done, error => done({failed: String(error)}));
"""


class MarionetteError(Exception):
    """What the program complained of."""


class Marionette:
    """One session with a program that listens on ``port``; OSError where nobody does."""

    def __init__(self, port: int, *, timeout: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._receive()  # a greeting
        self.call("WebDriver:NewSession", capabilities={})
        self.call("Marionette:SetContext", value="chrome")

    def run(self, script: str, *arguments: object) -> Any:
        """What the body of an async function returns that runs in the program's first window."""
        value = self.call("WebDriver:ExecuteAsyncScript", script=_ASYNC % script, args=arguments)["value"]
        if isinstance(value, dict) and "failed" in value:
            raise MarionetteError(value["failed"])
        return value

    def call(self, name: str, **parameters: object) -> Any:
        """The answer to one command."""
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, answer = self._receive()
        if error:
            raise MarionetteError(f"{error['error']}: {error['message']}")
        return answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while (octet := self._file.read(1)) != b":":
            if not octet:
                raise MarionetteError("the program has gone away")
            length += octet
        return json.loads(self._file.read(int(length)))
