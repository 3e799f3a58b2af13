"""What the margins of a topic model are worth as probabilities, learnt from mails that were held out.

Two numbers: how steep, and where "none of these" begins.  A mail that is about none of the topics is rare
among lessons; so each mail that was held out serves as one, too, with its own topic left out of the question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from mailproc.model.topics import NONE, Calibration

UNCALIBRATED = Calibration(4.0, -0.3)  # until enough can be held out
STRANGERS = 0.25  # how many mails with no topic are expected for one that has one

_SLOPES = tuple(1.0 * 1.3**power for power in range(14))
_BORDERS = tuple(-1.2 + 0.1 * number for number in range(16))


def fit(truths: Sequence[str], margins: Sequence[Sequence[float]], columns: Sequence[str]) -> Calibration:
    """The calibration under which what is true of these mails is the most likely."""
    place = {name: number for number, name in enumerate(columns)}
    owns = [place.get(truth) for truth in truths]
    best = (math.inf, UNCALIBRATED)
    for slope in _SLOPES:
        worths = list(_worths(owns, margins, slope, place.get(NONE)))
        losses = ((_loss(worths, slope, border), Calibration(slope, border)) for border in _BORDERS)
        best = min([best, *losses], key=lambda each: each[0])
    return best[1]


def _worths(
    owns: Sequence[int | None], margins: Sequence[Sequence[float]], slope: float, none: int | None
) -> Iterator[tuple[float, float, float]]:
    """For each mail what its own topic is worth, the others, and NONE; 0.0 for the own where it has none."""
    for own, row in zip(owns, margins, strict=True):
        worth = [math.exp(slope * margin) for margin in row]
        strange = 0.0 if none is None else worth[none]
        mine = 0.0 if own is None or own == none else worth[own]
        yield mine, sum(worth) - mine - strange, strange


def _loss(worths: Sequence[tuple[float, float, float]], slope: float, border: float) -> float:
    edge = math.exp(slope * border)
    loss = 0.0
    for mine, others, strange in worths:
        none = edge + strange
        alone = -math.log(none / (others + none))
        loss += STRANGERS * alone - math.log(mine / (mine + others + none)) if mine else alone
    return loss
