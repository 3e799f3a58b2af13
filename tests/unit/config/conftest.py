"""A site's configuration to make mistakes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailproc.check.load import load
from mailproc.config import ConfigurationError, Loaded

DESK = """\
[desk.support]
addresses = ["support@example.org"]
"""

AGENTS_SIDE = """\
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[lmtp]
listen = ["127.0.0.1:8024"]

[submission]
listen = ["127.0.0.1:8587"]
tls    = "none"
auth   = "passwords"
second_answer = "hold"

[relay]
address = "127.0.0.1:8026"

[imap]
address  = "127.0.0.1:8143"
tls      = "none"
user     = "mailproc"
password = "mailproc"

[desk.support]
name      = "Example Support"
addresses = ["support@example.org", "help@example.org"]
folder    = "Support"
agents    = ["alice", "bob"]
chain     = ["automatic", "auth", "spam", "ticket", "enrich", "analyse", "route", "acknowledge"]

[agent.alice]
name          = "Alice Ang"
address       = "alice@example.org"
password_hash = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$replace-me"

[agent.bob]
name          = "Bob Bor"
address       = "bob@example.org"
password_hash = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$replace-me"
"""

Check = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Write a configuration and load it."""

    def check(text: str, environment: dict[str, str] | None = None) -> Loaded:
        path = tmp_path / "mailproc.toml"
        path.write_text(text)
        path.chmod(0o600)
        return load(path, environment or {}, hostname=lambda: "host.example.org")

    return check


@pytest.fixture
def mistakes(check: Check, tmp_path: Path) -> Mistakes:
    """The mistakes in a configuration, as ``LINE: key: text``; none is a failure of the test."""

    def mistakes(text: str, environment: dict[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            check(text, environment)
        return [line.removeprefix(f"{tmp_path}/mailproc.toml:") for line in caught.value.lines]

    return mistakes
