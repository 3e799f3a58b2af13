"""Time-outs, on a clock that moves when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.listen.connection import Service
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.smtp import SmtpSession
from tests.rig.keeper import Keeper
from tests.rig.pipe import MovableLoop, Pipe, settle

LIMITS = ListenLimits(idle=300.0, total=3600.0)
TIMED_OUT = b"421 4.4.2 Connection timed out\r\n"
OK = b"250 2.0.0 Ok\r\n"


class Scene:
    """A session, its client and the clock."""

    def __init__(self, session: type[Session], failpoints: FailPoints) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MovableLoop)
        self.move = loop.move
        self.keeper = Keeper()
        self.service = Service(self.keeper, LIMITS, "mail.example", Gate(LIMITS), failpoints)
        self.client = Pipe(session(self.service))
        self._greeting = b"LHLO c\r\n" if session is LmtpSession else b"EHLO c\r\n"

    async def begin_mail(self) -> None:
        recipients = b"RCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
        answer = await self.client.say(self._greeting + b"MAIL FROM:<>\r\n" + recipients + b"DATA\r\n")
        assert b"354" in answer


def run(
    test: Callable[[Scene], Coroutine[None, None, None]],
    *,
    session: type[Session] = LmtpSession,
    failpoints: FailPoints = NO_FAILPOINTS,
) -> None:
    async def play() -> None:
        scene = Scene(session, failpoints)
        await settle()
        await test(scene)
        scene.client.abort()
        await settle()
        assert not scene.service.connections

    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        runner.run(play())


def test_every_octet_starts_the_idle_time_anew() -> None:
    async def play(scene: Scene) -> None:
        for octet in b"NOOP\r":
            assert await scene.client.say(bytes([octet])) == b""
            await scene.move(299)
        assert await scene.client.say(b"\n") == OK
        await scene.move(299)
        assert not scene.client.is_gone()
        await scene.move(2)
        assert scene.client.written == OK + TIMED_OUT
        assert scene.client.is_gone()

    run(play)


def test_time_that_we_take_is_not_idle_time_of_the_client() -> None:
    async def play(scene: Scene) -> None:
        scene.keeper.may_go_on.clear()
        await scene.begin_mail()
        assert await scene.client.say(b".\r\n") == b""
        for _ in range(5):
            await scene.move(299)
        scene.keeper.may_go_on.set()
        await settle()
        assert scene.client.written == b"250 2.0.0 Accepted\r\n" * 2
        await scene.move(299)
        assert not scene.client.is_gone()

    run(play)


@pytest.mark.parametrize(("session", "lines"), [(LmtpSession, 2), (SmtpSession, 1)])
def test_client_that_stops_in_a_mail_gets_the_replies_it_waits_for(
    session: type[Session], lines: int
) -> None:
    async def play(scene: Scene) -> None:
        await scene.begin_mail()
        await scene.client.say(b"Subject: hel")
        await scene.move(301)
        assert scene.client.written == TIMED_OUT * lines
        assert scene.client.is_gone()
        assert scene.keeper.taken == []

    run(play, session=session)


def test_mail_that_takes_too_long_to_store_is_421_and_stored_nevertheless() -> None:
    async def play(scene: Scene) -> None:
        scene.keeper.may_go_on.clear()
        await scene.begin_mail()
        await scene.client.say(b"hello\r\n.\r\n")
        await scene.move(3601)
        assert scene.client.written == TIMED_OUT * 2
        assert scene.client.is_gone()
        scene.keeper.may_go_on.set()
        await settle()
        assert [taken.raw for taken in scene.keeper.taken] == [b"hello\r\n"]
        assert not scene.service.accepting

    run(play)


def test_mail_that_drips_is_ended_after_the_total_time() -> None:
    async def play(scene: Scene) -> None:
        await scene.begin_mail()
        for _ in range(18):
            assert await scene.client.say(b"x\r\n") == b""
            await scene.move(199)
        assert not scene.client.is_gone()
        await scene.client.say(b"x\r\n")
        await scene.move(20)
        assert scene.client.written == TIMED_OUT * 2
        assert scene.client.is_gone()
        assert scene.keeper.taken == []

    run(play)


def test_total_time_begins_anew_with_each_mail() -> None:
    async def play(scene: Scene) -> None:
        for _ in range(30):
            await scene.begin_mail()
            await scene.move(250)
            assert await scene.client.say(b".\r\n") == b"250 2.0.0 Accepted\r\n" * 2

    run(play)


def test_command_that_drips_does_not_hold_a_connection_for_ever() -> None:
    async def play(scene: Scene) -> None:
        for _ in range(17):
            await scene.client.say(b"x")
            await scene.move(200)
        assert await scene.client.say(b"x") == b""
        assert not scene.client.is_gone()
        await scene.move(201)
        assert scene.client.written == TIMED_OUT
        assert scene.client.is_gone()

    run(play)


def test_client_that_does_not_read_is_cut_off_after_the_time_out() -> None:
    async def play(scene: Scene) -> None:
        scene.client.deaf = True
        await scene.move(301)
        assert scene.client.is_closing() and not scene.client.is_gone()
        await scene.move(6)
        assert scene.client.is_gone()

    run(play)


def test_client_that_does_not_read_does_not_hold_up_shutdown() -> None:
    async def play(scene: Scene) -> None:
        listener = Listener(LmtpSession, scene.keeper, hostname="mail.example", limits=LIMITS)
        client = Pipe(listener.session_for_client())
        client.deaf = True
        await settle()
        stopping = asyncio.create_task(listener.stop(30.0))
        await settle()
        assert not stopping.done() and not client.is_gone()
        await scene.move(32)
        await settle()
        assert client.is_gone()
        await stopping

    run(play)


def test_client_that_connects_during_shutdown_is_told_421() -> None:
    async def play(scene: Scene) -> None:
        scene.service.stopping.set()
        late = Pipe(LmtpSession(scene.service))
        await settle()
        assert late.written == b"421 4.3.2 Shutting down, try again later\r\n"
        assert late.is_gone()

    run(play)


class Broken(FailPoints):
    """Stands for a mistake of ours in the middle of a mail."""

    def reach(self, name: str) -> None:
        raise RuntimeError(name)


def test_mistake_of_ours_in_a_mail_is_451_for_each_recipient(caplog: pytest.LogCaptureFixture) -> None:
    async def play(scene: Scene) -> None:
        await scene.begin_mail()
        assert await scene.client.say(b"Subject: h") == b"451 4.3.0 Local error, try again later\r\n" * 2
        assert scene.client.is_gone()

    run(play, failpoints=Broken({}))
    assert "session failed" in caplog.text
