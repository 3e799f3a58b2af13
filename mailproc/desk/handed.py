"""A mail as an agent's client handed it in, and what makes it the same mail when it comes again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailproc.desk.site import Agent
from mailproc.mime.reader import Mail, read
from mailproc.mime.signals import read_signals
from mailproc.mime.surgery import header_end, normalise_newlines
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import Signals
from mailproc.model.judgement import NOT_AUTHENTICATED, MailClass
from mailproc.store.submissions import NewSubmission


@dataclass(frozen=True)
class Handed:
    """One submitted mail; ``raw`` has CRLF line ends, ``now`` is when it came."""

    agent: Agent
    desk: Desk  # one that the agent works for
    mail_from: Address | None
    recipients: tuple[Address, ...]
    raw: bytes
    mail: Mail
    signals: Signals
    now: float

    @property
    def written(self) -> float:
        """When the agent wrote it, as far as is known."""
        return self.now if self.mail.date is None else self.mail.date

    def as_submission(self, desk: str, text: str) -> NewSubmission:
        """What is remembered of it; ``text`` is what the agent wrote anew."""
        words = " ".join(text.split()).encode("utf-8", "replace") or self.raw[header_end(self.raw) :]
        return NewSubmission(
            key=self.key,
            agent=self.agent.name,
            message_id=self.signals.message_id,
            desk=desk,
            text=hashlib.sha256(words).digest(),
            at=self.now,
        )

    @property
    def key(self) -> bytes:
        """Equal only for the same mail to the same people.

        What stands in the header may differ but for the Message-ID: clients write a new Date when they try
        again.  Without one the whole mail must be equal.
        """
        content = self.raw[header_end(self.raw) :] if self.signals.message_id else self.raw
        people = sorted(recipient.key for recipient in self.recipients)
        texts = (self.agent.name, self.signals.message_id, *people)
        return _digest([*(text.encode("utf-8", "surrogatepass") for text in texts), content])


def take(
    agent: Agent, desk: Desk, mail_from: Address | None, recipients: Sequence[Address], raw: bytes, now: float
) -> Handed:
    """Read a submitted mail; ``desk`` is one of the agent's."""
    raw = normalise_newlines(raw)
    mail = read(raw)
    signals = signals_of_agent(mail, recipients, desk, now)
    return Handed(agent, desk, mail_from, tuple(recipients), raw, mail, signals, now)


def signals_of_agent(mail: Mail, recipients: Sequence[Address], desk: Desk, received: float) -> Signals:
    """What an agent's mail says about where it belongs; who wrote it the login has proved, not the mail."""
    return read_signals(
        mail,
        Envelope(None, recipients[0] if recipients else desk.address),
        desk,
        authentication=NOT_AUTHENTICATED,
        automatic=MailClass.NONE,
        received=received,
    )


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
