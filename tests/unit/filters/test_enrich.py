"""The enrich stage: what is known of the author."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from mailproc.model.mistake import Mistake
from mailproc.model.option import build
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import AuthorHistory, LookUps, Stage

Make = Callable[..., Delivery]


@pytest.mark.parametrize(
    ("history", "note"),
    [
        (AuthorHistory(1, 0, 0), "1 mail before, no ticket open"),
        (AuthorHistory(12, 3, 1), "12 mails before, 1 ticket open"),
        (AuthorHistory(2, 0, 2), "2 mails before, 2 tickets open"),
    ],
)
async def test_a_known_author_is_noted(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    history: AuthorHistory,
    note: str,
) -> None:
    stage = filter_module("enrich").Filter()
    await stage.open(look_ups(authors={"ann@example.com": history}))
    made = delivery(author="From: Ann@Example.COM")
    await stage.process(made)
    assert made.results[-1].notes == {"author": note}


@pytest.mark.parametrize(("author", "options"), [("From: eve@example.net", {}), ("X-No: author", {})])
async def test_nothing_known_adds_nothing(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    author: str,
    options: dict[str, bool],
) -> None:
    stage = filter_module("enrich").Filter(**options)
    await stage.open(look_ups(authors={"ann@example.com": AuthorHistory(5, 5, 5)}))
    made = delivery(author=author)
    await stage.process(made)
    assert made.results[-1].notes == {}


async def test_history_can_be_switched_off(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], delivery: Make
) -> None:
    stage = filter_module("enrich").Filter(history=False)
    await stage.open(look_ups(authors={"ann@example.com": AuthorHistory(5, 5, 5)}))
    made = delivery()
    await stage.process(made)
    assert made.results[-1].notes == {}
    assert made.results[-1].scores == {}


async def test_the_last_answer_is_noted(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], delivery: Make
) -> None:
    stage = filter_module("enrich").Filter()
    history = AuthorHistory(3, 0, 1, answered=1_795_000_000.0 - 2 * 86_400, answered_by="alice")
    await stage.open(look_ups(authors={"ann@example.com": history}))
    made = delivery()
    await stage.process(made)
    assert made.results[-1].notes == {"author": "3 mails before, 1 ticket open, answered 2026-11-16 by alice"}
    scores = {"mails": 3, "open_tickets": 1, "answered_days": 2.0, "answered_by": "alice"}
    assert made.results[-1].scores == scores


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """A database of customers and their orders."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript(
            """
            CREATE TABLE customer (mail TEXT, id INTEGER, name TEXT, tier TEXT);
            INSERT INTO customer VALUES ('ann@example.com', 7, 'Ann' || char(10) || 'Ang', 'gold');
            CREATE TABLE orders (customer INTEGER, number TEXT, state TEXT);
            INSERT INTO orders VALUES (7, '000123', 'sent'), (7, '000124', 'paid');
            """
        )
    return path


CRM = {
    "url": "sqlite:///crm.db",
    "query": "SELECT id, name, tier FROM customer WHERE mail = :sender",
    "values": ["id", "name", "tier"],
    "note": "{{ name }} ({{ tier }})",
    "tags": ["tier-{{ tier }}", "{{ 'top' if tier == 'gold' else '' }}"],
    "unknown": "stranger",
}
ORDERS = {
    "url": "sqlite:///crm.db",
    "query": "SELECT number, state FROM orders WHERE customer = :crm_id ORDER BY number",
    "values": ["number", "state"],
    "note": "{% for row in rows %}{{ row.number }} {{ row.state }}\n{% endfor %}",
}
Enrich = Callable[..., Awaitable[Delivery]]


@pytest.fixture
async def enrich(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], tmp_path: Path
) -> AsyncIterator[Enrich]:
    """Passes a mail through a stage with these options, whose paths start in the test's folder."""
    stages: list[Stage] = []

    async def pass_through(made: Delivery, **options: object) -> Delivery:
        mistakes: list[Mistake] = []
        stage = build(filter_module("enrich").Filter, {"history": False, **options}, ("stage",), mistakes)
        assert mistakes == []
        assert isinstance(stage, Stage)
        await stage.open(replace(look_ups(), folder=str(tmp_path)))
        stages.append(stage)
        await stage.process(made)
        return made

    yield pass_through
    for stage in stages:
        await stage.close()


async def test_an_answer_becomes_note_tags_and_scores(
    enrich: Enrich, delivery: Make, customers: Path
) -> None:
    made = await enrich(delivery(), source={"crm": CRM})
    assert made.results[-1].notes == {"crm": "Ann Ang (gold)"}
    assert made.tags == ("tier-gold", "top")
    assert made.results[-1].scores == {
        "crm_id": 7,
        "crm_name": "Ann Ang",
        "crm_tier": "gold",
        "crm_found": True,
    }


