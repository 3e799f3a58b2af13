"""Find where a template would repeat a stranger's words, before the first mail needs it.

What a stranger chose (the subject, a display name) may stand in an automatic answer only where the sender
was authenticated; otherwise forged senders turn the answer into a carrier of their text.  The lint follows
``{% if vouched %}`` through the template and reports each such name outside of it.  Nothing is rendered here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jinja2 import StrictUndefined, nodes

from mailproc.pipeline.sandbox import Sandbox


def unguarded(source: str, names: Collection[str], guard: str) -> list[str]:
    """Each use of one of ``names`` that no ``{% if guard %}`` encloses, with its line.

    ValueError when the template is none.
    """
    tree, _ = Sandbox(StrictUndefined).template(source)
    return [
        f"line {node.lineno}: {node.name!r} is the customer's text, use it inside {{% if {guard} %}} only"
        for node in _unguarded(tree, names, guard, inside=False)
    ]


def _unguarded(node: nodes.Node, names: Collection[str], guard: str, *, inside: bool) -> Iterator[nodes.Name]:
    if isinstance(node, nodes.Name):
        if node.name in names and not inside:
            yield node
        return
    for child, child_inside in _children(node, guard, inside):
        yield from _unguarded(child, names, guard, inside=child_inside)


def _children(node: nodes.Node, guard: str, inside: bool) -> Iterator[tuple[nodes.Node, bool]]:
    """The node's children, and whether the guard holds for each."""
    if isinstance(node, nodes.If):
        yield node.test, inside
        holds = inside or _implies(node.test, guard)
        yield from ((child, holds) for child in node.body)
        yield from ((child, inside) for child in (*node.elif_, *node.else_))
    elif isinstance(node, nodes.CondExpr):
        yield node.test, inside
        yield node.expr1, inside or _implies(node.test, guard)
        if node.expr2 is not None:
            yield node.expr2, inside
    elif isinstance(node, nodes.And):
        yield node.left, inside
        yield node.right, inside or _implies(node.left, guard)
    else:
        yield from ((child, inside) for child in node.iter_child_nodes())


def _implies(test: nodes.Node, guard: str) -> bool:
    if isinstance(test, nodes.And):
        return _implies(test.left, guard) or _implies(test.right, guard)
    return isinstance(test, nodes.Name) and test.name == guard
