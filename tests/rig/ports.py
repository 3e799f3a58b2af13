"""TCP ports for servers that tests start."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

# Below the kernel's range for outgoing connections, so that a server that is stopped and started
# again never finds its port taken by some client.
FIRST, LAST = 20000, 32000


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on, nor was just told of."""
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _shuffled() -> Iterator[int]:
    """Each of pytest's processes has ports of its own: none takes what another is about to listen on."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), number + 1)
    ports = list(range(FIRST + number, LAST, count))
    random.Random(os.getpid()).shuffle(ports)
    while True:
        yield from ports


_ports = _shuffled()
