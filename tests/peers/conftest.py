"""Teams for the tests with a real IMAP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.sink import Sink
from tests.rig.staff import CHAIN, Staff, make_staff
from tests.rig.team import Team, make_team


@pytest.fixture
def start_team(
    make_dovecot: Callable[..., Dovecot], make_daemon: Callable[..., Daemon]
) -> Iterator[Callable[..., Team]]:
    """Starts teams of one's own.

    ``failpoint`` is for the daemon's first run, ``server`` are arguments of ``Dovecot``, all others are those
    of ``make_team``.
    """
    made: list[Team] = []

    def start(*, failpoint: str = "", server: Mapping[str, object] | None = None, **options: object) -> Team:
        dovecot = make_dovecot(desks=("Support", "Sales"), **(server or {}))
        made.append(make_team(dovecot, make_daemon(), **options))  # type: ignore[arg-type]  # handed through
        made[-1].daemon.start(failpoint)
        return made[-1]

    yield start
    for team in made:
        team.log_out()


@pytest.fixture
def start_staff(
    make_dovecot: Callable[..., Dovecot], make_daemon: Callable[..., Daemon], sink: Sink
) -> Iterator[Callable[..., Staff]]:
    """The same with staff, who send what they write; arguments are those of ``make_staff``."""
    made: list[Staff] = []

    def start(*, server: Mapping[str, object] | None = None, **options: object) -> Staff:
        dovecot = make_dovecot(desks=("Support", "Sales"), **(server or {}))
        made.append(make_staff(dovecot, make_daemon(relay_port=sink.port, chain=CHAIN), sink, **options))  # type: ignore[arg-type]  # handed through
        made[-1].daemon.start()
        return made[-1]

    yield start
    for staff in made:
        staff.log_out()
