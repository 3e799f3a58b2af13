"""What a mail is about, by the tokens of mails whose topic is known (model/topic_training.py learns them).

A model holds for each token one byte per topic: how much the token speaks for that topic. So a judgement
adds up small whole numbers, and a model of 50,000 tokens and twenty topics takes a few megabytes. What the
probabilities lack to one is that of "none of these".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from heapq import nlargest

import msgspec

NONE = "none"  # the label of mails that are about none of the topics
MOST_TOKENS = 60_000  # of one model
MOST_REASONS = 5  # words that are shown
_MIDDLE = 128  # the byte for "says nothing"
_STEPS = 127
_FORMAT = 1
_Stored = tuple[
    int,
    tuple[str, ...],
    list[str],
    bytes,
    list[float],
    tuple[float, ...],
    float,
    tuple[float, float],
]


@dataclass(frozen=True, slots=True)
class Calibration:
    """From margins to probabilities: each is worth ``exp(slope * margin)``, and "none of these" is worth
    ``exp(slope * border)``; together they are one."""

    slope: float
    border: float  # the margin at which a topic is as likely as none

    def probabilities(self, margins: Sequence[float]) -> list[float]:
        """One for each margin; what they lack to 1.0 is "none of these"."""
        top = max(*margins, self.border)
        worth = [math.exp(self.slope * (margin - top)) for margin in margins]
        whole = sum(worth) + math.exp(self.slope * (self.border - top))
        return [each / whole for each in worth]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A topic, how likely it is, and the tokens that speak most for it."""

    topic: str
    probability: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicModel:
    """``rows`` has for each token one byte per column, ``weights`` the token's own weight."""

    columns: tuple[str, ...]  # the topics, and NONE where there were lessons of it
    rows: Mapping[str, bytes] = field(repr=False)
    weights: Mapping[str, float] = field(repr=False)  # squared
    biases: tuple[float, ...]
    step: float  # what one step of a byte is worth
    calibration: Calibration

    @classmethod
    def empty(cls) -> TopicModel:
        return cls((), {}, {}, (), 0.0, Calibration(1.0, 0.0))

    @property
    def topics(self) -> tuple[str, ...]:
        return self.columns[:-1] if self.columns[-1:] == (NONE,) else self.columns

    def judge(self, tokens: frozenset[str]) -> tuple[Ranked, ...]:
        """Every topic, the likeliest first; of that one the reasons, too."""
        topics = self.topics
        if not topics:
            return ()
        known = self.rows.keys() & tokens
        columns = list(zip(*map(self.rows.__getitem__, known), strict=True)) or [()] * len(self.columns)
        margins = self._margins(known, columns)
        chances = self.calibration.probabilities(margins)
        order = sorted(range(len(topics)), key=margins.__getitem__, reverse=True)
        best = order[0]
        reasons = _strongest(known, columns[best])
        return tuple(
            Ranked(topics[place], chances[place], reasons if place == best else ()) for place in order
        )

    def _margins(self, known: Set[str], columns: Sequence[tuple[int, ...]]) -> list[float]:
        if not known:
            return list(self.biases)
        worth = self.step / math.sqrt(sum(map(self.weights.__getitem__, known)))
        silent = _MIDDLE * len(known)
        return [
            (sum(column) - silent) * worth + bias for column, bias in zip(columns, self.biases, strict=True)
        ]


def _strongest(tokens: Iterable[str], strengths: Sequence[int]) -> tuple[str, ...]:
    """The tokens that speak most for a topic."""
    least = max([*nlargest(MOST_REASONS, strengths)[-1:], _MIDDLE + 1])
    speaking = [
        (-strength, token) for token, strength in zip(tokens, strengths, strict=True) if strength >= least
    ]
    return tuple(token for _, token in sorted(speaking)[:MOST_REASONS])


def pack(
    columns: Sequence[str],
    weights: Mapping[str, float],
    machines: Sequence[Sequence[float]],
    calibration: Calibration,
) -> TopicModel:
    """A model of trained machines: their weights stand in the order of ``weights``, the last is the bias."""
    strengths = {
        token: [machine[number] * weight for machine in machines]
        for number, (token, weight) in enumerate(weights.items())
    }
    peaks = {token: max(map(abs, row)) for token, row in strengths.items()}
    chosen = sorted(peaks, key=lambda token: (-peaks[token], token))[:MOST_TOKENS]
    # One token in a thousand may say more than the largest step can.
    step = (peaks[chosen[len(chosen) // 1000]] / _STEPS) if chosen else 1.0
    step = step or 1.0
    return TopicModel(
        tuple(columns),
        {token: _row(strengths[token], step) for token in chosen},
        {token: weights[token] ** 2 for token in chosen},
        tuple(machine[-1] for machine in machines),
        step,
        calibration,
    )


def _row(strengths: Sequence[float], step: float) -> bytes:
    return bytes(_MIDDLE + max(min(round(each / step), _STEPS), -_STEPS) for each in strengths)


def to_bytes(model: TopicModel) -> bytes:
    """The model as it is stored."""
    tokens = list(model.rows)
    return msgspec.msgpack.encode(
        (
            _FORMAT,
            model.columns,
            tokens,
            b"".join(model.rows.values()),
            [model.weights[token] for token in tokens],
            model.biases,
            model.step,
            (model.calibration.slope, model.calibration.border),
        )
    )


def from_bytes(content: bytes) -> TopicModel:
    """A stored model; ValueError where another version wrote it in another form."""
    try:
        form, columns, tokens, octets, weights, biases, step, calibration = msgspec.msgpack.decode(
            content, type=_Stored
        )
    except msgspec.MsgspecError as error:
        raise ValueError(f"no topic model: {error}") from None
    if form != _FORMAT:
        raise ValueError(f"a topic model of form {form}, this mailproc knows {_FORMAT}")
    width = len(columns)
    rows = {token: octets[place * width : (place + 1) * width] for place, token in enumerate(tokens)}
    known = dict(zip(tokens, weights, strict=True))
    return TopicModel(columns, rows, known, biases, step, Calibration(*calibration))
