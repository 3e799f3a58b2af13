"""The decision alone: what proves, what does not, and what follows from a desk's policies."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.desk import FollowUpPolicy
from mailproc.model.follow_up import (
    Candidate,
    Carrier,
    Evidence,
    FollowUp,
    IdKind,
    Role,
    Signals,
    Token,
    conversation_id,
)
from mailproc.model.joining import MAX_OTHERS, decide
from mailproc.model.judgement import MailClass
from mailproc.model.ticket import State

NOW = 1_795_262_400.0
SIGNALS = Signals(
    sender="ann@example.net",
    people=frozenset(),
    reply_tokens=(),
    subject_tokens=(),
    message_id="<new@example.net>",
    in_reply_to=(),
    references=(),
    subject_key="printer",
    is_reply=False,
    is_forward=False,
    thread_index="",
    date=NOW,
    received=NOW,
    automatic=MailClass.NONE,
    aligned=False,
)


def candidate(place: int, **changes: object) -> Candidate:
    made = Candidate(place, str(1000 + place), "support", "printer", State.NEW, None, None)
    return replace(made, **changes)  # type: ignore[arg-type]  # handed through


def evidence(*tickets: Candidate, **found: object) -> Evidence:
    numbers = {ticket.number: ticket.id for ticket in tickets}
    known = Evidence("support", {ticket.id: ticket for ticket in tickets}, numbers=numbers)
    return replace(known, **found)  # type: ignore[arg-type]  # handed through


def decided(signals: Signals, known: Evidence) -> FollowUp:
    return decide(signals, known, FollowUpPolicy(), NOW)


def test_without_evidence_a_ticket_is_new() -> None:
    assert decided(SIGNALS, evidence()) == FollowUp(None)


def test_the_address_outweighs_ids_and_ids_outweigh_the_tag() -> None:
    reply, tag = Token("1001", "a" * 10, Carrier.REPLY_ADDRESS), Token("1002", "bbbbbb")
    tickets = [candidate(1), candidate(2), candidate(3)]
    known = evidence(
        *tickets,
        proven=frozenset({reply, tag}),
        sightings={"<3@x>": [(IdKind.KNOWN, 3)]},
    )
    signals = replace(SIGNALS, reply_tokens=(reply,), subject_tokens=(tag,), in_reply_to=("<3@x>",))
    assert decided(signals, known).ticket == "1001"
    assert decided(replace(signals, reply_tokens=()), known).ticket == "1003"
    assert decided(replace(signals, reply_tokens=(), in_reply_to=()), known).ticket == "1002"


def test_a_known_id_far_back_outweighs_a_mentioned_one_nearby() -> None:
    known = evidence(
        candidate(1),
        candidate(2),
        sightings={"<known@x>": [(IdKind.KNOWN, 1)], "<near@x>": [(IdKind.MENTIONED, 2)]},
        roles={(2, SIGNALS.sender): Role.CUSTOMER},
    )
    references = ("<known@x>", *(f"<{place}@x>" for place in range(48)), "<near@x>")
    assert decided(replace(SIGNALS, references=references), known).ticket == "1001"


def test_all_signals_for_the_ticket_are_kept_as_reasons() -> None:
    tag = Token("1001", "aaaaaa")
    known = evidence(
        candidate(1),
        proven=frozenset({tag}),
        sightings={"<1@x>": [(IdKind.KNOWN, 1)]},
        same_subject=(1,),
        roles={(1, SIGNALS.sender): Role.CUSTOMER},
        trusted=True,
    )
    found = decided(replace(SIGNALS, subject_tokens=(tag,), in_reply_to=("<1@x>",)), known)
    assert found.reasons == (
        "In-Reply-To names a mail of the ticket",
        "the tag in the subject holds 1001 with a valid MAC",
        "a reply on the same subject",
    )


def test_a_role_in_the_merged_ticket_or_in_its_target_counts() -> None:
    tickets = (candidate(1, merged_into=2), candidate(2))
    bare = replace(SIGNALS, subject_tokens=(Token("1001"),))
    for where in (1, 2):
        known = evidence(*tickets, roles={(where, SIGNALS.sender): Role.PARTICIPANT}, trusted=True)
        found = decided(bare, known)
        assert (found.ticket, found.newcomer) == ("1002", False)


def test_links_are_not_more_than_a_person_would_look_at() -> None:
    tickets = [candidate(place) for place in range(20)]
    named = tuple(Token(ticket.number) for ticket in tickets)
    found = decided(replace(SIGNALS, subject_tokens=named), evidence(*tickets))
    assert found.ticket is None
    assert len(found.links) == MAX_OTHERS


def test_the_conversation_of_an_outlook_root_does_not_join() -> None:
    """Only a reply in it does: a root with an old conversation is a copy of a template."""
    known = evidence(
        candidate(1),
        sightings={conversation_id("00"): [(IdKind.MENTIONED, 1)]},
        roles={(1, SIGNALS.sender): Role.CUSTOMER},
    )
    root = replace(SIGNALS, thread_index="00")
    assert decided(root, known).ticket is None
    assert decided(replace(root, is_reply=True), known).ticket == "1001"


@settings(deadline=None)
@given(
    numbers=st.lists(st.integers(1000, 1004).map(str), max_size=5),
    mentioned=st.lists(st.integers(0, 4), max_size=5),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    people=st.frozensets(st.sampled_from(["x@desk.example", "y@else.example"])),
)
def test_a_stranger_without_proof_joins_nothing_whatever_he_names(
    numbers: list[str], mentioned: list[int], flags: tuple[bool, bool, bool], people: frozenset[str]
) -> None:
    tickets = [candidate(place) for place in range(5)]
    trusted, is_reply, is_forward = flags
    known = evidence(
        *tickets,
        sightings={"<m@x>": [(IdKind.MENTIONED, place) for place in mentioned]},
        same_subject=(1,),
        roles={(place, "x@desk.example"): Role.PARTICIPANT for place in range(5)},
        trusted=trusted,
        own_domains=frozenset({"desk.example"}),
    )
    tokens = tuple(Token(number, "aaaaaa") for number in numbers)
    signals = replace(
        SIGNALS,
        sender="eve@evil.example",
        people=people,
        subject_tokens=tokens,
        reply_tokens=tuple(replace(token, carrier=Carrier.REPLY_ADDRESS) for token in tokens),
        in_reply_to=("<m@x>",),
        is_reply=is_reply,
        is_forward=is_forward,
        aligned=True,
    )
    found = decided(signals, known)
    assert found.ticket is None
    assert found.also == ()
