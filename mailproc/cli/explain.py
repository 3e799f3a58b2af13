"""mailproc explain: what would become of a mail, and why."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailproc.cli.context import choose_desk, clock_of
from mailproc.cli.filters import load_site, run_filters
from mailproc.cli.output import echo_json, fail
from mailproc.cli.story import tell
from mailproc.desk.explain import View
from mailproc.explaining import explaining
from mailproc.model.address import Address, BadAddress


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--desk", default="", help="The desk it comes to; may be left out where there is one.")
@click.option("--mail-from", default=None, metavar="A", help="Envelope sender; <> for the null reverse-path.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_context
def explain(
    ctx: click.Context, files: tuple[str, ...], desk: str, mail_from: str | None, as_json: bool
) -> None:
    """What would become of a mail, and why.  Nothing is stored or sent; no daemon is needed.

    FILE is a mail as it comes from the wire; - is standard input.
    """
    loaded = load_site(ctx)
    name = choose_desk(loaded, desk)
    mails = [(path, _read(path)) for path in files]

    async def work() -> list[View]:
        async with explaining(loaded, name, clock_of(ctx)) as judge:
            return [{"path": path, **await judge(raw, _sender(mail_from))} for path, raw in mails]

    views = run_filters(work())
    if as_json:
        echo_json(views)
    else:
        click.echo("\n\n".join(tell(view) for view in views))


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def _sender(text: str | None) -> Address | str | None:
    """None: from the mail itself; "": the null reverse-path."""
    if text is None:
        return None
    if text.strip() in ("", "<>"):
        return ""
    try:
        return Address.parse(text.strip().strip("<>"))
    except BadAddress as error:
        fail(str(error))
