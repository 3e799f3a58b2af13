"""A brake on guessing passwords: the next wrong one is answered later, and after some nobody looks any more.

Failures are counted for a user, for an address (loopback too), and for a user at an address.  Who logged in
from an address before is let in there whatever others try: only that pair's own failures lock it.  An attempt
counts as a failure from its beginning, so many at once gain nothing, and neither does leaving early.

Memory is bounded: the longest unused entries are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

# Seconds before the answer to a wrong password; each doubles the last.
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 4.0
_USERS_OF_AN_ADDRESS = 3  # an office is one address: it has so many times the failures of a user


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """When to lock, and for how long."""

    failures: int = 10  # in a row, for a user
    lock: float = 600.0  # seconds since the last failure
    remembered: int = 10_000  # entries of each kind


@dataclass(slots=True)
class _Tally:
    count: int
    last: float


class _Tallies:
    """Counts by key; an entry is forgotten ``lock`` seconds after its last failure."""

    def __init__(self, limit: int, rules: ThrottleRules, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._rules = rules
        self._clock = clock
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def count(self, key: str) -> int:
        tally = self._tallies.get(key)
        if tally is None:
            return 0
        if self._clock() - tally.last >= self._rules.lock:
            del self._tallies[key]
            return 0
        return tally.count

    def is_locked(self, key: str) -> bool:
        return self.count(key) >= self._limit

    def add(self, key: str) -> int:
        """One more, and how many that makes."""
        count = self.count(key) + 1
        self._tallies[key] = _Tally(count, self._clock())
        self._tallies.move_to_end(key)
        if len(self._tallies) > self._rules.remembered:
            self._tallies.popitem(last=False)
        return count

    def take_back(self, key: str) -> None:
        """One less: it was no failure."""
        if self.count(key) > 1:
            self._tallies[key].count -= 1
        else:
            self._tallies.pop(key, None)

    def forget(self, key: str) -> None:
        self._tallies.pop(key, None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that may be made; it has failed unless told otherwise.  ``delay`` is in seconds."""

    delay: float
    _throttle: Throttle = field(repr=False)
    _user: str
    _address: str

    def succeeded(self) -> None:
        self._throttle.welcome(self._user, self._address)

    def undecided(self) -> None:
        """Nobody could say whether the password was right."""
        self._throttle.take_back(self._user, self._address)


class Throttle:
    """Counts failures in this process; several workers count each for itself."""

    def __init__(self, rules: ThrottleRules, clock: Callable[[], float]) -> None:
        """``clock`` is in seconds and never goes back."""
        self._users = _Tallies(rules.failures, rules, clock)
        self._addresses = _Tallies(rules.failures * _USERS_OF_AN_ADDRESS, rules, clock)
        self._pairs = _Tallies(rules.failures, rules, clock)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._remembered = rules.remembered

    def __len__(self) -> int:
        """Entries held in memory."""
        return len(self._users) + len(self._addresses) + len(self._pairs) + len(self._known)

    def begin(self, user: str, address: str) -> Attempt | None:
        """An attempt of ``user`` (in lower case) from ``address``; None where it is locked out."""
        pair = _pair(user, address)
        if self._pairs.is_locked(pair):
            return None
        if pair not in self._known and (self._users.is_locked(user) or self._addresses.is_locked(address)):
            return None
        failures = max(self._pairs.add(pair), self._users.add(user))
        failures = max(failures, self._addresses.add(address) // _USERS_OF_AN_ADDRESS)
        return Attempt(_delay(failures), self, user, address)

    def welcome(self, user: str, address: str) -> None:
        """The attempt succeeded: the pair is known from now on, and its failures are forgiven."""
        pair = _pair(user, address)
        self.take_back(user, address)
        self._pairs.forget(pair)
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)

    def take_back(self, user: str, address: str) -> None:
        self._users.take_back(user)
        self._addresses.take_back(address)
        self._pairs.take_back(_pair(user, address))


def _pair(user: str, address: str) -> str:
    return f"{address} {user}"


def _delay(failures: int) -> float:
    return min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(failures - 1, 10))
