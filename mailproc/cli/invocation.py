"""How mailproc was called; kept apart, so that ``--help`` imports nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Invocation:
    config: Path | None
    environment: Mapping[str, str]
