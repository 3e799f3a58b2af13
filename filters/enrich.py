"""Add what is known of the author: from this desk's own store, and from a site's sources.

A source is asked by the sender's address, its domain, what a pattern finds in the mail, or a value of an
earlier source.  What it says becomes notes for the agents, tags, and scores that later conditions read.  A
source that is down costs no mail: the mail goes on with a tag, and is enriched when the source is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailproc.stage import (
    CONTINUE,
    NAME,
    AuthorHistory,
    Delivery,
    History,
    Inquiry,
    LookUps,
    MailTemplate,
    Pattern,
    SourceAway,
    SourceOptions,
    Stage,
    Value,
    Verdict,
    as_tag,
    compile_pattern,
    compile_template,
    one_line,
    open_source,
)

PATIENCE = 20.0  # seconds for all sources together; what is not asked by then counts as away
MOST_LINES = 5  # of one source's note
NOBODY = "mailproc-probe@probe.invalid"
SEARCHED = 65_536  # characters of a text that patterns look at

Known = dict[str, str]

_OF_EVERY_MAIL = ("sender", "domain", "local", "name", "customer", "mail_from", "subject", "desk")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A source that is open, and what becomes of its answers."""

    options: SourceOptions
    inquiry: Inquiry
    note: MailTemplate | None
    tags: tuple[MailTemplate, ...]

    @property
    def name(self) -> str:
        return self.inquiry.name

    @property
    def away(self) -> str:
        """The tag of a mail that came while the source was away."""
        return f"{self.name}-away"


@dataclass
class Filter(Stage):
    history: bool = True  # note how often the author wrote to this desk, and who answered last
    find: dict[str, str] = field(default_factory=dict)  # patterns by the names of what they find in the mail
    source: dict[str, SourceOptions] = field(default_factory=dict)  # what is asked, in this order
    _history: History = field(init=False, repr=False)
    _patterns: dict[str, Pattern] = field(init=False, repr=False)
    _sources: tuple[_Asked, ...] = field(init=False, repr=False)

    @classmethod
    def more_scores(cls, options: Mapping[str, Any]) -> frozenset[str]:
        tables = options.get("source", {}).items()
        values = {
            f"{source}_{value.partition('=')[0]}" for source, table in tables for value in table["values"]
        }
        return frozenset(values | {f"{source}_found" for source, _ in tables})

    async def open(self, look_ups: LookUps) -> None:
        self._history = look_ups.history
        for name in (*self.find, *self.source):
            if not NAME.fullmatch(name):
                raise ValueError(f'"{name}" is no name: use lower-case letters, digits and _')
        self._patterns = {name: _compiled(name, pattern) for name, pattern in self.find.items()}
        known = {*_OF_EVERY_MAIL, *self.find}
        sources = []
        for name, options in self.source.items():
            try:
                sources.append(_open(name, options, Path(look_ups.folder), known))
            except ValueError as error:
                key, colon, _ = str(error).partition(": ")
                place = f"source.{name}." if colon and hasattr(options, key) else f"source.{name}: "
                raise ValueError(f"{place}{error}") from None
            known |= {f"{name}_{value}" for value in options.wanted}
        self._sources = tuple(sources)

    async def probe(self) -> Mapping[str, str]:
        return {source.name: await _failure_of(source) for source in self._sources}

    async def close(self) -> None:
        for source in self._sources:
            await source.inquiry.close()

    async def process(self, delivery: Delivery) -> Verdict:
        if self.history and not delivery.again:
            await self._look_back(delivery)
        if self._sources:
            await self._ask(delivery)
        return CONTINUE

    async def _look_back(self, delivery: Delivery) -> None:
        author = delivery.mail.author
        if author is None:
            return
        before = await self._history.of(delivery.desk, author.address.key)
        delivery.score("mails", before.mails)
        delivery.score("open_tickets", before.open_tickets)
        if before.answered is not None:
            delivery.score("answered_days", round((delivery.received - before.answered) / 86_400, 2))
            delivery.score("answered_by", before.answered_by)
        if before.mails:
            delivery.note("author", describe(before))

    async def _ask(self, delivery: Delivery) -> None:
        """Ask each source in turn; one that needs what a source that is away would say is away too."""
        known = self._known(delivery)
        missing: set[str] = set()
        deadline = asyncio.get_running_loop().time() + PATIENCE
        for source in self._sources:
            try:
                if missing & source.inquiry.needs:
                    raise SourceAway("waits for another source")
                async with asyncio.timeout_at(deadline):
                    answer = await source.inquiry.ask(known)
            except (SourceAway, TimeoutError):
                missing |= {f"{source.name}_{value}" for value in source.options.wanted}
                _postpone(delivery, source)
                continue
            if answer:
                first = {f"{source.name}_{name}": value for name, value in answer[0].items()}
                known |= {name: str(value) for name, value in first.items()}
                delivery.publish(first)
            if not delivery.again or source.away in delivery.again:
                _say(delivery, source, answer, known)

    def _known(self, delivery: Delivery) -> Known:
        """What a mail brings to ask with; "" for what it does not."""
        mail, sender = delivery.mail, delivery.envelope.mail_from
        author, customer = mail.author, mail.customer
        known = {
            "sender": author.address.key if author else "",
            "domain": author.address.domain.lower() if author else "",
            "local": author.address.local.lower() if author else "",
            "name": author.name if author else "",
            "customer": customer.address.key if customer else "",
            "mail_from": sender.key if sender else "",
            "subject": mail.subject,
            "desk": delivery.desk.name,
        }
        return known | {name: self._found(pattern, delivery) for name, pattern in self._patterns.items()}

    def _found(self, pattern: Pattern, delivery: Delivery) -> str:
        """What a pattern finds: in the subject, else in what was written anew, else anywhere in the text."""
        mail = delivery.mail
        found = (
            pattern.search(mail.subject[:SEARCHED])
            or pattern.search(mail.reply[:SEARCHED])
            or pattern.search(mail.text[:SEARCHED])
        )
        return next((group for group in found.groups if group), found.text) if found else ""


