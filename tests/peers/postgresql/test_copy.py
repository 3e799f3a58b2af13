"""``mailproc store copy``: a whole store from SQLite to PostgreSQL, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail, subject_of
from tests.rig.store_server import StoreServer

pytestmark = pytest.mark.peers

MAILS = 12


@pytest.fixture
def full(make_daemon: Callable[..., Daemon], tmp_path: Path) -> Daemon:
    """A daemon that has ended, with a store that holds something of most kinds."""
    daemon = make_daemon()
    daemon.start()
    injector = Injector(daemon, range(MAILS))
    injector.start()
    injector.join(60)
    strange = mail(99, subject="=?utf-8?q?a=00b_=C3=BC_=E2=98=83?=")
    assert deliver(daemon, strange).startswith("250")
    daemon.settle()
    (tmp_path / "ham").mkdir()
    (tmp_path / "ham" / "1.eml").write_bytes(mail(1))
    daemon.output("spam", "train", "--ham", str(tmp_path / "ham"))
    daemon.stop()
    return daemon


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in a file that a copy takes along."""
    with closing(sqlite3.connect(path)) as raw:
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        wanted = [name for name in names if not name.startswith(("sqlite_", "search_", "lease"))]
        return {name: sorted(raw.execute(f"SELECT * FROM {name}"), key=repr) for name in wanted}


def url_of(daemon: Daemon) -> str:
    return f"sqlite:{daemon.database}"


def test_there_and_back_again(full: Daemon, make_daemon: Callable[..., Daemon], url: str) -> None:
    """The same rows, and a daemon goes on at either end."""
    told = full.output("store", "copy", url_of(full), url)
    assert b"rows copied" in told
    key = full.folder / "state" / "secret.key"
    node = make_daemon(store=url, top=f'secret_file = "{key}"')
    assert [ticket["ticket"] for ticket in node.tickets()] == [t["ticket"] for t in full.tickets()]
    back = full.folder / "back.db"
    full.output("store", "copy", url, f"sqlite:{back}")
    here, there = rows(full.database), rows(back)
    assert here.keys() == there.keys()
    assert {name: there[name] for name in here} == {name: with_nul_replaced(here[name]) for name in here}
    node.start()
    assert deliver(node, mail(50)).startswith("250")
    assert deliver(node, mail(3, size=2000), mail_from="c3@customer.example").startswith("250")
    status = node.settle()
    assert (status["new"], status["duplicate"]) == (MAILS + 2, 1)
    subjects = {ticket["subject"] for ticket in node.tickets()}
    assert {subject_of(number) for number in (0, 3, 50)} <= subjects
    node.stop()


def with_nul_replaced(found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The one thing that PostgreSQL cannot hold."""
    return sorted(
        (
            tuple(each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in row)
            for row in found
        ),
        key=repr,
    )


def test_a_target_that_holds_something_is_refused_and_kept(
    full: Daemon, make_daemon: Callable[..., Daemon], url: str
) -> None:
    node = make_daemon(store=url)
    node.start()
    assert deliver(node, mail(1)).startswith("250")
    node.settle()
    node.stop()
    with pytest.raises(AssertionError, match="the target is not empty: table raw_mail"):
        full.output("store", "copy", url_of(full), url)
    assert [ticket["subject"] for ticket in node.tickets()] == ["Printer number 1"]


def test_a_source_that_a_daemon_uses_is_refused(
    full: Daemon, make_daemon: Callable[..., Daemon], url: str, tmp_path: Path
) -> None:
    full.start()
    with pytest.raises(AssertionError, match="another mailproc serves"):
        full.output("store", "copy", url_of(full), url)
    full.stop()
    node = make_daemon(store=url)
    node.start()
    with pytest.raises(AssertionError, match="a daemon uses the source"):
        full.output("store", "copy", url, f"sqlite:{tmp_path}/copy.db")
    node.stop()


def test_a_mail_that_is_damaged_stops_the_copy_and_nothing_is_copied(
    full: Daemon, store_server: StoreServer, url: str
) -> None:
    with closing(sqlite3.connect(full.database)) as raw, raw:
        raw.execute("UPDATE raw_mail SET codec = 0, content = x'00' WHERE rowid = 3")
    with pytest.raises(AssertionError, match="is not what it was"):
        full.output("store", "copy", url_of(full), url)
    assert store_server.ask("SELECT count(*) FROM ticket", url) == [(0,)]


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:", "nothing"])
def test_what_is_no_store_is_refused(make_daemon: Callable[..., Daemon], url: str) -> None:
    with pytest.raises(AssertionError, match="is neither"):
        make_daemon().output("store", "copy", url, url)
