"""What the stages of a chain find out about one mail."""

from __future__ import annotations

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
    """How far From can be trusted.  ``aligned`` says that DMARC's alignment holds for From's domain."""

    spf: AuthResult = AuthResult.NONE
    dkim: AuthResult = AuthResult.NONE
    dmarc: AuthResult = AuthResult.NONE
    aligned: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """SPF or DMARC said that this sender is forged."""
        return self.dmarc is AuthResult.FAIL or (self.spf is AuthResult.FAIL and not self.aligned)


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
    clues: tuple[str, ...] = ()


NOT_SCORED = SpamScore(0.5, SpamVerdict.UNSURE, ("no spam stage ran",))
