"""``mailproc check --probe`` tells whether the IMAP server is set up as mailproc needs it."""

from __future__ import annotations

from collections.abc import Callable

from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.check.folders import probe_folders
from mailproc.config import DeskSection, ImapSection
from tests.rig.dovecot import MASTER, Dovecot

DESKS = {"support": DeskSection(folder="Support", agents=("alice", "bob"))}
SECONDS = 20.0


def probed(dovecot: Dovecot, desks: dict[str, DeskSection] = DESKS, **changes: str) -> list[str]:
    """Each line, without the address."""
    keys = {"user": "mailproc", "password": "mailproc", **changes}
    section = ImapSection(address=f"127.0.0.1:{dovecot.port}", tls="none", **keys)  # type: ignore[arg-type]
    return [
        str(line).replace(f" 127.0.0.1:{dovecot.port}", "") for line in probe_folders(section, desks, SECONDS)
    ]


def made(dovecot: Dovecot, *names: str) -> None:
    with dovecot.client("mailproc") as client:
        for name in names:
            client.create_folder(f"Support/{name}")


def test_a_server_that_is_well_and_a_folder_to_be_made(dovecot: Dovecot) -> None:
    made(dovecot, "New", "@alice")
    assert probed(dovecot) == [
        "imap … ok (NOTIFY, IDLE, MOVE, UIDPLUS, MULTIAPPEND, CONDSTORE, LIST-STATUS)",
        "folder Support … ok (10 of 12 mailboxes will be made)",
    ]


def test_what_a_server_lacks_is_seen(make_dovecot: Callable[..., Dovecot]) -> None:
    everything = ("NOTIFY", "IDLE", "MOVE", "UIDPLUS", "MULTIAPPEND", "CONDSTORE", "LIST-STATUS")
    assert probed(make_dovecot(hide=everything), {}) == [f"imap … ok (none of {', '.join(everything)})"]


def test_a_wrong_password(dovecot: Dovecot) -> None:
    assert probed(dovecot, password="wrong") == ["imap … the login was refused: Authentication failed."]


def test_rights_that_mailproc_lacks_are_told_in_words(dovecot: Dovecot) -> None:
    made(dovecot, "New", "@alice")
    dovecot.give("Support", rights="user=mailproc lrs\n")
    (_, folder) = probed(dovecot)
    assert folder == (
        "folder Support … mailproc may not set marks (w), put mail in (i), delete (t), expunge (e) "
        "in Support/New, Support/@alice"
    )


def test_rights_that_agents_lack_are_told_to_a_master_user(dovecot: Dovecot) -> None:
    made(dovecot, "New", "@alice")
    dovecot.give("Support", rights="user=mailproc lrwstipekxa\nuser=alice lrswite\nuser=bob lrs\n")
    found = probed(dovecot, password=MASTER, login="master", master_user=MASTER)
    assert found[2:] == [
        "agent alice … ok",
        "agent bob … Support: bob may not set marks (w), put mail in (i), delete (t), expunge (e) "
        "in Support/New, Support/@alice",
    ]


def test_nothing_is_changed(dovecot: Dovecot, log_in: Callable[[Dovecot, str], IMAPClient]) -> None:
    before = log_in(dovecot, "mailproc").list_folders()
    probed(dovecot, password=MASTER, login="master", master_user=MASTER)
    assert log_in(dovecot, "mailproc").list_folders() == before
