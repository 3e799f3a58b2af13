"""mailproc demo: the main job, on embedded parts in a temporary directory."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailproc.cli.output import fail
from mailproc.cli.table import printable

if TYPE_CHECKING:
    from mailproc.demo.scene import Scene
    from mailproc.mime.reader import Mail


@click.command()
@click.option("--once", is_flag=True, help="Play the loop, then end; status 0 only if all of it worked.")
def demo(once: bool) -> None:
    """Play a customer and two agents on a real daemon, then wait for your mail client."""
    if importlib.util.find_spec("pymap") is None:
        fail("demo: its IMAP server is not installed; get it with: pip install 'mailproc[demo]'")
    from mailproc.demo.wire import DemoFailed

    with tempfile.TemporaryDirectory(prefix="mailproc-demo-") as folder:
        try:
            asyncio.run(_demo(Path(folder), once=once))
        except (DemoFailed, TimeoutError) as error:
            fail(f"demo: {error or 'a step took too long'}")


async def _demo(folder: Path, *, once: bool) -> None:
    from mailproc.demo.letters import DESK, samples
    from mailproc.demo.scene import staged
    from mailproc.demo.walk import play
    from mailproc.demo.wire import deliver

    told = _Teller()
    async with staged(folder, click.echo, told) as scene:
        await play(scene)
        if once:
            return
        _invite(scene)
        told.is_on = True
        for sender, raw in samples():
            await deliver(scene.ports.lmtp, sender, DESK, raw)
        await _until_interrupted()


class _Teller:
    """Tells what leaves, once the scene is the user's."""

    is_on = False

    def __call__(self, recipient: str, mail: Mail) -> None:
        if self.is_on:
            click.echo(printable(f"→ {recipient}: {mail.subject}"))


def _invite(scene: Scene) -> None:
    from mailproc.demo.letters import DESK
    from mailproc.demo.scene import AGENTS, FOLDER, LOG, PASSWORD

    ports = scene.ports
    click.echo(
        f"""
Now you, until Ctrl-C.  Set up an account in your mail client, no encryption, password "{PASSWORD}":
  user     {" or ".join(f"{agent} ({agent}@example.org)" for agent in AGENTS)}
  IMAP     127.0.0.1 port {ports.imap}, where three mails of customers lie in {FOLDER}/New
  SMTP     127.0.0.1 port {ports.submission}, with the same user and password
Drag a mail to {FOLDER}/@alice, answer it, drag it to {FOLDER}/Closed or {FOLDER}/Spam.
What leaves is told here.
More mail of customers:
  curl --crlf smtp://127.0.0.1:{ports.smtp} --mail-from you@example.net --mail-rcpt {DESK} -T MAIL.eml
  or by LMTP to 127.0.0.1:{ports.lmtp}
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
