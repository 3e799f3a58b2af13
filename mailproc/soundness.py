"""Is the store's file sound?  Asked before listening after an unclean end, else beside the work."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

from mailproc.store.connection import StoreDamaged
from mailproc.store.sqlite import quick_check

log = logging.getLogger("mailproc.soundness")


class StoreCheck:
    """SQLite's own check of one file; it reads all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._problems: list[str] = []

    def before_listening(self) -> None:
        """StoreDamaged where mail would be written into a broken file."""
        if not self._path.exists():
            return
        log.info("store=%s was not closed in order: checking it", self._path)
        self._read()
        self._judge()

    def in_background(self) -> None:
        """Begin; SIGTERM to this process where the file is damaged, and ``stop`` says it."""
        self._thread = threading.Thread(target=self._run, name="mailproc-check")
        self._thread.start()

    def stop(self) -> None:
        """StoreDamaged where that was found: such an end is not in order, and the next start looks first."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._judge()

    def _run(self) -> None:
        self._read()
        if self._problems:
            signal.raise_signal(signal.SIGTERM)  # Postfix keeps the mail

    def _read(self) -> None:
        self._problems = quick_check(self._path, self._stopped.is_set)
        for problem in self._problems:
            log.critical("store=%s damaged=%r", self._path, problem)
        if not self._problems and not self._stopped.is_set():
            log.info("store=%s is sound", self._path)

    def _judge(self) -> None:
        if self._problems:
            raise StoreDamaged(f"{self._path} is damaged ({self._problems[0]}): restore a backup")
