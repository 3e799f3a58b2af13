"""Who may connect, and how many large mails are read at once."""

from __future__ import annotations

import pytest

from mailproc.listen.limits import Gate, ListenLimits

LIMITS = ListenLimits(connections=4, connections_per_address=2, large_at_once=1, large_wait=0.001)


def test_one_address_may_not_take_all_connections() -> None:
    gate = Gate(LIMITS)
    assert gate.admit(("192.0.2.1", 1)) and gate.admit(("192.0.2.1", 2))

    assert gate.admit(("192.0.2.1", 3)) is None
    assert gate.admit(("192.0.2.2", 3))


def test_place_is_free_again_when_a_client_leaves() -> None:
    gate = Gate(LIMITS)
    leave = gate.admit(("192.0.2.1", 1))
    assert leave and gate.admit(("192.0.2.1", 2))
    leave()

    assert gate.admit(("192.0.2.1", 3))
    assert gate.admit(("192.0.2.1", 4)) is None


def test_total_holds_for_everybody() -> None:
    gate = Gate(LIMITS)
    leaves = [gate.admit(peer) for peer in ("", ("127.0.0.1", 1), ("192.0.2.1", 1), ("192.0.2.2", 1))]
    assert all(leaves)

    assert gate.admit("") is None
    assert gate.admit(("127.0.0.1", 2)) is None


@pytest.mark.parametrize("peer", ["", None, ("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1, 0, 0)])
def test_loopback_and_unix_sockets_are_not_counted_by_address(peer: object) -> None:
    gate = Gate(LIMITS)

    assert all(gate.admit(peer) for _ in range(LIMITS.connections))


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::2")],
)
def test_addresses_of_one_site_are_counted_together(one: str, other: str) -> None:
    gate = Gate(LIMITS)
    assert gate.admit((one, 1, 0, 0)) and gate.admit((one, 2, 0, 0))

    assert gate.admit((other, 1, 0, 0)) is None


def test_networks_of_two_sites_are_counted_apart() -> None:
    gate = Gate(LIMITS)
    assert gate.admit(("2001:db8::1", 1, 0, 0)) and gate.admit(("2001:db8::1", 2, 0, 0))

    assert gate.admit(("2001:db8:0:1::1", 1, 0, 0))


async def test_large_mail_waits_its_turn_in_vain_while_another_is_read() -> None:
    gate = Gate(LIMITS)
    first, second = gate.turn(), gate.turn()
    assert await first.take()
    assert await first.take()  # its own turn is no obstacle

    assert not await second.take()
    first.release()
    first.release()
    assert await second.take()


async def test_turn_that_was_not_taken_frees_no_place() -> None:
    gate = Gate(LIMITS)
    gate.turn().release()
    assert await gate.turn().take()

    assert not await gate.turn().take()
