"""The main job behind a real Postfix, set up with the lines that the README gives."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.conftest import Site
from tests.rig.injector import Injector
from tests.rig.mails import mail
from tests.rig.oracle import assert_adds_up, assert_each_once
from tests.rig.sink import Caught
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers
MakeSite = Callable[..., Site]

FROM = "customer1@customer.example"
DESK = ["support@example.org"]


def the_acknowledgement(site: Site) -> Caught:
    (caught,) = site.sink.wait_for(1)
    return caught


def the_original(site: Site) -> bytes:
    """The only mail, as it arrived."""
    eventually(lambda: site.daemon.status()["new"] == 1, every=0.2)
    (ticket,) = site.daemon.tickets()
    return original(site, ticket["ticket"])


def original(site: Site, ticket: str) -> bytes:
    """The only mail of a ticket, as it arrived."""
    (message,) = site.daemon.ticket(ticket)["messages"]
    return site.daemon.output("ticket", "raw", ticket, message["sha256"])


def test_a_mail_by_sendmail_becomes_a_ticket_and_is_acknowledged(site: Site) -> None:
    site.postfix.sendmail(FROM, DESK, mail(1))
    acknowledgement = the_acknowledgement(site)
    (ticket,) = site.daemon.tickets()
    assert (ticket["state"], ticket["messages"]) == ("new", 1)
    assert acknowledgement.recipients == (FROM,)
    assert ticket["ticket"] in str(acknowledgement.message["Subject"])
    assert acknowledgement.message["Auto-Submitted"] == "auto-replied"
    assert acknowledgement.message["In-Reply-To"] == "<mail-1@customer.example>"


def test_a_mail_by_smtp_becomes_a_ticket_and_is_acknowledged(site: Site) -> None:
    assert site.postfix.smtp(FROM, DESK, mail(1)) == {}
    assert the_acknowledgement(site).recipients == (FROM,)
    (ticket,) = site.daemon.tickets()
    assert ticket["subject"] == "Printer number 1"


def test_the_customers_answer_to_the_acknowledgement_joins_its_ticket(site: Site) -> None:
    site.postfix.smtp(FROM, DESK, mail(1))
    acknowledgement = the_acknowledgement(site).message
    reply_to = str(acknowledgement["Reply-To"] or acknowledgement["From"])
    answer = mail(
        2,
        sender=FROM,
        subject=f"Re: {acknowledgement['Subject']}",
        headers=f"In-Reply-To: {acknowledgement['Message-ID']}\r\n",
    )
    address = reply_to.rpartition("<")[2].rstrip(">")
    assert site.postfix.smtp(FROM, [address], answer) == {}
    eventually(lambda: site.daemon.status()["follow_up"] == 1, every=0.2)
    (ticket,) = site.daemon.tickets()
    assert ticket["messages"] == 2


def test_an_unknown_recipient_is_refused_at_rcpt(site: Site) -> None:
    refused = site.postfix.smtp(FROM, ["nobody@example.org"], mail(1))
    assert refused["nobody@example.org"][0] == 550
    assert site.daemon.status()["accepted"] == 0


def test_mailproc_refuses_an_unknown_recipient_that_postfix_lets_through(make_site: MakeSite) -> None:
    site = make_site(
        settings="relay_recipient_maps =\ntransport_maps = inline:{ example.org=lmtp:inet:127.0.0.1:LMTP }\n"
    )
    site.postfix.smtp(FROM, ["nobody@example.org"], mail(1))
    (bounce,) = site.sink.wait_for(1)
    assert (bounce.mail_from, bounce.recipients) == ("", (FROM,))
    assert b"Status: 5.1.1" in bounce.raw
    assert site.daemon.status()["accepted"] == 0


def test_every_recipient_gets_its_own_reply(make_site: MakeSite) -> None:
    """Of three recipients one is taken, one is unknown, and one is over the limit and comes again."""
    site = make_site(
        settings="relay_recipient_maps =\ntransport_maps = inline:{ example.org=lmtp:inet:127.0.0.1:LMTP }\n",
        tables="[limits]\nrecipients = 1\n",
        chain=("automatic", "ticket"),
    )
    recipients = ["support@example.org", "nobody@example.org", "help@example.org"]
    assert site.postfix.smtp(FROM, recipients, mail(1)) == {}
    eventually(lambda: site.postfix.queue() == [], every=0.2)
    (bounce,) = site.sink.wait_for(1)
    assert b"nobody@example.org" in bounce.raw
    assert b"help@example.org" not in bounce.raw
    status = site.daemon.settle()
    assert (status["accepted"], status["new"], status["duplicate"]) == (2, 1, 1)
    assert "status=deferred (host 127.0.0.1[127.0.0.1] said: 452" in site.postfix.log()


def test_nothing_is_lost_while_the_daemon_is_down(site: Site) -> None:
    site.daemon.stop()
    for number in range(5):
        assert site.postfix.smtp(f"customer{number}@customer.example", DESK, mail(number)) == {}
    eventually(lambda: "Connection refused" in site.postfix.log(), every=0.2)
    assert len(site.postfix.queue()) == 5
    site.daemon.start()
    site.postfix.flush()
    eventually(lambda: site.postfix.queue() == [], every=0.2)
    assert_each_once(site.daemon, range(5))


def test_a_retransmission_after_a_lost_250_makes_one_ticket(make_site: MakeSite) -> None:
    site = make_site()
    site.daemon.stop()
    site.daemon.start("intake.committed:kill9")
    site.postfix.smtp(FROM, DESK, mail(1))
    assert site.daemon.wait_for_death() == -signal.SIGKILL
    site.daemon.start()
    site.postfix.flush()
    eventually(lambda: site.postfix.queue() == [], every=0.2)
    assert_each_once(site.daemon, [1])
    assert site.daemon.status()["duplicate"] == 1


def test_the_original_comes_back_byte_for_byte(site: Site) -> None:
    """Long lines, 8-bit text and dots at line starts; Postfix adds lines at the top."""
    body = "Grüße\r\n.dot\r\n..dots\r\n".encode() + b"x" * 3000 + b"\r\n\xff\xfe not UTF-8\r\n"
    raw = mail(1) + body
    site.postfix.smtp(FROM, DESK, raw)
    arrived = the_original(site)
    assert arrived.endswith(raw)
    (ticket,) = site.daemon.tickets()
    (message,) = site.daemon.ticket(ticket["ticket"])["messages"]
    assert len(arrived) == message["size"]


VOUCHED = "mail.example.org; dmarc=pass header.from=customer.example"
FORGED = (
    f"Authentication-Results: {VOUCHED}\r\n".encode(),
    b"Received-SPF: pass receiver=mail.example.org; envelope-from=customer1@customer.example\r\n",
    f"AUTHENTICATION-RESULTS\t:\r\n\t{VOUCHED}\r\n".encode(),
    f"Authentication-Results: mx.example.net; none\r\nAuthentication-Results: {VOUCHED}\r\n".encode(),
    f"Authentication-Results: \u00a0{VOUCHED}\r\n".encode(),
    b"Authentication-Results:" + VOUCHED.encode("utf-16-be") + b"\0\xe9\r\n",
)


def test_nobody_outside_vouches_for_himself(make_site: MakeSite) -> None:
    """Without Postfix's header_checks mailproc would believe the first two; with them none arrives."""
    site = make_site(chain=("automatic", "auth", "ticket"))
    assert [is_believed(site, forged + mail(1)) for forged in FORGED[:2]] == [True, True]
    for number, forged in enumerate(FORGED):
        site.postfix.smtp(FROM, DESK, forged + mail(number))
    eventually(lambda: site.daemon.status()["new"] == len(FORGED), every=0.2)
    arrived = [original(site, ticket["ticket"]) for ticket in site.daemon.tickets()]
    below_received = sorted(raw.partition(b"(UTC)\r\n")[2] for raw in arrived)
    assert below_received == [mail(number) for number in range(len(FORGED))]
    assert not any(is_believed(site, raw) for raw in arrived[:2])


