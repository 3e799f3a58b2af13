"""What a sender wrote anew, apart from quoted mail and signature.

Nothing is lost: every line of the text is in exactly one of the three, answers between quoted lines are part
of the reply, and where all would be quoted without a mark of it the text is taken as new.  Works line by line
on bounded text, so its cost is linear; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby

from mailproc.mime.quote_lines import (
    RULES,
    TIME_OR_YEAR,
    closings,
    device_lines,
    introducing,
    is_attribution,
    may_be_label,
)
from mailproc.mime.quote_words import (
    CLOSING,
    CONTACT,
    FIRST_WORD,
    FORWARD,
    LABEL,
    OPENER,
    POSTSCRIPT,
    SEPARATOR,
    WROTE,
    WROTE_ENDINGS,
)

_MARKED = re.compile(r"[ \t\u00a0]{0,3}(?:>(?!From )|[A-Z]{1,3}>|\|\s)")
_RULE = re.compile(r"\s*\*{0,2}[-_=─—–]{5,}\*{0,2}\s*$")
_MAY_BE_RULED = frozenset("-_=#*>")  # as every separator begins
_FOOTER = re.compile(r"_{5,}\s*$")  # as list software and some mail programs have it
_ENDS_OF_SENTENCES = (".", "!", "?", ":", ";", ",")
_DELIMITER = re.compile(r"(?:--|__|—|–|---)[ \t\u00a0]*$")
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}")
_DATE = re.compile(r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}|\d{1,2}\.? \w{3,12}\.? \d{4}")
_ADDRESS_AT_END = re.compile(r"<[^<>@\s]{1,100}@[^<>\s]{1,200}>\s*[:：]$")
_MOST_LINES = 4000
_LOOK_BACK = 5  # lines over which an attribution may be wrapped
_LONGEST_LINE = 1000  # characters; no mail client introduces a quote by a longer one
_LONGEST_HEADER_BLOCK = 40  # lines
_LONGEST_ATTRIBUTION = 400
_LONGEST_SIGNATURE = 25  # lines with text
_LONGEST_FOOTER = 5  # lines with text below a line of underscores
_SIGNATURE_SPAN = 100  # lines at the end in which a signature may begin
_SHORT = 60  # characters of a line on a business card
_WRAPPED = 60  # a quoted line as long as this may have been wrapped without its mark


class _Kind(Enum):
    OWN = "own"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Division:
    """A text in three; each without blank lines around it, "" where there is none."""

    reply: str
    quoted: str
    signature: str


def divide(text: str, limit: int) -> Division:
    """Divide a text; what lies beyond ``limit`` characters or 4000 lines counts with the last of it."""
    head, rest = _cut(text, limit)
    division = _Page(head.split("\n")).divide()
    if not rest:
        return division
    if division.quoted:
        return Division(division.reply, f"{division.quoted}\n{rest}", division.signature)
    return Division(f"{division.reply}\n{rest}", "", division.signature)


def own_lines(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines, with their numbers, that are no quote and introduce none; none beyond the first 4000."""
    page = _Page(list(lines[:_MOST_LINES]))
    page.mark()
    for number, (line, kind) in enumerate(zip(page.lines, page.kinds, strict=True)):
        if kind is not _Kind.QUOTED:
            yield number, line


def _cut(text: str, limit: int) -> tuple[str, str]:
    """The text up to the limit, and the rest; cut at the end of a line where there is one."""
    if len(text) <= limit and text.count("\n") < _MOST_LINES:
        return text, ""
    position = -1
    for _ in range(_MOST_LINES):
        following = text.find("\n", position + 1)
        if following < 0 or following > limit:
            break
        position = following
    else:
        return text[:position], text[position + 1 :]
    if len(text) <= limit:
        return text, ""
    return (text[:position], text[position + 1 :]) if position >= 0 else (text[:limit], text[limit:])


