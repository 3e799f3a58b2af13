"""TLS to the database: a server that proves who it is, and one that does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig.certificate import Certificate, make_certificate
from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.store_server import StoreServer

pytestmark = [pytest.mark.peers, pytest.mark.slow]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path / "tls")


@pytest.fixture
def url(own_server: StoreServer, certificate: Certificate) -> Iterator[str]:
    """Of a server that takes nobody without TLS."""
    own_server.stop()
    for file in (certificate.certificate, certificate.key):
        copy = Path(shutil.copy(file, own_server.storage))
        shutil.chown(copy, "postgres")
        copy.chmod(0o600)
    settings = "ssl = on\nssl_cert_file = 'certificate.pem'\nssl_key_file = 'key.pem'\n"
    with (own_server.storage / "postgresql.conf").open("a") as configuration:
        configuration.write(settings)
    (own_server.storage / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
    own_server.start()
    yield own_server.new_schema().replace("@127.0.0.1:", "@localhost:") + "&sslmode=verify-full"


def test_a_server_is_known_by_its_certificate(
    make_node: Callable[..., Daemon], own_server: StoreServer, certificate: Certificate, url: str
) -> None:
    node = make_node(store=f"{url}&sslrootcert={certificate.certificate}")
    assert b"its tables will be made" in node.output("check", "--probe")
    node.start()
    assert deliver(node, mail(1)).startswith("250")
    assert node.settle()["new"] == 1
    plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
    ours = f"{plain} WHERE application_name = 'mailproc' AND NOT ssl"
    assert own_server.ask(ours) == [(0,)]
    node.stop()


def test_one_that_nobody_vouches_for_is_refused(
    make_node: Callable[..., Daemon], tmp_path: Path, url: str
) -> None:
    other = make_certificate(tmp_path / "other")
    node = make_node(store=f"{url}&sslrootcert={other.certificate}")
    assert not node.start_to_crash("")
    assert "certificate verify failed" in node.log()
