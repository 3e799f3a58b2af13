"""Logins that a real Dovecot decides: at its auth socket, and by IMAP."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable

import pytest

from mailproc.imap.login import ImapLogin, LoginServer
from mailproc.listen.credentials.dovecot import DovecotAuth, DovecotTrouble
from mailproc.model.login import Login
from mailproc.model.reply import MailError
from tests.rig.agents import add_agents
from tests.rig.certificate import Certificate, make_certificate
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot

pytestmark = pytest.mark.peers

LOGINS = [("alice", "alice"), ("ALICE", "alice"), ("alice", "wrong"), ("nobody", "alice"), ("bob", "bob")]
PROVEN = ["alice", "alice", None, None, "bob"]


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def logins() -> list[Login]:
    return [Login(user, password.encode(), "192.0.2.1") for user, password in LOGINS]


async def test_the_auth_socket_says_who_somebody_is(dovecot: Dovecot) -> None:
    auth = DovecotAuth(dovecot.auth_socket, timeout=20)
    assert [await auth.prove(login) for login in logins()] == PROVEN
    assert await asyncio.gather(*map(auth.prove, logins() * 5)) == PROVEN * 5


async def test_a_dovecot_that_hangs_or_is_gone_is_a_temporary_failure(dovecot: Dovecot) -> None:
    dovecot.freeze()
    with pytest.raises(DovecotTrouble, match="no answer within"):
        await DovecotAuth(dovecot.auth_socket, timeout=0.5).look()
    dovecot.thaw()
    auth = DovecotAuth(dovecot.auth_socket, timeout=20)
    assert await auth.prove(logins()[0]) == "alice"
    dovecot.down()
    with pytest.raises(MailError) as caught:
        await auth.prove(logins()[0])
    assert caught.value.reply.code == 454
    dovecot.up()
    assert await auth.prove(logins()[0]) == "alice"


async def test_an_imap_login_says_who_somebody_is(dovecot: Dovecot) -> None:
    asker = ImapLogin(LoginServer("127.0.0.1", dovecot.port, "none", 20))
    proven = [await asker.prove(login) for login in logins()]
    assert [user and user.lower() for user in proven] == PROVEN
    await asker.close()


@pytest.mark.parametrize("auth", ["dovecot", "imap"])
def test_agents_of_a_daemon_log_in_with_dovecots_passwords(
    make_daemon: Callable[..., Daemon], dovecot: Dovecot, certificate: Certificate, auth: str
) -> None:
    imap = f'[imap]\naddress = "127.0.0.1:{dovecot.port}"\ntls = "none"\npassword = "mailproc"\n'
    daemon = make_daemon(tables=imap if auth == "imap" else "")
    agents = add_agents(
        daemon, certificate, auth=f"dovecot:{dovecot.auth_socket}" if auth == "dovecot" else "imap"
    )
    daemon.start()
    with agents.client("alice", "alice") as client:
        assert client.noop()[0] == 250
    for user, password in (("alice", "wrong"), ("carol", "carol")):  # carol is no agent
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught, agents.client(user, password):
            pass
        assert caught.value.smtp_code == 535
    dovecot.down()
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught, agents.client("alice", "alice"):
        pass
    assert caught.value.smtp_code == 454
    daemon.stop()
