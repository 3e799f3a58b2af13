"""Everything that one worker listens with: the intake, the agents' listener, and the one for monitoring."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailproc.app import Parts
from mailproc.binding import Bound
from mailproc.config import Config
from mailproc.failpoint import FailPoints
from mailproc.listen.intake import Intake
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.smtp import SmtpSession
from mailproc.metrics.http import Responder
from mailproc.metrics.monitor import Monitor
from mailproc.office import make_authenticator, make_submission_listener

INTAKES: Mapping[str, type[Session]] = {"lmtp": LmtpSession, "smtp": SmtpSession}


class Reception:
    """Serves sockets that were bound before; ``open`` once, then ``stop`` or ``retire``, then ``close``."""

    def __init__(
        self, config: Config, parts: Parts, intake: Intake, monitor: Monitor, failpoints: FailPoints
    ) -> None:
        self._config = config
        self._parts = parts
        self._intake = intake
        self._failpoints = failpoints
        self._limits = _listen_limits(config)
        self._gate = Gate(self._limits)
        self._authenticator = make_authenticator(config, parts.site)
        self._listeners: list[Listener] = []
        self._responder = Responder(
            {"/metrics": monitor.metrics, "/healthz": lambda: monitor.health(self.is_serving)}
        )

    async def open(self, sockets: Sequence[Bound]) -> None:
        """Monitoring comes last: it says that all is well."""
        for bound in sorted(sockets, key=lambda bound: bound.section == "metrics"):
            if bound.section == "metrics":
                await self._responder.start(bound.sockets)
                continue
            listener = self._listener(bound.section)
            await listener.start(bound.sockets)
            self._listeners.append(listener)

    def _listener(self, section: str) -> Listener:
        if section in INTAKES:
            return Listener(
                INTAKES[section],
                self._intake,
                hostname=self._config.hostname,
                limits=self._limits,
                gate=self._gate,
                failpoints=self._failpoints,
            )
        limits = replace(self._limits, recipients=self._config.submission.recipients)
        return make_submission_listener(
            self._config, self._authenticator, self._parts.submissions, limits, self._failpoints
        )

    @property
    def is_serving(self) -> bool:
        return all(listener.is_serving for listener in self._listeners)

    @property
    def connections(self) -> int:
        """How many clients there are."""
        return sum(listener.connections for listener in self._listeners)

    async def stop(self, grace: float) -> None:
        """All at the same time, so that each has the whole grace."""
        await asyncio.gather(self._responder.stop(), *(each.stop(grace) for each in self._listeners))

    async def retire(self, grace: float) -> None:
        """The same where others serve the sockets from now on."""
        await asyncio.gather(self._responder.stop(), *(each.retire(grace) for each in self._listeners))

    async def close(self) -> None:
        await self._authenticator.close()


def _listen_limits(config: Config) -> ListenLimits:
    limits = config.limits
    return ListenLimits(
        size=limits.size,
        recipients=limits.recipients,
        connections=limits.connections,
        connections_per_address=limits.connections_per_address,
        useless_commands=limits.useless_commands,
        idle=limits.idle,
        total=limits.total,
        large=limits.large,
        large_at_once=limits.large_at_once,
    )
