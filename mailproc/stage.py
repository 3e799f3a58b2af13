"""The public face for filters: the only module of mailproc that a filter imports.

A filter file holds one class, ``Filter(Stage)``, a dataclass whose fields are its TOML keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailproc.enrich.inquiry import Inquiry
from mailproc.enrich.opening import open_source
from mailproc.enrich.options import NAME, SourceOptions
from mailproc.enrich.source import SourceAway, Value
from mailproc.enrich.values import as_tag, one_line
from mailproc.mime.answerable import wants_no_answer
from mailproc.mime.arc import voucher_in
from mailproc.mime.attached import AttachedText, attached_texts
from mailproc.mime.authentication import MAX_INSTANCES, read_received_spf, read_results, trace_fields
from mailproc.mime.automatic_words import (
    absence_hint,
    auto_reply_phrase,
    bounce_phrase,
    confirms_absence,
)
from mailproc.mime.check_digits import CHECKS, cards_in, ibans_in, without_ibans
from mailproc.mime.deadlines import Deadline, deadlines_in
from mailproc.mime.inspection import Inspection
from mailproc.mime.reader import Mail
from mailproc.mime.report import DeliveryReport, ReportKind, has_null_path, is_from_daemon
from mailproc.mime.signals import read_signals
from mailproc.mime.tokens_mail import mail_tokens
from mailproc.mime.topic_tokens import judged_text, topic_tokens
from mailproc.mime.upstream import Upstream, read_upstream
from mailproc.mime.urgency_words import anger_of, telling_words, urgency_of
from mailproc.model.address import Address, BadAddress, Mailbox, ascii_domain
from mailproc.model.alignment import is_aligned
from mailproc.model.assignment import Assignment, Profile, Way
from mailproc.model.authentication import Result as MethodResult
from mailproc.model.authentication import Voucher, conclude
from mailproc.model.auto_answer import AcknowledgementLimits, takes_no_replies
from mailproc.model.bayes import CutOffs, Lexicon, untrained
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.escalation import IMPORTANCE, PRIORITY_TAGS
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.judgement import (
    Authentication,
    AuthResult,
    Automatic,
    Bounce,
    FailedRecipient,
    MailClass,
    SpamScore,
    SpamVerdict,
)
from mailproc.model.moment import parse_moment
from mailproc.model.snooze import parse_snooze
from mailproc.model.topics import NONE, Ranked, TopicModel
from mailproc.pipeline.delivery import AcknowledgementPlan, Delivery
from mailproc.pipeline.mail_templates import best_template, template_sources
from mailproc.pipeline.patterns import Match, Pattern, compile_pattern
from mailproc.pipeline.template import MailTemplate, compile_template
from mailproc.pipeline.template_lint import unguarded
from mailproc.pipeline.verdict import CONTINUE, STOP, Course, OnError, Verdict
from mailproc.pipeline.when import Condition, Scores, compile_when

__all__ = [
    "CHECKS",
    "CONTINUE",
    "IMPORTANCE",
    "MAX_INSTANCES",
    "NAME",
    "NONE",
    "PRIORITY_TAGS",
    "STOP",
    "AcknowledgementLimits",
    "AcknowledgementPlan",
    "Address",
    "Assignment",
    "AttachedText",
    "AuthResult",
    "Authentication",
    "AuthorHistory",
    "Automatic",
    "BadAddress",
    "Bounce",
    "Condition",
    "Course",
    "CutOffs",
    "Deadline",
    "Delivery",
    "DeliveryReport",
    "Desk",
    "Envelope",
    "FailedRecipient",
    "FollowUp",
    "History",
    "Inquiry",
    "Inspection",
    "Lexicon",
    "Load",
    "LookUps",
    "Mail",
    "MailClass",
    "MailTemplate",
    "Mailbox",
    "Match",
    "MethodResult",
    "NoAnswer",
    "NoTopics",
    "NobodyFree",
    "OnError",
    "Pattern",
    "Profile",
    "Ranked",
    "ReportKind",
    "Resolver",
    "Scores",
    "Signals",
    "SourceAway",
    "SourceOptions",
    "SpamScore",
    "SpamVerdict",
    "Stage",
    "Tickets",
    "Tokens",
    "TopicModel",
    "Topics",
    "Upstream",
    "Value",
    "Verdict",
    "Voucher",
    "Way",
    "absence_hint",
    "anger_of",
    "as_tag",
    "ascii_domain",
    "attached_texts",
    "auto_reply_phrase",
    "best_template",
    "bounce_phrase",
    "cards_in",
    "compile_pattern",
    "compile_template",
    "compile_when",
    "conclude",
    "confirms_absence",
    "deadlines_in",
    "has_null_path",
    "ibans_in",
    "is_aligned",
    "is_from_daemon",
    "judged_text",
    "mail_tokens",
    "one_line",
    "open_source",
    "parse_moment",
    "parse_snooze",
    "read_received_spf",
    "read_results",
    "read_signals",
    "read_upstream",
    "takes_no_replies",
    "telling_words",
    "template_sources",
    "topic_tokens",
    "trace_fields",
    "unguarded",
    "untrained",
    "urgency_of",
    "voucher_in",
    "wants_no_answer",
    "without_ibans",
]


class Tickets(Protocol):
    """Follow-up candidates: which ticket would a mail with these signals join?"""

    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp: ...


@dataclass(frozen=True, slots=True)
class AuthorHistory:
    """The author with us: how many mails, how many of them aligned, how many tickets are open."""

    mails: int
    aligned: int
    open_tickets: int
    answered: float | None = None  # when one of our answers left last, in seconds since 1970
    answered_by: str = ""


class History(Protocol):
    async def of(self, desk: Desk, address: str) -> AuthorHistory: ...


class Tokens(Protocol):
    """Counts for the classifiers."""

    async def totals(self) -> tuple[int, int]:
        """How many mails were learnt as spam, and as ham."""
        ...

    async def lexicon(self, words: frozenset[str]) -> Lexicon:
        """One that knows in how many spam and ham mails each of these stood; it is not to be kept."""
        ...


class Load(Protocol):
    """Who is free."""

    async def next_agent(self, desk: Desk, assignment: Assignment, customer: str) -> str:
        """Who would get a ticket of this customer now; "" for nobody.  It is decided when it is stored."""
        ...

    async def away(self, desk: Desk, at: float) -> frozenset[str]:
        """The desk's agents who are absent at that time, as far as agents and operators have said so.

        What the configuration says of them stands in ``LookUps.agents``.
        """
        ...


class NobodyFree:
    """Where nobody is known to be free."""

    async def next_agent(self, desk: Desk, assignment: Assignment, customer: str) -> str:
        return ""

    async def away(self, desk: Desk, at: float) -> frozenset[str]:
        return frozenset()


class NoAnswer(Exception):
    """Nobody answered a question to DNS; it may be asked again later."""


class Resolver(Protocol):
    """What DNS says."""

    async def texts(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, each with its strings joined; () where there are none.  NoAnswer."""
        ...

    async def is_alive(self) -> bool:
        """Does a server answer at all?"""
        ...


