"""What the configuration refuses of a source, before anything is asked."""

from __future__ import annotations

import pytest

from mailproc.enrich.options import SourceOptions, needs
from mailproc.model.mistake import Mistake
from mailproc.model.option import build

SQL = {"url": "postgresql://db/crm", "values": ["name"]}
LDAP = {"url": "ldap://db/dc=example", "values": ["cn"]}
HTTP = {"url": "https://crm.example.org/c?mail={sender}", "values": ["name"]}
CSV = {"url": "csv:customers.csv", "key": "mail", "values": ["name"]}


def refused(table: dict[str, object]) -> str:
    mistakes: list[Mistake] = []
    build(SourceOptions, table, ("source", "crm"), mistakes)
    return "; ".join(f"{mistake.key[-1]}: {mistake.text}" for mistake in mistakes)


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ({**SQL, "query": "SELECT name FROM c WHERE mail = '{sender}'"}, "query", "{ would put text"),
        ({**SQL, "query": "SELECT name FROM c WHERE mail = '%s'"}, "query", "%s would put text"),
        ({**SQL, "query": "SELECT name FROM c WHERE mail = %(sender)s"}, "query", "%(sender) would put text"),
        ({**SQL, "query": "SELECT name FROM c WHERE mail = ':sender'"}, "query", "holds a value as text"),
        ({**SQL, "query": 'SELECT name FROM ":sender"'}, "query", "holds a value as text"),
        ({**SQL, "query": "SELECT 1 WHERE :sender = ''; DROP TABLE c"}, "query", "one statement only"),
        ({**SQL, "query": "DELETE FROM c WHERE mail = :sender"}, "query", "begins with SELECT or WITH"),
        ({**SQL, "query": "SELECT name FROM c"}, "query", "asks for nothing that a mail brings"),
        ({**SQL, "query": "SELECT name FROM c -- :sender"}, "query", "holds a value as text"),
        ({**SQL, "query": "SELECT mail::text FROM c"}, "query", "asks for nothing that a mail brings"),
        (SQL, "query", "needed"),
        ({**LDAP, "query": "({sender}=ann)"}, "query", "only where a filter has a value"),
        ({**LDAP, "query": "(cn=ann)"}, "query", "asks for nothing"),
        ({**LDAP, "url": "ldap:///dc=example", "query": "(mail={sender})"}, "url", "names no server"),
        ({**HTTP, "url": "https://{domain}/customers"}, "url", "only behind the host"),
        ({**HTTP, "url": "https://{domain}.example.org/customers"}, "url", "only behind the host"),
        ({**HTTP, "url": "https://crm.example.org:{sender}/customers"}, "url", "only behind the host"),
        ({**HTTP, "url": "https://user:secret@crm.example.org/{sender}"}, "url", "keys of their own"),
        ({**HTTP, "url": "https://crm.example.org/customers"}, "url", "asks for nothing"),
        ({**HTTP, "query": "SELECT 1"}, "query", "is not for http"),
        ({**CSV, "key": ""}, "key", "needed"),
        ({**CSV, "url": "csv:"}, "url", "names no file"),
        ({**CSV, "user": "ann"}, "user", "is not for csv"),
        ({**CSV, "values": []}, "values", "needed"),
        ({**CSV, "values": ["a b"]}, "values", "neither NAME nor NAME=WHERE"),
        ({**CSV, "url_file": "secret"}, "url", "not both"),
        ({**CSV, "rows": 0}, "crm", "rows is at least 1"),
        ({**CSV, "timeot": 1.0}, "timeot", 'unknown key (did you mean "timeout"?)'),
    ],
)
def test_a_mistake_is_told_at_its_key(table: dict[str, object], key: str, words: str) -> None:
    text = refused(table)
    assert text.startswith(f"{key}: ")
    assert words in text


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (
            {**SQL, "query": "SELECT name FROM c WHERE mail = :sender OR no = :order_number"},
            {"sender", "order_number"},
        ),
        ({**SQL, "query": "WITH x AS (SELECT 1) SELECT a::text FROM c WHERE d = :domain;"}, {"domain"}),
        ({**SQL, "query": "SELECT 'ten o''clock: now', name FROM c WHERE mail = :sender"}, {"sender"}),
        ({**SQL, "query": "SELECT name FROM c WHERE mail LIKE '%@' || :domain"}, {"domain"}),
        ({**LDAP, "query": "(|(mail={sender})(cn=*{name}*))"}, {"sender", "name"}),
        (HTTP, {"sender"}),
        ({**HTTP, "url": "http://127.0.0.1:8080/v1/{domain}/{local}"}, {"domain", "local"}),
        ({**CSV, "by": "domain"}, {"domain"}),
    ],
)
def test_what_must_be_known_of_a_mail(table: dict[str, object], names: set[str]) -> None:
    mistakes: list[Mistake] = []
    options = build(SourceOptions, table, ("source", "crm"), mistakes)
    assert mistakes == []
    assert options is not None
    assert needs(options, options.url) == names


def test_values_may_stand_elsewhere_in_the_answer() -> None:
    options = SourceOptions(url="csv:x", key="mail", values=("tier=plan.tier", "name"))
    assert options.wanted == {"tier": "plan.tier", "name": "name"}
