"""What all tests share: the rules for tests that need more than Python, and a site to test on.

A test marked ``peers`` needs a real server.  Where that is missing the test is skipped and says how to get
it; with CI=true it fails, so that nothing is left out unseen.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.ports import free_port
from tests.rig.postfix import PATH, Postfix
from tests.rig.s3 import S3Server
from tests.rig.sink import Sink
from tests.rig.starter import Starter
from tests.rig.store_server import StoreServer

CORPUS = "MAILPROC_CORPUS"


def pytest_configure() -> None:
    """Every daemon that a test starts would compile all of mailproc anew where bytecode is not kept."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)  # before the markers are looked at
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Soak tests run only where asked for; corpus tests say what they miss; properties are marked."""
    if CORPUS not in os.environ:
        missing = pytest.mark.skip(reason=f"set ${CORPUS} to the folder of the mail corpus")
        for item in items:
            if item.get_closest_marker("corpus"):
                item.add_marker(missing)
    for item in items:
        if getattr(getattr(item, "function", None), "is_hypothesis_test", False):
            item.add_marker("property")
    if "soak" not in config.option.markexpr:
        soak = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]


def peer_is_missing(what: str) -> None:
    """Skip this test, or fail it in CI."""
    reason = f"{what} (as root on Debian: make peers)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the mail corpus; for tests marked ``corpus``."""
    return Path(os.environ[CORPUS])


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """Forks daemons; for all tests of a process."""
    starter = Starter()
    yield starter
    starter.close()


@pytest.fixture
def make_daemon(tmp_path: Path, starter: Starter) -> Iterator[Callable[..., Daemon]]:
    """Makes daemons (not started), each in a folder of its own; arguments as those of ``Daemon``."""
    made: list[Daemon] = []

    def make(**options: object) -> Daemon:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        made.append(Daemon(folder, starter=starter, **options))  # type: ignore[arg-type]  # handed through
        return made[-1]

    yield make
    for daemon in made:
        daemon.clean_up()


@pytest.fixture(scope="session")
def store_server() -> Iterator[StoreServer]:
    """A PostgreSQL for stores, which all tests of a process share."""
    yield from _store_server()


@pytest.fixture
def own_server() -> Iterator[StoreServer]:
    """One of the test's own, to be ended and frozen."""
    yield from _store_server()


def _store_server() -> Iterator[StoreServer]:
    if os.geteuid() != 0:
        peer_is_missing("PostgreSQL can only be started by root, who gives it a user of its own")
    if lacking := StoreServer.missing():
        peer_is_missing(f"{lacking} is not installed")
    # Without fsync: servers crash here, and the machine does not; making a schema syncs a hundred files.
    server = StoreServer()
    yield server
    server.remove()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where customers' mail ends; listening."""
    sink = Sink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """An S3 server, running; a request that was signed wrongly and is left in ``unsigned`` fails the test."""
    server = S3Server()
    server.start()
    yield server
    server.stop()
    assert not server.unsigned


@pytest.fixture
def make_postfix(sink: Sink) -> Iterator[Callable[..., Postfix]]:
    """Makes Postfixes (not started) that send the customers' mail to the sink; arguments as those of
    ``Postfix``."""
    made: list[Postfix] = []
    if os.geteuid() != 0:
        peer_is_missing("Postfix can only be started by root")
    if not shutil.which("postfix", path=PATH):
        peer_is_missing("Postfix is not installed")

    def make(**options: object) -> Postfix:
        made.append(Postfix(sink_port=sink.port, **options))  # type: ignore[arg-type]  # handed through
        return made[-1]

    yield make
    for postfix in made:
        postfix.stop()


@pytest.fixture
def make_dovecot() -> Iterator[Callable[..., Dovecot]]:
    """Makes running Dovecots; arguments as those of ``Dovecot``."""
    made: list[Dovecot] = []
    if os.geteuid() != 0:
        peer_is_missing("Dovecot's login processes can only be started by root")
    if not shutil.which("dovecot", path=PATH):
        peer_is_missing("Dovecot is not installed")

    def make(**options: object) -> Dovecot:
        dovecot = Dovecot(**options)  # type: ignore[arg-type]  # handed through
        made.append(dovecot)
        dovecot.start()
        return dovecot

    yield make
    for dovecot in made:
        dovecot.stop()


@pytest.fixture
def dovecot(make_dovecot: Callable[..., Dovecot]) -> Dovecot:
    return make_dovecot()


@dataclass(frozen=True)
class Site:
    """Postfix, mailproc behind it, and the customers."""

    postfix: Postfix
    daemon: Daemon
    sink: Sink


@pytest.fixture
def make_site(
    make_daemon: Callable[..., Daemon], make_postfix: Callable[..., Postfix], sink: Sink
) -> Callable[..., Site]:
    """Makes running sites; ``settings`` are lines for main.cf, other arguments those of ``Daemon``."""

    def make(*, settings: str = "", **options: object) -> Site:
        relay_port = free_port()
        daemon = make_daemon(relay_port=relay_port, **options)
        postfix = make_postfix(lmtp_port=daemon.lmtp_port, relay_port=relay_port, settings=settings)
        postfix.start()
        daemon.start()
        return Site(postfix, daemon, sink)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
