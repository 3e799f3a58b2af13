"""A mail that is laid on top of its folder again: a new copy comes, then the old one goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailproc.desk.claim import assign
from mailproc.desk.lay import lay_again
from mailproc.desk.merge import merge
from mailproc.desk.transfer import hand_over
from mailproc.model.ticket import Direction, State, Ticket
from tests.unit.imap.world import World, open_world


@pytest.fixture
def world() -> Iterator[World]:
    with open_world() as world:
        yield world


def lay(world: World, ticket: Ticket) -> None:
    lay_again(world.tx, world.ticket(ticket), "due", world.now)


def lying(world: World, desk: str = "support") -> list[tuple[str, str]]:
    return sorted((name, sight.place) for sight, name in world.mails[desk].items())


def test_the_new_copy_lies_there_before_the_old_one_goes(world: World) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    lay(world, ticket)
    world.watch()
    assert lying(world) == [("l1", "new"), ("m1", "new"), ("m2", "new")]
    world.now += 1
    world.watch()
    assert lying(world) == [("l1", "new"), ("m1", "new")]
    world.settle()
    world.assert_right()


def test_it_can_be_laid_again_and_again(world: World) -> None:
    ticket = world.open_ticket()
    for _ in range(3):
        lay(world, ticket)
    world.settle()
    assert lying(world) == [("l3", "new")]
    lay(world, ticket)
    world.settle()
    assert lying(world) == [("l4", "new")]


def test_the_newest_mail_that_came_is_laid(world: World) -> None:
    ticket = world.open_ticket()
    world.add_mail(ticket, Direction.OUT)
    lay(world, ticket)
    world.settle()
    assert lying(world) == [("l1", "new"), ("m2", "new")]


def test_a_ticket_without_a_mail_that_came_has_nothing_to_lay(world: World) -> None:
    ticket = world.open_ticket(mails=0)
    lay(world, ticket)
    world.settle()
    assert lying(world) == []


def test_an_agent_who_takes_the_old_copy_has_the_ticket(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    lay(world, ticket)
    world.watch(amid=lambda: world.move("m1", "@alice"))
    world.settle()
    assert (world.ticket(ticket).state, world.ticket(ticket).owner) == (State.CLAIMED, "alice")
    assert lying(world) == [("l1", "@alice")]


def going(world: World) -> Ticket:
    """A ticket whose old copy is to be taken away at the next look: the new one is there."""
    ticket = world.open_ticket()
    world.watch()
    lay(world, ticket)
    world.watch()
    world.now += 1
    return ticket


def test_an_agent_who_closes_by_the_old_copy_while_it_is_taken_away_has_closed_the_ticket(
    world: World,
) -> None:
    ticket = going(world)
    world.watch(amid=lambda: world.move("m1", "closed"))
    world.settle()
    assert world.ticket(ticket).state is State.CLOSED
    assert "move_refused" not in world.events(ticket)
    assert lying(world) == [("l1", "closed")]


def test_a_move_of_the_old_copy_that_comes_after_a_claim_is_refused(world: World) -> None:
    ticket = going(world)

    def claimed_and_closed() -> None:
        world.move("m1", "closed")
        assign(world.tx, world.site.desks["support"], ticket, agent="alice", who="alice", now=world.now)

    world.watch(amid=claimed_and_closed)
    world.settle()
    assert (world.ticket(ticket).state, world.ticket(ticket).owner) == (State.CLAIMED, "alice")
    assert "move_refused" in world.events(ticket)
    assert world.places("m1") == []
    assert world.places("l1") == ["@alice"]


def test_an_agent_who_takes_the_new_copy_has_the_ticket(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    lay(world, ticket)
    world.settle()
    world.move("l1", "@bob")
    world.settle()
    assert world.ticket(ticket).owner == "bob"
    assert lying(world) == [("l1", "@bob")]


@pytest.mark.parametrize("after", range(4))
def test_a_watcher_that_dies_leaves_what_another_finishes(world: World, after: int) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    lay(world, ticket)
    world.watch(stop_after=after)
    world.now += 1
    world.watch(stop_after=0)
    world.settle()
    assert lying(world) == [("l1", "new"), ("m1", "new")]


def test_it_goes_with_its_ticket_to_another_desk_and_into_another_ticket(world: World) -> None:
    ticket, other = world.open_ticket(), world.open_ticket()
    lay(world, ticket)
    world.settle()
    merge(world.tx, world.ticket(ticket), world.ticket(other), who="alice", now=world.now)
    world.settle()
    world.assert_right()
    hand_over(world.tx, world.ticket(other), world.site.desks["sales"], who="mailproc", now=world.now)
    world.settle()
    assert {name for name, _ in lying(world, "sales")} >= {"l1", "m2"}
    assert lying(world) == []


def test_a_client_that_puts_the_old_copy_back_does_not_double_it(world: World) -> None:
    ticket = world.open_ticket()
    world.watch()
    lay(world, ticket)
    world.settle()
    world.put("m1", "new")
    world.settle()
    assert lying(world) == [("l1", "new")]


def test_what_an_agent_deletes_comes_back(world: World) -> None:
    ticket = world.open_ticket()
    lay(world, ticket)
    world.settle()
    world.delete("l1")
    world.settle()
    assert world.places("l1") == ["new"]
