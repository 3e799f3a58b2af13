"""Starts a daemon again whenever it has died, each time to die at another fail point."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable

from tests.rig.daemon import Daemon


class Attendant:
    """``deaths`` are what ``MAILPROC_FAILPOINT`` says in each run but the last, which is left to live."""

    def __init__(self, daemon: Daemon, deaths: Iterable[str]) -> None:
        self._daemon = daemon
        self._deaths = list(deaths)
        self._off_duty = threading.Event()
        self._thread = threading.Thread(target=self._attend, daemon=True)
        self.statuses: list[int] = []  # with which it ended

    def __enter__(self) -> Attendant:
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._off_duty.set()
        self._thread.join(60)

    @property
    def is_done(self) -> bool:
        """Has it died all its deaths, and lives?"""
        return len(self.statuses) == len(self._deaths)

    @property
    def waits_for(self) -> str:
        """The fail point that is armed now, or ''."""
        number = len(self.statuses)
        return self._deaths[number] if number < len(self._deaths) else ""

    def _attend(self) -> None:
        while not self._off_duty.wait(0.02):
            if not self._daemon.running:
                self.statuses.append(self._daemon.wait_for_death())
                self._start()

    def _start(self) -> None:
        """It may die before it is ready."""
        while not self._daemon.start_to_crash(self.waits_for):
            status = self._daemon.wait_for_death()
            assert status == -signal.SIGKILL, self._daemon.log()
            self.statuses.append(status)
