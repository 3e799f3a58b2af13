"""Measure the auth filter: what a mail costs it, and how it agrees with dkimpy on real mail.

    python -m bench.auth [--rounds N]
    MAILPROC_CORPUS=FOLDER python -m bench.auth

The first table is processor time for one mail of 5 KiB, keys known already: minimum and median of so many
rounds.  The second, with a corpus, has no DNS: it compares with dkimpy, for each DKIM signature, whether the
body is the one that was signed, and which octets of the header were.  Signatures with l= are counted apart,
because it is ignored here.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unittest.mock import patch

import dkim  # type: ignore[import-untyped]

from bench.corpus import mails
from mailproc.mime.canonical import relaxed_body, relaxed_field, simple_body, simple_field
from mailproc.mime.signature import SignedMail, read_signatures
from mailproc.mime.surgery import header_end
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.signing_key import Algorithm, SigningKey
from mailproc.outbox.sign import DomainKey, Signer
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.stage import LookUps, NoAnswer, Stage
from tests.rig.signed_mails import MAIL, key, key_name, records, sealed, signed

DESK = Desk("support", "Support", (Address.parse("support@example.org"),))
NOW = time.time()
LINE = b"Line %03d of a mail that somebody wrote by hand, with a few words in it.\r\n"
TEXT = b"".join(LINE % number for number in range(62))
REPORTED = (
    b"Authentication-Results: mail.example.org;\r\n\tdkim=pass header.d=example.com header.s=s1;\r\n\t"
    b"spf=pass (mail.example.org: domain of ann@example.com designates 192.0.2.25)"
    b" smtp.mailfrom=ann@example.com;\r\n\tdmarc=pass (policy=reject) header.from=example.com\r\n"
)


@dataclass
class Known:
    """A resolver whose cache has everything."""

    names: Mapping[str, tuple[bytes, ...] | None]

    async def texts(self, name: str) -> tuple[bytes, ...]:
        found = self.names.get(name, ())
        if found is None:
            raise NoAnswer(name)
        return found

    async def is_alive(self) -> bool:
        return True


def load(**options: object) -> Stage:
    path = Path(__file__).resolve().parent.parent / "filters" / "auth.py"
    spec = spec_from_file_location("auth_filter", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["auth_filter"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    made: Stage = module.Filter(**options)
    return made


def cases() -> Iterator[tuple[str, bytes, dict[str, object]]]:
    plain = MAIL + TEXT
    ed25519 = SigningKey.generate(Algorithm.ED25519)
    both = [DomainKey("s1", key()), DomainKey("e1", ed25519)]
    small = Signer({"example.com": both[1:]}, clock=lambda: NOW).signed(plain)
    two = Signer({"example.com": both}, clock=lambda: NOW).signed(plain)
    check: dict[str, object] = {"verify": "always"}
    EXTRA[key_name(selector="e1")] = (ed25519.record.encode(),)
    yield "results of a mail server are read", REPORTED + plain, {}
    yield "no results", plain, {}
    yield "checked: no signature", plain, check
    yield "checked: RSA of 2048 bits", signed(plain), check
    yield "checked: ed25519", small, check
    yield "checked: both", two, check
    through = plain
    for domain in ("one.example", "two.example"):
        seen = "dmarc=pass header.from=example.com" + ("; arc=pass" if through is not plain else "")
        through = sealed(through, domain, seen)
    yield "checked: two forwarders", through, {**check, "sealers": frozenset({"one.example", "two.example"})}


EXTRA: dict[str, tuple[bytes, ...] | None] = {}


async def cost(raw: bytes, options: dict[str, object], rounds: int) -> tuple[float, float]:
    """Microseconds of processor time: minimum and median."""
    stage = load(**options)
    zone = Known(
        {
            **records("example.com", "one.example", "two.example"),
            **EXTRA,
            "_dmarc.example.com": (b"v=DMARC1; p=reject",),
        }
    )
    nobody = Unanswered()
    await stage.open(LookUps(nobody, nobody, nobody, (), "mail.example.org", resolver=lambda servers: zone))
    taken = []
    for _ in range(rounds):
        delivery = Delivery(Envelope(None, DESK.address), DESK, raw, NOW)
        delivery.begin("auth")
        assert delivery.mail.authors  # is read anyway, by whoever comes first
        begun = time.process_time()
        await stage.process(delivery)
        taken.append((time.process_time() - begun) * 1e6)
    return min(taken), statistics.median(taken)


async def print_costs(rounds: int) -> None:
    print("| mail | octets | least µs | median µs |\n|---|---|---|---|")
    for name, raw, options in cases():
        least, median = await cost(raw, options, rounds)
        print(f"| {name} | {len(raw)} | {least:.0f} | {median:.0f} |")


# Real mail


def judged_by_dkimpy(raw: bytes, number: int) -> tuple[bytes, bytes, dict[bytes, bytes]]:
    """What dkimpy hashes of the body and of the header, and the tags."""
    checker = dkim.DKIM(raw)
    with patch.object(dkim, "validate_signature_fields"):  # many have expired since
        tags, names, _ = checker.verify_headerprep(number)
    policy = dkim.CanonicalizationPolicy.from_c_value(tags.get(b"c", b"simple/simple"))
    selected = dkim.select_headers(policy.canonicalize_headers(checker.headers), [*names, b"from"])
    return policy.canonicalize_body(checker.body), b"".join(n + b":" + v for n, v in selected), tags


def judged_by_us(raw: bytes, number: int) -> tuple[bytes, bytes]:
    mail = SignedMail(raw)
    tags = read_signatures(mail)[number].tags
    header_form, _, body_form = tags.get(b"c", b"simple/simple").partition(b"/")
    names = [*tags[b"h"].lower().split(b":"), b"from"]
    field = relaxed_field if header_form == b"relaxed" else simple_field
    body = raw[header_end(raw) :].removeprefix(b"\r\n")
    form = relaxed_body if body_form == b"relaxed" else simple_body
    return form(body), b"".join(field(name, value) for name, value in mail.select(names))


def compare(raw: bytes, number: int) -> str:
    try:
        theirs = judged_by_dkimpy(raw, number)
    except Exception as error:  # dkimpy raises many kinds for what real mail holds
        return f"dkimpy cannot read it ({type(error).__name__})"
    body, header = judged_by_us(raw, number)
    if (body, header) == theirs[:2]:
        return "the same" + (", with l=" if b"l" in theirs[2] else "")
    return "another body" if body != theirs[0] else "another header"


def print_agreement(corpus: Path) -> list[str]:
    found: Counter[str] = Counter()
    different = []
    begun = time.process_time()
    for path, raw in mails(corpus, 10**9):
        mail = SignedMail(raw)
        for number, signature in enumerate(read_signatures(mail)):
            if signature.problem:
                found[f"not checked: {signature.problem}"] += 1
                continue
            outcome = compare(raw, number)
            found[outcome] += 1
            if outcome.startswith("another"):
                different.append(path)
    print(f"\n{found.total()} signatures, {time.process_time() - begun:.0f} s of processor time\n")
    print("| compared with dkimpy | signatures |\n|---|---|")
    for outcome, count in found.most_common():
        print(f"| {outcome} | {count} |")
    return different


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--show", action="store_true", help="list the mails that dkimpy reads otherwise")
    options = parser.parse_args()
    asyncio.run(print_costs(options.rounds))
    if corpus := os.environ.get("MAILPROC_CORPUS"):
        different = print_agreement(Path(corpus))
        if options.show:
            print("\n".join(different))
    return 0


if __name__ == "__main__":
    sys.exit(main())
