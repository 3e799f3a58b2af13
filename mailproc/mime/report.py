"""Read delivery reports: which recipients of which mail failed, and how.

RFC 3464 (delivery status), RFC 5965 (feedback), RFC 8098 (disposition), RFC 7489 and 8460 (aggregates), all
in a multipart/report (RFC 6522) or near it; and bounces in prose, of which mail systems write many.
``read_report`` never raises; None is the answer for what is no report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from mailproc.mime import bounce_text
from mailproc.mime.automatic_words import bounce_phrase, is_delay_phrase
from mailproc.mime.bounce_status import is_hard, status_of
from mailproc.mime.bounce_text import NamedRecipient
from mailproc.mime.status_fields import Fields, read_groups
from mailproc.model.judgement import Bounce, FailedRecipient

if TYPE_CHECKING:
    from mailproc.mime.reader import Mail

MAX_FIELDS = 65_536  # octets of a machine-readable part that are read
MAX_RECIPIENTS = bounce_text.MAX_RECIPIENTS
_MAX_DIAGNOSTIC = 500  # characters kept

_DAEMON = re.compile(
    r"(?:^|[<\s\"'(])(?:mailer[-_.]?daemon|mail-?daemon|mdaemon|post_?master|poost?master|mmdf|smtpd)(?=[@>\s\\)\"',;]|$)"
    r"|^\s*<>\s*$|mail delivery (?:sub)?system|internet mail delivery|\bdelivery subsystem\b",
    re.IGNORECASE,
)
_NULL_PATH = re.compile(r"^\s*<?\s*(?:null)?\s*>?\s*$|^<?mailer-daemon\b", re.IGNORECASE)
_ANSWER_OR_FORWARD = re.compile(r"^\s*(?:re|aw|sv|fwd?|wg|tr|i|rv|enc|doorst)\s*(?:\[\d+\])?:", re.IGNORECASE)
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_TEXTS = frozenset({"text/plain", "text/html"})
_FEEDBACK_TYPES = frozenset({"message/feedback-report"})
_DISPOSITION_TYPES = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification"}
)
_AGGREGATE_SUBJECT = re.compile(
    r"^(?:\[[^\]]{1,40}\]\s*)?\W{0,3}report\s+domain\s*:|^dmarc aggregate report\b|^tls-?rpt\b", re.IGNORECASE
)
_PACKED = re.compile(
    r"application/(?:x-)?(?:g?zip|gzip-compressed|zip-compressed|tlsrpt\+(?:gzip|json)|xml|octet-stream)|text/xml"
)
_COMPLAINT = re.compile(r"^complaint about message from\b", re.IGNORECASE)
_QUOTED_ID = re.compile(r"^[ \t>|]*Message-ID[ \t]*:\s{0,4}(<[^<>\s]{3,250}>)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>;,\"']{1,64}@[^\s<>;,\"']{1,255}")
_EMPTY_DIAGNOSTIC = re.compile(r"^\W*(?:\d{1,3})?\W*$")


class ReportKind(StrEnum):
    DELIVERY = "delivery"
    FEEDBACK = "feedback"  # somebody called our mail spam
    DISPOSITION = "disposition"  # a mail was displayed or deleted
    AGGREGATE = "aggregate"  # DMARC or TLS figures


class Action(StrEnum):
    """What happened to a recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """One recipient; ``original`` is the address that the sender gave, "" where it is not said."""

    recipient: str
    original: str
    action: Action
    status: str
    diagnostic: str
    remote_mta: str = ""

    @property
    def hard(self) -> bool:
        return self.action is Action.FAILED and is_hard(self.status, self.diagnostic)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a report says; ``original_message_id`` is "<a@b>", "" where it is not said."""

    kind: ReportKind
    recipients: tuple[RecipientReport, ...] = ()
    original_message_id: str = ""
    reporting_mta: str = ""
    feedback_type: str = ""
    why: str = ""  # how it was recognised, for people

    @property
    def delayed(self) -> bool:
        """Delivery is still being tried for all of whom it speaks."""
        troubled = self._troubled
        return bool(troubled) and all(one.action is Action.DELAYED for one in troubled)

    @property
    def delivered(self) -> bool:
        """It says of everybody that the mail arrived."""
        return bool(self.recipients) and not self._troubled

    @property
    def bounce(self) -> Bounce | None:
        """The recipients who did not get the mail, or None where there are none to name."""
        failed = tuple(map(_failed_recipient, self._troubled))
        return Bounce(failed, self.original_message_id or None) if failed else None

    @property
    def _troubled(self) -> tuple[RecipientReport, ...]:
        if self.kind is not ReportKind.DELIVERY:
            return ()
        return tuple(one for one in self.recipients if one.action in {Action.FAILED, Action.DELAYED})


class _Prose:
    """What the notice for people says of each recipient; read when first asked."""

    def __init__(self, notice: str) -> None:
        self._notice = notice

    @cached_property
    def _named(self) -> dict[str, str]:
        return {one.address.lower(): one.diagnostic for one in bounce_text.recipients_in(self._notice)}

    def about(self, address: str) -> str:
        """The words about one recipient, or the opening of the notice."""
        return self._named.get(address.lower()) or " ".join(self._notice.split())[:_MAX_DIAGNOSTIC]


def _failed_recipient(one: RecipientReport) -> FailedRecipient:
    return FailedRecipient(
        one.recipient or one.original,
        one.status,
        one.hard,
        one.diagnostic[:_MAX_DIAGNOSTIC],
        final=one.action is Action.FAILED,
        original=one.original,
    )


def read_report(mail: Mail) -> DeliveryReport | None:
    """What a mail reports, or None for a mail that is no report."""
    if mail.content_type in _TEXTS and not mail.has("tls-report-domain"):
        return _prose(mail)  # it has no part for the others to read
    for read in (_delivery_status, _feedback, _disposition, _aggregate, _wrapped, _prose):
        if report := read(mail):
            return report
    return None


def is_from_daemon(mail: Mail) -> bool:
    """Whether From or the reverse-path is that of a mail system."""
    return _DAEMON.search(mail.raw_header("from")[:500]) is not None or has_null_path(mail)


def has_null_path(mail: Mail) -> bool:
    """Whether Return-Path says that nobody wants an answer (RFC 5321 section 4.5.5)."""
    return mail.has("return-path") and bool(_NULL_PATH.search(mail.raw_header("return-path")[:500]))


def _texts_of(mail: Mail, types: frozenset[str]) -> Iterator[str]:
    for part in mail.parts:
        if part.type in types:
            yield part.content[:MAX_FIELDS].decode("utf-8", "replace")


def _is_report(mail: Mail) -> bool:
    return mail.content_type == "multipart/report" or mail.content_type in _STATUS_TYPES


# --- delivery status, RFC 3464 ---


def _delivery_status(mail: Mail) -> DeliveryReport | None:
    groups = [group for text in _texts_of(mail, _STATUS_TYPES) for group in read_groups(text)]
    if not groups or not (_is_report(mail) or is_from_daemon(mail) or bounce_phrase(mail.subject)):
        return None
    return _report_of(mail, groups, "a message/delivery-status part")


def _report_of(mail: Mail, groups: Iterable[Fields], why: str) -> DeliveryReport | None:
    of_mail: Fields = {}
    of_recipients: list[Fields] = []
    for group in groups:
        if "final-recipient" in group or "original-recipient" in group:
            of_recipients.append(group)
        elif not of_recipients:
            of_mail = of_mail | group
        else:
            of_recipients[-1] = group | of_recipients[-1]  # a blank line where none belongs
    if not of_recipients:
        return None
    prose = _Prose(bounce_text.notice_of(mail.text))
    delay = is_delay_phrase(mail.subject)
    found = tuple(_recipient_of(group, prose, delay) for group in of_recipients[:MAX_RECIPIENTS])
    named = of_mail.get("x-original-message-id", "") or of_mail.get("original-message-id", "")
    return DeliveryReport(
        ReportKind.DELIVERY,
        found,
        original_message_id(mail) or named or _id_in(of_mail.get("original-envelope-id", "")),
        _after_type(of_mail.get("reporting-mta", "")),
        why=why,
    )


def _recipient_of(group: Fields, prose: _Prose, delay: bool) -> RecipientReport:
    final = _address_in(group.get("final-recipient", ""))
    original = _address_in(group.get("original-recipient", ""))
    diagnostic = _after_type(group.get("diagnostic-code", ""))
    declared = group.get("status", "")
    action = _action_of(group.get("action", ""), declared, delay)
    failed = action is Action.FAILED
    if _EMPTY_DIAGNOSTIC.match(diagnostic):
        diagnostic = prose.about(final or original) or diagnostic
        declared = "" if ".0.0" in declared else declared
    status = (
        declared[:9].split(" ")[0]
        if action not in _TROUBLE
        else status_of(diagnostic, declared, final=failed)
    )
    return RecipientReport(
        final or original, original, action, status, diagnostic, _after_type(group.get("remote-mta", ""))
    )


_TROUBLE = frozenset({Action.FAILED, Action.DELAYED})


def _action_of(said: str, status: str, delay: bool) -> Action:
    word = re.match(r"[a-z]*", said.strip().lower())
    if word and word[0] in set(Action):
        return Action(word[0])
    if status.strip().startswith("2"):
        return Action.DELIVERED
    return Action.DELAYED if delay else Action.FAILED


def _address_in(value: str) -> str:
    """The address of "rfc822; user@example.org" and what is made of it."""
    found = _ADDRESS.search(value.partition(";")[2] or value)
    return found[0] if found else ""


def _id_in(envelope_id: str) -> str:
    """Our envelope ids are the Message-ID (RFC 3464 section 2.2.1)."""
    return envelope_id if re.fullmatch(r"<[^<>\s]{3,250}>", envelope_id) else ""


def _after_type(value: str) -> str:
    """The text after "smtp;" or "dns;"."""
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and len(kind) < 20 and " " not in kind.strip() else value.strip()


def original_message_id(mail: Mail) -> str:
    """The Message-ID of the mail that a report is about, "" where it is not said."""
    for embedded in mail.embedded[:3]:
        if embedded.message_id:
            return embedded.message_id
    text = mail.text[: bounce_text.MAX_NOTICE * 4]
    if quoted := _QUOTED_ID.search(text):
        return quoted[1]
    answered = mail.in_reply_to or mail.references[-1:]
    return answered[0] if answered else ""


# --- feedback, disposition, aggregates ---


def _feedback(mail: Mail) -> DeliveryReport | None:
    for text in _texts_of(mail, _FEEDBACK_TYPES):
        fields = {name: value for group in read_groups(text) for name, value in group.items()}
        return _feedback_of(
            mail, fields.get("feedback-type", "abuse").lower(), fields.get("original-rcpt-to", "")
        )
    if _COMPLAINT.search(mail.subject) and mail.embedded:
        return _feedback_of(mail, "abuse", mail.embedded[0].header("x-hmxmroriginalrecipient"))
    return None


def _feedback_of(mail: Mail, kind: str, recipient: str) -> DeliveryReport:
    address = _address_in(recipient)
    named = (RecipientReport(address, "", Action.DELIVERED, "", ""),) if address else ()
    return DeliveryReport(
        ReportKind.FEEDBACK,
        named,
        original_message_id(mail),
        feedback_type=kind,
        why="a feedback report (RFC 5965)",
    )


def _disposition(mail: Mail) -> DeliveryReport | None:
    for text in _texts_of(mail, _DISPOSITION_TYPES):
        fields = {name: value for group in read_groups(text) for name, value in group.items()}
        named = fields.get("original-message-id", "").strip() or original_message_id(mail)
        return DeliveryReport(ReportKind.DISPOSITION, (), named, why="a disposition notification (RFC 8098)")
    return None


def _aggregate(mail: Mail) -> DeliveryReport | None:
    kind = next((part.parameters.get("report-type", "").lower() for part in mail.parts[:1]), "")
    if mail.has("tls-report-domain") or (mail.content_type == "multipart/report" and kind == "tlsrpt"):
        return DeliveryReport(ReportKind.AGGREGATE, why="a TLS report (RFC 8460)")
    packed = any(_PACKED.match(part.type) for part in mail.parts)
    if packed and _AGGREGATE_SUBJECT.search(mail.subject):
        return DeliveryReport(ReportKind.AGGREGATE, why="an aggregate report (RFC 7489)")
    return None


# --- bounces in prose ---


def _wrapped(mail: Mail) -> DeliveryReport | None:
    """A report that a gateway sends on as an attachment, in its own name."""
    if not mail.embedded or not is_from_daemon(mail):
        return None
    return next((found for inner in mail.embedded[:1] if (found := _delivery_status(inner))), None)


def _prose(mail: Mail) -> DeliveryReport | None:
    if not _may_be_prose(mail):
        return None
    text = mail.text or _body(mail)
    notice = bounce_text.notice_of(text)
    failed_header = mail.header("x-failed-recipients")
    if not failed_header and not _reads_like_notice(mail, notice):
        return None
    if report := _report_of(mail, read_groups(text[: bounce_text.MAX_NOTICE]), "fields in the text"):
        return report
    delay = is_delay_phrase(mail.subject) or bounce_text.is_delay(notice)
    recipients = _named_in_header(failed_header, notice) or _named_in_prose(mail, text, notice)
    if not is_from_daemon(mail) and not (recipients and _returns_a_mail(mail, text, notice)):
        return None
    reports = tuple(_prose_report(one, delay) for one in recipients)
    named = original_message_id(mail)
    return DeliveryReport(ReportKind.DELIVERY, reports, named, why="the text of a mail system")


def _reads_like_notice(mail: Mail, notice: str) -> bool:
    return bounce_text.is_notice(f"{mail.subject}\n{notice}") or bool(
        bounce_phrase(mail.subject) and is_from_daemon(mail)
    )


def _returns_a_mail(mail: Mail, text: str, notice: str) -> bool:
    """People write of failed deliveries too; they return no mail, and do not say that they are a program."""
    is_cut = len(notice.strip()) < len(text[: bounce_text.MAX_NOTICE].strip())
    return is_cut or bool(mail.embedded) or mail.has("auto-submitted") or mail.has("x-failed-recipients")


def _body(mail: Mail) -> str:
    """What stands below the header of a mail whose structure is broken."""
    octets = mail.raw[: 4 * bounce_text.MAX_NOTICE].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return octets.partition(b"\n\n")[2].decode("utf-8", "replace")


def _may_be_prose(mail: Mail) -> bool:
    """From a mail system, or under such a subject and neither answered nor forwarded by a person."""
    if mail.has("x-failed-recipients") or is_from_daemon(mail):
        return True
    return bool(bounce_phrase(mail.subject)) and not _ANSWER_OR_FORWARD.match(mail.subject)


def _named_in_header(header: str, notice: str) -> tuple[NamedRecipient, ...]:
    addresses = list(dict.fromkeys(found[0] for found in _ADDRESS.finditer(header[:10_000])))
    prose = _Prose(notice)
    return tuple(NamedRecipient(one, prose.about(one)) for one in addresses[:MAX_RECIPIENTS])


def _named_in_prose(mail: Mail, text: str, notice: str) -> tuple[NamedRecipient, ...]:
    """By the notice; else whom the returned message was for."""
    own = {box.address.key for box in mail.to}
    if named := bounce_text.recipients_in(notice, own) or bounce_text.recipients_in(notice):
        return named
    words = " ".join(notice.split())[:_MAX_DIAGNOSTIC]
    returned = [str(box.address) for embedded in mail.embedded[:1] for box in embedded.to]
    returned = returned or list(filter(None, [bounce_text.returned_to(text)]))
    return tuple(NamedRecipient(one, words) for one in returned[:MAX_RECIPIENTS])


def _prose_report(named: NamedRecipient, delay: bool) -> RecipientReport:
    status = status_of(named.diagnostic, final=not delay)
    action = Action.DELAYED if delay else Action.FAILED
    return RecipientReport(named.address, "", action, status, named.diagnostic)
