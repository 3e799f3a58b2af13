"""Lessons on topics and the models made of them, as they lie in the store."""

from __future__ import annotations

from mailproc.store.protocol import Store, Transaction
from mailproc.store.topics import EVERY_DESK, StaleModel

ONE, TWO = b"1" * 32, b"2" * 32
NOW = 1_795_000_000.0


def learn(tx: Transaction, desk: str, sha256: bytes, topic: str, *tokens: str) -> None:
    tx.topics.learn(desk, sha256, topic, now=NOW, tokens=tokens or None)


async def test_a_mail_has_one_topic_at_a_desk_the_one_said_last(store: Store) -> None:
    def work(tx: Transaction) -> None:
        learn(tx, "support", ONE, "billing", "invoice", "two words")
        learn(tx, "support", ONE, "delivery")
        learn(tx, "sales", ONE, "offers", "invoice")

    await store.write(work)
    lessons = await store.read(lambda tx: list(tx.topics.lessons("support")))
    assert lessons == [("delivery", frozenset({"invoice", "two words"}))]  # what it says is still known
    assert await store.read(lambda tx: tx.topics.label("sales", ONE)) == "offers"


async def test_what_every_desk_learns_a_desk_may_see_otherwise(store: Store) -> None:
    def work(tx: Transaction) -> None:
        learn(tx, EVERY_DESK, ONE, "billing", "invoice")
        learn(tx, EVERY_DESK, TWO, "login", "password")
        learn(tx, "support", ONE, "offers", "invoice")

    await store.write(work)
    at_support = dict(await store.read(lambda tx: list(tx.topics.lessons("support"))))
    assert set(at_support) == {"offers", "login"}
    assert {topic for topic, _ in await store.read(lambda tx: list(tx.topics.lessons("sales")))} == {
        "billing",
        "login",
    }


async def test_what_is_taken_back_is_gone(store: Store) -> None:
    await store.write(lambda tx: learn(tx, "support", ONE, "billing", "invoice"))
    assert await store.write(lambda tx: tx.topics.forget("support", ONE))
    assert not await store.write(lambda tx: tx.topics.forget("support", ONE))
    assert await store.read(lambda tx: list(tx.topics.lessons("support"))) == []


async def test_a_lesson_without_tokens_waits_to_be_read(store: Store) -> None:
    await store.write(lambda tx: tx.topics.learn("support", ONE, "billing", now=NOW, who="bob", tags=["vip"]))
    (unread,) = await store.read(lambda tx: tx.topics.unread(10))
    assert (unread.sha256, unread.tags) == (ONE, ("vip",))
    assert await store.read(lambda tx: list(tx.topics.lessons("support"))) == []
    await store.write(lambda tx: tx.topics.keep_tokens("support", ONE, ["invoice"]))
    assert await store.read(lambda tx: tx.topics.unread(10)) == []
    assert await store.read(lambda tx: list(tx.topics.lessons("support"))) == [
        ("billing", frozenset({"invoice"}))
    ]


async def test_a_model_is_stale_until_it_knows_all_lessons(store: Store) -> None:
    await store.write(lambda tx: learn(tx, "support", ONE, "billing", "invoice"))
    (stale,) = await store.read(lambda tx: tx.topics.stale())
    await store.write(lambda tx: learn(tx, "support", TWO, "login", "password"))  # while it is learnt
    await store.write(lambda tx: tx.topics.keep_model(stale, b"model" * 100, took=1.0, now=NOW))
    assert await store.read(lambda tx: tx.topics.stale()) == [StaleModel("support", 1, 1.0, NOW)]
    assert await store.read(lambda tx: tx.topics.model("support")) == b"model" * 100
    assert await store.read(lambda tx: tx.topics.version("support")) == ("support", 1)


async def test_a_desk_without_lessons_uses_the_model_of_all(store: Store) -> None:
    assert await store.read(lambda tx: tx.topics.version("sales")) == ("sales", 0)
    await store.write(lambda tx: learn(tx, EVERY_DESK, ONE, "billing", "invoice"))
    (stale,) = await store.read(lambda tx: tx.topics.stale())
    await store.write(lambda tx: tx.topics.keep_model(stale, b"model", took=1.0, now=NOW))
    assert await store.read(lambda tx: tx.topics.version("sales")) == (EVERY_DESK, 1)


async def test_a_lesson_for_all_makes_every_model_stale(store: Store) -> None:
    await store.write(lambda tx: learn(tx, "support", ONE, "billing", "invoice"))
    await store.write(lambda tx: learn(tx, EVERY_DESK, TWO, "login", "password"))
    stale = {each.desk: each.stale for each in await store.read(lambda tx: tx.topics.stale())}
    assert stale == {"support": 2, EVERY_DESK: 1}
