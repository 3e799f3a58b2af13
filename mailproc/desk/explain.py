"""What would become of a mail: the chain's findings and the decision, with nothing stored or sent."""

from __future__ import annotations

from mailproc.desk.absence import KnownAbsences
from mailproc.desk.filing import first_state
from mailproc.desk.follow_up import find
from mailproc.desk.joined import only_thanks, owner_then
from mailproc.desk.site import Site
from mailproc.model.folder import folder_of
from mailproc.model.follow_up import FollowUp
from mailproc.model.ticket import Move, Outcome, State, next_state
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Course, Verdict
from mailproc.store.protocol import Transaction

View = dict[str, object]


def explain(
    tx: Transaction, site: Site, delivery: Delivery, verdict: Verdict, sha256: bytes, now: float
) -> View:
    """One ``explain`` object of the contract, without its ``path``."""
    decision = FollowUp(None)
    if delivery.signals is not None:
        decision = find(tx, site.keyring, delivery.desk, delivery.signals, now)
    outcome = _outcome(tx, delivery, verdict, decision, sha256)
    state, owner = _state_and_owner(tx, site, delivery, outcome, decision, now)
    return {
        "desk": delivery.desk.name,
        "outcome": outcome.value,
        "ticket": decision.ticket,
        "folder": folder_of(delivery.desk, state, owner) if outcome is not Outcome.IGNORED else None,
        "state": state.value if outcome is not Outcome.IGNORED else None,
        "owner": owner or None,
        "tags": list(delivery.tags),
        "topic": delivery.topic or None,
        "language": delivery.language or None,
        "automatic": {
            "class": delivery.automatic.kind.value,
            "reasons": list(delivery.automatic.reasons),
        },
        "acknowledge": _acknowledge(delivery, outcome),
        "follow_up": {
            "ticket": decision.ticket,
            "by": decision.by,
            "reasons": list(decision.reasons),
        },
        "spam": {
            "score": round(delivery.spam.score, 4),
            "verdict": delivery.spam.verdict.value,
            "clues": list(delivery.spam.clues),
        },
        "bounce": _bounce(delivery),
        "stages": [
            {
                "stage": result.stage,
                "verdict": result.verdict,
                "ms": round(result.milliseconds, 2),
                "tags": result.tags,
                "scores": result.scores,
                "notes": result.notes,
            }
            for result in delivery.results
        ],
    }


def _outcome(
    tx: Transaction, delivery: Delivery, verdict: Verdict, decision: FollowUp, sha256: bytes
) -> Outcome:
    if tx.tickets.ticket_of_mail(delivery.desk.name, sha256) is not None:
        return Outcome.DUPLICATE
    if verdict.course is Course.QUARANTINE:
        return Outcome.QUARANTINED
    if verdict.course is Course.IGNORE or delivery.signals is None:
        return Outcome.IGNORED
    return Outcome.NEW if decision.ticket is None else Outcome.FOLLOW_UP


def _state_and_owner(
    tx: Transaction, site: Site, delivery: Delivery, outcome: Outcome, decision: FollowUp, now: float
) -> tuple[State, str]:
    if outcome is Outcome.QUARANTINED:
        return State.PROBLEM, ""
    ticket = tx.tickets.by_number(decision.ticket) if decision.ticket else None
    if ticket is None:
        return first_state(delivery, delivery.owner)
    if delivery.automatic.is_automatic or only_thanks(delivery, ticket):
        return ticket.state, ticket.owner
    owner = owner_then(tx, KnownAbsences(site), delivery.desk, ticket, now)
    return next_state(ticket.state, Move.FOLLOW_UP, owner), owner


def _acknowledge(delivery: Delivery, outcome: Outcome) -> View:
    plan = delivery.acknowledgement
    if plan is None:
        return {"send": False, "reason": "no acknowledge stage ran"}
    if plan.refusal:
        return {"send": False, "reason": plan.refusal}
    if outcome is not Outcome.NEW:
        return {"send": False, "reason": f"outcome is {outcome.value}: only a new ticket is acknowledged"}
    return {"send": True, "reason": f"a new ticket, answered in {plan.language or delivery.desk.language}"}


def _bounce(delivery: Delivery) -> View | None:
    if delivery.bounce is None or not delivery.bounce.recipients:
        return None
    first = delivery.bounce.recipients[0]
    return {"recipient": first.recipient, "status": first.status, "hard": first.hard}
