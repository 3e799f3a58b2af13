"""``mailproc serve`` as a process of its own, and the command line beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from mailproc.cli import main
from tests.rig.lmtp import LmtpClient
from tests.rig.ports import free_port
from tests.rig.processes import children
from tests.rig.starter import Forked, Starter
from tests.rig.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]

# `chain` stands last in the desk's table, so that a test can add keys after it.
CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "{data_dir}"
{top}
[store]
url = "{store}"
{store_keys}

[lmtp]
listen = ["{address}:{lmtp_port}"]
{tables}
[desk.support]
name = "Example Support"
addresses = ["support@example.org", "help@example.org"]
chain = [{chain}]
"""
_ONE_AT_A_TIME = threading.Lock()  # a command that runs in this process has its standard output

CORE_CHAIN = ("automatic", "ticket", "acknowledge")


class Daemon:
    """One site in ``folder``.  ``top`` is TOML before the first table, ``tables`` further tables, ``store`` a
    URL, by default of a file below ``data_dir``, and ``store_keys`` what stands beside it.

    ``environment`` is for the daemon and the commands, beside that of the tests; mail comes in at ``address``
    and ``lmtp_port``.  Without a ``starter`` the daemon is executed by its name.
    """

    def __init__(
        self,
        folder: Path,
        *,
        relay_port: int | None = None,
        data_dir: str = "state",
        store: str = "",
        store_keys: str = "",
        top: str = "",
        tables: str = "",
        chain: tuple[str, ...] = CORE_CHAIN,
        environment: Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
        lmtp_port: int | None = None,
        starter: Starter | None = None,
    ) -> None:
        self.folder = folder
        self._starter = starter
        self._more = dict(environment or {})
        self.lmtp_port = lmtp_port or free_port()
        self.configuration = folder / "mailproc.toml"
        self.database = folder / data_dir / "mailproc.db"
        self._log = folder / "log"
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        relay = f'[relay]\naddress = "127.0.0.1:{relay_port}"\n' if relay_port else ""
        self.configuration.write_text(
            CONFIGURATION.format(
                data_dir=data_dir,
                store_keys=store_keys,
                store=store or f"sqlite:{data_dir}/mailproc.db",
                top=top,
                tables=tables + relay,
                address=address,
                lmtp_port=self.lmtp_port,
                chain=", ".join(f'"{stage}"' for stage in chain),
            )
        )

    def start(self, failpoint: str = "") -> None:
        """Returns when the daemon has said READY=1; AssertionError with its log where it ends before that.

        ``failpoint`` is armed in this run only, as ``MAILPROC_FAILPOINT`` wants it: ``name:kill9``.
        """
        assert self.start_to_crash(failpoint), f"the daemon did not get ready:\n{self.log()}"

    def start_to_crash(self, failpoint: str) -> bool:
        """As ``start``, but says whether the daemon got ready: it may have died on the way."""
        self._notify.close()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"mailproc-test-{uuid.uuid4().hex}"
        self._notify.bind(f"\0{name}")
        self._process = self._begin(
            {**self._environment(), "NOTIFY_SOCKET": f"@{name}", "MAILPROC_FAILPOINT": failpoint}
        )
        return self.says(b"READY=1", seconds=30)

    def _begin(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | Forked:
        with self._log.open("ab") as log, self._output.open("wb") as output:
            if self._starter is not None:
                arguments = ["-c", str(self.configuration), "serve"]
                return self._starter.start(
                    arguments, folder=self.folder, environment=environment, output=output, log=log
                )
            return subprocess.Popen(
                [*self._command(), "serve"],
                stdout=output,
                stderr=log,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )

    def says(self, wanted: bytes, *, seconds: float) -> bool:
        """Whether the daemon tells its service manager this within the time and before it ends."""
        self._notify.settimeout(0.2)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if wanted in self._notify.recv(4096).split(b"\n"):
                    return True
            except TimeoutError:
                if not self.running:
                    break
        return False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """Their process ids; none where the daemon has ended."""
        return children(self.pid)

    @property
    def processes(self) -> list[int]:
        """The supervisor's process id and its workers'."""
        return [self.pid, *self.workers]

    def stop(self) -> None:
        """SIGTERM, and an exit status of 0 within the time that systemd would give."""
        status = self.terminate()
        assert status == 0, f"exit status {status}\n{self.log()}"

    def terminate(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def kill9(self) -> None:
        """A power cut but for the disk: the daemon and all its children at once."""
        assert self._process is not None
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(30)
        eventually(lambda: not self._has_workers())  # killed too, but not waited for by anybody

    def _has_workers(self) -> bool:
        """Whether any process of the daemon's group still runs."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.pid and state != "Z":
                    return True
        return False

    def wait_for_death(self) -> int:
        """Until the daemon has ended by itself, as at an armed fail point; minus the signal's number."""
        assert self._process is not None
        return self._process.wait(60)

    def serve_beside(self) -> int:
        """The exit status of a second ``serve`` with the same configuration."""
        second = subprocess.run(
            [*self._command(), "serve"], capture_output=True, timeout=60, check=False, env=self._environment()
        )
        return second.returncode

    def leave_unsupervised(self) -> None:
        """The service manager goes away."""
        self._notify.close()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def clean_up(self) -> None:
        self._notify.close()
        if self.running:
            self.kill9()

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def lmtp(self) -> LmtpClient:
        return LmtpClient(self.lmtp_port)

    def printed(self) -> str:
        """What the last run wrote to standard output."""
        return self._output.read_text()

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "mailproc", "-c", str(self.configuration)]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._more, "PYTHONPATH": str(ROOT)}

    def output(self, *arguments: str) -> bytes:
        """Standard output of a command; AssertionError with what it complained of when it fails.

        It runs in this process, which has imported everything already, and in a thread, because a command
        has an event loop of its own.
        """
        with ThreadPoolExecutor(1) as thread, _ONE_AT_A_TIME:
            done = thread.submit(
                CliRunner(env={"MAILPROC_FAILPOINT": None, **self._more}).invoke,
                main,
                ["-c", str(self.configuration), *arguments],
                prog_name="mailproc",
            ).result()
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code:
            raise AssertionError(f"{arguments}: exit {done.exit_code}\n{done.stderr}")
        return done.stdout_bytes

    def cli(self, *arguments: str) -> list[dict[str, Any]]:
        """The JSON lines of a command."""
        return [json.loads(line) for line in self.output(*arguments, "--json").splitlines()]

    def status(self) -> dict[str, Any]:
        (status,) = self.cli("status")
        return status

    def tickets(self) -> list[dict[str, Any]]:
        return self.cli("ticket", "list")

    def ticket(self, number: str) -> dict[str, Any]:
        (ticket,) = self.cli("ticket", "show", number)
        return ticket

    def settle(self, *, seconds: float = 60.0) -> dict[str, Any]:
        """The status as soon as no delivery waits for the chain any more."""
        return eventually(lambda: None if (now := self.status())["waiting"] else now, seconds=seconds)
