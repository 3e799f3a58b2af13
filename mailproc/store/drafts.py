"""What is known of agents' drafts: those that they write to tickets, and those that we laid."""

from __future__ import annotations

from collections.abc import Collection

from mailproc.model.draft import DraftRecord, LaidDraft, LaidState
from mailproc.store.connection import Connection, Row

_LAID = "id, agent, ticket, turn, state, uidvalidity, uid, size"


def _laid(row: Row) -> LaidDraft:
    values = list(row)
    values[4] = LaidState(row[4])
    return LaidDraft(*values)


def _record(row: Row) -> DraftRecord:
    agent, ticket, since, saved, claimed, told = row
    return DraftRecord(agent, ticket, since, saved, bool(claimed), bool(told))


class Drafts:
    """Statements on ``draft`` and ``laid_draft``.  Times are seconds since 1970 in UTC."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Drafts that agents write

    def written(self, agent: str) -> dict[int, DraftRecord]:
        """The agent's drafts by the tickets that they are to."""
        rows = self._connection.all(
            "SELECT agent, ticket, since, saved, claimed, told FROM draft WHERE agent = :agent",
            {"agent": agent},
        )
        return {row[1]: _record(row) for row in rows}

    def remember(self, record: DraftRecord) -> None:
        self._connection.run(
            """
            INSERT INTO draft (agent, ticket, since, saved, claimed, told)
            VALUES (:agent, :ticket, :since, :saved, :claimed, :told)
            ON CONFLICT (agent, ticket) DO UPDATE
            SET saved = excluded.saved, claimed = excluded.claimed, told = excluded.told
            """,
            {
                "agent": record.agent,
                "ticket": record.ticket,
                "since": record.since,
                "saved": record.saved,
                "claimed": int(record.claimed),
                "told": int(record.told),
            },
        )

    def forget(self, agent: str, ticket: int) -> None:
        self._connection.run(
            "DELETE FROM draft WHERE agent = :agent AND ticket = :ticket", {"agent": agent, "ticket": ticket}
        )

    # Drafts that we lay

    def want(self, agent: str, ticket: int, turn: int, now: float) -> None:
        """Lay a draft for this turn of the ticket, if none was laid for it before."""
        self._connection.run(
            """
            INSERT INTO laid_draft (agent, ticket, turn, at, state)
            VALUES (:agent, :ticket, :turn, :at, 'wanted')
            ON CONFLICT (agent, ticket, turn) DO NOTHING
            """,
            {"agent": agent, "ticket": ticket, "turn": turn, "at": now},
        )

    def laid(self, agent: str) -> list[LaidDraft]:
        """Those that are not over."""
        rows = self._connection.all(
            f"SELECT {_LAID} FROM laid_draft WHERE agent = :agent AND state <> 'over' ORDER BY id",
            {"agent": agent},
        )
        return list(map(_laid, rows))

    def advance(self, laid: Collection[int], before: LaidState, state: LaidState) -> None:
        """Each one that is still in the state ``before`` is in ``state`` now."""
        self._connection.run_many(
            "UPDATE laid_draft SET state = :state WHERE id = :id AND state = :before",
            [{"id": each, "before": before.value, "state": state.value} for each in laid],
        )

    def place(self, laid: int, *, uidvalidity: int, uid: int, size: int) -> None:
        """It lies there, as the server says."""
        self._connection.run(
            """
            UPDATE laid_draft SET state = 'laid', uidvalidity = :uidvalidity, uid = :uid, size = :size
            WHERE id = :id AND state = 'laying'
            """,
            {"id": laid, "uidvalidity": uidvalidity, "uid": uid, "size": size},
        )
