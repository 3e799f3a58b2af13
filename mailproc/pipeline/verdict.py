"""What a stage may decide about a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Course(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"  # no further stage; what was found so far decides
    DEFER = "defer"  # run the chain again later
    IGNORE = "ignore"  # keep the mail, give it no number
    QUARANTINE = "quarantine"  # a visible problem ticket with the raw mail


@dataclass(frozen=True, slots=True)
class Verdict:
    course: Course
    reason: str = ""


CONTINUE = Verdict(Course.CONTINUE)
STOP = Verdict(Course.STOP)


class OnError(StrEnum):
    """What becomes of a mail whose stage failed."""

    CONTINUE = "continue"  # it goes on, with a tag that says so
    DEFER = "defer"  # the chain runs again later
