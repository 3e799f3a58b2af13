"""Agents work in a folder on a real Dovecot: every gesture, every race, and what must not count as one."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.mails import mail
from tests.rig.team import Team, make_team
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

StartTeam = Callable[..., Team]
numbers = itertools.count(1)
MADE = ("Support/@alice", "Support/@bob", "Support/Problem")  # by the daemon, once it serves


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """One team for all tests of this file that disturb nobody."""
    dovecot = Dovecot(desks=("Support", "Sales"))
    dovecot.start()
    daemon = Daemon(tmp_path_factory.mktemp("office"))
    team = make_team(dovecot, daemon)
    daemon.start()
    eventually(lambda: all(map(team.client("alice").folder_exists, MADE)), every=0.1)
    yield team
    team.log_out()
    daemon.clean_up()
    dovecot.stop()


@pytest.fixture
def team(office: Team) -> Team:
    return office


@pytest.fixture
def number() -> int:
    """A mail of one's own."""
    return next(numbers)


def test_a_customers_mail_lies_in_new_octet_for_octet_below_our_header(team: Team, number: int) -> None:
    shown = team.write_and_see(number)
    head, _, original = shown.raw.partition(b"From: Customer")
    assert b"From: Customer" + original == mail(number)
    assert head.startswith(b"X-Mailproc-Id: m")
    row = team.row(number)
    assert row is not None
    assert f"X-Mailproc-Ticket: {row['number']}\r\n".encode() in head
    assert f"support+{row['number']}.".encode() in head


@pytest.mark.parametrize("agent", ["alice", "bob"])
def test_a_move_into_an_agents_folder_claims(team: Team, number: int, agent: str) -> None:
    team.write_and_see(number)
    team.move(number, f"Support/@{agent}", agent=agent)
    team.becomes(number, "claimed", agent)
    team.see(number, f"Support/@{agent}")


def test_one_ticket_through_every_folder(team: Team, number: int) -> None:
    team.write_and_see(number)
    for mailbox, state, owner in (
        ("Support/@alice", "claimed", "alice"),
        ("Support/@bob", "claimed", "bob"),
        ("Support/New", "new", ""),
        ("Support/Closed", "closed", ""),
        ("Support/@bob", "claimed", "bob"),
        ("Support/Snoozed/1d", "snoozed", "bob"),
        ("Support/Snoozed/answer", "snoozed", "bob"),
        ("Support/Spam", "spam", "bob"),
        ("Support/New", "new", ""),
    ):
        team.move(number, mailbox)
        team.becomes(number, state, owner)
        team.see(number, mailbox)


def test_all_mails_of_a_ticket_move_together(team: Team, number: int) -> None:
    first = team.write_and_see(number)
    second = next(numbers)
    team.write(second, headers=f"In-Reply-To: <mail-{number}@customer.example>\r\n", subject="Re: it")
    team.see(second, "Support/New")
    team.move(number, "Support/@alice")
    team.see(second, "Support/@alice")
    assert first.raw == team.see(number, "Support/@alice").raw


def test_a_customers_answer_brings_a_closed_ticket_back_to_new(team: Team, number: int) -> None:
    team.write_and_see(number)
    team.move(number, "Support/Closed")
    team.becomes(number, "closed")
    second = next(numbers)
    team.write(second, headers=f"In-Reply-To: <mail-{number}@customer.example>\r\n", subject="Re: it")
    team.see(number, "Support/New")
    team.see(second, "Support/New")


def test_what_waits_for_the_customer_comes_back_when_he_writes(team: Team, number: int) -> None:
    team.write_and_see(number)
    team.move(number, "Support/@alice")
    team.becomes(number, "claimed", "alice")
    team.move(number, "Support/Snoozed/answer")
    team.becomes(number, "snoozed", "alice")
    second = next(numbers)
    team.write(second, headers=f"In-Reply-To: <mail-{number}@customer.example>\r\n", subject="Re: it")
    team.see(number, "Support/@alice")
    team.see(second, "Support/@alice")


