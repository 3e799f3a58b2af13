"""SQL databases as sources: SQLite for real, and each other kind as far as it goes without its server.

PostgreSQL and MariaDB are asked for real in ``tests/peers/test_enrich.py``.
"""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mailproc.stage import Inquiry, SourceAway, SourceOptions, open_source

QUERY = "SELECT name, tier FROM customer WHERE mail = :sender"
ANN = {"sender": "ann@example.com"}
SERVERS = (
    "postgresql://reader@127.0.0.1:{port}/crm",
    "mysql://reader@127.0.0.1:{port}/crm",
    "mariadb://reader@127.0.0.1:{port}/crm",
    "oracle://reader@127.0.0.1:{port}/?service_name=CRM",
    "mssql://reader@127.0.0.1:{port}/crm",
)
Ask = Callable[..., Inquiry]


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    opened: list[Inquiry] = []

    def open_one(
        url: str, query: str = QUERY, values: tuple[str, ...] = ("name", "tier"), **options: object
    ) -> Inquiry:
        made = SourceOptions(url=url, query=query, values=values, cache=0.0, **options)  # type: ignore[arg-type]
        opened.append(open_source("crm", made, tmp_path))
        return opened[-1]

    yield open_one
    for inquiry in opened:
        await inquiry.close()


@pytest.fixture
def customers(tmp_path: Path) -> str:
    """A database in a file with an awkward name; its URL, relative to the test's folder."""
    with closing(sqlite3.connect(tmp_path / "our customers%20?.db")) as made:
        made.execute("CREATE TABLE customer (mail TEXT, name TEXT, tier NUMERIC)")
        made.execute("INSERT INTO customer VALUES ('ann@example.com', 'Ann', 2)")
        made.executemany(
            "INSERT INTO customer VALUES ('many@example.com', ?, 3)", [(n,) for n in range(1000)]
        )
        made.commit()
    return "sqlite:///our customers%2520%3F.db"


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_sqlite_answers(ask: Ask, customers: str) -> None:
    assert await ask(customers).ask(ANN) == ({"name": "Ann", "tier": 2},)


async def test_names_of_columns_may_differ_in_case(ask: Ask, customers: str) -> None:
    query = "SELECT name AS Full_Name FROM customer WHERE mail = :sender"
    assert await ask(customers, query, ("who=FULL_NAME",)).ask(ANN) == ({"who": "Ann"},)


@pytest.mark.parametrize("sender", ["' OR 1=1 --", "x'||(SELECT 1)--@example.com", "%", ":sender", "\\"])
async def test_what_a_mail_brings_stays_a_value(ask: Ask, customers: str, sender: str) -> None:
    assert await ask(customers).ask({"sender": sender}) == ()


async def test_no_more_rows_are_read_than_allowed(ask: Ask, customers: str) -> None:
    assert len(await ask(customers, rows=7).ask({"sender": "many@example.com"})) == 7


async def test_sqlite_is_not_written_to(ask: Ask, customers: str, tmp_path: Path) -> None:
    query = (
        "WITH x AS (SELECT :sender AS mail) INSERT INTO customer SELECT mail, 'Eve', 1 FROM x RETURNING name"
    )
    with pytest.raises(SourceAway, match="readonly database"):
        await ask(customers, query, ("name",)).ask(ANN)
    with closing(sqlite3.connect(tmp_path / "our customers%20?.db")) as looked:
        assert looked.execute("SELECT count(*) FROM customer").fetchone() == (1001,)


async def test_a_query_that_never_ends_is_interrupted(ask: Ask, customers: str) -> None:
    endless = (
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE :sender = 'endless')"
        " SELECT count(*) AS name FROM n"
    )
    inquiry = ask(customers, endless, ("name",), timeout=0.3)
    for _ in range(4):  # as many as there are threads
        with pytest.raises(SourceAway, match="no answer within"):
            await inquiry.ask({"sender": "endless"})
    assert await inquiry.ask(ANN) == ({"name": 1},)


@pytest.mark.parametrize(
    ("query", "values", "words"),
    [
        ("SELECT name FROM nowhere WHERE mail = :sender", ("name",), "no such table"),
        (QUERY, ("phone",), "no column phone"),
    ],
)
async def test_a_wrong_query_is_told(
    ask: Ask, customers: str, query: str, values: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SourceAway, match=words):
        await ask(customers, query, values).ask(ANN)


async def test_a_file_that_is_not_there_is_not_made(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="unable to open"):
        await ask("sqlite:///nowhere.db").ask(ANN)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("url", SERVERS, ids=lambda url: url.partition(":")[0])
async def test_nobody_listens(ask: Ask, url: str) -> None:
    """A clear error, and the same again: the second question is no different."""
    inquiry = ask(url.format(port=9), password="secret")
    for _ in range(2):
        with pytest.raises(SourceAway) as caught:
            await inquiry.ask(ANN)
        assert re.search("refused|unavailable", str(caught.value))
        assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of drivers that give up
@pytest.mark.parametrize("url", SERVERS, ids=lambda url: url.partition(":")[0])
async def test_somebody_listens_and_says_nothing(ask: Ask, url: str, silent: int) -> None:
    inquiry = ask(url.format(port=silent), password="secret", timeout=0.5)
    with pytest.raises(SourceAway):
        await inquiry.ask(ANN)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nodb://host/crm", "nodb"),
        ("postgresql+nodriver://host/crm", "nodriver"),
        ("postgresql://h:port/crm", "port"),
    ],
)
async def test_a_url_that_is_none_is_a_mistake_of_the_configuration(ask: Ask, url: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^url: .*{words}"):
        ask(url)
