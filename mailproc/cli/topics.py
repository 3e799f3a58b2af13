"""mailproc topics: teach what mails are about, and ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from mailproc.cli.context import choose_desk, clock_of, read_site, run_with_store
from mailproc.cli.mail_files import MailFile, mails_in
from mailproc.cli.output import echo_json, fail
from mailproc.cli.progress import progress
from mailproc.cli.table import printable
from mailproc.desk.topics import digest_of, learn_model, tokens_of
from mailproc.desk.view import rfc3339
from mailproc.model.topics import MOST_REASONS, NONE, TopicModel, from_bytes
from mailproc.store.protocol import Store, Transaction
from mailproc.store.topics import EVERY_DESK

AT_ONCE = 100  # mails learnt in one transaction

DESK = click.option("--desk", default="", metavar="NAME", help="Of this desk only; all desks by default.")
PATHS = click.Path(exists=True, path_type=Path)


@click.group()
def topics() -> None:
    """Teach what mails are about, and ask.

    PATH is a mail, a directory of mails (recursive), an mbox or a Maildir.  The label "none" is for
    mails that are about none of the topics.
    """


@topics.command()
@click.argument("labelled", nargs=-1, required=True, metavar="LABEL=PATH...")
@DESK
@click.pass_context
def train(ctx: click.Context, labelled: tuple[str, ...], desk: str) -> None:
    """Learn mails as being about LABEL; each mail counts once, with what was said of it last.

    Further paths of the same label may follow without it: billing=a.eml b.eml sales=Sales/
    """
    chosen = _chosen(ctx, desk)
    lessons, now = _labelled(labelled), clock_of(ctx)()

    async def work(store: Store) -> tuple[int, int]:
        changed = seen = 0
        with progress(_files(lessons), "reading") as files:
            while batch := list(islice(files, AT_ONCE)):
                changed += await _learn(store, chosen, batch, now)
                seen += len(batch)
        await _learn_models(store, now)
        return changed, seen

    changed, seen = run_with_store(ctx, work)
    click.echo(f"learnt {changed} of {seen} mails, {seen - changed} were known", err=True)


@topics.command()
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@DESK
@click.pass_context
def untrain(ctx: click.Context, paths: tuple[Path, ...], desk: str) -> None:
    """Take back what was learnt from mails."""
    chosen, now = _chosen(ctx, desk), clock_of(ctx)()

    async def work(store: Store) -> tuple[int, int]:
        digests = [digest_of(file.raw) for file in mails_in(paths)]
        changed = await store.write(lambda tx: sum(tx.topics.forget(chosen, each) for each in digests))
        await _learn_models(store, now)
        return changed, len(digests)

    changed, seen = run_with_store(ctx, work)
    click.echo(f"took back {changed} of {seen} mails", err=True)


@topics.command()
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@DESK
@click.option("--json", "as_json", is_flag=True, help="One JSON object per mail.")
@click.pass_context
def score(ctx: click.Context, paths: tuple[Path, ...], desk: str, as_json: bool) -> None:
    """Every topic of each mail, the likeliest first, whatever the thresholds."""
    chosen = _chosen(ctx, desk)

    async def work(store: Store) -> None:
        model = await store.read(lambda tx: _model(tx, tx.topics.version(chosen)[0]))
        for file in mails_in(paths):
            ranked = model.judge(await tokens_of(file.raw))
            found = [{"topic": each.topic, "probability": round(each.probability, 4)} for each in ranked]
            if as_json:
                echo_json([{"path": file.path, "topics": found}])
            else:
                shown = ", ".join(f"{printable(each.topic)} {each.probability:.0%}" for each in ranked[:3])
                words = printable(", ".join(ranked[0].reasons[:MOST_REASONS])) if ranked else ""
                click.echo(f"{printable(file.path)}  {shown or 'nothing was learnt'}  {words}".rstrip())

    run_with_store(ctx, work)


@topics.command()
@DESK
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, desk: str, as_json: bool) -> None:
    """How many mails were learnt of each topic, and how new the model is."""
    chosen = _chosen(ctx, desk)

    def look(tx: Transaction) -> dict[str, Any]:
        used, version = tx.topics.version(chosen)
        model = _model(tx, used)
        at = next((at for name, _, at, _ in tx.topics.models() if name == used and version), None)
        return {
            "desk": chosen or None,
            "lessons": tx.topics.counts(chosen),
            "topics": list(model.topics),
            "tokens": len(model.entries),
            "learnt": rfc3339(at),
            "waiting": sum(each.stale for each in tx.topics.stale() if each.desk in (chosen, EVERY_DESK)),
        }

    async def work(store: Store) -> dict[str, Any]:
        return await store.read(look)

    found = run_with_store(ctx, work)
    if as_json:
        echo_json([found])
        return
    for topic, count in found["lessons"].items():
        known = "" if topic in found["topics"] or topic == NONE else "  too few to be a topic"
        click.echo(f"{count:7}  {printable(topic)}{known}")
    click.echo(f"{len(found['topics'])} topics, {found['tokens']} words; {found['waiting']} lessons wait")


def _chosen(ctx: click.Context, desk: str) -> str:
    """The desk that is meant: the named one, the only one, or "" for all."""
    loaded = read_site(ctx)
    return choose_desk(loaded, desk) if desk or len(loaded.config.desk) == 1 else EVERY_DESK


def _labelled(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Labels with their paths; a path without a label has the one before it."""
    found: list[tuple[str, Path]] = []
    for argument in arguments:
        label, is_labelled, path = argument.partition("=")
        if not is_labelled or "/" in label or (found and Path(argument).exists()):
            if not found:
                raise click.UsageError(f"{argument}: give LABEL=PATH")
            label, path = found[-1][0], argument
        if not label.strip() or "\n" in label:
            raise click.UsageError(f"{argument}: the label is missing")
        if not path or not Path(path).exists():
            raise click.UsageError(f"{path}: no such file or directory")
        found.append((label.strip(), Path(path)))
    return found


def _files(lessons: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, MailFile]]:
    for label, path in lessons:
        for file in mails_in([path]):
            yield label, file


def _model(tx: Transaction, desk: str) -> TopicModel:
    content = tx.topics.model(desk)
    return from_bytes(content) if content else TopicModel.empty()


async def _learn(store: Store, desk: str, batch: Sequence[tuple[str, MailFile]], now: float) -> int:
    """Learn those that were not learnt so before; how many that were."""
    read = [(label, digest_of(file.raw), await tokens_of(file.raw)) for label, file in batch]

    def learn(tx: Transaction) -> int:
        changed = 0
        for label, sha256, tokens in read:
            if tx.topics.label(desk, sha256) != label:
                tx.topics.learn(desk, sha256, label, now=now, tokens=tokens)
                changed += 1
        return changed

    return await store.write(learn)


async def _learn_models(store: Store, now: float) -> None:
    """Every model that does not know all lessons; of one that was never asked for lessons only its own."""
    for model in await store.read(lambda tx: tx.topics.stale()):
        if not await learn_model(store, model, now):
            fail("the model could not be learnt; the lessons are kept")
