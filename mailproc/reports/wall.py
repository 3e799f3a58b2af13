"""How often something happened on each day, month, weekday and hour, on the clock of its desk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import repeat
from operator import floordiv

from mailproc.model.calendar import Calendar

WALLS = ("day", "month", "weekday", "hour")
_QUARTER = 900.0  # seconds; clocks on the wall change by no less


class WallClock:
    """The clocks of all desks."""

    def __init__(self, calendars: Mapping[str, Calendar]) -> None:
        """Calendars by desk."""
        self._zones = {desk: calendar.zone for desk, calendar in calendars.items()}
        self._walls = {zone: Wall(zone) for zone in self._zones.values()}
        self._quarters: defaultdict[tuple[str, tzinfo], Counter[float]] = defaultdict(Counter)  # by column

    def count(
        self, column: str, places: Iterable[int], moments: Iterable[float], desks: Sequence[str]
    ) -> None:
        """Something happened at these moments, to tickets at these places in ``desks``."""
        if len(self._walls) == 1:
            (zone,) = self._walls
            self._quarters[column, zone].update(map(floordiv, moments, repeat(_QUARTER)))
        else:
            for place, at in zip(places, moments, strict=True):
                self._quarters[column, self._zones[desks[place]]][at // _QUARTER] += 1

    def by_wall(self, column: str, wall: str) -> Counter[str]:
        """How often, by line."""
        counts: Counter[str] = Counter()
        for zone, clock in self._walls.items():
            for quarter, number in self._quarters[column, zone].items():
                counts[clock.line(wall, quarter)] += number
        return counts

    def line(self, wall: str, desk: str, at: float) -> str:
        """The day, month, weekday or hour of one moment."""
        return self._walls[self._zones[desk]].line(wall, at // _QUARTER)


class Wall:
    """Days, months, weekdays and hours on a clock of a zone, worked out once for each quarter of an hour."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[float, dict[str, str]] = {}

    def line(self, wall: str, quarter: float) -> str:
        found = self._known.get(quarter)
        if found is None:
            moment = datetime.fromtimestamp(quarter * _QUARTER, self._zone)
            day = moment.date().isoformat()
            found = {
                "day": day,
                "month": day[:7],
                "weekday": str(moment.isoweekday()),
                "hour": f"{moment.hour:02}",
            }
            self._known[quarter] = found
        return found[wall]
