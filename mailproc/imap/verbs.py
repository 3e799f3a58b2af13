"""What mailproc does with folders and their mails, over one ``Session``; each verb is whole.

The server's extensions are used where it offers them, and each has a way around.  Nothing here sets \\Seen,
and no mail is expunged that the caller did not name, with one exception that ``_expunge`` tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from mailproc.imap import responses
from mailproc.imap.failure import ImapRefused
from mailproc.imap.mailbox import Folder, NewMail, Status, Stored, Uids
from mailproc.imap.responses import mailbox_name, quoted, uid_sets
from mailproc.imap.session import Session, refused
from mailproc.imap.wire import Refusal

_COPY_ID = b"(UID BODY.PEEK[HEADER.FIELDS (X-Mailproc-Id)])"
_WHOLE = b"(UID FLAGS INTERNALDATE BODY.PEEK[])"
_DELETED = b"(\\Deleted)"


# Folders


def list_folders(session: Session, pattern: str) -> list[Folder]:
    return responses.folders(session.ask("LIST", b'""', mailbox_name(pattern)))


def subscribed(session: Session, pattern: str) -> list[Folder]:
    return responses.folders(session.ask("LSUB", b'""', mailbox_name(pattern)))


def create(session: Session, mailbox: str) -> None:
    """Make a mailbox and those above it; one that is there already is no error."""
    try:
        session.command("CREATE", mailbox_name(mailbox))
    except ImapRefused as error:
        if error.code != "ALREADYEXISTS":
            raise


def subscribe(session: Session, mailbox: str) -> None:
    session.command("SUBSCRIBE", mailbox_name(mailbox))


def statuses(session: Session, mailboxes: Iterable[str]) -> dict[str, Status | ImapRefused]:
    """The state of each mailbox, or why it is not told; in one round trip with LIST-STATUS (RFC 5819)."""
    wanted = list(dict.fromkeys(mailboxes))
    told: dict[str, Status | ImapRefused] = {}
    if session.offers("LIST-STATUS") and len(wanted) > 1:
        names = b" ".join(map(mailbox_name, wanted))
        found = session.ask(
            "LIST", b'""', b"(%s)" % names, b"RETURN (STATUS %s)" % _items(session), response="STATUS"
        )
        told |= {name: status for name, status in responses.statuses(found).items() if name in wanted}
    for mailbox in wanted:
        if mailbox not in told:  # asked alone, a server says why it tells nothing
            told[mailbox] = _status(session, mailbox)
    return told


def _status(session: Session, mailbox: str) -> Status | ImapRefused:
    try:
        found = responses.statuses(session.ask("STATUS", mailbox_name(mailbox), _items(session)))
    except ImapRefused as error:
        # Dovecot 2.3 says without a code that there is no such mailbox.
        is_there = error.code or any(folder.selectable for folder in list_folders(session, mailbox))
        return error if is_there else ImapRefused("STATUS", "NONEXISTENT", error.text)
    (status,) = found.values()
    return status


def _items(session: Session) -> bytes:
    modseq = b" HIGHESTMODSEQ" if session.offers("CONDSTORE") else b""
    return b"(MESSAGES UIDNEXT UIDVALIDITY%s)" % modseq


def rights(session: Session, mailbox: str) -> str | None:
    """Our rights (RFC 4314 section 2.1); None where the server knows none."""
    if not session.offers("ACL"):
        return None
    (line,) = responses.lines(session.ask("MYRIGHTS", mailbox_name(mailbox)))
    return responses.last_word(line)


# Reading


def uids(session: Session, mailbox: str) -> Uids:
    """All mails but those that somebody has marked as deleted."""
    with session.selected(mailbox) as uidvalidity:
        found = responses.numbers(session.ask("UID SEARCH", b"UNDELETED", response="SEARCH"))
        return Uids(uidvalidity, tuple(found))


def deleted(session: Session, mailbox: str, since: int, uidvalidity: int | None) -> list[int]:
    uids = b"%d:*" % since  # which names the last mail too, where there is none so new (RFC 3501, 6.4.8)
    with session.selected(mailbox, uidvalidity=uidvalidity):
        found = responses.numbers(session.ask("UID SEARCH", b"UID", uids, b"DELETED", response="SEARCH"))
    return [uid for uid in found if uid >= since]


def copy_ids(
    session: Session, mailbox: str, wanted: Iterable[int], uidvalidity: int | None
) -> dict[int, str]:
    found: dict[int, str] = {}
    sets = list(uid_sets(wanted))
    if sets:
        with session.selected(mailbox, uidvalidity=uidvalidity):
            for uid_set in sets:
                told = responses.headers(session.ask("UID FETCH", uid_set, _COPY_ID, response="FETCH"))
                found |= {uid: fields.get("x-mailproc-id", "") for uid, fields in told.items()}
    return found


def fetch(session: Session, mailbox: str, uid: int, uidvalidity: int | None) -> Stored | None:
    with session.selected(mailbox, uidvalidity=uidvalidity):
        pieces = session.ask("UID FETCH", b"%d" % uid, _WHOLE, response="FETCH")
    found = responses.stored(pieces, uid)
    return Stored(*found) if found else None


def find(session: Session, mailbox: str, header: str, value: str) -> list[int]:
    """SEARCH finds parts of a field; only mails with the whole value are told."""
    criteria = (b"UNDELETED", b"HEADER", quoted(header), quoted(value))
    fields = b"(UID BODY.PEEK[HEADER.FIELDS (%s)])" % header.encode("ascii")
    with session.selected(mailbox):
        found = responses.numbers(session.ask("UID SEARCH", *criteria, response="SEARCH"))
        told: dict[int, Mapping[str, str]] = {}
        for uid_set in uid_sets(found):
            told |= responses.headers(session.ask("UID FETCH", uid_set, fields, response="FETCH"))
    return [uid for uid in found if told.get(uid, {}).get(header.lower()) == value]


# Writing


def append(session: Session, mailbox: str, mails: Sequence[NewMail]) -> list[int | None]:
    """Append mails in one command: all or none (RFC 3502); several only where MULTIAPPEND is offered."""
    wire = session.wire
    _check_sizes(session, mails)
    try:
        tag = wire.begin("APPEND", mailbox_name(mailbox))
        for mail in mails:
            if not _send_mail(session, tag, mail):
                break
        else:
            wire.send(b"\r\n")
        wire.complete("APPEND", tag)
    except Refusal as refusal:
        raise refused(refusal) from None
    assigned = responses.assigned(session.told("APPENDUID"))
    return [*assigned] if len(assigned) == len(mails) else [None] * len(mails)


def _send_mail(session: Session, tag: bytes, mail: NewMail) -> bool:
    """False where the server refuses before it has seen the mail."""
    wire = session.wire
    synchronous = not session.offers("LITERAL+")  # RFC 7888
    date = b" " + responses.internaldate(mail.internaldate) if mail.internaldate is not None else b""
    size = b"{%d}" % len(mail.raw) if synchronous else b"{%d+}" % len(mail.raw)
    wire.send(b" (%s)%s %s\r\n" % (" ".join(sorted(mail.flags)).encode("ascii"), date, size))
    if synchronous and not wire.may_continue(tag):
        return False
    wire.send(mail.raw)
    return True


def _check_sizes(session: Session, mails: Iterable[NewMail]) -> None:
    """APPENDLIMIT (RFC 7889): a server may close the connection on what is larger."""
    limits = [word.partition("=")[2] for word in session.offered if word.startswith("APPENDLIMIT=")]
    largest = max(len(mail.raw) for mail in mails)
    if limits and limits[0].isdecimal() and largest > int(limits[0]):
        raise ImapRefused("APPEND", "TOOBIG", f"{largest} octets, and the server takes {limits[0]}")


def move(
    session: Session, source: str, wanted: Collection[int], target: str, uidvalidity: int | None
) -> dict[int, int]:
    """MOVE (RFC 6851), else COPY and then ``remove``; the new UIDs, as far as the server tells them."""
    moved: dict[int, int] = {}
    verb = "MOVE" if session.offers("MOVE") else "COPY"
    with session.selected(source, uidvalidity=uidvalidity, write=True):
        for uid_set in uid_sets(wanted):
            session.command(f"UID {verb}", uid_set, mailbox_name(target))
            moved |= responses.copied(session.told("COPYUID"))
            if verb == "COPY":
                _delete(session, uid_set)
    return moved


def remove(session: Session, mailbox: str, wanted: Collection[int], uidvalidity: int | None) -> None:
    """Mark mails as deleted and expunge them; ImapRefused [NOPERM] where the server kept some in silence."""
    with session.selected(mailbox, uidvalidity=uidvalidity, write=True):
        for uid_set in uid_sets(wanted):
            _delete(session, uid_set)


def _delete(session: Session, uid_set: bytes) -> None:
    session.command("UID STORE", uid_set, b"+FLAGS.SILENT", _DELETED)
    _expunge(session, uid_set)
    kept = responses.numbers(session.ask("UID SEARCH", b"UID", uid_set, b"UNDELETED", response="SEARCH"))
    if kept:
        raise ImapRefused("STORE", "NOPERM", f"{len(kept)} mails could not be removed")


def _expunge(session: Session, uid_set: bytes) -> None:
    """Only these mails: UID EXPUNGE (RFC 4315).

    Without UIDPLUS there is only EXPUNGE, which takes everything that is marked.  It is used where nothing
    but ours is; what somebody marks between our look and the command goes with it, as it would soon after.
    Otherwise ours stay, marked as deleted, until somebody's client expunges.
    """
    if session.offers("UIDPLUS"):
        session.command("UID EXPUNGE", uid_set)
        return
    marked = responses.numbers(session.ask("UID SEARCH", b"DELETED", response="SEARCH"))
    ours = responses.numbers(session.ask("UID SEARCH", b"UID", uid_set, b"DELETED", response="SEARCH"))
    if marked == ours:
        session.command("EXPUNGE")


def store_flags(
    session: Session,
    mailbox: str,
    wanted: Collection[int],
    add: Collection[str],
    take: Collection[str],
    uidvalidity: int | None,
) -> None:
    with session.selected(mailbox, uidvalidity=uidvalidity, write=True):
        for uid_set in uid_sets(wanted):
            for sign, flags in ((b"+", add), (b"-", take)):
                if flags:
                    names = " ".join(sorted(flags)).encode("ascii")
                    session.command("UID STORE", uid_set, sign + b"FLAGS.SILENT", b"(%s)" % names)
