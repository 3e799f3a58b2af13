"""SIGHUP: a right configuration comes into force under load, a wrong one changes nothing."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.lmtp import LmtpClient, dot_stuffed
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once
from tests.rig.ports import free_port
from tests.rig.waiting import eventually

BROKEN_FILTER = """\
from dataclasses import dataclass
from pathlib import Path

from mailproc.stage import CONTINUE, Delivery, LookUps, Stage, Verdict


@dataclass(frozen=True)
class Filter(Stage):
    async def open(self, look_ups: LookUps) -> None:
        asked = Path(look_ups.folder, "asked")
        if asked.exists():
            raise OSError("its database is away")
        asked.touch()

    async def process(self, delivery: Delivery) -> Verdict:
        return CONTINUE
"""


def change(daemon: Daemon, old: str, new: str) -> None:
    text = daemon.configuration.read_text()
    assert old in text
    daemon.configuration.write_text(text.replace(old, new))


def reload(daemon: Daemon) -> None:
    """SIGHUP, and until the daemon has told its service manager that it is over."""
    daemon.signal(signal.SIGHUP)
    assert daemon.says(b"RELOADING=1", seconds=30)
    assert daemon.says(b"READY=1", seconds=60), daemon.log()


class Customers:
    """Send mail over several sessions, each mail once; ``replies`` has what is not 250, '' for no reply."""

    def __init__(self, daemon: Daemon, sessions: int = 3) -> None:
        self._daemon = daemon
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self.sent = 0
        self.replies: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(sessions)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, count: int) -> None:
        """Until so many more mails were answered."""
        goal = self.sent + count
        eventually(lambda: self.sent >= goal)

    def _run(self) -> None:
        while not self._enough.is_set():
            with self._lock:
                self.sent += 1
                number = self.sent
            reply = deliver(self._daemon, mail(number), mail_from=f"c{number}@customer.example")
            if not reply.startswith("250"):
                self.replies.append(reply)


@pytest.mark.parametrize("workers", [1, 2])
def test_reloads_under_load_refuse_nobody_and_lose_nothing(
    make_daemon: Callable[..., Daemon], workers: int
) -> None:
    daemon = make_daemon(top=f"workers = {workers}")
    daemon.start()
    customers = Customers(daemon)
    for title in ("First", "Second"):
        customers.wait_for(10)
        change(daemon, "[desk.support]\nname =", f"[desk.support]\nname = '{title}' #")
        reload(daemon)
    customers.wait_for(10)
    customers.stop()
    assert customers.replies == []
    assert daemon.settle()["accepted"] == customers.sent
    assert_each_once(daemon, range(1, customers.sent + 1))
    daemon.stop()


def test_a_wrong_configuration_changes_nothing_and_all_its_mistakes_are_logged(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    daemon.start()
    change(daemon, "[lmtp]", "[lmtq]\n[lmtp]\nlissen = 1")
    reload(daemon)
    assert "lmtq: unknown" in daemon.log()
    assert "lmtp.lissen: unknown" in daemon.log()
    assert "reload refused" in daemon.log()
    assert deliver(daemon, mail(1)).startswith("250")
    daemon.stop()


def test_workers_that_do_not_get_ready_change_nothing(make_daemon: Callable[..., Daemon]) -> None:
    """What answered to the check may be away a moment later; the old workers go on."""
    daemon = make_daemon(top='filters = ["filters"]')
    (daemon.folder / "filters").mkdir()
    daemon.start()
    (daemon.folder / "filters/away.py").write_text(BROKEN_FILTER)
    change(daemon, 'chain = ["automatic"', 'chain = ["away", "automatic"')
    reload(daemon)
    assert "its database is away" in daemon.log()
    assert "the new workers did not get ready" in daemon.log()
    assert deliver(daemon, mail(1)).startswith("250")
    assert daemon.settle()["new"] == 1
    daemon.stop()


def test_sockets_that_are_not_named_any_more_are_closed_and_new_ones_are_bound(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    path, port = daemon.folder / "lmtp.sock", free_port()
    change(daemon, "[lmtp]\nlisten = [", f'[lmtp]\nlisten = ["unix:{path}", ')
    daemon.start()
    assert path.is_socket()
    change(daemon, f'"unix:{path}", "127.0.0.1:{daemon.lmtp_port}"', f'"127.0.0.1:{port}"')
    reload(daemon)
    with LmtpClient(port) as client:
        assert client.greeting.startswith("220")
    assert not path.exists()
    eventually(lambda: not is_open(daemon.lmtp_port))
    daemon.stop()


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_socket_that_cannot_be_had_changes_nothing(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    daemon.start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        change(daemon, "[lmtp]\nlisten = [", f'[lmtp]\nlisten = ["127.0.0.1:{other.getsockname()[1]}", ')
        reload(daemon)
    assert "Address already in use" in daemon.log()
    assert deliver(daemon, mail(1)).startswith("250")
    daemon.stop()


def test_a_mail_that_was_begun_is_taken_by_who_took_its_beginning(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    daemon.start()
    with daemon.lmtp() as silent, daemon.lmtp() as client, daemon.lmtp() as idle:
        assert client.command("MAIL FROM:<c@customer.example>").startswith("250")
        assert idle.deliver("d@customer.example", ["support@example.org"], mail(2))[0].startswith("250")
        reload(daemon)
        assert idle.reply().startswith("421")  # has brought its mail, and may come again
        assert client.command("RCPT TO:<support@example.org>").startswith("250")
        assert client.command("DATA").startswith("354")
        client.send(dot_stuffed(mail(1)) + b".\r\n")
        assert client.reply().startswith("250")
        assert client.reply().startswith("421")
        answer = silent.deliver("e@customer.example", ["support@example.org"], mail(3))
        assert answer[0].startswith("250")
    assert_each_once(daemon, [1, 2, 3])
    daemon.stop()


def test_a_renewed_certificate_comes_along(make_daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    first, port = make_certificate(tmp_path / "tls"), free_port()
    daemon = make_daemon(
        tables=f"""
