"""From single results of SPF, DKIM, DMARC and ARC to how far a mail's author can be trusted.

The words are those of RFC 8601 section 2.7.  Who found them, a mail server of ours or we ourselves, makes no
difference here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailproc.model.alignment import is_aligned
from mailproc.model.dmarc import DmarcRecord
from mailproc.model.judgement import Authentication, AuthResult

_WORDS = {
    "pass": AuthResult.PASS,
    "fail": AuthResult.FAIL,
    "hardfail": AuthResult.FAIL,
    "temperror": AuthResult.TEMPERROR,
}
_SPF_DOMAIN = ("smtp.mailfrom", "smtp.from")  # not smtp.helo: that is nobody's address
_DKIM_DOMAIN = ("header.d", "header.i")


_NOTHING = ("nobody whom we trust said anything",)
_NOBODY_SAID = Authentication(reasons=_NOTHING)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result: ``dkim=pass header.d=example.org``."""

    method: str
    word: str
    properties: dict[str, str] = field(default_factory=dict)
    policy: str = ""  # DMARC's p=, where it is told
    why: str = ""  # of what we found ourselves

    @property
    def value(self) -> AuthResult:
        return _WORDS.get(self.word, AuthResult.NONE)

    def domain(self, *names: str) -> str:
        """The domain in the first of these properties that is there."""
        found = next((self.properties[name] for name in names if self.properties.get(name)), "")
        return found.rpartition("@")[2].strip("<>").lower()

    def __str__(self) -> str:
        words = (f"{self.method}={self.word}", *(f"{n}={v}" for n, v in self.properties.items()))
        return " ".join(words) + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True, slots=True)
class Voucher:
    """What a forwarder whom we trust saw of the mail before it changed on its way (RFC 8617)."""

    sealer: str
    results: tuple[Result, ...]


def conclude(
    results: Sequence[Result],
    author: str,
    *,
    record: DmarcRecord | None = None,
    voucher: Voucher | None = None,
) -> Authentication:
    """What the results say of the author's domain; ``author`` "" is nobody that could be aligned.

    ``record`` is the policy of that domain where we looked for it ourselves.
    """
    if not results and record is None and voucher is None:
        return _NOBODY_SAID
    case = _Case(results, author, record or DmarcRecord(""))
    dmarc = case.dmarc()
    aligned = dmarc is AuthResult.PASS if dmarc in (AuthResult.PASS, AuthResult.FAIL) else case.is_proved
    reasons = [str(result) for result in (case.spf, case.dkim, case.reported, case.arc) if result]
    if not aligned and voucher is not None and conclude(voucher.results, author).aligned:
        aligned = True
        reasons.append(f"{voucher.sealer} saw it pass and forwarded it")
    return Authentication(
        spf=_value(case.spf),
        dkim=_value(case.dkim),
        dmarc=dmarc,
        aligned=aligned,
        reasons=tuple(reasons) or _NOTHING,
        arc=_value(case.arc),
        policy=case.record.policy or next((each.policy for each in results if each.policy), ""),
    )


class _Case:
    """The results for one author, sorted."""

    def __init__(self, results: Sequence[Result], author: str, record: DmarcRecord) -> None:
        self.author, self.record = author, record
        self.spf = self._best([r for r in results if r.method == "spf"], _SPF_DOMAIN)
        self.dkim = self._best([r for r in results if r.method == "dkim"], _DKIM_DOMAIN)
        self.arc = next((r for r in results if r.method == "arc"), None)
        self.reported = next((r for r in results if r.method == "dmarc" and self._is_about_author(r)), None)
        self._is_open = any(
            result.value is AuthResult.TEMPERROR for result in results if result.method in ("spf", "dkim")
        )

    @property
    def is_proved(self) -> bool:
        """DMARC's question: does a result that passed speak of the author's domain?"""
        return self._vouches(self.spf, _SPF_DOMAIN) or self._vouches(self.dkim, _DKIM_DOMAIN)

    def dmarc(self) -> AuthResult:
        """As it was reported; else by the record that we found ourselves (RFC 7489 section 6.6.2)."""
        reported = _value(self.reported)
        if reported in (AuthResult.PASS, AuthResult.FAIL) and self.author:
            return reported
        if not self.record.policy or not self.author:
            return AuthResult.NONE if reported is AuthResult.PASS else reported
        if self.is_proved:
            return AuthResult.PASS
        if self._is_open:
            return AuthResult.TEMPERROR
        # Without a word about SPF it may have passed there: then nobody can say that the mail failed.
        return AuthResult.FAIL if self.spf else AuthResult.NONE

    def _is_about_author(self, dmarc: Result) -> bool:
        """DMARC's verdict counts for the author it was made for."""
        domain = dmarc.domain("header.from")
        return not domain or domain == self.author or is_aligned(domain, self.author)

    def _vouches(self, result: Result | None, names: tuple[str, ...]) -> bool:
        if result is None or result.value is not AuthResult.PASS:
            return False
        strict = self.record.strict_dkim if result.method == "dkim" else self.record.strict_spf
        return is_aligned(result.domain(*names), self.author, strict=strict)

    def _best(self, results: list[Result], names: tuple[str, ...]) -> Result | None:
        """A pass that is aligned, else a pass, else the first failure, else the first result."""
        vouching = [result for result in results if self._vouches(result, names)]
        passed = [result for result in results if result.value is AuthResult.PASS]
        failed = [result for result in results if result.value is AuthResult.FAIL]
        return next(iter((*vouching, *passed, *failed, *results)), None)


def _value(result: Result | None) -> AuthResult:
    return result.value if result else AuthResult.NONE
