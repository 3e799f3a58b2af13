"""Read the prose of a bounce that is no RFC 3464 report: qmail, Exim, old sendmail, Exchange, providers.

The notice is what stands above the returned message.  Recipients are looked for by layout, surest first:
labelled fields, ``<address>:`` at the start of a line, a line that begins with an address, a sentence that
names one.  The text from one recipient to the next is its diagnostic.  Only the first MAX_NOTICE characters
are read, every repetition in a pattern is bounded, and nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailproc.mime.bounce_status import cause_of

MAX_NOTICE = 16_384  # characters
MAX_RECIPIENTS = 100
_MAX_BLOCK = 900  # characters of diagnostic kept for one recipient

_ADDRESS = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255}[^\W_]"

# Where the notice ends and the returned message begins.
_RETURNED = re.compile(
    r"""^[ \t>]{0,20}(?:
        -{2,80}[ \t]{0,20}(?:below\ (?:this|the\ next)\ line|this\ is\ a\ copy|original\ message
            |the\ header\ of|attachment\ is|start\ of\ returned|returned\ m|unsent\ message
            |message\ (?:header|text)|enclosed\ is|original\ mail
            |non-delivered\ info|ursprüngliche|mensaje\ orig)
        |-{0,80}[ \t]{0,20}(?:the\ )?original\ (?:message|mail)(?:\ headers?)?\ (?:follows
            |as\ (?:received|follows)|is\ (?:following|as))
        |-{0,80}[ \t]{0,20}original\ message\ headers?:|message\ headers?\ follow
        |original\ message:?[ \t]{0,20}$|original\ mail\ as
        |\|?-{3,80}[ \t]{0,20}(?:message\ text|original|returned|unsent)
        |below\ is\ a\ copy\ of|here\ is\ a\ copy\ of|included\ is\ a\ copy\ of
        |a\ copy\ of\ the\ original\ message|the\ first\ \d{1,5}\ lines\ of|received:\s{1,4}(?:from|by|\()
        |return-path:\s|x-received:\s|dkim-signature:\s|this\ is\ a\ copy\ of\ (?:the|your)\ message
        |元のメッセージ|исходное\ (?:письмо|сообщение)
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)

_GAP = r"[ \t]{0,20}"
# Layouts that name a failed recipient, surest first; each has one group.
_LAYOUTS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"^{_GAP}(?:final|original)-recipient{_GAP}:{_GAP}(?:rfc822;|smtp;)? {{0,4}}<?({_ADDRESS})",
        rf"^{_GAP}<({_ADDRESS})>{_GAP}(?::|\.\.\.|$|\n{_GAP}\(reason)",
        rf"^(?:{_GAP}|[45]\d\d )<({_ADDRESS})>\.\.\.",
        rf"^[ \t>]{{0,20}}(?:>>> )?({_ADDRESS}) <{_ADDRESS}>",
        rf"(?:recipient|address|error-for)s?{_GAP}:{_GAP}\[?(?:smtp:|rfc822;)? {{0,4}}<?({_ADDRESS})",
        rf"SMTP=({_ADDRESS})",
        rf"^{_GAP}(?:\* )?\[({_ADDRESS})\]:",
        rf"generated from ({_ADDRESS})",
        rf"^{_GAP}(?:-- |\* )?({_ADDRESS})(?:<mailto:[^>\n]{{0,300}}>)?{_GAP}(?:<br>)?"
        r"(?::|\.\.\.|\[|$| \.\.\. | - | on \w{3},)",
        rf"(?:user|userid|attempts|size|full|address){_GAP}:{_GAP}<?({_ADDRESS})",
        rf"rcpt to:{_GAP}<?({_ADDRESS})",
        r"(?:deliver\w{0,9}|addressed|message|mail|undeliverable|sent|errors?: ?)[^\n@]{0,60}[ <'\"(:]"
        rf"({_ADDRESS})",
        rf"[<\"'( ]?({_ADDRESS})",
    )
)
_SENDER_LINE = re.compile(
    rf"(?:(?<!generated )from|sender|contact|postmaster)\b[^\n]{{0,40}}?<?({_ADDRESS})",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?!mailto:)/?[a-z][^<>@]{0,200}>", re.IGNORECASE)

_RETURNED_TO = re.compile(rf"^[ \t>|]{{0,20}}To:[^\n@]{{0,100}}?<?({_ADDRESS})", re.IGNORECASE | re.MULTILINE)

