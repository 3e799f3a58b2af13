"""Workers of the simulated desk that stand still now and then, and go on where another took their place."""

from __future__ import annotations

import random
import threading

from tests.rig.daemon import Daemon
from tests.rig.freezing import freeze, thaw

FROZEN = (0.05, 0.2, 0.5, 1.0, 2.5)  # seconds
FREE = (0.05, 0.7)  # seconds between, from and to


class Freezer(threading.Thread):
    """Freezes one worker after another; the clock, which is moved meanwhile, ends its leases."""

    def __init__(self, daemon: Daemon, lot: random.Random) -> None:
        super().__init__(daemon=True)
        self._daemon = daemon
        self._lot = lot
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(self._lot.uniform(*FREE)):
            if workers := self._daemon.workers if self._daemon.running else []:
                victim = [self._lot.choice(workers)]
                freeze(victim)
                self._ended.wait(self._lot.choice(FROZEN))
                thaw(victim)

    def end(self) -> None:
        """All workers run when this returns."""
        self._ended.set()
        self.join()
