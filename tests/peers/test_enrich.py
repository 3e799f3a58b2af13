"""Sources that are real servers: asked, down, hanging and lying."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailproc.stage import Inquiry, SourceAway, SourceOptions, open_source
from tests.conftest import peer_is_missing
from tests.rig.certificate import make_certificate
from tests.rig.sources import LIE, CustomerServer, MariaDb, Postgres, Slapd
from tests.rig.waiting import eventually

pytestmark = [
    pytest.mark.peers,
    # A cursor whose connection was cut cannot be closed any more, and psycopg says so when it is forgotten.
    pytest.mark.filterwarnings("ignore:<psycopg.ServerCursor:ResourceWarning"),
]

QUERY = "SELECT name, tier, since, vip FROM customer WHERE mail = :sender"
FILTER = "(&(objectClass=inetOrgPerson)(mail={sender}))"
INJECTIONS = (
    "x' OR '1'='1",
    "x'||(SELECT name FROM customer)--@example.com",
    "%@example.com",
    "ann_example.com",
    "*",
    "*)(uid=*",
    "ann@example.com)(|(uid=*",
    "\\2a",
    "a\\@example.com",
    ":sender",
    "{sender}",
    "%s",
    "\N{FULLWIDTH APOSTROPHE} OR 1=1",
)


def started(kind: Callable[[], CustomerServer]) -> Iterator[CustomerServer]:
    if lacking := kind.missing():  # type: ignore[attr-defined]  # of the class
        peer_is_missing(f"{lacking} is not installed")
    server = kind()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    for server in started(Postgres):
        assert isinstance(server, Postgres)
        server.fill()
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    for server in started(MariaDb):
        assert isinstance(server, MariaDb)
        server.fill()
        yield server


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    for server in started(Slapd):
        assert isinstance(server, Slapd)
        yield server


@pytest.fixture
async def ask() -> object:
    """Opens sources that are closed after the test; no answer is kept unless a test says so."""
    opened: list[Inquiry] = []

    def open_one(server: CustomerServer, **options: object) -> Inquiry:
        defaults: dict[str, object] = {"url": server.url, "cache": 0.0, "timeout": 5.0}  # type: ignore[attr-defined]
        if isinstance(server, Slapd):
            defaults |= {"user": "cn=admin,dc=example,dc=org", "password": "secret", "query": FILTER}
            defaults |= {"values": ("name=givenName", "title", "uid")}
        else:
            defaults |= {"query": QUERY, "values": ("name", "tier", "since", "vip")}
        made = SourceOptions(**{**defaults, **options})  # type: ignore[arg-type]
        opened.append(open_source("crm", made, Path("/")))
        return opened[-1]

    yield open_one
    for inquiry in opened:
        await inquiry.close()


Ask = Callable[..., Inquiry]


@pytest.fixture(params=["postgres", "mariadb", "slapd"])
def server(request: pytest.FixtureRequest) -> CustomerServer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, CustomerServer)
    return found


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest) -> Postgres | MariaDb:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Postgres | MariaDb)
    return found


async def test_a_database_answers(database: Postgres | MariaDb, ask: Ask) -> None:
    (record,) = await ask(database).ask({"sender": "ann@example.com"})
    assert record == {"name": "Ann Ang", "tier": 2, "since": "2024-05-06", "vip": record["vip"]}
    assert record["vip"] in (True, 1)


async def test_a_directory_answers(slapd: Slapd, ask: Ask) -> None:
    records = await ask(slapd).ask({"sender": "ann@example.com"})
    assert records == ({"name": "Ann", "title": "gold, early", "uid": "ann"},)


async def test_who_is_not_known_has_no_record(server: CustomerServer, ask: Ask) -> None:
    assert await ask(server).ask({"sender": "nobody@example.com"}) == ()


@pytest.mark.parametrize("sender", INJECTIONS)
async def test_what_a_mail_brings_stays_a_value(server: CustomerServer, ask: Ask, sender: str) -> None:
    assert await ask(server).ask({"sender": sender}) == ()


@pytest.mark.parametrize(
    "sender", ["", "a\0@example.com", "a\r\n@example.com", "a" * 1_000_000 + "@example.com"]
)
async def test_what_nobody_is_called_is_not_asked(server: CustomerServer, ask: Ask, sender: str) -> None:
    server_is_down = {"url": server.url.replace(str(server.port), "9")}  # type: ignore[attr-defined]
    assert await ask(server, **server_is_down).ask({"sender": sender}) == ()


async def test_a_lie_becomes_one_line(server: CustomerServer, ask: Ask) -> None:
    (record,) = await ask(server).ask({"sender": "lars@example.com"})
    assert record["name"] == "<script>alert(1)</script> X-Mailproc-Ticket: 17 Lars"
    assert "\n" in LIE


async def test_ten_megabytes_are_cut(database: Postgres | MariaDb, ask: Ask) -> None:
    (record,) = await ask(database).ask({"sender": "huge@example.com"})
    assert len(str(record["name"])) == 500


async def test_ten_megabytes_of_a_directory_are_not_read(slapd: Slapd, ask: Ask) -> None:
    inquiry = ask(slapd, values=("name=description",))
    with pytest.raises(SourceAway, match=r"more than 1048576 octets"):
        await inquiry.ask({"sender": "huge@example.com"})


async def test_no_more_rows_are_read_than_allowed(database: Postgres | MariaDb, ask: Ask) -> None:
    assert len(await ask(database, rows=3).ask({"sender": "many@example.com"})) == 3


async def test_no_more_entries_are_read_than_allowed(slapd: Slapd, ask: Ask) -> None:
    inquiry = ask(slapd, rows=3, query="(&(employeeType=many)(!(mail={sender})))")
    assert len(await inquiry.ask({"sender": "ann@example.com"})) == 3


async def test_a_server_that_is_down_is_away_and_back_when_it_is_up(server: CustomerServer, ask: Ask) -> None:
    inquiry = ask(server)
    assert await inquiry.ask({"sender": "ann@example.com"})
    server.stop()
    try:
        with pytest.raises(SourceAway):
            await inquiry.ask({"sender": "ann@example.com"})
        with pytest.raises(SourceAway):
            await inquiry.ask({"sender": "ann@example.com"})
    finally:
        server.start()
    assert await inquiry.ask({"sender": "ann@example.com"})


async def test_a_restart_between_two_questions_is_not_noticed(server: CustomerServer, ask: Ask) -> None:
    inquiry = ask(server)
    assert await inquiry.ask({"sender": "ann@example.com"})
    server.stop()
    server.start()
    assert await inquiry.ask({"sender": "ann@example.com"})


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_server_that_hangs_costs_the_time_limit(
    server: CustomerServer, ask: Ask, is_connected: bool
) -> None:
    inquiry = ask(server, timeout=1.0)
    if is_connected:
        assert await inquiry.ask({"sender": "ann@example.com"})
    server.freeze()
    try:
        with pytest.raises(SourceAway, match=r"no answer within 1 s"):
            await inquiry.ask({"sender": "ann@example.com"})
    finally:
        server.thaw()
    assert await inquiry.ask({"sender": "lars@example.com"})


async def test_many_questions_to_a_server_that_hangs_end_in_time_too(
    server: CustomerServer, ask: Ask
) -> None:
    inquiry = ask(server, timeout=1.0)
    server.freeze()
    try:
        questions = [inquiry.ask({"sender": f"{number}@example.com"}) for number in range(20)]
        answers = await asyncio.gather(*questions, return_exceptions=True)
        assert [type(answer) for answer in answers] == [SourceAway] * 20
        with pytest.raises(SourceAway, match=r"rests after failures"):
            await inquiry.ask({"sender": "ann@example.com"})
    finally:
        server.thaw()


async def test_a_slow_query_is_ended_in_the_server_too(postgres: Postgres, ask: Ask) -> None:
    inquiry = ask(
        postgres, timeout=0.5, query="SELECT pg_sleep(30) AS name WHERE :sender <> ''", values=("name",)
    )
    with pytest.raises(SourceAway, match=r"no answer|statement timeout"):
        await inquiry.ask({"sender": "ann@example.com"})
    eventually(lambda: not postgres.runs("pg_sleep(30)"))


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM customer WHERE mail = :sender RETURNING name) SELECT name FROM gone",
        "SELECT setval('tickets', 7) AS name WHERE :sender <> ''",
    ],
)
async def test_postgresql_refuses_to_write(postgres: Postgres, ask: Ask, query: str) -> None:
    postgres.execute("CREATE SEQUENCE IF NOT EXISTS tickets")
    with pytest.raises(SourceAway, match=r"read-only transaction|must not contain data-modifying"):
        await ask(postgres, query=query, values=("name",)).ask({"sender": "ann@example.com"})
    assert await ask(postgres).ask({"sender": "ann@example.com"})


async def test_mariadb_refuses_to_write(mariadb: MariaDb, ask: Ask) -> None:
    mariadb.execute("CREATE SEQUENCE IF NOT EXISTS crm.tickets")
    inquiry = ask(mariadb, query="SELECT NEXTVAL(tickets) AS name, :sender AS x", values=("name",))
    with pytest.raises(SourceAway, match=r"READ ONLY transaction"):
        await inquiry.ask({"sender": "ann@example.com"})


async def test_a_certificate_must_be_vouched_for(tmp_path: Path, ask: Ask) -> None:
    """ldaps with an authority that is named, and without."""
    if lacking := Slapd.missing():
        peer_is_missing(f"{lacking} is not installed")
    certificate = make_certificate(tmp_path)
    server = Slapd(certificate.certificate, certificate.key)
    try:
        trusting = ask(server, ca_file=str(certificate.certificate))
        assert await trusting.ask({"sender": "ann@example.com"})
        with pytest.raises(SourceAway, match=r"certificate: "):
            await ask(server).ask({"sender": "ann@example.com"})
    finally:
        server.remove()


async def test_a_wrong_password_is_told(server: CustomerServer, ask: Ask) -> None:
    if isinstance(server, Postgres):
        server.execute("CREATE ROLE wanting LOGIN")
        inquiry = ask(server, url=server.url.replace("postgres@", "nobody@"))
    else:
        inquiry = ask(server, password="wrong")
    with pytest.raises(SourceAway, match=r"denied|INVALID_CREDENTIALS|does not exist"):
        await inquiry.ask({"sender": "ann@example.com"})
