"""What DNS says: TXT records, asked for without blocking, and remembered.

Answers are kept as long as their owner says, within bounds; so is it that there is no record, and for a short
while that nobody answered.  A server that does not answer again and again is left alone for a minute, after
it was asked for what every server knows: one dead domain must not silence all others.  Names are what senders
wrote: whatever they are, the outcome is texts, none, or ``NoAnswer``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from mailproc.pipeline.breaker import Breaker
from mailproc.stage import NoAnswer, Resolver

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as Asker

PATIENCE = 5.0  # seconds for one name
DNS_PORT = 53
_SHORTEST, _LONGEST = 60.0, 3600.0  # seconds that an answer is kept, whatever its TTL says
_NOTHING = 300.0  # and that there is none
_SILENCE = 30.0  # and that nobody answered
_MOST_KEPT = 2_000  # names
_LARGEST = 8192  # octets of all texts of a name
_PAYLOAD = 1232  # octets of an answer by UDP; larger ones come by TCP
_PATIENCE_FOR_ROOT = 1.0

_SERVER = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9A-Fa-f:]+)")


def resolvers() -> Callable[[tuple[str, ...]], Resolver]:
    """Makes one resolver for each set of servers, so that all who ask the same ones share what is known."""
    return cache(DnsResolver)


class DnsResolver:
    """Asks the named servers (``IP``, ``IP:PORT`` or ``[V6]:PORT``), or those of the system where none is.

    ValueError for what is no such address.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._servers = [parse_server(server) for server in servers]
        self._monotonic = monotonic
        self._patience = patience
        self._patience_for_root = min(patience, _PATIENCE_FOR_ROOT)
        self._known: OrderedDict[str, tuple[float, tuple[bytes, ...] | None]] = OrderedDict()
        self._breaker = Breaker(monotonic)
        self._asker: Asker | None = None
        self._under_way: dict[str, asyncio.Task[tuple[bytes, ...] | None]] = {}

    async def texts(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, each with its strings joined; () where there are none.  NoAnswer."""
        if not name.isascii():
            return ()
        name = name.lower().rstrip(".")
        until, texts = self._known.get(name, (0.0, None))
        if until <= self._monotonic():
            texts = await asyncio.shield(self._question(name))  # what is learnt too late helps the next mail
        if texts is None:
            raise NoAnswer(name)
        return texts

    def _question(self, name: str) -> asyncio.Task[tuple[bytes, ...] | None]:
        """Asked once, however many wait for the answer."""
        if name not in self._under_way:
            self._under_way[name] = task = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda _: self._under_way.pop(name))
        return self._under_way[name]

    async def _ask(self, name: str) -> tuple[bytes, ...] | None:
        if self._breaker.is_open:
            return None
        try:
            async with asyncio.timeout(self._patience):
                texts, keep = await self._resolve(name)
        except TimeoutError:
            texts, keep = None, _SILENCE
        # Who does not answer for one name may answer for others: only silence to everything counts.
        if texts is not None or await self.is_alive():
            self._breaker.answered()
        else:
            self._breaker.timed_out()
        self._keep(name, texts, keep)
        return texts

    async def _resolve(self, name: str) -> tuple[tuple[bytes, ...] | None, float]:
        """The texts, None where nobody answered; and how long that may be believed."""
        import dns.exception  # when it is used: it takes long to load
        import dns.name
        import dns.resolver

        try:
            answer = await self._asking().resolve(name, "TXT", lifetime=self._patience, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return (), _NOTHING
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return (), _NOTHING
        except (dns.exception.DNSException, OSError):
            return None, _SILENCE
        texts = tuple(b"".join(record.strings) for record in answer)
        ttl = float(answer.rrset.ttl) if answer.rrset is not None else 0.0
        return texts if sum(map(len, texts)) <= _LARGEST else (), min(max(ttl, _SHORTEST), _LONGEST)

    async def is_alive(self) -> bool:
        """Does a server answer at all?  It is asked for what every one knows: who has the root."""
        import dns.exception
        import dns.resolver

        try:
            async with asyncio.timeout(self._patience_for_root):
                await self._asking().resolve(".", "NS", lifetime=self._patience_for_root)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return True
        except (dns.exception.DNSException, OSError):  # TimeoutError is an OSError
            return False
        return True

    def _asking(self) -> Asker:
        from dns.asyncresolver import Resolver as Asker
        from dns.nameserver import Do53Nameserver

        if self._asker is None:
            self._asker = Asker(configure=not self._servers)
            if self._servers:
                self._asker.nameservers = [Do53Nameserver(host, port) for host, port in self._servers]
            self._asker.use_edns(0, 0, _PAYLOAD)
        return self._asker

    def _keep(self, name: str, texts: tuple[bytes, ...] | None, keep: float) -> None:
        self._known[name] = (self._monotonic() + keep, texts)
        self._known.move_to_end(name)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)


def parse_server(text: str) -> tuple[str, int]:
    """Address and port of a server."""
    found = _SERVER.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        host = str(ipaddress.ip_address(found[1] or found[3] or found[5]))
        port = int(found[2] or found[4] or DNS_PORT)
        if not 0 < port < 65536:
            raise ValueError
    except ValueError:
        raise ValueError(f"{text} is no IP address with or without a port") from None
    return host, port
