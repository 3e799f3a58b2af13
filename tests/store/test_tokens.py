"""Counts of words: exact, reversible, never below zero."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.desk.train import Label, Lesson, read_lesson, train, untrain
from mailproc.store.protocol import Store, Transaction

NOW = 1_795_000_000.0
FIRST = Lesson(b"1" * 32, frozenset({"cheap", "pills", "order"}))
SECOND = Lesson(b"2" * 32, frozenset({"order", "number"}))


def everything(tx: Transaction) -> tuple[object, ...]:
    words = FIRST.words | SECOND.words
    return tx.tokens.totals(), tx.tokens.counts(words), tx.tokens.distinct_words()


async def test_an_empty_store_knows_nothing(store: Store) -> None:
    assert await store.read(everything) == ((0, 0), {}, 0)


async def test_mails_are_counted_by_word_and_kind(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert train(tx, FIRST, Label.SPAM, NOW)
        assert train(tx, SECOND, Label.HAM, NOW)

    await store.write(work)
    assert await store.read(everything) == (
        (1, 1),
        {"cheap": (1, 0), "pills": (1, 0), "order": (1, 1), "number": (0, 1)},
        4,
    )


async def test_a_mail_trained_twice_counts_once(store: Store) -> None:
    assert await store.write(lambda tx: train(tx, FIRST, Label.SPAM, NOW))
    once = await store.read(everything)
    assert not await store.write(lambda tx: train(tx, FIRST, Label.SPAM, NOW))
    assert await store.read(everything) == once


async def test_a_mail_trained_as_the_other_kind_changes_sides(store: Store) -> None:
    await store.write(lambda tx: train(tx, FIRST, Label.SPAM, NOW))
    assert await store.write(lambda tx: train(tx, FIRST, Label.HAM, NOW))
    assert await store.read(lambda tx: tx.tokens.totals()) == (0, 1)
    assert await store.read(lambda tx: tx.tokens.counts(["cheap"])) == {"cheap": (0, 1)}


async def test_untraining_takes_back_all_and_only_this_mail(store: Store) -> None:
    await store.write(lambda tx: train(tx, SECOND, Label.HAM, NOW))
    before = await store.read(everything)
    await store.write(lambda tx: train(tx, FIRST, Label.SPAM, NOW))
    assert not await store.write(lambda tx: untrain(tx, FIRST.sha256, Label.HAM))  # it was learnt as spam
    assert await store.write(lambda tx: untrain(tx, FIRST.sha256))
    assert await store.read(everything) == before
    assert not await store.write(lambda tx: untrain(tx, FIRST.sha256))


async def test_more_words_than_one_question_takes_are_all_found(store: Store) -> None:
    words = frozenset(f"word{n}" for n in range(1111))
    await store.write(lambda tx: train(tx, Lesson(b"3" * 32, words), Label.HAM, NOW))
    found = await store.read(lambda tx: tx.tokens.counts(words | {"unknown"}))
    assert found == dict.fromkeys(words, (0, 1))


async def test_counts_never_fall_below_zero(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.tokens.add({"order"}, spam=1, ham=0)
        tx.tokens.take_back({"order", "never"}, spam=5, ham=5)

    await store.write(work)
    assert await store.read(everything) == ((0, 0), {}, 0)


def test_line_ends_make_no_other_mail() -> None:
    raw = b"Subject: Cheap pills\r\n\r\nBuy cheap pills\r\n"
    assert read_lesson(raw) == read_lesson(raw.replace(b"\r\n", b"\n"))
    assert "subject:cheap" in read_lesson(raw).words


ACTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([Label.HAM, Label.SPAM, None])), max_size=12)


class Undone(Exception):
    pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
async def test_counts_are_those_of_the_mails_that_are_learnt(
    store: Store, acts: list[tuple[int, Label | None]]
) -> None:
    lessons = [Lesson(bytes([n]) * 32, frozenset({f"only{n}", "all", f"half{n % 2}"})) for n in range(4)]

    def work(tx: Transaction) -> None:
        learnt: dict[int, Label] = {}
        for number, label in acts:
            if label is None:
                assert untrain(tx, lessons[number].sha256) == (learnt.pop(number, None) is not None)
            else:
                assert train(tx, lessons[number], label, NOW) == (learnt.get(number) != label)
                learnt[number] = label
        expected = tuple(list(learnt.values()).count(label) for label in (Label.SPAM, Label.HAM))
        assert tx.tokens.totals() == expected
        assert tx.tokens.counts(["all"]).get("all", (0, 0)) == expected
        assert tx.tokens.distinct_words() == len(set().union(*(lessons[n].words for n in learnt)))
        raise Undone

    with pytest.raises(Undone):
        await store.write(work)
