"""A daemon whose agents alice and bob can log in to send, each with the name as the password."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage

import argon2

from tests.rig.certificate import Certificate
from tests.rig.daemon import Daemon
from tests.rig.ports import free_port

_CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
AGENTS = ("alice", "bob")


@dataclass(frozen=True)
class AgentsPort:
    """Where agents send; made before the daemon starts."""

    port: int
    tls: str
    certificate: Certificate

    @contextmanager
    def client(self, user: str = "", password: str = "") -> Iterator[smtplib.SMTP]:
        """A client under TLS where there is any, logged in where a user is given."""
        context = self.certificate.client_context()
        if self.tls == "implicit":
            client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", self.port, timeout=30, context=context)
        else:
            client = smtplib.SMTP("localhost", self.port, timeout=30)
        with client:
            if self.tls == "starttls":
                client.starttls(context=context)
            if user:
                client.login(user, password or user)
            yield client

    def send(self, user: str, letter: EmailMessage) -> None:
        with self.client(user) as client:
            client.send_message(letter)


def add_agents(
    daemon: Daemon,
    certificate: Certificate,
    *,
    tls: str = "starttls",
    auth: str = "passwords",
    keys: str = "",
) -> AgentsPort:
    """Give a daemon that has not started a listener for agents; ``keys`` are lines of [submission]."""
    port = free_port()
    agents = "".join(
        f'[agent.{name}]\naddress = "{name}@example.org"\npassword_hash = "{_CHEAP.hash(name)}"\n'
        for name in AGENTS
    )
    submission = (
        f'[submission]\nlisten = ["localhost:{port}"]\ntls = "{tls}"\nauth = "{auth}"\n'
        f'certificate = "{certificate.certificate}"\nprivate_key = "{certificate.key}"\n{keys}\n'
    )
    with daemon.configuration.open("a") as file:
        file.write(f'\nagents = ["alice", "bob"]\n{agents}{submission}')
    return AgentsPort(port, tls, certificate)
