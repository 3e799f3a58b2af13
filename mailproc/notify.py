"""Tell the service manager how we are (sd_notify(3), systemd's protocol over a datagram socket)."""

from __future__ import annotations

import socket
import time
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

    def ready(self, status: str = "") -> None:
        """``status`` is one line that ``systemctl status`` shows."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Until ``ready`` is said again.  The time is what Type=notify-reload asks for."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=reading the configuration")

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
