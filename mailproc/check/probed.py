"""What a probe says of one part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probed:
    """One part: ``relay 127.0.0.1:8026 … ok``."""

    part: str
    where: str
    failure: str = ""  # why it failed; "" when it is well
    remark: str = ""

    def __str__(self) -> str:
        said = self.failure or (f"ok ({self.remark})" if self.remark else "ok")
        return f"{self.part} {self.where} … {said}"


class Failure(Exception):
    """What to tell of a part that does not answer as it should."""


def attempted(part: str, where: str, attempt: Callable[[], str], seconds: float) -> Probed:
    """A part by a try of at most so many seconds for each answer, which gives a remark or fails."""
    try:
        return Probed(part, where, remark=attempt())
    except Failure as failure:
        return Probed(part, where, failure=str(failure))
    except TimeoutError:
        return Probed(part, where, failure=f"no answer within {seconds:g} s")
    except OSError as error:
        return Probed(part, where, failure=(error.strerror or str(error)).lower())
