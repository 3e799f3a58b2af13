"""A site with a bucket: large mails of closed tickets go there, and neither it nor a crash costs a mail."""

from __future__ import annotations

import hashlib
import itertools
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproc.store.sqlite import read_once
from tests.rig.bucket_site import bring, bucket_site, close_all, moved, original, set_clock
from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.oracle import assert_store_is_sound
from tests.rig.s3 import Fault, S3Server
from tests.rig.waiting import eventually


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    clock = tmp_path / "clock"
    set_clock(clock, 0)
    return clock


@pytest.fixture
def site(make_daemon: Callable[..., Daemon], s3: S3Server, clock: Path) -> Daemon:
    return bucket_site(make_daemon, s3.table("after = 2.0", "timeout = 2.0"), clock)


def test_what_was_closed_for_long_enough_is_moved_and_read_from_there(
    site: Daemon, s3: S3Server, clock: Path
) -> None:
    site.start()
    large, small = bring(site, 1), bring(site, 2, size=0)
    close_all(site)
    set_clock(clock, 1.9)
    assert site.status()["bucket"] == {"waiting": 0, "moved": 0}
    set_clock(clock, 2.1)
    assert moved(site, 1) == {"waiting": 0, "moved": 1}
    assert s3.objects == {hashlib.sha256(large).hexdigest(): large}
    assert [original(site, 0, large), original(site, 1, small)] == [large, small]
    site.output("store", "verify")
    site.stop()


def test_mail_comes_in_and_becomes_a_ticket_though_the_bucket_is_away(
    site: Daemon, s3: S3Server, clock: Path
) -> None:
    site.start()
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    moved(site, 1)
    s3.stop()
    another = bring(site, 2)
    # The same mail by other hands asks for the first, which lies there: it waits, and nobody with it.
    with site.lmtp() as client:
        again = b"Received: from list.example.net\r\n" + large
        client.deliver("list@example.net", ["support@example.org"], again)
        client.deliver("carla@customer.example", ["support@example.org"], mail(3))
    eventually(lambda: len(site.tickets()) == 3)
    assert site.status()["waiting"] == 1
    with pytest.raises(AssertionError, match="s3://originals"):
        original(site, 0, large)
    s3.start()
    assert original(site, 1, another) == another

    def settled() -> bool:
        """It is tried again when the clock says so."""
        set_clock(clock, next(days))
        return not site.status()["waiting"]

    days = itertools.count(4)
    eventually(settled, every=0.5)
    assert (site.status()["duplicate"], site.status()["quarantined"]) == (1, 0)
    site.stop()


def test_what_could_not_be_moved_waits(site: Daemon, s3: S3Server, clock: Path) -> None:
    s3.fault = Fault.FORBIDDEN  # the others: tests/store/test_bucket.py
    site.start()
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    eventually(lambda: "moved=0" in site.log())
    assert site.status()["bucket"] == {"waiting": 1, "moved": 0}
    assert original(site, 0, large) == large
    site.stop()


@pytest.mark.parametrize("name", ["bucket.put", "bucket.let_go"])
def test_a_crash_while_a_mail_is_moved_loses_nothing(
    name: str, site: Daemon, s3: S3Server, clock: Path
) -> None:
    site.start(f"{name}:kill9")
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    assert site.wait_for_death() in (0, 1, -signal.SIGKILL)
    assert s3.objects == {hashlib.sha256(large).hexdigest(): large}
    if name == "bucket.put":
        digest = hashlib.sha256(large).digest()
        assert read_once(site.database, lambda tx: tx.deliveries.raw_here(digest)) == large
    site.start()
    moved(site, 1)
    assert original(site, 0, large) == large
    site.stop()
    assert_store_is_sound(site)


def test_what_lies_in_the_bucket_can_be_fetched_for_good(site: Daemon, s3: S3Server, clock: Path) -> None:
    site.start()
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    moved(site, 1)
    site.stop()
    text = site.configuration.read_text()
    site.configuration.write_text(text.replace("[bucket]\n", "[bucket]\nmove = false\n"))
    site.output("store", "fetch")
    assert site.status()["bucket"] == {"waiting": 0, "moved": 0}
    s3.stop()
    assert original(site, 0, large) == large


def test_a_mail_that_is_another_in_the_bucket_is_found_by_verify(
    site: Daemon, s3: S3Server, clock: Path
) -> None:
    site.start()
    name = hashlib.sha256(bring(site, 1)).hexdigest()
    bring(site, 2)
    close_all(site)
    set_clock(clock, 3)
    moved(site, 2)
    s3.objects[name] = s3.objects[name][::-1]
    with pytest.raises(AssertionError, match=r"1 mails are as they came\n.*1 are not"):
        site.output("store", "verify")
    site.stop()


def test_probe_puts_reads_and_deletes(site: Daemon, s3: S3Server) -> None:
    assert b"bucket s3://originals \xe2\x80\xa6 ok\n" in site.output("check", "--probe")
    assert not s3.objects
    s3.fault = Fault.FORBIDDEN
    with pytest.raises(AssertionError, match="exit 1"):
        site.output("check", "--probe")
