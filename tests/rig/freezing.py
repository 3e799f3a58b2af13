"""Stop a process where it stands, as a machine does that swaps, and let it go on."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.rig.waiting import eventually

# Stopped, stopped by a debugger, ended and not yet waited for, ended (proc(5)).
_AT_REST = frozenset("TtZX")


def freeze(pids: Iterable[int]) -> None:
    """Every thread of them stands when this returns: a signal alone leaves those that run some time more."""
    stopped = list(pids)
    send(stopped, signal.SIGSTOP)
    eventually(lambda: all(map(_is_at_rest, stopped)), every=0.001)


def kill(pids: Iterable[int]) -> None:
    """As a machine dies: all at the same moment, so that nobody hears of it from another."""
    family = list(pids)
    freeze(family)
    send(family, signal.SIGKILL)


def thaw(pids: Iterable[int]) -> None:
    send(pids, signal.SIGCONT)


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """A signal to all of them that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_at_rest(pid: int) -> bool:
    try:
        states = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return not Path(f"/proc/{pid}").exists()
    return all(state.rpartition(")")[2].split()[0] in _AT_REST for state in states)
