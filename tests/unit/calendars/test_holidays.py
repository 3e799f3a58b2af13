"""Holidays by region and by date."""

from __future__ import annotations

from datetime import date

import pytest

from mailproc.calendars.country import UnknownRegion, region_holidays
from mailproc.calendars.dates import BadDate, listed_holidays


@pytest.mark.parametrize(
    ("region", "holiday", "other"),
    [
        ("DE-BY", date(2026, 1, 6), date(2026, 8, 15)),
        ("DE-BY/catholic", date(2026, 8, 15), date(2026, 1, 6)),
        ("DE", date(2026, 10, 3), date(2026, 1, 6)),
        ("US", date(2026, 11, 26), date(2026, 12, 26)),
        ("GB-SCT", date(2026, 1, 2), date(2026, 4, 6)),
        ("FR", date(2032, 7, 14), date(2032, 7, 15)),
    ],
)
def test_holidays_of_a_region(region: str, holiday: date, other: date) -> None:
    found = region_holidays(region)(holiday.year)
    assert found[holiday]
    assert other not in found


def test_a_year_holds_its_own_holidays_only() -> None:
    of_year = region_holidays("DE-BY")
    assert {day.year for year in (2025, 2026, 2040) for day in of_year(year)} == {2025, 2026, 2040}
    assert {day.year for day in of_year(2026)} == {2026}


def test_holidays_have_their_names_in_the_language_of_the_place() -> None:
    assert region_holidays("DE")(2026)[date(2026, 1, 1)] == "Neujahr"


def test_a_year_that_is_not_known_has_none() -> None:
    assert region_holidays("DE-BY")(2400) == {}


@pytest.mark.parametrize(
    ("region", "hint"),
    [
        ("XX", "not known"),
        ("de", 'did you mean "DE"'),
        ("DE-BX", "there are BB, BE, BW, BY"),
        ("DE-Bayer", "BY"),
        ("DE-BY/cathlic", 'did you mean "catholic"'),
        ("", "not known"),
    ],
)
def test_an_unknown_region_is_refused_with_what_is_known(region: str, hint: str) -> None:
    with pytest.raises(UnknownRegion, match=hint):
        region_holidays(region)


def test_dates_are_once_or_every_year() -> None:
    of_year = listed_holidays(["2026-12-24", "12-31", "02-29"])
    assert set(of_year(2026)) == {date(2026, 12, 24), date(2026, 12, 31)}
    assert set(of_year(2028)) == {date(2028, 2, 29), date(2028, 12, 31)}


@pytest.mark.parametrize(
    "text", ["24.12.2026", "2026-13-01", "2026-02-29", "02-30", "1-1", "", "2026-12-24 "]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadDate, match=f'"{text}"'):
        listed_holidays([text])
