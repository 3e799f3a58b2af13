"""OpenStack Swift, a real object store, takes originals by its S3 interface and gives them back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import peer_is_missing
from tests.rig.bucket_site import bring, bucket_site, close_all, moved, original, set_clock
from tests.rig.daemon import Daemon
from tests.rig.s3 import bucket_table
from tests.rig.swift import ACCESS_KEY, SECRET_KEY, Swift
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers
SIZES = (100_000, 6_000_000)


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Swift]:
    if lacking := Swift.missing():
        peer_is_missing(f"{lacking} is not installed")
    swift = Swift(tmp_path / "swift")
    try:
        swift.start()
        yield swift
    finally:
        swift.stop()


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    clock = tmp_path / "clock"
    set_clock(clock, 0)
    return clock


def site_at(
    swift: Swift, make_daemon: Callable[..., Daemon], clock: Path, secret: str = SECRET_KEY
) -> Daemon:
    return bucket_site(make_daemon, bucket_table(swift.endpoint, ACCESS_KEY, secret, "after = 2.0"), clock)


def test_originals_go_there_and_come_back(
    swift: Swift, make_daemon: Callable[..., Daemon], clock: Path
) -> None:
    site = site_at(swift, make_daemon, clock)
    assert b"bucket s3://originals \xe2\x80\xa6 ok\n" in site.output("check", "--probe")
    site.start()
    mails = [bring(site, number, size) for number, size in enumerate(SIZES)]
    close_all(site)
    set_clock(clock, 3)
    assert moved(site, len(mails)) == {"waiting": 0, "moved": len(mails)}
    assert [original(site, number, raw) for number, raw in enumerate(mails)] == mails
    site.output("store", "verify")
    site.stop()
    text = site.configuration.read_text()
    site.configuration.write_text(text.replace("[bucket]\n", "[bucket]\nmove = false\n"))
    site.output("store", "fetch")
    swift.stop()
    assert [original(site, number, raw) for number, raw in enumerate(mails)] == mails


def test_while_it_is_away_a_mail_is_asked_for_in_vain_and_later_not(
    swift: Swift, make_daemon: Callable[..., Daemon], clock: Path
) -> None:
    site = site_at(swift, make_daemon, clock)
    site.start()
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    moved(site, 1)
    swift.stop()
    with pytest.raises(AssertionError, match=hashlib.sha256(large).hexdigest()):
        original(site, 0, large)
    another = bring(site, 2)
    assert original(site, 1, another) == another
    swift.start()
    assert original(site, 0, large) == large
    site.stop()


def test_who_has_the_wrong_key_is_told_and_keeps_his_mail(
    swift: Swift, make_daemon: Callable[..., Daemon], clock: Path
) -> None:
    site = site_at(swift, make_daemon, clock, secret="another")
    with pytest.raises(AssertionError, match="exit 1"):
        site.output("check", "--probe")
    site.start()
    large = bring(site, 1)
    close_all(site)
    set_clock(clock, 3)
    eventually(lambda: "moved=0" in site.log())
    assert original(site, 0, large) == large
    site.stop()
