"""What mails are about, as people said, and the models that were learnt from that (model/topics.py)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mailproc.store.codec import pack, unpack
from mailproc.store.connection import Connection

EVERY_DESK = ""
MOST_LESSONS = 20_000  # the newest count


@dataclass(frozen=True, slots=True)
class Unread:
    """A lesson whose mail was not read yet."""

    desk: str
    sha256: bytes
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StaleModel:
    """A model that does not know all lessons; ``stale`` says how much, ``took`` how long it took to learn."""

    desk: str
    stale: int
    took: float
    at: float


class Topics:
    """Statements on ``topic_lesson`` and ``topic_model``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Lessons

    def label(self, desk: str, sha256: bytes) -> str | None:
        """The topic that a mail was learnt as at exactly this desk."""
        row = self._connection.one(
            "SELECT topic FROM topic_lesson WHERE desk = :desk AND sha256 = :sha256",
            {"desk": desk, "sha256": sha256},
        )
        return row[0] if row else None

    def learn(
        self,
        desk: str,
        sha256: bytes,
        topic: str,
        *,
        now: float,
        who: str = "",
        tags: Collection[str] = (),
        tokens: Collection[str] | None = None,
    ) -> None:
        """A mail is about this; without ``tokens`` it is read later.  What was said of it before is
        forgotten."""
        size, codec, content = _packed(tokens) if tokens is not None else (-1, 0, None)
        self._connection.run(
            """
            INSERT INTO topic_lesson (desk, sha256, topic, who, tags, size, codec, tokens, at)
            VALUES (:desk, :sha256, :topic, :who, :tags, :size, :codec, :tokens, :at)
            ON CONFLICT (desk, sha256) DO UPDATE
            SET topic = excluded.topic, who = excluded.who, tags = excluded.tags, at = excluded.at,
                size = CASE WHEN excluded.size < 0 THEN topic_lesson.size ELSE excluded.size END,
                codec = CASE WHEN excluded.size < 0 THEN topic_lesson.codec ELSE excluded.codec END,
                tokens = CASE WHEN excluded.size < 0 THEN topic_lesson.tokens ELSE excluded.tokens END
            """,
            {
                "desk": desk,
                "sha256": sha256,
                "topic": topic,
                "who": who,
                "tags": json.dumps(sorted(tags), ensure_ascii=False),
                "size": size,
                "codec": codec,
                "tokens": content,
                "at": now,
            },
        )
        self._make_stale(desk)

    def forget(self, desk: str, sha256: bytes) -> bool:
        """Take a lesson back; False where there was none."""
        found = self._connection.run(
            "DELETE FROM topic_lesson WHERE desk = :desk AND sha256 = :sha256",
            {"desk": desk, "sha256": sha256},
        )
        if found:
            self._make_stale(desk)
        return bool(found)

    def unread(self, limit: int) -> list[Unread]:
        rows = self._connection.all(
            "SELECT desk, sha256, tags FROM topic_lesson WHERE size < 0 ORDER BY at LIMIT :limit",
            {"limit": limit},
        )
        return [Unread(desk, sha256, tuple(json.loads(tags))) for desk, sha256, tags in rows]

    def keep_tokens(self, desk: str, sha256: bytes, tokens: Collection[str]) -> None:
        """What a lesson's mail says."""
        size, codec, content = _packed(tokens)
        self._connection.run(
            """
            UPDATE topic_lesson SET size = :size, codec = :codec, tokens = :tokens
            WHERE desk = :desk AND sha256 = :sha256
            """,
            {"size": size, "codec": codec, "tokens": content, "desk": desk, "sha256": sha256},
        )

    def counts(self, desk: str) -> dict[str, int]:
        """How many mails were learnt of each topic, by a desk and by every desk."""
        rows = self._connection.all(
            """
            SELECT topic, count(*) FROM topic_lesson WHERE desk IN (:desk, '') GROUP BY topic ORDER BY topic
            """,
            {"desk": desk},
        )
        return dict(rows)

    def lessons(self, desk: str) -> Iterator[tuple[str, frozenset[str]]]:
        """The topic and the tokens of each mail that a desk's model is learnt from, the newest first."""
        seen: set[bytes] = set()
        for sha256, topic, size, codec, content in self._connection.all(
            """
            SELECT sha256, topic, size, codec, tokens FROM topic_lesson
            WHERE desk IN (:desk, '') AND size > 0
            ORDER BY CASE WHEN desk = '' THEN 1 ELSE 0 END, at DESC, sha256 LIMIT :limit
            """,
            {"desk": desk, "limit": MOST_LESSONS},
        ):
            if sha256 not in seen:
                seen.add(sha256)
                yield topic, frozenset(unpack(codec, content, size).decode().split("\n"))

    # Models

    def _make_stale(self, desk: str) -> None:
        """A desk's model, or those of all, must be learnt again."""
        self._connection.run(
            "INSERT INTO topic_model (desk, stale) VALUES (:desk, 0) ON CONFLICT (desk) DO NOTHING",
            {"desk": desk},
        )
        self._connection.run(
            "UPDATE topic_model SET stale = stale + 1 WHERE desk = :desk OR :desk = ''", {"desk": desk}
        )

    def stale(self) -> list[StaleModel]:
        rows = self._connection.all(
            "SELECT desk, stale, took, at FROM topic_model WHERE stale > 0 ORDER BY desk"
        )
        return [StaleModel(*row) for row in rows]

    def keep_model(self, model: StaleModel, content: bytes, *, took: float, now: float) -> None:
        """The model of all lessons that there were when it counted as so stale."""
        codec, packed = pack(content)
        self._connection.run(
            """
            UPDATE topic_model
            SET version = version + 1, stale = stale - :stale, took = :took, at = :at,
                size = :size, codec = :codec, content = :content
            WHERE desk = :desk
            """,
            {
                "stale": model.stale,
                "took": took,
                "at": now,
                "size": len(content),
                "codec": codec,
                "content": packed,
                "desk": model.desk,
            },
        )

    def version(self, desk: str) -> tuple[str, int]:
        """Whose model a desk uses, its own or that of all, and its version; 0 where there is none."""
        row = self._connection.one(
            """
            SELECT desk, version FROM topic_model
            WHERE desk IN (:desk, '') AND version > 0 ORDER BY desk DESC LIMIT 1
            """,
            {"desk": desk},
        )
        return (row[0], row[1]) if row else (desk, 0)

    def model(self, desk: str) -> bytes | None:
        """The model of exactly this desk."""
        row = self._connection.one(
            "SELECT codec, content, size FROM topic_model WHERE desk = :desk AND version > 0", {"desk": desk}
        )
        return unpack(*row) if row else None

    def models(self) -> list[tuple[str, int, float, float]]:
        """Desk, version, when it was learnt and how long that took, of every model."""
        return [
            tuple(row)
            for row in self._connection.all("SELECT desk, version, at, took FROM topic_model ORDER BY desk")
        ]


def _packed(tokens: Collection[str]) -> tuple[int, int, bytes]:
    content = "\n".join(sorted(tokens)).encode()
    codec, packed = pack(content)
    return len(content), codec, packed
