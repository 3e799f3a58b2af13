"""What the stages of a chain find out about one mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class MailClass(StrEnum):
    """Who or what wrote a mail."""

    NONE = "none"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    DELAYED = "delayed"
    LIST = "list"
    BULK = "bulk"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Automatic:
    """The class of a mail and why it was given."""

    kind: MailClass
    reasons: tuple[str, ...] = ()

    @property
    def is_automatic(self) -> bool:
        return self.kind is not MailClass.NONE


WRITTEN_BY_HAND = Automatic(MailClass.NONE)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One recipient of a delivery report (RFC 3464 section 2.3)."""

    recipient: str
    status: str  # enhanced status code, "5.0.0" where the report names none
    hard: bool
    diagnostic: str = ""
    final: bool = True  # False while a relay still tries
    original: str = (
        ""  # the address that we wrote to, where the report says it and it was forwarded from there
    )


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report: which recipients failed, and of which mail."""

    recipients: tuple[FailedRecipient, ...]
    original_message_id: str | None = None


class AuthResult(StrEnum):
    """Result words of RFC 8601 section 2.7, folded to what decisions need."""

    PASS = "pass"
    FAIL = "fail"
    NONE = "none"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How far From can be trusted.

    ``aligned`` says that From's domain is proved: DMARC's alignment holds, or a forwarder whom we trust says
    that it did.  ``policy`` is DMARC's p= for that domain, "" where nobody said so.
    """

    spf: AuthResult = AuthResult.NONE
    dkim: AuthResult = AuthResult.NONE
    dmarc: AuthResult = AuthResult.NONE
    aligned: bool = False
    reasons: tuple[str, ...] = ()
    arc: AuthResult = AuthResult.NONE
    policy: str = ""

    @property
    def failed(self) -> bool:
        """SPF or DMARC said that this sender is forged, and nobody whom we trust knows better."""
        return not self.aligned and AuthResult.FAIL in (self.spf, self.dmarc)

    @property
    def has_policy(self) -> bool:
        """From's domain says by DMARC how its mail can be known; also where we could not read it just now."""
        return bool(self.policy) or self.dmarc is not AuthResult.NONE


NOT_AUTHENTICATED = Authentication()


class SpamVerdict(StrEnum):
    HAM = "ham"
    UNSURE = "unsure"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class SpamScore:
    """A score from 0 (ham) to 1 (spam), its verdict, and the clues that made it."""

    score: float
    verdict: SpamVerdict
    _clues: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()

    @property
    def clues(self) -> tuple[str, ...]:
        """The strongest first; they may be put into words only now, as for most mails nobody looks."""
        return self._clues if isinstance(self._clues, tuple) else self._clues()


NOT_SCORED = SpamScore(0.5, SpamVerdict.UNSURE, ("no spam stage ran",))
