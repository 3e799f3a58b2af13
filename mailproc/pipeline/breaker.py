"""A circuit breaker: what hangs again and again is left out for a while."""

from __future__ import annotations

from collections.abc import Callable

STRIKES = 5  # time-outs in a row
REST = 60.0  # seconds
_NEVER = float("-inf")


class Breaker:
    """Opens after five time-outs in a row; after the rest one more time-out opens it again."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._strikes = 0
        self._opened = _NEVER

    @property
    def is_open(self) -> bool:
        return self._opened != _NEVER and self._monotonic() - self._opened < REST

    def timed_out(self) -> None:
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._opened = self._monotonic()

    def answered(self) -> None:
        self._strikes = 0
