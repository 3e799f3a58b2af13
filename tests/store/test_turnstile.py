"""Workers wait for each other at the turnstile, and one that died stops nobody."""

from __future__ import annotations

import asyncio
import copy

from mailproc.store.turnstile import Turnstile


def workers(count: int) -> list[Turnstile]:
    """As forked processes have it: the pipe is shared, what one holds is not."""
    made = Turnstile()
    return [copy.copy(made) for _ in range(count)]


async def test_the_second_enters_when_the_first_has_left() -> None:
    first, second = workers(2)
    assert await first.enter()
    waiting = asyncio.create_task(second.enter())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.leave()
    assert await waiting


async def test_who_is_inside_need_not_wait_again() -> None:
    (only,) = workers(1)
    assert await only.enter()
    assert await only.enter()


async def test_a_token_that_a_dead_worker_took_along_is_replaced() -> None:
    dead, second, third = workers(3)
    assert await dead.enter()
    assert not await second.enter()
    second.leave()
    assert await third.enter()


async def test_a_token_that_was_thought_lost_makes_no_second_one() -> None:
    slow, second, third, fourth = workers(4)
    assert await slow.enter()
    assert not await second.enter()
    second.leave()
    slow.leave()
    assert await third.enter()
    assert not await fourth.enter()


async def test_a_token_that_comes_back_late_lets_nobody_in_beside_its_successor() -> None:
    slow, second, third, fourth = workers(4)
    assert await slow.enter()
    assert not await second.enter()
    second.leave()
    assert await third.enter()
    slow.leave()
    assert not await fourth.enter()
    third.leave()
    assert await fourth.enter()
