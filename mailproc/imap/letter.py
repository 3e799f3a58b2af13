"""The mails that lie in the shared folder, as bytes: copies of what was received, sent and noted, and events.

A copy is the original, octet for octet, below header fields of ours.  In its own header only the names of
fields change that must not be believed or obeyed: what pretends to be ours, Reply-To (answers go to the
ticket), and requests for a receipt, which every agent's client would answer.  Line ends become CRLF, and NUL,
which no IMAP server may be sent (RFC 3501 section 9), becomes 0x80.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.mime.compose import compose, encode_field, mailbox_header
from mailproc.mime.reader import Mail, read
from mailproc.mime.surgery import normalise_newlines, prepend, rename, rename_forged
from mailproc.model.address import Mailbox
from mailproc.model.desk import Desk
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Direction, Message, Ticket
from mailproc.store.folders import ShownEvent

_NOT_TO_BE_OBEYED = frozenset(
    {"reply-to", "disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"}
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_VALUE = 900  # characters

_EVENTS = {
    "claim_expired": ("Back in New", "Nothing happened for a while, so everybody may take it again."),
    "enriched": ("Known now", "What could not be asked when this mail came was asked again."),
    "merged": ("Merged", "Tickets were merged; their mails move together from now on."),
    "move_refused": ("Put back", "A mail of this ticket was moved, and that could not be done."),
    "owner_absent": ("Back in New", "Who worked on it is absent, so everybody may take it."),
    "quarantined": ("Problem", "The chain could not handle this mail; it is shown as it came."),
    "restored": ("Put back", "A mail of this ticket was deleted; here it is again."),
    "undeliverable": ("Not delivered", "A mail of this ticket could not be delivered."),
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the copies of a ticket show above the mail."""

    hostname: str
    keyring: Keyring
    desk: Desk
    ticket: Ticket
    tags: tuple[str, ...] = ()
    opening: str = ""  # Message-ID of the ticket's first mail
    authors: tuple[tuple[str, Mailbox], ...] = ()  # of notes: the agents by their names
    authserv_ids: tuple[str, ...] = ()  # further ones in whose name results of authentication are believed

    def fields(self, name: str) -> list[tuple[str, str]]:
        """The fields of every mail in the folder; ``name`` is the copy's."""
        fields = [
            ("X-Mailproc-Id", self.keyring.folder_id(name)),
            ("X-Mailproc-Ticket", self.ticket.number),
            ("X-Mailproc-Desk", self.desk.name),
        ]
        if self.tags:
            fields.append(("X-Mailproc-Tags", ", ".join(self.tags)))
        return fields

    def reply_to(self, who: str) -> str:
        """The ticket's address, or the desk's own where there are no such addresses."""
        address = self.keyring.reply_address(self.desk, self.ticket.number) or self.desk.address
        return mailbox_header(_clean(f"{who} via {self.desk.title}" if who else self.desk.title), address)


def message_letter(
    head: Letterhead, name: str, message: Message, raw: bytes, extra: Sequence[tuple[str, str]]
) -> bytes:
    """The copy of one message; ``extra`` is what the chain found out about it."""
    original = normalise_newlines(raw).replace(b"\0", b"\x80")
    mail = read(original)
    fields = [*head.fields(name), *extra, ("Reply-To", head.reply_to(_customer(message, mail)))]
    if message.direction is Direction.NOTE:
        fields += _fields_of_note(head, message, mail)
    below = rename(rename_forged(original, head.hostname, *head.authserv_ids), _NOT_TO_BE_OBEYED.__contains__)
    return prepend(below, list(_fit(fields)))


def large_letter(head: Letterhead, name: str, message: Message) -> bytes:
    """What stands in the place of a mail that the server does not take because of its size."""
    fields = [
        *head.fields(name),
        ("From", message.sender or mailbox_header(head.desk.title, head.desk.address)),
        ("To", str(head.desk.address)),
        ("Reply-To", head.reply_to(message.sender)),
        ("Subject", message.subject),
        ("Date", formatdate(message.at)),
        *([("Message-ID", message.message_id)] if message.message_id else []),
    ]
    text = (
        f"This mail of {message.size} octets is too large for the folder.  It is kept; to see it:\n\n"
        f"  mailproc ticket raw {head.ticket.number} {message.sha256.hex()}\n"
    )
    return compose(list(_fit(fields)), text)


def event_letter(head: Letterhead, name: str, event: ShownEvent) -> bytes:
    """An event as a small mail that joins the ticket's thread."""
    title, meaning = _EVENTS[event.what]
    fields = [
        *head.fields(name),
        ("From", mailbox_header(_clean(f"{head.desk.title} (mailproc)"), head.desk.address)),
        ("To", str(head.desk.address)),
        ("Reply-To", head.reply_to("")),
        ("Subject", f"{title}: {head.ticket.subject}"),
        ("Date", formatdate(event.at)),
        ("Message-ID", f"<{head.keyring.folder_id(name)}@{head.hostname}>"),
        *_thread(head),
        ("Auto-Submitted", "auto-generated"),
    ]
    text = f"{meaning}\n\n{event.detail}\n\nThis note may be deleted.\n"
    return compose(list(_fit(fields)), text)


def _customer(message: Message, mail: Mail) -> str:
    """Whom an answer to this copy will reach, by name."""
    if message.direction is not Direction.IN or mail.customer is None:
        return ""
    return mail.customer.name or mail.customer.address.local


def _fields_of_note(head: Letterhead, message: Message, mail: Mail) -> Iterator[tuple[str, str]]:
    """What a note must have to be shown well, as far as it has not."""
    author = dict(head.authors).get(message.agent)
    if not mail.has("from"):
        shown = author or Mailbox(message.agent, head.desk.address)
        yield "From", mailbox_header(_clean(shown.name), shown.address)
    if not mail.has("date"):
        yield "Date", formatdate(message.at)
    if not mail.has("in-reply-to"):
        yield from _thread(head)


def _thread(head: Letterhead) -> list[tuple[str, str]]:
    return [("In-Reply-To", head.opening), ("References", head.opening)] if head.opening else []


def _fit(fields: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Values without control characters and of a bearable length; a field that is unfit is left out.

    What stages found out may hold anything, and no mail may stay out of the folder for it.
    """
    for name, value in fields:
        fit = _clean(value)
        try:
            encode_field(name, fit)
        except ValueError:
            continue
        yield name, fit


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text)[:_LONGEST_VALUE].strip()
