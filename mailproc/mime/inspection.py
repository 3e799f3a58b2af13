"""Checking a mail's signatures and its chain of forwarders by ourselves.

First come the names to ask DNS for, then the results from what DNS said.

No more than ``MAX_SIGNATURES`` are looked at, those of the author's own organisation first: a mail with a
hundred of them costs no more, and cannot hide the one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.mime.arc import Chain, check_chain, read_chain
from mailproc.mime.signature import Records, Signature, SignedMail, check_signature, read_signatures
from mailproc.model.alignment import is_aligned
from mailproc.model.authentication import Result
from mailproc.model.dmarc import DmarcRecord, policy_domains, policy_name, read_policy

MAX_SIGNATURES = 8


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is to be checked of one mail."""

    mail: SignedMail
    author: str  # the domain of From, in ASCII
    signatures: tuple[Signature, ...]
    chain: Chain | None
    policies: tuple[str, ...]  # domains that may have the policy, the first that has one counts

    @classmethod
    def begin(cls, raw: bytes, author: str, *, dkim: bool, arc: bool, dmarc: bool) -> Inspection:
        """Read what is to be checked; nothing is checked yet."""
        mail = SignedMail(raw)
        signatures = read_signatures(mail) if dkim else []
        signatures.sort(key=lambda one: not is_aligned(one.domain, author))
        chain = read_chain(mail) if arc else None
        return cls(
            mail, author, tuple(signatures[:MAX_SIGNATURES]), chain, policy_domains(author) if dmarc else ()
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Whose TXT records are needed."""
        keys = [one.key_name for one in self.signatures]
        keys += self.chain.key_names if self.chain else ()
        return tuple(dict.fromkeys(filter(None, (*map(policy_name, self.policies), *keys))))

    def results(self, records: Records, now: float) -> list[Result]:
        """Of each signature and of the chain; ``now`` in seconds since 1970.  A large mail takes its time."""
        found = [check_signature(one, self.mail, records, now) for one in self.signatures]
        if self.chain is not None:
            found.append(check_chain(self.chain, self.mail, records, now))
        return found

    def policy(self, records: Records) -> DmarcRecord | Result | None:
        """The author's policy; a temperror where nobody answered for it (RFC 7489 section 6.6.3)."""
        for domain in self.policies:
            texts = records.get(policy_name(domain))
            if texts is None:
                return Result(
                    "dmarc", "temperror", {"header.from": self.author}, why="nobody answered for the policy"
                )
            if found := read_policy(texts, below=domain != self.author):
                return found
        return None
