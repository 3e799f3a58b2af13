"""Passwords as Argon2 hashes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import argon2
import pytest
from argon2.exceptions import VerifyMismatchError

from mailproc.listen.credentials.passwords import Passwords
from mailproc.model.login import Login
from mailproc.model.reply import MailError
from tests.rig.office import TickingClock

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ALICE = CHEAP.hash("secret")
NO_HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$replace-me"


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Passwords]]:
    made: list[Passwords] = []

    def make(hashes: dict[str, str], clock: TickingClock | None = None, timeout: float = 20.0) -> Passwords:
        made.append(Passwords(hashes, clock=clock or TickingClock(), timeout=timeout))
        return made[-1]

    yield make
    for passwords in made:
        await passwords.close()


@pytest.mark.parametrize(
    ("user", "password", "proven"),
    [
        ("alice", b"secret", "alice"),
        ("ALICE", b"secret", "ALICE"),
        ("alice", b"Secret", None),
        ("alice", b"", None),
        ("bob", b"secret", None),
        ("carol", b"replace-me", None),
        ("carol", b"secret", None),
    ],
)
async def test_the_right_password_and_no_other(
    make: Callable[..., Passwords], user: str, password: bytes, proven: str | None
) -> None:
    passwords = make({"alice": ALICE, "carol": NO_HASH})
    for _ in range(2):  # the second time from memory
        assert await passwords.prove(Login(user, password)) == proven


@pytest.mark.parametrize("hashes", [{"alice": ALICE}, {}])
async def test_a_user_who_does_not_exist_costs_a_hash_as_well(
    make: Callable[..., Passwords], hashes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def note(self: argon2.PasswordHasher, stored: str, password: bytes) -> object:
        checked.append(stored)
        return verify(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", note)
    assert await make(hashes).prove(Login("nobody", b"secret")) is None
    assert len(checked) == 1


def nothing_fits(self: argon2.PasswordHasher, stored: str, password: bytes) -> object:
    raise VerifyMismatchError


async def test_a_good_password_is_remembered_for_a_minute_and_a_wrong_one_never(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TickingClock()
    passwords = make({"alice": ALICE}, clock)
    assert await passwords.prove(Login("alice", b"secret"))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", nothing_fits)
    clock.now += 59.0
    assert await passwords.prove(Login("alice", b"secret"))
    assert await passwords.prove(Login("alice", b"wrong")) is None
    clock.now += 1.0
    assert await passwords.prove(Login("alice", b"secret")) is None


async def test_the_loop_goes_on_and_waiting_has_an_end(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = make({"alice": ALICE}, timeout=0.01)
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def verify(self: argon2.PasswordHasher, stored: str, password: bytes) -> object:
        return asyncio.run_coroutine_threadsafe(done.wait(), loop).result(20)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    with pytest.raises(MailError) as caught:
        await passwords.prove(Login("alice", b"secret"))
    assert caught.value.reply.code == 454
    done.set()
