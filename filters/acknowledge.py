"""Propose an acknowledgement, or say why none goes (RFC 3834).

The stage chooses the template and judges the mail; the core sends, once the ticket has its number, and
applies the limits.  The answer goes to the envelope sender and nowhere else (RFC 3834 section 4).  It holds
nothing that a stranger chose: the subject and the display name are given to the template only where the
sender is vouched for, that is where the author's domain is authenticated and the envelope sender is of it.
A template that uses them elsewhere, or does not render, is refused when the daemon starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from mailproc.stage import (
    CONTINUE,
    AcknowledgementLimits,
    AcknowledgementPlan,
    Address,
    Delivery,
    Desk,
    LookUps,
    MailTemplate,
    SpamVerdict,
    Stage,
    Verdict,
    best_template,
    compile_template,
    is_aligned,
    takes_no_replies,
    template_sources,
    unguarded,
    wants_no_answer,
)

SAMPLE: Mapping[str, str] = {
    "number": "2026112100017",
    "tag": "[T#2026112100017-k7q2mx]",
    "desk": "Example Support",
    "address": "support@example.org",
    "language": "en",
}
CUSTOMERS_WORDS: Mapping[str, str] = {"subject": "Question", "name": "Ann"}
GUARD = "vouched"


@dataclass
class Filter(Stage):
    template: str = "acknowledge"  # NAME.DESK.LANGUAGE.j2 or NAME.LANGUAGE.j2 in the folders with templates
    rejection: str = "rejected"  # the same, for a reply to a closed ticket that the desk rejects
    unauthenticated: Literal["cap", "never"] = "cap"  # senders that nothing authenticated
    unsure_from: float = 0.7  # an unsure spam score from here on gets no answer
    follow_up: bool = False  # a further mail may get the one answer that its ticket did not have yet
    per_sender: int = 3  # answers to one address within 24 hours
    per_domain: int = 100  # to one domain within 24 hours
    total: int = 2000  # of all desks within 24 hours; then the circuit breaker stops them
    unvouched: int = 60  # of all desks within an hour to senders that nothing vouched for
    unvouched_per_sender: int = 1  # to one such sender within 24 hours
    no_reply: frozenset[str] = frozenset()  # further local parts that get no answer
    _templates: dict[str, MailTemplate] = field(default_factory=dict, init=False, repr=False)
    _found: dict[tuple[str, str, str], tuple[str, MailTemplate | None]] = field(
        default_factory=dict, init=False, repr=False
    )
    _own: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    _limits: AcknowledgementLimits = field(default=AcknowledgementLimits(), init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        self._own = look_ups.own_addresses
        self._limits = AcknowledgementLimits(
            per_sender=self.per_sender,
            per_domain=self.per_domain,
            total=self.total,
            unvouched=self.unvouched,
            unvouched_per_sender=self.unvouched_per_sender,
        )
        mistakes = [
            mistake
            for wanted in (self.template, self.rejection)
            for mistake in self._read(wanted, look_ups.templates)
        ]
        if f"{self.template}.en" not in self._templates:
            folders = ", ".join(look_ups.templates) or "any folder"
            mistakes.append(f"{self.template}.en.j2: not found in {folders}")
        if mistakes:
            raise ValueError("; ".join(mistakes))

    def _read(self, wanted: str, folders: tuple[str, ...]) -> Iterator[str]:
        """Keep every variant of a template; yield what is wrong with those that are none."""
        for name, source in template_sources(wanted, folders):
            try:
                self._templates[name] = read_template(source)
            except ValueError as error:
                yield f"{name}.j2: {error}"

    async def process(self, delivery: Delivery) -> Verdict:
        refusal = self._refusal(delivery)
        delivery.acknowledgement = self._plan(delivery, refusal)
        delivery.score("send", not refusal)
        if refusal:
            delivery.score("reason", refusal)
        return CONTINUE

    def _plan(self, delivery: Delivery, refusal: str) -> AcknowledgementPlan:
        language = delivery.language or delivery.mail.language
        chosen, template = self._template(self.template, delivery.desk, language)
        return AcknowledgementPlan(
            refusal=refusal,
            template=template,
            rejection=self._template(self.rejection, delivery.desk, language)[1],
            language=chosen,
            follow_up=self.follow_up,
            vouched=is_vouched(delivery),
            limits=self._limits,
        )

    def _template(self, name: str, desk: Desk, language: str) -> tuple[str, MailTemplate | None]:
        """The language and the template that fit best; found once, then remembered."""
        case = (name, f"{desk.name} {desk.language}", language)
        if case not in self._found:
            self._found[case] = best_template(self._templates, name, desk, language)
        return self._found[case]

    def _refusal(self, delivery: Delivery) -> str:
        """Why this mail gets no acknowledgement; "" when it may get one."""
        sender = delivery.envelope.mail_from
        if delivery.signals is None:
            return "the mail got no ticket number"
        if sender is None:
            return "null reverse-path"
        return (
            _written_by_machine(delivery)
            or self._address_refusal(delivery, sender)
            or self._spam_refusal(delivery)
            or self._trust_refusal(delivery, sender)
        )

    def _address_refusal(self, delivery: Delivery, sender: Address) -> str:
        author = delivery.mail.author
        if author is None:
            return "no usable address in From"
        if several := _several_authors(delivery):
            return several
        for role, address in (("envelope sender", sender), ("author", author.address)):
            if self._is_own(address, delivery.desk):
                return f"the {role} is one of our own addresses"
            if takes_no_replies(address, self.no_reply):
                return f"the {role} {address} takes no replies"
        return ""

    def _is_own(self, address: Address, desk: Desk) -> bool:
        return address.key in self._own or desk.extension_of(address) is not None

    def _spam_refusal(self, delivery: Delivery) -> str:
        spam = delivery.spam
        if spam.verdict is SpamVerdict.SPAM:
            return f"spam (score {spam.score:.2f})"
        if spam.verdict is SpamVerdict.UNSURE and spam.score >= self.unsure_from:
            return f"maybe spam (score {spam.score:.2f})"
        return ""

    def _trust_refusal(self, delivery: Delivery, sender: Address) -> str:
        authentication = delivery.authentication
        if authentication.failed:
            failed = "DMARC" if authentication.dmarc == "fail" else "SPF"
            return f"{failed} failed: the sender may be forged"
        if self.unauthenticated == "never" and not is_vouched(delivery):
            return "nothing authenticated the sender"
        if not authentication.aligned and (stranger := _stranger(delivery, sender)):
            return f"{stranger} and envelope sender differ in domain, and nothing authenticated the author"
        return ""


def is_vouched(delivery: Delivery) -> bool:
    """Is the address that would get the answer of the domain that was authenticated?

    An authenticated author alone is not enough: anyone can sign as himself and name a victim as
    envelope sender.
    """
    sender, author = delivery.envelope.mail_from, delivery.mail.author
    authentication = delivery.authentication
    if sender is None or author is None or authentication.failed or _several_authors(delivery):
        return False
    return authentication.aligned and is_aligned(sender.domain, author.address.domain)


def _stranger(delivery: Delivery, sender: Address) -> str:
    mail = delivery.mail
    for name, mailbox in (("From", mail.author), ("Reply-To", mail.customer)):
        if mailbox and not is_aligned(mailbox.address.domain, sender.domain):
            return name
    return ""


def _several_authors(delivery: Delivery) -> str:
    mail = delivery.mail
    return "several addresses in From" if len(mail.headers("from")) > 1 or len(mail.authors) > 1 else ""


def _written_by_machine(delivery: Delivery) -> str:
    """The finding of the ``automatic`` stage, or the plainest marks where it did not run."""
    automatic, mail = delivery.automatic, delivery.mail
    if automatic.is_automatic:
        reasons = ", ".join(automatic.reasons)[:200]
        return f"automatic mail: {automatic.kind}" + (f" ({reasons})" if reasons else "")
    return wants_no_answer(mail)


@lru_cache(maxsize=256)  # every desk's stage reads the same two dozen
def read_template(source: str) -> MailTemplate:
    """Compile and try an answer's template; ValueError says what is wrong with it."""
    template = compile_template(source, {*SAMPLE, *CUSTOMERS_WORDS, GUARD})
    if mistakes := unguarded(source, CUSTOMERS_WORDS, GUARD):
        raise ValueError("; ".join(mistakes))
    for vouched in (False, True):
        words = CUSTOMERS_WORDS if vouched else {}
        if not template.render({**SAMPLE, **words, GUARD: vouched}).lower().startswith("subject:"):
            raise ValueError('the first line must be "Subject: …"')
    return template
