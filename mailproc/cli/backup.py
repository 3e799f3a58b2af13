"""mailproc backup and restore: store and key in one tar file."""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
from pathlib import Path

import click

from mailproc.cli.context import clock_of, failures, read_site, run
from mailproc.cli.output import fail
from mailproc.config import Config
from mailproc.desk.restored import Kept, begin_anew
from mailproc.opening import key_path, store_place
from mailproc.store.backup import check_sound, copy_store
from mailproc.store.lock import ServeLock
from mailproc.store.place import SqlitePlace

_STORE = "mailproc.db"
_KEY = "secret.key"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup(ctx: click.Context, file: Path) -> None:
    """Write a consistent copy of the store and its key to FILE, also while the daemon runs."""
    config = read_site(ctx).config
    store, key = _file(config), key_path(config)
    if not store.exists():
        fail(f"there is no store at {store}")

    with failures(), tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".mailproc-") as folder:
        copy = Path(folder) / _STORE
        _copy_with_progress(store, copy)
        _pack(Path(folder) / "backup.tar", copy, key)
        (Path(folder) / "backup.tar").replace(file)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Put the store and key of FILE in place; what was there is kept beside it.

    The daemon must not run.  No mail is sent again; what waited to leave is kept, see mailproc outbox.
    """
    config = read_site(ctx).config
    store, key = _file(config), key_path(config)

    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        failures(),
        ServeLock(store),
        tempfile.TemporaryDirectory(dir=store.parent, prefix=".mailproc-") as folder,
    ):
        _unpack(file, Path(folder))
        check_sound(Path(folder) / _STORE)
        kept = run(_begin_anew(Path(folder) / _STORE, clock_of(ctx)()))
        _put_in_place(Path(folder), store, key)
    click.echo(f"restored {store}; {kept.back} mails kept from leaving: mailproc outbox list", err=True)


def _file(config: Config) -> Path:
    """Of a SQLite store; another one ends with status 1."""
    place = store_place(config)
    if not isinstance(place, SqlitePlace):
        fail("the store is on PostgreSQL: use pg_dump and pg_restore, and keep the key file")
    return place.path


async def _begin_anew(path: Path, now: float) -> Kept:
    store = SqlitePlace(path).open()
    try:
        return await store.write(lambda tx: begin_anew(tx, now))
    finally:
        await store.close()


def _copy_with_progress(store: Path, copy: Path) -> None:
    with click.progressbar(length=1000, label="copying", file=sys.stderr) as bar:
        done = 0

        def progress(left: int, total: int) -> None:
            nonlocal done
            now = 1000 * (total - left) // max(total, 1)
            bar.update(now - done)
            done = now

        copy_store(store, copy, progress)


def _pack(target: Path, store: Path, key: Path) -> None:
    target.touch(mode=0o600)
    with target.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(store, _STORE)
            if key.exists():
                tar.add(key, _KEY)
        file.flush()
        os.fsync(file.fileno())


def _unpack(file: Path, folder: Path) -> None:
    try:
        with tarfile.open(file) as tar:
            for name in (_STORE, _KEY):
                if name in tar.getnames():
                    tar.extract(name, folder, filter="data")
    except tarfile.TarError as error:
        fail(f"{file} is no backup: {error}")
    if not (folder / _STORE).exists():
        fail(f"{file} is no backup: it holds no {_STORE}")


def _put_in_place(folder: Path, store: Path, key: Path) -> None:
    for new, old in ((folder / _STORE, store), (folder / _KEY, key)):
        if not new.exists():
            continue
        new.chmod(0o600)
        if old.exists():
            old.replace(old.with_name(old.name + ".before-restore"))
        new.replace(old)
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