[submission]
listen = ["127.0.0.1:{port}"]
tls = "implicit"
certificate = "{first.certificate}"
private_key = "{first.key}"
"""
    )
    daemon.start()
    before = ssl.get_server_certificate(("127.0.0.1", port))
    renewed = make_certificate(tmp_path / "tls")
    reload(daemon)
    assert before != renewed.certificate.read_text()
    # A worker that retires may take a connection or two more.
    eventually(lambda: ssl.get_server_certificate(("127.0.0.1", port)) == renewed.certificate.read_text())
    daemon.stop()


def test_the_number_of_workers_changes_and_the_store_does_not(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(top="workers = 1")
    daemon.start()
    change(daemon, "workers = 1", "workers = 2")
    change(daemon, "mailproc.db", "other.db")
    reload(daemon)
    assert "store: changes only at a restart" in daemon.log()
    assert not (daemon.database.parent / "other.db").exists()
    eventually(lambda: len(daemon.workers) == 2)
    change(daemon, "other.db", "mailproc.db")
    assert deliver(daemon, mail(1)).startswith("250")
    assert daemon.settle()["new"] == 1
    daemon.stop()


def test_every_kind_of_mistake_leaves_the_old_configuration_in_force(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    daemon.start()
    good = daemon.configuration.read_text()
    secret = daemon.folder / "password"
    secret.write_text("secret\n")
    secret.chmod(0o644)
    for mistake, said in (
        ("[lmtp\n", "mailproc.toml:"),
        ("[desk.sales]\n", "desk.sales.addresses"),
        ('[submission]\nlisten = ["127.0.0.1:0"]\ntls = "implicit"\ncertificate = "away.pem"\n', "away.pem"),
        ('[stage.ticket]\nwhen = "((("\n', "stage.ticket.when"),
        (f'[relay]\nuser = "me"\npassword_file = "{secret}"\n', "relay.password_file"),
        ('[desk.sales]\naddresses = ["sales@example.org"]\nsalutation = "{{"\n', "desk.sales.salutation"),
    ):
        daemon.configuration.write_text(f"{good}\n{mistake}")
        before = daemon.log()
        reload(daemon)
        news = daemon.log().removeprefix(before)
        assert said in news, news
        assert "reload refused, the old configuration stays" in news
    assert deliver(daemon, mail(1)).startswith("250")
    daemon.configuration.write_text(good)
    reload(daemon)
    assert "reloaded on=" in daemon.log()
    daemon.stop()