def test_another_desks_new_hands_the_ticket_over(team: Team, number: int) -> None:
    team.write_and_see(number)
    team.move(number, "Sales/New", agent="carol")
    team.becomes(number, "new")
    eventually(lambda: (team.row(number) or {})["desk"] == "sales", every=0.1)
    team.see(number, "Sales/New")
    assert team.find(number) == []


def test_deleting_is_undone_with_a_note(team: Team, number: int) -> None:
    shown = team.write_and_see(number)
    client = team.client("bob")
    client.select_folder("Support/New")
    client.delete_messages([shown.uid])
    client.uid_expunge([shown.uid])
    assert team.find(number) == []
    assert team.see(number, "Support/New").raw == shown.raw
    assert "restored" in team.events(number)


def test_a_folder_that_only_mailproc_fills_gives_the_mail_back(team: Team, number: int) -> None:
    team.write_and_see(number)
    team.move(number, "Support/Answered")
    eventually(lambda: "move_refused" in team.events(number), every=0.1)
    team.see(number, "Support/New")


def test_a_mail_from_an_inbox_becomes_a_ticket_of_its_author(team: Team, number: int) -> None:
    raw = mail(number, sender="dora@elsewhere.example", to="alice@example.org")
    team.client("alice").append("Support/@alice", raw)
    team.becomes(number, "claimed", "alice")
    row = team.row(number)
    assert row is not None
    assert row["customer"] == "dora@elsewhere.example"
    shown = team.see(number, "Support/@alice")
    assert shown.raw.startswith(b"X-Mailproc-Id: ")
    assert shown.raw.endswith(raw)


@pytest.mark.parametrize("header", ["m1.aaaaaaaaaa", "m999999.bbbbbbbbbb", "../etc/passwd", "m1"])
def test_a_forged_copy_goes_to_problem_and_changes_nothing(team: Team, number: int, header: str) -> None:
    raw = f"X-Mailproc-Id: {header}\r\nX-Mailproc-Ticket: 1\r\n".encode() + mail(number)
    team.client("bob").append("Support/@bob", raw)
    shown = team.see(number, "Support/Problem")
    assert shown.raw == raw
    assert team.row(number) is None


def test_the_agents_seen_marks_are_left_alone(team: Team, number: int) -> None:
    shown = team.write_and_see(number)
    client = team.client("alice")
    client.select_folder("Support/New")
    client.add_flags([shown.uid], ["\\Seen"])
    team.move(number, "Support/@alice")
    team.becomes(number, "claimed", "alice")
    moved = team.see(number, "Support/@alice")
    client.select_folder("Support/@alice")
    assert b"\\Seen" in client.get_flags([moved.uid])[moved.uid]


def race(team: Team, number: int) -> None:
    """Alice and Bob move the same mail at the same moment."""
    (shown,) = team.find(number)
    ready = threading.Barrier(2)

    def grab(agent: str) -> None:
        client = team.dovecot.client(agent)
        client.select_folder("Support/New")
        ready.wait()
        with suppress(client.Error):  # the server may tell the loser itself
            client.move([shown.uid], f"Support/@{agent}")
        client.logout()

    grabbers = [threading.Thread(target=grab, args=(agent,)) for agent in ("alice", "bob")]
    for grabber in grabbers:
        grabber.start()
    for grabber in grabbers:
        grabber.join()


def test_simultaneous_moves_end_with_one_copy_and_one_owner(team: Team) -> None:
    for _ in range(5):
        number = next(numbers)
        team.write_and_see(number)
        told = {agent: len(team.notices(agent)) for agent in ("alice", "bob")}
        race(team, number)
        eventually(lambda number=number: (team.row(number) or {})["owner"], every=0.1)  # type: ignore[misc]
        row = team.row(number)
        assert row is not None
        team.see(number, f"Support/@{row['owner']}")
        assert len(team.notices(row["owner"])) == told[row["owner"]]


