"""A31: the folder is a view; what an agent appends to it or changes in it is never believed.

With a real Dovecot this is ``tests/peers/test_folder.py``; here it is the folder as recorded snapshots.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailproc.imap.reconcile import Sight
from mailproc.imap.responses import header_fields
from mailproc.imap.sightings import Sightings
from mailproc.mime.surgery import replace as replace_field
from mailproc.model.address import Address
from mailproc.model.folder import NEW
from mailproc.model.mac import Keyring
from mailproc.model.ticket import State
from tests.attacks.victim import EVE, answered_ticket, answers, carlas_ticket
from tests.unit.desk.agents_desk import answer, hand_in, reply_address
from tests.unit.desk.office import Office
from tests.unit.imap.world import KEYRING, World, open_world


@pytest.fixture
def world() -> Iterator[World]:
    with open_world() as world:
        yield world


OTHERS = Keyring.generate(b"another site's key, or a guess..")
FORGED = {
    "without MAC": "m1",
    "guessed": "m1.aaaaaaaaaa",
    "another site's": OTHERS.folder_id("m1"),
    "of another mail": f"m1.{KEYRING.folder_id('m2').partition('.')[2]}",
    "of another use": f"m1.{KEYRING.message_id('1', 1, 'x').rpartition('.')[2].partition('@')[0]}",
    "cut short": KEYRING.folder_id("m1")[:-1],
    "a path": "../../etc/passwd",
}


@pytest.mark.parametrize("form", sorted(FORGED))
def test_a31_a_forged_copy_is_a_stranger_and_moves_no_ticket(world: World, form: str) -> None:
    ticket = world.open_ticket(mails=2)
    world.watch()
    sightings = Sightings(KEYRING)
    (true,) = world.sights("m1")
    sightings.update(NEW, {true.uid: KEYRING.folder_id("m1")})
    sightings.update(true.place.__class__("@bob"), {77: FORGED[form]})
    assert dict(sightings.seen) == {"m1": (true,)}
    assert list(sightings.strangers.values()) == [FORGED[form]]
    world.settle()
    assert (world.ticket(ticket).state, world.ticket(ticket).owner) == (State.NEW, "")


@pytest.mark.parametrize("place", ["new", "@bob", "closed", "spam"])
def test_a31_a_second_copy_with_a_true_id_is_taken_away_or_a_move(world: World, place: str) -> None:
    """Whoever can read a copy can append it again: at most that is the gesture which a COPY would be."""
    ticket = world.open_ticket(mails=2)
    world.watch()
    world.put("m1", place)
    world.settle()
    assert len(world.sights("m1")) == 1
    assert world.places("m2") == world.places("m1") == [world.place(ticket)]
    world.assert_right()


def test_a31_a_copy_of_a_mail_that_does_not_exist_is_of_no_ticket(world: World) -> None:
    """A true id of a mail that is in no database, as from a restored backup."""
    ticket = world.open_ticket()
    world.watch()
    ghost = Sight(NEW, 99)
    world.mails["support"][ghost] = "m4711"
    assert world.tx.folders.family_of("support", "m4711") is None
    world.settle()
    assert world.ticket(ticket).state is State.NEW
    assert ghost in world.mails["support"]  # left for the watcher to expose; nothing was done to a ticket


def test_a31_the_number_in_a_copy_says_nothing(world: World) -> None:
    """X-Mailproc-Ticket is for people and their clients' rules: only the id decides which mail it is."""
    first, second = world.open_ticket(), world.open_ticket()
    world.watch()
    header = (
        f"X-Mailproc-Id: {KEYRING.folder_id('m1')}\r\nX-Mailproc-Ticket: {second.number}\r\n"
        f"X-Mailproc-Id: {KEYRING.folder_id('m2')}\r\n\r\n"
    )
    sightings = Sightings(KEYRING)
    sightings.update(NEW, {5: header_fields(header.encode())["x-mailproc-id"]})
    assert set(sightings.seen) == {"m1"}
    assert world.tx.folders.family_of("support", "m1") == first.id


async def test_a31_a_changed_reply_to_leads_no_answer_astray(office: Office) -> None:
    """Bob changes the copy that Alice answers: her client writes to Eve, and nothing leaves."""
    await carlas_ticket(office)
    refusal = await office.submissions.check_recipient("alice", Address.parse(EVE))
    assert refusal is not None
    assert (await hand_in(office, "alice", answer(to=EVE))).code == 550
    assert await answers(office) == []


async def test_a31_a_changed_copy_changes_no_answer(office: Office) -> None:
    """What is stored counts: customer, subject's tag and References come from there."""
    ticket = await answered_ticket(office)
    raw = answer(to=reply_address(office, ticket), message_id="<a2@laptop.example>", text="And sand.")
    raw = replace_field(raw, "Subject", "Re: [T#4711-aaaaaa] Somebody else's")
    assert (await hand_in(office, "alice", raw)).code == 250
    sent = (await answers(office))[-1]
    assert [str(box.address) for box in sent.to] == [ticket.customer]
    assert office.site.keyring.tag(ticket.number) in sent.subject
    assert "aaaaaa" not in sent.subject