def _compiled(name: str, pattern: str) -> Pattern:
    if name in _OF_EVERY_MAIL:
        raise ValueError(f"find.{name}: means something else: every mail brings it")
    try:
        return compile_pattern(pattern)
    except ValueError as error:
        raise ValueError(f"find.{name}: {error}") from None


def _open(name: str, options: SourceOptions, folder: Path, known: set[str]) -> _Asked:
    inquiry = open_source(name, options, folder)
    for need in sorted(inquiry.needs - known):
        key = "by" if options.key else "query" if options.query else "url"
        raise ValueError(f'{key}: nothing is called "{need}"; there is {", ".join(sorted(known))}')
    names = {*known, *options.wanted, "rows"}
    return _Asked(
        options,
        inquiry,
        _template("note", options.note, names) if options.note else None,
        tuple(_template("tags", tag, names) for tag in options.tags),
    )


def _template(key: str, source: str, names: set[str]) -> MailTemplate:
    try:
        return compile_template(source, names)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


async def _failure_of(source: _Asked) -> str:
    """Why a source does not answer a question about nobody."""
    try:
        await source.inquiry.ask(dict.fromkeys(source.inquiry.needs, NOBODY))
    except SourceAway as away:
        return str(away)
    return ""


def _postpone(delivery: Delivery, source: _Asked) -> None:
    if delivery.again and source.away not in delivery.again:
        return
    if source.options.later:
        delivery.postpone(source.away)
    else:
        delivery.add_tag(source.away)


def _say(delivery: Delivery, source: _Asked, answer: tuple[Mapping[str, Value], ...], known: Known) -> None:
    """Notes and tags of one source's answer."""
    asked = all(known.get(name) for name in source.inquiry.needs)
    if asked:
        delivery.publish({f"{source.name}_found": bool(answer)})
    if not answer:
        if asked and source.options.unknown:
            delivery.add_tag(source.options.unknown)
        return
    values = {**known, **answer[0], "rows": [dict(record) for record in answer]}
    for tag in source.tags:
        if made := as_tag(tag.render(values)):
            delivery.add_tag(made)
    if source.note is not None:
        lines = filter(None, map(one_line, source.note.render(values).splitlines()))
        for number, line in zip(range(1, MOST_LINES + 1), lines, strict=False):
            delivery.note(source.name if number == 1 else f"{source.name} {number}", line)


def describe(history: AuthorHistory) -> str:
    """The author in one line: ``12 mails before, 2 tickets open, answered 2026-11-20 by alice``."""
    mails = "1 mail" if history.mails == 1 else f"{history.mails} mails"
    tickets = {0: "no ticket", 1: "1 ticket"}.get(history.open_tickets, f"{history.open_tickets} tickets")
    line = f"{mails} before, {tickets} open"
    if history.answered is None:
        return line
    by = f" by {history.answered_by}" if history.answered_by else ""
    return f"{line}, answered {datetime.fromtimestamp(history.answered, UTC):%Y-%m-%d}{by}"
