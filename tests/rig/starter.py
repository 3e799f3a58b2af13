"""Daemons by fork(2) from a process that has imported mailproc: what they import takes a second of CPU.

Each runs ``mailproc`` with arguments, working folder, environment and output of its own, in a session of its
own, as one that was started by its name would.  Nothing of the daemon has been run before the fork.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from mailproc.cli import main

ROOT = Path(__file__).resolve().parents[2]
_MODULES = ("mailproc.cli.serve", "mailproc.pipeline.loader", "uvloop", "psycopg")
_MOST = 200_000  # octets of a request


class Forked:
    """A process that the starter made: the part of ``subprocess.Popen`` that tests need."""

    def __init__(self, told: int) -> None:
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, minus the signal's number; None where it runs."""
        return self._ended_within(0.0)

    def wait(self, timeout: float) -> int:
        status = self._ended_within(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return status

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _ended_within(self, seconds: float) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            with self._told:
                self.returncode = int(self._told.readline())
        return self.returncode


class Starter:
    """The process, for as many daemons as are wanted; made at the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel, self._other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def start(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: IO[bytes],
        log: IO[bytes],
    ) -> Forked:
        """Run ``mailproc ARGUMENTS``."""
        if self._process is None:
            self._begin()
        request = json.dumps([[*arguments], str(folder), {**environment}]).encode()
        told, tell = os.pipe()
        try:
            socket.send_fds(self._channel, [request], [output.fileno(), log.fileno(), tell])
        finally:
            os.close(tell)
        return Forked(told)

    def close(self) -> None:
        """The daemons go on."""
        self._other_end.close()
        self._channel.close()
        if self._process is not None:
            self._process.wait(30)

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rig.starter", str(self._other_end.fileno())],
            pass_fds=[self._other_end.fileno()],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._other_end.close()


# In the starter's process


class _Children:
    """Those that run, and where to tell the end of each."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}  # the pipe's end by process id

    def add(self, pid: int, tell: int) -> None:
        self._told[pid] = tell
        os.write(tell, b"%d\n" % pid)

    def reap(self) -> None:
        for pid in tuple(self._told):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                tell = self._told.pop(pid)
                os.write(tell, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(tell)

    def forget(self) -> None:
        """In a child: what the others' ends are told by is not its own."""
        for tell in self._told.values():
            os.close(tell)


def _serve(channel: socket.socket) -> list[str]:
    """Fork at each request; returns in the child, with its arguments.  The parent ends with the channel."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    children = _Children()
    while True:
        readable, _, _ = select.select([channel, woken], [], [])
        if woken in readable:
            woken.recv(4096)
        children.reap()
        if channel not in readable:
            continue
        request, fds, _, _ = socket.recv_fds(channel, _MOST, 3)
        if not request:
            sys.exit()
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            children.forget()
            for each in (channel, woken, wake):
                each.close()
            return _become(request, fds)
        children.add(pid, fds.pop())
        for fd in fds:
            os.close(fd)


def _become(request: bytes, fds: Sequence[int]) -> list[str]:
    """Take over what was asked for; the arguments."""
    arguments, folder, environment = json.loads(request)
    output, log, _ = fds
    os.setsid()
    os.chdir(folder)
    os.dup2(output, 1)
    os.dup2(log, 2)
    for fd in fds:
        os.close(fd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    return list(arguments)


if __name__ == "__main__":
    for module in _MODULES:
        importlib.import_module(module)
    begun = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = ["mailproc", *begun]
    main(begun, prog_name="mailproc")
