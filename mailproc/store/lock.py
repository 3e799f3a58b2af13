"""Who runs the daemon on a SQLite store, and whether it ended well."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mailproc.store.connection import StoreBusy

_RUNNING = b"running\n"
_ENDED = b"ended\n"


class ServeLock:
    """An exclusive lock beside the store; a second daemon on the same store is refused.

    The file says whether the last holder ended well; it stays, so that nobody locks a deleted file.
    """

    def __init__(self, store: Path) -> None:
        """Take the lock; StoreBusy where another process holds it."""
        self._path = store.with_name(store.name + ".lock")
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreBusy(f"another mailproc serves {store} (it holds {self._path})") from error
        self.unclean = os.pread(self._file, 64, 0) == _RUNNING
        self._say(_RUNNING)

    def __enter__(self) -> ServeLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end(well=kind is None)

    def end(self, *, well: bool) -> None:
        """Let go; ``well`` says that everything was closed in order."""
        if well:
            self._say(_ENDED)
        os.close(self._file)

    def _say(self, text: bytes) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text, 0)
        os.fsync(self._file)
