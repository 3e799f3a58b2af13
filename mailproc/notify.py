"""Tell the service manager how we are (sd_notify, systemd's protocol over a datagram socket)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends nothing where ``$NOTIFY_SOCKET`` is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environment.get("WATCHDOG_USEC", "")
        # Half of what the manager allows, as sd_watchdog_enabled(3) advises; None without a watchdog.
        self.watchdog_interval = int(microseconds) / 2e6 if microseconds.isdecimal() else None

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
            # A manager that went away must not end us.
            sock.connect(self._address)
            sock.send(text.encode())
