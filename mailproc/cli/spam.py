"""mailproc spam: teach the classifier, and ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from mailproc.cli.context import clock_of, run, run_with_store, with_store
from mailproc.cli.filters import load_site
from mailproc.cli.mail_files import MailFile, mails_in
from mailproc.cli.output import echo_json
from mailproc.cli.progress import progress
from mailproc.cli.table import printable
from mailproc.config import Loaded
from mailproc.desk.known_tokens import KnownTokens
from mailproc.desk.train import (
    Label,
    Lesson,
    read_lesson,
    rebuild,
    train,
    untrain,
    untrain_agent,
    upstream_of,
)
from mailproc.model.bayes import CutOffs, judge, untrained
from mailproc.store.protocol import Store, Transaction

AT_ONCE = 100  # mails learnt in one transaction

DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
PATHS = click.Path(exists=True, path_type=Path)


class PathLists(click.Command):
    """Lets ``--ham`` and ``--spam`` take several paths each: ``--ham A B --spam C``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spread(args, ("--ham", "--spam")))


def spread(args: Sequence[str], lists: Sequence[str]) -> list[str]:
    """``--ham A B`` as click wants it: ``--ham A --ham B``."""
    result: list[str] = []
    current = ""
    for position, arg in enumerate(args):
        if arg in lists:
            current = arg
            if args[position + 1 : position + 2] in ([], *([name] for name in lists)):
                result.append(arg)  # without a path: click says so
        elif arg.startswith("-") and arg != "-":
            current = ""
            result.append(arg)
        else:
            result += [current, arg] if current else [arg]
    return result


@click.group()
def spam() -> None:
    """Teach the spam classifier, and ask it.

    PATH is a mail, a directory of mails (recursive), an mbox or a Maildir.
    """


def _labelled(command: Callable[..., None]) -> Callable[..., None]:
    for label in (Label.SPAM, Label.HAM):
        command = click.option(
            f"--{label}", multiple=True, type=PATHS, metavar="PATH...", help=f"Mails that are {label}."
        )(command)
    return command


@spam.command("train", cls=PathLists)
@_labelled
@click.pass_context
def train_command(ctx: click.Context, ham: tuple[Path, ...], spam: tuple[Path, ...]) -> None:
    """Learn mails as ham and as spam; each mail counts once, however often it is trained."""
    if not ham and not spam:
        raise click.UsageError("nothing to learn: give --ham PATH... or --spam PATH...")

    def learn(tx: Transaction, lesson: Lesson, label: Label | None) -> bool:
        return train(tx, lesson, label or Label.HAM, clock_of(ctx)())

    changed, seen = _teach(ctx, {Label.HAM: ham, Label.SPAM: spam}, learn)
    click.echo(f"learnt {changed} of {seen} mails, {seen - changed} were known", err=True)


@spam.command("untrain", cls=PathLists)
@click.argument("paths", nargs=-1, type=PATHS, metavar="[PATH]...")
@_labelled
@click.option("--agent", default="", metavar="NAME", help="All that this agent taught in the folder.")
@click.option("--since", type=DAY, metavar="DAY", help="Only what that agent taught since.")
@click.pass_context
def untrain_command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    ham: tuple[Path, ...],
    spam: tuple[Path, ...],
    agent: str,
    since: datetime | None,
) -> None:
    """Take back what was learnt from mails; with --ham or --spam only where it was learnt so."""
    if not (paths or ham or spam or agent):
        raise click.UsageError("nothing to take back: give PATH... or --agent NAME")
    if since is not None and not agent:
        raise click.UsageError("--since goes with --agent")
    if agent:
        _untrain_agent(ctx, agent, since.timestamp() if since else 0.0)
    if not (paths or ham or spam):
        return

    def take_back(tx: Transaction, lesson: Lesson, label: Label | None) -> bool:
        return untrain(tx, lesson.sha256, label)

    changed, seen = _teach(ctx, {None: paths, Label.HAM: ham, Label.SPAM: spam}, take_back)
    click.echo(f"took back {changed} of {seen} mails", err=True)


def _untrain_agent(ctx: click.Context, agent: str, since: float) -> None:
    async def work(store: Store) -> int:
        return await store.write(lambda tx: untrain_agent(tx, agent, since))

    click.echo(f"took back {run_with_store(ctx, work)} mails that {agent} taught", err=True)


