"""Three machines behind a real Postfix: one is killed, one frozen, one cut off from the database."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.rig import freezing
from tests.rig.answering import Answering, answered
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.mails import mail, subject_of
from tests.rig.ports import free_port
from tests.rig.postfix import Postfix
from tests.rig.sink import Sink
from tests.rig.staff import Staff, make_staff
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually
from tests.rig.wire import Wire

pytestmark = [pytest.mark.peers, pytest.mark.soak, pytest.mark.timeout(600)]

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
NAME = "nodes.mail.example.org"
EARLY, MAILS = range(8), range(80)

# As docs/howto/scale.md has it, but for the times: a node that hangs is given up after seconds.
SETTINGS = f"""\
transport_maps = inline:{{ support@example.org=lmtp:inet:{NAME}:LMTP }}
lmtp_connect_timeout = 2s
lmtp_lhlo_timeout = 2s
lmtp_mail_timeout = 2s
lmtp_rcpt_timeout = 2s
lmtp_data_init_timeout = 2s
lmtp_data_done_timeout = 15s
"""
# Every mail is late after a second, and nothing comes of it but an event.
TARGETS = """
[[desk.support.target]]
first = "1m"
warn = 0.01
[[desk.support.escalation]]
at = "warn"
tag = ["late"]
"""


class Customers:
    """Write mails at Postfix, one after another, until each is taken."""

    def __init__(self, postfix: Postfix, numbers: Iterable[int]) -> None:
        self._postfix = postfix
        self._numbers = tuple(numbers)
        self.sent = 0
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(120)
        assert self.sent == len(self._numbers)

    def _write(self) -> None:
        for number in self._numbers:
            raw = mail(number, size=2000)
            assert not self._postfix.smtp(f"customer{number}@customer.example", ["support@example.org"], raw)
            self.sent += 1


@pytest.fixture
def wire(store_server: StoreServer) -> Iterator[Wire]:
    wire = Wire(store_server.port)
    yield wire
    wire.close()


@pytest.fixture
def staffs(
    make_node: Callable[..., Daemon],
    make_dovecot: Callable[..., Dovecot],
    store_server: StoreServer,
    url: str,
    wire: Wire,
    sink: Sink,
) -> Iterator[list[Staff]]:
    """One for each node; the last reaches its database by the wire."""
    dovecot, port = make_dovecot(desks=("Support", "Sales")), free_port()
    urls = (url, url, url.replace(f":{store_server.port}/", f":{wire.port}/"))
    made = []
    for address, store in zip(ADDRESSES, urls, strict=True):
        node = make_node(
            store=store, store_keys="timeout = 3.0", address=address, lmtp_port=port, relay_port=sink.port
        )
        made.append(make_staff(dovecot, node, sink, desk=TARGETS))
    yield made
    for staff in made:
        staff.log_out()


@pytest.fixture
def postfix(make_postfix: Callable[..., Postfix], staffs: list[Staff]) -> Postfix:
    hosts = "".join(f"{address} {NAME}\n" for address in ADDRESSES)
    port = staffs[0].daemon.lmtp_port
    made = make_postfix(lmtp_port=port, relay_port=free_port(), settings=SETTINGS, hosts=hosts)
    made.start()
    return made


def shown(staff: Staff) -> Counter[str]:
    """How many copies of each customer's mail lie in the desk's mailboxes."""
    client, found = staff.client("alice"), Counter[str]()
    for flags, _, name in client.list_folders("", "Support/*"):
        if b"\\Noselect" in flags:
            continue
        client.select_folder(name, readonly=True)
        uids = client.search(["UNDELETED"])
        wanted = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
        for fetched in client.fetch(uids, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]).values() if uids else ():
            found[fetched[wanted].decode().partition(":")[2].strip()] += 1
    return Counter({key: count for key, count in found.items() if key.startswith("<mail-")})


def holds_all(node: Daemon, server: StoreServer, url: str) -> bool:
    """Whether it keeps the time and watches the folder."""
    name = (node.folder / "state" / "node").read_text()
    rows = server.ask("SELECT holder FROM lease WHERE name IN ('clock', 'folder:support')", url)
    return len(rows) == 2 and all(name in holder for (holder,) in rows)


def being_sent_by(node: Daemon, server: StoreServer, url: str) -> set[str]:
    """To whom a killed node was sending: nobody knows whether that has left."""
    name = (node.folder / "state" / "node").read_text()
    rows = server.ask(
        "SELECT recipient FROM outbox JOIN outbox_recipient ON outbox = id"
        f" WHERE begun = 1 AND outbox.state = 'waiting' AND worker LIKE '%{name}/%'",
        url,
    )
    return {recipient for (recipient,) in rows}


def answer_ids(sink: Sink) -> set[str]:
    answers = [caught for caught in sink.caught if b"Pour water on" in caught.raw]
    return {str(caught.message["Message-ID"]) for caught in answers}


def test_nodes_are_killed_frozen_and_cut_off_and_nothing_is_lost_or_doubled(
    staffs: list[Staff], postfix: Postfix, wire: Wire, store_server: StoreServer, url: str, sink: Sink
) -> None:
    killed, frozen, cut = (staff.daemon for staff in staffs)
    for node in (killed, frozen, cut):
        node.start()

    def keeps_the_clock(node: Daemon) -> bool:
        return holds_all(node, store_server, url)

    Customers(postfix, EARLY).join()
    eventually(lambda: store_server.ask("SELECT count(*) FROM ticket", url) == [(len(EARLY),)], seconds=60)
    answering = Answering(staffs, EARLY)
    customers = Customers(postfix, MAILS[len(EARLY) :])
    answering.start()
    eventually(lambda: customers.sent > 5 and answering.taken)

    killed.kill9()
    in_doubt = being_sent_by(killed, store_server, url)
    freezing.freeze(frozen.processes)
    eventually(lambda: keeps_the_clock(cut), seconds=90)
    wire.cut()
    freezing.thaw(frozen.processes)
    eventually(lambda: keeps_the_clock(frozen), seconds=90)
    wire.mend()
    killed.start()
    customers.join()
    answering.join(120)

    eventually(lambda: not postfix.queue(), seconds=120, every=0.5)
    assert_each_is_one_ticket(killed)
    assert_each_answer_left(sink, in_doubt)
    assert_each_is_late_once(store_server, url)
    expected = {f"<mail-{number}@customer.example>": 1 for number in MAILS}
    eventually(lambda: shown(staffs[0]) == expected, seconds=60, every=0.5)
    for node in (killed, frozen, cut):
        assert "outcome=new" in node.log()  # Postfix went to each of them
        assert "Traceback" not in node.log()
        node.stop()


def assert_each_is_one_ticket(node: Daemon) -> None:
    status = node.settle(seconds=120)
    assert (status["new"], status["quarantined"], status["ignored"]) == (len(MAILS), 0, 0)
    tickets = node.tickets()
    assert Counter(each["subject"] for each in tickets) == Counter(map(subject_of, MAILS))
    messages = {each["subject"]: each["messages"] for each in tickets}
    assert messages == {subject_of(number): 2 if number in EARLY else 1 for number in MAILS}
    eventually(lambda: node.status()["outbox"]["waiting"] == 0, every=0.5, seconds=60)


def assert_each_answer_left(sink: Sink, in_doubt: set[str]) -> None:
    """Once, but for those that a killed node was sending; and no acknowledgement twice."""
    answers = answered(sink)
    assert answers.keys() == {f"customer{number}@customer.example" for number in EARLY}
    assert {each for each, times in answers.items() if times > 1} <= in_doubt
    assert len(answer_ids(sink)) == len(EARLY)  # also what came twice is one mail to its reader
    others = [each.recipients for each in sink.caught if b"Pour water on" not in each.raw]
    assert len(others) == len(set(others))


def assert_each_is_late_once(server: StoreServer, url: str) -> None:
    """What happens by itself happens to every ticket that waits, by one node."""
    late = (
        "SELECT count(*) FROM ticket WHERE state <> 'answered' AND id NOT IN (SELECT ticket FROM escalation)"
    )
    eventually(lambda: server.ask(late, url) == [(0,)], seconds=60)
    told = server.ask("SELECT count(*) FROM event WHERE what = 'escalated' GROUP BY ticket", url)
    assert {count for (count,) in told} == {1}
