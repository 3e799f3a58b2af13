"""The mailbox of drafts is found by what servers tell, and odd lines about its mails do no harm."""

from __future__ import annotations

import pytest

from mailproc.imap.client import ImapClient
from mailproc.imap.drafts import DraftBox, find_drafts
from mailproc.imap.session import Session
from mailproc.imap.settings import ImapSettings
from tests.rig.scripted_imap import CAPABILITIES, ScriptedImap, scripted_imap

DONE = b"TAG OK done\r\n"
NAMESPACES = b'* NAMESPACE (("INBOX." ".")) (("shared." ".")) NIL\r\n' + DONE
HEADER = b"In-Reply-To: <a@x.example>\r\n\r\n"


def settings(server: ScriptedImap) -> ImapSettings:
    return ImapSettings("127.0.0.1", server.port, "alice", password="secret", tls="none", timeout=20.0)


def found(server: ScriptedImap, configured: str = "") -> str:
    session = Session(settings(server))
    try:
        session.run(Session.open)
        return session.run(lambda opened: find_drafts(opened, configured))
    finally:
        session.close()


def listing(*lines: bytes) -> dict[bytes, bytes]:
    return {b"NAMESPACE": NAMESPACES, b"LIST": b"".join(b"* LIST " + line + b"\r\n" for line in lines) + DONE}


def test_the_users_own_mailbox_with_the_attribute_is_taken() -> None:
    lines = (
        b'(\\HasNoChildren) "." INBOX',
        b'(\\Drafts) "." shared.bob.Drafts',
        b'(\\Noselect \\Drafts) "." INBOX.Old',
        b'(\\HasNoChildren \\drafts) "." "INBOX.Entw&APw-rfe"',
    )
    with scripted_imap(listing(*lines)) as server:
        assert found(server) == "INBOX.Entwürfe"


@pytest.mark.parametrize(
    ("configured", "mailbox"),
    [
        ("", "INBOX.Drafts"),
        ("Entwürfe/Neu", "INBOX.Entwürfe.Neu"),
        ("shared/bob/Drafts", "shared.bob.Drafts"),
    ],
)
def test_without_the_attribute_it_is_the_configured_one_or_drafts(configured: str, mailbox: str) -> None:
    with scripted_imap(listing(b'(\\HasNoChildren) "." INBOX')) as server:
        assert found(server, configured) == mailbox


def test_a_server_that_tells_of_it_only_when_asked_is_asked() -> None:
    words = CAPABILITIES + b" SPECIAL-USE LIST-EXTENDED"
    changes = {b"CAPABILITY": b"* CAPABILITY " + words + b"\r\n" + DONE, **listing(b'(\\Drafts) "." INBOX.D')}
    with scripted_imap(changes) as server:
        assert found(server) == "INBOX.D"
        assert [line.strip() for line in server.said if b"LIST" in line][-1].endswith(b"RETURN (SPECIAL-USE)")


async def test_lines_that_say_too_little_are_passed_over() -> None:
    status = b"* STATUS Drafts (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n" + DONE
    whole = (
        b'* 1 FETCH (UID 4 RFC822.SIZE 90 INTERNALDATE "21-Nov-2026 20:00:00 +0000" BODY[HEADER.FIELDS (TO)] '
    )
    whole += b"{%d}\r\n" % len(HEADER) + HEADER + b")\r\n"
    lines = (b"* SEARCH 4 5 6\r\n", whole, b"* 2 FETCH (FLAGS (\\Seen))\r\n", b"* 3 FETCH (UID 6)\r\n", DONE)
    with scripted_imap({b"STATUS": status, b"UID": b"".join(lines)}) as server:
        client = ImapClient(settings(server))
        await client.connect()
        box = DraftBox(client, "Drafts")
        assert await box.refresh() == {4}
        assert (box.sheets[4].size, box.sheets[4].header) == (90, HEADER)
        assert (box.uidvalidity, await box.refresh()) == (7, frozenset())
        await client.close()
