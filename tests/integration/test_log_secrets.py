"""What a whole run writes to the log at its most talkative: ids of every mail, no word of it, no secret."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.rig.agents import add_agents
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.sink import Sink

CUSTOMER = "carla@customer.example"
SUBJECT = "Wombatsubject"
ANSWER = "Wombatanswer"
WRONG_PASSWORD = "Wombatpassword"


@pytest.fixture
def log_of_a_run(make_daemon: Callable[..., Daemon], sink: Sink, tmp_path: Path) -> str:
    """A customer writes, an agent mistypes a password and then answers; JSON, everything from debug on."""
    daemon = make_daemon(relay_port=sink.port, tables='[log]\nlevel = "debug"\nformat = "json"\n')
    agents = add_agents(daemon, make_certificate(tmp_path / "tls"), tls="implicit")
    daemon.start()
    with daemon.lmtp() as client:
        raw = mail(1, sender=CUSTOMER, subject=SUBJECT)
        assert client.deliver(CUSTOMER, ["support@example.org"], raw)[0].startswith("250")
    daemon.settle()
    with pytest.raises(smtplib.SMTPAuthenticationError), agents.client("alice", WRONG_PASSWORD):
        pass
    agents.send("alice", answer())
    sink.wait_for(1)
    daemon.stop()
    return daemon.log()


def answer() -> EmailMessage:
    made = EmailMessage()
    made["From"] = "alice@example.org"
    made["To"] = "support@example.org"
    made["Subject"] = f"Re: {SUBJECT}"
    made["In-Reply-To"] = "<mail-1@customer.example>"
    made["Message-ID"] = "<answer-1@example.org>"
    made.set_content(f"{ANSWER} is what to pour on it.\n")
    return made


def test_no_subject_no_text_and_no_password_is_logged(log_of_a_run: str) -> None:
    said = log_of_a_run.casefold()
    for secret in (SUBJECT, ANSWER, WRONG_PASSWORD, "is on fire", "argon2", "d29tYmF0"):
        assert secret.casefold() not in said, secret


def test_every_line_is_one_object_and_mails_are_told_by_their_ids(log_of_a_run: str) -> None:
    lines = [json.loads(line) for line in log_of_a_run.splitlines()]
    assert all({"at", "level", "logger", "text"} <= line.keys() for line in lines)
    (filed,) = (line for line in lines if line.get("outcome") == "new")
    assert isinstance(filed["delivery"], int)
    assert filed["desk"] == "support"
    sent = [line for line in lines if line.get("fate") == "accepted"]
    assert sent
    assert all(line["ticket"] == filed["ticket"] and isinstance(line["outbox"], int) for line in sent)