@spam.command("rebuild")
@click.pass_context
def rebuild_command(ctx: click.Context) -> None:
    """Make all counts again from what was learnt, reading again the mails that are still stored.

    To be run after an upgrade that changed what is read of a mail; CHANGELOG says so.
    """
    loaded = load_site(ctx)
    hosts = upstream_of(_options(loaded))

    async def work(store: Store) -> tuple[int, int]:
        return await store.write(lambda tx: rebuild(tx, hosts))

    anew, everything = run(with_store(loaded, work))
    click.echo(f"counted {everything} mails again, {anew} of them were read again", err=True)


@spam.command()
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option("--desk", default="", metavar="NAME", help="Whose cut-offs; the stage's own, by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per mail.")
@click.pass_context
def score(ctx: click.Context, paths: tuple[Path, ...], desk: str, as_json: bool) -> None:
    """Score mails from 0 (ham) to 1 (spam), with the words that decided."""
    loaded = load_site(ctx)
    cut_offs, hosts = _cut_offs(loaded, desk), upstream_of(_options(loaded))

    async def work(store: Store) -> None:
        known = KnownTokens(store)
        for file in mails_in(paths):
            _show(await _score(known, file, cut_offs, hosts), as_json)

    run(with_store(loaded, work))


@spam.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """How much was learnt, and whether that is enough to judge."""
    loaded = load_site(ctx)

    async def work(store: Store) -> tuple[tuple[int, int], int]:
        return await store.read(lambda tx: (tx.tokens.totals(), tx.tokens.distinct_words()))

    (spam_mails, ham_mails), words = run(with_store(loaded, work))
    early = untrained(spam_mails, ham_mails, _cut_offs(loaded))
    if as_json:
        echo_json([{"spam": spam_mails, "ham": ham_mails, "words": words, "trained": early is None}])
    else:
        click.echo(f"{spam_mails} spam and {ham_mails} ham learnt, {words} words")
        click.echo(early.clues[0] if early else "trained: mails are judged")


def _options(loaded: Loaded) -> dict[str, Any]:
    """Those of the stage ``spam`` in the configuration."""
    return loaded.config.stage.get("spam", {})


def _cut_offs(loaded: Loaded, desk: str = "") -> CutOffs:
    options = _options(loaded)
    options = options | options.get("desk", {}).get(desk, {})
    return CutOffs(**{name: options[name] for name in ("ham", "spam", "enough") if name in options})


async def _score(
    known: KnownTokens, file: MailFile, cut_offs: CutOffs, hosts: frozenset[str]
) -> dict[str, Any]:
    totals = await known.totals()
    found = judge(totals, await known.counts(read_lesson(file.raw, hosts).words), cut_offs)
    return {
        "path": file.path,
        "score": round(found.score, 4),
        "verdict": found.verdict.value,
        "clues": list(found.clues),
    }


def _show(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo_json([row])
    else:
        clues = printable(", ".join(row["clues"]))
        click.echo(f"{row['score']:.4f}  {row['verdict']:<6}  {printable(row['path'])}  {clues}")


Teach = Callable[[Transaction, Lesson, Label | None], bool]
Lessons = Iterator[tuple[Label | None, Lesson]]


def _teach(ctx: click.Context, paths: dict[Label | None, tuple[Path, ...]], teach: Teach) -> tuple[int, int]:
    """Teach all mails of these paths in batches; how many changed something, and how many there were."""

    def teach_all(batch: list[tuple[Label | None, Lesson]], tx: Transaction) -> int:
        return sum(teach(tx, lesson, label) for label, lesson in batch)

    loaded = load_site(ctx)
    hosts = upstream_of(_options(loaded))

    async def work(store: Store) -> tuple[int, int]:
        changed = seen = 0
        with progress(_lessons(paths, hosts), "reading") as lessons:
            while batch := list(islice(lessons, AT_ONCE)):
                changed += await store.write(partial(teach_all, batch))
                seen += len(batch)
        return changed, seen

    return run(with_store(loaded, work))


def _lessons(paths: dict[Label | None, tuple[Path, ...]], hosts: frozenset[str]) -> Lessons:
    for label, roots in paths.items():
        for file in mails_in(roots):
            yield label, read_lesson(file.raw, hosts)