# Words that only a mail system writes; one of them makes a text a notice.
_NOTICE = re.compile(
    r"""this\ is\ the\ (?:[\w.-]+\ ){0,3}(?:qmail-send|program\ at|mailer-daemon|mail\ system
        |dragonfly|deliver\ program)
    |(?:message|mail|letter|email)\s(?:that\s)?(?:you\s)?(?:have\s)?(?:sent\s)?(?:\S+\s){0,4}
        (?:could|can|was|has|have)(?:\s?not|n't)\s(?:yet\s)?be(?:en)?\s(?:\S+\s){0,2}deliver
    |could\ not\ be\ delivered|was\ not\ delivered|not\ (?:yet\ )?been\ delivered|cannot\ be\ delivered
    |unable\ to\ deliver|undeliverable\ to|undeliverable\ address|delivery\ (?:to\ the\ following
    |has\ failed|failed)
    |did\ not\ reach\ the\ following|permanent\ (?:fatal\ )?errors?|delivery\ (?:errors|problems)
    |failed\ addresses
    |transcript\ of\ session\ follows|error\ delivering|trouble\ delivering|attempting\ to\ deliver
    |unknown\ user:|invalid\ final\ delivery|mailbox\ is\ full|exceeds\ allowed\ size|no\ such\ user\ here
    |has\ been\ (?:returned|postponed|delayed|blocked|rejected)|was\ (?:blocked|rejected)|failure\ reasons
    |(?:error|affected)\ (?:occurred|recipients)|following\ (?:recipients|addresses)|not\ accepting\ mail
    |incorrectly\ constructed|not\ delivered\ to|error\ while\ being\ processed|not\ a\ member\ of
    |may\ not\ exist
    |error\ message\ below|requested\ action\ not\ taken|bounce\ notification|you\ sent\ was\ rejected
    |your\ message\ was\ addressed|permission\ to\ post|duplicated\ message-id|nicht\ zugestellt
    |unzustellbar|zugestellt\ werden
    |n'a\ pas\ pu\ [eê]tre|non\ (?:è\ stato|recapitat|consegnat)|no\ (?:se\ ha\ podido|pudo)\ (?:entregar
    |ser\ entregad)
    |não\ (?:pôde|foi)\ (?:ser\ )?entreg|niet\ worden\ (?:afgeleverd|bezorgd)|nie\ (?:została
    |mogła)\ (?:być\ )?dostarcz
    |не\ (?:может\ быть|было|удалось)\ достав|невозможно\ доставить|送信できません|配信できません
    |送信に失敗|无法(?:投递|送达)
    |kunde\ inte\ levereras|kunne\ ikke\ leveres|toimittaminen\ ep[aä]onnistui""",
    re.IGNORECASE | re.VERBOSE,
)
_DELAYED = re.compile(
    r"""not\ (?:yet\ )?been\ delivered\ to|has\ been\ (?:delayed|postponed)
    |this\ is\ a\ warning\ message\ only|will\ be\ retried
    |delivery\ attempts\ will\ continue|attempts\ will\ continue|still\ being\ retried
    |warning--could\ not\ send
    |will\ continue\ to\ try|noch\ nicht\ zugestellt|wird\ weiter\ versucht|n'a\ pas\ encore\ été
    |message\ will\ be\ retried""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class NamedRecipient:
    """A recipient that a notice names, with the words about it."""

    address: str
    diagnostic: str


def notice_of(text: str) -> str:
    """The part of a bounce's text above the returned message."""
    bounded = text[:MAX_NOTICE].replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    end = _RETURNED.search(bounded, 1)
    return bounded[: end.start()] if end else bounded


def returned_to(text: str) -> str:
    """Whom the returned message was addressed to, as far as its To stands in the text; else ""."""
    bounded = text[: 2 * MAX_NOTICE]
    found = _RETURNED_TO.search(bounded, len(notice_of(text)))
    return found[1] if found else ""


def is_notice(text: str) -> bool:
    """Whether a mail system wrote this, as far as words tell."""
    return _NOTICE.search(" ".join(text[:MAX_NOTICE].split())) is not None


def is_delay(text: str) -> bool:
    """Whether the notice says that delivery is still being tried."""
    return _DELAYED.search(" ".join(text[:MAX_NOTICE].split())) is not None


def recipients_in(notice: str, not_these: Iterable[str] = ()) -> tuple[NamedRecipient, ...]:
    """The recipients that the notice names; ``not_these`` are lower-case addresses of others in the play."""
    plain = _TAG.sub(" ", notice[:MAX_NOTICE])
    others = {found[1].lower() for found in _SENDER_LINE.finditer(plain)} | set(not_these)
    for layout in _LAYOUTS:
        places = _places(layout, plain, others)
        if places:
            return _with_diagnostics(plain, places)
    return ()


def _places(layout: re.Pattern[str], text: str, others: set[str]) -> dict[str, int]:
    """Address → where the layout names it first."""
    places: dict[str, int] = {}
    for found in layout.finditer(text):
        address = found[1].rstrip(".").strip("'")
        if address.lower() not in others and not _is_known(address, places):
            places[address] = found.start()
        if len(places) == MAX_RECIPIENTS:
            break
    return places


def _is_known(address: str, places: dict[str, int]) -> bool:
    return address.lower() in (known.lower() for known in places)


def _with_diagnostics(text: str, places: dict[str, int]) -> tuple[NamedRecipient, ...]:
    if len(places) == 1:
        return tuple(
            NamedRecipient(address, _only_diagnostic(text, start)) for address, start in places.items()
        )
    ends = [*list(places.values())[1:], len(text)]
    blocks = zip(places.items(), ends, strict=True)
    return tuple(
        NamedRecipient(address, _tidy(text[start : min(end, start + _MAX_BLOCK)]))
        for (address, start), end in blocks
    )


def _only_diagnostic(text: str, start: int) -> str:
    """The words after the only recipient; where they give no cause, those before it as well."""
    after = _tidy(text[start : start + _MAX_BLOCK])
    return after if cause_of(after) else _tidy(text[max(0, start - _MAX_BLOCK) : start + _MAX_BLOCK])


def _tidy(text: str) -> str:
    return " ".join(text.split())
