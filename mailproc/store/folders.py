"""What the shared folders show: the tickets to look at again, and where each copy was last put or seen.

Work is level-triggered.  Every change of a ticket raises the generation of its row in ``folder_work``; a
watcher that has made the folder right takes the row away only if nothing was changed meanwhile.

A copy's *name* says what it is a copy of: ``m17`` is message row 17, ``e5`` is event row 5, shown as a small
mail; ``l3`` is row 3 of what was laid on top again: a message whose earlier copies it takes the place of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from sys import intern

from mailproc.model.folder import NOWHERE, Place, place_of_message, place_of_ticket
from mailproc.model.held import HoldReason
from mailproc.model.ticket import MessageStatus, State
from mailproc.store.connection import Connection, Row

# Events that a team should see without asking for them; docs/reference/folder.md lists them.
SHOWN_EVENTS = (
    "claim_expired",
    "enriched",
    "merged",
    "move_refused",
    "owner_absent",
    "quarantined",
    "restored",
    "undeliverable",
)
_SHOWN = ", ".join(f"'{what}'" for what in SHOWN_EVENTS)

_FAMILY = """
    WITH RECURSIVE family (id) AS (
        SELECT id FROM ticket WHERE id = :ticket
        UNION
        SELECT merged.id FROM ticket AS merged JOIN family ON merged.merged_into = family.id
        WHERE merged.desk = :desk
    )
"""


@dataclass(frozen=True, slots=True)
class FolderWork:
    """A ticket to look at; ``generation`` is what it was when it was read."""

    ticket: int
    generation: int


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """Where a copy was last put or seen; ``aim`` is where a write whose end nobody saw may have put it."""

    name: str
    place: Place = NOWHERE
    aim: Place = NOWHERE
    missing: float | None = None


@dataclass(frozen=True, slots=True)
class ShownCopy:
    """A copy and where it belongs; ``is_held`` for an answer that does not lie with its ticket."""

    name: str
    place: Place
    is_held: bool = False
    older: tuple[str, ...] = ()  # what it takes the place of


@dataclass(frozen=True, slots=True)
class Shown:
    """What the folder of a desk should show of one ticket and those merged into it, oldest first."""

    ticket: int
    owner: str
    place: Place
    copies: tuple[ShownCopy, ...]


@dataclass(frozen=True, slots=True)
class LaidAgain:
    """A message that was laid on top at a time, and what its copy says of that."""

    message: int
    at: float
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event that is shown as a small mail."""

    ticket: int
    at: float
    what: str
    who: str
    detail: str


def message_name(message: int) -> str:
    return f"m{message}"


def event_name(event: int) -> str:
    return f"e{event}"


def laid_name(laid: int) -> str:
    return f"l{laid}"


def row_of(name: str) -> tuple[str, int] | None:
    """The letter of a name and the row that it names; None for what is no name of ours."""
    letter, number = name[:1], name[1:]
    is_name = letter in ("m", "e", "l") and number.isascii() and number.isdigit() and len(number) <= 18
    return (letter, int(number)) if is_name else None


def is_laid(name: str) -> bool:
    """Whether it is the name of a copy that was laid on top again."""
    named = row_of(name)
    return named is not None and named[0] == "l"


def show_again(connection: Connection, ticket: int, desk: str) -> None:
    """The copies in the folder may no longer be as they should."""
    connection.do(
        """
        INSERT INTO folder_work (ticket, desk) VALUES (:ticket, :desk)
        ON CONFLICT (ticket, desk) DO UPDATE
        SET generation = folder_work.generation + 1, due = 0
        """,
        {"ticket": ticket, "desk": desk},
    )


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


def _shown_copy(of_ticket: Place, rows: Sequence[Row]) -> ShownCopy:
    """A message, with a row for each time that it was laid on top."""
    message, word, reason, _ = rows[0]
    status = MessageStatus(word)
    place = place_of_message(of_ticket, status, in_review=reason == HoldReason.REVIEW)
    *older, name = message_name(message), *(laid_name(row[3]) for row in rows if row[3] is not None)
    return ShownCopy(name, place, status is MessageStatus.HELD, tuple(older))


