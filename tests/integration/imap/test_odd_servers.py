"""Servers that do not say what they should: the client ends in time and says why; nothing else happens."""

from __future__ import annotations

import pytest

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapDown, ImapRefused, LoginRefused
from mailproc.imap.settings import ImapSettings
from tests.rig.scripted_imap import CAPABILITIES, CLOSE, DRIBBLE, ScriptedImap, scripted_imap

TIMEOUT = 0.5
NAME = "New"


def client_of(server: ScriptedImap, **changes: object) -> ImapClient:
    options: dict[str, object] = {"password": "secret", "tls": "none", "timeout": 20.0, **changes}
    return ImapClient(ImapSettings("127.0.0.1", server.port, "mailproc", **options))  # type: ignore[arg-type]


def offering(*more: bytes, less: bytes = b"") -> dict[bytes, bytes]:
    words = b" ".join((*CAPABILITIES.replace(less, b"").split(), *more))
    return {b"CAPABILITY": b"* CAPABILITY " + words + b"\r\nTAG OK done\r\n"}


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        (b"* BYE too many connections\r\n", "too many"),
        (b"220 mx.example.org ESMTP\r\n", "unexpected response"),
        (b"* OK", "closed the connection|no answer"),
        (b"\x16\x03\x01\x02\x00", "no answer in time"),
        (b"", "no answer in time"),
    ],
)
async def test_a_greeting_that_is_none(greeting: bytes, cause: str) -> None:
    with scripted_imap(greeting=greeting) as server:
        client = client_of(server, timeout=TIMEOUT)
        with pytest.raises(ImapDown, match=cause):
            await client.connect()
        await client.close()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (CLOSE, "closed the connection"),
        (b"* BYE going down\r\n", "going down"),
        (b"rubbish\r\n", "unexpected response"),
        (b"* SEARCH 1 x 3\r\nTAG OK done\r\n", "not understood"),
        (b"* SEARCH 1 2", "no answer in time"),
        (DRIBBLE, "no answer in time"),
        (b"OTHER OK done\r\n", "unexpected response|unexpected tagged"),
        (b"* 1 FETCH (UID 1 BODY[] {1000}\r\nabc", "no answer in time"),
    ],
)
async def test_an_answer_that_is_none(answer: bytes, cause: str) -> None:
    with scripted_imap({b"UID": answer}) as server:
        client = client_of(server, timeout=TIMEOUT)
        await client.connect()
        with pytest.raises(ImapDown, match=cause):
            await client.uids(NAME)
        assert not client.is_open


async def test_a_refusal_leaves_the_connection_as_it_is() -> None:
    with scripted_imap({b"UID": b"TAG NO [NOPERM] not you\r\n"}) as server:
        client = client_of(server)
        await client.connect()
        for _ in range(2):
            with pytest.raises(ImapRefused) as refused:
                await client.uids(NAME)
            assert (refused.value.code, refused.value.text) == ("NOPERM", "not you")
        assert server.verbs().count(b"UNSELECT") == 2
        await client.close()
        assert server.verbs()[-1] == b"LOGOUT"


async def test_a_command_that_a_server_does_not_know_is_a_refusal() -> None:
    with scripted_imap() as server:
        client = client_of(server)
        await client.connect()
        with pytest.raises(ImapRefused) as refused:
            await client.create(NAME)
        assert refused.value.code == "BAD"
        await client.close()


async def test_a_search_result_longer_than_imaplib_reads() -> None:
    """A line of more than 1,000,000 octets."""
    uids = tuple(range(1_000_000, 1_150_000))
    line = b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\nTAG OK done\r\n"
    with scripted_imap({b"UID": line}) as server:
        client = client_of(server)
        await client.connect()
        assert (await client.uids(NAME)).uids == uids
        await client.close()


async def test_news_that_nobody_asked_for_are_not_taken_for_an_answer() -> None:
    """A FETCH of message number 5 without its UID is not about UID 5 (RFC 3501 section 7.4.2)."""
    answer = b"* 5 FETCH (FLAGS (\\Deleted))\r\n* 9 EXISTS\r\nTAG OK done\r\n"
    with scripted_imap({b"UID": answer}) as server:
        client = client_of(server)
        await client.connect()
        assert await client.fetch(NAME, 5) is None
        assert await client.copy_ids(NAME, [5]) == {}
        await client.close()


# Passwords and TLS


async def test_a_password_goes_by_login_where_there_is_no_plain() -> None:
    with scripted_imap(offering(less=b"AUTH=PLAIN")) as server:
        client = client_of(server, password='a "quoted" \\ one')
        await client.connect()
        await client.close()
    assert b'"a \\"quoted\\" \\\\ one"' in next(line for line in server.said if b" LOGIN " in line)


async def test_no_password_goes_where_logins_are_disabled() -> None:
    with scripted_imap(offering(b"LOGINDISABLED", less=b"AUTH=PLAIN")) as server:
        with pytest.raises(LoginRefused, match="LOGINDISABLED"):
            await client_of(server).connect()
        assert not any(b"secret" in line for line in server.said)


async def test_a_server_that_is_busy_is_not_a_wrong_password() -> None:
    refusal = {b"LOGIN": b"TAG NO [UNAVAILABLE] the database is away\r\n"}
    with scripted_imap(offering(less=b"AUTH=PLAIN") | refusal) as server:
        with pytest.raises(ImapDown, match="UNAVAILABLE") as down:
            await client_of(server).connect()
        assert not isinstance(down.value, LoginRefused)


@pytest.mark.parametrize(
    "answer", [b"TAG NO not now\r\n", b"TAG BAD what\r\n", b"* OK\r\nTAG OK begin\r\nTAG OK injected\r\n"]
)
async def test_without_tls_nothing_secret_is_said(answer: bytes) -> None:
    """A server, or somebody in between, that does not begin TLS gets no password."""
    with scripted_imap({b"STARTTLS": answer}) as server:
        with pytest.raises((ImapDown, ImapRefused)):
            await client_of(server, tls="starttls", timeout=TIMEOUT).connect()
        assert b"AUTHENTICATE" not in server.verbs()
        assert b"LOGIN" not in server.verbs()


# Appending


async def test_a_mail_over_the_servers_limit_is_not_sent() -> None:
    """RFC 7889; with LITERAL+ the server would have to read all of it, or close."""
    with scripted_imap(offering(b"APPENDLIMIT=1000")) as server:
        client = client_of(server)
        await client.connect()
        with pytest.raises(ImapRefused) as refused:
            await client.append(NAME, b"x" * 1001)
        assert refused.value.code == "TOOBIG"
        assert b"APPEND" not in server.verbs()
        await client.close()


async def test_a_refusal_before_the_mail_was_seen_is_a_refusal() -> None:
    """Without LITERAL+ the client waits for "+", and a NO may come instead."""
    changes = offering(less=b"LITERAL+") | {b"APPEND": b"TAG NO [OVERQUOTA] full\r\n"}
    with scripted_imap(changes) as server:
        client = client_of(server)
        await client.connect()
        with pytest.raises(ImapRefused, match="OVERQUOTA"):
            await client.append(NAME, b"Subject: x\r\n\r\nsecret text\r\n")
        assert not any(b"secret text" in line for line in server.said)
        await client.close()


async def test_a_value_cannot_carry_a_second_command() -> None:
    with scripted_imap() as server:
        client = client_of(server)
        await client.connect()
        with pytest.raises(ImapRefused, match="cannot be said"):
            await client.find(NAME, "X-Mailproc-Id", "x\r\nA9 DELETE New")
        assert client.is_open
        await client.close()
        assert b"DELETE" not in server.verbs()
