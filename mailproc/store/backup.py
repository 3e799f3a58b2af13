"""A consistent copy of a SQLite store while it is in use, and back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from mailproc.store.connection import StoreDamaged
from mailproc.store.sqlite import connect, quick_check, store_error

_PAGES = 1000  # copied between two looks at the progress


def copy_store(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy a store; ``progress`` gets pages left and pages in all.  The copy is checked and fsynced."""
    try:
        reader = connect(source)
        try:
            writer = sqlite3.connect(target)
            try:
                reader.backup(writer, pages=_PAGES, progress=lambda _, left, total: progress(left, total))
                writer.execute("PRAGMA journal_mode = DELETE")  # one file, no WAL beside it
            finally:
                writer.close()
        finally:
            reader.close()
    except sqlite3.Error as error:
        raise store_error(error) from error
    check_sound(target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def check_sound(path: Path) -> None:
    """Raise StoreDamaged unless the file is a sound SQLite database."""
    if problems := quick_check(path):
        raise StoreDamaged(f"{path}: {problems[0]}")
