"""A day of mail: when it comes, and what waits where more comes than is worked off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HOUR = 3600

# Of 1,000 mails on a weekday, how many come in each hour of the sender's clock: 10,043 dated mails of lists,
# bug trackers, people and robots.  Programs write at night, and the list is the world's: an even day.
WORLD = (30, 24, 23, 18, 19, 16, 21, 22, 54, 49, 52, 50, 54, 58, 60, 65, 64, 58, 52, 47, 43, 39, 37, 44)

# An office's customers of one country.  Not measured: nine tenths between eight and six, twice as
# much in its best hour as on average in these.
OFFICE = (2, 1, 1, 1, 1, 3, 8, 24, 78, 118, 124, 106, 74, 86, 104, 92, 74, 46, 20, 12, 10, 8, 5, 2)


@dataclass(frozen=True)
class Backlog:
    """What a day leaves waiting: at its worst moment, how long the last in that queue waits, and for how many
    hours anything waits."""

    mails: float
    seconds: float
    hours: float


def peak(shape: Sequence[int], mails: float) -> float:
    """Mails a second in the day's best hour."""
    return mails * max(shape) / sum(shape) / HOUR


def backlog(shape: Sequence[int], mails: float, capacity: float) -> Backlog:
    """By volumes alone: what comes and what is worked off in each minute, ``capacity`` mails a second."""
    waiting = worst = minutes = 0.0
    for each in shape:
        rate = mails * each / sum(shape) / HOUR
        for _ in range(60):
            waiting = max(0.0, waiting + 60 * (rate - capacity))
            worst = max(worst, waiting)
            minutes += waiting > 0
    return Backlog(worst, worst / capacity, minutes / 60)
