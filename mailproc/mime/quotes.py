"""first"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Division:
    reply: str
    quoted: str
    signature: str


def divide(text: str) -> Division:
    return Division(text, "", "")
