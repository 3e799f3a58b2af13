"""Passwords of the configuration, as Argon2 hashes (RFC 9106).

Checking one takes tens of milliseconds and tens of MiB, on purpose.  So it is done in threads of its own,
a few at a time; and a password that was right a moment ago is known by a keyed digest, because clients log in
anew for each mail.  A user who does not exist costs as much time as one who does.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from mailproc.model.login import Login, is_password_hash
from mailproc.model.reply import LOGIN_UNAVAILABLE, MailError

_AT_ONCE = 2  # each takes the memory that its hash names, 64 MiB by default
_GOOD_FOR = 60.0  # seconds
_GOOD_LIMIT = 1000


class Passwords:
    """Hashes by user, in lower case; what is no hash fits no password."""

    def __init__(self, hashes: Mapping[str, str], *, clock: Callable[[], float], timeout: float) -> None:
        """``clock`` is in seconds and never goes back; ``timeout`` is for waiting and checking together."""
        self._hashes = {user: text for user, text in hashes.items() if is_password_hash(text)}
        self._decoy = next(iter(self._hashes.values()), "") or argon2.PasswordHasher().hash(
            secrets.token_bytes(16)
        )
        self._timeout = timeout
        self._good = _Good(clock)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")

    async def prove(self, login: Login) -> str | None:
        """The user if the password is right; MailError where there is too much to do."""
        stored = self._hashes.get(login.user.lower())
        if stored and self._good.holds(stored, login.password):
            return login.user
        try:
            async with asyncio.timeout(self._timeout):
                fits = await asyncio.get_running_loop().run_in_executor(
                    self._threads, _fits, stored or self._decoy, login.password
                )
        except TimeoutError:
            raise MailError(LOGIN_UNAVAILABLE) from None
        if not stored or not fits:
            return None
        self._good.keep(stored, login.password)
        return login.user

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _fits(stored: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class _Good:
    """Pairs of hash and password that fitted lately, as digests with a key that never leaves the process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def holds(self, stored: str, password: bytes) -> bool:
        return self._until.get(self._digest(stored, password), 0.0) > self._clock()

    def keep(self, stored: str, password: bytes) -> None:
        digest = self._digest(stored, password)
        self._until[digest] = self._clock() + _GOOD_FOR
        self._until.move_to_end(digest)
        if len(self._until) > _GOOD_LIMIT:
            self._until.popitem(last=False)

    def _digest(self, stored: str, password: bytes) -> bytes:
        return hashlib.blake2b(stored.encode() + b"\0" + password, key=self._key, digest_size=32).digest()
