"""Deliveries: what was accepted, what waits for the chain, what was set aside; and the raw mails."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from mailproc.model.ticket import Outcome
from mailproc.store.codec import ELSEWHERE, pack, unpack
from mailproc.store.connection import Connection, MailElsewhere, Row, listed_parameters


@dataclass(frozen=True, slots=True)
class NewDelivery:
    key: bytes  # Envelope.delivery_key
    desk: str
    mail_from: str  # "" is the null reverse-path
    rcpt_to: str
    sha256: bytes
    received: float
    is_history: bool = False  # imported: never acknowledged


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    id: int
    desk: str
    mail_from: str
    rcpt_to: str
    sha256: bytes
    received: float
    state: Outcome
    attempts: int
    ticket: int | None
    problem: str
    lease: float
    is_history: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery taken for a while; ``raw`` is None where the mail is large and is read later."""

    delivery: StoredDelivery
    raw: bytes | None


NO_MAILS: Mapping[bytes, bytes] = MappingProxyType({})

_COLUMNS = "id, desk, mail_from, rcpt_to, sha256, received, state, attempts, ticket, problem, lease, history"
_DUE = "state = 'waiting' AND due <= :now AND lease <= :now"


def _stored(row: Row) -> StoredDelivery:
    values = list(row)
    values[6] = Outcome(row[6])
    values[11] = bool(row[11])
    return StoredDelivery(*values)


