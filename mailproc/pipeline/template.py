"""Templates for mail: Jinja2 source in, text out, nothing else.

Values are plain: text, numbers, lists of them and tables of them.  A name that has no value is an error,
not an empty place in a customer's mail.  Nothing is escaped, because mail text is no HTML; what becomes a
header is checked where headers are written.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import StrictUndefined
from jinja2.environment import Template
from jinja2.meta import find_undeclared_variables

from mailproc.model.mistake import did_you_mean
from mailproc.pipeline.sandbox import BUDGET, Budget, Record, Sandbox

MAX_OUTPUT = 262_144  # octets of UTF-8

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A compiled template; ``names`` are the values that it asks for."""

    names: frozenset[str]
    _compiled: Template = field(repr=False, compare=False)

    def render(self, values: Mapping[str, Value]) -> str:
        """The text; ValueError where a value is missing, is no plain one, or the text grows too long."""
        variables = {name: _plain(value) for name, value in values.items() if name in self.names}
        try:
            return self._render({**variables, BUDGET: Budget()})
        except Exception as error:  # whatever a template can be made to raise is the template's mistake
            raise ValueError(f"template fails: {error}") from None

    def _render(self, variables: dict[str, object]) -> str:
        context = self._compiled.new_context(variables)
        pieces: list[str] = []
        size = 0
        for piece in self._compiled.root_render_func(context):
            size += len(piece.encode("utf-8", "surrogatepass"))
            if size > MAX_OUTPUT:
                raise ValueError(f"text is longer than {MAX_OUTPUT} octets")
            pieces.append(piece)
        return "".join(pieces)


def compile_template(source: str, known: Collection[str] | None = None) -> MailTemplate:
    """Compile; ValueError says what is wrong and where, an unknown name too where ``known`` is given."""
    template = _compiled(source)
    for name in sorted(template.names.difference(known)) if known is not None else ():
        raise ValueError(f'unknown name "{name}"{did_you_mean(name, known or ())}')
    return template


@functools.lru_cache(maxsize=128)  # each desk's chain, and each check before it, asks for the same few
def _compiled(source: str) -> MailTemplate:
    tree, compiled = Sandbox(StrictUndefined).template(source)
    return MailTemplate(frozenset(find_undeclared_variables(tree)), compiled)


def _plain(value: object) -> object:
    """Only text, numbers, lists and tables of them may enter a template."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, str):
        return str(value)  # a StrEnum, or text of another kind
    if isinstance(value, Mapping):
        return Record({str(name): _plain(item) for name, item in value.items()})
    if isinstance(value, Sequence | frozenset) and not isinstance(value, bytes):
        return tuple(_plain(item) for item in value)
    raise TypeError(f"a template takes no {type(value).__name__}")
