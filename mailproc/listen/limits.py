"""What one listener, one address and one session may use; what is over it is answered 421 or 452."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mailproc.listen.peer import address_of, is_local, network_of


@dataclass(frozen=True, slots=True)
class ListenLimits:
    """Limits of the intake; the defaults are those of the configuration."""

    size: int = 52_428_800  # octets of one mail, offered as SIZE; 0: no limit (RFC 1870 section 3)
    recipients: int = 1000  # in one transaction
    connections: int = 500  # in total
    connections_per_address: int = 50  # an IPv6 /64 counts as one; loopback and Unix sockets are exempt
    useless_commands: int = 100  # NOOP, RSET, VRFY, unknown and the like, since the last mail
    idle: float = 300.0  # seconds without a byte from the client
    total: float = 3600.0  # seconds for one mail, from MAIL to the reply
    large: int = 1_048_576  # octets from which a mail is large …
    large_at_once: int = 4  # … and so many of them are read at the same time
    large_wait: float = 10.0  # seconds for which a large mail waits for its turn before it is 452


class Gate:
    """Counts connections and large mails; listeners of one process may share it."""

    def __init__(self, limits: ListenLimits) -> None:
        self._limits = limits
        self._connections = 0
        self._of_address: Counter[str] = Counter()
        self._large = asyncio.Semaphore(limits.large_at_once)

    def admit(self, peer: object) -> Callable[[], None] | None:
        """Count a connection from a socket's peername; what ends it, None if it is one too many."""
        address = _countable(peer)
        if self._connections >= self._limits.connections:
            return None
        if address and self._of_address[address] >= self._limits.connections_per_address:
            return None
        self._connections += 1
        if address:
            self._of_address[address] += 1
        return lambda: self._leave(address)

    def _leave(self, address: str) -> None:
        self._connections -= 1
        if address:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def turn(self) -> Turn:
        return Turn(self._large, self._limits.large_wait)


class Turn:
    """The turn of one mail among the large ones; a mail that is not large never takes it."""

    def __init__(self, places: asyncio.Semaphore, wait: float) -> None:
        self._places = places
        self._wait = wait
        self._taken = False

    async def take(self) -> bool:
        """Wait for a place; False if there was none in time."""
        if self._taken:
            return True
        try:
            async with asyncio.timeout(self._wait):
                await self._places.acquire()
        except TimeoutError:
            return False
        self._taken = True
        return True

    def release(self) -> None:
        if self._taken:
            self._taken = False
            self._places.release()


def _countable(peer: object) -> str:
    """What connections of a peer are counted by; "" where they are not (loopback, Unix sockets)."""
    address = address_of(peer)
    return "" if is_local(address) else network_of(address)
