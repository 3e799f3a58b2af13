"""A daemon whose customers stand in a real PostgreSQL: the mail goes on, whatever that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import peer_is_missing
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.sources import Postgres
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

DESK = "support@example.org"
SENDER = "ann@example.com"
STAGE = """
[stage.enrich.source.crm]
url     = "{url}"
query   = "SELECT name, tier FROM customer WHERE mail = :sender"
values  = ["name", "tier"]
note    = "{{{{ name }}}}, tier {{{{ tier }}}}"
tags    = ["tier-{{{{ tier }}}}"]
timeout = 1.0
cache   = 0.0

[stage.vip]
use  = "route"
when = "enrich.crm_tier == 2"
"""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    if lacking := Postgres.missing():
        peer_is_missing(f"{lacking} is not installed")
    server = Postgres()
    server.fill()
    yield server
    server.remove()


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon], postgres: Postgres) -> Daemon:
    tables = STAGE.format(url=postgres.url)
    made = make_daemon(tables=tables, chain=("automatic", "ticket", "enrich", "vip"))
    made.start()
    return made


def send(daemon: Daemon, number: int, sender: str = SENDER) -> None:
    with daemon.lmtp() as client:
        assert client.deliver(sender, [DESK], mail(number, sender=sender)) == ["250 2.0.0 Accepted"]


def noted(daemon: Daemon, number: str) -> list[str]:
    return [event["detail"] for event in daemon.ticket(number)["events"] if event["what"] == "noted"]


def test_what_postgresql_knows_stands_above_the_mail(daemon: Daemon) -> None:
    send(daemon, 1)
    daemon.settle()
    (ticket,) = daemon.tickets()
    assert ticket["tags"] == ["tier-2"]
    assert noted(daemon, ticket["ticket"]) == ["crm: Ann Ang, tier 2"]


@pytest.mark.parametrize("trouble", ["down", "hanging"])
def test_mail_goes_on_and_is_enriched_when_it_is_back(
    daemon: Daemon, postgres: Postgres, trouble: str
) -> None:
    if trouble == "down":
        postgres.stop()
    else:
        postgres.freeze()
    for number in range(4):
        send(daemon, number)
    assert daemon.settle()["new"] == 4
    assert [ticket["tags"] for ticket in daemon.tickets()] == [["crm-away"]] * 4
    if trouble == "down":
        postgres.start()
    else:
        postgres.thaw()
    enriched = [["tier-2"]] * 4
    eventually(lambda: [ticket["tags"] for ticket in daemon.tickets()] == enriched, seconds=120, every=1.0)
    shown = daemon.ticket(daemon.tickets()[0]["ticket"])
    assert [event["what"] for event in shown["events"]].count("enriched") == 1
    daemon.stop()


def test_ten_megabytes_and_a_lie_make_one_line_each(daemon: Daemon) -> None:
    send(daemon, 1, "huge@example.com")
    send(daemon, 2, "lars@example.com")
    daemon.settle()
    (huge,), (lie,) = (noted(daemon, ticket["ticket"]) for ticket in daemon.tickets())
    assert len(huge) < 600
    assert lie == "crm: <script>alert(1)</script> X-Mailproc-Ticket: 17 Lars, tier 3"