@dataclass(slots=True)
class _Page:
    """The lines of a text and what each of them is."""

    lines: list[str]
    kinds: list[_Kind] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)
    may_introduce: list[bool] = field(default_factory=list)  # may be the last line of an attribution
    introduced: bool = False  # some line said that a quote follows

    def mark(self) -> None:
        """Say of each line whether it is the author's own or quoted."""
        self.marked = [
            (">" in line or "|" in line) and _MARKED.match(line) is not None for line in self.lines
        ]
        self.may_introduce = introducing(self.lines)
        self._mark_wrapped()
        self.kinds = [_Kind.QUOTED if marked else _Kind.OWN for marked in self.marked]
        self._find_quotes()

    def divide(self) -> Division:
        self.mark()
        if not self._has_own():
            self._without_new_text()
        self._find_signatures()
        runs = list(self._runs())
        return Division(*(self._text(runs, kind) for kind in (_Kind.OWN, _Kind.QUOTED, _Kind.SIGNATURE)))

    # Quotes

    def _mark_wrapped(self) -> None:
        """A line that a mail server wrapped lost the mark of its rest."""
        if True not in self.marked:
            return
        for i in range(1, len(self.lines) - 1):
            line = self.lines[i]
            if not (self.marked[i - 1] and self.marked[i + 1]) or self.marked[i] or not line.strip():
                continue
            self.marked[i] = len(self.lines[i - 1]) >= _WRAPPED and len(line) < 50 and line[:1].islower()

    def _find_quotes(self) -> None:
        read = 0
        for i in self._beginnings():
            end = self._introduction(i) if i >= read else None
            if end is None:
                continue
            self.introduced = True
            self._set(_Kind.QUOTED, self._rule_above(i), end)
            following = self._next_with_text(end)
            if following is None or not self.marked[following]:
                self._set(_Kind.QUOTED, end, len(self.lines))
                return
            read = end

    def _beginnings(self) -> list[int]:
        """The lines where an introduction can begin: few, and found fast."""
        found = {
            i
            for i, line in enumerate(self.lines)
            if line.lstrip()[:1] in _MAY_BE_RULED or ((":" in line or "：" in line) and may_be_label(line))
        }
        if True in self.may_introduce:
            for last in [i for i, introduces in enumerate(self.may_introduce) if introduces]:
                found.update(range(max(last - _LOOK_BACK, 0), last + 1))
        return sorted(found)

    def _introduction(self, i: int) -> int | None:
        """Where the lines end that introduce a quote at line i, None where none does."""
        line = self.lines[i]
        if not line.strip() or self.marked[i] or len(line) > _LONGEST_LINE:
            return None
        is_ruled = line.lstrip()[:1] in _MAY_BE_RULED
        if (is_ruled and SEPARATOR.match(line)) or (":" in line and FORWARD.match(line)):
            return self._header_block(i + 1, fewest=1) or i + 1
        if (":" in line or "：" in line) and LABEL.match(line) and (end := self._header_block(i, fewest=3)):
            return end
        return self._attribution(i)

    def _header_block(self, start: int, *, fewest: int) -> int | None:
        """Where a block of From:, Sent:, To:, Subject: ends that begins at ``start``, blank lines apart."""
        kinds: set[str] = set()
        end, others = None, 0
        for i in range(start, min(start + _LONGEST_HEADER_BLOCK, len(self.lines))):
            match = LABEL.match(self.lines[i])
            if match:
                kinds.add(match.lastgroup or "")
                end, others = i + 1, 0
            elif i > start or self.lines[i].strip():
                others += 1  # a blank line, or the rest of a long address list
            if others == 3:
                break
        named = "from" in kinds and ("date" in kinds or "subject" in kinds)
        return end if len(kinds) >= fewest and (named or fewest == 1) else None

    def _attribution(self, i: int) -> int | None:
        """Where "On … Jane wrote:" ends that begins at line i and may be wrapped."""
        last = min(i + _LOOK_BACK + 1, len(self.lines))
        if not any(self.may_introduce[i:last]):
            return None
        joined = ""
        for end in range(i, last):
            line = self.lines[end].strip().strip("*")
            if self.marked[end] and not line.startswith("> "):
                return None
            if not line and not self._goes_on(end):
                return None
            joined = f"{joined} {line}".strip()
            if len(joined) > _LONGEST_ATTRIBUTION:
                return None
            if not self.may_introduce[end] or not self._introduces(joined, end + 1):
                continue
            if end == i or (self._begins_attribution(i, joined) and not self._begins_later(i, end)):
                return end + 1
        return None

    def _begins_attribution(self, i: int, joined: str) -> bool:
        """True where line i can be the first of several: it begins with a date, or names somebody."""
        if OPENER.match(joined):
            return TIME_OR_YEAR.search(joined) is not None
        return "@" in self.lines[i] or WROTE.search(self.lines[i]) is not None

    def _goes_on(self, blank: int) -> bool:
        """Some clients put blank lines around a bare address: "Jane", "", "<", "jane@…", "> wrote:"."""
        following = self._next_with_text(blank)
        return following is not None and self.lines[following].lstrip().startswith(("<", "mailto:"))

    def _begins_later(self, start: int, end: int) -> bool:
        """True where a shorter attribution begins further down: what stands above is not part of it."""
        is_begun = FIRST_WORD.match(self.lines[start].lstrip()) is not None
        for i in range(start + 1, end + 1):
            line = self.lines[i].lstrip()
            if FIRST_WORD.match(line) or (not is_begun and _DATE.match(line)):
                joined = " ".join(line.strip() for line in self.lines[i : end + 1])
                if self._introduces(joined, end + 1):
                    return True
        return False

    def _introduces(self, joined: str, after: int) -> bool:
        joined = joined.rstrip()
        if joined.endswith((":", "：")):
            if OPENER.match(joined) and _TIME.search(joined) and _ADDRESS_AT_END.search(joined):
                return True
            following = self._next_with_text(after)
            is_marked = following is not None and self.marked[following]
            return is_attribution(joined, is_marked=is_marked)
        # Some clients leave the colon out.
        return "@" in joined and joined.endswith(WROTE_ENDINGS) and OPENER.match(joined) is not None

    def _rule_above(self, i: int) -> int:
        """A line of dashes or underscores above an introduction belongs to it."""
        above = i - 1
        while above >= 0 and not self.lines[above].strip():
            above -= 1
        return above if above >= 0 and _RULE.match(self.lines[above]) else i

    def _without_new_text(self) -> None:
        """All would be quoted: what has no marks, or no introduction, is taken as new."""
        first = self._next_with_text(0)
        if first is None:
            return
        line = self.lines[first]
        if not self.introduced:
            bare = line.lstrip("> \t")
            if WROTE.search(bare) or LABEL.match(bare):
                return
            self._set(_Kind.OWN, 0, len(self.lines))
            self.lines = [re.sub(r"^[ \t]{0,3}>[ \t]?", "", line) for line in self.lines]
        elif any(self.marked) or SEPARATOR.match(line) or FORWARD.match(line) or _RULE.match(line):
            return
        elif LABEL.match(line):  # a form of a web site
            self._set(_Kind.OWN, 0, len(self.lines))
        elif (end := self._attribution(first)) is not None:
            self._set(_Kind.OWN, end, len(self.lines))

    # Signatures

    def _find_signatures(self) -> None:
        for kind, start, end in list(self._runs()):
            if kind is _Kind.OWN:
                self._find_signature(start, end)
        added = [i for i in device_lines(self.lines) if self.kinds[i] is _Kind.OWN]
        own = (i for i, line in enumerate(self.lines) if self.kinds[i] is _Kind.OWN and line.strip())
        if added and not set(added).issuperset(own):  # a phone's line alone is all that was said
            for i in added:
                self.kinds[i] = _Kind.SIGNATURE

    def _runs(self) -> Iterator[tuple[_Kind, int, int]]:
        """Lines of one kind that stand together: where they begin and end."""
        start = 0
        for kind, run in groupby(self.kinds):
            end = start + len(list(run))
            yield kind, start, end
            start = end

    def _find_signature(self, start: int, end: int) -> None:
        for i in closings(self.lines[:end], self._earliest_signature(start, end)):
            if self._begins_signature(i, end):
                self._set(_Kind.SIGNATURE, i, end)
                return

    def _earliest_signature(self, start: int, end: int) -> int:
        """From here on so few lines follow that they may be a signature."""
        left = _LONGEST_SIGNATURE
        if end - start <= left:
            return start
        for i in range(end - 1, max(start, end - _SIGNATURE_SPAN) - 1, -1):
            if self.lines[i].strip():
                if left < 0:
                    return i + 1
                left -= 1
        return max(start, end - _SIGNATURE_SPAN)

    def _begins_signature(self, i: int, end: int) -> bool:
        line = self.lines[i]
        is_ruled = line.lstrip()[:1] in RULES
        if is_ruled and _DELIMITER.match(line):
            return 0 < self._count(i + 1, end) <= _LONGEST_SIGNATURE
        if is_ruled and _FOOTER.match(line) and i > 0:
            return 0 < self._count(i + 1, end) <= _LONGEST_FOOTER
        is_end = len(line) <= _SHORT and ((is_ruled and _RULE.match(line)) or CLOSING.match(line))
        return bool(is_end) and self._is_business_card(i, end)

    def _is_business_card(self, i: int, end: int) -> bool:
        """Short lines with a telephone number or an address of the web up to the end, and nothing asked."""
        lines = [line.strip() for line in self.lines[i + 1 : end] if line.strip()]
        if not 2 <= len(lines) <= _LONGEST_SIGNATURE:
            return False
        if any(POSTSCRIPT.match(line) or line.endswith("?") for line in lines):
            return False
        is_short = all(len(line) <= _SHORT and not line.endswith(_ENDS_OF_SENTENCES) for line in lines[:3])
        return is_short and any(CONTACT.search(line) for line in lines)

    # Lines

    def _set(self, kind: _Kind, start: int, end: int) -> None:
        for i in range(start, end):
            self.kinds[i] = kind

    def _count(self, start: int, end: int) -> int:
        return sum(1 for line in self.lines[start:end] if line.strip())

    def _has_own(self) -> bool:
        return any(
            kind is _Kind.OWN and line.strip() for kind, line in zip(self.kinds, self.lines, strict=True)
        )

    def _next_with_text(self, start: int) -> int | None:
        return next((i for i in range(start, len(self.lines)) if self.lines[i].strip()), None)

    def _text(self, runs: list[tuple[_Kind, int, int]], kind: _Kind) -> str:
        """All lines of a kind; where others stood between, one blank line."""
        texts = [_trim("\n".join(self.lines[start:end])) for each, start, end in runs if each is kind]
        return "\n\n".join(filter(None, texts))


_BLANKS = frozenset(" \t\u00a0\n")
_BLANKS_ABOVE = re.compile(r"\A(?:[ \t\u00a0]*\n)+")


def _trim(text: str) -> str:
    """Without blank lines around; the first line keeps its indent."""
    text = text.rstrip()
    return _BLANKS_ABOVE.sub("", text) if text[:1] in _BLANKS else text
