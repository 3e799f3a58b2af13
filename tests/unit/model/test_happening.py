"""What a ticket's events and mails say to its clocks."""

from __future__ import annotations

from mailproc.model.happening import Letter, happenings
from mailproc.model.target import Happening, What
from mailproc.model.ticket import Direction, Event, State

OPENED = 1000.0


def came(at: float, *, automatic: str = "none", message_id: str = "") -> Letter:
    return Letter(at, Direction.IN, automatic, message_id=message_id)


def event(at: float, what: str, detail: str = "", state: State | None = None) -> Event:
    return Event(at, what, "somebody", detail, state)


def told(events: list[Event], *letters: Letter) -> list[tuple[float, What]]:
    return [(each.at, each.what) for each in happenings(OPENED, events, letters)]


NEW = event(1003, "opened", "Hello", State.NEW)


def test_a_ticket_begins_when_its_mail_was_accepted_not_when_it_was_read() -> None:
    assert told([NEW], came(1000)) == [(1000, What.CUSTOMER), (1000, What.WORK)]


def test_automatic_mail_says_nothing() -> None:
    bounce = event(1100, "follow_up", "a report")
    assert told([NEW, bounce], came(1000), came(1090, automatic="bounce")) == told([NEW], came(1000))


def test_a_reopening_counts_from_the_mail() -> None:
    events = [NEW, event(1050, "closed", state=State.CLOSED), event(1107, "follow_up", state=State.NEW)]
    assert told(events, came(1000), came(1100))[-2:] == [(1100, What.CUSTOMER), (1100, What.WORK)]


def test_a_mail_that_waited_for_the_chain_does_not_undo_what_was_done_meanwhile() -> None:
    events = [NEW, event(1150, "closed", state=State.CLOSED), event(1200, "follow_up", state=State.NEW)]
    assert told(events, came(1000), came(1100))[-2:] == [(1150, What.CLOSED), (1150, What.WORK)]


def test_a_held_answer_counts_when_it_is_let_go() -> None:
    held = Letter(1010, Direction.OUT, "none", agent="alice")
    events = [NEW, event(1010, "held"), event(1300, "released", "an answer of alice"),
              event(1300, "answered", "to c@x", State.ANSWERED)]  # fmt: skip
    assert told(events, came(1000), held)[2:] == [(1300, What.ANSWER), (1300, What.ANSWERED)]


def test_an_answer_to_an_older_mail_is_one() -> None:
    assert told([NEW, event(1010, "answered", "to c@x, an older mail")])[1:] == [(1010, What.ANSWER)]


def test_an_answer_that_was_taken_back_is_none() -> None:
    answered = event(1010, "answered", "to c@x", State.ANSWERED)
    taken_back = event(1020, "taken_back", "an answer to c@x")
    events = [NEW, answered, taken_back, event(1020, "reopened", state=State.CLAIMED)]
    assert What.ANSWER not in {what for _, what in told(events, came(1000))}


def test_a_copy_of_a_mail_is_no_second_one() -> None:
    letters = (came(1000, message_id="<a@x>"), came(1400, message_id="<a@x>"), came(1500))
    assert [at for at, what in told([NEW], *letters) if what is What.CUSTOMER] == [1000, 1500]


def test_what_was_split_off_brings_its_answers() -> None:
    letters = (came(900), Letter(950, Direction.OUT, "none", agent="alice"))
    split = event(1000, "opened", "split from 17", State.NEW)
    assert told([split], *letters) == [(1000, What.CUSTOMER), (1000, What.ANSWER), (1000, What.WORK)]


def test_what_an_older_ticket_brings_keeps_its_order() -> None:
    """It was answered and then written to again before the ticket was opened that it is part of now."""
    answer = Letter(910, Direction.OUT, "none", agent="alice", opened=900)
    letters = (came(900), answer, came(920), came(1000))
    events = [event(910, "answered", "to c@x"), NEW]
    assert told(events, *letters) == [
        (1000, What.CUSTOMER), (1000, What.ANSWER), (1000, What.CUSTOMER), (1000, What.CUSTOMER),
        (1000, What.WORK),
    ]  # fmt: skip


def test_an_answer_that_was_split_off_before_is_one_where_its_ticket_became_part_of_an_older_one() -> None:
    letters = (came(1000), came(1100), Letter(1200, Direction.OUT, "none", agent="alice", opened=1300))
    assert told([NEW], *letters)[2:] == [(1100, What.CUSTOMER), (1200, What.ANSWER)]


def test_what_a_mail_opened_again_counts_from_then_although_the_mail_was_split_off() -> None:
    events = [NEW, event(1010, "snoozed", state=State.SNOOZED), event(1100, "follow_up", state=State.NEW)]
    split = event(1500, "split", "1 to 17")
    assert told([*events, split], came(1000))[-2:] == [(1010, What.SNOOZED), (1100, What.WORK)]


def test_a_merged_ticket_is_out_of_sight() -> None:
    events = [NEW, event(1100, "closed", state=State.CLOSED), event(1100, "merged", "into 17")]
    assert told(events)[-1] == (1100, What.OFF)
    assert told([NEW, event(1100, "merged", "from 17")]) == [(1000, What.WORK)]


def test_a_clock_that_was_put_back_keeps_the_order() -> None:
    events = [NEW, event(2000, "closed", state=State.CLOSED), event(1500, "reopened", state=State.CLAIMED)]
    assert happenings(OPENED, events, [])[-2:] == [Happening(2000, What.CLOSED), Happening(2000, What.WORK)]


def test_a_mail_that_only_says_thanks_starts_nothing() -> None:
    events = [NEW, event(1050, "answered", state=State.ANSWERED), event(1103, "thanked")]
    thanks = came(1100)
    later = came(1200)
    assert told(events, came(1000), thanks, later) == told(events[:-1], came(1000), later)
