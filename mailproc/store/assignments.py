"""Which agents got tickets from mailproc, and who holds how many."""

from __future__ import annotations

from mailproc.model.assignment import Workload
from mailproc.store.connection import Connection


class Assignments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def workloads(self, desk: str) -> dict[str, Workload]:
        """Of every agent who holds a ticket of the desk, or ever got one from mailproc."""
        claimed: dict[str, int] = dict(
            self._connection.all(
                """
                SELECT owner, count(*) FROM ticket
                WHERE desk = :desk AND state = 'claimed' AND merged_into IS NULL
                GROUP BY owner
                """,
                {"desk": desk},
            )
        )
        turns: dict[str, int] = dict(
            self._connection.all("SELECT agent, turn FROM assignment WHERE desk = :desk", {"desk": desk})
        )
        return {agent: Workload(claimed.get(agent, 0), turns.get(agent, 0)) for agent in {**claimed, **turns}}

    def last_agent(self, desk: str, customer: str) -> str:
        """Who had the newest ticket of this customer that anybody had; "" for nobody."""
        row = self._connection.one(
            """
            SELECT ticket.owner FROM participant JOIN ticket ON ticket.id = participant.ticket
            WHERE participant.desk = :desk AND participant.address = :customer
              AND participant.role = 'customer' AND ticket.owner <> ''
            ORDER BY ticket.updated DESC, ticket.id DESC LIMIT 1
            """,
            {"desk": desk, "customer": customer},
        )
        return row[0] if row else ""

    def record(self, desk: str, agent: str, at: float) -> None:
        """The agent got a ticket: the turn is the next one's."""
        self._connection.run(
            """
            INSERT INTO assignment (desk, agent, turn, at)
            SELECT :desk, :agent, coalesce(max(turn), 0) + 1, :at FROM assignment WHERE desk = :desk
            ON CONFLICT (desk, agent) DO UPDATE SET turn = excluded.turn, at = excluded.at
            """,
            {"desk": desk, "agent": agent, "at": at},
        )
