"""``mailproc dkim`` makes keys that the configuration takes, and says whether DNS knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.check.dkim import configured_keys
from mailproc.check.read import read
from mailproc.cli import main
from mailproc.cli.records import Nameserver
from mailproc.outbox.sign import DomainKey, Signer
from tests.rig.dkim_verifier import add_ed25519, verify
from tests.rig.nameserver import serving

DESK = '[desk.support]\naddresses = ["support@example.org"]\n'
NAMES = ["mp1._domainkey.example.org", "mp1e._domainkey.example.org"]

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    path = tmp_path / "mailproc.toml"
    path.write_text('data_dir = "state"\n' + DESK)

    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, ["-c", str(path), "dkim", *arguments])
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def records(run: Run, tmp_path: Path) -> dict[str, Sequence[str]]:
    """A site with fresh keys in its configuration, and the zone that its administrator made."""
    made = run("new", "example.org", "--selector", "mp1").stdout
    path = tmp_path / "mailproc.toml"
    path.write_text(path.read_text() + made.partition("# for the configuration\n")[2])
    zone = re.findall(r"^(\S+)\. 3600 IN TXT \( (.*) \)$", made, re.MULTILINE)
    return {name: ["".join(re.findall(r'"([^"]*)"', strings))] for name, strings in zone}


def test_what_new_prints_is_a_configuration_and_a_zone(
    records: dict[str, Sequence[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_ed25519(monkeypatch)
    assert list(records) == NAMES
    keys = list(configured_keys(read(tmp_path / "mailproc.toml", {}).config))
    signer = Signer(
        {"example.org": [DomainKey(each.selector, each.key) for each in keys]}, clock=lambda: 1_795_000_000.0
    )
    signed = signer.signed(b"From: support@example.org\r\n\r\nHello\r\n")
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 1_795_000_000.0)
        assert verify(signed, {name: texts[0] for name, texts in records.items()}) == [True, True]


def test_key_files_are_for_their_owner_only(records: dict[str, Sequence[str]], tmp_path: Path) -> None:
    folder = tmp_path / "state" / "dkim"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["example.org.mp1.pem", "example.org.mp1e.pem"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_key_is_never_written_over(run: Run, records: dict[str, Sequence[str]], tmp_path: Path) -> None:
    before = (tmp_path / "state/dkim/example.org.mp1.pem").read_bytes()
    told = run("new", "example.org", "--selector", "mp1", status=1).stderr
    assert "is there already" in told
    assert (tmp_path / "state/dkim/example.org.mp1.pem").read_bytes() == before


@pytest.mark.parametrize(("domain", "selector"), [("example..org", "mp1"), ("example.org", "m p")])
def test_what_dns_cannot_name_gets_no_key(run: Run, tmp_path: Path, domain: str, selector: str) -> None:
    run("new", domain, "--selector", selector, "--into", str(tmp_path / "keys"), status=1)
    assert not (tmp_path / "keys").exists()


def test_the_records_of_the_configuration_are_printed_as_new_printed_them(
    run: Run, records: dict[str, Sequence[str]]
) -> None:
    views = [json.loads(line) for line in run("--json").stdout.splitlines()]
    assert [(view["name"], [view["record"]]) for view in views] == list(records.items())
    assert [(view["algorithm"], view["bits"]) for view in views] == [("rsa", 2048), ("ed25519", 256)]
    assert all("".join(view["strings"]) == view["record"] for view in views)
    printed = run().stdout.splitlines()
    assert [line.split()[0] for line in printed] == [f"{name}." for name in NAMES]


def test_without_keys_there_is_nothing_to_print(run: Run) -> None:
    assert "no key is configured" in run(status=1).stderr


def test_records_that_are_served_are_ok(run: Run, records: dict[str, Sequence[str]]) -> None:
    with serving(records) as port:
        printed = run("check", "--nameserver", f"127.0.0.1:{port}").stdout
    assert printed.splitlines() == [f"{name} … ok" for name in NAMES]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "no record"),
        (["v=DKIM1; k=rsa; p="], "the record says that the key was withdrawn"),
        (["v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC"], "the record is of another key"),
        (["v=spf1 -all"], "the record cannot be read"),
        (["v=DKIM1; p=a", "v=DKIM1; p=b"], "several records: which counts is not defined"),
    ],
)
def test_records_that_are_not_as_they_should_be(
    run: Run, records: dict[str, Sequence[str]], texts: list[str], said: str
) -> None:
    records[NAMES[0]] = texts
    with serving(records) as port:
        result = run("check", "--json", "--nameserver", f"127.0.0.1:{port}", status=1)
    views = [json.loads(line) for line in result.stdout.splitlines()]
    assert [view["dns"] for view in views] == [said, "ok"]


def test_a_record_may_be_written_in_other_ways(run: Run, records: dict[str, Sequence[str]]) -> None:
    text = records[NAMES[0]][0]
    records[NAMES[0]] = [text.replace("v=DKIM1; k=rsa; h=sha256; p=", "p = ") + " ; n=note"]
    with serving(records) as port:
        run("check", "--nameserver", f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5300", "127.0.0.1", 5300),
        ("::1", "::1", 53),
        ("[::1]:54", "::1", 54),
    ],
)
def test_a_name_server_is_an_address_with_or_without_port(text: str, host: str, port: int) -> None:
    assert Nameserver.parse(text) == Nameserver(host, port)


def test_a_name_server_that_is_no_address_is_wrong_usage(run: Run, records: dict[str, Sequence[str]]) -> None:
    run("check", "--nameserver", "ns.example.org", status=2)
