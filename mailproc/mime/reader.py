"""Read one mail, however hostile: the only door to the content of mail in mailproc.

``read`` never raises and does no work by itself; what is asked for is read then, within ``Limits``, and kept.
What was wrong with the mail stands in ``defects``, which grows as more is read.  The raw bytes are never
changed.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from mailproc.mime import addresses, attachments, identifiers, quotes, text, tnef
from mailproc.mime.attachments import Attachment
from mailproc.mime.headers import HeaderBlock, decode_words, split_header_block, unfold, unfold_plainly
from mailproc.mime.html import to_text
from mailproc.mime.lazy import lazy
from mailproc.mime.limits import DEFAULT_LIMITS, Defects, Limits
from mailproc.mime.parts import Part, read_parts
from mailproc.mime.tnef import Tnef
from mailproc.mime.transfer import UNENCODED
from mailproc.model.address import Mailbox

if TYPE_CHECKING:
    from mailproc.mime.report import DeliveryReport

__all__ = ["DEFAULT_LIMITS", "Attachment", "Limits", "Mail", "Part", "read"]

_EMBEDDED = frozenset({"message/rfc822", "message/global", "message/news"})
_HEADERS_ONLY = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})


def read(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Mail:
    """A mail from its bytes as they were on the wire; line ends may be CRLF, LF or CR."""
    return Mail(raw, limits)


_LIKE_ASCII = frozenset({"", "us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"})
_ENOUGH_TO_TELL = 3000  # characters: where new text begins below a long quote


class Mail:
    """One mail.  Every property can be read at any time; none raises for what the mail holds."""

    def __init__(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, embedded_in: int = 0) -> None:
        self.raw = raw
        self._limits = limits
        self._embedded_in = embedded_in  # how many messages are around this one
        self._defects = Defects()
        self._known: dict[str, str] = {}  # headers that were decoded
        self._octets = raw if b"\n" in raw else raw.replace(b"\r", b"\n")

    @property
    def defects(self) -> list[str]:
        """What was wrong with what has been read so far."""
        return self._defects.found

    # Headers

    @lazy
    def _block(self) -> HeaderBlock:
        return split_header_block(self._octets, 0, len(self._octets), self._limits, self._defects)

    def header(self, name: str) -> str:
        """First header of this name, unfolded and decoded (RFC 2047); "" when absent."""
        name = name.lower()
        known = self._known.get(name)
        if known is None:
            values = self._block.values(name)
            known = self._known[name] = self._decoded(values[0]) if values else ""
        return known

    def headers(self, name: str) -> tuple[str, ...]:
        """All headers of this name, in order, unfolded and decoded."""
        return tuple([self._decoded(value) for value in self._block.values(name.lower())])

    def has(self, name: str) -> bool:
        return self._block.has(name.lower())

    @property
    def header_names(self) -> tuple[str, ...]:
        """The name of every header in order, in lower case."""
        return self._block.names

    @property
    def header_set(self) -> AbstractSet[str]:
        """The names of the headers that are there, in lower case."""
        return self._block.distinct

    def raw_header(self, name: str) -> str:
        """First header of this name, unfolded but not decoded; "" when absent."""
        value = self._block.first(name.lower())
        return "" if value is None else unfold(value, self._limits, self._defects)

    def raw_headers(self, name: str, most: int | None = None) -> tuple[str, ...]:
        """The headers of this name, in order, unfolded but not decoded, and read as UTF-8 or Latin-1.

        For trace headers: with a guessed charset we would believe what no MTA can have recognised.
        """
        values = self._block.values(name.lower())[:most]
        return tuple([unfold_plainly(value, self._limits, self._defects) for value in values])

    def _decoded(self, value: bytes) -> str:
        return decode_words(unfold(value, self._limits, self._defects), self._limits, self._defects)

    @lazy
    def subject(self) -> str:
        return self.header("subject")

    # People

    @lazy
    def authors(self) -> tuple[Mailbox, ...]:
        """Every mailbox of every From; more than one is a way to deceive (RFC 5322 section 3.6.2)."""
        return self._mailboxes("from")

    @lazy
    def author(self) -> Mailbox | None:
        """From; the first where there are several."""
        return self.authors[0] if self.authors else None

    @lazy
    def reply_to(self) -> Mailbox | None:
        return self._first_mailbox("reply-to")

    @lazy
    def sender_header(self) -> Mailbox | None:
        return self._first_mailbox("sender")

    @lazy
    def customer(self) -> Mailbox | None:
        """Who wants the answer: Reply-To where the sender set one, else From."""
        return self.reply_to or self.author

    @lazy
    def to(self) -> tuple[Mailbox, ...]:
        return self._mailboxes("to")

    @lazy
    def cc(self) -> tuple[Mailbox, ...]:
        return self._mailboxes("cc")

    def _mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        values = self._block.values(name)
        if not values:
            return ()
        raw = b", ".join(values)
        return addresses.mailboxes(unfold(raw, self._limits, self._defects), self._limits, self._defects)

    def _first_mailbox(self, name: str) -> Mailbox | None:
        found = self._mailboxes(name)
        return found[0] if found else None

    # Date and identifiers

    @lazy
    def date(self) -> float | None:
        """Seconds since 1970, UTC; None where Date is absent or says nothing usable."""
        return identifiers.seconds(self.raw_header("date"), self._defects)

    @lazy
    def message_id(self) -> str:
        """ "<left@right>", "" when absent."""
        return identifiers.message_id(self.raw_header("message-id"), self._limits, self._defects)

    @lazy
    def in_reply_to(self) -> tuple[str, ...]:
        return self._message_ids("in-reply-to")

    @lazy
    def references(self) -> tuple[str, ...]:
        """Oldest first, as they stand."""
        return self._message_ids("references")

    def _message_ids(self, name: str) -> tuple[str, ...]:
        values = self._block.values(name)
        if not values:
            return ()
        raw = b" ".join(values)
        return identifiers.message_ids(unfold(raw, self._limits, self._defects), self._limits, self._defects)

    # Structure

    @lazy
    def _root(self) -> Part:
        block = self._block
        return Part(self._octets, block, block.end, len(self._octets), 0, None, self._limits, self._defects)

    @property
    def content_type(self) -> str:
        """Of the whole mail, "type/subtype" in lower case."""
        return self._root.type

    @lazy
    def parts(self) -> tuple[Part, ...]:
        """The root and every part below it in the order they stand; embedded messages are leaves."""
        return read_parts(self._root)

    @lazy
    def embedded(self) -> tuple[Mail, ...]:
        """Messages inside this one (message/rfc822) and header blocks of such (text/rfc822-headers)."""
        if self._embedded_in >= self._limits.embedded:
            self._defects.note("messages are nested too deep: the inner ones were not read")
            return ()
        types = _EMBEDDED | _HEADERS_ONLY
        return tuple(
            Mail(part.content, self._limits, self._embedded_in + 1)
            for part in self.parts
            if part.type in types
        )

    @lazy
    def report(self) -> DeliveryReport | None:
        """The delivery report that this mail is (RFC 3464), None for any other mail."""
        from mailproc.mime.report import read_report  # it reads through this module

        return read_report(self)

    # Text

    @lazy
    def _shown(self) -> list[Part]:
        return text.shown_parts(self.parts, self._limits, self._defects)

    @lazy
    def _texts(self) -> list[tuple[str, list[tuple[str, bytes]]]]:
        """The text of each shown part, with the files that stood uuencoded in it."""
        found = []
        for part in self._shown:
            content, files = text.without_files(part, self._limits, self._defects)
            found.append((content, [(file.name, file.content) for file in files]))
        return found

    @lazy
    def _tnefs(self) -> list[Tnef]:
        return [
            tnef.read_tnef(part.content, self._limits, self._defects)
            for part in self.parts
            if not part.is_multipart and tnef.is_tnef(part.type, part.file_name)
        ]

    @lazy
    def text(self) -> str:
        """What a person reads, lines ended by LF; HTML as text where there is nothing else."""
        found = "\n\n".join(content.strip("\n") for content, _ in self._texts if content.strip())
        return (found or self._tnef_text())[: self._limits.text]

    def _tnef_text(self) -> str:
        for found in self._tnefs:
            if found.text.strip():
                return text.clean(found.text)
            if found.html.strip():
                return to_text(found.html, self._limits, self._defects)
        return ""

    @lazy
    def html(self) -> str:
        """The source of the first HTML part, cut at the limit; "" where there is none."""
        for part in self.parts:
            if part.type == "text/html" and not text.is_attached(part):
                return text.part_source(part, self._limits, self._defects)[: self._limits.html]
        return ""

    @lazy
    def _division(self) -> quotes.Division:
        return quotes.divide(self.text, self._limits.quotes)

    @property
    def reply(self) -> str:
        """What the sender wrote anew, without quotes and signature."""
        return self._division.reply

    @property
    def quoted(self) -> str:
        return self._division.quoted

    @property
    def signature(self) -> str:
        return self._division.signature

    @lazy
    def language(self) -> str:
        """ISO 639-1 code of the first lines that are no quote, else of the whole; "" when unsure.

        Cheaper than ``reply`` and as good: new text stands above what it answers, or between ``>`` lines.
        """
        from mailproc.mime.language import language_of  # its model takes a tenth of a second to load

        own = beginning = self._beginning()
        if beginning[:1] == ">" or "\n>" in beginning:
            own = "\n".join(line for line in beginning.split("\n") if line[:1] != ">")
        return language_of(own) or language_of(self.text)

    def _beginning(self) -> str:
        """The first characters of ``text``; a plain part that needs no decoding is not read to its end."""
        root = self._root
        octets = root.raw[root.start : root.start + _ENOUGH_TO_TELL]
        as_it_stands = root.encoding in UNENCODED and root.charset.lower() in _LIKE_ASCII
        if root.type == "text/plain" and as_it_stands and octets.isascii():
            return text.clean(octets.decode("ascii"))
        return self.text[:_ENOUGH_TO_TELL]

    @lazy
    def attachments(self) -> tuple[Attachment, ...]:
        """Files, embedded messages and pictures; those inside a TNEF or uuencoded in the text too."""
        limits, defects = self._limits, self._defects
        found = [
            attachments.of_part(part, Mail(part.content, limits).subject if part.type in _EMBEDDED else "")
            for part in self.parts
            if self._is_file(part)
        ]
        inner = [file for content in self._tnefs for file in content.files]
        inner += [file for _, files in self._texts for file in files]
        found += [attachments.of_file(name, content, limits, defects) for name, content in inner]
        return tuple(found[: 2 * limits.parts])

    def _is_file(self, part: Part) -> bool:
        return not part.is_multipart and part not in self._shown and text.is_attached(part)
