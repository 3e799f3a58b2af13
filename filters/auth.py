"""Read how far the sender is authenticated, from what our own mail server found.

SPF, DKIM and DMARC are checked by the MTA, which alone knows the client's address; it says what it found in
Authentication-Results (RFC 8601).  Only instances with an authserv-id that is trusted count, by default this
site's hostname, and only above the fields that the author wrote, or whoever sent the mail again.  Where
several report the same method the topmost counts, because each hop writes above the earlier ones.  **The MTA
must remove instances with our authserv-id from mail that comes in** (RFC 8601 section 5): afterwards nothing
tells them from true ones.

Without DMARC's own verdict the author's domain counts as aligned where the domain of a passing DKIM signature
or of a passing SPF check is the same, its parent or its child.  What cannot be parsed is no result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailproc.stage import CONTINUE, Authentication, AuthResult, Delivery, LookUps, Stage, Verdict, is_aligned

MAX_INSTANCES = 20
MAX_LENGTH = 16_384  # characters of one instance
MAX_RESULTS = 50  # of one instance
MAX_PROPERTIES = 20  # of one result

_WORDS = {
    "pass": AuthResult.PASS,
    "fail": AuthResult.FAIL,
    "hardfail": AuthResult.FAIL,
    "temperror": AuthResult.TEMPERROR,
}
_BY_AUTHOR = frozenset({"from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type"})
# What stands below these is older than the sending that our server saw (RFC 5322 section 3.6.6).  An agent's
# forward becomes such a mail, and no server looked at what was inside.
_BY_RESENDER = frozenset({"resent-from", "resent-to", "resent-date", "resent-sender", "resent-message-id"})
_WRITTEN = _BY_AUTHOR | _BY_RESENDER
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|\\.|([^"()\\]+)|(.)', re.DOTALL)
_EQUALS = re.compile(r" ?([=/]) ?")
_METHOD = re.compile(r"([a-z0-9-]+)(?:/[0-9]+)?=([a-z]+)", re.IGNORECASE)
_POLICY = re.compile(r"\b(?:p|policy|policy\.dmarc)\s*=\s*(none|quarantine|reject)\b", re.IGNORECASE)
_SPF_RECEIVER = re.compile(r"\breceiver=\"?([^\s;\"]+)|^\s*\w+\s*\(([^\s:)]+):", re.IGNORECASE)
_SPF_SENDER = re.compile(r"\benvelope-from=\"?<?([^\s;\">]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result: ``dkim=pass header.d=example.org``."""

    method: str
    word: str
    properties: dict[str, str]
    policy: str = ""  # DMARC's p=, where the instance names it

    @property
    def value(self) -> AuthResult:
        return _WORDS.get(self.word, AuthResult.NONE)

    def domain(self, *names: str) -> str:
        """The domain in the first of these properties that is there."""
        found = next((self.properties[name] for name in names if self.properties.get(name)), "")
        return found.rpartition("@")[2].strip("<>").lower()

    def __str__(self) -> str:
        return " ".join((f"{self.method}={self.word}", *(f"{n}={v}" for n, v in self.properties.items())))


