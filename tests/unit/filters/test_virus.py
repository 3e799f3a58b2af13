"""The virus stage against servers that speak clamd's INSTREAM, or do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailproc.model.option import build
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import CONTINUE, Course, LookUps, Verdict

Make = Callable[..., Delivery]
Speak = Callable[[bytes], Awaitable[bytes | None]]


async def read_stream(reader: asyncio.StreamReader) -> bytes:
    """What a client streams, as clamd reads it."""
    assert await reader.readexactly(10) == b"zINSTREAM\0"
    content = b""
    while length := int.from_bytes(await reader.readexactly(4), "big"):
        content += await reader.readexactly(length)
    return content


@asynccontextmanager
async def scanner(path: Path, speak: Speak) -> AsyncIterator[str]:
    """A server on a Unix socket; ``speak`` makes its answer of the mail, None closes without one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            content = await read_stream(reader)
            at_work.append(asyncio.ensure_future(speak(content)))
            with suppress(asyncio.CancelledError):
                writer.write(await at_work[-1] or b"")
        finally:
            writer.close()
            await writer.wait_closed()

    at_work: list[asyncio.Future[Any]] = []
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix:{path}"
    finally:
        for work in at_work:
            work.cancel()
        server.close()
        await asyncio.sleep(0.01)  # for the ends of what was cut off


@pytest.fixture
def scanned(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    tmp_path: Path,
) -> Callable[..., Any]:
    """Scans a mail with a server that answers so; returns the verdict, the mail, and what the server got."""

    async def scan(
        answer: bytes | None, raw: bytes = b"", **options: Any
    ) -> tuple[Verdict, Delivery, list[bytes]]:
        got: list[bytes] = []

        async def speak(content: bytes) -> bytes | None:
            got.append(content)
            return answer

        async with scanner(tmp_path / "clamd", speak) as clamd:
            stage = filter_module("virus").Filter(clamd=clamd, **options)
            await stage.open(look_ups())
            made = delivery(raw=raw)
            return await stage.process(made), made, got

    return scan


async def test_the_whole_mail_is_streamed_as_it_came(scanned: Callable[..., Any]) -> None:
    raw = b"Subject: x\r\n\r\n" + bytes(range(256)) * 1000
    verdict, made, got = await scanned(b"stream: OK\0", raw)
    assert verdict == CONTINUE
    assert got == [raw]
    assert made.tags == ()
    assert made.results[-1].scores == {"scanned": True, "found": False, "name": ""}


@pytest.mark.parametrize(
    ("found", "course"),
    [("quarantine", Course.QUARANTINE), ("ignore", Course.IGNORE), ("tag", Course.CONTINUE)],
)
async def test_a_virus_is_set_aside_as_the_site_says(
    scanned: Callable[..., Any], found: str, course: Course
) -> None:
    verdict, made, _ = await scanned(b"stream: Eicar-Test-Signature FOUND\0", found=found)
    assert verdict.course is course
    assert made.tags == ("virus",)
    assert made.results[-1].notes == {"virus": "Eicar-Test-Signature"}
    assert made.results[-1].scores["name"] == "Eicar-Test-Signature"


async def test_a_name_that_would_break_a_line_is_made_printable(scanned: Callable[..., Any]) -> None:
    _, made, _ = await scanned(b"stream: Bad\r\nX-Evil: 1 FOUND\0", found="tag")
    assert made.results[-1].notes == {"virus": "Bad??X-Evil: 1"}


async def test_what_clamd_finds_too_large_passes_unscanned(scanned: Callable[..., Any]) -> None:
    verdict, made, _ = await scanned(b"INSTREAM size limit exceeded. ERROR\0")
    assert (verdict, made.tags) == (CONTINUE, ("virus-unscanned",))


async def test_what_is_larger_than_the_limit_is_not_sent(scanned: Callable[..., Any]) -> None:
    verdict, made, got = await scanned(b"stream: OK\0", b"A: b\r\n\r\n" + bytes(100), most=99)
    assert (verdict, made.tags, got) == (CONTINUE, ("virus-unscanned",), [])
    assert made.results[-1].scores["scanned"] is False


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"stream: \0",
        b"UNKNOWN COMMAND\0",
        b"stream: Can't allocate memory ERROR\0",
        b"\xff" * 9000,
        b"OKAY",
    ],
)
async def test_any_other_answer_is_a_failure_of_the_stage(
    scanned: Callable[..., Any], filter_module: Callable[[str], ModuleType], answer: bytes | None
) -> None:
    with pytest.raises(filter_module("virus").NoVerdict):
        await scanned(answer)


async def test_a_server_that_hangs_is_left_after_the_time(
    filter_module: Callable[[str], ModuleType], delivery: Make, tmp_path: Path
) -> None:
    async def never(content: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with scanner(tmp_path / "clamd", never) as clamd:
        stage = filter_module("virus").Filter(clamd=clamd, seconds=0.05)
        with pytest.raises(filter_module("virus").NoVerdict, match="did not answer"):
            await stage.process(delivery())


async def test_a_server_that_is_away_is_a_failure_of_the_stage(
    filter_module: Callable[[str], ModuleType], delivery: Make, tmp_path: Path
) -> None:
    for clamd in (f"unix:{tmp_path}/none", "127.0.0.1:1"):
        with pytest.raises(filter_module("virus").NoVerdict):
            await filter_module("virus").Filter(clamd=clamd).process(delivery())


@pytest.mark.parametrize("clamd", ["", "unix:", "localhost", "localhost:0", "localhost:99999", "localhost:x"])
def test_an_address_that_is_none_is_a_mistake(filter_module: Callable[[str], ModuleType], clamd: str) -> None:
    mistakes: list[Any] = []
    build(filter_module("virus").Filter, {"clamd": clamd}, ("stage", "virus"), mistakes)
    assert len(mistakes) == 1
    assert mistakes[0].key == ("stage", "virus", "clamd")
