"""``when`` conditions: may this stage see this mail?

A condition is one Jinja2 expression over what the mail is and what earlier stages found::

    when = "spam.score > 0.9 and 'vip' not in tags"

Each stage of the chain is a name, and its scores are attributes.  A stage that did not run is absent: it is
false, and so is each comparison with one of its scores.  All names are checked when the configuration is
loaded, and the expression is tried once on an empty mail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import Undefined, nodes
from jinja2.environment import TemplateExpression
from jinja2.meta import find_undeclared_variables

from mailproc.model.mistake import did_you_mean
from mailproc.pipeline.delivery import Delivery, StageResult
from mailproc.pipeline.sandbox import BUDGET, STRING_METHODS, Budget, Record, Sandbox

Scores = frozenset[str] | None  # the scores that a stage is known to publish; None where that is unknown


class Absent(Undefined):
    """What a stage that did not run left behind: every comparison with it, or with a part of it, is false."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def _itself(self, *_: Any, **__: Any) -> Any:
        return self

    def _false(self, *_: Any) -> Any:
        return False

    __getitem__ = __call__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _itself
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _itself
    __neg__ = __pos__ = _itself
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _false
    __hash__ = Undefined.__hash__


class Headers:
    """``headers['list-id']``: the first header of that name, decoded, "" where there is none."""

    __slots__ = ("_delivery",)

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def __getitem__(self, name: str) -> str:
        return self._delivery.mail.header(str(name))


def _envelope(delivery: Delivery) -> Record:
    sender = delivery.envelope.mail_from
    return Record({"mail_from": sender.key if sender else "", "rcpt_to": delivery.envelope.rcpt_to.key})


def _sender(delivery: Delivery) -> str:
    author = delivery.mail.author
    return author.address.key if author else ""


def _authentication(delivery: Delivery) -> Record:
    found = delivery.authentication
    return Record(
        {
            "spf": found.spf.value,
            "dkim": found.dkim.value,
            "dmarc": found.dmarc.value,
            "arc": found.arc.value,
            "policy": found.policy,
            "aligned": found.aligned,
            "failed": found.failed,
        }
    )


def _bounce(delivery: Delivery) -> object:
    """The first failed recipient; absent where the mail is no delivery report."""
    if delivery.bounce is None:
        return Absent(name="bounce")
    failed = delivery.bounce.recipients
    first = (
        {"recipient": failed[0].recipient, "status": failed[0].status, "hard": failed[0].hard}
        if failed
        else {}
    )
    return Record({"recipient": "", "status": "", "hard": False, **first})


def _now(delivery: Delivery) -> Record:
    """When the mail came, on the clock of the desk's calendar."""
    calendar = delivery.desk.calendar
    local = datetime.fromtimestamp(delivery.received, calendar.zone)
    return Record(
        {
            "weekday": local.isoweekday(),
            "hour": local.hour,
            "time": f"{local:%H:%M}",
            "date": f"{local:%Y-%m-%d}",
            "open": calendar.is_open(delivery.received),
        }
    )


_TEXTS: dict[str, Callable[[Delivery], str]] = {
    "desk": lambda delivery: delivery.desk.name,
    "language": lambda delivery: delivery.language,
    "sender": _sender,
    "subject": lambda delivery: delivery.mail.subject,
    "topic": lambda delivery: delivery.topic,
}
_OTHERS: dict[str, Callable[[Delivery], object]] = {
    "authentication": _authentication,
    "bounce": _bounce,
    "envelope": _envelope,
    "headers": Headers,
    "now": _now,
    "size": lambda delivery: len(delivery.raw),
    "tags": lambda delivery: delivery.tags,
}
VARIABLES: dict[str, Callable[[Delivery], object]] = {**_TEXTS, **_OTHERS}
_PARTS: dict[str, frozenset[str]] = {
    "authentication": frozenset({"spf", "dkim", "dmarc", "arc", "policy", "aligned", "failed"}),
    "bounce": frozenset({"recipient", "status", "hard"}),
    "envelope": frozenset({"mail_from", "rcpt_to"}),
    "now": frozenset({"weekday", "hour", "time", "date", "open"}),
    **dict.fromkeys(_TEXTS, STRING_METHODS),
}
_AUTOMATIC = "automatic"  # the stage of that name also shows the class that it gave
_AUTOMATIC_PARTS = frozenset({"kind", "class"})

