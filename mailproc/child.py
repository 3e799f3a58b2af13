"""Work that must not harm the daemon, in a process of its own: bounded in time, memory and output.

The child is ``python -m MODULE``: it bounds itself by ``confine`` before it reads its input, writes no
file, and prints its result. Whatever goes wrong in it is ``ChildFailed`` for the parent.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from contextlib import suppress


class ChildFailed(Exception):
    """The child took too long or too much, or ended with an error."""


async def run_in_child(module: str, content: bytes, *, seconds: float, most: int) -> bytes:
    """What ``module`` makes of ``content``: at most ``most`` bytes, within ``seconds`` of the clock."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-X", "utf8", "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(seconds):
            return await _converse(process, content, most)
    except TimeoutError:
        raise ChildFailed(f"no result within {seconds:g} s") from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _converse(process: asyncio.subprocess.Process, content: bytes, most: int) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    writing = asyncio.ensure_future(_write(process.stdin, content))
    try:
        result = await _read(process.stdout, most)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    status = await process.wait()
    if status:
        raise ChildFailed(f"ended with status {status}")
    return result


async def _write(pipe: asyncio.StreamWriter, content: bytes) -> None:
    pipe.write(content)
    await pipe.drain()
    pipe.close()


async def _read(pipe: asyncio.StreamReader, most: int) -> bytes:
    pieces: list[bytes] = []
    while piece := await pipe.read(65_536):
        pieces.append(piece)
        if sum(map(len, pieces)) > most:
            raise ChildFailed(f"printed more than {most} bytes")
    return b"".join(pieces)


def confine(*, cpu: int, memory: int) -> None:
    """In the child: so many seconds of CPU, so many bytes of memory, no file, no core."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
