"""Agents' Drafts on a real Dovecot: soft locks, drafts with standard answers, and what is left alone."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest

from mailproc.mime.reader import Mail, read
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.sink import Sink
from tests.rig.staff import CHAIN, Staff, answer, make_staff
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

DRAFTS = "Drafts"
MASTER = 'password = "master"\nlogin = "master"\nmaster_user = "master"'
HEADERS_ONLY = (
    "(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS "
    "(Message-ID In-Reply-To References To Cc X-Mailproc-Draft)])"
)
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """Alice wants drafts and lets hers be seen; bob only lets his be seen; carol neither."""
    dovecot, sink = Dovecot(desks=("Support", "Sales")), Sink()
    dovecot.start()
    sink.start()
    staff = staff_of(
        dovecot, Daemon(tmp_path_factory.mktemp("office"), relay_port=sink.port, chain=CHAIN), sink
    )
    staff.daemon.start()
    yield staff
    staff.log_out()
    staff.daemon.clean_up()
    sink.stop()
    dovecot.stop()


def staff_of(
    dovecot: Dovecot,
    daemon: Daemon,
    sink: Sink,
    *,
    login: str = MASTER,
    alice: str = "drafts = true\ndraft_answers = true",
    bob: str = "drafts = true",
) -> Staff:
    staff = make_staff(dovecot, daemon, sink, imap="restore_after = 4.0\npoll = 0.5")
    text = daemon.configuration.read_text().replace('password = "mailproc"', login)
    text = text.replace("[agent.alice]", f"[agent.alice]\n{alice}")
    daemon.configuration.write_text(text.replace("[agent.bob]", f"[agent.bob]\n{bob}"))
    return staff


@pytest.fixture
def staff(office: Staff) -> Staff:
    return office


@pytest.fixture
def number() -> int:
    return next(numbers)


def save(
    staff: Staff, agent: str, letter: EmailMessage, *, mailbox: str = DRAFTS, instead: int | None = None
) -> int:
    """An agent's client saves a draft; the UID that it got."""
    client = staff.client(agent)
    text = client.append(mailbox, letter.as_bytes(), ["\\Draft"])
    if instead is not None:
        discard(staff, agent, instead, mailbox=mailbox)
    return int(text.partition(b"]")[0].split()[-1])


def discard(staff: Staff, agent: str, uid: int, *, mailbox: str = DRAFTS) -> None:
    client = staff.client(agent)
    client.select_folder(mailbox)
    client.delete_messages([uid])
    client.uid_expunge([uid])
    client.unselect_folder()


def drafts(staff: Staff, agent: str, number: int) -> dict[int, Mail]:
    """What lies in Drafts and answers this mail of a customer: some may vanish meanwhile."""
    client = staff.client(agent)
    client.select_folder(DRAFTS, readonly=True)
    uids = client.search(["UNDELETED", "HEADER", "In-Reply-To", f"<mail-{number}@customer.example>"])
    found = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
    client.unselect_folder()
    return {uid: read(fetched[b"BODY[]"]) for uid, fetched in found.items() if fetched[b"BODY[]"]}


def laid(staff: Staff, number: int) -> tuple[int, Mail]:
    """The draft that alice found for this mail."""

    def look() -> tuple[int, Mail] | None:
        found = drafts(staff, "alice", number)
        is_recorded = "draft_laid" in staff.events(number)
        return next(iter(found.items())) if found and is_recorded else None

    return eventually(look, every=0.2)


def teach(staff: Staff, number: int) -> None:
    """Bob answers a mail with the standard answer "water"."""
    staff.write_and_see(number)
    letter = EmailMessage()
    letter["Subject"] = "water"
    letter.set_content("Dear {{ customer.name }},\n\npour water on it.\n")
    client = staff.client("bob")
    if not client.folder_status("Support/Canned", ["MESSAGES"])[b"MESSAGES"]:
        client.append("Support/Canned", letter.as_bytes())
        eventually(lambda: staff.rows("SELECT name FROM canned"), every=0.1)
    staff.send("bob", answer("bob", number, "::water"))
    staff.becomes(number, "answered", "bob")


def test_a_draft_takes_a_ticket_that_nobody_has_and_its_end_frees_it(staff: Staff, number: int) -> None:
    staff.write_and_see(number)
    uid = save(staff, "bob", answer("bob", number))
    staff.becomes(number, "claimed", "bob")
    staff.see(number, "Support/@bob")
    assert staff.events(number)[-2:] == ["claimed", "drafting"]
    discard(staff, "bob", uid)
    staff.becomes(number, "new")
    staff.see(number, "Support/New")
    assert staff.events(number)[-2:] == ["released", "draft_gone"]


