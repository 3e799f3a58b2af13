"""The keys of one source, ``[stage.enrich.source.NAME]``, and what is wrong with them.

What a mail brings enters a question as a value only.  A query in SQL names it as ``:name``, which is bound
by the database's driver; a filter of LDAP and an address of HTTP name it as ``{name}``, which is escaped here
(RFC 4515 section 3, RFC 3986 section 2.1).  A query that would have text put into it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

NAME = re.compile(r"[a-z][a-z0-9_]*")

_VALUE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:=(.+))?")
_BRACED = re.compile(r"\{([^{}]*)\}")
_BOUND = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")
_FORMATTED = re.compile(r"%\(\w+\)|%[sdr]|\$\{|\{|\}")
_READS = re.compile(r"\s*(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE)
_LITERAL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_HTTP = ("http", "https")
_LDAP = ("ldap", "ldaps")


class Kind(StrEnum):
    """How a source is asked."""

    SQL = "sql"
    LDAP = "ldap"
    HTTP = "http"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """One source.  ValueError for what does not fit together."""

    url: str = ""  # postgresql://…, mariadb://…, sqlite:///…, ldap://…, https://…, csv:FILE
    url_file: str = ""  # the same from a file, because it may hold a password
    user: str = ""  # of HTTP or LDAP; with a password
    password: str = ""  # of an SQL database, LDAP or HTTP; without user it is HTTP's bearer token
    password_file: str = ""  # better: nobody but mailproc may read it
    ca_file: str = ""  # certificates of authorities for ldaps and https, PEM; the system's by default
    query: str = ""  # of SQL, with :sender and the like; of LDAP, a filter with {sender}
    key: str = ""  # of CSV: the column that is searched …
    by: str = "sender"  # … and for what
    at: str = ""  # of HTTP: where in the answer the record stands, or the list of them
    values: tuple[str, ...] = ()  # what is taken from a record: NAME, or NAME=WHERE
    note: str = ""  # template: a line for the agents
    tags: tuple[str, ...] = ()  # templates: each makes a tag, or none where it is empty
    unknown: str = ""  # the tag of who is not found
    rows: int = 10  # at most so many records are read
    timeout: float = 2.0  # seconds for one question
    cache: float = 300.0  # seconds that an answer is believed
    later: bool = True  # a mail that came while the source was down is enriched when it is back

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.url_file):
            raise ValueError("url: needed, or url_file, and not both")
        if not self.values:
            raise ValueError("values: needed: what is taken from a record")
        if self.rows < 1 or self.timeout <= 0 or self.cache < 0:
            raise ValueError("rows is at least 1, timeout more than 0, cache not less than 0")
        self.wanted  # noqa: B018  # refuses what is no value
        if self.url:
            check_url(self, self.url)

    @property
    def wanted(self) -> dict[str, str]:
        """The values by their names, and where in a record each stands."""
        found: dict[str, str] = {}
        for value in self.values:
            match = _VALUE.fullmatch(value)
            if match is None:
                raise ValueError(f'values: "{value}" is neither NAME nor NAME=WHERE')
            found[match[1]] = match[2] or match[1]
        return found


def kind_of(url: str) -> Kind:
    scheme = url.partition(":")[0].lower()
    if scheme == "csv":
        return Kind.CSV
    if scheme in _LDAP:
        return Kind.LDAP
    return Kind.HTTP if scheme in _HTTP else Kind.SQL


def check_url(options: SourceOptions, url: str) -> None:
    """Whether the keys fit a source of this address."""
    kind = kind_of(url)
    _CHECKS[kind](options, url)
    for key, kinds in _ONLY_FOR.items():
        if getattr(options, key) and kind not in kinds:
            raise ValueError(f"{key}: is not for {kind.value}")


def needs(options: SourceOptions, url: str) -> frozenset[str]:
    """The names of what must be known of a mail before this source can be asked."""
    kind = kind_of(url)
    if kind is Kind.CSV:
        return frozenset({options.by})
    if kind is Kind.SQL:
        return frozenset(_BOUND.findall(_LITERAL.sub(" ", options.query)))
    return frozenset(_BRACED.findall(options.query if kind is Kind.LDAP else url))


_ONLY_FOR = {
    "query": (Kind.SQL, Kind.LDAP),
    "key": (Kind.CSV,),
    "at": (Kind.HTTP,),
    "user": (Kind.LDAP, Kind.HTTP),
    "password": (Kind.SQL, Kind.LDAP, Kind.HTTP),
    "password_file": (Kind.SQL, Kind.LDAP, Kind.HTTP),
    "ca_file": (Kind.LDAP, Kind.HTTP),
}


def _check_sql(options: SourceOptions, url: str) -> None:
    query = options.query
    if not re.match(r"[a-z][a-z0-9_+]*:", url):
        raise ValueError(
            "url: is none; SQL databases are named as SQLAlchemy does: postgresql://host/database"
        )
    if not _READS.match(query):
        raise ValueError("query: needed, and begins with SELECT or WITH")
    if found := _FORMATTED.search(query):
        raise ValueError(f"query: {found[0]} would put text into the query; name values as :sender")
    for literal in _LITERAL.findall(query):
        if _BOUND.search(literal):
            raise ValueError(f"query: {literal} holds a value as text; take the quotes away")
    if ";" in _LITERAL.sub(" ", query).strip().rstrip(";"):
        raise ValueError("query: one statement only")
    _need_a_value(options, url, "query", ":sender")


def _check_ldap(options: SourceOptions, url: str) -> None:
    if not urlsplit(url).hostname:
        raise ValueError("url: names no server: ldap://host/dc=example,dc=org")
    for found in _BRACED.finditer(options.query):
        before = options.query[: found.start()].rpartition("(")[2]
        if "=" not in before:
            raise ValueError(f"query: {found[0]} may stand only where a filter has a value")
    _need_a_value(options, url, "query", "{sender}")


def _check_http(options: SourceOptions, url: str) -> None:
    parts = urlsplit(_BRACED.sub("x", url))
    if not parts.hostname or _BRACED.search(url[: url.find("/", len(parts.scheme) + 3)]):
        raise ValueError("url: a value may stand only behind the host: https://host/customers?mail={sender}")
    if parts.username or parts.password:
        raise ValueError("url: user and password have keys of their own")
    _need_a_value(options, url, "url", "{sender}")


def _check_csv(options: SourceOptions, url: str) -> None:
    if not url.partition(":")[2]:
        raise ValueError("url: names no file: csv:customers.csv")
    if not options.key:
        raise ValueError("key: needed: the column that is searched")


def _need_a_value(options: SourceOptions, url: str, key: str, example: str) -> None:
    if not needs(options, url):
        raise ValueError(f"{key}: asks for nothing that a mail brings, such as {example}")


_CHECKS = {
    Kind.SQL: _check_sql,
    Kind.LDAP: _check_ldap,
    Kind.HTTP: _check_http,
    Kind.CSV: _check_csv,
}
