"""A23: somebody who has one password guesses another one no faster for it."""

from __future__ import annotations

from base64 import b64encode

from tests.rig.office import ServedOffice

REFUSED = "535 5.7.8 Authentication credentials invalid"
WELCOME = "235 2.7.0 Authentication successful"


def login(user: str, password: str) -> str:
    return "AUTH PLAIN " + b64encode(f"\0{user}\0{password}".encode()).decode()


async def say(served: ServedOffice, line: str) -> str:
    """One login in a session of its own."""
    async with served.connect() as client:
        await client.greet("EHLO")
        return (await client.say(line))[0]


def asked_for(served: ServedOffice, user: str) -> int:
    """How often somebody looked at a password."""
    return len([asked for asked in served.prover.asked if asked.user.lower() == user])


async def test_a23_logins_of_ones_own_between_the_guesses_gain_nothing() -> None:
    served = await ServedOffice.start()
    try:
        for number in range(15):
            assert await say(served, login("bob", "secret of bob")) == WELCOME
            assert await say(served, login("alice", f"guess {number}")) == REFUSED
        assert asked_for(served, "alice") == 10
        assert sum(served.pauses.made) >= 30.0
        assert await say(served, login("ALICE", "secret of alice")) == REFUSED
        assert await say(served, login("bob", "secret of bob")) == WELCOME
    finally:
        await served.listener.stop(0.0)


async def test_a23_another_name_of_the_same_agent_is_one_login_more_and_no_way_around() -> None:
    served = await ServedOffice.start()
    try:
        for number in range(15):
            for name in ("alice", "alice@example.org", "Alice", "ALICE@EXAMPLE.ORG"):
                assert await say(served, login(name, f"guess {number}")) == REFUSED
        assert asked_for(served, "alice") == 10
        assert asked_for(served, "alice@example.org") == 10
    finally:
        await served.listener.stop(0.0)
