"""From a login to an agent.

Whatever is wrong (the user, the password, an account that is no agent's, too many tries), the reply is the
same; only where nobody can say, because the server that knows is away, it is another one, and temporary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from mailproc.desk.site import Site
from mailproc.listen.credentials.throttle import Throttle, ThrottleRules
from mailproc.listen.peer import network_of
from mailproc.listen.replies import BAD_LOGIN
from mailproc.model.login import Login
from mailproc.model.reply import LOGIN_UNAVAILABLE, MailError

log = logging.getLogger("mailproc.listen")

_LONGEST_USER = 255  # characters
_LONGEST_PASSWORD = 1024  # octets


class Prover(Protocol):
    """Knows passwords."""

    async def prove(self, login: Login) -> str | None:
        """The user whose password this is, under the name that the prover knows it by; None if it is wrong.

        Raises MailError where the prover cannot say.
        """
        ...

    async def close(self) -> None: ...


class Authenticator:
    """Lets agents in, and nobody else."""

    def __init__(
        self,
        prover: Prover,
        roster: Mapping[str, str],
        rules: ThrottleRules,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``roster`` is the agent of each user, in lower case; see ``make_roster``."""
        self._prover = prover
        self._roster = roster
        self._throttle = Throttle(rules, clock)
        self._pause = pause

    async def agent_of(self, login: Login) -> str:
        """The agent; MailError with the reply to give after a while that grows with each failure."""
        attempt = self._throttle.begin(login.user.lower()[:_LONGEST_USER], network_of(login.address))
        if attempt is None:
            log.warning(
                "login=%r address=%s refused: too many failures", login.user[:_LONGEST_USER], login.address
            )
            raise MailError(BAD_LOGIN)
        try:
            agent = await self._proven(login)
        except MailError:
            attempt.undecided()
            raise
        if agent is None:
            log.info("login=%r address=%s failed", login.user[:_LONGEST_USER], login.address)
            await self._pause(attempt.delay)
            raise MailError(BAD_LOGIN)
        attempt.succeeded()
        log.info("login=%r address=%s agent=%s", login.user, login.address, agent)
        return agent

    async def _proven(self, login: Login) -> str | None:
        if not _is_plausible(login):
            return None
        try:
            user = await self._prover.prove(login)
        except MailError:
            raise
        except Exception:
            log.exception("login=%r cannot be checked", login.user)
            raise MailError(LOGIN_UNAVAILABLE) from None
        if user is None:
            return None
        if (agent := self._roster.get(user.lower())) is None:
            log.warning("login=%r is right, but %r is no agent of a desk", login.user, user)
        return agent

    async def close(self) -> None:
        await self._prover.close()


def _is_plausible(login: Login) -> bool:
    """What else is never asked about: other servers may let an empty password in, or stumble over NUL."""
    return (
        0 < len(login.user) <= _LONGEST_USER
        and login.user.isprintable()
        and 0 < len(login.password) <= _LONGEST_PASSWORD
        and b"\0" not in login.password
    )


def make_roster(site: Site, logins: Mapping[str, str]) -> dict[str, str]:
    """The agent of each user, in lower case: by the agent's name and address, or by its entry in ``logins``.

    ``logins`` is a user by agent, "" for none.  Agents who work for no desk are left out.  A user's local
    part alone says nothing: the same one may exist in another domain of the same server.
    """
    roster: dict[str, str] = {}
    for name, agent in site.agents.items():
        if site.desks_of(name):
            users = [logins[name]] if logins.get(name) else [name, agent.address.key]
            roster |= {user.lower(): name for user in users}
    return roster