def is_believed(site: Site, raw: bytes) -> bool:
    path = site.daemon.folder / "mail.eml"
    path.write_bytes(raw)
    (explained,) = site.daemon.cli("explain", str(path), "--mail-from", FROM)
    (scores,) = (stage["scores"] for stage in explained["stages"] if stage["stage"] == "auth")
    assert isinstance(scores["aligned"], bool)
    return scores["aligned"]


def test_an_attached_mail_keeps_who_vouched_for_it(site: Site) -> None:
    """Who forwards a suspicious mail sends it as it was, and a change would break the signature over it."""
    attached = f"Authentication-Results: {VOUCHED}\r\n".encode() + mail(7)
    head = mail(1, headers='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n')
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + attached + b"\r\n--b--\r\n"
    site.postfix.smtp(FROM, DESK, head + part)
    assert the_original(site).endswith(part)


def test_a_burst_over_many_connections_all_becomes_tickets(site: Site) -> None:
    for number in range(40):
        site.postfix.sendmail(f"customer{number}@customer.example", DESK, mail(number))
    injector = Injector(site.daemon, range(100, 140))
    injector.start()
    injector.join(60)
    eventually(lambda: site.daemon.status()["accepted"] == 80, every=0.2)
    assert_each_once(site.daemon, [*range(40), *range(100, 140)])
    assert_adds_up(site.daemon.status())
