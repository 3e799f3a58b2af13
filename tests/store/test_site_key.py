"""Machines that share a store share the key, also while it is rotated."""

from __future__ import annotations

import pytest

from mailproc.model.mac import Keyring
from mailproc.store.protocol import Store
from mailproc.store.site_key import OtherKey

OLD = Keyring.generate(b"o" * 32)
ROTATED = OLD.rotated(b"n" * 32)
FOREIGN = Keyring.generate(b"f" * 32)


async def agree(store: Store, keyring: Keyring) -> None:
    await store.write(lambda tx: tx.site_key.agree(keyring.fingerprints))


async def test_who_comes_first_says_which_key_it_is(store: Store) -> None:
    await agree(store, OLD)
    await agree(store, OLD)
    with pytest.raises(OtherKey):
        await agree(store, FOREIGN)


async def test_a_new_key_is_taken_of_one_who_still_has_the_old_one(store: Store) -> None:
    await agree(store, OLD)
    await agree(store, ROTATED)
    with pytest.raises(OtherKey):
        await agree(store, OLD)  # it would refuse what the others sign
    await agree(store, Keyring(ROTATED.keys[1:]))


async def test_a_key_that_is_lost_is_forgotten_when_somebody_says_so(store: Store) -> None:
    assert not await store.write(lambda tx: tx.site_key.forget())
    await agree(store, OLD)
    assert await store.write(lambda tx: tx.site_key.forget())
    await agree(store, FOREIGN)


def test_a_fingerprint_tells_keys_apart_and_no_secret() -> None:
    (old, new), (foreign,) = ROTATED.fingerprints, FOREIGN.fingerprints
    assert len({old, new, foreign}) == 3
    assert {len(each) for each in (old, new, foreign)} == {16}
    assert OLD.keys[0].secret not in old
