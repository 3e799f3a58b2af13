"""Which copy is where: only names with a MAC of ours count, and what changes is found piece by piece."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailproc.imap.reconcile import Sight
from mailproc.imap.sightings import Sightings
from mailproc.model.folder import CLOSED, NEW, Place
from mailproc.model.mac import Keyring

KEYRING = Keyring.generate(bytes(range(32)))
OTHERS = Keyring.generate(bytes(range(1, 33)))

headers = st.one_of(
    st.integers(1, 4).map(lambda number: KEYRING.folder_id(f"m{number}")),
    st.sampled_from(["", "m1", "m1.aaaaaaaaaa", OTHERS.folder_id("m1"), KEYRING.folder_id("m1") + "x"]),
)
folders = st.lists(
    st.tuples(st.sampled_from([NEW, CLOSED]), st.dictionaries(st.integers(1, 5), headers)), max_size=6
)


def test_a_name_without_our_mac_is_a_stranger() -> None:
    sightings = Sightings(KEYRING)
    forged = OTHERS.folder_id("m1")
    touched = sightings.update(NEW, {1: KEYRING.folder_id("m1"), 2: forged, 3: ""})
    assert touched == {"m1"}
    assert dict(sightings.seen) == {"m1": (Sight(NEW, 1),)}
    assert dict(sightings.strangers) == {Sight(NEW, 2): forged, Sight(NEW, 3): ""}


def test_only_what_came_or_went_is_told() -> None:
    sightings = Sightings(KEYRING)
    ids = {number: KEYRING.folder_id(f"m{number}") for number in range(1, 4)}
    sightings.update(NEW, ids)
    assert sightings.update(NEW, {2: ids[2], 3: ids[3], 4: KEYRING.folder_id("m4")}) == {"m1", "m4"}
    assert sightings.update(CLOSED, {9: ids[2]}) == {"m2"}
    assert set(sightings.seen["m2"]) == {Sight(NEW, 2), Sight(CLOSED, 9)}


def test_in_a_place_that_cannot_be_read_nothing_lies_that_is_seen_elsewhere() -> None:
    sightings = Sightings(KEYRING)
    sightings.update(NEW, {number: KEYRING.folder_id(f"m{number}") for number in (1, 2)})
    sightings.update(CLOSED, {7: KEYRING.folder_id("m1")})
    assert set(sightings.certain(())["m1"]) == {Sight(NEW, 1), Sight(CLOSED, 7)}
    assert sightings.certain({NEW}) == {"m1": (Sight(CLOSED, 7),), "m2": (Sight(NEW, 2),)}
    assert sightings.certain({NEW, CLOSED}) == sightings.seen


@given(folders)
def test_piece_by_piece_is_the_same_as_all_at_once(updates: list[tuple[Place, dict[int, str]]]) -> None:
    slowly, last = Sightings(KEYRING), {}
    for place, mails in updates:
        before = {name: set(sights) for name, sights in slowly.seen.items()}
        touched = slowly.update(place, mails)
        last[place] = mails
        after = {name: set(sights) for name, sights in slowly.seen.items()}
        assert {n for n in before | after if before.get(n) != after.get(n)} <= touched
    at_once = Sightings(KEYRING)
    for place, mails in last.items():
        at_once.update(place, mails)
    assert {n: set(s) for n, s in slowly.seen.items()} == {n: set(s) for n, s in at_once.seen.items()}
    assert slowly.strangers == at_once.strangers


def test_what_is_forgotten_is_gone_for_those_too_who_hold_the_view() -> None:
    sightings = Sightings(KEYRING)
    sightings.update(NEW, {1: KEYRING.folder_id("m1"), 2: ""})
    seen, strangers = sightings.seen, sightings.strangers
    sightings.forget()
    assert (dict(seen), dict(strangers)) == ({}, {})
    assert sightings.update(NEW, {1: KEYRING.folder_id("m1")}) == {"m1"}
