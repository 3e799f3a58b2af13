"""Find out how far the sender is authenticated, from what our own mail server found and what we check here.

SPF, DKIM and DMARC are the MTA's to check, which alone knows the client's address; it says what it found in
Authentication-Results (RFC 8601).  Only instances with an authserv-id that is trusted count, by default this
site's hostname, and only above the fields that the author wrote, or whoever sent the mail again.  Where
several report the same method the topmost counts, because each hop writes above the earlier ones.  **The MTA
must remove instances with our authserv-id from mail that comes in** (RFC 8601 section 5): afterwards nothing
tells them from true ones.  In a mail that did not come from our MTA, because an agent put it into the folder
or it was imported, none counts.

With ``verify`` DKIM, ARC and DMARC are checked here too, where nobody did or always: keys and policies are
looked up first, all at once, within ``dns_timeout``.  SPF cannot be checked here.

A mail from outside with an address of ours in From is flagged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from mailproc.stage import (
    CONTINUE,
    MAX_INSTANCES,
    Address,
    Authentication,
    AuthResult,
    Delivery,
    Inspection,
    LookUps,
    MethodResult,
    NoAnswer,
    Resolver,
    Stage,
    Verdict,
    Voucher,
    ascii_domain,
    conclude,
    read_received_spf,
    read_results,
    trace_fields,
    voucher_in,
)

LARGE = 262_144  # octets: such a mail is hashed in a thread
OWN_ADDRESS = "own-address"  # tags
SPOOFED = "spoofed"
_OURS = frozenset({"dkim", "arc", "dmarc"})  # what we can check


@dataclass
class Filter(Stage):
    trusted: tuple[str, ...] = ()  # authserv-ids of our own MTAs; by default this site's hostname
    instances: int = 0  # only so many trusted instances from the top count; 0 is all
    received_spf: bool = True  # read Received-SPF of a trusted receiver as well
    verify: Literal["never", "missing", "always"] = "never"  # check DKIM, ARC and DMARC here
    sealers: frozenset[str] = frozenset()  # domains of forwarders whose ARC seals are trusted
    nameservers: tuple[str, ...] = ()  # IP, IP:PORT or [V6]:PORT; by default those of the system
    dns_timeout: float = 5.0  # seconds for everything that is looked up for one mail
    _trusted: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    _own: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    _resolver: Resolver = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.dns_timeout <= 0:
            raise ValueError("dns_timeout: must be more than 0")
        if self.instances < 0:
            raise ValueError("instances: must not be less than 0")

    async def open(self, look_ups: LookUps) -> None:
        self._trusted = frozenset(name.lower() for name in self.trusted or (look_ups.hostname,))
        self._own = look_ups.own_addresses
        try:
            self._resolver = look_ups.resolver(self.nameservers)
        except ValueError as error:
            raise ValueError(f"nameservers: {error}") from None

    async def probe(self) -> Mapping[str, str]:
        if self.verify == "never":
            return {}
        where = "name servers " + (", ".join(self.nameservers) or "of the system")
        return {where: "" if await self._resolver.is_alive() else "no answer"}

    async def process(self, delivery: Delivery) -> Verdict:
        results = [] if delivery.is_history else list(self._reported(delivery))
        author = delivery.mail.author
        # Which of several authors would be authenticated?
        domain = ascii_domain(author.address.domain) if author and len(delivery.mail.authors) == 1 else ""
        delivery.authentication = found = await self._judge(delivery, results, domain)
        self._publish(delivery, found)
        self._flag(delivery, found)
        return CONTINUE

    # What a server of ours reported

    def _reported(self, delivery: Delivery) -> Iterator[MethodResult]:
        """The topmost instance's results of each method, and what Received-SPF adds."""
        seen: set[str] = set()
        for results in self._instances(delivery):
            yield from (result for result in results if result.method not in seen)
            seen.update(result.method for result in results)
        if self.received_spf and "spf" not in seen:
            yield from self._spf(delivery)

    def _instances(self, delivery: Delivery) -> Iterator[tuple[MethodResult, ...]]:
        left = self.instances or MAX_INSTANCES
        for text in trace_fields(delivery.mail, "authentication-results"):
            authserv_id, results = read_results(text)
            if authserv_id in self._trusted:
                yield results
                left -= 1
            if not left:
                return

    def _spf(self, delivery: Delivery) -> Iterator[MethodResult]:
        for text in trace_fields(delivery.mail, "received-spf"):
            receiver, result = read_received_spf(text)
            if receiver in self._trusted:
                yield result
                return

    # What we check ourselves

    async def _judge(self, delivery: Delivery, results: list[MethodResult], author: str) -> Authentication:
        policy = None
        if author and self.verify != "never":
            inspection = self._inspection(delivery, results, author)
            records = await self._look_up(inspection.names)
            results = self._left(results) + await _checked(inspection, records, delivery)
            policy = inspection.policy(records)
        if isinstance(policy, MethodResult):
            results, policy = [*results, policy], None
        return conclude(results, author, record=policy, voucher=self._voucher(delivery, results))

    def _inspection(self, delivery: Delivery, results: Sequence[MethodResult], author: str) -> Inspection:
        done = {result.method for result in self._left(results)}
        return Inspection.begin(
            delivery.raw,
            author,
            dkim="dkim" not in done,
            arc="arc" not in done and bool(self.sealers),  # nobody else's chain would count
            dmarc="dmarc" not in done,
        )

    def _left(self, results: Sequence[MethodResult]) -> list[MethodResult]:
        """What counts of the reported results beside our own: where nobody answered there, we ask again."""
        return [
            each
            for each in results
            if each.method not in _OURS
            or (self.verify == "missing" and each.value is not AuthResult.TEMPERROR)
        ]

    async def _look_up(self, names: Sequence[str]) -> dict[str, tuple[bytes, ...] | None]:
        """The TXT records of each name, None where nobody answered in time."""
        records: dict[str, tuple[bytes, ...] | None] = dict.fromkeys(names)

        async def ask(name: str) -> None:
            with suppress(NoAnswer):
                records[name] = await self._resolver.texts(name)

        with suppress(TimeoutError):
            async with asyncio.timeout(self.dns_timeout):
                await asyncio.gather(*map(ask, names))
        return records

    def _voucher(self, delivery: Delivery, results: Sequence[MethodResult]) -> Voucher | None:
        """What a trusted forwarder saw, where the chain is known to hold."""
        held = any(each.method == "arc" and each.value is AuthResult.PASS for each in results)
        return voucher_in(delivery.raw, self._trusts) if held and self.sealers else None

    def _trusts(self, sealer: str) -> bool:
        return any(sealer == name or sealer.endswith(f".{name}") for name in self.sealers)

    # What follows

    def _publish(self, delivery: Delivery, found: Authentication) -> None:
        delivery.score("spf", found.spf.value)
        delivery.score("dkim", found.dkim.value)
        delivery.score("dmarc", found.dmarc.value)
        delivery.score("arc", found.arc.value)
        delivery.score("aligned", found.aligned)
        delivery.score("policy", found.policy)
        delivery.score("why", "; ".join(found.reasons))
        if found.failed:
            failed = "DMARC" if found.dmarc is AuthResult.FAIL else "SPF"
            delivery.note("auth", f"{failed} failed: the mail may be of somebody else than its From says")

    def _flag(self, delivery: Delivery, found: Authentication) -> None:
        """An agent is who logged in to the submission port; nobody is one because of his From."""
        authors = (box.address for box in delivery.mail.authors)
        own = next((author for author in authors if self._is_own(delivery, author)), None)
        if own is None:
            return
        delivery.add_tag(OWN_ADDRESS)
        if found.aligned:
            delivery.note("auth", f"From is {own}, an address of ours: proved, but from outside")
        elif not delivery.is_history:
            delivery.add_tag(SPOOFED)
            delivery.note("auth", f"From is {own}, an address of ours: from outside, and nothing proves it")

    def _is_own(self, delivery: Delivery, address: Address) -> bool:
        return address.key in self._own or delivery.desk.extension_of(address) is not None


async def _checked(
    inspection: Inspection, records: dict[str, tuple[bytes, ...] | None], delivery: Delivery
) -> list[MethodResult]:
    if len(delivery.raw) > LARGE:
        return await asyncio.to_thread(inspection.results, records, delivery.received)
    return inspection.results(records, delivery.received)
