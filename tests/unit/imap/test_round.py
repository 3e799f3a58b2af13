"""What agents do in the folder takes effect, races end with one winner, and the folder becomes right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailproc.desk.claim import assign, claim, release
from mailproc.desk.close import close
from mailproc.desk.lay import lay_again
from mailproc.desk.merge import merge
from mailproc.desk.transfer import transfer
from mailproc.model.ticket import Direction, MessageStatus, State, Ticket
from tests.unit.imap.world import World, open_world


@pytest.fixture
def world() -> Iterator[World]:
    with open_world() as world:
        yield world


def test_a_new_ticket_is_shown_in_new(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    assert [world.places(name) for name in world.tx.folders.names_of(ticket.id)] == [["new"], ["new"]]
    assert not world.watch()


@pytest.mark.parametrize("agent", ["alice", "bob"])
def test_moving_a_mail_into_an_agents_folder_makes_him_the_owner(world: World, agent: str) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    world.move("m1", f"@{agent}")
    world.watch()
    assert (world.ticket(ticket).state, world.ticket(ticket).owner) == (State.CLAIMED, agent)
    assert world.places("m2") == [f"@{agent}"]  # all mails of a ticket move together
    assert world.tx.history.events(ticket.id)[-1].who == agent


@pytest.mark.parametrize(
    ("place", "state"),
    [("closed", State.CLOSED), ("spam", State.SPAM), ("snoozed/3d", State.SNOOZED)],
)
@pytest.mark.parametrize("source", ["new", "@alice", "closed", "spam", "snoozed/1d"])
def test_every_place_can_be_reached_from_every_other(
    world: World, source: str, place: str, state: State
) -> None:
    ticket = world.open_ticket()
    world.watch()
    if source != "new":
        world.move("m1", source)
        world.watch()
    world.move("m1", place)
    world.watch()
    assert world.ticket(ticket).state is state
    assert world.places("m1") == [place]
    world.move("m1", "new")
    world.watch()
    assert (world.ticket(ticket).state, world.ticket(ticket).owner) == (State.NEW, "")
    world.move("m1", "@bob")
    world.watch()
    assert world.place(ticket) == "@bob"


def test_a_snoozed_ticket_stays_on_the_shelf_where_it_was_put(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    for place in ("snoozed/1w", "snoozed/1d", "snoozed/3d"):
        world.move("m1", place)
        world.now += 100_000
        world.settle()
        assert world.place(ticket) == place
        assert world.places("m1") == [place]


@pytest.mark.parametrize("place", ["problem", "canned", "answered"])
def test_a_place_that_only_mailproc_fills_is_no_gesture(world: World, place: str) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", place)
    world.settle()
    assert world.ticket(ticket).state is State.NEW
    assert world.places("m1") == ["new"]
    (event,) = [each for each in world.tx.history.events(ticket.id) if each.what == "move_refused"]
    assert f"new to {place}" in event.detail
    world.assert_right()  # and the event lies beside it


def test_of_two_simultaneous_moves_one_wins_and_the_loser_is_told(world: World) -> None:
    winners = set()
    for _ in range(20):
        ticket = world.open_ticket()
        world.watch()
        (name,) = world.tx.folders.names_of(ticket.id)
        told = {agent: len(world.told(agent)) for agent in ("alice", "bob")}
        world.race(name, "@alice", "@bob")
        world.settle()
        winner = world.ticket(ticket).owner
        loser = "bob" if winner == "alice" else "alice"
        winners.add(winner)
        assert world.places(name) == [f"@{winner}"]
        assert len(world.told(loser)) == told[loser] + 1
        assert len(world.told(winner)) == told[winner]
    assert winners == {"alice", "bob"}


def test_who_comes_second_loses_after_a_moment(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", "@alice")
    world.watch()
    world.put("m1", "@bob")  # his MOVE of the mail in New was under way
    world.watch()
    assert world.places("m1") == ["@alice", "@bob"]
    world.now += 2
    world.watch()
    assert world.places("m1") == ["@alice"]
    assert world.ticket(ticket).owner == "alice"
    assert len(world.told("bob")) == 1
    assert world.told("alice") == []


def test_a_copy_beside_the_holders_is_a_reassignment_when_the_holders_goes(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", "@alice")
    world.watch()
    source = world.copy("m1", "@bob")
    world.watch()
    assert world.ticket(ticket).owner == "alice"
    del world.mails["support"][source]
    world.watch()
    assert world.ticket(ticket).owner == "bob"
    assert (world.told("alice"), world.told("bob")) == ([], [])


@pytest.mark.parametrize("target", ["closed", "spam", "snoozed/1d", "@alice"])
def test_what_a_move_left_behind_is_no_move_back_when_the_watcher_died(world: World, target: str) -> None:
    """The server had done half of the move, and then stood still or ended before the rest was taken away."""
    ticket = world.open_ticket()
    world.watch()
    world.copy("m1", target)
    world.watch(stop_after=0)
    assert world.place(ticket) == target
    world.settle()
    assert world.places("m1") == [target]
    assert len(world.events(ticket)) == 1
    assert world.told("alice") == []
    world.move("m1", "new")
    world.settle()
    assert world.place(ticket) == "new"


def test_a_client_without_move_claims_with_its_copy(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    source = world.copy("m1", "@alice")
    world.watch()
    assert world.ticket(ticket).owner == "alice"
    assert world.places("m1") == ["@alice"]
    world.mails["support"].pop(source, None)
    world.settle()
    world.assert_right()


def test_a_move_out_of_new_does_not_take_a_ticket_from_its_owner(world: World) -> None:
    """Bob answered or claimed by another way just before, and the folder did not show it yet."""
    ticket = world.open_ticket()
    world.watch()
    claim(world.tx, world.site.desks["support"], world.ticket(ticket), agent="bob", now=world.now)
    world.move("m1", "@alice")
    world.settle()
    assert world.ticket(ticket).owner == "bob"
    assert world.places("m1") == ["@bob"]
    assert len(world.told("alice")) == 1


def test_a_ticket_is_not_closed_by_who_has_not_seen_its_newest_state(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    assign(world.tx, world.site.desks["support"], world.ticket(ticket), agent="bob", who="bob", now=world.now)
    world.move("m1", "closed")
    world.settle()
    assert world.place(ticket) == "@bob"
    assert "move_refused" in world.events(ticket)
    world.assert_right()


def test_deleting_is_undone_after_a_while_with_a_note(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.delete("m1")
    world.watch()
    world.now += 29
    world.watch()
    assert world.places("m1") == []
    world.now += 1
    world.settle()
    assert world.places("m1") == ["new"]
    assert world.events(ticket).count("restored") == 1
    world.assert_right()


def test_a_note_may_be_deleted(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", "problem")
    world.settle()
    (note,) = [name for name in world.tx.folders.names_of(ticket.id) if world.sights(name) and name != "m1"]
    world.delete(note)
    world.settle()
    assert world.places(note) == []
    world.move("m1", "@alice")
    world.settle()
    assert world.places(note) == []
    assert "restored" not in world.events(ticket)


def test_a_slow_client_may_take_its_time_between_copy_and_deletion(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.delete("m1")
    world.watch()
    world.now += 20
    world.put("m1", "@alice")
    world.settle()
    assert world.ticket(ticket).owner == "alice"
    assert "restored" not in world.events(ticket)


def test_another_desks_new_takes_the_ticket_over(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    world.move("m1", "new", to_desk="sales")
    world.settle()
    assert world.ticket(ticket).desk == "sales"
    assert world.mails["support"] == {}
    world.assert_right()


def test_another_desks_agent_may_be_given_a_ticket(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", "closed")
    world.watch()
    world.move("m1", "@carol", to_desk="sales")
    world.settle()
    assert (world.ticket(ticket).desk, world.ticket(ticket).owner) == ("sales", "carol")
    world.assert_right()


def test_elsewhere_in_another_desks_folder_is_no_gesture(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    world.move("m1", "closed", to_desk="sales")
    world.settle()
    assert (world.ticket(ticket).desk, world.ticket(ticket).state) == ("support", State.NEW)
    world.assert_right()


def test_merged_tickets_are_shown_and_moved_together(world: World) -> None:
    one, two = world.open_ticket(), world.open_ticket()
    world.settle()
    merge(world.tx, world.ticket(two), world.ticket(one), who="alice", now=world.now)
    world.settle()
    world.move("m2", "@bob")
    world.settle()
    assert world.ticket(one).owner == "bob"
    assert (world.places("m1"), world.places("m2")) == (["@bob"], ["@bob"])
    world.move("m1", "new", to_desk="sales")
    world.settle()
    world.assert_right()


def test_a_held_answer_lies_in_problem_and_moving_it_says_nothing_of_the_ticket(world: World) -> None:
    ticket = world.open_ticket()
    answer = world.add_mail(ticket, Direction.OUT, MessageStatus.HELD)
    world.settle()
    assert (world.places("m1"), world.places(answer)) == (["new"], ["problem"])
    world.move(answer, "closed")
    world.settle()
    assert world.ticket(ticket).state is State.NEW
    assert world.places(answer) == ["problem"]


def test_a_watcher_that_died_between_deciding_and_doing_does_it_later_and_once(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch(stop_after=1)
    world.settle()
    world.assert_right()
    close(world.tx, world.ticket(ticket), who="alice", now=world.now)
    world.watch(stop_after=1)
    assert sorted(world.places("m1") + world.places("m2")) == ["closed", "new"]
    world.settle()
    world.assert_right()
    assert world.ticket(ticket).state is State.CLOSED


def test_a_watcher_that_died_before_it_let_go_of_a_ticket_brings_it_back_to_no_desk(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    transfer(world.tx, world.ticket(ticket), world.site.desks["sales"], who="alice", now=world.now)
    world.watch(stop_after=0)
    world.settle()
    assert world.ticket(ticket).desk == "sales"
    world.assert_right()


def test_a_mail_can_be_dragged_back_to_a_desk_that_let_go_of_it(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    transfer(world.tx, world.ticket(ticket), world.site.desks["sales"], who="alice", now=world.now)
    world.settle()
    world.move("m1", "new", "sales", to_desk="support")
    world.settle()
    assert world.ticket(ticket).desk == "support"
    world.assert_right()


def assigned(world: World) -> Ticket:
    """Alice's, whose mail lies in New still."""
    ticket = world.open_ticket()
    world.watch()
    assign(world.tx, world.site.desks["support"], ticket, agent="alice", who="alice", now=world.now)
    return ticket


