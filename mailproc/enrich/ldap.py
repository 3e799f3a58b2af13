"""An LDAP server as a source (RFC 4511): bind, one search, unbind.

``ldaps://`` has TLS from the first octet.  Values are escaped before they enter the filter (RFC 4515 section
3).  References to other servers are not followed.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import sansldap

from mailproc.enrich.source import Record, SourceAway
from mailproc.enrich.stream import Server, Streams
from mailproc.enrich.values import MOST_ITEMS, clean

LARGEST = 1_048_576  # octets of all answers to a question

_AT_ONCE = 65_536
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._-")
_DEFAULT_PORTS = {"ldap": 389, "ldaps": 636}
# What a search may end with: all is told, or as much as was asked for.
_ENDS = frozenset({sansldap.LDAPResultCode.SUCCESS, sansldap.LDAPResultCode.SIZE_LIMIT_EXCEEDED})


_End = TypeVar("_End", bound=sansldap.LDAPMessage)


class LdapSource:
    """Searches below the URL's distinguished name.  ValueError for a filter that is none."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        query: str,
        wanted: Mapping[str, str],
        *,
        rows: int,
        timeout: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname  # as checked with the options
        self._server = Server(parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], tls)
        self._base = unquote(parts.path.removeprefix("/"))
        self._user = user
        self._password = password
        self._query = query
        self._wanted = dict(wanted)
        self._rows = rows
        self._timeout = timeout
        _filter(re.sub(r"\{\w+\}", "x", query))

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        query = self._query
        for name, value in values.items():
            query = query.replace(f"{{{name}}}", escape(value))
        async with self._server.connected() as streams:
            client = sansldap.LDAPClient()
            try:
                await self._bind(client, streams)
                entries = await self._search(client, streams, _filter(query))
            except sansldap.LDAPError as error:
                raise SourceAway(f"speaks no LDAP: {error}") from None
            except (ValueError, NotImplementedError, RecursionError, IndexError) as error:
                raise SourceAway(f"speaks no LDAP: {type(error).__name__}") from None
            client.unbind()
            streams[1].write(client.data_to_send())
        return [self._record(entry) for entry in entries[: self._rows]]

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _bind(self, client: sansldap.LDAPClient, streams: Streams) -> None:
        if not self._user:
            return
        client.bind_simple(self._user, self._password)
        _, answer = await _talk(client, streams, sansldap.BindResponse)
        if answer.result.result_code != sansldap.LDAPResultCode.SUCCESS:
            raise SourceAway(f"refuses the login: {answer.result.result_code.name}")

    async def _search(
        self, client: sansldap.LDAPClient, streams: Streams, wanted: sansldap.LDAPFilter
    ) -> list[sansldap.SearchResultEntry]:
        client.search_request(
            self._base,
            sansldap.SearchScope.SUBTREE,
            size_limit=self._rows,
            time_limit=max(1, int(self._timeout)),
            filter=wanted,
            attributes=sorted(set(self._wanted.values())),
        )
        before, done = await _talk(client, streams, sansldap.SearchResultDone)
        code = done.result.result_code
        if code == sansldap.LDAPResultCode.NO_SUCH_OBJECT:
            raise SourceAway(f"has no {self._base}")
        if code not in _ENDS:
            raise SourceAway(f"answers with {code.name}")
        return [message for message in before if isinstance(message, sansldap.SearchResultEntry)]

    def _record(self, entry: sansldap.SearchResultEntry) -> Record:
        found = {attribute.name.lower(): attribute.values for attribute in entry.attributes}
        record: Record = {}
        for name, attribute in self._wanted.items():
            values = [clean(value) for value in found.get(attribute.lower(), ())[:MOST_ITEMS]]
            record[name] = clean(values) if len(values) > 1 else next(iter(values), "")
        return record


async def _talk(
    client: sansldap.LDAPClient, streams: Streams, last: type[_End]
) -> tuple[list[sansldap.LDAPMessage], _End]:
    """Send what the client has to say; the answers before the last one, and that."""
    reader, writer = streams
    writer.write(client.data_to_send())
    await writer.drain()
    before: list[sansldap.LDAPMessage] = []
    size = 0
    while octets := await reader.read(_AT_ONCE):
        size += len(octets)
        if size > LARGEST:
            raise SourceAway(f"answers with more than {LARGEST} octets")
        for message in client.receive(octets):
            if isinstance(message, last):
                return before, message
            before.append(message)
    raise SourceAway("ends before its answer does")


def escape(value: str) -> str:
    """A value for a filter: every octet that might mean something there as ``\\xx``."""
    return "".join(
        chr(octet) if octet in _PLAIN else f"\\{octet:02x}" for octet in value.encode("utf-8", "replace")
    )


def _filter(text: str) -> sansldap.LDAPFilter:
    try:
        return sansldap.LDAPFilter.from_string(text)
    except ValueError as error:
        raise ValueError(f"query: is no filter: {error}") from None
