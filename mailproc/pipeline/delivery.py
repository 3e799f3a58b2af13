"""One mail on its way through a chain: what came in, and what the stages said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mailproc.mime.lazy import lazy
from mailproc.mime.reader import Mail, read
from mailproc.model.address import Address
from mailproc.model.assignment import Assignment
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.judgement import (
    NOT_AUTHENTICATED,
    NOT_SCORED,
    WRITTEN_BY_HAND,
    Authentication,
    Automatic,
    Bounce,
    SpamScore,
)
from mailproc.pipeline.template import MailTemplate

SKIPPED = "skipped"  # verdict of a stage that did not run
FAILED = "failed"  # verdict of a stage that raised or took too long


@dataclass(slots=True)
class StageResult:
    """What one stage added; ``explain`` shows it and later ``when`` conditions read it."""

    stage: str
    verdict: str = "continue"
    milliseconds: float = 0.0
    tags: list[str] = field(default_factory=list)
    scores: dict[str, float | str | bool] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    known: dict[str, float | str | bool] = field(default_factory=dict)  # what sources said, for answers too
    postponed: list[str] = field(default_factory=list)  # tags that go when the stage has what it waits for


@dataclass(frozen=True, slots=True)
class AcknowledgementPlan:
    """What the ``acknowledge`` stage proposes; the core applies the limits and sends it.

    ``refusal`` is empty when an acknowledgement may go.  The template is rendered by
    desk/acknowledge.py, once the ticket has its number.
    """

    refusal: str
    template: MailTemplate | None = None  # chosen by desk and language
    rejection: MailTemplate | None = None  # the same for a reply to a closed ticket that the desk rejects
    language: str = ""
    follow_up: bool = False  # a further mail may get the one answer that its ticket did not have yet
    vouched: bool = False  # the sender was authenticated
    limits: AcknowledgementLimits = field(default_factory=AcknowledgementLimits)


class Delivery:
    """Handed to each stage in turn.

    A stage reads ``envelope``, ``desk``, ``mail``, ``received`` and what earlier stages found, and
    says something by ``add_tag``, ``score``, ``note``, ``set_header`` or by one of the findings below.
    """

    def __init__(
        self,
        envelope: Envelope,
        desk: Desk,
        raw: bytes,
        received: float,
        *,
        is_history: bool = False,
        again: frozenset[str] = frozenset(),
    ) -> None:
        self.envelope = envelope
        self.desk = desk  # a route may name another one: the ticket is opened there
        self.raw = raw
        self.received = received  # seconds since 1970, UTC
        self.is_history = is_history  # not from our mail server: imported, or put there by an agent
        self.again = again  # tags for which one stage sees this mail another time, after the ticket was made
        self.automatic: Automatic = WRITTEN_BY_HAND
        self.bounce: Bounce | None = None
        self.authentication: Authentication = NOT_AUTHENTICATED
        self.spam: SpamScore = NOT_SCORED
        self.signals: Signals | None = None  # set by the ticket stage: this mail gets a number
        self.follow_up: FollowUp | None = None  # a preview; the core decides again in its transaction
        self.acknowledgement: AcknowledgementPlan | None = None
        self.language = ""
        self.topic = ""
        # Of the route stage; all but ``forward_to`` is for a new ticket only.
        self.owner = ""  # an agent; where there is an assignment, who it would be now
        self.assignment: Assignment | None = None  # who may get the ticket, decided when it is stored
        self.snoozed_until: float | None = None  # seconds since 1970
        self.forward_to: tuple[Address, ...] = ()  # outside addresses that get this mail too
        self.chain = ""  # the mail goes on in this chain, with the stages that it has not seen
        self.fired: list[str] = []  # names of the rules that applied
        self._tags: dict[str, None] = {}
        self._headers: dict[str, str] = {}
        self._results: list[StageResult] = []

    @lazy
    def mail(self) -> Mail:
        """The mail, read once for all stages; never raises (see mime/reader.py)."""
        return read(self.raw)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self._tags)

    @property
    def headers(self) -> MappingProxyType[str, str]:
        """Headers for the folder's copy, beside mailproc's own."""
        return MappingProxyType(self._headers)

    @property
    def results(self) -> tuple[StageResult, ...]:
        return tuple(self._results)

    def begin(self, stage: str) -> StageResult:
        """Open the record of a stage; only the chain calls this."""
        result = StageResult(stage)
        self._results.append(result)
        return result

    def add_tag(self, tag: str) -> None:
        if tag not in self._tags:
            self._tags[tag] = None
            self._results[-1].tags.append(tag)

    def score(self, name: str, value: float | str | bool) -> None:
        """Publish a value that ``when`` conditions of later stages read as ``STAGE.name``."""
        self._results[-1].scores[name] = value

    def publish(self, scores: Mapping[str, float | str | bool]) -> None:
        """Publish values whose names come from the options; the filter's ``more_scores`` must name them.

        The ticket keeps them: templates of answers read them as ``notes.name``.
        """
        self._results[-1].known.update(scores)
        self._results[-1].scores.update(scores)

    def postpone(self, tag: str) -> None:
        """Ask to see this mail again later, because something is away now; ``tag`` says so until then."""
        self.add_tag(tag)
        self._results[-1].postponed.append(tag)

    def note(self, name: str, text: str) -> None:
        """A line for the agents, shown above the mail as ``X-Mailproc-Note: name: text``."""
        self._results[-1].notes[name] = text

    def set_header(self, name: str, value: str) -> None:
        self._headers[name] = value
