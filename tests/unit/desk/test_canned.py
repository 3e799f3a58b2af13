"""A desk's standard answers, the letter around an answer, and the best one to suggest."""

from __future__ import annotations

import pytest

from mailproc.desk.canned import Canned, NotExpanded, canned_of, keep_canned, suggest
from mailproc.desk.letter import letter, letter_values
from mailproc.model.address import Address, Mailbox
from tests.unit.desk.office import Office, desk, mail

FILES = (Canned("a", "file"), Canned("b", "file"), Canned("c", "other's", desk="sales"))


async def test_a_mail_of_the_folder_counts_before_a_file(office: Office) -> None:
    raws = [mail(subject="a", text="mail"), mail(subject="a.de", text="Mail")]
    assert await office.store.write(lambda tx: keep_canned(tx, "support", raws, 1.0)) == ()
    found = await office.store.read(lambda tx: canned_of(tx, "support", FILES))
    assert [(one.title, one.text) for one in found] == [("a", "mail"), ("a.de", "Mail"), ("b", "file")]


async def test_what_is_no_standard_answer_is_told_and_the_others_count(office: Office) -> None:
    raws = [mail(subject="two words"), mail(subject="a", text="1"), mail(subject="a", text="2")]
    mistakes = await office.store.write(lambda tx: keep_canned(tx, "support", raws, 1.0))
    assert [text.partition(":")[0] for text in mistakes] == [
        '"two words" is no name of a standard answer',
        "a",
    ]
    (found,) = await office.store.read(lambda tx: canned_of(tx, "support", ()))
    assert found.text == "1"


async def test_what_is_gone_from_the_folder_is_gone(office: Office) -> None:
    await office.store.write(lambda tx: keep_canned(tx, "support", [mail(subject="a")], 1.0))
    await office.store.write(lambda tx: keep_canned(tx, "support", [], 2.0))
    assert await office.store.read(lambda tx: canned_of(tx, "support", ())) == ()


async def test_the_letter_of_a_desk_is_filled_in_for_customer_and_agent(office: Office) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    own = desk(salutation="Hello {{ customer.name }},\n", signature="{{ agent }}\n{{ desk }} {{ number }}")
    customer = Mailbox("Carla\r\nBcc: x", Address.parse("carla@customer.example"))
    values = letter_values(office.site, own, office.site.agents["alice"], ticket, customer, {})
    found = letter(own, values)
    assert found.sender == '"Alice (Support)" <support@example.org>'
    assert found.signature == f"Alice\nSupport {ticket.number}"
    assert letter(own, values, Address.parse("help@example.org")).sender.endswith("<help@example.org>")
    with pytest.raises(NotExpanded, match="a template of desk support"):
        letter(desk(salutation="{{ notes.contract }}"), values)


@pytest.mark.parametrize(
    ("topic", "similar", "expected"),
    [
        ("Refund", ["delay"], "refund"),
        ("other", ["unknown", "delay", "refund", "refund"], "refund"),
        ("", ["delay", "refund"], "delay"),
        ("", ["unknown"], None),
        ("", [], None),
    ],
)
def test_the_topic_suggests_first_then_what_answered_similar_tickets(
    topic: str, similar: list[str], expected: str | None
) -> None:
    found = suggest([Canned("refund", "x"), Canned("delay", "y")], topic, similar)
    assert (found.name if found else None) == expected
