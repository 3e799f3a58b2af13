"""Mistakes in a configuration: collected, never thrown, so that one look shows them all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

Given = TypeVar("Given")
Read = TypeVar("Read")
Key = tuple[str | int, ...]  # the path of a TOML key; numbers count in arrays, from 0


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and at which key; ``file`` and ``line`` only where it is not the key's own place."""

    key: Key
    text: str
    file: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """The key as TOML writes it: ``desk.support.addresses[1]``."""
        name = ""
        for part in self.key:
            name += f"[{part}]" if isinstance(part, int) else f".{_as_toml(part)}"
        return name.removeprefix(".")


def _as_toml(part: str) -> str:
    bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
    return part if bare else f'"{part}"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "addresses"?)`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found: mistakes, which refuse the configuration, and warnings, which do not."""

    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)

    def refuse(self, text: str, *key: str | int) -> None:
        self.mistakes.append(Mistake(key, text))

    def attempt(self, read: Callable[[Given], Read], given: Given, *key: str | int) -> Read | None:
        """What ``read`` makes of what stands at this key; where it raises ValueError None, and a mistake."""
        try:
            return read(given)
        except ValueError as error:
            self.refuse(str(error), *key)
            return None

    def warn(self, text: str, *key: str | int) -> None:
        self.warnings.append(Mistake(key, text))
