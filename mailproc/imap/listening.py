"""Wait for the server to say that something has changed, by NOTIFY or IDLE; blocking, on a ``Session``.

NOTIFY (RFC 5465) tells of all mailboxes below a name on one connection; IDLE (RFC 2177) of one mailbox.
What it is that changed is not read: whoever is woken looks for himself.
"""

from __future__ import annotations

from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.responses import mailbox_name
from mailproc.imap.session import Session

_EVENTS = b"(MessageNew MessageExpunge FlagChange MailboxName)"


def ask_to_be_told(session: Session, root: str) -> bool:
    """NOTIFY of everything at and below ``root``; False where the server does not do that."""
    if not session.offers("NOTIFY"):
        return False
    try:
        session.command("NOTIFY SET", b"(subtree %s %s)" % (mailbox_name(root), _EVENTS))
    except ImapRefused:  # BADEVENT, NOTIFICATIONOVERFLOW, or a subtree that it does not know
        return False
    return True


def is_told(session: Session, seconds: float) -> bool:
    """After ``ask_to_be_told``: whether something was said within so many seconds.

    After silence the connection is tried, so that one that died without a word is noticed.
    """
    wire = session.wire
    if not wire.waits(seconds):
        session.command("NOOP")
        return bool(wire.untagged_responses.get("STATUS"))
    wire.untagged_responses.clear()
    while wire.waits(0):
        wire.next_response()
    if "NOTIFICATIONOVERFLOW" in wire.untagged_responses:  # RFC 5465 section 5.8: nothing more will come
        raise ImapDown("too much happened for the server to tell")
    return not wire.untagged_responses.keys() <= {"OK"}


def idle(session: Session, mailbox: str, seconds: float) -> bool:
    """Whether something happened in a mailbox within so many seconds; at most 29 minutes (RFC 2177)."""
    wire = session.wire
    with session.selected(mailbox):
        tag = wire.begin("IDLE")
        wire.send(b"\r\n")
        if wire.may_continue(tag):
            told = wire.waits(seconds)
            wire.send(b"DONE\r\n")
        else:
            told = False
        wire.complete("IDLE", tag)
        return told