class Folders:
    """Statements on ``folder_work``, ``folder_copy`` and ``copy_header``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Work

    def due(self, desk: str, now: float, limit: int) -> list[FolderWork]:
        rows = self._connection.all(
            """
            SELECT ticket, generation FROM folder_work
            WHERE desk = :desk AND due <= :now
            ORDER BY due, ticket LIMIT :limit
            """,
            {"desk": desk, "now": now, "limit": limit},
        )
        return [FolderWork(*row) for row in rows]

    def mark_clean(self, desk: str, work: FolderWork) -> None:
        """The folder shows this ticket as it was when ``work`` was read; what came since stays due."""
        self._connection.run(
            """
            DELETE FROM folder_work
            WHERE ticket = :ticket AND desk = :desk AND generation = :generation
            """,
            {"ticket": work.ticket, "desk": desk, "generation": work.generation},
        )

    def postpone(self, desk: str, work: FolderWork, due: float) -> None:
        """Look at it again at ``due``, or as soon as it changes."""
        self._connection.run(
            """
            UPDATE folder_work SET due = :due
            WHERE ticket = :ticket AND desk = :desk AND generation = :generation
            """,
            {"ticket": work.ticket, "desk": desk, "generation": work.generation, "due": due},
        )

    def show_again(self, ticket: int, desk: str) -> None:
        """Something of a ticket is to be shown differently."""
        show_again(self._connection, ticket, desk)

    # What should be shown

    def family_of(self, desk: str, name: str) -> int | None:
        """The ticket that this copy belongs to, merges followed within the desk; None where there is none."""
        row = self._ticket_of(name)
        return None if row is None else self.root(desk, row[0])

    def root(self, desk: str, ticket: int) -> int:
        """The ticket of this desk that ``ticket`` was merged into, or itself."""
        seen = {ticket}
        while True:
            row = self._connection.one(
                """
                SELECT target.id FROM ticket JOIN ticket AS target ON target.id = ticket.merged_into
                WHERE ticket.id = :ticket AND target.desk = :desk
                """,
                {"ticket": ticket, "desk": desk},
            )
            if row is None or row[0] in seen:
                return ticket
            ticket = row[0]
            seen.add(ticket)

    def shown(self, desk: str, ticket: int) -> Shown | None:
        """What the desk's folder should show of a ticket; None where it is another desk's by now."""
        row = self._connection.one(
            "SELECT state, owner, shelf FROM ticket WHERE id = :ticket AND desk = :desk",
            {"ticket": ticket, "desk": desk},
        )
        if row is None:
            return None
        place = place_of_ticket(State(row[0]), row[1], row[2])
        return Shown(ticket, row[1], place, tuple(self._copies(desk, ticket, place)))

    def family(self, desk: str, ticket: int) -> list[int]:
        """A ticket and all of the desk's that were merged into it."""
        rows = self._connection.all(f"{_FAMILY} SELECT id FROM family", {"ticket": ticket, "desk": desk})
        return [row[0] for row in rows]

    def names_of(self, ticket: int) -> list[str]:
        """The copies that one ticket may have, at whatever desk."""
        messages = self._connection.all("SELECT id FROM message WHERE ticket = :id", {"id": ticket})
        events = self._connection.all("SELECT id FROM event WHERE ticket = :id", {"id": ticket})
        laid = self._connection.all(
            """
            SELECT laid_again.id FROM laid_again JOIN message ON message.id = laid_again.message
            WHERE message.ticket = :id
            """,
            {"id": ticket},
        )
        return [
            *(message_name(row[0]) for row in messages),
            *(event_name(row[0]) for row in events),
            *(laid_name(row[0]) for row in laid),
        ]

    def _copies(self, desk: str, ticket: int, place: Place) -> Iterable[ShownCopy]:
        asked = {"ticket": ticket, "desk": desk}
        messages = self._connection.all(
            f"""
            {_FAMILY}
            SELECT message.id, message.status, held_answer.reason, laid_again.id
            FROM message LEFT JOIN held_answer ON held_answer.message = message.id
                LEFT JOIN laid_again ON laid_again.message = message.id
            WHERE message.ticket IN (SELECT id FROM family)
            ORDER BY message.id, laid_again.id
            """,
            asked,
        )
        for _, rows in groupby(messages, key=itemgetter(0)):
            yield _shown_copy(place, list(rows))
        events = self._connection.all(
            f"""
            {_FAMILY}
            SELECT id FROM event WHERE ticket IN (SELECT id FROM family) AND what IN ({_SHOWN}) ORDER BY id
            """,
            asked,
        )
        yield from (ShownCopy(event_name(event), place) for (event,) in events)

    def event(self, event: int) -> ShownEvent | None:
        row = self._connection.one(
            "SELECT ticket, at, what, who, detail FROM event WHERE id = :id", {"id": event}
        )
        return ShownEvent(*row) if row else None

    def laid_again(self, laid: int) -> LaidAgain | None:
        row = self._connection.one("SELECT message, at, headers FROM laid_again WHERE id = :id", {"id": laid})
        return LaidAgain(row[0], row[1], _headers(row[2])) if row else None

    def lay_again(self, message: int, headers: Sequence[tuple[str, str]], at: float) -> None:
        """From ``at`` on another copy of a message stands for those that there were."""
        self._connection.run(
            "INSERT INTO laid_again (message, at, headers) VALUES (:message, :at, :headers)",
            {"message": message, "at": at, "headers": json.dumps(headers, ensure_ascii=False)},
        )

    def _ticket_of(self, name: str) -> Row | None:
        """The ticket of what a name names."""
        match row_of(name):
            case ("m", message):
                return self._connection.one("SELECT ticket FROM message WHERE id = :id", {"id": message})
            case ("e", event):
                return self._connection.one("SELECT ticket FROM event WHERE id = :id", {"id": event})
            case ("l", laid):
                return self._connection.one(
                    """
                    SELECT message.ticket FROM laid_again JOIN message ON message.id = laid_again.message
                    WHERE laid_again.id = :id
                    """,
                    {"id": laid},
                )
        return None

    # Where the copies are

    def records(self, desk: str) -> dict[str, CopyRecord]:
        """Every copy of a desk that was ever put somewhere, by its name."""
        rows = self._connection.all(
            "SELECT name, place, aim, missing FROM folder_copy WHERE desk = :desk", {"desk": desk}
        )
        # A folder may hold a hundred thousand, in a dozen places: one text for all of a place.
        return {
            name: CopyRecord(name, Place(intern(place)), Place(intern(aim)), missing)
            for name, place, aim, missing in rows
        }

    def record(self, desk: str, copies: Iterable[CopyRecord]) -> None:
        self._connection.run_many(
            """
            INSERT INTO folder_copy (desk, name, place, aim, missing)
            VALUES (:desk, :name, :place, :aim, :missing)
            ON CONFLICT (desk, name) DO UPDATE
            SET place = excluded.place, aim = excluded.aim, missing = excluded.missing
            """,
            [
                {
                    "desk": desk,
                    "name": copy.name,
                    "place": copy.place,
                    "aim": copy.aim,
                    "missing": copy.missing,
                }
                for copy in copies
            ],
        )

    def forget(self, desk: str, names: Iterable[str]) -> None:
        """These copies are no business of this desk any more."""
        self._connection.run_many(
            "DELETE FROM folder_copy WHERE desk = :desk AND name = :name",
            [{"desk": desk, "name": name} for name in names],
        )

    # What a copy shows above the mail

    def keep_headers(self, message: int, headers: Sequence[tuple[str, str]]) -> None:
        if headers:
            self._connection.do(
                "INSERT INTO copy_header (message, headers) VALUES (:message, :headers)",
                {"message": message, "headers": json.dumps(headers, ensure_ascii=False)},
            )

    def add_headers(self, message: int, headers: Sequence[tuple[str, str]]) -> None:
        """What was found out later; a copy that lies in the folder already does not change."""
        both = (*self.headers(message), *headers)
        self._connection.do(
            """
            INSERT INTO copy_header (message, headers) VALUES (:message, :headers)
            ON CONFLICT (message) DO UPDATE SET headers = excluded.headers
            """,
            {"message": message, "headers": json.dumps(both, ensure_ascii=False)},
        )

    def headers(self, message: int) -> tuple[tuple[str, str], ...]:
        row = self._connection.one(
            "SELECT headers FROM copy_header WHERE message = :message", {"message": message}
        )
        return _headers(row[0]) if row else ()

    # Mail that was dragged in

    def taken_in(self, key: bytes) -> tuple[bool, int | None] | None:
        """Whether a delivery is through its chain, and its ticket; None where no delivery has this key."""
        row = self._connection.one(
            "SELECT state <> 'waiting', ticket FROM delivery WHERE key = :key", {"key": key}
        )
        return (bool(row[0]), row[1]) if row else None
