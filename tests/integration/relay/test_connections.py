"""Connections to a relay: kept, stale, slow, absent, with login and TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from mailproc.model.outbox import Fate
from mailproc.outbox.relay import RelayDown
from tests.rig.relaying import ANN, FROM, MAIL, MakeRelay, MakeScripted, outcome
from tests.rig.scripted_relay import DRIP, DROP, HANG, KEEP_AND_DROP, START_TLS, ScriptedRelay


async def test_connection_is_kept_for_the_next_mail_and_closed_with_quit(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({"RCPT": ["550 5.1.1 no"], ".": ["451 4.3.0 disk full"]})
    relay = relay_to(peer)
    assert [(await outcome(relay))[ANN][0] for _ in range(3)] == [Fate.REFUSED, Fate.LATER, Fate.ACCEPTED]
    assert peer.connections == 1
    await relay.close()
    assert peer.commands[-1] == "QUIT"


async def test_no_more_connections_than_allowed(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    relay = relay_to(peer, connections=2)
    results = await asyncio.gather(*(outcome(relay) for _ in range(9)))
    assert all(result[ANN][0] is Fate.ACCEPTED for result in results)
    assert len(peer.taken) == 9
    assert peer.connections == 2


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", [DROP, "421 4.4.2 timeout"])
async def test_stale_kept_connection_is_replaced_once(
    at: str, reply: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    fine = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on"}[at]
    peer = await scripted({at: [fine, reply]})
    relay = relay_to(peer)
    assert [(await outcome(relay))[ANN][0] for _ in range(2)] == [Fate.ACCEPTED] * 2
    assert (peer.connections, len(peer.taken)) == (2, 2)


async def test_stale_connection_is_not_replaced_when_the_mail_may_have_been_taken(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({".": ["250 ok", KEEP_AND_DROP]})
    relay = relay_to(peer)
    assert [(await outcome(relay))[ANN][0] for _ in range(2)] == [Fate.ACCEPTED, Fate.UNKNOWN]
    assert (peer.connections, len(peer.taken)) == (1, 2)


async def test_second_connection_that_fails_too_is_not_replaced(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({"MAIL": ["250 ok", DROP, DROP]})
    relay = relay_to(peer)
    assert [(await outcome(relay))[ANN][0] for _ in range(2)] == [Fate.ACCEPTED, Fate.LATER]
    assert peer.connections == 2


async def test_connection_that_the_relay_closed_meanwhile_is_not_used(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    relay = relay_to(peer)
    await outcome(relay)
    await peer.drop_connections()
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED


async def test_connection_idle_for_too_long_is_not_used(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    relay = relay_to(peer, idle=-1)
    await outcome(relay)
    await outcome(relay)
    assert peer.connections == 2


async def test_idle_connections_are_ended_politely(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    relay = relay_to(peer, idle=-1)
    await outcome(relay)
    await relay.close_idle()
    assert peer.commands[-1] == "QUIT"


@pytest.mark.parametrize("reply", [HANG, DRIP])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_slow_relay_is_cut_at_the_deadline_for_the_whole_mail(
    verb: str, reply: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({verb: [reply]})
    relay = relay_to(peer, timeout=0.3)
    assert (await outcome(relay))[ANN][0] is Fate.LATER
    assert peer.taken == []


async def test_slow_answer_to_the_whole_mail_means_unknown(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    relay = relay_to(await scripted({".": [DRIP]}), timeout=0.3)
    assert (await outcome(relay))[ANN][0] is Fate.UNKNOWN


async def test_mail_given_up_is_not_finished_behind_our_back(relay_to: MakeRelay) -> None:
    """A relay that stops reading: what is still in our buffer must not be sent after we gave up."""
    received = bytearray()
    given_up = asyncio.Event()
    done = asyncio.Event()

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (
            b"220 hi\r\n",
            b"250 relay.example\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"354 go on\r\n",
        ):
            writer.write(reply)
            if reply[:3] != b"354":
                await reader.readline()
        await given_up.wait()
        try:
            while chunk := await reader.read(65536):
                received.extend(chunk)
        except ConnectionError:
            pass
        writer.close()
        done.set()

    server = await asyncio.start_server(read_late, "127.0.0.1", 0)
    peer = ScriptedRelay()
    peer.port = server.sockets[0].getsockname()[1]
    content = MAIL + b"x" * 70 + b"\r\n"
    content += (b"y" * 70 + b"\r\n") * 400_000
    result = await outcome(relay_to(peer, timeout=0.5), content=content)
    given_up.set()
    await asyncio.wait_for(done.wait(), 20)
    server.close()
    assert result[ANN][0] is Fate.UNKNOWN
    assert not received.endswith(b"\r\n.\r\n")


@pytest.mark.parametrize(
    "script",
    [
        {"CONNECT": ["421 4.3.2 too busy"]},
        {"CONNECT": ["554 5.3.2 no service"]},
        {"CONNECT": [DROP]},
        {"CONNECT": [HANG]},
        {"CONNECT": [DRIP]},
        {"EHLO": ["502 what?"], "HELO": ["502 what?"]},
        {"EHLO": [DROP]},
    ],
)
async def test_relay_that_takes_no_mail_at_all_is_down(
    script: dict[str, list[str]], scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(script)
    relay = relay_to(peer, connect_timeout=0.3)
    with pytest.raises(RelayDown):
        await relay.probe()
    await peer.stop()
    with pytest.raises(RelayDown):
        await relay.deliver(FROM, [ANN], MAIL)


async def test_relay_that_only_knows_helo_is_used(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted({"EHLO": ["502 5.5.1 what?"], "HELO": ["250 relay.example"]})
    assert (await outcome(relay_to(peer)))[ANN][0] is Fate.ACCEPTED
    assert peer.taken[0].mail == f"MAIL FROM:<{FROM}>"


async def test_probe_keeps_its_connection_for_the_next_mail(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    relay = relay_to(peer)
    await relay.probe()
    await outcome(relay)
    assert peer.connections == 1


async def test_cancelled_delivery_leaves_no_connection_behind(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({"MAIL": [HANG]})
    relay = relay_to(peer)
    task = asyncio.create_task(outcome(relay))
    await peer.until_said("MAIL")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED


# Login and TLS


async def test_login_before_the_first_mail(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted(extensions=("AUTH PLAIN",))
    assert (await outcome(relay_to(peer, user="mailproc")))[ANN][0] is Fate.ACCEPTED
    assert peer.commands[1] == "AUTH PLAIN AG1haWxwcm9jAHNlY3JldA=="


@pytest.mark.parametrize("extensions", [("AUTH PLAIN",), ()])
async def test_refused_login_means_the_relay_is_down_and_says_no_password(
    extensions: tuple[str, ...], scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({"AUTH": ["535 5.7.8 wrong"]}, extensions=extensions)
    with pytest.raises(RelayDown) as caught:
        await outcome(relay_to(peer, user="mailproc"))
    assert "secret" not in f"{caught.value} {caught.value.cause}"
    assert caught.value.reply.code == (535 if extensions else 451)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost in one PEM file."""
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run([*command, *subject, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_mail_goes_over_tls(
    tls: Literal["starttls", "implicit"],
    scripted: MakeScripted,
    relay_to: MakeRelay,
    server_tls: ssl.SSLContext,
    certificate: Path,
) -> None:
    peer = await scripted(
        {"STARTTLS": [START_TLS]},
        extensions=("STARTTLS",),
        tls=server_tls,
        implicit_tls=tls == "implicit",
    )
    trust = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    relay = relay_to(peer, host="localhost", tls=tls, tls_context=trust)
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED
    assert ("STARTTLS" in peer.commands) == (tls == "starttls")
    assert peer.commands.count("EHLO mail.example.org") == (2 if tls == "starttls" else 1)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_relay_with_a_certificate_of_nobody_we_trust_is_down(
    tls: Literal["starttls", "implicit"],
    scripted: MakeScripted,
    relay_to: MakeRelay,
    server_tls: ssl.SSLContext,
) -> None:
    peer = await scripted(
        {"STARTTLS": [START_TLS]},
        extensions=("STARTTLS",),
        tls=server_tls,
        implicit_tls=tls == "implicit",
    )
    with pytest.raises(RelayDown):
        await relay_to(peer, host="localhost", tls=tls).probe()


async def test_relay_that_offers_no_tls_where_it_is_asked_for_is_down(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    with pytest.raises(RelayDown):
        await relay_to(peer, tls="starttls").probe()
