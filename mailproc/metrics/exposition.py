"""Figures as text in Prometheus' format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name; ``samples`` maps labels to values."""

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    samples: Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[i]`` values were at most ``bounds[i]`` and above the bound before; ``count`` is all."""

    name: str
    meaning: str
    bounds: Sequence[float]
    counts: Sequence[float]
    count: float
    total: float
    kind: Literal["histogram"] = field(default="histogram", init=False)


def single(name: str, kind: Literal["counter", "gauge"], meaning: str, value: float) -> Family:
    """A family of one sample without labels."""
    return Family(name, kind, meaning, {(): value})


def by(label: str, values: Mapping[str, float]) -> dict[Labels, float]:
    """Samples that differ in one label."""
    return {((label, name),): value for name, value in values.items()}


def render(families: Sequence[Family | Histogram]) -> str:
    """The page."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family | Histogram) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}"
    yield f"# TYPE {family.name} {family.kind}"
    if isinstance(family, Histogram):
        yield from _buckets(family)
    else:
        yield from (_sample(family.name, labels, value) for labels, value in family.samples.items())


def _buckets(histogram: Histogram) -> Iterator[str]:
    """Buckets are cumulative here: each counts what is at most its bound."""
    below = 0.0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=True):
        below += count
        yield _sample(f"{histogram.name}_bucket", (("le", f"{bound:g}"),), below)
    yield _sample(f"{histogram.name}_bucket", (("le", "+Inf"),), histogram.count)
    yield _sample(f"{histogram.name}_sum", (), histogram.total)
    yield _sample(f"{histogram.name}_count", (), histogram.count)


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    shown = str(int(value)) if float(value).is_integer() else repr(float(value))
    return f"{name}{{{inside}}} {shown}" if inside else f"{name} {shown}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
