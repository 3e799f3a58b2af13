"""Jinja2 with the dangerous half taken away: for ``when`` conditions and for mail templates.

Sites and agents write the templates, and customers' words are their values.  So there are no globals, no
macros and no other files; filters and methods are on a list; and every step spends from a budget, so that
each use ends soon, with its result or with an error.  The stock sandbox guards none of that: ``'a' * 10**9``,
``'{:>999999999}'.format(1)`` and ``lipsum(n=1000000)`` pass it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import BuiltinMethodType
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.environment import Template, TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.filters import do_default
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailproc.model.mistake import did_you_mean

MAX_SOURCE = 32_768  # characters of a template
MAX_CONDITION = 4096  # characters of a condition
MAX_WORK = 2_000_000  # characters and items touched in one rendering
BUDGET = "_budget"  # the variable that holds it; no template can name it

STRING_METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isascii", "isdigit"),
        *("islower", "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind"),
        *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
    }
)
_LOOP_ATTRIBUTES = frozenset({"first", "last", "index", "index0", "revindex", "revindex0", "length"})
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.CondExpr, nodes.Name),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword),
    *(
        nodes.Add,
        nodes.Sub,
        nodes.Mul,
        nodes.Div,
        nodes.FloorDiv,
        nodes.Mod,
        nodes.Neg,
        nodes.Pos,
        nodes.Concat,
    ),
)
_COMPILE_FAILURES = (TemplateError, SyntaxError, RecursionError, MemoryError, ValueError, OverflowError)


class Budget:
    """What one rendering may still spend, in characters and items touched."""

    def __init__(self, amount: int = MAX_WORK) -> None:
        self._left = amount

    def spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise SecurityError("too much work for a template")


class Record:
    """Named values for a template, reached as ``record.name`` or ``record['name']``."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self._values.items())


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment behind conditions and templates; ``undefined`` says what a missing value does."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self, undefined: type[Undefined]) -> None:
        super().__init__(
            undefined=undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            cache_size=0,
            finalize=_nothing_for_none,
        )
        self.globals.clear()
        self.filters = {name: _charged(function) for name, function in ALLOWED_FILTERS.items()}
        self.filters.update({_BOUNDED: _bounded, _CONCATENATED: _concatenated})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in STRING_METHODS
        if isinstance(obj, LoopContext):
            return attr in _LOOP_ATTRIBUTES
        return isinstance(obj, Undefined) and not attr.startswith("_")

    def is_safe_callable(self, obj: Any) -> bool:
        """Methods of strings, which is_safe_attribute has let pass; and what is absent."""
        is_method = isinstance(obj, BuiltinMethodType) and isinstance(obj.__self__, str)
        return is_method or isinstance(obj, Undefined)

    def wrap_str_format(self, value: Any) -> None:
        """Refuse str.format here: the stock sandbox wraps it before it asks is_safe_attribute."""
        if super().wrap_str_format(value) is not None:
            raise SecurityError("str.format is not available")

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        _budget_of(__context).spend(sum(map(_weight, (getattr(__obj, "__self__", ""), *args))))
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _budget_of(context).spend(_weight(left) + _weight(right))
        both_text = isinstance(left, str) and isinstance(right, str)
        if not (operator == "+" and both_text) and not all(map(_is_operand, (left, right))):
            raise SecurityError(f"{operator} is for numbers only")
        return super().call_binop(context, operator, left, right)

    def condition(self, source: str) -> tuple[nodes.Template, TemplateExpression]:
        """Compile one expression; raise ValueError."""
        _check_length(source, MAX_CONDITION)
        try:
            parser = Parser(self, source, state="variable")
            expression = parser.parse_expression()
            if not parser.stream.eos:
                raise TemplateSyntaxError("something stands after the expression", 1)
            tree = nodes.Template(
                [nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)], lineno=1
            )
            return tree, TemplateExpression(self._compiled(expression, tree), undefined_to_none=False)
        except _COMPILE_FAILURES as error:
            raise ValueError(_reason(error)) from None

    def template(self, source: str) -> tuple[nodes.Template, Template]:
        """Compile a whole template; raise ValueError with the line."""
        _check_length(source, MAX_SOURCE)
        try:
            tree = self.parse(source)
            return tree, self._compiled(tree, tree)
        except _COMPILE_FAILURES as error:
            line = getattr(error, "lineno", None)
            raise ValueError(f"line {line}: {_reason(error)}" if line else _reason(error)) from None

    def _compiled(self, checked: nodes.Node, tree: nodes.Template) -> Template:
        _check_nodes(checked, self)
        _rewrite(tree)
        tree.set_environment(self)
        return self.from_string(tree)


