"""Answers through the daemon: one of two leaves, a held one waits for a word, a crash loses none."""

from __future__ import annotations

import signal
import smtplib
import threading
from collections.abc import Callable, Sequence
from email.message import EmailMessage

import pytest

from tests.rig import failpoints
from tests.rig.agents import AgentsPort, add_agents
from tests.rig.certificate import Certificate
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.oracle import assert_store_is_sound
from tests.rig.sink import Caught, Sink
from tests.rig.waiting import eventually

DESK = "support@example.org"
CUSTOMER = "carla@customer.example"
MakeDaemon = Callable[..., Daemon]


def ask(daemon: Daemon, *numbers: int) -> None:
    with daemon.lmtp() as client:
        for number in numbers:
            client.deliver(CUSTOMER, [DESK], mail(number, sender=CUSTOMER))
    daemon.settle()


def answer(agent: str, number: int = 1, text: str = "Pour water on it.", *, to: str = DESK) -> EmailMessage:
    made = EmailMessage()
    made["From"] = f"{agent}@example.org"
    made["To"] = to
    made["Subject"] = "Re: your printer"
    made["Message-ID"] = f"<{agent}-{number}-{len(text)}@laptop.example>"
    made["In-Reply-To"] = f"<mail-{number}@customer.example>"
    made.set_content(f"{text}\n")
    return made


def to_customer(caught: Sequence[Caught]) -> list[Caught]:
    return [one for one in caught if one.recipients == (CUSTOMER,)]


def try_to_send(agents: AgentsPort, agent: str, letter: EmailMessage) -> bool:
    """False where the daemon went away before it said 250."""
    try:
        agents.send(agent, letter)
    except (smtplib.SMTPException, OSError):
        return False
    return True


AT_ANSWERS = sorted(name for name in failpoints.in_code() if name.startswith(("answer.", "outbox.")))


@pytest.mark.soak  # the ordinary run walks the same fail points in tests/peers/test_agents_crash.py
@pytest.mark.parametrize("name", [name for name in AT_ANSWERS if name != "outbox.taken"])
def test_a_crash_at_any_step_of_an_answer_loses_and_doubles_nothing(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate, name: str
) -> None:
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    agents = add_agents(daemon, certificate)
    daemon.start(f"{name}:kill9")
    ask(daemon, 1)
    letter = answer("alice")
    was_taken = try_to_send(agents, "alice", letter)
    assert daemon.wait_for_death() == -signal.SIGKILL
    daemon.start()
    if not was_taken:
        agents.send("alice", letter)
    sink.wait_for(1)
    eventually(lambda: daemon.status()["outbox"]["waiting"] == 0, every=0.2)
    (ticket,) = daemon.tickets()
    daemon.stop()
    assert (ticket["state"], ticket["owner"], ticket["messages"]) == ("answered", "alice", 2)
    ids = {one.message["Message-ID"] for one in to_customer(sink.caught)}
    assert len(ids) == 1
    assert len(sink.caught) == (2 if name == "outbox.sent" else 1)  # the relay's 250 was never recorded
    assert_store_is_sound(daemon)


def test_a_second_answer_is_held_and_leaves_when_its_author_says_so(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    agents = add_agents(daemon, certificate)
    daemon.start()
    ask(daemon, 1)
    agents.send("alice", answer("alice"))
    agents.send("bob", answer("bob", text="Take sand."))
    caught = sink.wait_for(2)
    (notice,) = [one for one in caught if one.recipients == ("bob@example.org",)]
    assert len(to_customer(caught)) == 1
    (held,) = daemon.cli("outbox", "list", "--state", "held")
    assert held["kind"] == "reply"

    decision = answer("bob", 2, "send", to=notice.message["Reply-To"])
    agents.send("bob", decision)
    caught = sink.wait_for(3)
    texts = [one.raw.partition(b"\r\n\r\n")[2].decode().strip() for one in to_customer(caught)]
    assert texts == ["Pour water on it.", "Take sand."]
    assert daemon.cli("outbox", "list", "--state", "held") == []
    daemon.stop()


def test_a_second_answer_is_refused_where_the_site_wants_that(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"))
    agents = add_agents(daemon, certificate, keys='second_answer = "refuse"')
    daemon.start()
    ask(daemon, 1)
    agents.send("alice", answer("alice"))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        agents.send("bob", answer("bob", text="Take sand."))
    assert refused.value.smtp_code == 550
    assert "alice answered it on" in str(refused.value.smtp_error)
    sink.wait_for(1)
    daemon.stop()
    assert len(sink.caught) == 1


def test_of_simultaneous_answers_through_two_workers_one_of_each_pair_leaves(
    make_daemon: MakeDaemon, sink: Sink, certificate: Certificate
) -> None:
    pairs = 25
    daemon = make_daemon(relay_port=sink.port, chain=("automatic", "ticket"), top="workers = 2")
    agents = add_agents(daemon, certificate)
    daemon.start()
    ask(daemon, *range(pairs))
    start = threading.Barrier(2)

    def work(agent: str) -> None:
        with agents.client(agent) as client:
            for number in range(pairs):
                start.wait(60)
                client.send_message(answer(agent, number, f"{agent} says {number}."))

    threads = [threading.Thread(target=work, args=(agent,)) for agent in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    eventually(lambda: daemon.status()["outbox"]["waiting"] == 0, every=0.2)
    outbox = daemon.status()["outbox"]
    assert (outbox["held"], outbox["sent"]) == (pairs, 2 * pairs)
    assert len(to_customer(sink.caught)) == pairs
    answered = {one.message["In-Reply-To"] for one in to_customer(sink.caught)}
    assert len(answered) == pairs
    daemon.stop()
