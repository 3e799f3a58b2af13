"""A team that also sends: agents submit their answers, and customers and agents are reached at a sink.

Agents log in to send with the passwords that they have at Dovecot.
"""

from __future__ import annotations

import re
import smtplib
from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.ports import free_port
from tests.rig.sink import Caught, Sink
from tests.rig.team import Team, make_team

SUBMISSION = """
[submission]
listen = ["127.0.0.1:{port}"]
tls = "none"
auth = "dovecot:{socket}"
{keys}
"""
CHAIN = ("automatic", "ticket")  # no acknowledgements: what reaches a customer is an answer
LOST = re.compile(r"Not yours: ticket (\S+)")


@dataclass(kw_only=True)
class Staff(Team):
    """``sink`` listens; ``daemon`` is not started yet."""

    sink: Sink
    port: int  # where agents send

    @property
    def submission(self) -> str:
        return f"127.0.0.1:{self.port}"

    def intake_works(self, number: int) -> None:
        """A customer's mail is taken, whatever has happened to the folder."""
        assert deliver(self.daemon, mail(number)).startswith("250")

    def sender(self, agent: str) -> smtplib.SMTP:
        """A session in which the agent has logged in."""
        session = smtplib.SMTP("127.0.0.1", self.port, local_hostname="laptop.example", timeout=60)
        session.login(agent, agent)
        return session

    def send(self, agent: str, letter: EmailMessage) -> None:
        with self.sender(agent) as session:
            session.send_message(letter)

    def numbers(self) -> dict[str, str]:
        """The subject of each ticket by its number."""
        return {row["number"]: row["subject"] for row in self.rows("SELECT number, subject FROM ticket")}

    def owners(self) -> dict[str, str]:
        """Whose each ticket is, by its subject."""
        return {row["subject"]: row["owner"] for row in self.rows("SELECT subject, owner FROM ticket")}

    def to(self, recipient: str) -> list[Caught]:
        """What reached somebody."""
        return [caught for caught in self.sink.caught if caught.recipients == (recipient,)]

    def told_of_loss(self) -> Counter[tuple[str, str]]:
        """How often each agent was told, by mail, that a ticket (by its subject) is not his."""
        subjects = self.numbers()
        told: Counter[tuple[str, str]] = Counter()
        for caught in self.sink.caught:
            found = LOST.search(str(caught.message["Subject"]))
            if found:
                (recipient,) = caught.recipients
                told[recipient.partition("@")[0], subjects[found[1]]] += 1
        return told


def answer(agent: str, number: int, text: str = "Pour water on it.", *, to: str = "") -> EmailMessage:
    """An agent's answer to a customer's mail, as his mail client writes it."""
    made = EmailMessage()
    made["From"] = f"{agent}@example.org"
    made["To"] = to or "support@example.org"
    made["Subject"] = "Re: your printer"
    made["Message-ID"] = f"<{agent}-{number}-{len(text)}@laptop.example>"
    made["In-Reply-To"] = f"<mail-{number}@customer.example>"
    made.set_content(f"{text}\n")
    return made


def make_staff(
    dovecot: Dovecot, daemon: Daemon, sink: Sink, *, submission: str = "", **options: object
) -> Staff:
    """``daemon`` sends to the sink; ``submission`` are lines of that table, the rest is ``make_team``'s."""
    team = make_team(dovecot, daemon, **options)  # type: ignore[arg-type]  # handed through
    port = free_port()
    with daemon.configuration.open("a") as file:
        file.write(SUBMISSION.format(port=port, socket=dovecot.auth_socket, keys=submission))
    return Staff(team.dovecot, team.daemon, sink=sink, port=port)