def test_a_draft_by_the_tickets_address_alone_counts_too(staff: Staff, number: int) -> None:
    shown = staff.write_and_see(number)
    letter = answer("bob", number, to=read(shown.raw).header("Reply-To"))
    del letter["In-Reply-To"]
    save(staff, "bob", letter)
    staff.becomes(number, "claimed", "bob")


def test_who_opted_out_is_left_alone(staff: Staff, number: int) -> None:
    staff.write_and_see(number)
    save(staff, "carol", answer("carol", number))
    other = next(numbers)
    staff.write_and_see(other)
    save(staff, "bob", answer("bob", other))
    staff.becomes(other, "claimed", "bob")
    staff.becomes(number, "new")


def test_who_drafts_for_another_agents_ticket_is_told_once(staff: Staff, number: int) -> None:
    staff.write_and_see(number)
    staff.move(number, "Support/@carol", agent="carol")
    staff.becomes(number, "claimed", "carol")
    uid = save(staff, "bob", answer("bob", number))
    row = staff.row(number)
    assert row is not None
    mark = f"drafting:bob:{row['id']}:"
    eventually(lambda: [key for key in staff.notices("bob") if key.startswith(mark)], every=0.1)
    save(staff, "bob", answer("bob", number, "Sand, then."), instead=uid)
    mine = f"carol has ticket {row['number']}"
    sent = eventually(
        lambda: [each for each in staff.to("bob@example.org") if str(each.message["Subject"]) == mine]
    )
    assert "carol works on it since" in sent[0].message.get_payload()
    discard_all(staff, "bob", number)
    eventually(
        lambda: not staff.rows("SELECT 1 FROM draft WHERE agent = 'bob' AND ticket = ?", row["id"]), every=0.2
    )
    assert len([key for key in staff.notices("bob") if key.startswith(mark)]) == 1
    staff.becomes(number, "claimed", "carol")


def discard_all(staff: Staff, agent: str, number: int) -> None:
    for uid in drafts(staff, agent, number):
        discard(staff, agent, uid)


def test_an_answer_keeps_what_its_draft_took(staff: Staff, number: int) -> None:
    staff.write_and_see(number)
    uid = save(staff, "bob", answer("bob", number))
    staff.becomes(number, "claimed", "bob")
    staff.send("bob", answer("bob", number))
    discard(staff, "bob", uid)
    row = staff.row(number)
    assert row is not None
    eventually(lambda: not staff.rows("SELECT 1 FROM draft WHERE ticket = ?", row["id"]), every=0.2)
    staff.becomes(number, "answered", "bob")


def test_who_takes_a_ticket_finds_a_draft_that_can_be_sent_as_it_is(staff: Staff, number: int) -> None:
    teach(staff, number)
    other = next(numbers)
    shown = staff.write_and_see(other)
    staff.move(other, "Support/@alice")
    _, draft = laid(staff, other)
    reply_to = read(shown.raw).reply_to
    assert reply_to is not None
    assert [box.address for box in draft.to] == [reply_to.address]
    assert draft.author is not None
    assert str(draft.author.address) == "alice@example.org"
    assert draft.subject == f"Re: Printer number {other}"
    assert draft.references == (f"<mail-{other}@customer.example>",)
    assert draft.text.startswith(
        f"Dear Customer {other},\n\npour water on it.\n\nOn 2026-11-21 20:00 UTC, Customer"
    )
    assert f"\n> Printer {other} is on fire." in draft.text
    letter = EmailMessage()
    for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "X-Mailproc-Draft"):
        letter[name] = draft.header(name)
    letter.set_content(draft.text)
    staff.send("alice", letter)
    staff.becomes(other, "answered", "alice")
    (sent,) = eventually(lambda: staff.to(f"customer{other}@customer.example"))
    assert "X-Mailproc-Draft" not in sent.message
    eventually(lambda: not drafts(staff, "alice", other), every=0.2)


def test_our_draft_goes_with_the_claim_and_one_that_was_changed_stays(staff: Staff, number: int) -> None:
    teach(staff, number)
    untouched, changed = next(numbers), next(numbers)
    for each in (untouched, changed):
        staff.write_and_see(each)
        staff.move(each, "Support/@alice")
    laid(staff, untouched)
    uid, draft = laid(staff, changed)
    letter = answer("alice", changed, "My own words.")
    letter["X-Mailproc-Draft"] = draft.header("X-Mailproc-Draft")
    own = save(staff, "alice", letter, instead=uid)
    for each in (untouched, changed):
        staff.see(each, "Support/@alice")
        staff.move(each, "Support/New")
    eventually(lambda: not drafts(staff, "alice", untouched), every=0.2)
    eventually(lambda: not staff.rows("SELECT 1 FROM laid_draft WHERE state = 'laid'"), every=0.2)
    assert list(drafts(staff, "alice", changed)) == [own]
    discard(staff, "alice", own)


