"""Train the topic model: for each topic a linear support vector machine against all the others.

A mail is the set of its tokens, each weighed by its rarity (inverse document frequency), pairs of words
less than words, the whole scaled to length one. The machines (squared hinge, L2) are trained by dual
coordinate descent [Hsieh, Chang et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM",
algorithms 1 and 3], which finds what scikit-learn's LinearSVC finds. What their margins are worth as
probabilities is learnt from mails that were held out [Platt 1999]. Deterministic: the same lessons make the
same model.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter, mul

from mailproc.model.topic_calibration import UNCALIBRATED, fit
from mailproc.model.topics import NONE, Calibration, TopicModel, pack

COST = 1.0  # of a mail on the wrong side
PASSES = 20  # over all mails, at most
CLOSE = 0.1  # to the optimum, as the spread of the projected gradient
NEAR = 0.5  # the border: who is farther from it is left alone for a while
PAIR = 0.4  # weight of two words side by side, of one word 1.0
HELD_OUT = 5  # every fifth mail, for the probabilities
FEWEST = 2  # lessons of a topic, before it is one
FEWEST_HELD_OUT = 10
MOST_HELD_OUT = 500
_SOFTNESS = 0.5 / COST


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a mail is about: ``topic`` is a name, or ``NONE``."""

    topic: str
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail as a vector of length one, with the bias as its last place; ``pick`` takes these places."""

    topic: str
    places: list[int]
    values: list[float]
    pick: Callable[[list[float]], tuple[float, ...]]

    def margin(self, weights: list[float]) -> float:
        return float(sum(map(mul, self.values, self.pick(weights))))


def train(lessons: Sequence[Lesson]) -> TopicModel:
    """The model that these lessons make; one without topics where there are too few."""
    counts = Counter(lesson.topic for lesson in lessons)
    topics = sorted(topic for topic, count in counts.items() if count >= FEWEST and topic != NONE)
    lessons = [lesson for lesson in lessons if lesson.topic in topics or lesson.topic == NONE]
    if len({lesson.topic for lesson in lessons}) < 2:
        return TopicModel.empty()
    weights = _weights(lesson.tokens for lesson in lessons)
    place = {token: number for number, token in enumerate(weights)}
    mails = [_vector(lesson, weights, place) for lesson in lessons]
    random.Random(len(mails)).shuffle(mails)
    columns = [*topics, NONE] if counts[NONE] >= FEWEST else topics
    calibration = _calibrate(columns, mails, len(place))
    machines = [_machine(topic, mails, len(place)) for topic in columns]
    return pack(columns, weights, machines, calibration)


def _weights(mails: Iterable[frozenset[str]]) -> dict[str, float]:
    """How much each token weighs."""
    having: Counter[str] = Counter()
    total = 0
    for tokens in mails:
        having.update(tokens)
        total += 1
    return {
        token: (PAIR if " " in token and not token.startswith("skip:") else 1.0)
        * (math.log((1 + total) / (1 + having[token])) + 1.0)
        for token in sorted(having)
    }


def _vector(lesson: Lesson, weights: dict[str, float], place: dict[str, int]) -> _Mail:
    tokens = sorted(lesson.tokens)
    values = [weights[token] for token in tokens]
    length = math.sqrt(sum(map(mul, values, values))) or 1.0
    places = [*(place[token] for token in tokens), len(place)]
    return _Mail(lesson.topic, places, [*(value / length for value in values), 1.0], itemgetter(*places))


def _machine(topic: str, mails: Sequence[_Mail], size: int) -> list[float]:
    """The weights that divide the mails of a topic from the others; the last one is the bias."""
    weights = [0.0] * size + [-1.0]  # most mails are not about it: those on the right side say nothing
    sides = [1.0 if mail.topic == topic else -1.0 for mail in mails]
    pulls = [0.0] * len(mails)  # the dual variables: how much each mail holds the border
    everyone = sorted(range(len(mails)), key=lambda number: -sides[number])
    active, order = everyone, random.Random(0)
    for _ in range(PASSES):
        still, spread = _pass(mails, sides, weights, pulls, active)
        if spread >= CLOSE:
            order.shuffle(still)
            active = still
        elif active is everyone:
            break
        else:  # those left alone may not be content any more
            active = everyone
    return weights


def _pass(
    mails: Sequence[_Mail],
    sides: Sequence[float],
    weights: list[float],
    pulls: list[float],
    active: Sequence[int],
) -> tuple[list[int], float]:
    """Move each mail's dual variable to its optimum; those near the border, and the gradient's spread."""
    still: list[int] = []
    lowest = highest = 0.0
    for number in active:
        mail, side, pull = mails[number], sides[number], pulls[number]
        gradient = side * mail.margin(weights) - 1.0 + pull * _SOFTNESS
        if pull == 0.0 and gradient > 0.0:
            if gradient < NEAR:
                still.append(number)
            continue
        still.append(number)
        highest, lowest = max(highest, gradient), min(lowest, gradient)
        pulls[number] = moved = max(pull - gradient / (2.0 + _SOFTNESS), 0.0)
        step = (moved - pull) * side
        for place, value in zip(mail.places, mail.values, strict=True):
            weights[place] += step * value
    return still, highest - lowest


def _calibrate(columns: Sequence[str], mails: Sequence[_Mail], size: int) -> Calibration:
    """What margins are worth, learnt from every fifth mail by machines that know only the others."""
    held, known = mails[::HELD_OUT][:MOST_HELD_OUT], [mail for n, mail in enumerate(mails) if n % HELD_OUT]
    if len(held) < FEWEST_HELD_OUT:
        return UNCALIBRATED
    machines = [_machine(topic, known, size) for topic in columns]
    return fit(
        [mail.topic for mail in held], [[mail.margin(each) for each in machines] for mail in held], columns
    )