def test_a_client_that_copies_and_deletes_claims_too(team: Team, number: int) -> None:
    shown = team.write_and_see(number)
    client = team.client("bob")
    client.select_folder("Support/New")
    client.copy([shown.uid], "Support/@bob")
    client.delete_messages([shown.uid])
    team.becomes(number, "claimed", "bob")
    client.select_folder("Support/New")
    client.expunge()
    team.see(number, "Support/@bob")
    (uid,) = [each.uid for each in team.find(number, "bob")]
    client.select_folder("Support/@bob")
    client.copy([uid], "Support/Closed")
    client.delete_messages([uid])  # and expunges it much later, as mutt does
    team.becomes(number, "closed", "bob")
    team.see(number, "Support/Closed")


def test_a_folder_that_was_deleted_is_made_and_filled_again(start_team: StartTeam) -> None:
    team = start_team(imap="restore_after = 3600.0\nfull_pass = 5.0")
    for each in (1, 2, 3):
        team.write_and_see(each)
    team.client("mailproc").delete_folder("Support/New")
    for each in (1, 2, 3):
        team.see(each, "Support/New")
        assert "restored" not in team.events(each)


def test_what_somebody_works_on_has_a_star_where_that_is_wanted(start_team: StartTeam) -> None:
    team = start_team(imap="stars = true")
    team.write_and_see(1)
    client = team.client("bob")

    def has_star(mailbox: str) -> bool:
        shown = team.see(1, mailbox)
        client.select_folder(mailbox)
        return b"\\Flagged" in client.get_flags([shown.uid])[shown.uid]

    team.move(1, "Support/@alice")
    eventually(lambda: has_star("Support/@alice"), every=0.2)
    team.move(1, "Support/New")
    eventually(lambda: not has_star("Support/New"), every=0.2)


def test_mail_that_comes_while_dovecot_is_away_is_shown_later(start_team: StartTeam) -> None:
    team = start_team()
    team.write_and_see(1)
    team.log_out()
    team.dovecot.down()
    for each in (2, 3):
        team.write(each)
    eventually(lambda: "the folder waits" in team.daemon.log())
    team.dovecot.up()
    for each in (1, 2, 3):
        team.see(each, "Support/New", seconds=60)
    assert team.daemon.log().count("the folder waits") <= 2  # one of each desk


@pytest.mark.parametrize(
    "name",
    ["folder.before_append", "folder.appended", "folder.recorded", "folder.decided", "folder.moved"],
)
def test_a_crash_leaves_one_copy(start_team: StartTeam, name: str) -> None:
    team = start_team(failpoint=f"{name}:kill9")
    team.write(1)
    if name == "folder.moved":
        team.see(1, "Support/New")
        team.move(1, "Support/Closed")
        team.becomes(1, "closed")
        team.write(2, headers="In-Reply-To: <mail-1@customer.example>\r\n", subject="Re: it")
    assert team.daemon.wait_for_death() == -signal.SIGKILL
    team.daemon.start()
    shown = team.see(1, "Support/New")
    assert shown.raw.endswith(mail(1))
    team.move(1, "Support/@alice")
    team.becomes(1, "claimed", "alice")
    team.see(1, "Support/@alice")


def test_a_crash_while_a_mail_is_taken_in_makes_one_ticket(start_team: StartTeam) -> None:
    team = start_team(failpoint="folder.taken_in:kill9")
    eventually(lambda: team.client("alice").folder_exists("Support/@alice"), every=0.2)
    team.client("alice").append("Support/@alice", mail(1))
    assert team.daemon.wait_for_death() == -signal.SIGKILL
    team.daemon.start()
    team.see(1, "Support/@alice")
    assert len(team.rows("SELECT id FROM ticket")) == 1