class Unconnected:
    """A resolver that asks nobody."""

    async def texts(self, name: str) -> tuple[bytes, ...]:
        raise NoAnswer(name)

    async def is_alive(self) -> bool:
        return False


class Topics(Protocol):
    """What was learnt of topics (model/topics.py)."""

    async def model(self, desk: Desk) -> TopicModel:
        """The desk's newest model; one without topics where nothing was learnt."""
        ...


class NoTopics:
    """Where nothing was learnt and nothing can be."""

    async def model(self, desk: Desk) -> TopicModel:
        return TopicModel.empty()


@dataclass(frozen=True, slots=True)
class LookUps:
    """Narrow, read-only questions that a stage may ask; handed in at ``open``."""

    tickets: Tickets
    history: History
    tokens: Tokens
    templates: tuple[str, ...]  # folders with templates, a site's own first
    hostname: str  # of this site, as in the configuration
    folder: str = "."  # of the configuration: paths in options start there
    own_addresses: frozenset[str] = frozenset()  # of all desks and agents, lower-case
    stages: Mapping[str, Scores] = field(default_factory=dict)  # of the chains, with their scores
    load: Load = field(default_factory=NobodyFree)
    desks: Mapping[str, Desk] = field(default_factory=dict)  # of the site, by name
    agents: Mapping[str, Profile] = field(default_factory=dict)  # of the site, by name
    chains: frozenset[str] = frozenset()  # names: those of the desks, and of [chains]
    # from the addresses of name servers, those of the system by default; ValueError for what is none
    resolver: Callable[[tuple[str, ...]], Resolver] = lambda servers: Unconnected()
    topics: Topics = field(default_factory=NoTopics)


class Stage:
    """Base of every filter; a subclass is a dataclass and its fields are its TOML keys."""

    @classmethod
    def more_scores(cls, options: Mapping[str, Any]) -> frozenset[str]:
        """Scores whose names the options make, beside those in ``delivery.score("NAME", …)``.

        The options are as TOML has them, unchecked.
        """
        return frozenset()

    async def open(self, look_ups: LookUps) -> None:
        """Called once before the first mail; a failure stops the daemon from starting."""

    async def process(self, delivery: Delivery) -> Verdict:
        raise NotImplementedError

    async def probe(self) -> Mapping[str, str]:
        """Ask once whatever the stage asks, for ``check --probe``: why each does not answer, or ""."""
        return {}

    async def close(self) -> None:
        """Called once after the last mail."""