@dataclass
class Filter(Stage):
    trusted: tuple[str, ...] = ()  # authserv-ids of our own MTAs; by default this site's hostname
    instances: int = 0  # only so many trusted instances from the top count; 0 is all
    received_spf: bool = True  # read Received-SPF of a trusted receiver as well
    _trusted: frozenset[str] = field(default=frozenset(), init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        self._trusted = frozenset(name.lower() for name in self.trusted or (look_ups.hostname,))

    async def process(self, delivery: Delivery) -> Verdict:
        results = list(self._results(delivery))
        author = delivery.mail.author
        domain = author.address.domain if author and len(delivery.mail.authors) == 1 else ""
        delivery.authentication = authentication = conclude(results, domain)
        delivery.score("spf", authentication.spf.value)
        delivery.score("dkim", authentication.dkim.value)
        delivery.score("dmarc", authentication.dmarc.value)
        delivery.score("aligned", authentication.aligned)
        delivery.score("policy", next((result.policy for result in results if result.policy), ""))
        return CONTINUE

    def _results(self, delivery: Delivery) -> Iterator[Result]:
        """The topmost instance's results of each method, and what Received-SPF adds."""
        seen: set[str] = set()
        for results in self._instances(delivery):
            yield from (result for result in results if result.method not in seen)
            seen.update(result.method for result in results)
        if self.received_spf and "spf" not in seen:
            yield from self._received_spf(delivery)

    def _instances(self, delivery: Delivery) -> Iterator[tuple[Result, ...]]:
        left = self.instances or MAX_INSTANCES
        for text in _trace(delivery, "authentication-results"):
            authserv_id, results = parse(text)
            if authserv_id in self._trusted:
                yield results
                left -= 1
            if not left:
                return

    def _received_spf(self, delivery: Delivery) -> Iterator[Result]:
        for text in _trace(delivery, "received-spf"):
            receiver = _SPF_RECEIVER.search(text[:MAX_LENGTH])
            if receiver and (receiver[1] or receiver[2]).lower() in self._trusted:
                sender = _SPF_SENDER.search(text[:MAX_LENGTH])
                properties = {"smtp.mailfrom": sender[1]} if sender else {}
                yield Result("spf", text.split(None, 1)[0].lower(), properties)
                return


def _trace(delivery: Delivery, name: str) -> tuple[str, ...]:
    """The values of a trace header above what the author or a resender wrote.

    They are not decoded: an MTA that removes forgeries would not see through an encoded word either.
    """
    above = 0
    for each in delivery.mail.header_names:
        if each in _WRITTEN:
            break
        above += each == name
    return delivery.mail.raw_headers(name)[: min(above, MAX_INSTANCES)]


def conclude(results: list[Result], author: str) -> Authentication:
    """What the results say of the author's domain; ``author`` "" is nobody that could be aligned."""
    spf = _best([r for r in results if r.method == "spf"], author, "smtp.mailfrom", "smtp.from", "smtp.helo")
    dkim = _best([r for r in results if r.method == "dkim"], author, "header.d", "header.i")
    dmarc = next((r for r in results if r.method == "dmarc" and _is_about(r, author)), None)
    decisive = dmarc is not None and dmarc.value in (AuthResult.PASS, AuthResult.FAIL)
    if decisive:
        aligned = dmarc is not None and dmarc.value is AuthResult.PASS and bool(author)
    else:
        aligned = _vouches(spf, author, "smtp.mailfrom", "smtp.from") or _vouches(
            dkim, author, "header.d", "header.i"
        )
    used = [result for result in (spf, dkim, dmarc) if result]
    return Authentication(
        spf=spf.value if spf else AuthResult.NONE,
        dkim=dkim.value if dkim else AuthResult.NONE,
        dmarc=dmarc.value if dmarc else AuthResult.NONE,
        aligned=aligned,
        reasons=tuple(map(str, used)) or ("no trusted Authentication-Results",),
    )


def _is_about(dmarc: Result, author: str) -> bool:
    """DMARC's verdict counts for the author it was made for."""
    domain = dmarc.domain("header.from")
    return not domain or domain == author or is_aligned(domain, author)


def _vouches(result: Result | None, author: str, *names: str) -> bool:
    if result is None or result.value is not AuthResult.PASS:
        return False
    return is_aligned(result.domain(*names), author)


def _best(results: list[Result], author: str, *names: str) -> Result | None:
    """A pass that is aligned, else a pass, else the first failure, else the first result."""
    aligned = [result for result in results if _vouches(result, author, *names)]
    passed = [result for result in results if result.value is AuthResult.PASS]
    failed = [result for result in results if result.value is AuthResult.FAIL]
    return next(iter((*aligned, *passed, *failed, *results)), None)


# Reading (RFC 8601 section 2.2, leniently)


def parse(text: str) -> tuple[str, tuple[Result, ...]]:
    """The authserv-id in lower case and the results of one instance; ("", ()) for what is none.

    The authserv-id must stand first and plain, where a pattern that removes forgeries finds it too: not after
    a comment, not quoted, not after a space that is none in ASCII, and in ASCII letters.
    """
    text = text[:MAX_LENGTH].lstrip(" \t")
    first, *clauses = _clauses(text)
    words = first.split()
    if not words or not words[0].isascii() or not text.startswith(words[0]):
        return "", ()
    policy = _POLICY.search(text)
    results = (_result(clause, policy[1].lower() if policy else "") for clause in clauses[:MAX_RESULTS])
    return words[0].lower(), tuple(result for result in results if result)


def _result(clause: str, policy: str) -> Result | None:
    words = _EQUALS.sub(r"\1", " ".join(clause.split())).split()
    found = _METHOD.match(words[0]) if words else None
    if not found:
        return None
    method = found[1].lower()
    pairs = (word.partition("=") for word in words[1 : MAX_PROPERTIES + 1])
    properties = {name.lower(): value for name, equals, value in pairs if equals and "." in name}
    return Result(method, found[2].lower(), properties, policy if method == "dmarc" else "")


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
