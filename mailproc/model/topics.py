"""What a mail is about, by the tokens of mails whose topic is known (model/topic_training.py learns them).

A model holds for each token one byte per topic: how much the token speaks for that topic. So a judgement
adds up small whole numbers, and a model of 50,000 tokens and twenty topics takes a few megabytes. What the
probabilities lack to one is that of "none of these".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

import msgspec

NONE = "none"  # the label of mails that are about none of the topics
MOST_TOKENS = 60_000  # of one model
MOST_REASONS = 5  # words that are shown
_MIDDLE = 128  # the byte for "says nothing"
_STEPS = 127
_LANE = 16  # bits
_AT_ONCE = 257  # tokens: a lane has room for so many bytes of 255
_UNIT = 1 << 40
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


class Ranked(NamedTuple):
    """A topic, how likely it is, and the tokens that speak most for it."""

    topic: str
    probability: float
    reasons: tuple[str, ...] = ()


class Likeliest(NamedTuple):
    """The likeliest topic, how likely it is, and how likely it is that a mail is about none."""

    topic: str
    probability: float
    none: float


@dataclass(frozen=True, slots=True)
class TopicModel:
    """``entries`` has one number for each token; adding those of a mail adds all that they hold at once.

    That is, from the lowest bits: for each column one byte in ``_LANE`` bits, a one, by which the tokens are
    counted, in as many, and above all the token's own weight, squared, in steps of ``1 / _UNIT``.
    """

    columns: tuple[str, ...]  # the topics, and NONE where there were lessons of it
    entries: Mapping[str, int] = field(repr=False)
    biases: tuple[float, ...]
    step: float  # what one step of a byte is worth
    calibration: Calibration

    @classmethod
    def empty(cls) -> TopicModel:
        return cls((), {}, (), 0.0, Calibration(1.0, 0.0))

    @property
    def topics(self) -> tuple[str, ...]:
        return self.columns[:-1] if self.columns[-1:] == (NONE,) else self.columns

    def judge(self, tokens: frozenset[str]) -> tuple[Ranked, ...]:
        """Every topic, the likeliest first; of that one the reasons, too."""
        topics = self.topics
        if not topics:
            return ()
        margins = self._margins(tokens)
        chances = self.calibration.probabilities(margins)
        first, *others = sorted(range(len(topics)), key=margins.__getitem__, reverse=True)
        best = Ranked(topics[first], chances[first], self.reasons(tokens, topics[first]))
        return (best, *[Ranked(topics[place], chances[place]) for place in others])

    def likeliest(self, tokens: frozenset[str]) -> Likeliest:
        """The first that ``judge`` names, without its reasons; there must be topics."""
        topics = self.topics
        chances = self.calibration.probabilities(self._margins(tokens))[: len(topics)]
        best = max(chances)
        return Likeliest(topics[chances.index(best)], best, max(1.0 - sum(chances), 0.0))

    def reasons(self, tokens: frozenset[str], topic: str) -> tuple[str, ...]:
        """The tokens that speak most for a topic."""
        shift = _LANE * self.columns.index(topic)
        known = [(token, entry) for token in tokens if (entry := self.entries.get(token))]
        speaking = [(_MIDDLE - (entry >> shift & 0xFF), token) for token, entry in known]
        return tuple([token for strength, token in sorted(speaking)[:MOST_REASONS] if strength < 0])

    def _margins(self, tokens: frozenset[str]) -> Sequence[float]:
        *columns, known, weight = self._sums(list(map(self.entries.get, tokens, repeat(0))))
        if not known:
            return self.biases
        worth = self.step / math.sqrt(weight / _UNIT)
        silent = _MIDDLE * known
        return [(each - silent) * worth + bias for each, bias in zip(columns, self.biases, strict=True)]

    def _sums(self, entries: Sequence[int]) -> list[int]:
        """What the entries say together: of each column, how many they are, and their weight."""
        if len(entries) > _AT_ONCE:
            halves = (self._sums(entries[: len(entries) // 2]), self._sums(entries[len(entries) // 2 :]))
            return [one + other for one, other in zip(*halves, strict=True)]
        lanes = len(self.columns) + 1
        total = sum(entries)
        low = (total & (1 << _LANE * lanes) - 1).to_bytes(_LANE // 8 * lanes, "little")
        return [*struct.unpack(f"<{lanes}H", low), total >> _LANE * lanes]


def _entries(tokens: Sequence[str], weights: Iterable[float], octets: bytes, width: int) -> dict[str, int]:
    """The number of each token; ``octets`` are their rows, one byte for each column."""
    spread = bytearray(2 * len(octets))
    spread[::2] = octets
    size = 2 * width
    rows = (spread[size * row : size * (row + 1)] + b"\x01\x00" for row in range(len(tokens)))
    above = _LANE * (width + 1)
    return {
        token: int.from_bytes(row, "little") | round(weight * _UNIT) << above
        for token, row, weight in zip(tokens, rows, weights, strict=True)
    }


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
    octets = b"".join([_row(strengths[token], step) for token in chosen])
    return TopicModel(
        tuple(columns),
        _entries(chosen, [weights[token] ** 2 for token in chosen], octets, len(columns)),
        tuple(machine[-1] for machine in machines),
        step,
        calibration,
    )


def _row(strengths: Sequence[float], step: float) -> bytes:
    return bytes(_MIDDLE + max(min(round(each / step), _STEPS), -_STEPS) for each in strengths)


def to_bytes(model: TopicModel) -> bytes:
    """The model as it is stored."""
    above = _LANE * (len(model.columns) + 1)
    size = 2 * len(model.columns)
    rows = [(entry & (1 << 8 * size) - 1).to_bytes(size, "little")[::2] for entry in model.entries.values()]
    return msgspec.msgpack.encode(
        (
            _FORMAT,
            model.columns,
            list(model.entries),
            b"".join(rows),
            [(entry >> above) / _UNIT for entry in model.entries.values()],
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
    entries = _entries(tokens, weights, octets, len(columns))
    return TopicModel(columns, entries, biases, step, Calibration(*calibration))
