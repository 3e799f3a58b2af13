"""A day of agents with the mail clients that they have: neomutt in a terminal, mbsync offline, IMAPClient."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.rig.offline import OfflineAgent
from tests.rig.staff import Staff, answer
from tests.rig.terminal import Terminal
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

NEOMUTTRC = """\
set folder = "imap://127.0.0.1:{imap}/"
set spool_file = "=Support/New"
set imap_user = "{agent}"
set imap_pass = "{agent}"
set ssl_starttls = no
set ssl_force_tls = no
set smtp_url = "smtp://{agent}@127.0.0.1:{smtp}/"
set smtp_pass = "{agent}"
set from = "{agent}@example.org"
set real_name = "{agent}"
set editor = "{editor}"
set record = ""
set header_cache = ""
set abort_unmodified = no
set confirm_append = no
set delete = yes
set quit = yes
set mark_old = no
set move = no
set include = yes
set fast_reply = yes
set reply_to = yes
set beep = no
set mail_check = 1
set timeout = 1
set sleep_time = 0
"""
EDITOR = """\
#!/bin/sh
printf 'Pour water on it.\\n\\n' | cat - "$1" >"$1.new" && mv "$1.new" "$1"
"""


@pytest.fixture
def staff(start_staff: Callable[..., Staff]) -> Staff:
    return start_staff(imap="restore_after = 5.0")


class Neomutt:
    """The terminal client of one agent, opened on New."""

    def __init__(self, staff: Staff, agent: str, folder: Path) -> None:
        editor = folder / "editor"
        editor.write_text(EDITOR)
        editor.chmod(0o755)
        rc = folder / "neomuttrc"
        rc.write_text(NEOMUTTRC.format(imap=staff.dovecot.port, smtp=staff.port, agent=agent, editor=editor))
        environment = {"HOME": str(folder), "TERM": "xterm", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        self.terminal = Terminal(folder, ["neomutt", "-n", "-F", str(rc)], environment)

    def save(self, mailbox: str) -> None:
        """``s``: copy the mail under the cursor there, and mark it; ``$``: expunge it here."""
        self._ask("s", "Save to mailbox", f"={mailbox}")
        self.terminal.type("$")

    def change(self, mailbox: str, subject: str) -> None:
        """``c``: open another mailbox, in which a mail lies."""
        self._ask("c", "Open mailbox", f"={mailbox}")
        self.terminal.shows(subject)

    def reply(self) -> None:
        """``r``, whatever the editor writes, and ``y``."""
        self.begin_reply()
        self.send()

    def begin_reply(self) -> None:
        self.terminal.type("r")
        self.terminal.shows("y:Send")

    def send(self) -> None:
        self.terminal.type("y")

    def _ask(self, key: str, question: str, reply: str) -> None:
        """Until it asks: a key that is pressed while it is busy is forgotten."""

        def is_asked() -> bool:
            if question not in self.terminal.screen:
                self.terminal.type(key)
            return question in self.terminal.screen

        eventually(is_asked, every=0.5)
        self.terminal.press("C-u")
        self.terminal.type(reply)
        self.terminal.press("Enter")


@pytest.fixture
def neomutt(staff: Staff, tmp_path: Path) -> Iterator[Callable[[], Neomutt]]:
    if not (shutil.which("neomutt") and Terminal.is_installed()):
        pytest.skip("neomutt and tmux are missing (make peers)")
    opened: list[Neomutt] = []

    def open_() -> Neomutt:
        opened.append(Neomutt(staff, "alice", tmp_path))
        return opened[-1]

    yield open_
    for each in opened:
        each.terminal.close()


def test_neomutt_claims_answers_and_closes(staff: Staff, neomutt: Callable[[], Neomutt]) -> None:
    staff.write_and_see(1)
    mutt = neomutt()
    mutt.terminal.shows("Printer number 1")
    mutt.save("Support/@alice")
    staff.becomes(1, "claimed", "alice")
    staff.see(1, "Support/@alice")

    mutt.change("Support/@alice", "Printer number 1")
    mutt.reply()
    (sent,) = staff.sink.wait_for(1)
    assert sent.recipients == ("customer1@customer.example",)
    assert str(sent.message["From"]).endswith("<support@example.org>")
    assert sent.message["To"] == "Customer 1 <customer1@customer.example>"
    assert sent.message["In-Reply-To"] == "<mail-1@customer.example>"
    assert b"Pour water on it." in sent.raw
    assert b"> Printer 1 is on fire." in sent.raw
    staff.becomes(1, "answered", "alice")
    staff.see(1, "Support/Answered")

    mutt.change("Support/Answered", "Printer number 1")
    mutt.save("Support/Closed")
    staff.becomes(1, "closed", "alice")
    staff.see(1, "Support/Closed")
    mutt.terminal.type("q")
    assert staff.told_of_loss() == {}
    assert len(staff.sink.caught) == 1


def test_neomutt_answers_without_a_claim_what_another_agent_has_answered(
    staff: Staff, neomutt: Callable[[], Neomutt]
) -> None:
    """Alice writes and does not see that Bob is faster: her answer is held, and she decides."""
    staff.write_and_see(1)
    mutt = neomutt()
    mutt.terminal.shows("Printer number 1")
    mutt.terminal.press("Enter")
    mutt.terminal.shows("Printer 1 is on fire.")
    mutt.begin_reply()
    staff.send("bob", answer("bob", 1, "Take sand."))
    staff.becomes(1, "answered", "bob")
    mutt.send()
    (notice,) = eventually(lambda: staff.to("alice@example.org"))
    assert str(notice.message["Subject"]).startswith("Held: your answer to ticket ")
    assert b"Take sand." in notice.raw
    staff.send("alice", answer("alice", 2, "send", to=str(notice.message["Reply-To"])))
    eventually(lambda: len(staff.to("customer1@customer.example")) == 2)
    texts = [caught.raw for caught in staff.to("customer1@customer.example")]
    assert b"Take sand." in texts[0]
    assert b"Pour water on it." in texts[1]


def test_an_agent_on_the_train_works_with_mbsync(staff: Staff, tmp_path: Path) -> None:
    """What he did offline takes effect when he is back; what others did meanwhile reaches him."""
    if not OfflineAgent.is_installed():
        pytest.skip("mbsync is missing (make peers)")
    for number in range(1, 6):
        staff.write_and_see(number)
    bob = OfflineAgent(staff.dovecot, "bob", tmp_path)
    bob.sync()
    assert set(bob.has("New")) == {message_id(number) for number in range(1, 6)}
    bob.move(message_id(1), "New", "@bob")
    bob.move(message_id(2), "New", "@bob")
    bob.move(message_id(3), "New", "Closed")
    staff.move(2, "Support/@alice")
    staff.becomes(2, "claimed", "alice")
    staff.move(4, "Support/Closed", agent="carol")
    bob.sync()
    for number, state, owner, mailbox in (
        (1, "claimed", "bob", "Support/@bob"),
        (2, "claimed", "alice", "Support/@alice"),
        (3, "closed", "", "Support/Closed"),
        (4, "closed", "", "Support/Closed"),
        (5, "new", "", "Support/New"),
    ):
        staff.becomes(number, state, owner)
        staff.see(number, mailbox)
    eventually(lambda: staff.told_of_loss() == {("bob", "Printer number 2"): 1}, every=0.2)

    bob.sync()
    assert {name: set(bob.has(name)) for name in ("New", "@bob", "Closed")} == {
        "New": {message_id(5)},
        "@bob": {message_id(1)},
        "Closed": {message_id(3), message_id(4)},
    }
    bob.move(message_id(1), "@bob", "New")
    bob.sync()
    staff.becomes(1, "new")
    staff.see(1, "Support/New")


def message_id(number: int) -> str:
    return f"<mail-{number}@customer.example>"


def test_a_client_of_few_words_claims_hands_over_answers_and_closes(staff: Staff) -> None:
    """IMAPClient: each step is one command, on folders that it learns from LIST."""
    staff.write_and_see(1)
    alice, bob = staff.client("alice"), staff.client("bob")
    names = {name for flags, _, name in bob.list_folders("", "Support/*") if b"\\Noselect" not in flags}
    assert names >= {"Support/New", "Support/@alice", "Support/@bob", "Support/Answered", "Support/Closed"}
    alice.select_folder("Support/New")
    alice.move(alice.search(), "Support/@alice")
    staff.becomes(1, "claimed", "alice")
    staff.see(1, "Support/@alice")
    alice.select_folder("Support/@alice")
    alice.move(alice.search(), "Support/@bob")
    staff.becomes(1, "claimed", "bob")
    shown = staff.see(1, "Support/@bob")
    staff.send("bob", answer("bob", 1, to=reply_to(shown.raw)))
    staff.sink.wait_for(1)
    staff.see(1, "Support/Answered")
    bob.select_folder("Support/Answered")
    bob.move(bob.search(), "Support/Closed")  # the mail, and the team's copy of the answer
    staff.becomes(1, "closed", "bob")
    staff.see(1, "Support/Closed")
    eventually(lambda: bob.folder_status("Support/Closed", ["MESSAGES"])[b"MESSAGES"] == 2)
    assert [caught.recipients for caught in staff.sink.caught] == [("customer1@customer.example",)]


def reply_to(raw: bytes) -> str:
    return str(message_from_bytes(raw, policy=default)["Reply-To"])
