"""What a spam filter before us wrote into the header: SpamAssassin, or rspamd.

Anybody can write such headers. They count only where they name a host that is trusted
(``X-Spam-Checker-Version: … on HOST`` of SpamAssassin, ``X-Rspamd-Server: HOST`` of rspamd), and only at a
site whose own filter takes them out of mail from outside, as both do by default or with the settings in
docs/filters/spam.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from mailproc.mime.reader import Mail

_MOST_RULES = 50
_LONGEST = 16_384  # letters of a header that are looked at

_STATUS = re.compile(r"\s*(yes|no)\b[^=]{0,20}\b(?:score|hits)=(-?\d{1,5}(?:\.\d{1,4})?)", re.IGNORECASE)
_TESTS = re.compile(r"\btests=([A-Z0-9_,\s]{1,8000})")
_HOST = re.compile(r"\bon\s+([A-Za-z0-9.-]{1,253})\s*$")
_RESULT = re.compile(
    r"\s*(?:[\w-]{1,40}:\s*)?(True|False)\s*\[\s*(-?\d{1,5}(?:\.\d{1,4})?)\s*/", re.IGNORECASE
)
_SYMBOL = re.compile(r"\b([A-Z][A-Z0-9_]{2,60})\s*\(")


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the other filter said: its score in its own measure, and the rules that made it."""

    is_spam: bool
    score: float
    rules: tuple[str, ...] = ()


def read_upstream(mail: Mail, hosts: Collection[str]) -> Upstream | None:
    """The judgement of a filter on one of these hosts (lower-case names); None where there is none."""
    return _rspamd(mail, hosts) or _spamassassin(mail, hosts)


def _rspamd(mail: Mail, hosts: Collection[str]) -> Upstream | None:
    if mail.raw_header("x-rspamd-server").strip().lower() not in hosts:
        return None
    result = mail.raw_header("x-spamd-result")[:_LONGEST]
    if match := _RESULT.match(result):
        return Upstream(match[1].lower() == "true", float(match[2]), _distinct(_SYMBOL.findall(result)))
    return None


def _spamassassin(mail: Mail, hosts: Collection[str]) -> Upstream | None:
    host = _HOST.search(mail.raw_header("x-spam-checker-version")[:_LONGEST])
    if host is None or host[1].lower() not in hosts:
        return None
    status = mail.raw_header("x-spam-status")[:_LONGEST]
    if match := _STATUS.match(status):
        tests = _TESTS.search(status)
        return Upstream(match[1].lower() == "yes", float(match[2]), _rules(tests[1] if tests else ""))
    return None


def _rules(tests: str) -> tuple[str, ...]:
    return _distinct([rule for rule in re.split(r"[,\s]+", tests) if rule and rule != "autolearn"])


def _distinct(rules: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule[:60] for rule in rules))[:_MOST_RULES]
