"""The outbox: what must leave, claimed by workers under a lease.

An item is claimed by writing the end of the lease into its row; that number is the proof of the claim in
every later statement.  Who kept a claim too long changes nothing but this: a recipient that the relay took
over is recorded as sent whoever says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from mailproc.model.outbox import (
    Fate,
    NewItem,
    OutboxItem,
    OutboxKind,
    OutboxRecipient,
    OutboxState,
    RecipientResult,
    Settled,
)
from mailproc.store.connection import Connection, Row

_STATE_AFTER = {
    Fate.ACCEPTED: OutboxState.SENT,
    Fate.LATER: OutboxState.WAITING,
    Fate.REFUSED: OutboxState.FAILED,
}


class Outbox:
    """Statements on ``outbox`` and ``outbox_recipient``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, item: NewItem) -> bool:
        """Put an item in; False when one with this key is already there, whatever became of it."""
        outbox = self._connection.insert(
            """
            INSERT INTO outbox (key, kind, desk, ticket, message, mail_from, content, state, created, due)
            VALUES (:key, :kind, :desk, :ticket, :message, :mail_from, :content, :state, :created, :due)
            ON CONFLICT (key) DO NOTHING
            """,
            {
                "key": item.key,
                "kind": item.kind.value,
                "desk": item.desk,
                "ticket": item.ticket,
                "message": item.message,
                "mail_from": item.mail_from,
                "content": item.content,
                "state": (OutboxState.HELD if item.held else OutboxState.WAITING).value,
                "created": item.created,
                "due": max(item.created, item.due),
            },
        )
        if outbox is None:
            return False
        self._connection.run_many(
            "INSERT INTO outbox_recipient (outbox, recipient, state) VALUES (:outbox, :recipient, 'waiting')",
            [{"outbox": outbox, "recipient": recipient} for recipient in dict.fromkeys(item.recipients)],
        )
        return True

    def claim_due(
        self,
        now: float,
        lease_until: float,
        limit: int,
        kinds: Collection[OutboxKind],
        *,
        worker: str = "",
        created_before: float = float("inf"),
    ) -> list[OutboxItem]:
        """Claim up to ``limit`` waiting items that are due, oldest due first, until ``lease_until``."""
        rows = self._connection.all(
            f"""
            WITH chosen AS MATERIALIZED (
                SELECT id
                FROM outbox
                WHERE state = 'waiting' AND due <= :now AND lease <= :now AND created < :created_before
                  AND :kinds LIKE '%,' || kind || ',%'
                ORDER BY due, id
                LIMIT :limit {self._connection.dialect.skip_locked}
            )
            UPDATE outbox
            SET lease = :lease_until, worker = :worker, begun = 0
            WHERE id IN (SELECT id FROM chosen)
            RETURNING id, key, kind, desk, ticket,
                (SELECT number FROM ticket WHERE ticket.id = outbox.ticket),
                message, mail_from, content, state, attempts, created, due, lease, problem
            """,
            {
                "now": now,
                "lease_until": lease_until,
                "limit": limit,
                "worker": worker,
                "created_before": created_before,
                "kinds": f",{','.join(kind.value for kind in kinds)},",
            },
        )
        items = [self._item(row) for row in rows]
        return sorted(items, key=lambda item: (item.due, item.id))

    def release_claim(self, lease: float) -> None:
        """Undo a claim that its claimer never saw."""
        self._connection.run(
            "UPDATE outbox SET lease = 0 WHERE state = 'waiting' AND lease = :lease", {"lease": lease}
        )

    def begin(self, item: OutboxItem) -> bool:
        """Some of a claimed item may have left from now on, so that nobody else may have it before its lease
        ends; False when the claim is no longer good."""
        return bool(
            self._connection.run(
                "UPDATE outbox SET begun = 1 WHERE id = :id AND state = 'waiting' AND lease = :lease",
                {"id": item.id, "lease": item.lease},
            )
        )

    def take_once(self, item: OutboxItem) -> bool:
        """Record a claimed item as sent before it is sent; False when the claim is no longer good."""
        taken = self._connection.run(
            """
            UPDATE outbox
            SET state = 'sent'
            WHERE id = :id AND state = 'waiting' AND lease = :lease
            """,
            {"id": item.id, "lease": item.lease},
        )
        if taken:
            self._set_recipients(item, OutboxState.SENT)
        return bool(taken)

    def put_back(self, item: OutboxItem) -> None:
        """Undo a claim, and a taking, of which nothing reached the relay; no attempt is counted."""
        undone = self._connection.run(
            """
            UPDATE outbox
            SET state = 'waiting', lease = 0
            WHERE id = :id AND lease = :lease AND state IN ('waiting', 'sent')
            """,
            {"id": item.id, "lease": item.lease},
        )
        if undone:
            self._set_recipients(item, OutboxState.WAITING)

    def record(
        self, item: OutboxItem, results: Sequence[RecipientResult], *, now: float, due: float | None
    ) -> Settled:
        """Write down one attempt of a claimed item, and end the claim.

        ``due`` is when recipients with Fate.LATER are tried again; None gives them up.  Fate.UNKNOWN counts
        as sent for what leaves at most once, as LATER for the rest.
        """
        decided = [_decide(item.kind, result, due) for result in results]
        owned = self._connection.run(
            "UPDATE outbox SET attempts = attempts + 1, lease = 0 WHERE id = :id AND lease = :lease",
            {"id": item.id, "lease": item.lease},
        )
        if not owned:
            decided = [result for result in decided if result.fate is Fate.ACCEPTED]
        settled = self._write_results(item, decided)
        if owned or settled:
            self._follow(item.id, due=now if due is None else due)
        after = self.get(item.id)
        return Settled(item if after is None else after, settled)

    def _write_results(
        self, item: OutboxItem, decided: Iterable[RecipientResult]
    ) -> tuple[RecipientResult, ...]:
        settled = []
        for result in decided:
            state = _STATE_AFTER[result.fate]
            changed = self._connection.run(
                """
                UPDATE outbox_recipient
                SET state = :state, reply = :reply
                WHERE outbox = :outbox AND recipient = :recipient AND (state = 'waiting' OR :taken = 1)
                """,
                {
                    "outbox": item.id,
                    "recipient": result.recipient,
                    "state": state.value,
                    "reply": str(result.reply),
                    "taken": int(item.kind.at_most_once),
                },
            )
            if changed and state is not OutboxState.WAITING:
                settled.append(result)
        return tuple(settled)

    def _follow(self, item_id: int, *, due: float) -> None:
        """Let the item's state follow from those of its recipients; one that was dropped stays so."""
        rows = self._connection.all(
            "SELECT state, reply FROM outbox_recipient WHERE outbox = :id ORDER BY recipient", {"id": item_id}
        )
        replies = {OutboxState(state): reply for state, reply in reversed(rows)}
        state = next((s for s in (OutboxState.WAITING, OutboxState.FAILED) if s in replies), OutboxState.SENT)
        self._connection.run(
            """
            UPDATE outbox
            SET state = :state, due = :due, problem = :problem
            WHERE id = :id AND (state <> 'dropped' OR :state = 'sent')
            """,
            {
                "id": item_id,
                "state": state.value,
                "due": due,
                "problem": "" if state is OutboxState.SENT else replies[state],
            },
        )

    def set_bounced(self, message: int, recipient: str, reply: str) -> None:
        """A mail that the relay had taken over came back for one recipient; the item's own state stays."""
        self._connection.run(
            """
            UPDATE outbox_recipient
            SET state = 'failed', reply = :reply
            WHERE lower(recipient) = lower(:recipient) AND state = 'sent'
              AND outbox IN (SELECT id FROM outbox WHERE message = :message)
            """,
            {"message": message, "recipient": recipient, "reply": reply},
        )

    def of_message(self, message: int) -> tuple[OutboxRecipient, ...]:
        """What became of a message at each of its recipients, in the order of their addresses."""
        rows = self._connection.all("SELECT id FROM outbox WHERE message = :message", {"message": message})
        return tuple(each for (item_id,) in rows for each in self._recipients(item_id))

    def _set_recipients(self, item: OutboxItem, state: OutboxState) -> None:
        self._connection.run_many(
            """
            UPDATE outbox_recipient
            SET state = :state
            WHERE outbox = :outbox AND recipient = :recipient
            """,
            [{"outbox": item.id, "recipient": recipient, "state": state.value} for recipient in item.waiting],
        )

    def counts(self) -> dict[str, int]:
        """How many items wait, are held, were sent, have failed; dropped ones are not counted."""
        rows = self._connection.all("SELECT state, COUNT(*) FROM outbox GROUP BY state")
        found = {state: int(number) for state, number in rows}
        shown = (state for state in OutboxState if state is not OutboxState.DROPPED)
        return {state.value: found.get(state.value, 0) for state in shown}

    def oldest_waiting(self) -> float | None:
        """When the item was made that has waited longest to leave."""
        row = self._connection.one("SELECT min(created) FROM outbox WHERE state = 'waiting'")
        return row[0] if row else None

    def items(
        self, state: OutboxState | None = None, limit: int = 1000, *, after: int = 0
    ) -> list[OutboxItem]:
        """Items in the order they came, from the one after ``after`` on; without a state those that are not
        done with: neither sent nor dropped.

        The mail itself is left out (``content`` is empty): a list of a thousand would not fit.
        """
        rows = self._connection.all(
            """
            SELECT outbox.id, key, kind, outbox.desk, outbox.ticket, ticket.number, message, mail_from,
                '', outbox.state, attempts, created, due, lease, problem
            FROM outbox
            LEFT JOIN ticket ON ticket.id = outbox.ticket
            WHERE outbox.id > :after
              AND (outbox.state = :state
                   OR (:state = '' AND outbox.state IN ('waiting', 'held', 'failed')))
            ORDER BY outbox.id
            LIMIT :limit
            """,
            {"state": "" if state is None else state.value, "limit": limit, "after": after},
        )
        return [self._item(row) for row in rows]

    def get(self, item_id: int) -> OutboxItem | None:
        row = self._connection.one(
            """
            SELECT outbox.id, key, kind, outbox.desk, outbox.ticket, ticket.number, message, mail_from,
                content, outbox.state, attempts, created, due, lease, problem
            FROM outbox
            LEFT JOIN ticket ON ticket.id = outbox.ticket
            WHERE outbox.id = :id
            """,
            {"id": item_id},
        )
        return None if row is None else self._item(row)

    def retry(self, item_id: int, now: float) -> bool:
        """Make a waiting or failed item due at once, for the recipients that it did not reach.

        False for anything else: a held item waits for an agent, a sent one is gone.  An item older than the
        greatest age gets this one try.
        """
        changed = self._connection.run(
            """
            UPDATE outbox
            SET state = 'waiting', due = :now, lease = 0
            WHERE id = :id AND state IN ('waiting', 'failed') AND lease <= :now
            """,
            {"id": item_id, "now": now},
        )
        if changed:
            self._connection.run(
                "UPDATE outbox_recipient SET state = 'waiting' WHERE outbox = :id AND state = 'failed'",
                {"id": item_id},
            )
        return bool(changed)

    def drop(self, item_id: int) -> bool:
        """Take an item out for good, its key kept; False when it is sent or dropped already."""
        return bool(
            self._connection.run(
                """
                UPDATE outbox
                SET state = 'dropped', lease = 0
                WHERE id = :id AND state IN ('waiting', 'held', 'failed')
                """,
                {"id": item_id},
            )
        )

    def with_key(self, key: str) -> int | None:
        """The id of the item that was added with this key."""
        row = self._connection.one("SELECT id FROM outbox WHERE key = :key", {"key": key})
        return row[0] if row else None

    def release(self, item_id: int, due: float) -> bool:
        """Let a held item leave, not before ``due``, from when its age counts; False when it is not held."""
        return bool(
            self._connection.run(
                """
                UPDATE outbox SET state = 'waiting', due = :due, created = :due
                WHERE id = :id AND state = 'held'
                """,
                {"id": item_id, "due": due},
            )
        )

    def stop(self, item_id: int, now: float) -> bool:
        """Take out an item of which nothing can have left; False when it was tried, or is being tried."""
        return bool(
            self._connection.run(
                """
                UPDATE outbox SET state = 'dropped', lease = 0
                WHERE id = :id AND state IN ('waiting', 'held') AND attempts = 0 AND lease <= :now
                """,
                {"id": item_id, "now": now},
            )
        )

    def _item(self, row: Row) -> OutboxItem:
        (item_id, key, kind, desk, ticket, number, message, mail_from, content, state, *rest) = row
        attempts, created, due, lease, problem = rest
        return OutboxItem(
            id=item_id,
            key=key,
            kind=OutboxKind(kind),
            desk=desk,
            ticket=ticket,
            number=number or "",
            message=message,
            mail_from=mail_from,
            content=bytes(content or b""),
            state=OutboxState(state),
            attempts=attempts,
            created=created,
            due=due,
            lease=lease,
            problem=problem,
            recipients=self._recipients(item_id),
        )

    def _recipients(self, item_id: int) -> tuple[OutboxRecipient, ...]:
        rows = self._connection.all(
            "SELECT recipient, state, reply FROM outbox_recipient WHERE outbox = :id ORDER BY recipient",
            {"id": item_id},
        )
        return tuple(OutboxRecipient(address, OutboxState(state), reply) for address, state, reply in rows)


def _decide(kind: OutboxKind, result: RecipientResult, due: float | None) -> RecipientResult:
    fate = result.fate
    if fate is Fate.UNKNOWN:
        fate = Fate.ACCEPTED if kind.at_most_once else Fate.LATER
    if fate is Fate.LATER and due is None:
        fate = Fate.REFUSED
    return RecipientResult(result.recipient, fate, result.reply)