async def test_who_is_not_found_gets_a_tag(enrich: Enrich, delivery: Make, customers: Path) -> None:
    made = await enrich(delivery(author="From: eve@example.net"), source={"crm": CRM})
    assert made.tags == ("stranger",)
    assert made.results[-1].scores == {"crm_found": False}
    assert made.results[-1].notes == {}


async def test_a_source_may_ask_for_what_an_earlier_one_said(
    enrich: Enrich, delivery: Make, customers: Path
) -> None:
    made = await enrich(delivery(), source={"crm": CRM, "orders": ORDERS})
    assert made.results[-1].notes == {
        "crm": "Ann Ang (gold)",
        "orders": "000123 sent",
        "orders 2": "000124 paid",
    }
    unknown = await enrich(delivery(author="From: eve@example.net"), source={"crm": CRM, "orders": ORDERS})
    assert "orders_found" not in unknown.results[-1].scores


@pytest.mark.parametrize(
    ("mail", "state"),
    [
        ({"subject": "Order ORD-000123 is late"}, "sent"),
        ({"text": "Hi,\r\nwhere is ORD-000124?\r\n\r\n> ORD-000123"}, "paid"),
        ({"text": "Hi\r\n\r\n> where is ORD-000123?"}, "sent"),
        ({"subject": "ORD-9", "text": "none"}, None),
    ],
)
async def test_a_pattern_finds_what_is_asked_for(
    enrich: Enrich, delivery: Make, customers: Path, mail: dict[str, str], state: str | None
) -> None:
    orders = {**ORDERS, "query": "SELECT number, state FROM orders WHERE number = :order"}
    made = await enrich(delivery(**mail), source={"orders": orders}, find={"order": r"\bORD-([0-9]{6})\b"})
    assert made.results[-1].scores.get("orders_state") == state


async def test_a_source_that_is_away_leaves_a_tag_and_the_wish_to_come_again(
    enrich: Enrich, delivery: Make
) -> None:
    made = await enrich(delivery(), source={"crm": CRM, "orders": ORDERS})
    assert made.tags == ("crm-away", "orders-away")
    assert made.results[-1].postponed == ["crm-away", "orders-away"]
    assert made.results[-1].scores == {}


async def test_later_may_be_never(enrich: Enrich, delivery: Make) -> None:
    made = await enrich(delivery(), source={"crm": {**CRM, "later": False}})
    assert (made.tags, made.results[-1].postponed) == (("crm-away",), [])


async def test_a_mail_that_comes_again_hears_only_what_it_missed(
    enrich: Enrich, delivery: Make, customers: Path
) -> None:
    first = delivery()
    again = Delivery(first.envelope, first.desk, first.raw, first.received, again=frozenset({"orders-away"}))
    again.begin("enrich")
    await enrich(again, source={"crm": CRM, "orders": ORDERS}, history=True)
    assert list(again.results[-1].notes) == ["orders", "orders 2"]
    assert again.tags == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": {"crm": {**CRM, "note": "{{ nmae }}"}}}, 'source.crm.note: unknown name "nmae"'),
        ({"source": {"crm": {**CRM, "tags": ["{{ tier"]}}}, "source.crm.tags: "),
        (
            {"source": {"crm": {**CRM, "query": "SELECT 1 WHERE :sendr = ''"}}},
            'source.crm.query: nothing is called "sendr"',
        ),
        ({"source": {"orders": ORDERS, "crm": CRM}}, 'source.orders.query: nothing is called "crm_id"'),
        ({"source": {"Crm": CRM}}, '"Crm" is no name'),
        ({"source": {"crm": {**CRM, "url": "nodb://host/x"}}}, "source.crm.url: "),
        ({"source": {"crm": {**CRM, "password_file": "nowhere"}}}, "source.crm.password_file: "),
        ({"find": {"order": "(?=x)"}}, "find.order: bad pattern"),
        ({"find": {"sender": "x"}}, "find.sender: means something else"),
    ],
)
async def test_mistakes_are_told_when_the_stage_is_opened(
    enrich: Enrich, delivery: Make, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        await enrich(delivery(), **options)


def test_the_names_of_scores_are_known_from_the_options(
    filter_module: Callable[[str], ModuleType],
) -> None:
    options = {"source": {"crm": {"values": ["tier=plan.tier", "name"]}}}
    scores = filter_module("enrich").Filter.more_scores(options)
    assert scores == {"crm_tier", "crm_name", "crm_found"}


async def test_a_secret_file_that_others_may_read_is_refused(
    enrich: Enrich, delivery: Make, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("sqlite:///crm.db\n")
    (tmp_path / "url").chmod(0o644)
    options = {**{key: value for key, value in CRM.items() if key != "url"}, "url_file": "url"}
    with pytest.raises(ValueError, match="open to everyone"):
        await enrich(delivery(), source={"crm": options})
    (tmp_path / "url").chmod(0o600)
    assert (await enrich(delivery(), source={"crm": options})).tags == ("crm-away",)
