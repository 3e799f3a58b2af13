"""Full-text search: what is found, by whom it was written, and that the index keeps up with the messages."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.desk.merge import merge, split, unmerge
from mailproc.desk.note import add_note
from mailproc.desk.search import AT_ONCE, index_next
from mailproc.model.search import parse_query
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import NewMessage, NewTicket, TicketFilter

NOW = 1_795_000_000.0
CUSTOMER = "anna.berg@customer.example"
SUBJECTS = {
    "umlaut": "Überweisung an Müller GmbH",
    "digraph": "Ueberweisung an Mueller GmbH",
    "street": "Neue Straße",
    "open": "Offene Rechnung",
    "other": "Rechnung noch offene",
}


@dataclass
class Archive:
    """A store whose tickets are named in tests."""

    store: Store

    def __post_init__(self) -> None:
        self.names: dict[str, str] = {}
        self._serial = itertools.count(1)

    async def open(self, name: str, subject: str = "x", text: str = "x", *, desk: str = "support") -> Ticket:
        number = f"20261121{next(self._serial):05d}"
        self.names[number] = name
        new = NewTicket(number, desk, subject, subject, State.NEW, "", CUSTOMER, NOW, "", "", 0.5)
        ticket = await self.store.write(lambda tx: tx.tickets.open(new))
        await self.add(ticket, subject, text)
        return ticket

    async def add(
        self,
        ticket: Ticket,
        subject: str = "x",
        text: str = "x",
        *,
        sender: str = CUSTOMER,
        head: str = "From: Anna Berg <anna.berg@customer.example>\n",
        direction: Direction = Direction.IN,
        agent: str = "",
    ) -> bytes:
        fields = f"X-Serial: {next(self._serial)}\nSubject: x\nContent-Type: text/plain; charset=utf-8\n"
        raw = f"{head}{fields}\n{text}\n"
        content = raw.replace("\n", "\r\n").encode()
        digest = hashlib.sha256(content).digest()
        new = NewMessage(
            *(
                None,
                digest,
                direction,
                sender,
                ("support@example.org",),
                subject,
                NOW,
                "",
                len(content),
                "none",
                NOW,
            ),
            agent=agent,
        )

        def work(tx: Transaction) -> None:
            tx.deliveries.keep_raw(digest, content)
            tx.tickets.add_message(ticket, new)

        await self.store.write(work)
        return digest

    async def write(self, work: Callable[[Transaction], object]) -> None:
        await self.store.write(work)

    async def found(self, words: str, newest: int = 0, **others: str) -> list[str]:
        """The names of what is found, when everything is indexed."""
        while await index_next(self.store):
            pass
        wanted = TicketFilter(**others, search=parse_query(words), newest=newest)
        tickets = await self.store.read(lambda tx: list(tx.tickets.matching(wanted)))
        return [self.names[ticket.number] for ticket in tickets]


@pytest.fixture
async def archive(store: Store) -> Archive:
    return Archive(store)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("müller", ["umlaut", "digraph"]),
        ("MUELLER", ["umlaut", "digraph"]),
        ("muller", ["umlaut"]),
        ("überweisung Müller", ["umlaut", "digraph"]),
        ('"an mueller gmbh"', ["umlaut", "digraph"]),
        ("strasse", ["street"]),
        ("STRAẞE", ["street"]),
        ("rechnung", ["open", "other"]),
        ('"offene rechnung"', ["open"]),
        ("offene rechnung", ["open", "other"]),
        ("rechnung -noch", ["open"]),
        ("-rechnung -gmbh", ["street"]),
        ('-"offene rechnung" rechnung', ["other"]),
        ("rech*", ["open", "other"]),
        ("rec*", ["open", "other"]),
        ("re*", ["open", "other"]),
        ("mül* überw*", ["umlaut", "digraph"]),
        ("chnung", []),
        ("subject:neue", ["street"]),
        ("from:neue", []),
        ("?!", []),
        ("", list(SUBJECTS)),
    ],
)
async def test_words_are_found_however_they_are_spelt(archive: Archive, words: str, names: list[str]) -> None:
    for name, subject in SUBJECTS.items():
        await archive.open(name, subject)
    assert await archive.found(words) == names


async def test_all_words_may_stand_in_different_mails_of_a_ticket(archive: Archive) -> None:
    ticket = await archive.open("both", text="Der Drucker brennt.")
    await archive.add(ticket, text="Das Fax auch.")
    await archive.open("one", text="Der Drucker steht.")
    assert await archive.found("drucker fax") == ["both"]
    assert await archive.found("drucker -fax") == ["one"]


async def test_people_are_found_by_name_and_address_on_their_side(archive: Archive) -> None:
    ticket = await archive.open("hers")
    head = "From: Support <support@example.org>\nTo: =?utf-8?q?J=C3=BCrgen?= Wild <wild@x.example>\n"
    head += "Cc: eva@x.example\n"
    await archive.add(
        ticket, sender="support@example.org", head=head, direction=Direction.OUT, agent="alice", text="Gern."
    )
    await archive.open("other", text="wild")
    assert await archive.found("from:anna.berg@customer.example hers") == []
    assert await archive.found('from:"anna berg" to:juergen') == ["hers"]
    assert await archive.found("to:eva@x.example") == ["hers"]
    assert await archive.found("from:wild") == []
    assert await archive.found("from:alice gern") == ["hers"]
    assert await archive.found("wild") == ["hers", "other"]


async def test_tags_are_searched_as_they_are_now(archive: Archive) -> None:
    ticket = await archive.open("tagged")
    other = await archive.open("other", text="vip")
    await archive.write(lambda tx: tx.history.add_tags(ticket, ["vip-gold", "Rückläufer"]))
    await archive.write(lambda tx: tx.history.add_tags(other, ["unread"]))
    assert await archive.found("tag:vip") == ["tagged"]
    assert await archive.found("vip") == ["tagged", "other"]
    assert await archive.found("tag:ruecklaeuf*") == ["tagged"]
    assert await archive.found('tag:"vip gold" -tag:unread') == ["tagged"]
    assert await archive.found("-tag:vip") == ["other"]
    assert await archive.found("-tag:nobody") == ["tagged", "other"]
    await archive.write(lambda tx: tx.history.remove_tags(ticket, ["vip-gold"]))
    assert await archive.found("tag:vip") == []


async def test_a_number_or_tag_finds_the_ticket_and_who_mentions_it(archive: Archive) -> None:
    ticket = await archive.open("it")
    await archive.open("mentions", text=f"wie in {ticket.number} geschrieben")
    await archive.open("neither")
    assert await archive.found(ticket.number) == ["it", "mentions"]
    assert await archive.found(f"[T#{ticket.number}-k7q2mx]") == ["it"]


async def test_other_filters_hold_too(archive: Archive) -> None:
    await archive.open("support", "Rechnung")
    sold = await archive.open("sales", "Rechnung", desk="sales")
    await archive.write(lambda tx: tx.history.add_tags(sold, ["vip"]))
    assert await archive.found("rechnung", desk="sales") == ["sales"]
    assert await archive.found("rechnung", tag="vip") == ["sales"]
    assert await archive.found("rechnung", state="closed") == []


async def test_quotes_are_not_searched_and_notes_and_file_names_are(archive: Archive) -> None:
    ticket = await archive.open("it", text="Danke!\n\nAm 21.11.2026 schrieb Support:\n> Vorzimmer")
    await archive.write(
        lambda tx: add_note(tx, ticket, "Rang her up about Schornsteine.", who="alice", now=NOW)
    )
    assert await archive.found("danke") == ["it"]
    assert await archive.found("vorzimmer") == []
    assert await archive.found("schornsteine from:alice") == ["it"]
    assert await archive.found("note") == [], "every note has this in its subject"


async def test_a_merged_ticket_is_found_by_the_words_of_both(archive: Archive) -> None:
    first, second = await archive.open("first", text="Drucker"), await archive.open("second", text="Toner")
    last = await archive.open("last", text="Papier")
    await archive.write(lambda tx: merge(tx, first, second, who="alice", now=NOW))
    assert await archive.found("drucker toner") == ["second"]
    assert await archive.found("toner -drucker") == []
    await archive.write(lambda tx: merge(tx, tx.tickets.get(second.id), last, who="alice", now=NOW))
    assert await archive.found("drucker toner papier") == ["last"]
    assert await archive.found(first.number) == ["first", "second", "last"]
    await archive.write(lambda tx: unmerge(tx, tx.tickets.get(first.id), who="alice", now=NOW))
    assert await archive.found("drucker") == ["first"]


async def test_a_split_takes_the_words_along(archive: Archive) -> None:
    ticket = await archive.open("old", text="Drucker")
    digest = await archive.add(ticket, text="Toner")
    assert await archive.found("toner") == ["old"]
    archive.names["7"] = "new"
    await archive.write(lambda tx: split(tx, ticket, [digest], "7", who="alice", now=NOW))
    assert await archive.found("toner") == ["new"]
    assert await archive.found("drucker") == ["old"]


async def test_a_message_is_indexed_once_whoever_indexes(archive: Archive) -> None:
    await archive.open("it", text="Drucker")
    mark, waiting = await archive.store.read(lambda tx: (tx.search.mark(), tx.search.unindexed(AT_ONCE)))
    assert (mark, len(waiting)) == (0, 1)
    assert await archive.found("drucker") == ["it"]
    again = await archive.store.read(lambda tx: tx.search.unindexed(AT_ONCE))
    assert again == []


async def test_what_another_indexed_meanwhile_is_not_indexed_again(archive: Archive) -> None:
    await archive.open("it", text="Drucker")
    assert await archive.found("drucker") == ["it"]

    def late(tx: Transaction) -> bool:
        from mailproc.store.full_text import Entry

        return tx.search.add([Entry(1, "", "", "", "fax")], 0)

    assert not await archive.store.write(late)
    assert await archive.found("fax") == []


async def test_an_index_made_anew_finds_the_same(archive: Archive) -> None:
    for number in range(AT_ONCE + 3):
        await archive.open(f"t{number}", text=f"Drucker wort{number}")
    before = await archive.found("drucker")
    await archive.write(lambda tx: tx.search.clear())
    assert await archive.store.read(lambda tx: tx.search.count_unindexed()) == AT_ONCE + 3
    assert (
        await archive.store.read(
            lambda tx: list(tx.tickets.matching(TicketFilter(search=parse_query("drucker"))))
        )
        == []
    )
    assert await archive.found("drucker") == before
    assert await archive.found("wort2") == ["t2"]


async def test_only_the_newest_are_listed_newest_last(archive: Archive) -> None:
    for name in ("one", "two", "three"):
        await archive.open(name, text="Drucker")
    await archive.open("four", text="Fax")
    assert await archive.found("drucker", newest=2) == ["two", "three"]
    assert await archive.found("", newest=2) == ["three", "four"]


async def test_a_message_that_is_gone_is_found_no_more(archive: Archive) -> None:
    await archive.open("it", text="Drucker")
    assert await archive.found("drucker") == ["it"]
    await archive.write(lambda tx: tx.search._connection.run("DELETE FROM message"))
    assert await archive.found("drucker") == []


async def test_a_message_without_its_mail_is_found_by_its_subject(archive: Archive) -> None:
    ticket = await archive.open("it", "Rechnung", text="Drucker")
    (message,) = await archive.store.read(lambda tx: tx.tickets.messages(ticket.id))
    await archive.write(
        lambda tx: tx.search._connection.run(
            "DELETE FROM raw_mail WHERE sha256 = :it", {"it": message.sha256}
        )
    )
    assert await archive.found("rechnung") == ["it"]
    assert await archive.found("drucker") == []


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(st.characters())
    | st.lists(
        st.sampled_from(['"', "-", "*", ":", "from:", "AND", "NEAR(", "(", "^", "{", "a", "\x00", "'", " "])
    ).map("".join)
)
async def test_nothing_that_is_typed_fails(archive: Archive, words: str) -> None:
    if not archive.names:
        await archive.open("it", text="a and near")
    assert await archive.found(words) in ([], ["it"])
