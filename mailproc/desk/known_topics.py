"""The topic models of the desks, held in memory and looked after (``mailproc.stage.Topics``)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mailproc.model.desk import Desk
from mailproc.model.topics import TopicModel, from_bytes
from mailproc.store.protocol import Store

log = logging.getLogger("mailproc.topics")

FRESH = 5.0  # seconds in which the store is not asked whether another worker has a newer one


@dataclass(frozen=True, slots=True)
class _Held:
    version: tuple[str, int]
    model: TopicModel
    looked: float


@dataclass(slots=True)
class KnownTopics:
    """One model is held for each desk that asked; a new version in the store replaces it."""

    store: Store
    monotonic: Callable[[], float] = time.monotonic
    _held: dict[str, _Held] = field(default_factory=dict)

    async def model(self, desk: Desk) -> TopicModel:
        """The desk's newest model, five seconds old at most; one without topics where nothing was learnt."""
        held = self._held.get(desk.name)
        if held is not None and self.monotonic() - held.looked < FRESH:
            return held.model
        version = await self.store.read(lambda tx: tx.topics.version(desk.name))
        if held is not None and held.version == version:
            model = held.model
        else:
            model = await self._read(*version)
        self._held[desk.name] = _Held(version, model, self.monotonic())
        return model

    async def _read(self, desk: str, version: int) -> TopicModel:
        content = await self.store.read(lambda tx: tx.topics.model(desk)) if version else None
        if content is None:
            return TopicModel.empty()
        try:
            return await asyncio.to_thread(from_bytes, content)
        except ValueError as error:  # `mailproc topics train` makes a new one
            log.error("desk=%s model=%d: %s", desk or "*", version, error)
            return TopicModel.empty()
