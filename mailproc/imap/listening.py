"""Wait for the server to say that something has changed, by NOTIFY or IDLE; blocking, on a ``Session``.

NOTIFY (RFC 5465) tells of all mailboxes below a name on one connection; IDLE (RFC 2177) of one mailbox.
What it is that changed is not read: whoever is woken looks for himself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.responses import mailbox_name
from mailproc.imap.session import Session
from mailproc.imap.wire import Wire

_EVENTS = b"(MessageNew MessageExpunge FlagChange MailboxName)"
_NO_NEWS = frozenset({"OK"})  # "still here"


def ask_to_be_told(session: Session, root: str) -> bool:
    """NOTIFY of everything at and below ``root``; False where the server does not do that."""
    if not session.offers("NOTIFY"):
        return False
    try:
        if session.offers("CONDSTORE") and session.offers("ENABLE"):
            session.command("ENABLE", b"CONDSTORE")  # else a flag changes nothing that STATUS could tell
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
        return _is_news(wire)
    wire.untagged_responses.clear()
    while wire.waits(0):
        wire.next_response()
    if "NOTIFICATIONOVERFLOW" in wire.untagged_responses:  # RFC 5465 section 5.8: nothing more will come
        raise ImapDown("too much happened for the server to tell")
    return _is_news(wire)


def idle(session: Session, mailbox: str, seconds: float, on_news: Callable[[], object]) -> NoReturn:
    """Call ``on_news``, in this thread, whenever something happened in a mailbox, until all ends.

    IDLE is begun anew after ``seconds`` of silence, at most 29 minutes (RFC 2177).  The mailbox stays
    selected, so that what happens between two times is told in the second.
    """
    wire = session.wire
    with session.selected(mailbox):
        while True:
            tag = wire.begin("IDLE")
            wire.send(b"\r\n")
            if not wire.may_continue(tag):
                wire.complete("IDLE", tag)
                raise ImapDown("the server does not want to be listened to")
            wire.waits(seconds)
            wire.send(b"DONE\r\n")
            wire.complete("IDLE", tag)
            if _is_news(wire):
                on_news()


def _is_news(wire: Wire) -> bool:
    return not wire.untagged_responses.keys() <= _NO_NEWS
