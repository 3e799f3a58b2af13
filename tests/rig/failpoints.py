"""The fail points that the code passes, found by reading it."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "mailproc"


def in_code() -> frozenset[str]:
    """Every name given to ``FailPoints.reach``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="reach"), args=[ast.Constant(value=str(name))]):
                    found.add(name)
    return frozenset(found)
