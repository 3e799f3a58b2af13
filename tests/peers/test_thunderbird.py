"""Two agents with Thunderbird, in a display without a screen: what they do all day, done with a mouse.

``MAILPROC_PICTURES=docs/howto/agents/pictures`` records the manual's pictures anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig import screen as screens
from tests.rig import thunderbird as clients
from tests.rig.injector import deliver
from tests.rig.mails import mail, subject_of
from tests.rig.screen import Screen
from tests.rig.staff import Staff
from tests.rig.thunderbird import IDENTITY, Thunderbird
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.soak, pytest.mark.timeout(300)]

PICTURES = os.environ.get("MAILPROC_PICTURES", "")
SUBJECT = "Printer does not print"
CARLA = "carla@customer.example"
QUESTION = (
    mail(1, subject=SUBJECT, sender=CARLA)
    .replace(b"Customer 1 <", b"Carla <")
    .replace(
        b"Printer 1 is on fire.", b"Hello,\r\n\r\nsince this morning our printer only blinks.\r\n\r\nCarla"
    )
)
# Who wrote what about what, and whose it becomes.
MAILS = (
    ("Carla", "My invoice for October is missing", "could you send it once more?", ""),
    ("Dora", "Order 4711 came twice", "what shall I do with the second one?", "alice"),
    ("Emil", "Where is my parcel?", "it should have been here on Monday.", ""),
    ("Frank", "Printer does not print", "since this morning it only blinks.", "bob"),
    ("Greta", "New address", "we moved house, please write it down.", "alice"),
)
FOLDERS = (
    *("New", "@alice", "@bob", "Answered", "Closed", "Spam", "Problem", "Canned"),
    *("Snoozed/1d", "Snoozed/3d", "Snoozed/1w", "Snoozed/answer"),
)
StartClient = Callable[..., Thunderbird]


@pytest.fixture
def screen() -> Iterator[Screen]:
    """Not among the peers that `make peers` installs: they are half a gigabyte for one walk."""
    wanted = {**clients.PROGRAMS, **screens.PROGRAMS, **(screens.CAMERA if PICTURES else {})}
    missing = [package for program, package in wanted.items() if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)} (Debian's packages)")
    screen = Screen()
    yield screen
    screen.stop()


@pytest.fixture
def staff(start_staff: Callable[..., Staff]) -> Staff:
    """Alice and Bob, who have subscribed to their desk's folders."""
    staff = start_staff()
    for name in FOLDERS:
        mailbox = f"Support/{name}"
        eventually(lambda mailbox=mailbox: staff.client("alice").folder_exists(mailbox), every=0.2)  # type: ignore[misc]
        for agent in ("alice", "bob"):
            staff.client(agent).subscribe_folder(mailbox)
    return staff


@pytest.fixture
def start_client(staff: Staff, screen: Screen, tmp_path: Path) -> Iterator[StartClient]:
    """Starts an agent's Thunderbird when that of another agent has ended; ``settings`` are preferences."""
    running: list[Thunderbird] = []

    def start(agent: str, **settings: object) -> Thunderbird:
        end()
        client = Thunderbird(
            tmp_path, screen, agent, imap=staff.dovecot.port, submission=staff.port, settings=settings
        )
        running.append(client)
        client.start()
        return client

    def end() -> None:
        while running:
            running.pop().stop()

    yield start
    end()


@pytest.fixture
def picture(screen: Screen) -> Callable[[str], None]:
    """Records what the screen shows now, where pictures are wanted."""

    def record(name: str) -> None:
        if PICTURES:
            screen.record(Path(PICTURES).resolve() / f"thunderbird-{name}.png")

    return record


def events(staff: Staff) -> list[str]:
    """What has happened to all tickets."""
    return [each["what"] for each in staff.rows("SELECT what FROM event ORDER BY id")]


