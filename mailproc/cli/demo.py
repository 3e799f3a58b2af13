"""mailproc demo: the main job, on embedded parts in a temporary directory."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path

import click

from mailproc.cli.context import fail
from mailproc.demo.scene import DESK, LOG, DemoFailed, Scene, play, staged


@click.command()
@click.option("--once", is_flag=True, help="Play the loop, then end; status 0 only if all of it worked.")
def demo(once: bool) -> None:
    """Play customer, ticket, acknowledgement and follow-up on a real daemon, then wait for your mail."""
    with tempfile.TemporaryDirectory(prefix="mailproc-demo-") as folder:
        try:
            asyncio.run(_demo(Path(folder), once=once))
        except (DemoFailed, TimeoutError) as error:
            fail(f"demo: {error or 'a step took too long'}")


async def _demo(folder: Path, *, once: bool) -> None:
    async with staged(folder, click.echo) as scene:
        await play(scene)
        if not once:
            _invite(scene)
            await _until_interrupted()


def _invite(scene: Scene) -> None:
    click.echo(
        f"""
Now you.  Until Ctrl-C the daemon takes mail for {DESK}:
  LMTP 127.0.0.1:{scene.ports.lmtp}, SMTP 127.0.0.1:{scene.ports.smtp}
  curl --crlf smtp://127.0.0.1:{scene.ports.smtp} --mail-from you@example.net --mail-rcpt {DESK} -T MAIL.eml
Look at it with
  mailproc -c {scene.configuration} ticket list
  mailproc -c {scene.configuration} ticket show NUMBER
  tail -f {scene.configuration.with_name(LOG)}"""
    )


async def _until_interrupted() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
