"""The chain of forwarders in a mail, and whether it holds (ARC, RFC 8617).

Each forwarder adds a set of three fields: what it saw (ARC-Authentication-Results), the mail as it left
(ARC-Message-Signature), and a seal over all sets so far.  A chain that holds proves who added what; it does
not prove that any of them told the truth.  So a set counts where its sealer is trusted, and so is each one
after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailproc.mime.authentication import read_results
from mailproc.mime.canonical import relaxed_field
from mailproc.mime.signature import (
    Records,
    Signature,
    SignedMail,
    Unsound,
    check_key,
    check_tags,
    check_time,
    read_tags,
    verify,
    where_key_is,
    without_line_end,
    without_signature,
)
from mailproc.model.authentication import Result, Voucher

MAX_SETS = 20  # RFC 8617 section 4.2.1 allows 50; longer chains are nobody's mail
_RESULTS, _MESSAGE, _SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_OF_MESSAGE = (b"i", b"a", b"b", b"bh", b"d", b"h", b"s")
_OF_SEAL = (b"i", b"a", b"b", b"cv", b"d", b"s")
_INSTANCE = re.compile(rb"\s*i\s*=\s*(\d{1,2})\s*;")
_DEFAULT_FORM = b"relaxed/relaxed"


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one forwarder added."""

    results: tuple[bytes, bytes]
    message: Signature
    seal: Signature

    @property
    def saw(self) -> tuple[Result, ...]:
        """The results in its words, without the instance that stands before them."""
        text = self.results[1].decode("utf-8", "replace").partition(";")[2]
        return read_results(" ".join(text.split()))[1]


@dataclass(frozen=True, slots=True)
class Chain:
    """The sets in the order in which they were added; none where ``problem`` says why."""

    sets: tuple[ArcSet, ...] = ()
    problem: str = ""

    @property
    def key_names(self) -> tuple[str, ...]:
        """Whose keys ``check_chain`` needs."""
        newest = [one.message.key_name for one in self.sets[-1:]]
        return tuple(dict.fromkeys((*newest, *(one.seal.key_name for one in self.sets))))

    def voucher(self, trusts: Callable[[str], bool]) -> Voucher | None:
        """What the first of the trusted forwarders at the end of the chain saw."""
        found = None
        for one in reversed(self.sets):
            if not trusts(one.seal.domain):
                break
            found = Voucher(one.seal.domain, one.saw)
        return found

    def result(self, word: str, why: str = "") -> Result:
        sealers = ":".join(one.seal.domain for one in reversed(self.sets))
        return Result("arc", word, {"arc.chain": sealers} if sealers else {}, why=why)


def voucher_in(raw: bytes, trusts: Callable[[str], bool]) -> Voucher | None:
    """What a trusted forwarder saw, by the chain in a mail that is known to hold."""
    chain = read_chain(SignedMail(raw))
    return chain.voucher(trusts) if chain else None


def read_chain(mail: SignedMail) -> Chain | None:
    """The sets of a mail (RFC 8617 section 5.2, steps 1 to 3); None where there is none."""
    if not any(map(mail.of_name, (_RESULTS, _MESSAGE, _SEAL))):
        return None
    try:
        if not mail.is_sound:
            raise Unsound("bare CR or LF in the header")
        results = _by_instance(mail.of_name(_RESULTS), _instance_of_results)
        messages = _by_instance(mail.of_name(_MESSAGE), _instance_of_tags)
        seals = _by_instance(mail.of_name(_SEAL), _instance_of_tags)
        if not results.keys() == messages.keys() == seals.keys() == set(range(1, len(seals) + 1)):
            raise Unsound("the sets are not whole")
        return Chain(
            tuple(
                ArcSet(results[i], _signature(messages[i], _OF_MESSAGE), _seal(seals[i], is_first=i == 1))
                for i in sorted(seals)
            )
        )
    except Unsound as error:
        return Chain(problem=str(error))


def check_chain(chain: Chain, mail: SignedMail, records: Records, now: float) -> Result:
    """Does the chain hold (section 5.2, steps 4 and 5)?  The newest signature, and every seal."""
    if chain.problem:
        return chain.result("fail", chain.problem)
    try:
        newest = chain.sets[-1].message
        check_time(newest, now)
        verify(newest, mail, records)
        for count in range(len(chain.sets), 0, -1):
            _check_seal(chain.sets[:count], records)
    except Unsound as error:
        return chain.result("temperror" if error.word == "temperror" else "fail", str(error))
    return chain.result("pass")


def _check_seal(sets: Sequence[ArcSet], records: Records) -> None:
    """The newest seal of these sets covers all of them (section 5.1.1)."""
    seal = sets[-1].seal
    sealed = b"".join(
        relaxed_field(name, value)
        for one in sets
        for name, value in (
            one.results,
            (one.message.name, one.message.value),
            (one.seal.name, one.seal.value),
        )[: 2 if one is sets[-1] else 3]
    )
    own = without_line_end(relaxed_field(seal.name, without_signature(seal.value)))
    check_key(seal, sealed + own, records)


def _by_instance(
    found: Sequence[tuple[bytes, bytes]], instance: Callable[[bytes], int]
) -> dict[int, tuple[bytes, bytes]]:
    if len(found) > MAX_SETS:
        raise Unsound("too many sets")
    by_instance = {instance(value): (name, value) for name, value in found}
    if len(by_instance) != len(found):
        raise Unsound("a set has one of its fields twice")
    return by_instance


def _instance_of_results(value: bytes) -> int:
    found = _INSTANCE.match(value)
    if found is None:
        raise Unsound("a field names no instance")
    return int(found[1])


def _instance_of_tags(value: bytes) -> int:
    instance = read_tags(value).get(b"i", b"")
    if not instance.isdigit() or len(instance) > 2:
        raise Unsound("a field names no instance")
    return int(instance)


def _signature(of: tuple[bytes, bytes], needed: Sequence[bytes]) -> Signature:
    tags = read_tags(of[1])
    check_tags(tags, needed, arc=True)
    domain, selector = where_key_is(tags)
    if not (domain and selector):
        raise Unsound("no name that DNS could hold")
    if b"arc-seal" in tags.get(b"h", b"").lower().split(b":"):
        raise Unsound("a signature covers a seal")
    # i= is the number of the set here, and no identity that a key could be bound to (RFC 8617 section 4.1).
    kept = {name: value for name, value in tags.items() if name != b"i"}
    return Signature(*of, {b"c": _DEFAULT_FORM, **kept}, domain, selector)


def _seal(of: tuple[bytes, bytes], *, is_first: bool) -> Signature:
    seal = _signature(of, _OF_SEAL)
    if b"h" in seal.tags:
        raise Unsound("a seal names fields")
    if seal.tags[b"cv"] != (b"none" if is_first else b"pass"):
        raise Unsound("a forwarder found the chain broken")
    return seal
