"""mailproc replay on the store of a running daemon."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.rig.daemon import Daemon
from tests.rig.mails import mail

DESK = "support@example.org"
YEARS_AGO = datetime(2020, 3, 4, 10, tzinfo=UTC).timestamp()
CHAIN = ("automatic", "ticket", "route", "acknowledge")
AGENTS = """\
agents = ["alice", "bob"]

[agent.alice]
[agent.bob]
"""
RULES = """
[[stage.route.rule]]
name = "printer"
when = "'Printer' in subject"
tag = "hardware"

[[stage.route.rule]]
name = "old"
when = "'number 2' in subject"
owner = "bob"
"""
CHANGED = """
[[stage.route.rule]]
name = "printer"
when = "'Printer' in subject"
tag = "hardware"

[[stage.route.rule]]
name = "new"
when = "'number 2' in subject"
owner = "alice"
tag = "second"
"""


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    """One that has filed three mails, the third a reply to the second."""
    daemon = make_daemon(chain=CHAIN)
    base = daemon.configuration.read_text() + AGENTS
    daemon.configuration.write_text(base + RULES)
    (daemon.folder / "new.toml").write_text(base + CHANGED)
    daemon.start()
    reply = (
        mail(2)
        .replace(b"mail-2@", b"mail-3@")
        .replace(b"Subject: ", b"In-Reply-To: <mail-2@customer.example>\r\nSubject: Re: ")
    )
    with daemon.lmtp() as client:
        for raw in (mail(1), mail(2), reply):
            client.deliver("carla@customer.example", [DESK], raw)
            daemon.settle()
    return daemon


def replay(daemon: Daemon, *arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    *differing, tally = daemon.cli("replay", *arguments)
    return differing, tally


def test_what_a_changed_rule_would_do_is_shown_rule_by_rule_and_nothing_is_done(daemon: Daemon) -> None:
    before = (daemon.status(), daemon.tickets())
    differing, tally = replay(daemon, "--config", str(daemon.folder / "new.toml"))
    opened, joined = differing
    assert opened["changes"] == {
        "owner": {"was": "bob", "would": "alice"},
        "tags": {"was": ["hardware"], "would": ["hardware", "second"]},
        "rules": {"was": ["printer", "old"], "would": ["printer", "new"]},
    }
    assert "owner" not in joined["changes"], "a follow-up changes no owner"
    assert (tally["mails"], tally["differ"]) == (3, 2)
    assert tally["rules"] == [
        {"rule": "printer", "was": 3, "would": 3},
        {"rule": "old", "was": 2, "would": 0},
        {"rule": "new", "was": 0, "would": 2},
    ]
    assert (daemon.status(), daemon.tickets()) == before


def test_the_chain_in_force_is_compared_with_what_was_done(daemon: Daemon) -> None:
    assert replay(daemon)[0] == []
    daemon.configuration.write_text((daemon.folder / "new.toml").read_text())
    (opened,), _ = replay(daemon)
    assert opened["changes"] == {"rules": {"was": ["printer", "old"], "would": ["printer", "new"]}}


def test_it_is_told_to_people_in_lines(daemon: Daemon) -> None:
    lines = daemon.output("replay", "--config", str(daemon.folder / "new.toml"), "--desk", "support").decode()
    assert "owner: bob -> alice" in lines
    assert "rules: -old  +new" in lines
    assert "2 of 3 mails would differ" in lines
    assert "rule new: 0 -> 2 mails" in lines


def test_only_mail_since_then_is_replayed(daemon: Daemon) -> None:
    with pytest.raises(AssertionError, match="to come"):
        daemon.output("replay", "--since", "2100-01-01")
    assert replay(daemon, "--since", "1m")[1]["mails"] == 3


def test_a_wrong_configuration_and_a_missing_store_are_told(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    site = make_daemon()
    with pytest.raises(AssertionError, match="no store yet"):
        site.output("replay")
    (tmp_path / "wrong.toml").write_text("[desk.support]\n")
    with pytest.raises(AssertionError, match="needs at least one address"):
        site.output("replay", "--config", str(tmp_path / "wrong.toml"))


def test_who_was_absent_on_a_moved_clock_is_absent_again(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.touch()
    os.utime(clock, (YEARS_AGO, YEARS_AGO))
    daemon = make_daemon(chain=CHAIN, environment={"MAILPROC_CLOCK": str(clock)})
    base = daemon.configuration.read_text() + AGENTS
    daemon.configuration.write_text(base + RULES)
    (daemon.folder / "new.toml").write_text(base + CHANGED)
    daemon.start()
    daemon.output("agent", "absent", "bob", "--to", "2020-03-06")
    with daemon.lmtp() as client:
        client.deliver("carla@customer.example", [DESK], mail(2))
    daemon.settle()
    assert [ticket["owner"] for ticket in daemon.tickets()] == [None]
    (opened,), _ = replay(daemon, "--config", str(daemon.folder / "new.toml"))
    assert opened["changes"]["owner"] == {"was": None, "would": "alice"}
