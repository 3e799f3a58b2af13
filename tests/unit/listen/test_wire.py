"""Command lines come out whole, however they arrive, and a long one does not lose the next."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.listen.wire import COMMAND_LIMIT, LineTooLong, Wire
from tests.rig.raw_client import cut


def wire_with(*blocks: bytes) -> Wire:
    wire = Wire(asyncio.get_running_loop())
    for block in blocks:
        wire.feed(block)
    wire.feed_eof()
    return wire


async def all_lines(blocks: list[bytes]) -> list[bytes]:
    wire = wire_with(*blocks)
    lines = []
    while True:
        try:
            lines.append(await wire.line())
        except LineTooLong:
            lines.append(b"too long")
        except EOFError:
            return lines


@given(
    st.lists(st.sampled_from([b"NOOP", b"", b"x" * COMMAND_LIMIT, b"x" * (COMMAND_LIMIT + 2)]), max_size=6),
    st.lists(st.integers(0, 10_000), max_size=20),
)
def test_lines_come_out_in_order_and_a_long_one_as_one(lines: list[bytes], places: list[int]) -> None:
    octets = b"".join(line + b"\r\n" for line in lines)

    read = asyncio.run(all_lines(cut(octets, places)))

    assert read == [line if len(line) <= COMMAND_LIMIT else b"too long" for line in lines]


async def test_line_is_waited_for() -> None:
    wire = Wire(asyncio.get_running_loop())
    reading = asyncio.ensure_future(wire.line())
    await asyncio.sleep(0)
    wire.feed(b"NO")
    await asyncio.sleep(0)
    wire.feed(b"OP\r\nQUIT\r\n")

    assert await reading == b"NOOP"
    assert await wire.line() == b"QUIT"


async def test_endless_line_ends_the_session() -> None:
    wire = wire_with(*[b"x" * 65_536] * 20)

    with pytest.raises(EOFError):
        await wire.line()


async def test_what_was_put_back_is_read_next() -> None:
    wire = wire_with(b"content and NOOP\r\n", b"QUIT\r\n")
    assert await wire.block() == b"content and NOOP\r\nQUIT\r\n"
    wire.put_back(b"NOOP\r\nQUIT\r\n")

    assert await wire.line() == b"NOOP"
    assert await wire.block() == b"QUIT\r\n"


async def test_discard_takes_no_more_than_came_with_the_line() -> None:
    wire = wire_with(b"BDAT 9\r\n12345")
    await wire.line()
    wire.discard(9)
    wire.feed(b"NOOP\r\n")

    assert await wire.line() == b"NOOP"


class Pausable(asyncio.ReadTransport):
    """Counts how often reading was paused and resumed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


async def test_socket_is_paused_while_much_waits() -> None:
    wire, transport = Wire(asyncio.get_running_loop()), Pausable()
    wire.connect(transport)
    for _ in range(6):
        wire.feed(b"x" * 65_536)
    assert transport.calls == ["pause"]

    await wire.block()

    assert transport.calls == ["pause", "resume"]