RESERVED_NAMES = frozenset(VARIABLES) | {
    "loop",
    "self",
    "true",
    "false",
    "none",
    "not",
    "and",
    "or",
    "in",
    "is",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition."""

    source: str
    names: frozenset[str]
    _compiled: TemplateExpression = field(repr=False, compare=False)

    def holds(self, delivery: Delivery) -> bool:
        """Whether the stage is to run; raises whatever the expression makes of this mail."""
        return bool(self._compiled({**self._values(delivery), BUDGET: Budget()}))

    def _values(self, delivery: Delivery) -> dict[str, object]:
        return {name: _value_of(name, delivery) for name in self.names}


def compile_when(text: str, stages: Mapping[str, Scores]) -> Condition:
    """Compile a condition for a chain of these stages; ValueError names what is unknown in it."""
    tree, compiled = Sandbox(Absent).condition(text)
    names = frozenset(find_undeclared_variables(tree))
    known = {name_in_conditions(stage): scores for stage, scores in stages.items()}
    for name in sorted(names):
        if name not in known and name not in VARIABLES:
            raise ValueError(f'unknown name "{name}"{did_you_mean(name, {*known, *VARIABLES})}')
    _check_parts(tree, known)
    condition = Condition(text, names, compiled)
    _try_once(condition)
    return condition


def name_in_conditions(stage: str) -> str:
    """A stage's name as an expression can write it: ``vip-tag`` is ``vip_tag``."""
    return stage.replace("-", "_")


def _check_parts(tree: nodes.Template, known: Mapping[str, Scores]) -> None:
    for owner, part in _parts_in(tree):
        allowed = _parts_of(owner, known)
        if allowed is not None and part not in allowed:
            raise ValueError(f'unknown name "{owner}.{part}"{_hint(part, allowed)}')


def _hint(part: str, allowed: frozenset[str]) -> str:
    if len(allowed) > len(_PARTS["authentication"]):  # too many to list
        return did_you_mean(part, allowed)
    return did_you_mean(part, allowed) or f" (there is {', '.join(sorted(allowed)) or 'no score'})"


def _parts_in(tree: nodes.Template) -> list[tuple[str, str]]:
    """Each ``owner.part`` and ``owner['part']`` whose owner is a plain name."""
    attributes = [(node.node, node.attr) for node in tree.find_all(nodes.Getattr)]
    items = [
        (node.node, node.arg.value)
        for node in tree.find_all(nodes.Getitem)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
    ]
    return [(owner.name, part) for owner, part in (*attributes, *items) if isinstance(owner, nodes.Name)]


def _parts_of(owner: str, known: Mapping[str, Scores]) -> Scores:
    if owner not in known:
        return _PARTS.get(owner)
    scores = known[owner]
    return scores | _AUTOMATIC_PARTS if owner == _AUTOMATIC and scores is not None else scores


def _value_of(name: str, delivery: Delivery) -> object:
    if name in VARIABLES:
        return VARIABLES[name](delivery)
    ran = [result for result in delivery.results if name_in_conditions(result.stage) == name]
    if not ran or ran[-1].verdict == "skipped":
        return Absent(name=name)
    return Record({**_class_of(name, ran[-1], delivery), **ran[-1].scores})


def _class_of(name: str, result: StageResult, delivery: Delivery) -> dict[str, object]:
    if name != _AUTOMATIC or result.verdict == "failed":
        return {}
    kind = delivery.automatic.kind.value
    return {"kind": kind, "class": kind}


class _NoHeaders:
    """Headers of the empty mail that a condition is tried on."""

    def __getitem__(self, name: str) -> str:
        return ""


def _try_once(condition: Condition) -> None:
    """Find what is wrong with the types, by an empty mail and stages that did not run."""
    empty: dict[str, object] = dict.fromkeys(_TEXTS, "")
    empty.update(
        {name: Record(dict.fromkeys(parts, "")) for name, parts in _PARTS.items() if name in _OTHERS}
    )
    midnight = {"weekday": 1, "hour": 0, "time": "00:00", "date": "1970-01-05", "open": False}
    empty["now"] = Record(dict(midnight))
    empty.update({"headers": _NoHeaders(), "size": 0, "tags": (), "bounce": Absent(name="bounce")})
    values = {name: empty.get(name, Absent(name=name)) for name in condition.names}
    try:
        condition._compiled({**values, BUDGET: Budget()})
    except Exception as error:  # whatever an expression can be made to raise is the expression's mistake
        raise ValueError(f"fails on an empty mail: {error}") from None
