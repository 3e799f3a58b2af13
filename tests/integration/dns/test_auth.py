"""From the configuration to the answer of a name server: the auth stage checks what a mail proves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mailproc.cli import main
from tests.rig.nameserver import serving
from tests.rig.signed_mails import MAIL, key, key_name, sealed, signed

CONFIGURATION = """
data_dir = "state"
hostname = "mail.example.org"

[desk.support]
addresses = ["support@example.org"]

[stage.auth]
verify      = "missing"
nameservers = ["127.0.0.1:{port}"]
sealers     = ["fwd.example"]
dns_timeout = 2.0
"""
Explain = Callable[[bytes], dict[str, Any]]


@pytest.fixture
def explain(tmp_path: Path) -> Explain:
    """The scores of the auth stage for a mail, by ``mailproc explain``, with a name server for its time."""
    records: dict[str, Sequence[str]] = {
        key_name(): [key().record],
        key_name("fwd.example"): [key().record],
        "_dmarc.example.com": ["v=DMARC1; p=quarantine"],
    }

    def run(raw: bytes) -> dict[str, Any]:
        (tmp_path / "mail.eml").write_bytes(raw)
        path = tmp_path / "mailproc.toml"
        with serving(records) as port:
            path.write_text(CONFIGURATION.format(port=port))
            result = CliRunner().invoke(
                main, ["-c", str(path), "explain", str(tmp_path / "mail.eml"), "--json"]
            )
        assert result.exit_code == 0, result.output
        stages = {stage["stage"]: stage for stage in json.loads(result.stdout)["stages"]}
        assert stages["auth"]["verdict"] == "continue"
        scores: dict[str, Any] = stages["auth"]["scores"]
        return scores

    return run


def test_a_signed_mail_is_proved(explain: Explain) -> None:
    found = explain(signed())
    assert (found["dkim"], found["dmarc"], found["aligned"], found["policy"]) == (
        "pass",
        "pass",
        True,
        "quarantine",
    )


def test_a_changed_mail_is_not(explain: Explain) -> None:
    found = explain(signed() + b"More\r\n")
    assert (found["dkim"], found["dmarc"], found["aligned"]) == ("fail", "none", False)
    assert "the body is not what was signed" in found["why"]


def test_a_mail_that_a_trusted_forwarder_changed_is(explain: Explain) -> None:
    found = explain(sealed(signed() + b"A footer\r\n", "fwd.example", "dmarc=pass header.from=example.com"))
    assert (found["dkim"], found["arc"], found["aligned"]) == ("fail", "pass", True)


def test_an_unsigned_mail_of_a_domain_with_a_policy_proves_nothing(explain: Explain) -> None:
    found = explain(MAIL)
    assert (found["dkim"], found["aligned"], found["policy"]) == ("none", False, "quarantine")


def test_a_name_server_that_is_none_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "mailproc.toml"
    path.write_text(CONFIGURATION.replace("127.0.0.1:{port}", "ns.example.org"))
    result = CliRunner().invoke(main, ["-c", str(path), "check"])
    assert result.exit_code == 2
    assert "stage.auth.nameservers: ns.example.org is no IP address" in result.output
