"""Calendars of the configuration: opening hours, and holidays by country, by iCalendar file and by date."""
