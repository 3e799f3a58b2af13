"""A desk without sockets: a store, the default chain's stages, a movable clock, mail in and tickets out."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailproc.desk.absence import KnownAbsences
from mailproc.desk.filing import Filing
from mailproc.desk.intake import Intake
from mailproc.desk.known_tokens import KnownTokens
from mailproc.desk.known_topics import KnownTopics
from mailproc.desk.look_ups import StoredHistory, StoredLoad, StoredTickets
from mailproc.desk.pressure import Pressure, StepBack
from mailproc.desk.processing import ProcessingLimits, Processor
from mailproc.desk.site import Agent, Site
from mailproc.desk.submitted import Submissions, SubmissionSettings
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.mac import Keyring
from mailproc.model.mistake import Findings
from mailproc.model.outbox import OutboxItem
from mailproc.model.reply import Reply
from mailproc.model.ticket import Event, Message, Ticket
from mailproc.pipeline.assembly import Supplies, build_chain
from mailproc.pipeline.loader import Library
from mailproc.stage import LookUps
from mailproc.store.sqlite import SqliteStore
from mailproc.store.tickets import TicketFilter

ROOT = Path(__file__).resolve().parents[3]
START = 1_790_000_000.0
CHAIN = ("automatic", "auth", "ticket", "acknowledge")


@dataclass
class Clock:
    """Seconds since 1970, moved by the test."""

    now: float = START

    def __call__(self) -> float:
        return self.now


def desk(name: str = "support", **options: object) -> Desk:
    address = Address.parse(f"{name}@example.org")
    return Desk(name=name, title=name.title(), addresses=(address,), agents=("alice", "bob"), **options)  # type: ignore[arg-type]


@dataclass
class Office:
    """Everything of one site but the sockets."""

    store: SqliteStore
    desks: Sequence[Desk]
    options: dict[str, dict[str, object]] = field(default_factory=dict)  # of the stages
    chain: Sequence[str] = CHAIN
    chains: Mapping[str, Sequence[str]] = field(default_factory=dict)  # further ones, by name
    clock: Clock = field(default_factory=Clock)
    attempts: int = 3
    settings: SubmissionSettings = field(default_factory=SubmissionSettings)
    agents: Mapping[str, dict[str, object]] = field(default_factory=dict)  # more about each
    hostname: str = "mail.example.org"

    async def open(self) -> Office:
        keyring = Keyring.generate(bytes(range(32)))
        desks = {each.name: each for each in self.desks}
        self.site = Site(self.hostname, desks, self._people(), keyring)
        await self._open_desks(keyring)
        self.submissions = Submissions(
            self.site,
            self.store,
            clock=self.clock,
            rng=random.Random(2),
            settings=self.settings,
            failpoints=NO_FAILPOINTS,
            on_queued=lambda: None,
        )
        return self

    def _people(self) -> dict[str, Agent]:
        return {
            name: Agent(
                name,
                name.title(),
                Address.parse(f"{name}@example.org"),
                **self.agents.get(name, {}),  # type: ignore[arg-type]
            )
            for name in dict.fromkeys(("alice", "bob", *self.agents))
        }

    def _load(self) -> StoredLoad:
        return StoredLoad(self.store, KnownAbsences(self.site), self.clock)

    async def _open_desks(self, keyring: Keyring) -> None:
        """The customers' side: intake, chains, filing."""
        look_ups = LookUps(
            tickets=StoredTickets(self.store, keyring, self.clock),
            history=StoredHistory(self.store),
            tokens=KnownTokens(self.store),
            topics=KnownTopics(self.store),
            templates=(str(ROOT / "config" / "templates"),),
            hostname=self.site.hostname,
            own_addresses=self.site.own_addresses | self.site.agent_addresses,
            load=self._load(),
            desks=self.site.desks,
            agents={name: agent.profile for name, agent in self.site.agents.items()},
            chains=frozenset((*self.site.desks, *self.chains)),
        )
        findings = Findings()
        everywhere = frozenset(self.chain).union(*self.chains.values())
        supplies = Supplies(self.options, Library([]), ROOT, everywhere, look_ups)
        chains = {
            each.name: build_chain(("desk", each.name, "chain"), self.chain, supplies, findings)
            for each in self.desks
        }
        chains |= {
            name: build_chain(("chains", name), stages, supplies, findings)
            for name, stages in self.chains.items()
        }
        assert not findings.mistakes
        for chain in chains.values():
            chain.others = chains
            await chain.open(look_ups)
        self.opened = chains
        self.filing = Filing(self.site, random.Random(1))
        self.processor = self._processor()
        self.intake = self._intake()

    def _processor(self) -> Processor:
        return Processor(
            self.store,
            self.opened,
            self.filing,
            clock=self.clock,
            limits=ProcessingLimits(at_once=4, attempts=self.attempts),
            failpoints=NO_FAILPOINTS,
            on_filed=lambda: None,
            step_back=StepBack(Pressure(time.monotonic), time.monotonic),
        )

    def _intake(self) -> Intake:
        return Intake(
            self.store,
            self.site,
            clock=self.clock,
            backlog=1000,
            failpoints=NO_FAILPOINTS,
            pressure=Pressure(time.monotonic),
            on_accepted=lambda: None,
        )

    async def receive(
        self,
        raw: bytes,
        *,
        sender: str = "carla@customer.example",
        to: Sequence[str] = ("support@example.org",),
    ) -> list[Reply]:
        """Take a mail in, run it through the chain, and let a second pass."""
        mail_from = Address.parse(sender) if sender else None
        replies = await self.intake.accept(mail_from, [Address.parse(each) for each in to], raw)
        await self.processor.drain()
        self.clock.now += 1
        return replies

    async def tickets(self) -> list[Ticket]:
        return await self.store.read(lambda tx: list(tx.tickets.matching(TicketFilter())))

    async def messages(self, ticket: Ticket) -> list[Message]:
        return await self.store.read(lambda tx: tx.tickets.messages(ticket.id))

    async def events(self, ticket: Ticket) -> list[Event]:
        return await self.store.read(lambda tx: tx.history.events(ticket.id))

    async def outgoing(self) -> list[OutboxItem]:
        """What waits to leave, with its content."""
        items = await self.store.read(lambda tx: tx.outbox.items())
        whole = await self.store.read(lambda tx: [tx.outbox.get(item.id) for item in items])
        return [item for item in whole if item is not None]


MakeOffice = Callable[..., Awaitable[Office]]  # the fixture ``make_office``


def mail(
    *,
    subject: str = "Printer on fire",
    sender: str = "carla@customer.example",
    to: str = "support@example.org",
    message_id: str = "<one@customer.example>",
    extra: str = "",
    text: str = "Help.",
) -> bytes:
    """A customer's mail; ``extra`` are further header lines."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: {message_id}"]
    lines += ["Date: Mon, 21 Sep 2026 13:33:20 +0000", *extra.splitlines(), "", text, ""]
    return "\r\n".join(lines).encode()
