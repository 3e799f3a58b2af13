"""Agents move, copy, delete and race as they like, customers write, watchers die: it always comes right.

However it went, in the end every mail of every ticket lies once in the place that the database says, and
nothing else lies anywhere.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from mailproc.desk.change import change_state
from mailproc.desk.claim import assign
from mailproc.desk.lay import lay_again
from mailproc.desk.merge import merge
from mailproc.desk.transfer import transfer
from mailproc.imap.reconcile import Sight
from mailproc.model.folder import places_of
from mailproc.model.ticket import Direction, IllegalMove, Move, State
from tests.unit.imap.world import AGENTS, World, make_site, open_world

PLACES = [str(place) for place in places_of(make_site().desks["support"])]
SALES = [str(place) for place in places_of(make_site().desks["sales"])]

places = st.sampled_from(PLACES)
agents = st.sampled_from(AGENTS)
numbers = st.integers(0, 1000)
pauses = st.sampled_from([0.0, 0.3, 1.0, 2.5, 31.0])


class AgentsAndWatcher(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._opened = open_world()
        self.world: World = self._opened.__enter__()
        self.world.open_ticket(mails=2)
        self.world.watch()
        self.to_delete: list[tuple[str, Sight]] = []  # the second halves of moves by copying

    def lying(self, number: int, desk: str = "support") -> str | None:
        """One of the mails that lie in a folder."""
        names = sorted(set(self.world.mails[desk].values()))
        return names[number % len(names)] if names else None

    # Agents

    @rule(number=numbers, place=places)
    def move(self, number: int, place: str) -> None:
        if name := self.lying(number):
            self.world.move(name, place)

    @rule(number=numbers, place=st.sampled_from(SALES))
    def drag_to_another_desk(self, number: int, place: str) -> None:
        if name := self.lying(number):
            self.world.move(name, place, to_desk="sales")

    @rule(number=numbers, place=places)
    def drag_back(self, number: int, place: str) -> None:
        if name := self.lying(number, "sales"):
            self.world.move(name, place, "sales", to_desk="support")

    @rule(number=numbers, one=places, two=places)
    def race(self, number: int, one: str, two: str) -> None:
        if name := self.lying(number):
            self.world.race(name, one, two)

    @rule(number=numbers, place=places)
    def copy(self, number: int, place: str) -> None:
        if name := self.lying(number):
            self.to_delete.append(("support", self.world.copy(name, place)))

    @precondition(lambda self: self.to_delete)
    @rule()
    def finish_copying(self) -> None:
        desk, sight = self.to_delete.pop()
        self.world.mails[desk].pop(sight, None)

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        if name := self.lying(number):
            self.world.delete(name)

    def put(self, name: str, place: str) -> None:
        self.world.put(name, place)

    # What comes by other ways

    @rule(number=numbers)
    def customer_writes(self, number: int) -> None:
        ticket = self.world.ticket(self.world.tickets[number % len(self.world.tickets)])
        self.world.add_mail(ticket)
        self.world.tx.tickets.begin_turn(ticket.id, 1)
        change_state(self.world.tx, ticket, Move.FOLLOW_UP, who="carla", now=self.world.now)

    @rule(number=numbers, agent=agents)
    def agent_answers(self, number: int, agent: str) -> None:
        ticket = self.world.ticket(self.world.tickets[number % len(self.world.tickets)])
        self.world.add_mail(ticket, Direction.OUT)
        try:
            change_state(self.world.tx, ticket, Move.ANSWER, who=agent, owner=agent, now=self.world.now)
        except IllegalMove:
            assert ticket.state is State.SPAM

    @rule(number=numbers, agent=agents)
    def agent_takes_by_command(self, number: int, agent: str) -> None:
        ticket = self.world.ticket(self.world.tickets[number % len(self.world.tickets)])
        desk = self.world.site.desks[ticket.desk]
        if agent in desk.agents:
            assign(self.world.tx, desk, ticket, agent=agent, who=agent, now=self.world.now)

    @rule(number=numbers, desk=st.sampled_from(["support", "sales"]))
    def ticket_is_transferred(self, number: int, desk: str) -> None:
        ticket = self.world.ticket(self.world.tickets[number % len(self.world.tickets)])
        is_whole = ticket.merged_into is None and ticket.desk != desk
        if is_whole and ticket.state in (State.NEW, State.CLAIMED, State.ANSWERED):
            transfer(self.world.tx, ticket, self.world.site.desks[desk], who="alice", now=self.world.now)

    @precondition(lambda self: len(self.world.tickets) < 4)
    @rule(mails=st.integers(1, 2))
    def customer_opens(self, mails: int) -> None:
        self.world.open_ticket(mails=mails)

    @precondition(lambda self: len(self.world.tickets) > 1)
    @rule()
    def tickets_are_merged(self) -> None:
        one, two = (self.world.ticket(number) for number in self.world.tickets[:2])
        are_apart = one.merged_into is None and two.merged_into is None
        if are_apart and one.desk == two.desk and two.state is not State.SPAM:
            merge(self.world.tx, two, one, who="alice", now=self.world.now)

    @rule(number=numbers)
    def ticket_is_laid_on_top(self, number: int) -> None:
        ticket = self.world.ticket(self.world.tickets[number % len(self.world.tickets)])
        lay_again(self.world.tx, ticket, "due", self.world.now)

    # The watchers

    @rule(pause=pauses)
    def time_passes(self, pause: float) -> None:
        self.world.now += pause

    @rule(desk=st.sampled_from(["support", "sales"]), steps=st.integers(0, 3))
    def watcher_dies(self, desk: str, steps: int) -> None:
        self.world.watch(desk, stop_after=steps)
        self.world.first_seen[desk].clear()

    @rule(number=numbers, place=places, early=st.booleans())
    def watcher_is_overtaken(self, number: int, place: str, early: bool) -> None:
        if name := self.lying(number):
            if early:
                self.world.watch(before=lambda: self.world.move(name, place))
            else:
                self.world.watch(amid=lambda: self.world.move(name, place))

    @rule(number=numbers, place=places)
    def watcher_races_with_an_agent(self, number: int, place: str) -> None:
        """Both move the same mail, and the server lets both succeed."""
        if name := self.lying(number):
            self.world.watch(amid=lambda: self.put(name, place))

    @rule(number=numbers, agent=agents)
    def watcher_is_frozen(self, number: int, agent: str) -> None:
        """Another takes its place, in whose time an agent takes a ticket."""

        def meanwhile() -> None:
            self.world.watch()
            self.agent_takes_by_command(number, agent)
            self.world.watch()

        self.world.watch_and_freeze(meanwhile)

    @rule(desk=st.sampled_from(["support", "sales"]))
    def watch(self, desk: str) -> None:
        self.world.watch(desk)

    def teardown(self) -> None:
        try:
            for desk, sight in self.to_delete:
                self.world.mails[desk].pop(sight, None)
            self.world.settle()
            self.world.assert_right()
        finally:
            self._opened.__exit__(None, None, None)


AgentsAndWatcher.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestAgentsAndWatcher = AgentsAndWatcher.TestCase


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_it_comes_right_after_long_histories_too() -> None:
    long = settings(max_examples=3000, stateful_step_count=60, deadline=None, database=None)
    run_state_machine_as_test(AgentsAndWatcher, settings=long)
