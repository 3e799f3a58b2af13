"""The folder's server has faults, or can do little: nothing is lost, intake goes on, it comes right again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rig.mails import mail
from tests.rig.team import Team
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

StartTeam = Callable[..., Team]
EVERYTHING = (
    "MOVE",
    "NOTIFY",
    "CONDSTORE",
    "QRESYNC",
    "UIDPLUS",
    "IDLE",
    "MULTIAPPEND",
    "LIST-STATUS",
    "LITERAL+",
)


def carry(team: Team, number: int, target: str, *, agent: str = "alice") -> None:
    """A move by a client that knows no MOVE."""
    (shown,) = team.find(number, agent)
    client = team.client(agent)
    client.select_folder(shown.mailbox)
    client.copy([shown.uid], target)
    client.delete_messages([shown.uid])
    client.expunge()


@pytest.mark.parametrize("hidden", [("NOTIFY",), ("MOVE", "UIDPLUS"), ("CONDSTORE", "QRESYNC"), EVERYTHING])
def test_a_server_that_can_do_less_is_enough(start_team: StartTeam, hidden: tuple[str, ...]) -> None:
    team = start_team(server={"hide": hidden}, imap="poll = 0.5\nrestore_after = 4.0")
    team.write_and_see(1)
    for mailbox, state, owner in (
        ("Support/@alice", "claimed", "alice"),
        ("Support/@bob", "claimed", "bob"),
        ("Support/Closed", "closed", "bob"),
        ("Support/New", "new", ""),
    ):
        carry(team, 1, mailbox)
        team.becomes(1, state, owner)
        team.see(1, mailbox)
    team.write(2, headers="In-Reply-To: <mail-1@customer.example>\r\n", subject="Re: it")
    team.see(2, "Support/New")
    carry(team, 2, "Support/@bob")
    team.see(1, "Support/@bob")
    team.see(2, "Support/@bob")


def test_without_condstore_a_mark_of_deletion_is_seen_before_a_race_is_decided(start_team: StartTeam) -> None:
    team = start_team(server={"hide": ("CONDSTORE", "QRESYNC", "NOTIFY")}, imap="poll = 0.5")
    team.write_and_see(1)
    carry(team, 1, "Support/@alice")
    team.becomes(1, "claimed", "alice")
    shown = team.see(1, "Support/@alice")
    client = team.client("bob")
    client.select_folder("Support/@alice")
    client.copy([shown.uid], "Support/@bob")
    client.delete_messages([shown.uid])  # and never expunged
    team.becomes(1, "claimed", "bob")
    team.see(1, "Support/@bob")
    assert team.notices("bob") == []


def test_a_folder_over_quota_waits_and_says_so_once(start_team: StartTeam) -> None:
    team = start_team(server={"quota": 400})
    team.write_and_see(1)
    for number in range(2, 8):
        team.write(number, size=150_000)
    eventually(lambda: "OVERQUOTA" in team.daemon.log())
    team.write(8)  # a small one has room, and does not wait for the large ones
    team.see(8, "Support/New")
    assert team.daemon.log().count("OVERQUOTA") == 1
    assert len(team.rows("SELECT id FROM ticket")) == 8
    shown = [number for number in range(2, 8) if team.find(number)]
    assert 0 < len(shown) < 6


def test_a_mail_larger_than_the_server_takes_is_told_of(start_team: StartTeam) -> None:
    team = start_team(server={"quota": 100_000, "largest_mail": "100k"})
    team.write(1, size=200_000)
    shown = team.see(1, "Support/New")
    assert b"too large" in shown.raw
    row = team.row(1)
    assert row is not None
    assert f"mailproc ticket raw {row['number']}".encode() in shown.raw
    team.move(1, "Support/@bob")
    team.becomes(1, "claimed", "bob")


def test_rights_that_were_taken_away_are_told_of_and_waited_for(start_team: StartTeam) -> None:
    team = start_team()
    team.write_and_see(1)
    team.log_out()
    team.dovecot.give("Support", rights="authenticated lrwstie\nuser=mailproc lr\n")
    team.dovecot.restart()  # it keeps rights for a while
    team.write(2)
    eventually(lambda: "NOPERM" in team.daemon.log())
    team.write(3)
    eventually(lambda: len(team.rows("SELECT id FROM ticket")) == 3)
    team.dovecot.give("Support")
    team.dovecot.restart()
    for number in (1, 2, 3):
        team.see(number, "Support/New", seconds=60)


def test_a_server_that_hangs_keeps_no_mail_from_coming_in(start_team: StartTeam) -> None:
    team = start_team(timeout=2.0)
    team.write_and_see(1)
    team.log_out()
    team.dovecot.freeze()
    for number in (2, 3, 4):
        team.write(number)
    eventually(lambda: len(team.rows("SELECT id FROM ticket")) == 4)
    eventually(lambda: "the folder waits" in team.daemon.log())
    team.dovecot.thaw()
    for number in (1, 2, 3, 4):
        assert team.see(number, "Support/New", seconds=60).raw.endswith(mail(number))


def test_moves_made_while_the_daemon_was_away_take_effect_when_it_is_back(start_team: StartTeam) -> None:
    team = start_team()
    for number in range(1, 7):
        team.write_and_see(number)
    team.daemon.stop()
    for number in (1, 2):
        team.move(number, "Support/@alice")
    for number in (3, 4):
        team.move(number, "Support/Closed")
    client = team.client("bob")
    for number in (5, 6):
        (shown,) = team.find(number, "bob")
        client.select_folder("Support/New")
        client.copy([shown.uid], "Support/@bob")
    team.daemon.start()
    for number, state, owner, mailbox in (
        (1, "claimed", "alice", "Support/@alice"),
        (2, "claimed", "alice", "Support/@alice"),
        (3, "closed", "", "Support/Closed"),
        (4, "closed", "", "Support/Closed"),
        (5, "claimed", "bob", "Support/@bob"),
        (6, "claimed", "bob", "Support/@bob"),
    ):
        team.becomes(number, state, owner)
        team.see(number, mailbox)