def test_a_frozen_watchers_late_move_is_no_agents(world: World) -> None:
    ticket = assigned(world)

    def given_back() -> None:
        release(world.tx, world.ticket(ticket), who="alice", now=world.now)
        world.watch()

    world.watch_and_freeze(given_back)
    assert world.places("m1") == ["@alice"]
    world.watch()
    assert (world.ticket(ticket).state, world.places("m1")) == (State.NEW, ["new"])


def test_a_frozen_watchers_late_move_of_a_copy_that_another_was_laid_for_is_no_agents(world: World) -> None:
    ticket = assigned(world)

    def laid_again() -> None:
        release(world.tx, world.ticket(ticket), who="alice", now=world.now)
        lay_again(world.tx, world.ticket(ticket), "due", world.now)
        world.watch()

    world.watch_and_freeze(laid_again)
    assert world.places("m1") == ["@alice"]
    world.settle()
    assert world.ticket(ticket).state is State.NEW
    world.assert_right()


def test_a_frozen_watchers_late_copy_brings_no_ticket_back_to_its_desk(world: World) -> None:
    ticket = world.open_ticket()

    def transferred() -> None:
        transfer(world.tx, world.ticket(ticket), world.site.desks["sales"], who="alice", now=world.now)
        world.settle()

    world.watch_and_freeze(transferred)
    assert world.places("m1") == ["new"]
    world.settle()
    assert world.ticket(ticket).desk == "sales"
    world.assert_right()
