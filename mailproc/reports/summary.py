"""What a report counts of one ticket, whatever its period: each thing with its moment.

It is made of the ticket's messages and events and, for business time, of its desk's calendar, and of nothing
that may change without them: topic, owner, tags and targets are asked for when a report is made.  So it can
be kept (``store.summaries``) for as long as those stay what they are.  As text it is a JSON array.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec

from mailproc.model.target import Kind
from mailproc.reports.reasons import HELD_FOR, held_for, refusal
from mailproc.reports.ruler import Ruler
from mailproc.reports.walk import Wait, walk_family
from mailproc.store.figures import Case

_PLACES = {
    "acknowledged": "acknowledgement/sent",
    "claim_lost": "collisions/claims_lost",
    "refused": "collisions/refused",
    "move_refused": "collisions/move_refused",
    "marked_spam": "spam/missed",
    "unmarked_spam": "spam/wrong",
    "delayed": "bounce/delayed",
    "undeliverable": "bounce/undeliverable",
}
# What agents are counted for themselves, and the column of that.
OF_AGENTS = {"collisions/claims_lost": "claims_lost"} | {f"collisions/{line}": "held" for line in HELD_FOR}
HAPPENED = (*_PLACES, "not_acknowledged", "held", "topic_corrected", "bounced")
_COUNTED = frozenset(HAPPENED)


SPAM = "spam"
Fact = TypeVar("Fact", bound=tuple[Any, ...])  # begins with a moment

Ended = tuple[float, float, bool, str]  # a wait: when, business seconds, by an answer or solution, by whom


class Summary(NamedTuple):
    """All that is before the end of a period, in the order in which it was written.

    ``state`` is the last one, or ``walk.MERGED``; ``running`` are kinds and business seconds used.
    """

    state: str
    was_spam: bool  # when it was opened
    is_led: bool  # the first of these is its first mail at all
    mails: list[float]  # written by people
    others: list[tuple[float, str]]  # those that were not, with their classes
    answers: list[tuple[float, str]]  # with who answered
    closed: list[float]
    back: list[float]  # when it came back after it was closed
    first: list[Ended]
    next: list[Ended]
    solution: list[Ended]
    running: list[tuple[Kind, float]]
    happened: list[tuple[float, str, str]]  # TABLE/LINE, and whose doing it was where that counts


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[Summary])


def summarize(case: Case, ruler: Ruler, end: float) -> Summary:
    """Up to, but not including, a moment."""
    walked = walk_family(case, ruler, end)
    mails: list[float] = []
    others: list[tuple[float, str]] = []
    is_led: bool | None = None
    for _, at, direction, automatic, _, _ in case.messages:
        if direction != "in":
            continue
        if is_led is None:
            is_led = automatic == "none" and at < end
        if at < end:
            if automatic == "none":
                mails.append(at)
            else:
                others.append((at, automatic))
    closed, happened = _of_events(case, end)
    return Summary(
        walked.state,
        walked.was_spam,
        bool(is_led),
        mails,
        others,
        walked.answers,
        closed,
        walked.back,
        _of_kind(Kind.FIRST, walked.waits),
        _of_kind(Kind.NEXT, walked.waits),
        _of_kind(Kind.SOLUTION, walked.waits),
        walked.running,
        happened,
    )


def _of_kind(kind: Kind, waits: Iterable[Wait]) -> list[Ended]:
    return [(wait.ended, wait.used, wait.is_met, wait.agent) for wait in waits if wait.kind is kind]


def _of_events(case: Case, end: float) -> tuple[list[float], list[tuple[float, str, str]]]:
    closed: list[float] = []
    happened: list[tuple[float, str, str]] = []
    for _, at, what, who, detail, _ in case.events:
        if at >= end:
            continue
        if what in _COUNTED:
            place = _place(what, detail)
            happened.append((at, place, who if place in OF_AGENTS else ""))
        elif what == "closed" and not detail.startswith("merged into "):
            closed.append(at)
    return closed, happened


def _place(what: str, detail: str) -> str:
    """The table and line of an event."""
    match what:
        case "not_acknowledged":
            return f"acknowledgement/{refusal(detail)}"
        case "held":
            return f"collisions/{held_for(detail)}"
        case "topic_corrected":
            return f"topic_corrected/{detail}"
        case "bounced":
            return "bounce/soft" if "(soft)" in detail else "bounce/hard"
    return _PLACES[what]


def since(summary: Summary, start: float) -> Summary:
    """What of it is not before a moment."""
    return Summary(
        summary.state,
        summary.was_spam,
        summary.is_led and start <= summary.mails[0],
        [at for at in summary.mails if start <= at],
        _since(start, summary.others),
        _since(start, summary.answers),
        [at for at in summary.closed if start <= at],
        [at for at in summary.back if start <= at],
        _since(start, summary.first),
        _since(start, summary.next),
        _since(start, summary.solution),
        summary.running,
        _since(start, summary.happened),
    )


def _since(start: float, facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if start <= fact[0]]


def as_spam(summary: Summary) -> Summary:
    """Of spam no mail is anything else."""
    moments = [*summary.mails, *(at for at, _ in summary.others)]
    return summary._replace(is_led=False, mails=[], others=[(at, SPAM) for at in moments])


def written(summary: Summary) -> str:
    """As text."""
    return _ENCODER.encode(summary).decode()


def read(texts: Iterable[str]) -> list[Summary]:
    """Many at once, from what ``written`` made of them."""
    return _DECODER.decode(f"[{','.join(texts)}]")
