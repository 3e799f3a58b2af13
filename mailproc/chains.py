"""Each desk's chain, open: its stages know the store's tickets, history and words."""

from __future__ import annotations

from collections.abc import Callable

from mailproc.check.load import make_chains
from mailproc.check.paths import template_folders
from mailproc.config import Loaded
from mailproc.desk.absence import KnownAbsences
from mailproc.desk.known_tokens import KnownTokens
from mailproc.desk.known_topics import KnownTopics
from mailproc.desk.look_ups import StoredHistory, StoredLoad, StoredTickets
from mailproc.desk.site import Site
from mailproc.pipeline.chain import Chain
from mailproc.resolver import resolvers
from mailproc.stage import LookUps, Tickets
from mailproc.store.protocol import Store


async def open_chains(
    loaded: Loaded, site: Site, store: Store, clock: Callable[[], float], tickets: Tickets | None = None
) -> dict[str, Chain]:
    """The chain of each desk and those of ``[chains]``, their stages open.

    ``tickets`` answers which ticket a mail joins, in place of the store.
    """
    look_ups = LookUps(
        tickets=tickets or StoredTickets(store, site.keyring, clock),
        history=StoredHistory(store),
        tokens=KnownTokens(store),
        topics=KnownTopics(store),
        load=StoredLoad(store, KnownAbsences(site), clock),
        desks=site.desks,
        agents={name: agent.profile for name, agent in site.agents.items()},
        chains=frozenset((*loaded.config.desk, *loaded.config.chains)),
        templates=template_folders(loaded.config),
        hostname=site.hostname,
        folder=str(loaded.path.absolute().parent),
        own_addresses=site.own_addresses | site.agent_addresses,
        resolver=resolvers(),
    )
    chains = make_chains(loaded)
    for chain in chains.values():
        await chain.open(look_ups)
    return chains