def test_a_ticket_to_which_there_is_a_draft_already_gets_none(staff: Staff, number: int) -> None:
    teach(staff, number)
    other = next(numbers)
    staff.write_and_see(other)
    own = save(staff, "alice", answer("alice", other))
    staff.becomes(other, "claimed", "alice")
    staff.see(other, "Support/@alice")
    staff.move(other, "Support/New")
    staff.becomes(other, "new")
    staff.see(other, "Support/New")
    staff.move(other, "Support/@alice")
    row = staff.row(other)
    assert row is not None
    asked = "SELECT state FROM laid_draft WHERE ticket = ?"
    eventually(lambda: [each["state"] for each in staff.rows(asked, row["id"])] == ["over"], every=0.1)
    assert list(drafts(staff, "alice", other)) == [own]


StartStaff = Callable[..., Staff]


@pytest.fixture
def start_staff(
    make_dovecot: Callable[..., Dovecot], make_daemon: Callable[..., Daemon], sink: Sink
) -> Iterator[StartStaff]:
    """Starts staff of one's own."""
    made: list[Staff] = []

    def start(dovecot: Dovecot, *, failpoint: str = "", **options: str) -> Staff:
        made.append(staff_of(dovecot, make_daemon(relay_port=sink.port, chain=CHAIN), sink, **options))
        made[-1].daemon.start(failpoint)
        return made[-1]

    yield start
    for staff in made:
        staff.log_out()


def test_only_headers_are_read_of_what_an_agent_writes(
    make_dovecot: Callable[..., Dovecot], start_staff: StartStaff, number: int
) -> None:
    dovecot = make_dovecot(desks=("Support", "Sales"))
    said = dovecot.listen_in("bob")
    staff = start_staff(dovecot)
    staff.write_and_see(number)
    save(staff, "bob", answer("bob", number))
    staff.becomes(number, "claimed", "bob")
    fetches = [
        line for file in said.glob("*.in") for line in file.read_text().splitlines() if "FETCH" in line
    ]
    assert fetches
    assert [line for line in fetches if not line.endswith(HEADERS_ONLY)] == []


@pytest.mark.parametrize(("failpoint", "drafts_after"), [("draft.laying", 0), ("draft.appended", 1)])
def test_a_crash_lays_no_draft_twice(
    make_dovecot: Callable[..., Dovecot],
    start_staff: StartStaff,
    number: int,
    failpoint: str,
    drafts_after: int,
) -> None:
    staff = start_staff(make_dovecot(desks=("Support", "Sales")), failpoint=f"{failpoint}:kill9")
    teach(staff, number)
    other = next(numbers)
    staff.write_and_see(other)
    staff.move(other, "Support/@alice")
    assert staff.daemon.wait_for_death() == -signal.SIGKILL
    staff.daemon.start()
    asked = "SELECT state FROM laid_draft WHERE state NOT IN ('wanted', 'laying')"
    (state,) = eventually(lambda: [row["state"] for row in staff.rows(asked)], every=0.2)
    assert len(drafts(staff, "alice", other)) == drafts_after
    assert state == ("laid" if drafts_after else "over")


def test_while_the_server_is_away_no_lock_ends(
    make_dovecot: Callable[..., Dovecot], start_staff: StartStaff, number: int
) -> None:
    staff = start_staff(make_dovecot(desks=("Support", "Sales")))
    staff.write_and_see(number)
    uid = save(staff, "bob", answer("bob", number))
    staff.becomes(number, "claimed", "bob")
    staff.log_out()
    staff.dovecot.down()
    waits = "agent=bob imap=127.0.0.1:"
    eventually(lambda: waits in staff.daemon.log(), every=0.2)
    staff.dovecot.up()
    eventually(lambda: "agent=bob: the drafts' mailbox is watched again" in staff.daemon.log(), every=0.2)
    assert staff.daemon.log().count(waits) == 1
    staff.becomes(number, "claimed", "bob")
    discard(staff, "bob", uid)
    staff.becomes(number, "new", seconds=20.0)


def test_without_a_master_user_the_agent_lends_his_drafts(
    make_dovecot: Callable[..., Dovecot], start_staff: StartStaff, number: int
) -> None:
    dovecot = make_dovecot(desks=("Support", "Sales", "People"))
    with dovecot.client("mailproc") as client:
        client.create_folder("People/alice")
    own = 'drafts = true\ndrafts_folder = "People/alice"'
    staff = start_staff(dovecot, login='password = "mailproc"', alice=own, bob="")
    staff.write_and_see(number)
    uid = save(staff, "alice", answer("alice", number), mailbox="People/alice")
    staff.becomes(number, "claimed", "alice")
    discard(staff, "alice", uid, mailbox="People/alice")
    staff.becomes(number, "new")
