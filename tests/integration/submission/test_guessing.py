"""Guessing passwords (A23): all answers are alike, come later each time, and in the end nobody looks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable

from mailproc.listen.credentials.throttle import ThrottleRules
from mailproc.listen.limits import ListenLimits
from tests.rig.office import ServedOffice

Serve = Callable[..., Awaitable[ServedOffice]]

REFUSED = "535 5.7.8 Authentication credentials invalid"
WELCOME = "235 2.7.0 Authentication successful"


def login(user: str, password: str) -> str:
    return "AUTH PLAIN " + b64encode(f"\0{user}\0{password}".encode()).decode()


async def attempts(served: ServedOffice, logins: list[str]) -> list[str]:
    """The answers, over as many connections as it takes."""
    answers: list[str] = []
    while len(answers) < len(logins):
        async with served.connect() as client:
            await client.greet("EHLO")
            answers += await client.say(*logins[len(answers) : len(answers) + 5])
            assert await client.rest() in (b"", b"421 4.7.0 Too many failed logins\r\n")
    return answers


async def test_a_thousand_tries_are_slow_and_lock_the_login(serve: Serve) -> None:
    served = await serve()
    tries = [login("alice", f"guess {number}") for number in range(1000)]

    assert set(await attempts(served, tries)) == {REFUSED}

    assert len(served.prover.asked) == 10  # nobody looked at the others
    assert served.pauses.made == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(login("alice", "secret of alice")) == [REFUSED]


async def test_the_lock_ends(serve: Serve) -> None:
    served = await serve(rules=ThrottleRules(failures=5, lock=600.0))
    await attempts(served, [login("alice", "wrong")] * 5)
    served.clock.now += 599.0
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(login("alice", "secret of alice")) == [REFUSED]
        served.clock.now += 1.0
        assert await client.say(login("alice", "secret of alice")) == [WELCOME]


async def test_users_who_do_not_exist_are_refused_alike(serve: Serve) -> None:
    """The tenth try is slow, and the eleventh not looked at, for both."""
    known, unknown = await serve(), await serve()
    tries = [f"guess {number}" for number in range(20)]

    assert await attempts(known, [login("alice", guess) for guess in tries]) == await attempts(
        unknown, [login("nobody", guess) for guess in tries]
    )
    assert known.pauses.made == unknown.pauses.made
    assert len(known.prover.asked) == len(unknown.prover.asked) == 10


async def test_many_users_from_one_address_lock_the_address(serve: Serve) -> None:
    served = await serve()
    await attempts(served, [login(f"user{number}", "secret") for number in range(40)])

    assert len(served.prover.asked) == 30
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(login("bob", "secret of bob")) == [REFUSED]


async def test_who_was_let_in_from_there_before_is_let_in_again(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(login("bob", "secret of bob")) == [WELCOME]
    await attempts(served, [login(f"user{number}", "secret") for number in range(40)])
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(login("bob", "secret of bob")) == [WELCOME]


async def test_a_session_ends_after_five_wrong_passwords(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.send(f"{login('alice', 'wrong')}\r\n".encode() * 8)
        assert await client.replies(6) == [REFUSED] * 5 + ["421 4.7.0 Too many failed logins"]
        assert await client.rest() == b""


async def test_before_the_login_little_is_listened_to(serve: Serve) -> None:
    served = await serve(limits=ListenLimits(useless_commands=100))
    for command in ("NOOP", "MAIL FROM:<alice@example.org>"):
        async with served.connect() as client:
            await client.greet("EHLO")
            await client.send(f"{command}\r\n".encode() * 40)
            answers = (await client.rest()).decode().splitlines()
            assert answers[-1] == "421 4.7.0 Too many commands without mail"
            assert len(answers) == 20
