"""An older state comes back by pg_dump's file: nothing that was given since is given again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.sources import program
from tests.rig.store_server import StoreServer

pytestmark = [pytest.mark.peers, pytest.mark.slow]


def newest_rows(server: StoreServer, url: str) -> tuple[int, ...]:
    return server.ask("SELECT (SELECT max(id) FROM message), (SELECT max(id) FROM event)", url)[0]


def test_a_state_of_yesterday_gives_no_number_twice(
    make_node: Callable[..., Daemon], store_server: StoreServer, url: str, tmp_path: Path
) -> None:
    schema, moment = url.rpartition("%3D")[2], tmp_path / "clock"
    node = make_node(environment={"MAILPROC_CLOCK": str(moment)})
    moment.touch()
    node.start()
    assert deliver(node, mail(1)).startswith("250")
    node.settle()
    dumped = subprocess.run(
        [str(program("pg_dump")), "-n", schema, store_server.url], check=True, capture_output=True
    )
    assert deliver(node, mail(2)).startswith("250")
    node.settle()
    given, rows = {ticket["ticket"] for ticket in node.tickets()}, newest_rows(store_server, url)
    with pytest.raises(AssertionError, match="a daemon uses the store"):
        node.output("store", "begin-anew")
    node.stop()

    store_server.ask(f"DROP SCHEMA {schema} CASCADE")
    store_server.execute(dumped.stdout.decode())
    store_server.ask("DELETE FROM lease", url)  # as a minute later
    node.output("store", "begin-anew")
    node.start()
    assert deliver(node, mail(3)).startswith("250")
    node.settle()
    (new,) = (ticket["ticket"] for ticket in node.tickets() if ticket["subject"] == "Printer number 3")
    assert new not in given
    behind = store_server.ask(
        f"SELECT count(*) FROM message WHERE id > {rows[0]} AND subject = 'Printer number 3'", url
    )
    assert behind == [(1,)]
    assert newest_rows(store_server, url)[1] > rows[1]
    node.stop()
