"""Coming in, and what becomes of calls when the server goes away."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapDown, LoginRefused
from tests.peers.imap.conftest import copy, settings
from tests.rig.certificate import make_certificate
from tests.rig.dovecot import DRAFTS, MASTER, Dovecot, token

Connected = Callable[..., Awaitable[ImapClient]]

NEW = "Support/New"


async def test_a_wrong_password_is_refused_and_not_shown(dovecot: Dovecot, connected: Connected) -> None:
    with pytest.raises(LoginRefused) as refused:
        await connected(dovecot, password="correct horse battery")
    assert "horse" not in str(refused.value)
    assert "Authentication failed" in str(refused.value)


async def test_nobody_there(dovecot: Dovecot, connected: Connected) -> None:
    dovecot.down()
    with pytest.raises(ImapDown, match="connection refused"):
        await connected(dovecot)


# TLS


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_tls_with_an_authority_of_ones_own(dovecot: Dovecot, tls: str) -> None:
    client = ImapClient(settings(dovecot, tls=tls, ca_file=str(dovecot.certificate.certificate)))
    await client.connect()
    assert await client.list_folders("INBOX")
    await client.close()
    assert "TLS" in dovecot.log()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_ends_the_connection(
    dovecot: Dovecot, tls: str, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path)
    for authority in ("", str(other.certificate)):
        client = ImapClient(settings(dovecot, tls=tls, ca_file=authority))
        with pytest.raises(ImapDown, match="certificate"):
            await client.connect()
    assert "Login: user=<mailproc>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, TLS" not in dovecot.log()


async def test_a_certificate_that_has_expired_ends_the_connection(dovecot: Dovecot) -> None:
    make_certificate(dovecot.folder, days=-1)
    dovecot.restart()
    client = ImapClient(settings(dovecot, tls="implicit", ca_file=str(dovecot.certificate.certificate)))
    with pytest.raises(ImapDown, match="certificate: certificate has expired"):
        await client.connect()


# Tokens and the master user


async def test_a_token_from_a_file_lets_in(dovecot: Dovecot, connected: Connected, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token("mailproc") + "\n")
    client = await connected(dovecot, password="", login="xoauth2", token_file=str(file))
    await client.create(NEW)


async def test_a_token_from_a_command_is_asked_for_at_each_login(
    dovecot: Dovecot, connected: Connected, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("expired")
    command = (sys.executable, "-c", f"print(open({str(file)!r}).read())")
    client = ImapClient(settings(dovecot, password="", login="xoauth2", token_command=command))
    with pytest.raises(LoginRefused):
        await client.connect()
    file.write_text(token("mailproc"))
    await client.connect()
    await client.close()


async def test_a_token_of_another_issuer_is_refused_and_not_shown(
    dovecot: Dovecot, connected: Connected, tmp_path: Path
) -> None:
    forged = token("mailproc", key=b"another key of another server....")
    file = tmp_path / "token"
    file.write_text(forged)
    with pytest.raises(LoginRefused) as refused:
        await connected(dovecot, password="", login="xoauth2", token_file=str(file))
    assert forged not in str(refused.value)


async def test_without_a_token_nobody_is_asked(
    dovecot: Dovecot, connected: Connected, tmp_path: Path
) -> None:
    for missing in ({"token_file": str(tmp_path / "none")}, {"token_command": ("false",)}):
        with pytest.raises(LoginRefused, match="no token"):
            await connected(dovecot, login="xoauth2", **missing)
    assert "oauth2" not in dovecot.log()


async def test_a_master_user_acts_as_an_agent(dovecot: Dovecot, connected: Connected) -> None:
    """So an agent's Drafts are reached, where the agent wants it."""
    ours = settings(dovecot, password=MASTER, login="master", master_user=MASTER)
    client = ImapClient(ours.on_behalf_of("alice"))
    await client.connect()
    await client.append(DRAFTS, copy(1), flags=["\\Draft"])
    await client.close()
    with dovecot.client("alice") as alice:
        alice.select_folder(DRAFTS)
        assert alice.search("DRAFT") == [1]


async def test_a_master_user_with_a_wrong_password_is_nobody(dovecot: Dovecot, connected: Connected) -> None:
    with pytest.raises(LoginRefused):
        await connected(dovecot, "alice", password="alice", login="master", master_user=MASTER)


# The server goes away


async def test_a_server_that_hangs_is_down_and_close_returns(dovecot: Dovecot, connected: Connected) -> None:
    client = await connected(dovecot, timeout=0.5)
    dovecot.freeze()
    with pytest.raises(ImapDown, match="no answer in time"):
        await client.status("INBOX")
    assert not client.is_open
    with pytest.raises(ImapDown, match="not connected"):
        await client.status("INBOX")
    await client.close()
    with pytest.raises(ImapDown):
        await client.connect()
    await client.close()


async def test_close_does_not_wait_for_a_server_that_hangs(dovecot: Dovecot, connected: Connected) -> None:
    """It would be an hour's."""
    client = await connected(dovecot, timeout=3600.0)
    dovecot.freeze()
    asked = asyncio.create_task(client.status("INBOX"))
    await asyncio.sleep(0)  # it has begun
    await client.close()
    with pytest.raises(ImapDown):
        await asked


async def test_goodbye_to_a_server_that_hangs_is_short(dovecot: Dovecot, connected: Connected) -> None:
    client = await connected(dovecot, timeout=3600.0)
    dovecot.freeze()
    await client.close()
    assert not client.is_open


async def test_a_server_that_was_restarted_can_be_used_again(dovecot: Dovecot, connected: Connected) -> None:
    client = await connected(dovecot)
    await client.create(NEW)
    await client.append(NEW, copy(1))
    dovecot.restart()
    with pytest.raises(ImapDown):
        await client.uids(NEW)
    await client.connect()
    assert (await client.uids(NEW)).uids == (1,)


async def test_a_server_that_was_killed_can_be_used_again(dovecot: Dovecot, connected: Connected) -> None:
    client = await connected(dovecot)
    dovecot.kill()
    with pytest.raises(ImapDown):
        await client.list_folders()
    dovecot.up()
    await client.connect()
    assert await client.list_folders("INBOX")


async def test_a_call_that_is_cancelled_closes_the_connection(dovecot: Dovecot, connected: Connected) -> None:
    """Its answer would be taken for that of the next call."""
    client = await connected(dovecot)
    dovecot.freeze()
    asked = asyncio.create_task(client.status("INBOX"))
    await asyncio.sleep(0)  # it has begun
    asked.cancel()
    await asyncio.wait([asked])
    assert asked.cancelled()
    assert not client.is_open
    dovecot.thaw()
    await client.connect()
    assert (await client.status("INBOX")).messages == 0


async def test_many_tasks_take_turns_on_one_connection(dovecot: Dovecot, connected: Connected) -> None:
    client = await connected(dovecot)
    await client.create(NEW)
    await asyncio.gather(*(client.append(NEW, copy(number)) for number in range(20)))
    found = await asyncio.gather(*(client.find(NEW, "X-Mailproc-Id", f"m{n}.abcdefghij") for n in range(20)))
    assert sorted(uid for (uid,) in found) == [*range(1, 21)]
