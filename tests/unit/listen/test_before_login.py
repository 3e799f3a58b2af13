"""A client from elsewhere that has not logged in: what it may not do, and how long it may stay."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.listen.connection import Service
from mailproc.listen.credentials.authenticator import Authenticator
from mailproc.listen.credentials.throttle import ThrottleRules
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.submission import Office, SubmissionSession, Unheard
from mailproc.model.address import Address
from mailproc.model.reply import Reply
from tests.rig.office import ROSTER, KeepingDesks, Pauses, PlainPasswords, TickingClock
from tests.rig.pipe import MovableLoop, Pipe, settle

LIMITS = ListenLimits(idle=300.0, total=3600.0)
LOGIN = b"AUTH PLAIN " + b64encode(b"\0alice\0secret of alice") + b"\r\n"
MAIL = b"MAIL FROM:<alice@example.org>\r\n"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TIMED_OUT = b"421 4.4.2 Connection timed out\r\n"


class SecurePipe(Pipe):
    """As if TLS were active."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return TLS if name == "sslcontext" else super().get_extra_info(name, default)


class Scene:
    def __init__(self, pipe: type[Pipe]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MovableLoop)
        self.move = loop.move
        self.prover = PlainPasswords()
        rules = ThrottleRules()
        authenticator = Authenticator(self.prover, ROSTER, rules, clock=TickingClock(), pause=Pauses())
        office = Office(KeepingDesks(), authenticator, TLS)
        service = Service(Unheard(), LIMITS, "mail.example", Gate(LIMITS))
        self.client = pipe(SubmissionSession(service, office))


def run(test: Callable[[Scene], Coroutine[None, None, None]], pipe: type[Pipe] = Pipe) -> None:
    async def play() -> None:
        scene = Scene(pipe)
        await settle()
        await test(scene)
        scene.client.abort()
        await settle()

    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        runner.run(play())


def test_passwords_are_not_heard_in_the_clear_from_elsewhere() -> None:
    async def play(scene: Scene) -> None:
        offered = await scene.client.say(b"EHLO client.example\r\n")
        assert b"STARTTLS" in offered
        assert b"AUTH" not in offered
        assert await scene.client.say(LOGIN + MAIL) == (
            b"538 5.7.11 Encryption required for requested authentication mechanism\r\n"
            b"530 5.7.0 Must issue a STARTTLS command first\r\n"
        )
        assert scene.prover.asked == []

    run(play)


def test_under_tls_passwords_are_heard_and_the_address_is_told() -> None:
    async def play(scene: Scene) -> None:
        offered = await scene.client.say(b"EHLO client.example\r\n")
        assert b"STARTTLS" not in offered
        assert b"AUTH PLAIN LOGIN" in offered
        assert await scene.client.say(LOGIN) == b"235 2.7.0 Authentication successful\r\n"
        assert [login.address for login in scene.prover.asked] == ["192.0.2.1"]

    run(play, SecurePipe)


def test_who_does_not_log_in_has_three_minutes() -> None:
    async def play(scene: Scene) -> None:
        await scene.client.say(b"EHLO client.example\r\n")
        for _ in range(3):
            await scene.move(59)
            assert await scene.client.say(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n"
        assert not scene.client.is_gone()
        await scene.move(4)
        assert scene.client.written.endswith(TIMED_OUT)
        assert scene.client.is_gone()

    run(play)


def test_who_is_logged_in_has_the_time_of_a_mail() -> None:
    async def play(scene: Scene) -> None:
        await scene.client.say(b"EHLO client.example\r\n" + LOGIN)
        for _ in range(5):
            await scene.move(290)
            assert await scene.client.say(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n"

    run(play, SecurePipe)


def test_a_password_check_is_not_the_clients_idle_time() -> None:
    async def play(scene: Scene) -> None:
        await scene.client.say(b"EHLO client.example\r\n")
        scene.prover.may_go_on.clear()
        assert await scene.client.say(LOGIN) == b""
        await scene.move(150)
        scene.prover.may_go_on.set()
        await settle()
        assert scene.client.written == b"235 2.7.0 Authentication successful\r\n"

    run(play, SecurePipe)


SAID = [
    b"EHLO c",
    b"HELO c",
    b"RSET",
    b"NOOP",
    b"VRFY x",
    b"AUTH PLAIN",
    b"AUTH LOGIN",
    b"AUTH LOGIN YWxpY2U=",
    b"AUTH PLAIN " + b64encode(b"\0alice\0wrong"),
    b64encode(b"\0alice\0guess"),
    b64encode(b"alice"),
    b"=",
    b"*",
    b"",
    b"x" * 3000,
    b"STARTTLS x",
    b"BDAT 5 LAST",
    b"MAIL FROM:<alice@example.org>",
    b"MAIL FROM:<> AUTH=alice",
    b"RCPT TO:<ann@customer.example>",
    b"DATA",
    b".",
    bytes(range(256)).replace(b"\n", b""),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SAID), max_size=30))
def test_without_the_password_no_mail_begins_whatever_is_said(said: list[bytes]) -> None:
    async def play(scene: Scene) -> None:
        heard = await scene.client.say(b"\r\n".join(said) + b"\r\n")
        await settle()
        codes = {line[:9] for line in (heard + scene.client.written).split(b"\r\n")}
        assert not codes & {b"250 2.1.0", b"250 2.1.5", b"235 2.7.0", b"451 4.3.0"}
        assert not any(code.startswith(b"354") for code in codes)

    run(play, SecurePipe)


@pytest.mark.parametrize("raw", [b"", b"x\r\n"])
async def test_behind_a_session_without_an_agent_is_nothing(raw: bytes) -> None:
    address = Address("ann", "customer.example")
    refusal = Reply(530, "5.7.0", "Authentication required")
    assert Unheard().recipient(address) == refusal
    assert await Unheard().accept(None, [address] * 2, raw) == [refusal] * 2
