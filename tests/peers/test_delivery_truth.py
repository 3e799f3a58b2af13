"""Behind a real Postfix: our signatures survive it, and what it reports about an answer is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailproc.model.signing_key import Algorithm, SigningKey
from tests.rig.agents import AgentsPort, add_agents
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.dkim_verifier import add_ed25519, verify
from tests.rig.mails import mail
from tests.rig.ports import free_port
from tests.rig.postfix import Postfix
from tests.rig.sink import Sink
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

CARLA, DORA = "customer1@customer.example", "dora@customer.example"
DESK = ["support@example.org"]


@dataclass(frozen=True)
class Site:
    daemon: Daemon
    postfix: Postfix
    sink: Sink
    agents: AgentsPort
    records: dict[str, str]  # in DNS

    def ticket(self) -> dict[str, object]:
        (ticket,) = self.daemon.tickets()
        return self.daemon.ticket(ticket["ticket"])


@pytest.fixture
def site(
    tmp_path: Path,
    make_daemon: Callable[..., Daemon],
    make_postfix: Callable[..., Postfix],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """A desk whose mail is signed by two keys, with agents, and a ticket of Carla's."""
    add_ed25519(monkeypatch)
    relay_port = free_port()
    daemon = make_daemon(relay_port=relay_port)
    agents = add_agents(daemon, make_certificate(tmp_path))
    lines, records = ['[dkim."example.org"]'], {}
    for algorithm, prefix in ((Algorithm.RSA, ""), (Algorithm.ED25519, "ed25519_")):
        key = SigningKey.generate(algorithm)
        path = tmp_path / f"{algorithm}.pem"
        path.write_bytes(key.render())
        path.chmod(0o600)
        lines += [f'{prefix}selector = "{algorithm}"', f'{prefix}key_file = "{path}"']
        records[f"{algorithm}._domainkey.example.org"] = key.record
    with daemon.configuration.open("a") as file:
        file.write("\n".join(["", *lines, ""]))
    postfix = make_postfix(lmtp_port=daemon.lmtp_port, relay_port=relay_port)
    postfix.start()
    daemon.start()
    postfix.smtp(CARLA, DESK, mail(1, headers=f"Cc: {DORA}\r\n"))
    sink.wait_for(1)
    return Site(daemon, postfix, sink, agents, records)


def answer(site: Site, *, cc: str = "") -> None:
    """Alice answers the ticket, as a mail client does."""
    acknowledgement = site.sink.caught[0].message
    letter = EmailMessage()
    letter["From"] = "alice@example.org"
    letter["To"] = str(acknowledgement["Reply-To"])
    if cc:
        letter["Cc"] = cc
    letter["Subject"] = f"Re: {acknowledgement['Subject']}"
    letter["Message-ID"] = "<1@laptop.example>"
    letter["In-Reply-To"] = "<mail-1@customer.example>"
    letter.set_content("Viele herzliche Grüße aus Köln.\n.\nFrom here on all is well. \n", cte="8bit")
    site.agents.send("alice", letter)


def state_of(site: Site) -> object:
    return site.ticket()["state"]


def answer_of(site: Site) -> dict[str, object]:
    messages = site.ticket()["messages"]
    assert isinstance(messages, list)
    (found,) = [message for message in messages if message["direction"] == "out"]
    return dict(found)


def test_acknowledgement_and_answer_verify_at_the_customers(site: Site) -> None:
    answer(site)
    for caught in site.sink.wait_for(2):
        assert caught.raw.isascii()
        assert verify(caught.raw, site.records) == [True, True]
    text = site.sink.caught[1].message.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "Viele herzliche Grüße aus Köln.".encode() in text
    eventually(lambda: answer_of(site)["status"] == "sent", every=0.2)
    delivery = answer_of(site)["delivery"]
    assert isinstance(delivery, list)
    assert [(each["recipient"], each["state"]) for each in delivery] == [(CARLA, "sent")]


def test_a_bounce_of_postfix_puts_the_ticket_into_problem_and_it_can_be_answered_again(site: Site) -> None:
    site.sink.refusals[CARLA] = "550 5.1.1 no such user"
    answer(site)
    eventually(lambda: state_of(site) == "problem", every=0.2)
    found = answer_of(site)
    assert found["status"] == "failed"
    delivery = found["delivery"]
    assert isinstance(delivery, list)
    assert delivery[0]["state"] == "failed"
    assert delivery[0]["reply"].startswith(f"bounced: {CARLA} 5.1.1 (hard)")
    events = site.ticket()["events"]
    assert isinstance(events, list)
    assert {"bounced", "unanswered", "undelivered"} <= {event["what"] for event in events}


def test_a_bounce_of_a_cc_leaves_the_ticket_answered(site: Site) -> None:
    site.sink.refusals[DORA] = "550 5.1.1 no such user"
    answer(site, cc=DORA)

    def bounced() -> bool:
        events = site.ticket()["events"]
        assert isinstance(events, list)
        return "bounced" in {event["what"] for event in events}

    eventually(bounced, every=0.2)
    assert state_of(site) == "answered"
    found = answer_of(site)
    assert found["status"] == "sent"
    delivery = found["delivery"]
    assert isinstance(delivery, list)
    assert {each["recipient"]: each["state"] for each in delivery} == {CARLA: "sent", DORA: "failed"}
