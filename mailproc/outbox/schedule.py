"""When to try again: back-off with jitter, up to a greatest age.  Pure; chance and time are passed in."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Schedule:
    """Delays double from ``first`` up to ``longest``, each changed by up to ``jitter`` of itself; all in
    seconds.  After ``max_age`` a failure is final."""

    first: float = 60.0
    longest: float = 3600.0
    max_age: float = 432000.0  # five days
    jitter: float = 0.2

    def delay(self, failures: int, chance: float) -> float:
        """How long to wait after so many failures (1 or more); ``chance`` is from 0 to 1."""
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        delay: float = min(self.longest, self.first * 2.0**doublings)
        return delay * (1 + self.jitter * (2 * chance - 1))

    def next_due(self, *, created: float, failures: int, now: float, chance: float) -> float | None:
        """When to try again, or None to give up.

        The last try is made when the greatest age is reached, however long the delays have become.
        """
        end = created + self.max_age
        if now >= end:
            return None
        return min(now + self.delay(failures, chance), end)
