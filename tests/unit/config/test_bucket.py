"""The rules of [bucket]."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.opening import bucket_rule
from tests.unit.config.conftest import DESK, Check, Mistakes

BUCKET = '[bucket]\nurl = "s3://originals/mailproc"\n'


def test_a_name_is_enough(check: Check) -> None:
    rule = bucket_rule(check(BUCKET + DESK).config)
    assert rule is not None
    assert (rule.least, rule.after) == (65_536, 7 * 86400.0)


def test_without_moving_there_is_no_rule(check: Check) -> None:
    assert bucket_rule(check(BUCKET + "move = false\n" + DESK).config) is None


def test_the_secret_comes_from_a_file(check: Check, tmp_path: Path) -> None:
    (tmp_path / "s3.key").write_text("hush\n")
    (tmp_path / "s3.key").chmod(0o600)
    config = check(BUCKET + 'access_key = "A"\nsecret_key_file = "s3.key"\n' + DESK).config
    assert config.bucket is not None
    assert config.bucket.secret_key == "hush"


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('url = "originals"', '2: bucket.url: "originals" is not s3://NAME or s3://NAME/PREFIX'),
        ('url = "s3://O"', '2: bucket.url: "s3://O" is not s3://NAME or s3://NAME/PREFIX'),
        (
            'url = "s3://originals"\nendpoint = "s3.example.org"',
            '3: bucket.endpoint: "s3.example.org" is not https://HOST or https://HOST:PORT',
        ),
        (
            'url = "s3://originals"\nendpoint = "http://s3.example.org"',
            "3: bucket.endpoint: mails would go over the network in the open: use https",
        ),
        (
            'url = "s3://originals"\naccess_key = "A"',
            "3: bucket.access_key: the secret_key that belongs to it is missing",
        ),
        (
            'url = "s3://originals"\nsecret_key = "A"',
            "3: bucket.secret_key: the access_key that it belongs to is missing",
        ),
        (
            'url = "s3://originals"\nleast = 1000',
            "3: bucket.least: expected int >= 16384, got 1000",
        ),
    ],
)
def test_each_rule_names_its_line_and_key(mistakes: Mistakes, keys: str, mistake: str) -> None:
    assert mistakes(f"[bucket]\n{keys}\n{DESK}") == [mistake]


def test_a_plain_endpoint_on_this_machine_is_no_mistake(check: Check) -> None:
    config = check(BUCKET + 'endpoint = "http://127.0.0.1:9000"\n' + DESK).config
    assert config.bucket is not None
