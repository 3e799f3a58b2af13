"""Agents' answers: for which turn of a ticket each is, and which one answer of a turn leaves.

A turn is one mail of a customer that a person wrote.  ``take_turn`` is the one conditional UPDATE by which an
answer is let through; everything else here prepares it, or tells why it did not succeed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailproc.store.connection import Connection, listed_parameters


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides about an answer to a ticket; ``turn_answered`` is -1 where no turn has an answer."""

    owner: str
    turn: int
    turn_answered: int
    answered_by: str


class Answers:
    """Statements on the turns of tickets and on the messages that make and answer them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def standing(self, ticket: int) -> Standing:
        row = self._connection.one(
            "SELECT owner, turn, turn_answered, answered_by FROM ticket WHERE id = :id", {"id": ticket}
        )
        if row is None:
            raise KeyError(ticket)
        return Standing(*row)

    def take_turn(self, ticket: int, turn: int, agent: str) -> bool:
        """Let an answer through: nobody else holds the ticket or answered this turn, no newer one began."""
        return bool(
            self._connection.run(
                """
                UPDATE ticket
                SET turn_answered = :turn, answered_by = :agent
                WHERE id = :id AND turn = :turn
                  AND owner IN ('', :agent)
                  AND (turn_answered < :turn OR answered_by = :agent)
                """,
                {"id": ticket, "turn": turn, "agent": agent},
            )
        )

    def force_turn(self, ticket: int, turn: int, agent: str) -> None:
        """An answer leaves whatever stands against it: its author wants it to."""
        self._connection.run(
            """
            UPDATE ticket
            SET turn_answered = :turn, answered_by = :agent
            WHERE id = :id AND turn_answered <= :turn
            """,
            {"id": ticket, "turn": turn, "agent": agent},
        )

    def recount(self, ticket: int) -> None:
        """Which turn is answered, and by whom, from the messages there are: one was taken back, or moved."""
        self._connection.run(
            """
            UPDATE ticket
            SET turn_answered = coalesce((
                    SELECT max(turn) FROM message
                    WHERE ticket = :id AND direction = 'out' AND status IN ('waiting', 'sent')), -1),
                answered_by = coalesce((
                    SELECT agent FROM message
                    WHERE ticket = :id AND direction = 'out' AND status IN ('waiting', 'sent') AND turn >= 0
                    ORDER BY turn DESC, id DESC LIMIT 1), '')
            WHERE id = :id
            """,
            {"id": ticket},
        )

    def renumber(self, ticket: int) -> None:
        """The ticket's turn is that of its newest mail of a customer: messages were moved in or out."""
        self._connection.run(
            """
            UPDATE ticket
            SET turn = coalesce((
                SELECT max(turn) FROM message WHERE ticket = :id AND direction = 'in'), 0)
            WHERE id = :id
            """,
            {"id": ticket},
        )
        self.recount(ticket)

    def carry_over(self, ticket: int, target: int) -> None:
        """``ticket`` becomes part of ``target``: a mail that waits for its answer waits there."""
        self._connection.run(
            """
            UPDATE ticket SET turn = turn + 1
            WHERE id = :target
              AND EXISTS (SELECT 1 FROM ticket AS old WHERE old.id = :ticket AND old.turn_answered < old.turn)
            """,
            {"ticket": ticket, "target": target},
        )

    def turn_of(self, ticket: int, message_ids: Collection[str], moment: float) -> int:
        """The turn that a mail is for which names these ids, or that was written at ``moment``.

        It is that of the newest message named.  A message of a ticket that was merged into this one, and
        a mail that names nothing known, is for the newest turn unless a customer wrote since.
        """
        family = self._family(ticket)
        named = self._named(family, message_ids)
        turn = self.standing(ticket).turn
        newest = max((at for _, _, at in named), default=moment)
        own = max((each for of_ticket, each, _ in named if of_ticket == ticket), default=None)
        if own is None:
            return turn - 1 if turn and self._wrote_since(family, newest) else turn
        # Turns beyond those of its own mails are of older mails, which wait in its parts.
        if own < turn and self._is_newest_turn(ticket, own) and not self._wrote_since(family, newest):
            return turn
        return min(turn, own)

    def _is_newest_turn(self, ticket: int, turn: int) -> bool:
        """Whether no mail of the ticket itself made a later one."""
        row = self._connection.one(
            "SELECT 1 FROM message WHERE ticket = :ticket AND direction = 'in' AND turn > :turn LIMIT 1",
            {"ticket": ticket, "turn": turn},
        )
        return row is None

    def _family(self, ticket: int) -> list[int]:
        """A ticket and all that were merged into it."""
        family = [ticket]
        for each in family:
            rows = self._connection.all("SELECT id FROM ticket WHERE merged_into = :id", {"id": each})
            family += [row[0] for row in rows if row[0] not in family]
        return family

    def _named(self, family: Collection[int], message_ids: Collection[str]) -> list[tuple[int, int, float]]:
        if not message_ids:
            return []
        tickets, parameters = listed_parameters("ticket", family)
        ids, more = listed_parameters("id", message_ids)
        rows = self._connection.all(
            f"""
            SELECT ticket, turn, at FROM message
            WHERE ticket IN ({tickets}) AND message_id IN ({ids}) AND turn >= 0
            """,
            {**parameters, **more},
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _wrote_since(self, family: Collection[int], moment: float) -> bool:
        tickets, parameters = listed_parameters("ticket", family)
        row = self._connection.one(
            f"""
            SELECT 1 FROM message
            WHERE ticket IN ({tickets}) AND direction = 'in' AND automatic = 'none' AND at > :moment
            LIMIT 1
            """,
            {**parameters, "moment": moment},
        )
        return row is not None

    def answer_to(self, ticket: int, turn: int) -> int | None:
        """The row of the newest answer to a turn that left or is to leave."""
        row = self._connection.one(
            """
            SELECT max(id) FROM message
            WHERE ticket = :ticket AND direction = 'out' AND status IN ('waiting', 'sent')
              AND turn >= :turn
            """,
            {"ticket": ticket, "turn": turn},
        )
        return row[0] if row else None

    def newest_of_customer(self, ticket: int) -> int | None:
        """The row of the newest mail that a person wrote to the ticket, or to one that was merged into it."""
        tickets, parameters = listed_parameters("ticket", self._family(ticket))
        row = self._connection.one(
            f"""
            SELECT id FROM message
            WHERE ticket IN ({tickets}) AND direction = 'in' AND automatic = 'none'
            ORDER BY at DESC, id DESC LIMIT 1
            """,
            parameters,
        )
        return row[0] if row else None

    def turn(self, message: int) -> int:
        """Which turn a message made or answers; -1 for one that answers none."""
        row = self._connection.one("SELECT turn FROM message WHERE id = :id", {"id": message})
        if row is None:
            raise KeyError(message)
        turn: int = row[0]
        return turn

    def waiting(self, ticket: int) -> list[int]:
        """The rows of answers that were not sent yet, newest first."""
        rows = self._connection.all(
            """
            SELECT id FROM message
            WHERE ticket = :ticket AND direction = 'out' AND status = 'waiting'
            ORDER BY id DESC
            """,
            {"ticket": ticket},
        )
        return [row[0] for row in rows]
