"""Counts in a worker's memory: as in the store, whoever trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.desk.known_tokens import KnownTokens
from mailproc.desk.train import Label, Lesson, rebuild, train, untrain, untrain_agent
from mailproc.store.protocol import Store
from mailproc.store.sqlite import open_sqlite
from mailproc.store.tokens import KEPT_CHANGES

OpenStore = Callable[[], Store]

WORDS = frozenset({"cheap", "order", "subject:cheap", "unknown"})


def lesson(number: int, *words: str) -> Lesson:
    return Lesson(bytes([number % 256, number // 256]) * 16, frozenset(words))


async def seen(known: KnownTokens) -> tuple[tuple[int, int], dict[str, tuple[int, int]]]:
    return await known.totals(), await known.counts(WORDS)


async def kept(store: Store) -> tuple[tuple[int, int], dict[str, tuple[int, int]]]:
    return await store.read(lambda tx: (tx.tokens.totals(), tx.tokens.counts(WORDS)))


@pytest.mark.parametrize("most", [1, 100])
async def test_what_another_process_trains_is_known_at_the_next_mail(
    open_store: OpenStore, most: int
) -> None:
    """With all counts in memory, and with room for few."""
    here, elsewhere = open_store(), open_store()
    known = KnownTokens(here, most=most, ask=2)
    for number in range(8):
        taught = lesson(number, "cheap", f"w{number}", "order" if number % 2 else "subject:cheap")
        await elsewhere.write(partial(train, lesson=taught, label=Label.SPAM, now=1.0))
        assert await seen(known) == await kept(elsewhere)
    await elsewhere.write(lambda tx: untrain(tx, lesson(1).sha256))
    assert await seen(known) == await kept(elsewhere)
    await elsewhere.write(lambda tx: rebuild(tx))
    assert await seen(known) == await kept(elsewhere)


async def test_a_worker_that_slept_through_the_log_reads_all_anew(open_store: OpenStore) -> None:
    store = open_store()
    known = KnownTokens(store, ask=1)
    await store.write(lambda tx: train(tx, lesson(0, "cheap"), Label.SPAM, 1.0))
    for _ in range(3):
        await seen(known)

    def teach_much(tx: object) -> None:
        for number in range(1, KEPT_CHANGES + 10):
            train(tx, lesson(number, "cheap"), Label.HAM, 1.0)  # type: ignore[arg-type]

    await store.write(teach_much)
    assert await store.read(lambda tx: tx.tokens.changed_since(1)) is None
    assert await seen(known) == ((1, KEPT_CHANGES + 9), {"cheap": (1, KEPT_CHANGES + 9)})


async def test_with_all_counts_in_memory_the_store_is_asked_for_the_last_change_only(
    open_store: OpenStore,
) -> None:
    store = open_store()
    await store.write(lambda tx: train(tx, lesson(0, "cheap"), Label.SPAM, 1.0))
    known = KnownTokens(store, ask=1)
    for _ in range(3):
        await seen(known)
    asked: list[int] = []
    read = store.read

    async def counted(work: Callable[..., object]) -> object:
        asked.append(1)
        return await read(work)

    store.read = counted  # type: ignore[method-assign,assignment]
    await seen(known)
    assert len(asked) == 1
    store.read = read  # type: ignore[method-assign]


async def test_what_one_agent_taught_since_a_time_can_be_taken_back(open_store: OpenStore) -> None:
    """Attack A27: an agent who taught wrong things."""
    store = open_store()
    for number, (agent, at) in enumerate([("alice", 1.0), ("bob", 1.0), ("bob", 9.0), ("", 9.0)]):
        taught = lesson(number, "cheap", f"by{agent}{at:.0f}")
        await store.write(partial(train, lesson=taught, label=Label.SPAM, now=at, agent=agent))
    assert await store.write(lambda tx: untrain_agent(tx, "bob", 5.0)) == 1
    assert await store.write(lambda tx: untrain_agent(tx, "nobody")) == 0
    left = await store.read(lambda tx: tx.tokens.counts(["cheap", "byalice1", "bybob1", "bybob9", "by9"]))
    assert left == {"cheap": (3, 0), "byalice1": (1, 0), "bybob1": (1, 0), "by9": (1, 0)}


async def test_counts_can_be_made_again_from_what_was_learnt(open_store: OpenStore) -> None:
    store = open_store()
    for number, label in enumerate((Label.SPAM, Label.HAM, Label.HAM)):
        taught = lesson(number, "cheap")
        await store.write(partial(train, lesson=taught, label=label, now=1.0, agent="alice"))
    before = await kept(store)
    await store.write(lambda tx: tx.tokens.add({"cheap", "stray"}, spam=7, ham=0))
    assert await store.write(lambda tx: rebuild(tx)) == (0, 3)
    assert await kept(store) == before
    assert (
        await store.read(lambda tx: [each.agent for each in tx.tokens.all_learnt("alice")]) == ["alice"] * 3
    )


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["spam", "ham", "untrain", "rebuild", "look"])), max_size=25
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, most=st.sampled_from([1, 3, 100]), ask=st.sampled_from([0, 1, 4]))
async def test_memory_and_store_agree_after_any_steps(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]], most: int, ask: int
) -> None:
    # On SQLite only: PostgreSQL would need minutes, and runs the same statements in the tests above.
    path = tmp_path_factory.mktemp("known") / "m.db"
    here, elsewhere = open_sqlite(path), open_sqlite(path)
    known = KnownTokens(here, most=most, ask=ask)
    for number, step in steps:
        taught = lesson(number, "cheap", "order" if number % 2 else "subject:cheap")
        if step in ("spam", "ham"):
            await elsewhere.write(partial(train, lesson=taught, label=Label(step), now=1.0))
        elif step == "untrain":
            await elsewhere.write(partial(untrain, sha256=taught.sha256))
        elif step == "rebuild":
            await elsewhere.write(lambda tx: rebuild(tx))
        assert await seen(known) == await kept(elsewhere)
    await here.close()
    await elsewhere.close()
