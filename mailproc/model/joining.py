"""Decide whether a mail joins an earlier ticket.  All signals are scored and the reasons are kept.

The rules against hijacking: a valid MAC or the Message-ID of a mail that we know joins, and who took no part
before is marked as a newcomer; an id that was only mentioned joins among people who know each other; a bare
number or the same subject joins only for someone who takes part and is not forged.  What is not proved
becomes a new ticket that is linked with the one it named.  Nothing here touches the store or fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailproc.model.desk import ClosedReply, FollowUpPolicy, ForwardPolicy, SeveralPolicy
from mailproc.model.follow_up import (
    Candidate,
    Carrier,
    Evidence,
    FollowUp,
    IdKind,
    Joined,
    Role,
    Signals,
    conversation_id,
)
from mailproc.model.judgement import MailClass
from mailproc.model.ticket import State

DAY = 86_400.0
MAX_OTHERS = 5  # further tickets that one mail joins or is linked with


@dataclass(frozen=True, slots=True)
class Claim:
    """One signal for one ticket.  ``doubt`` says why it may not join, "" where it may."""

    ticket: int
    by: Joined
    score: float
    reason: str
    doubt: str = ""


_SCORES = {
    Joined.REPLY_ADDRESS: 100.0,
    Joined.MESSAGE_ID: 80.0,
    Joined.KNOWN_ID: 80.0,
    Joined.TAG: 70.0,
    Joined.MENTIONED_ID: 50.0,
    Joined.THREAD_INDEX: 40.0,
    Joined.NUMBER: 30.0,
    Joined.SUBJECT: 20.0,
}
_NEARER = 0.01  # what an id loses for each nearer one: together less than any step between two signals
_PROVED = frozenset({Joined.REPLY_ADDRESS, Joined.MESSAGE_ID, Joined.KNOWN_ID, Joined.TAG})
_FROM_MACHINES = frozenset(MailClass) - {MailClass.NONE, MailClass.LIST}


def decide(signals: Signals, evidence: Evidence, policy: FollowUpPolicy, now: float) -> FollowUp:
    """Weigh all signals; the best claim without doubt wins, then the desk's policies have their say."""
    claims = sorted(_claims(signals, evidence), key=lambda claim: -claim.score)
    admitted = [claim for claim in claims if not claim.doubt]
    if not admitted:
        links = _links_of_doubts(claims, evidence)
        return _new(links, evidence)
    apart = [_set_apart(claim, signals, evidence.target(claim.ticket), policy, now) for claim in admitted]
    if all(apart):
        links = _links(zip(admitted, apart, strict=True), evidence)[:1]
        return _new(links, evidence)
    # An open ticket that carries on a closed one stands behind it in the list.
    open_ones = [claim for claim, why in zip(admitted, apart, strict=True) if not why]
    return _joined(open_ones, signals, evidence, policy)


def _new(links: tuple[tuple[str, str], ...], evidence: Evidence) -> FollowUp:
    reasons = tuple(why for _, why in links)
    return FollowUp(None, reasons=reasons, links=links, mac_failures=evidence.mac_failures)


def _joined(
    admitted: Sequence[Claim], signals: Signals, evidence: Evidence, policy: FollowUpPolicy
) -> FollowUp:
    best = admitted[0]
    target = evidence.target(best.ticket)
    role = evidence.role(best.ticket, signals.sender)
    reasons = [claim.reason for claim in admitted if evidence.target(claim.ticket) == target]
    if role is None:
        reasons.append("the sender took no part in this ticket before")
    others = [claim for claim in admitted if claim.by in _PROVED and evidence.target(claim.ticket) != target]
    links = _links(((claim, "named in the same mail") for claim in others), evidence)
    joins_all = policy.several is SeveralPolicy.ALL
    return FollowUp(
        target.number,
        by=best.by.value,
        reasons=tuple(dict.fromkeys(reasons)),
        also=tuple(number for number, _ in links) if joins_all else (),
        links=() if joins_all else links,
        newcomer=role in (None, Role.NEW),
        reject=_is_rejected(signals, target, policy),
        mac_failures=evidence.mac_failures,
    )


def _set_apart(claim: Claim, signals: Signals, target: Candidate, policy: FollowUpPolicy, now: float) -> str:
    """Why a policy makes a new, linked ticket of this mail, or ""."""
    if signals.automatic in _FROM_MACHINES:
        return ""  # it joins in silence: it reopens nothing and asks for nothing
    if signals.is_forward and policy.forward is ForwardPolicy.NEW and claim.by is not Joined.REPLY_ADDRESS:
        return f"forward of a mail of ticket {target.number}"
    if target.state is not State.CLOSED:
        return ""
    if policy.closed is ClosedReply.NEW:
        return f"reply to ticket {target.number}, which is closed"
    days = (now - (target.closed if target.closed is not None else now)) / DAY
    if policy.closed is ClosedReply.REOPEN and days > policy.reopen_days:
        return f"reply to ticket {target.number}, which was closed {days:.0f} days ago"
    return ""


def _is_rejected(signals: Signals, target: Candidate, policy: FollowUpPolicy) -> bool:
    closed = target.state is State.CLOSED and policy.closed is ClosedReply.REJECT
    return closed and signals.automatic not in _FROM_MACHINES


