"""Absences of agents that were told by command or mail, and whose absence has begun at which desk."""

from __future__ import annotations

from datetime import date

from mailproc.model.absence import AgentAbsence, Origin
from mailproc.store.connection import Connection


class StoredAbsences:
    """Statements on ``absence`` and ``away``.  Days are dates, times seconds since 1970 in UTC."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def until_or_after(self, day: date) -> list[AgentAbsence]:
        """Those that are not over on this day."""
        rows = self._connection.all(
            "SELECT agent, first, last, origin FROM absence WHERE last >= :day ORDER BY agent, first",
            {"day": day.isoformat()},
        )
        return [
            AgentAbsence(agent, date.fromisoformat(first), date.fromisoformat(last), Origin(origin))
            for agent, first, last, origin in rows
        ]

    def put(self, absence: AgentAbsence, now: float) -> None:
        """Add an absence; one of the same origin from the same day on is replaced."""
        self._connection.run(
            """
            INSERT INTO absence (agent, first, last, origin, at) VALUES (:agent, :first, :last, :origin, :now)
            ON CONFLICT (agent, first, origin) DO UPDATE SET last = excluded.last, at = excluded.at
            """,
            {
                "agent": absence.agent,
                "first": absence.first.isoformat(),
                "last": absence.last.isoformat(),
                "origin": absence.origin.value,
                "now": now,
            },
        )

    def prolong(self, agent: str, origin: Origin, today: date, last: date) -> bool:
        """Let an absence that is not over last until this day at least; False where there is none."""
        return bool(
            self._connection.run(
                """
                UPDATE absence SET last = CASE WHEN last < :last THEN :last ELSE last END
                WHERE agent = :agent AND origin = :origin AND first <= :today AND last >= :today
                """,
                {
                    "agent": agent,
                    "origin": origin.value,
                    "today": today.isoformat(),
                    "last": last.isoformat(),
                },
            )
        )

    def end(self, agent: str, today: date, yesterday: date) -> int:
        """Take back what would make the agent absent today or later; how many absences that were."""
        asked = {"agent": agent, "today": today.isoformat(), "yesterday": yesterday.isoformat()}
        coming = self._connection.run("DELETE FROM absence WHERE agent = :agent AND first >= :today", asked)
        begun = self._connection.run(
            """
            UPDATE absence SET last = :yesterday
            WHERE agent = :agent AND first < :today AND last >= :today
            """,
            asked,
        )
        return coming + begun

    # What has begun

    def away(self) -> set[tuple[str, str]]:
        """Each agent whose absence has begun, with the desk."""
        return set(self._connection.all("SELECT agent, desk FROM away"))

    def set_away(self, agent: str, desk: str, now: float) -> bool:
        """Write down that an absence has begun; False where it had."""
        return bool(
            self._connection.run(
                """
                INSERT INTO away (agent, desk, since) VALUES (:agent, :desk, :now)
                ON CONFLICT (agent, desk) DO NOTHING
                """,
                {"agent": agent, "desk": desk, "now": now},
            )
        )

    def set_here(self, agent: str, desk: str) -> None:
        self._connection.run(
            "DELETE FROM away WHERE agent = :agent AND desk = :desk", {"agent": agent, "desk": desk}
        )
