"""The narrow, read-only questions that stages may ask, answered from the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailproc.desk.absence import KnownAbsences
from mailproc.desk.follow_up import find
from mailproc.desk.routing import next_agent
from mailproc.model.assignment import Assignment
from mailproc.model.desk import Desk
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.mac import Keyring
from mailproc.stage import AuthorHistory
from mailproc.store.protocol import Store


@dataclass(frozen=True, slots=True)
class StoredTickets:
    """Follow-up candidates (``mailproc.stage.Tickets``)."""

    store: Store
    keyring: Keyring
    clock: Callable[[], float]

    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp:
        return await self.store.read(lambda tx: find(tx, self.keyring, desk, signals, self.clock()))


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """Who is free (``mailproc.stage.Load``)."""

    store: Store
    absences: KnownAbsences
    clock: Callable[[], float]

    async def next_agent(self, desk: Desk, assignment: Assignment, customer: str) -> str:
        chosen, _ = await self.store.read(lambda tx: next_agent(tx, desk, assignment, customer))
        return chosen

    async def away(self, desk: Desk, at: float) -> frozenset[str]:
        now = self.clock()
        if not self.absences.is_fresh(now):
            await self.store.read(lambda tx: self.absences.refresh(tx, now))
        return frozenset(agent for agent in desk.agents if self.absences.remembers(desk, agent, at))


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """The author with us (``mailproc.stage.History``)."""

    store: Store

    async def of(self, desk: Desk, address: str) -> AuthorHistory:
        author = await self.store.read(lambda tx: tx.authors.get(desk.name, address))
        return AuthorHistory(
            author.mails, author.aligned, author.open_tickets, author.answered, author.answered_by
        )