class Deliveries:
    """``mails`` are those in the bucket that were fetched for this work."""

    def __init__(self, connection: Connection, mails: Mapping[bytes, bytes] = NO_MAILS) -> None:
        self._connection = connection
        self._mails = mails

    def keep_raw(self, sha256: bytes, raw: bytes) -> None:
        """Keep the bytes of a mail; the same bytes are kept once.

        What is in the bucket, and comes again, is kept here again: the chain must not wait for the bucket.
        """
        codec, content = pack(raw)
        self._connection.do(
            """
            INSERT INTO raw_mail (sha256, size, codec, content)
            VALUES (:sha256, :size, :codec, :content)
            ON CONFLICT (sha256) DO UPDATE SET codec = excluded.codec, content = excluded.content
            WHERE raw_mail.codec = 2
            """,
            {"sha256": sha256, "size": len(raw), "codec": codec, "content": content},
        )

    def raw(self, sha256: bytes) -> bytes | None:
        """The bytes; None where nobody has them.

        BucketAway where they lie in a bucket and cannot be had now, ValueError where they are damaged.
        """
        row = self._row(sha256)
        if row is None:
            return None
        codec, content, size = row
        if codec != ELSEWHERE:
            return unpack(codec, content, size)
        if sha256 not in self._mails:
            raise MailElsewhere(sha256, size)
        return self._mails[sha256]

    def raw_here(self, sha256: bytes) -> bytes | None:
        """The same for what can do without: None for what lies in a bucket, too."""
        row = self._row(sha256)
        return unpack(*row) if row and row[0] != ELSEWHERE else None

    def _row(self, sha256: bytes) -> Row | None:
        return self._connection.one(
            "SELECT codec, content, size FROM raw_mail WHERE sha256 = :sha256", {"sha256": sha256}
        )

    def accept(self, new: NewDelivery) -> bool:
        """Record a delivery; False where a peer repeats one that it saw no reply to."""
        delivery = self._connection.insert(
            """
            INSERT INTO delivery (key, desk, mail_from, rcpt_to, sha256, received, state, due, history)
            VALUES (:key, :desk, :mail_from, :rcpt_to, :sha256, :received, 'waiting', :received, :history)
            ON CONFLICT (key) DO NOTHING
            """,
            {
                "key": new.key,
                "desk": new.desk,
                "mail_from": new.mail_from,
                "rcpt_to": new.rcpt_to,
                "sha256": new.sha256,
                "received": new.received,
                "history": int(new.is_history),
            },
        )
        if delivery is None:
            self._connection.run(
                "UPDATE delivery SET repeats = repeats + 1 WHERE key = :key", {"key": new.key}
            )
        return delivery is not None

    def accept_once(self, new: NewDelivery, raw: bytes) -> bool:
        """Record a delivery and its mail unless it is known; False where it is, and nothing is counted."""
        if self._connection.one("SELECT 1 FROM delivery WHERE key = :key", {"key": new.key}):
            return False
        self.keep_raw(new.sha256, raw)
        return self.accept(new)

    def waiting(self) -> int:
        row = self._connection.one("SELECT count(*) FROM delivery WHERE state = 'waiting'")
        return row[0] if row else 0

    def has_suspect(self, now: float) -> bool:
        """Whether there is one that ``claim`` would take as ``tried``."""
        query = f"SELECT 1 FROM delivery WHERE {_DUE} AND attempts > 1 LIMIT 1"
        return self._connection.one(query, {"now": now}) is not None

    def claim(
        self, now: float, lease: float, limit: int, *, tried: bool, worker: str = "", small: int = 0
    ) -> list[Claimed]:
        """Take due deliveries until ``lease``; each counts as an attempt, so that poison is noticed.

        ``tried`` asks for those that failed before: a worker takes them one by one, so that what was
        in the chain beside a poisonous mail is not blamed for it.  Mails of up to ``small`` octets are
        handed over with it.
        """
        rows = self._connection.all(
            f"""
            WITH chosen AS MATERIALIZED (
                SELECT id FROM delivery
                WHERE {_DUE} AND {"attempts > 1" if tried else "attempts <= 1"}
                ORDER BY history, due, id LIMIT :limit {self._connection.dialect.skip_locked}
            )
            UPDATE delivery SET lease = :lease, worker = :worker, attempts = attempts + 1
            WHERE id IN (SELECT id FROM chosen)
            RETURNING {_COLUMNS}
            """,
            {"lease": lease, "now": now, "limit": limit, "worker": worker},
        )
        taken = sorted(map(_stored, rows), key=lambda delivery: delivery.id)
        raws = self._raws({delivery.sha256 for delivery in taken}, small)
        return [Claimed(delivery, raws.get(delivery.sha256)) for delivery in taken]

    def _raws(self, digests: Collection[bytes], largest: int) -> dict[bytes, bytes]:
        """The bytes of those mails that are small; a damaged one is left out, and complained of when read."""
        if not digests:
            return {}
        listed, parameters = listed_parameters("sha", digests)
        rows = self._connection.all(
            f"""
            SELECT sha256, codec, content, size FROM raw_mail
            WHERE sha256 IN ({listed}) AND size <= :largest AND codec < 2
            """,
            {**parameters, "largest": largest},
        )
        raws = {}
        for sha256, codec, content, size in rows:
            with suppress(ValueError):
                raws[sha256] = unpack(codec, content, size)
        return raws

    def still_claimed(self, deliveries: Iterable[StoredDelivery]) -> set[int]:
        """The ids of those whose claim holds: their lease was neither ended nor taken over."""
        leases = {delivery.id: delivery.lease for delivery in deliveries}
        listed, parameters = listed_parameters("id", leases)
        rows = self._connection.all(
            f"SELECT id, lease FROM delivery WHERE id IN ({listed}) AND state = 'waiting'", parameters
        )
        return {delivery for delivery, lease in rows if lease == leases[delivery]}

    def finish(self, delivery: int, outcome: Outcome, ticket: int | None, problem: str = "") -> None:
        self._connection.do(
            "UPDATE delivery SET state = :state, ticket = :ticket, problem = :problem WHERE id = :id",
            {"state": outcome.value, "ticket": ticket, "problem": problem, "id": delivery},
        )

    def defer(self, delivery: int, due: float, problem: str, *, attempts: int) -> None:
        """Give a delivery back, to be tried again at ``due``."""
        self._connection.do(
            """
            UPDATE delivery SET due = :due, lease = 0, problem = :problem, attempts = :attempts
            WHERE id = :id AND state = 'waiting'
            """,
            {"due": due, "problem": problem, "attempts": attempts, "id": delivery},
        )

    def give_back(self, deliveries: list[int]) -> None:
        """Undo a claim whose work was never begun."""
        self._connection.run_many(
            "UPDATE delivery SET lease = 0, attempts = attempts - 1 WHERE id = :id AND state = 'waiting'",
            [{"id": delivery} for delivery in deliveries],
        )

    def release_claim(self, lease: float) -> None:
        """Undo a claim that its claimer never saw."""
        self._connection.run(
            """
            UPDATE delivery SET lease = 0, attempts = attempts - 1
            WHERE state = 'waiting' AND lease = :lease
            """,
            {"lease": lease},
        )

    def requeue(self, delivery: int, now: float) -> bool:
        """Send a delivery that was set aside through the chain again."""
        changed = self._connection.run(
            """
            UPDATE delivery SET state = 'waiting', due = :now, lease = 0, attempts = 0
            WHERE id = :id AND state IN ('quarantined', 'ignored')
            """,
            {"id": delivery, "now": now},
        )
        return changed > 0

    def give_up(self, delivery: int) -> bool:
        """Count a quarantined delivery as ignored from now on."""
        changed = self._connection.run(
            "UPDATE delivery SET state = 'ignored' WHERE id = :id AND state = 'quarantined'", {"id": delivery}
        )
        return changed > 0

    def get(self, delivery: int) -> StoredDelivery | None:
        row = self._connection.one(f"SELECT {_COLUMNS} FROM delivery WHERE id = :id", {"id": delivery})
        return _stored(row) if row else None

    def finished_since(self, moment: float, after: int, limit: int) -> list[StoredDelivery]:
        """What came since then and went through its chain, by its id, from the one ``after`` on."""
        rows = self._connection.all(
            f"""
            SELECT {_COLUMNS} FROM delivery
            WHERE id > :after AND received >= :moment AND state <> 'waiting'
            ORDER BY id LIMIT :limit
            """,
            {"after": after, "moment": moment, "limit": limit},
        )
        return list(map(_stored, rows))

    def in_state(self, outcome: Outcome) -> list[StoredDelivery]:
        rows = self._connection.all(
            f"SELECT {_COLUMNS} FROM delivery WHERE state = :state ORDER BY id", {"state": outcome.value}
        )
        return list(map(_stored, rows))

    def oldest_waiting(self) -> float | None:
        """When the delivery was received that has waited longest for the chain."""
        row = self._connection.one("SELECT min(received) FROM delivery WHERE state = 'waiting'")
        return row[0] if row else None

    def counts(self) -> dict[Outcome, int]:
        """How many deliveries came to each outcome; a repeat counts as a duplicate."""
        counts = dict.fromkeys(Outcome, 0)
        for state, number, repeats in self._connection.all(
            "SELECT state, count(*), CAST(sum(repeats) AS bigint) FROM delivery GROUP BY state"
        ):
            counts[Outcome(state)] += number
            counts[Outcome.DUPLICATE] += repeats
        return counts
