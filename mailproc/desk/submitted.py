"""What an agent's mail client hands in: who may send as whom, to whom, and what becomes of the mail.

The agent is who authenticated to the listener, never who stands in a From header.  ``accept`` answers for the
mail as a whole with one reply: 250 means that the decision and everything that it causes are on disk, 550 that
nothing was kept and nothing leaves, with one line that the agent's client can show.  Whatever is in doubt is 4xx.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.model.address import Address
from mailproc.model.reply import Reply
from mailproc.store.protocol import Store

NO_TICKET = Reply(550, "5.7.1", "This mail belongs to no ticket")
NOT_YOUR_DESK = Reply(550, "5.7.1", "You are no agent of that desk")


@dataclass(frozen=True, slots=True)
class SubmissionSettings:
    """The site's rules for submitted mail."""

    refuse_second: bool = False  # a second answer is refused at once, not held
    pass_through: bool = False  # mail that is no ticket's goes to the relay as it is


class Submissions:
    """What the submission listener hands mail to."""

    def __init__(
        self,
        site: Site,
        store: Store,
        *,
        clock: Callable[[], float],
        settings: SubmissionSettings,
        failpoints: FailPoints,
        on_queued: Callable[[], None],
    ) -> None:
        self._site = site
        self._store = store
        self._clock = clock
        self._settings = settings
        self._failpoints = failpoints
        self._on_queued = on_queued

    def may_send_from(self, agent: str, address: Address) -> bool:
        """Is this an address of the agent, or of a desk that the agent works for?  MAIL FROM and From."""
        person = self._site.agents.get(agent)
        desk = self._site.desk_of(address)
        own = person is not None and address.key == person.address.key
        return own or (desk is not None and agent in desk.agents)

    async def check_recipient(self, agent: str, recipient: Address) -> Reply | None:
        """None where the recipient may be fine, which ``accept`` decides; else the refusal for RCPT."""
        desk = self._site.desk_of(recipient)
        return NOT_YOUR_DESK if desk is not None and agent not in desk.agents else None

    async def accept(
        self, agent: str, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> Reply:
        """Decide what the mail is and do it; durable before the reply is 250."""
        return NO_TICKET
