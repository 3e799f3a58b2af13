"""TCP ports for servers that tests start."""

from __future__ import annotations

import os
import random
import socket

# Below the kernel's range for outgoing connections, so that a server that is stopped and started
# again never finds its port taken by some client.
FIRST, LAST = 20000, 32000
_order = random.Random(os.getpid())


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    first, last = _range()
    while True:
        port = _order.randrange(first, last)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _range() -> tuple[int, int]:
    """Each of pytest's processes has ports of its own: none takes what another was about to listen on."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), number + 1)
    width = (LAST - FIRST) // count
    return FIRST + number * width, FIRST + (number + 1) * width
