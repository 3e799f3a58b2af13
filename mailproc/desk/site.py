"""What every verb may know of the site: its name, its desks, its people and its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailproc.model.address import Address
from mailproc.model.assignment import Profile
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.desk import Desk
from mailproc.model.mac import Keyring


@dataclass(frozen=True, slots=True)
class Agent:
    name: str  # the table's name in the configuration, and the login
    title: str
    address: Address
    further: tuple[Address, ...] = ()  # what else may stand in From
    may_write_new: bool = False  # to people who take part in no ticket
    wants_drafts: bool = False  # a draft with a standard answer, on a claim
    heeds_notices: bool = True  # the agent's own absence notice makes the agent absent
    profile: Profile = field(default_factory=Profile)  # what routing knows

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (self.address, *self.further)


@dataclass(frozen=True, slots=True)
class AutomaticAnswers:
    """What holds for answers that nobody wrote, as the acknowledge stage has it."""

    templates: tuple[str, ...] = ()  # folders, a site's own first
    limits: AcknowledgementLimits = field(default_factory=AcknowledgementLimits)
    no_reply: frozenset[str] = frozenset()  # further local parts that get none


@dataclass(frozen=True)
class Site:
    hostname: str
    desks: Mapping[str, Desk]
    agents: Mapping[str, Agent]
    keyring: Keyring
    authserv_ids: tuple[str, ...] = ()  # further ones in whose name results of authentication are believed
    automatic: AutomaticAnswers = field(default_factory=AutomaticAnswers)
    _by_address: dict[str, Desk] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_address = {address.key: desk for desk in self.desks.values() for address in desk.addresses}
        object.__setattr__(self, "_by_address", by_address)

    def desk_of(self, recipient: Address) -> Desk | None:
        """The desk that a recipient belongs to, plus-addresses included."""
        if desk := self._by_address.get(recipient.key):
            return desk
        return next((desk for desk in self.desks.values() if desk.extension_of(recipient) is not None), None)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every desk's addresses, in lower case."""
        return frozenset(self._by_address)

    @property
    def agent_addresses(self) -> frozenset[str]:
        return frozenset(address.key for agent in self.agents.values() for address in agent.addresses)

    def desks_of(self, agent: str) -> tuple[Desk, ...]:
        """The desks that an agent works for."""
        return tuple(desk for desk in self.desks.values() if agent in desk.agents)
