"""The daemon as a whole: a customer writes, an agent answers from a mail client, the customer gets it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import make_msgid

import pytest

from tests.rig.agents import add_agents
from tests.rig.certificate import Certificate
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.sink import Sink

DESK = "support@example.org"
CUSTOMER = "carla@customer.example"
MakeDaemon = Callable[..., Daemon]


def letter(sender: str, to: str, **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = sender
    made["To"] = to
    made["Subject"] = "Re: your printer"
    made["Message-ID"] = make_msgid(domain="example.org")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Pour water on it.\n")
    return made


def ask(daemon: Daemon) -> None:
    with daemon.lmtp() as client:
        client.deliver(CUSTOMER, [DESK], mail(1, sender=CUSTOMER))
    daemon.settle()


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
def test_an_answer_from_a_mail_client_reaches_the_customer(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate, tls: str
) -> None:
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    agents = add_agents(daemon, certificate, tls=tls)
    daemon.start()
    ask(daemon)

    agents.send("alice", letter("alice@example.org", DESK, In_Reply_To="<mail-1@customer.example>"))

    (caught,) = sink.wait_for(1)
    assert caught.recipients == (CUSTOMER,)
    assert "Pour water on it." in caught.message.get_payload()
    (ticket,) = daemon.tickets()
    assert (ticket["state"], ticket["owner"]) == ("answered", "alice")
    daemon.stop()


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\r"])
def test_an_agent_cannot_smuggle_a_second_mail_past_the_relay(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate, end: bytes
) -> None:
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    agents = add_agents(daemon, certificate)
    daemon.start()
    ask(daemon)
    head = b"From: alice@example.org\r\nTo: support@example.org\r\nSubject: x\r\n"
    head += b"In-Reply-To: <mail-1@customer.example>\r\n\r\nhello"
    smuggled = b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@elsewhere.example>\r\nDATA\r\nspam\r\n.\r\n"
    with agents.client("alice") as client:
        client.mail("alice@example.org")
        client.rcpt(DESK)
        client.docmd("DATA")
        client.send(head + end + smuggled)
        assert client.getreply()[0] == 250

    (caught,) = sink.wait_for(1)
    assert caught.recipients == (CUSTOMER,)
    assert b"victim@elsewhere.example" in caught.raw  # as text
    assert caught.raw.count(b"\n") == caught.raw.count(b"\r") == caught.raw.count(b"\r\n")
    daemon.stop()


def test_two_workers_share_the_agents_port(make_daemon: MakeDaemon, certificate: Certificate) -> None:
    daemon = make_daemon(top="workers = 2")
    agents = add_agents(daemon, certificate, tls="implicit")
    daemon.start()
    for _ in range(20):
        with agents.client("alice") as client:
            assert client.noop()[0] == 250
    daemon.stop()


def test_a_wrong_password_is_refused_and_logged_without_it(
    make_daemon: MakeDaemon, certificate: Certificate
) -> None:
    daemon = make_daemon()
    agents = add_agents(daemon, certificate)
    daemon.start()
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught, agents.client("bob", "hunter2"):
        pass
    assert caught.value.smtp_code == 535
    with agents.client("bob") as client:
        assert client.noop()[0] == 250
    log = daemon.log()
    assert "login='bob'" in log and "failed" in log and "agent=bob" in log
    assert "hunter2" not in log
    daemon.stop()


def test_a_mail_to_a_stranger_is_refused_at_once(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    daemon = make_daemon(relay_port=sink.port)
    agents = add_agents(daemon, certificate)
    daemon.start()
    with pytest.raises(smtplib.SMTPRecipientsRefused), agents.client("alice") as client:
        client.send_message(letter("alice@example.org", "ann@elsewhere.example"))
    with pytest.raises(smtplib.SMTPSenderRefused), agents.client("alice") as client:
        client.send_message(letter("bob@example.org", DESK))
    assert daemon.status()["outbox"]["waiting"] == 0
    daemon.stop()
    assert sink.caught == ()


def test_a_mail_to_a_stranger_passes_where_it_is_configured(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    daemon = make_daemon(relay_port=sink.port)
    agents = add_agents(daemon, certificate, keys="pass_through = true")
    daemon.start()
    agents.send("alice", letter("alice@example.org", "ann@elsewhere.example"))
    (caught,) = sink.wait_for(1)
    assert (caught.mail_from, caught.recipients) == ("alice@example.org", ("ann@elsewhere.example",))
    daemon.stop()


def test_an_agents_address_outside_the_agents_port_is_nobodys_order(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    """A20: a mail that came in from outside says From an agent, and names a mail of the ticket."""
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    add_agents(daemon, certificate)
    daemon.start()
    ask(daemon)
    forged = letter("alice@example.org", DESK, In_Reply_To="<mail-1@customer.example>")
    forged.set_content("#close\n\nYou are fired.\n")
    with daemon.lmtp() as client:
        assert client.deliver(
            "alice@example.org", [DESK], forged.as_bytes(policy=forged.policy.clone(linesep="\r\n"))
        )
    daemon.settle()
    assert {ticket["state"] for ticket in daemon.tickets()} == {"new"}
    assert daemon.status()["outbox"] == {"waiting": 0, "held": 0, "sent": 0, "failed": 0}
    daemon.stop()
    assert sink.caught == ()


def test_a_flood_of_agents_connections_keeps_no_mail_from_coming_in(
    make_daemon: MakeDaemon, certificate: Certificate
) -> None:
    daemon = make_daemon(tables="[limits]\nconnections = 3\n")
    agents = add_agents(daemon, certificate)
    daemon.start()
    silent = [smtplib.SMTP("localhost", agents.port, timeout=30) for _ in range(3)]
    with pytest.raises(smtplib.SMTPConnectError) as caught:
        smtplib.SMTP("localhost", agents.port, timeout=30)
    assert caught.value.smtp_code == 421
    ask(daemon)
    assert len(daemon.tickets()) == 1
    for client in silent:
        client.close()
    daemon.stop()