def _check_length(source: str, limit: int) -> None:
    if len(source) > limit:
        raise ValueError(f"longer than {limit} characters")


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "nested too deeply"
    return getattr(error, "message", None) or str(error)


def _check_nodes(node: nodes.Node, environment: Sandbox) -> None:
    """Refuse what the lists above do not name, with the line where it stands."""
    if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
        raise TemplateSyntaxError(f"{_name_of(node)} is not available here", node.lineno)
    if isinstance(node, nodes.Name | nodes.Getattr):
        name = node.name if isinstance(node, nodes.Name) else node.attr
        if name.startswith("_") or name == "self":
            raise TemplateSyntaxError(f'"{name}" is not available here', node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in ALLOWED_FILTERS:
        hint = did_you_mean(node.name, ALLOWED_FILTERS)
        raise TemplateSyntaxError(f'unknown filter "{node.name}"{hint}', node.lineno)
    for child in node.iter_child_nodes():
        _check_nodes(child, environment)


def _name_of(node: nodes.Node) -> str:
    return "**" if isinstance(node, nodes.Pow) else type(node).__name__.lower()


_BOUNDED = "bounded loop"  # with a space: no template can name them
_CONCATENATED = "counted concatenation"


def _rewrite(tree: nodes.Template) -> None:
    """Let loops and ``~`` spend from the budget; Jinja2 has no hook for either."""
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, _BOUNDED, [], [], None, None, lineno=loop.lineno)
    for parent in list(_with_children(tree)):
        for name, value in list(parent.iter_fields()):
            if isinstance(value, nodes.Concat):
                setattr(parent, name, _as_filter(value))
            elif isinstance(value, list):
                setattr(parent, name, [_as_filter(v) if isinstance(v, nodes.Concat) else v for v in value])


def _with_children(node: nodes.Node) -> list[nodes.Node]:
    """The node and all below it, the deepest first, so that nested ``~`` are all found."""
    below = [inner for child in node.iter_child_nodes() for inner in _with_children(child)]
    return [*below, node]


def _as_filter(concat: nodes.Concat) -> nodes.Filter:
    first, *rest = concat.nodes
    return nodes.Filter(first, _CONCATENATED, rest, [], None, None, lineno=concat.lineno)


def _budget_of(context: Context) -> Budget:
    budget: Budget = context.parent[BUDGET]
    return budget


def _weight(value: object) -> int:
    return len(value) + 1 if isinstance(value, str | tuple | list) else 1


def _is_operand(value: object) -> bool:
    return isinstance(value, int | float | Undefined)


def _charged(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    @functools.wraps(function)
    def charged(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        _budget_of(context).spend(_weight(value) + sum(map(_weight, args)))
        return function(value, *args, **kwargs)

    return charged


@pass_context
def _bounded(context: Context, items: Any) -> Any:
    if not isinstance(items, tuple | list | Undefined):
        raise SecurityError("a loop runs over a list only")
    _budget_of(context).spend(_weight(items))
    return items


@pass_context
def _concatenated(context: Context, *values: Any) -> str:
    texts = [str(value) for value in values]
    _budget_of(context).spend(sum(map(_weight, texts)))
    return "".join(texts)


def _nothing_for_none(value: Any) -> Any:
    return "" if value is None else value


def _first(value: Any) -> Any:
    return next(iter(value), "")


def _last(value: Any) -> Any:
    return value[-1] if value else ""


def _number(value: Any, default: float = 0.0) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _integer(value: Any, default: int = 0) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _rounded(value: Any, digits: int = 0) -> float:
    return round(float(value), max(-9, min(digits, 9)))


def _joined(value: Any, separator: str = "") -> str:
    if isinstance(value, str):
        raise SecurityError("join is for lists only")
    if len(separator) > 10:
        raise SecurityError("a separator has ten characters at most")
    return separator.join(str(item) for item in value)


def _truncated(value: Any, length: int = 255) -> str:
    text = str(value)
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


ALLOWED_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "capitalize": lambda value: str(value).capitalize(),
    "count": len,
    "d": do_default,
    "default": do_default,
    "first": _first,
    "float": _number,
    "int": _integer,
    "join": _joined,
    "last": _last,
    "length": len,
    "lower": lambda value: str(value).lower(),
    "max": lambda value: max(value, default=""),
    "min": lambda value: min(value, default=""),
    "round": _rounded,
    "sort": lambda value: tuple(sorted(value)),
    "string": str,
    "title": lambda value: str(value).title(),
    "trim": lambda value: str(value).strip(),
    "truncate": _truncated,
    "unique": lambda value: tuple(dict.fromkeys(value)),
    "upper": lambda value: str(value).upper(),
}
