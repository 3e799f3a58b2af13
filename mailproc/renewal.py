"""A changed configuration, checked as ``mailproc check`` does it, for a daemon that goes on meanwhile.

The check runs in a process of its own: it executes the site's filters, and whatever they do must not touch
the supervisor, which can have no threads.  A wrong configuration is logged with all its mistakes.
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from mailproc.check.load import load
from mailproc.config import ConfigurationError, Loaded
from mailproc.supervisor import CannotRenew

log = logging.getLogger("mailproc.reload")

LONGEST = 30.0  # seconds for the check
LOOK = 0.1  # seconds between two looks whether the daemon is to end
KEPT = ("store", "bucket", "data_dir")  # what stays as it is until a restart


def renewed(old: Loaded, environment: Mapping[str, str], *, longest: float = LONGEST) -> Loaded:
    """The configuration as the file says it now, or CannotRenew.  Only for a process without threads."""
    match _in_a_child(old.path, environment, longest):
        case Loaded() as new:
            for warning in new.warnings:
                log.warning("%s", warning)
            return _with_what_is_kept(old, new)
        case tuple() as mistakes:
            for mistake in mistakes:
                log.error("%s", mistake)
            raise CannotRenew(f"{old.path} has mistakes: {len(mistakes)}")
        case _:
            raise CannotRenew(f"the check of {old.path} did not come to an end")


def _with_what_is_kept(old: Loaded, new: Loaded) -> Loaded:
    for name in KEPT:
        if getattr(new.config, name) != getattr(old.config, name):
            log.warning("%s: changes only at a restart, the old value stays", name)
    kept = {name: getattr(old.config, name) for name in KEPT}
    return Loaded(new.path, replace(new.config, **kept), new.warnings)


def _in_a_child(
    path: Path, environment: Mapping[str, str], longest: float
) -> Loaded | tuple[str, ...] | None:
    """What the check says: a configuration, its mistakes, or None where it did not end well."""
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        _check_and_end(path, environment, sink)
    os.close(sink)
    try:
        octets = _read_all(source, time.monotonic() + longest)
    finally:
        os.close(source)
        os.kill(pid, signal.SIGKILL)  # it has said all, or was given up
        os.waitpid(pid, 0)
    return pickle.loads(octets) if octets else None  # our own child wrote it


def _check_and_end(path: Path, environment: Mapping[str, str], sink: int) -> None:
    try:
        octets = pickle.dumps(_check(path, environment))
        with os.fdopen(sink, "wb") as pipe:
            pipe.write(octets)
    except BaseException:
        log.exception("check of %s", path)
    finally:
        os._exit(0)


def _check(path: Path, environment: Mapping[str, str]) -> Loaded | tuple[str, ...]:
    try:
        return load(path, environment)
    except ConfigurationError as error:
        return error.lines


def _read_all(source: int, until: float) -> bytes:
    """Nothing where it takes too long, or where the daemon is told to end meanwhile."""
    octets = b""
    while time.monotonic() < until and not signal.sigpending() & {signal.SIGTERM, signal.SIGINT}:
        if select.select([source], [], [], LOOK)[0]:
            block = os.read(source, 1 << 16)
            if not block:
                return octets
            octets += block
    return b""
