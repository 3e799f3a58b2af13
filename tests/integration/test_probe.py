"""``mailproc check --probe`` looks at everything that the configuration names."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailproc.check.probe import probe
from mailproc.cli import main
from mailproc.config import Config, ImapSection, LmtpSection, RelaySection, StoreSection, SubmissionSection
from mailproc.listen.tls import server_context
from tests.rig.certificate import Certificate, make_certificate
from tests.rig.ports import free_port


@contextmanager
def greeting(text: bytes) -> Iterator[str]:
    """A server on loopback that says one thing to whoever comes; its HOST:PORT."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def probed(config: Config) -> dict[str, str]:
    """What is said of each part, by its name."""
    return {result.part: str(result).partition(" … ")[2] for result in probe(config, {})}


@pytest.fixture
def store(tmp_path: Path) -> StoreSection:
    return StoreSection(url=f"sqlite:{tmp_path}/state/mailproc.db")


def test_a_relay_that_greets_is_well(store: StoreSection) -> None:
    with greeting(b"220 mx.example.org ESMTP\r\n") as relay:
        config = Config(store=store, relay=RelaySection(address=relay))
        assert probed(config) == {"store": "ok (will be made)", "relay": "ok"}


def test_an_imap_server_must_do_more_than_greet(store: StoreSection) -> None:
    """``tests/peers/imap/test_probe.py`` has one that does."""
    with greeting(b"* OK ready\r\n") as imap:
        found = probed(Config(store=store, imap=ImapSection(address=imap, tls="none")))
    assert found["imap"] == "the server closed the connection"


def test_another_greeting_is_told(store: StoreSection) -> None:
    with greeting(b"554 5.7.1 no\r\nmore") as relay:
        found = probed(Config(store=store, relay=RelaySection(address=relay)))
    assert found["relay"] == "greets with '554 5.7.1 no', not with 220"


def test_nobody_there_is_told(store: StoreSection) -> None:
    found = probed(Config(store=store, relay=RelaySection(address=f"127.0.0.1:{free_port()}")))
    assert found["relay"] == "connection refused"


def test_plain_text_where_tls_is_expected_is_told(store: StoreSection) -> None:
    with greeting(b"* OK no TLS here\r\n") as imap:
        found = probed(Config(store=store, imap=ImapSection(address=imap, tls="implicit")))
    assert "ok" not in found["imap"]


def test_a_port_that_is_free_can_be_listened_on_and_is_left_free(store: StoreSection, tmp_path: Path) -> None:
    port = free_port()
    listen = (f"127.0.0.1:{port}", f"unix:{tmp_path}/lmtp")
    config = Config(store=store, lmtp=LmtpSection(listen=listen))
    assert probed(config)["lmtp"] == "ok"
    socket.create_server(("127.0.0.1", port)).close()
    assert not (tmp_path / "lmtp").exists()


def test_a_port_in_use_is_told(store: StoreSection) -> None:
    with greeting(b"220 somebody else\r\n") as taken:
        found = probed(Config(hostname="mail.example.org", store=store, lmtp=LmtpSection(listen=(taken,))))
    assert found["lmtp"] == "address already in use"


def test_a_port_that_our_own_daemon_serves_is_well(store: StoreSection) -> None:
    with greeting(b"220 mail.example.org LMTP\r\n") as taken:
        found = probed(Config(hostname="mail.example.org", store=store, lmtp=LmtpSection(listen=(taken,))))
    assert found["lmtp"] == "ok (mailproc runs there already)"


def test_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "mailproc.db").write_text("Dear Sir or Madam,\n")
    found = probed(Config(store=StoreSection(url=f"sqlite:{tmp_path}/mailproc.db")))
    assert found["store"] == "is no SQLite database"


def test_a_password_in_the_url_of_the_store_is_not_shown() -> None:
    url = f"postgresql://mailproc:hunter2@127.0.0.1:{free_port()}/mailproc"
    (result,) = probe(Config(store=StoreSection(url=url)), {})
    assert "hunter2" not in str(result)
    assert result.failure == "connection refused"


def test_each_host_of_a_store_is_looked_at_and_one_that_is_there_is_enough() -> None:
    away = free_port()
    with greeting(b"S") as there:
        url = f"postgresql://mailproc@127.0.0.1:{away},{there}/mailproc"
        first, second = probe(Config(store=StoreSection(url=url)), {})
    assert str(first) == f"store 127.0.0.1:{away} … ok (away: connection refused)"
    assert str(second) == f"store {there} … ok"


def test_a_store_all_of_whose_hosts_are_away_is_a_failure() -> None:
    url = f"postgresql://mailproc@127.0.0.1,127.0.0.1/mailproc?port={free_port()},{free_port()}"
    found = list(probe(Config(store=StoreSection(url=url)), {}))
    assert [each.failure for each in found] == ["connection refused"] * 2


def test_what_is_no_postgresql_is_no_store() -> None:
    with greeting(b"220 mx.example.org ESMTP\r\n") as there:
        (found,) = probe(Config(store=StoreSection(url=f"postgresql://mailproc@{there}/mailproc")), {})
    assert found.failure == "is no PostgreSQL server"


def test_a_store_at_a_socket_in_a_folder_is_looked_for_there(tmp_path: Path) -> None:
    url = f"postgresql:///mailproc?host={tmp_path}"
    (found,) = probe(Config(store=StoreSection(url=url)), {})
    assert (found.where, found.failure) == (f"{tmp_path}/.s.PGSQL.5432", "no such file or directory")


@contextmanager
def greeting_by_tls(certificate: Certificate, text: bytes) -> Iterator[str]:
    context = server_context(certificate.certificate, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as connection:
                connection.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_the_agents_listener_is_known_by_its_greeting_under_tls(store: StoreSection, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls")
    with greeting_by_tls(certificate, b"220 mail.example.org ESMTP\r\n") as taken:
        submission = SubmissionSection(
            listen=(taken,), tls="implicit", certificate=str(certificate.certificate)
        )
        found = probed(Config(hostname="mail.example.org", store=store, submission=submission))
    assert found["submission"] == "ok (mailproc runs there already)"


def test_until_when_a_certificate_is_valid_is_told(store: StoreSection, tmp_path: Path) -> None:
    def certificate(days: int) -> str:
        path = make_certificate(tmp_path / str(days), days=days).certificate
        section = SubmissionSection(listen=("127.0.0.1:0",), tls="starttls", certificate=str(path))
        return probed(Config(store=store, submission=section))["certificate"]

    assert re.fullmatch(r"ok \(until 2\d{3}-\d\d-\d\d\)", certificate(20))
    assert re.fullmatch(r"expired on 2\d{3}-\d\d-\d\d", certificate(-2))


def test_a_dovecot_that_is_not_there_is_told(store: StoreSection, tmp_path: Path) -> None:
    submission = SubmissionSection(listen=("127.0.0.1:0",), auth=f"dovecot:{tmp_path}/auth")
    assert probed(Config(store=store, submission=submission))["dovecot"] == "no such file or directory"


def test_check_probe_fails_with_status_1_when_a_part_does(tmp_path: Path) -> None:
    path = tmp_path / "mailproc.toml"
    relay = f"127.0.0.1:{free_port()}"
    desk = '[desk.support]\naddresses = ["support@example.org"]\n'
    path.write_text(f'data_dir = "state"\n[relay]\naddress = "{relay}"\n{desk}')
    result = CliRunner().invoke(main, ["-c", str(path), "check", "--probe"])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{path}: ok",
        f"store sqlite:{tmp_path}/state/mailproc.db … ok (will be made)",
        f"relay {relay} … connection refused",
    ]