def _links(claims: Iterable[tuple[Claim, str]], evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Each ticket once, with the first reason, and not more than a person would look at."""
    links: dict[str, str] = {}
    for claim, why in claims:
        links.setdefault(evidence.target(claim.ticket).number, why)
    return tuple(links.items())[:MAX_OTHERS]


def _links_of_doubts(claims: Sequence[Claim], evidence: Evidence) -> tuple[tuple[str, str], ...]:
    mentioned = {claim.ticket for claim in claims if claim.by is Joined.MENTIONED_ID}
    if len(mentioned) > MAX_OTHERS:  # answers to a circular: what they have in common is no news
        claims = [claim for claim in claims if claim.by is not Joined.MENTIONED_ID]
    return _links(((claim, f"{claim.reason}, but {claim.doubt}") for claim in claims), evidence)


def _claims(signals: Signals, evidence: Evidence) -> Iterator[Claim]:
    yield from _token_claims(signals, evidence)
    yield from _own_id_claims(signals, evidence)
    for rank, message_id in enumerate(signals.ids):
        yield from _reference_claims(signals, evidence, message_id, rank)
    yield from _conversation_claims(signals, evidence)
    for ticket in evidence.same_subject:
        doubt = _doubt_of_sender(signals, evidence, ticket)
        yield _claim(evidence, ticket, Joined.SUBJECT, "a reply on the same subject", doubt=doubt)


def _token_claims(signals: Signals, evidence: Evidence) -> Iterator[Claim]:
    for token in signals.reply_tokens + signals.subject_tokens:
        ticket = evidence.numbers.get(token.number)
        if ticket is None:
            continue
        in_tag = token.carrier is Carrier.TAG
        place = "the tag in the subject" if in_tag else "the address"
        if token in evidence.proven:
            by = Joined.TAG if in_tag else Joined.REPLY_ADDRESS
            yield _claim(evidence, ticket, by, f"{place} holds {token.number} with a valid MAC")
        else:
            reason = f"{place} names {token.number} with {'a wrong' if token.mac else 'no'} MAC"
            doubt = _doubt_of_sender(signals, evidence, ticket)
            yield _claim(evidence, ticket, Joined.NUMBER, reason, doubt=doubt)


def _own_id_claims(signals: Signals, evidence: Evidence) -> Iterator[Claim]:
    """The mail's own Message-ID: the same mail again, our own one back, or one that others answered first."""
    token = signals.id_tokens.get(signals.message_id)
    if token in evidence.proven and token.number in evidence.numbers:
        yield _claim(evidence, evidence.numbers[token.number], Joined.MESSAGE_ID, "a mail of ours came back")
    for kind, ticket in evidence.sightings.get(signals.message_id, ()):
        if kind is IdKind.MENTIONED:
            reason = "an earlier mail of the ticket names this one"
            doubt = _doubt_of_company(signals, evidence, ticket)
            yield _claim(evidence, ticket, Joined.MENTIONED_ID, reason, doubt=doubt)
        else:
            doubt = _doubt_of_copy(signals, evidence, ticket)
            yield _claim(evidence, ticket, Joined.KNOWN_ID, "same Message-ID", doubt=doubt)


def _reference_claims(signals: Signals, evidence: Evidence, message_id: str, rank: int) -> Iterator[Claim]:
    place = "In-Reply-To" if message_id in signals.in_reply_to else "References"
    token = signals.id_tokens.get(message_id)
    if token in evidence.proven and token.number in evidence.numbers:
        reason = f"{place} holds a Message-ID of ours with a valid MAC"
        yield _claim(evidence, evidence.numbers[token.number], Joined.MESSAGE_ID, reason, rank=rank)
    for kind, ticket in evidence.sightings.get(message_id, ()):
        if kind is IdKind.MENTIONED:
            reason = f"{place} names a mail that an earlier mail of the ticket names"
            doubt = _doubt_of_company(signals, evidence, ticket)
            yield _claim(evidence, ticket, Joined.MENTIONED_ID, reason, rank=rank, doubt=doubt)
        else:
            yield _claim(evidence, ticket, Joined.KNOWN_ID, f"{place} names a mail of the ticket", rank=rank)


def _conversation_claims(signals: Signals, evidence: Evidence) -> Iterator[Claim]:
    keys = {signals.subject_key, signals.topic_key} - {""}
    for _, ticket in evidence.sightings.get(conversation_id(signals.thread_index), ()):
        if signals.is_reply and evidence.tickets[ticket].subject_key in keys:
            doubt = _doubt_of_company(signals, evidence, ticket)
            reason = "Thread-Index and subject are those of the ticket"
            yield _claim(evidence, ticket, Joined.THREAD_INDEX, reason, doubt=doubt)


def _claim(
    evidence: Evidence, ticket: int, by: Joined, reason: str, *, rank: int = 0, doubt: str = ""
) -> Claim:
    if evidence.target(ticket).desk != evidence.desk and ticket not in evidence.once_here:
        doubt = doubt or "that is a ticket of another desk"
    return Claim(ticket, by, _SCORES[by] - rank * _NEARER, reason, doubt)


def _doubt_of_sender(signals: Signals, evidence: Evidence, ticket: int) -> str:
    """A bare number or the same subject is anybody's to write: the sender must take part and be himself."""
    if not evidence.takes_part(ticket, signals):
        return "its sender takes no part"
    if signals.forged or not evidence.trusted:
        return "nothing proves that its sender is who From says"
    return ""


def _doubt_of_company(signals: Signals, evidence: Evidence, ticket: int) -> str:
    # Who answers on a mailing list shares his mail with all who are on it.
    on_list = signals.automatic is MailClass.LIST and signals.subject_key
    if on_list and evidence.tickets[ticket].subject_key == signals.subject_key:
        return ""
    return "" if evidence.knows_company(ticket, signals) else "nobody takes part in both"


def _doubt_of_copy(signals: Signals, evidence: Evidence, ticket: int) -> str:
    """Senders choose Message-IDs, and some programs use one for all their mails."""
    if not evidence.role(ticket, signals.sender):
        return "its sender takes no part"
    same = signals.subject_key == evidence.tickets[ticket].subject_key
    return "" if same else "the subject is another"
