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
    while True:
        port = _order.randrange(FIRST, LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
