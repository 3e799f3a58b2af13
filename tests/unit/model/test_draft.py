"""What an agent's draft means, and which mails in Drafts are ours."""

from __future__ import annotations

import pytest

from mailproc.model.draft import (
    DRAFTING,
    Draft,
    DraftRecord,
    LaidDraft,
    LaidState,
    Verdict,
    is_claim_of_draft,
    judge,
    newest,
    unchanged,
)
from mailproc.model.ticket import Event, State, Ticket

NOW = 1_790_000_000.0
HOUR = 3600.0
LAID = LaidDraft(7, "alice", 1, 1, LaidState.LAID, uidvalidity=5, uid=9, size=400)


def ticket(state: State = State.NEW, owner: str = "") -> Ticket:
    text = ("17", "support", "Printer", "printer")
    return Ticket(1, *text, state, owner, "c@x.example", NOW, NOW, None, "", "en", 0.0, None)


def record(*, saved: float = NOW - 60, told: bool = False) -> DraftRecord:
    return DraftRecord("alice", 1, NOW - 60, saved, told=told)


def verdict(of: Ticket, known: DraftRecord | None = None, *, saved: float = NOW - 60) -> Verdict:
    return judge("alice", of, known, saved, NOW, 4 * HOUR)


def test_a_draft_locks_what_waits_in_new_and_nobody_has() -> None:
    assert verdict(ticket()) is Verdict.LOCK


@pytest.mark.parametrize("state", [State.ANSWERED, State.SNOOZED, State.CLOSED, State.SPAM, State.PROBLEM])
def test_a_draft_moves_nothing_that_is_not_in_new(state: State) -> None:
    assert verdict(ticket(state)) is Verdict.REMEMBER


@pytest.mark.parametrize("state", [State.CLAIMED, State.ANSWERED, State.SNOOZED])
def test_who_drafts_for_another_agents_ticket_is_told_and_only_once(state: State) -> None:
    assert verdict(ticket(state, "bob")) is Verdict.TELL
    assert verdict(ticket(state, "bob"), record()) is Verdict.TELL  # bob took it while alice wrote
    assert verdict(ticket(state, "bob"), record(told=True), saved=NOW) is Verdict.REMEMBER
    assert verdict(ticket(state, "bob"), record(told=True)) is Verdict.NOTHING


def test_nobody_is_told_that_a_closed_ticket_was_anothers() -> None:
    assert verdict(ticket(State.CLOSED, "bob")) is Verdict.REMEMBER


def test_a_ticket_that_was_given_back_is_locked_only_by_what_is_saved_since() -> None:
    assert verdict(ticket(), record()) is Verdict.NOTHING
    assert verdict(ticket(), record(), saved=NOW) is Verdict.LOCK


@pytest.mark.parametrize("of", [ticket(), ticket(State.CLAIMED, "bob")])
def test_a_forgotten_draft_means_nothing(of: Ticket) -> None:
    assert verdict(of, saved=NOW - 5 * HOUR) is Verdict.NOTHING


def test_saving_ones_own_is_remembered() -> None:
    assert verdict(ticket(State.CLAIMED, "alice"), record(), saved=NOW) is Verdict.REMEMBER


def event(what: str, who: str) -> Event:
    return Event(NOW, what, who, "")


LOCKED = [event("opened", "mailproc"), event("claimed", "alice"), event(DRAFTING, "alice")]


@pytest.mark.parametrize(
    "since", [[], [event("follow_up", "carla@customer.example")], [event("noted", "bob")]]
)
def test_a_claim_is_the_drafts_alone_while_the_agent_did_nothing_else(since: list[Event]) -> None:
    assert is_claim_of_draft("alice", [*LOCKED, *since])


@pytest.mark.parametrize(
    "since",
    [
        [event("tagged", "alice")],
        [event("held", "alice")],
        [event("claimed", "bob")],  # handed to alice by bob
        [event("released", "folder"), event("claimed", "alice")],
    ],
)
def test_a_claim_is_no_longer_the_drafts_where_something_else_was_done(since: list[Event]) -> None:
    assert not is_claim_of_draft("alice", [*LOCKED, *since])


def test_a_claim_by_hand_or_by_another_agents_draft_is_not_the_drafts() -> None:
    assert not is_claim_of_draft("alice", [event("claimed", "alice")])
    assert not is_claim_of_draft("bob", LOCKED)


def test_of_several_drafts_to_a_ticket_the_newest_counts_and_others_mails_do_not() -> None:
    found = [Draft(1, 10, 50.0, 1), Draft(2, 10, 70.0, 1), Draft(3, 10, 60.0, 1), Draft(4, 10, 90.0, None)]
    assert newest(found, []) == {1: 70.0}


def test_our_own_draft_is_nobodys_writing_until_somebody_writes_in_it() -> None:
    assert newest([Draft(9, 400, 50.0, 1, laid=7)], [LAID]) == {}
    assert newest([Draft(12, 431, 50.0, 1, laid=7)], [LAID]) == {1: 50.0}
    assert newest([Draft(9, 400, 50.0, 1, laid=8)], [LAID]) == {1: 50.0}  # a mark of a draft that is over


@pytest.mark.parametrize(
    ("draft", "uidvalidity"),
    [
        (Draft(10, 400, 50.0, 1, laid=7), 5),  # saved again by a client that kept the mark
        (Draft(9, 401, 50.0, 1, laid=7), 5),
        (Draft(9, 400, 50.0, 1), 5),
        (Draft(9, 400, 50.0, 1, laid=8), 5),
        (Draft(9, 400, 50.0, 1, laid=7), 6),  # the mailbox was made anew
    ],
)
def test_only_the_very_mail_that_was_laid_is_taken_away(draft: Draft, uidvalidity: int) -> None:
    ours = Draft(9, 400, 50.0, 1, laid=7)
    assert unchanged(LAID, [ours], 5) is ours
    assert unchanged(LAID, [draft], uidvalidity) is None
