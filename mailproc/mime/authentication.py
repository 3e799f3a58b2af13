"""Reading what mail servers wrote about a sender: Authentication-Results and Received-SPF.

RFC 8601 section 2.2, leniently: comments, quoted strings, versions and any spacing are read past, and what is
no result is skipped.  Time is linear, and everything is bounded.  Whom to believe is not decided here.
"""

from __future__ import annotations

import re

from mailproc.mime.reader import Mail
from mailproc.model.authentication import Result

MAX_INSTANCES = 20
MAX_LENGTH = 16_384  # characters of one instance
MAX_RESULTS = 50  # of one instance
MAX_PROPERTIES = 20  # of one result

_BY_AUTHOR = frozenset({"from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type"})
# What stands below these is older than the sending that our server saw (RFC 5322 section 3.6.6).  An agent's
# forward becomes such a mail, and no server looked at what was inside.
_BY_RESENDER = frozenset({"resent-from", "resent-to", "resent-date", "resent-sender", "resent-message-id"})
_WRITTEN = _BY_AUTHOR | _BY_RESENDER
_VERSION = "1"  # the only one that there is (RFC 8601 section 2.2)
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|\\.|([^"()\\]+)|(.)', re.DOTALL)
_METHOD = re.compile(r"([a-z0-9-]+)(?:/[0-9]+)?=([a-z]+)", re.IGNORECASE)
_POLICY = re.compile(r"\b(?:p|policy|policy\.dmarc)\s*=\s*(none|quarantine|reject)\b", re.IGNORECASE)
_SPF_RECEIVER = re.compile(r"\breceiver=\"?([^\s;\"]+)|^\s*\w+\s*\(([^\s:)]+):", re.IGNORECASE)
_SPF_SENDER = re.compile(r"\benvelope-from=\"?<?([^\s;\">]*)", re.IGNORECASE)


def trace_fields(mail: Mail, name: str) -> tuple[str, ...]:
    """The values of a trace header above what the author or a resender wrote, topmost first.

    They are not decoded: an MTA that removes forgeries would not see through an encoded word either.
    """
    if not mail.has(name):
        return ()
    above = 0
    for each in mail.header_names:
        if each in _WRITTEN:
            break
        above += each == name
    return mail.raw_headers(name)[: min(above, MAX_INSTANCES)] if above else ()


def read_results(text: str) -> tuple[str, tuple[Result, ...]]:
    """The authserv-id in lower case and the results of one instance; ("", ()) for what is none.

    The authserv-id must stand first and plain, where a pattern that removes forgeries finds it too: not after
    a comment, not quoted, not after a space that is none in ASCII, and in ASCII letters.
    """
    text = text[:MAX_LENGTH].lstrip(" \t")
    first, *clauses = _clauses(text)
    words = first.split()
    if not words or not words[0].isascii() or not text.startswith(words[0]):
        return "", ()
    if len(words) > 1 and words[1] != _VERSION:
        return "", ()
    policy = _POLICY.search(text)
    results = (_result(clause, policy[1].lower() if policy else "") for clause in clauses[:MAX_RESULTS])
    return words[0].lower(), tuple(result for result in results if result)


def read_received_spf(text: str) -> tuple[str, Result]:
    """Who received the mail, in lower case or "", and SPF's result (RFC 7208 section 9.1)."""
    text = text[:MAX_LENGTH]
    word, *_ = text.split(None, 1) or ("none",)
    receiver = _SPF_RECEIVER.search(text)
    sender = _SPF_SENDER.search(text)
    properties = {"smtp.mailfrom": sender[1]} if sender else {}
    return (receiver[1] or receiver[2]).lower() if receiver else "", Result("spf", word.lower(), properties)


def _result(clause: str, policy: str) -> Result | None:
    words = clause.split()
    if not words:
        return None
    # Space around the signs, as nearly nobody writes it.
    if any(word[0] in "=/" or word[-1] in "=/" for word in words):
        words = _joined(words)
    found = _METHOD.match(words[0])
    if not found:
        return None
    method = found[1].lower()
    properties = {}
    for word in words[1 : MAX_PROPERTIES + 1]:
        name, equals, value = word.partition("=")
        if equals and "." in name:
            properties[name.lower()] = value
    return Result(method, found[2].lower(), properties, policy if method == "dmarc" else "")


def _joined(words: list[str]) -> list[str]:
    """``dkim``, ``=``, ``pass`` as one word; a value may itself end with the sign, as base64 does."""
    joined = words[:1]
    for word in words[1:]:
        last = joined[-1]
        opens = last.endswith("=") and last.count("=") == 1 and "=" not in word
        version = len(joined) == 1 and "=" not in last and (last.endswith("/") or word.startswith("/"))
        if opens or version or (word.startswith("=") and "=" not in last):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _clauses(text: str) -> list[str]:
    """The text between semicolons, without comments; semicolons in quoted strings do not part."""
    clauses = [""]
    depth = 0
    for quoted, bracket, plain, other in _PIECE.findall(text):
        if bracket:
            depth = max(0, depth + (1 if bracket == "(" else -1))
        elif not depth:
            head, *rest = plain.split(";") if plain else (quoted.replace(" ", "_") + other,)
            clauses[-1] += head
            clauses.extend(rest)
    return clauses
