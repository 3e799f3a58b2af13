"""Public holidays by country and region, from the package ``holidays``: any year that it knows.

A region is written ``DE`` (ISO 3166-1), ``DE-BY`` (ISO 3166-2) or ``DE-BY/catholic``, with a category of
that package behind the slash.  A year that is not known there has no holidays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import holidays
from holidays import HolidayBase

from mailproc.model.calendar import HolidaysOf
from mailproc.model.mistake import did_you_mean

PUBLIC = "public"


class UnknownRegion(ValueError):
    """No holidays are known by this name; the text says what is."""


def region_holidays(region: str) -> HolidaysOf:
    """A region's holidays, by the year, in its own language; raise UnknownRegion."""
    place, _, category = region.partition("/")
    country, _, subdivision = place.partition("-")
    entity = _entity(country, subdivision, region)
    if category and category not in entity.supported_categories:
        known = did_you_mean(category, entity.supported_categories)
        raise UnknownRegion(f'"{region}": there is no category "{category}"{known}')

    def of_year(year: int) -> Mapping[date, str]:
        found = holidays.country_holidays(
            country,
            subdivision or None,
            years=year,
            expand=False,
            language=entity.default_language,
            categories=category or PUBLIC,
        )
        return dict(found)

    return of_year


def _entity(country: str, subdivision: str, region: str) -> HolidayBase:
    countries = holidays.list_supported_countries()
    if country not in countries:
        hint = did_you_mean(country.upper(), countries)
        raise UnknownRegion(f'"{region}": the holidays of country "{country}" are not known{hint}')
    try:
        return holidays.country_holidays(country, subdivision or None)
    except NotImplementedError:
        hint = did_you_mean(subdivision, countries[country]) or _all_of(countries[country])
        raise UnknownRegion(f'"{region}": {country} has no region "{subdivision}"{hint}') from None


def _all_of(regions: list[str]) -> str:
    return f"; there are {', '.join(regions)}" if regions else "; no regions of it are known"