def test_everybody_sees_who_has_what(
    staff: Staff, start_client: StartClient, picture: Callable[[str], None]
) -> None:
    for number, (name, subject, text, _) in enumerate(MAILS, 2):
        raw = mail(number, subject=subject, sender=f"{name.lower()}@customer.example")
        raw = raw.replace(f"Customer {number} <".encode(), f"{name} <".encode())
        raw = raw.replace(
            f"Printer {number} is on fire.".encode(), f"Hello,\r\n\r\n{text}\r\n\r\n{name}".encode()
        )
        assert deliver(staff.daemon, raw).startswith("250")
    for number, (_, _, _, owner) in enumerate(MAILS, 2):
        if owner:
            staff.move(number, f"Support/@{owner}", agent=owner)
    eventually(lambda: staff.owners() == {subject: owner for _, subject, _, owner in MAILS})
    alice = start_client("alice", **{"mail.server.default.check_all_folders_for_new": True})
    for place, subject in (("@alice", "New address"), ("@bob", "Printer does not print")):
        alice.open_folder(f"Support/{place}")
        alice.sees(subject)
    alice.open_folder("Support/New")
    alice.open_mail("My invoice for October is missing")
    picture("folder")


def test_alice_takes_and_answers_and_bobs_answer_is_held(
    staff: Staff, screen: Screen, start_client: StartClient, picture: Callable[[str], None]
) -> None:
    assert deliver(staff.daemon, QUESTION).startswith("250")
    alice = start_client("alice")
    alice.open_folder("Support/New")
    alice.open_mail(SUBJECT)
    picture("new")
    alice.drag(SUBJECT, "Support/@alice")
    picture("drag")
    screen.drop()
    eventually(lambda: staff.owners()[SUBJECT] == "alice")

    alice.open_folder("Support/@alice")
    alice.open_mail(SUBJECT)
    recipient = alice.reply("Dear Carla,\nplease press the green button for five seconds.\nAlice")
    assert recipient.startswith("Carla via Example Support <support+")
    picture("answer")
    alice.send()
    (sent,) = staff.sink.wait_for(1)
    assert sent.recipients == (CARLA,)
    assert "green button" in str(sent.message.get_payload())
    alice.open_folder("Support/Answered")
    alice.open_mail(SUBJECT)

    bob = start_client("bob")
    bob.open_folder("Support/Answered")
    bob.open_mail(SUBJECT)
    bob.reply("Dear Carla,\nplease buy a new one.\nBob")
    bob.send()
    _, notice = staff.sink.wait_for(2)
    assert notice.recipients == ("bob@example.org",)
    staff.client("bob").append("INBOX", notice.raw)
    bob.open_folder("INBOX")
    bob.open_mail(str(notice.message["Subject"]))
    picture("held")
    bob.reply("drop")
    bob.send()
    eventually(lambda: "dropped" in events(staff))
    assert len(staff.to(CARLA)) == 1
    assert staff.owners() == {SUBJECT: "alice"}


def test_undo_gives_a_mail_back_and_delete_is_undone(
    staff: Staff, screen: Screen, start_client: StartClient
) -> None:
    for number in (1, 2, 3):
        staff.write_and_see(number)
    alice = start_client("alice")
    alice.open_folder("Support/New")
    alice.drag(subject_of(1), "Support/@alice")
    screen.drop()
    staff.becomes(1, "claimed", "alice")
    alice.undo()
    staff.becomes(1, "new")
    staff.see(1, "Support/New")
    for number, command in ((2, "cmd_delete"), (3, "cmd_archive")):
        alice.open_mail(subject_of(number))
        alice.command(command)
        eventually(lambda number=number: "restored" in staff.events(number), every=0.2)  # type: ignore[misc]
        staff.see(number, "Support/New")


def test_an_answer_that_thunderbird_keeps_beside_the_mail_is_no_new_ticket(
    staff: Staff, start_client: StartClient
) -> None:
    staff.write_and_see(1)
    alice = start_client("alice", **{f"{IDENTITY}.fcc_reply_follows_parent": True})
    alice.open_folder("Support/New")
    alice.open_mail(subject_of(1))
    alice.reply("Pour water on it.")
    alice.send()
    staff.sink.wait_for(1)
    staff.becomes(1, "answered", "alice")
    eventually(
        lambda: staff.client("bob").folder_status("Support/New")[b"UIDNEXT"] == 3, every=0.2
    )  # it has put its copy there
    eventually(lambda: staff.client("bob").folder_status("Support/New")[b"MESSAGES"] == 0, every=0.2)
    assert list(staff.owners()) == [subject_of(1)]
