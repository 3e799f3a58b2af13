"""Which scores does a filter publish?  Read from its source, so that ``when`` can know a misspelt one."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path


def published_scores(files: Iterable[Path]) -> frozenset[str] | None:
    """The names in all ``delivery.score("NAME", …)``; None where one of them is no literal."""
    names: set[str] = set()
    for file in files:
        found = _scores_in(ast.parse(file.read_bytes()))
        if found is None:
            return None
        names |= found
    return frozenset(names)


def _scores_in(tree: ast.Module) -> set[str] | None:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_score(node.func)]
    called = {id(call.func) for call in calls}
    names = [
        call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None for call in calls
    ]
    handed_on = any(_is_score(node) and id(node) not in called for node in ast.walk(tree))
    if handed_on or not all(isinstance(name, str) for name in names):
        return None
    return {str(name) for name in names}


def _is_score(node: ast.AST) -> bool:
    """``delivery.score``, whatever it is used for; ``found.score`` of something else is none."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "score"
        and isinstance(node.value, ast.Name)
        and node.value.id == "delivery"
    )
