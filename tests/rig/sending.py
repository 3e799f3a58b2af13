"""Threads that send what has numbers, and each number again until it is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Sending:
    """How a number is sent, and how long to rest after it was not taken, are the subclass's."""

    def __init__(self, numbers: Iterable[int], *, sessions: int) -> None:
        self._waiting = list(numbers)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.taken: set[int] = set()
        self.refusals: list[str] = []  # what was said, where something was
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(sessions)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait until every number is taken; AssertionError when that takes longer."""
        for thread in self._threads:
            thread.join(seconds)
        stuck = not self.done
        self._stopped.set()
        assert not stuck, f"{len(self.taken)} taken, {self.refusals[-3:]}"

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _send(self, number: int) -> str | None:
        """Why it was not taken: '' when nobody said; None when it was.  Called by many threads at once."""
        raise NotImplementedError

    def _rest(self, refusal: str) -> float:
        """Seconds until this thread sends again."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if not self._waiting:
                    return
                number = self._waiting.pop()
            refusal = self._send(number)
            self._note(number, refusal)
            if refusal is not None:
                self._stopped.wait(self._rest(refusal))

    def _note(self, number: int, refusal: str | None) -> None:
        with self._lock:
            if refusal is None:
                self.taken.add(number)
                return
            self.refusals += [refusal] if refusal else []
            self._waiting.append(number)
