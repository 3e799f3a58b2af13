"""How long a server that went away is waited for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds between two tries


class Patience:
    """``seconds`` from the first failure on; who knows that the server is away tries once.

    For one thread; ``end`` may come from any.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rng = random.Random()
        self._ended = threading.Event()
        self.is_away = False  # the server, as the last try found

    def tries(self) -> Iterator[int]:
        """Numbers of tries, with ever longer pauses between them."""
        pause, tries = FIRST_PAUSE, 1
        was_away = self.is_away
        yield tries
        deadline = time.monotonic() + (0.0 if was_away else self._seconds)
        while time.monotonic() < deadline and not self._ended.is_set():
            # Jitter: when the server comes back, not all come at once.
            self._ended.wait(pause * self._rng.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)
            tries += 1
            yield tries

    def end(self) -> None:
        """Wait for the server no longer."""
        self._ended.set()
