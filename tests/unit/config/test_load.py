"""A configuration is loaded whole, or all that is wrong with it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.check.load import load, make_chains
from mailproc.check.read import read
from mailproc.config import DEFAULT_CHAIN, ConfigurationError, find
from tests.unit.config.conftest import AGENTS_SIDE, DESK, Check, Mistakes

GAPS = ("lmtp: nothing listens", "relay: missing")


def test_a_desk_with_an_address_is_enough(check: Check) -> None:
    config = check(DESK).config
    assert config.hostname == "host.example.org"
    assert config.desk["support"].chain == DEFAULT_CHAIN
    assert config.store.url == "sqlite:/var/lib/mailproc/mailproc.db"


def test_a_whole_site_has_warnings_and_no_mistakes(check: Check) -> None:
    loaded = check(AGENTS_SIDE)
    assert [line.rpartition("toml:")[2].split(": ")[:2] for line in loaded.warnings] == [
        ["35", "agent.alice.password_hash"],
        ["40", "agent.bob.password_hash"],
    ]


def test_paths_are_relative_to_the_configuration_file(check: Check, tmp_path: Path) -> None:
    text = AGENTS_SIDE.replace('"127.0.0.1:8024"', '"unix:run/lmtp"').replace(
        '"passwords"', '"dovecot:run/auth"'
    )
    config = check(text).config
    assert config.data_dir == f"{tmp_path}/state"
    assert config.store.url == f"sqlite:{tmp_path}/state/mailproc.db"
    assert config.lmtp.listen == (f"unix:{tmp_path}/run/lmtp",)
    assert config.submission.auth == f"dovecot:{tmp_path}/run/auth"


def test_an_agent_without_an_address_has_one_at_this_host(check: Check) -> None:
    config = check(DESK + 'agents = ["alice"]\n[agent.alice]\n').config
    assert config.agent["alice"].address == "alice@host.example.org"


def test_all_mistakes_are_told_at_once_sorted_by_line(mistakes: Mistakes) -> None:
    found = mistakes("""\
hostname = "no host"
wrkers = 2
[desk.support]
addreses = ["support@example.org"]
chain = ["automatic", "tikcet"]
number = "dates"
[log]
level = 3
""")
    assert found == [
        '1: hostname: "no host" is no host name',
        '2: wrkers: unknown key (did you mean "workers"?)',
        "3: desk.support.addresses: missing: a desk needs at least one address",
        '4: desk.support.addreses: unknown key (did you mean "addresses"?)',
        '5: desk.support.chain[1]: no such stage "tikcet" (did you mean "ticket"?)',
        '6: desk.support.number: "dates" is not one of date, sequence, random (did you mean "date"?)',
        "8: log.level: expected str, got int",
    ]


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        ("workers = 0", "1: workers: expected int >= 1, got 0"),
        ('workers = "2"', "1: workers: expected int, got str"),
        ('filters = ["nowhere"]', "1: filters[0]: no such folder: "),
        ("[lmtp]\nlisten = 3", "2: lmtp.listen: expected an array, got 3"),
        ('[lmtp]\nlisten = ["8024"]', "2: lmtp.listen[0]: '8024': not HOST:PORT"),
        ('[lmtp]\nlisten = ["h:1", "h:1"]', "2: lmtp.listen[1]: h:1 is already taken by lmtp.listen"),
        (
            '[lmtp]\nlisten = ["h:1"]\n[smtp]\nlisten = ["h:1"]',
            "4: smtp.listen[0]: h:1 is already taken by lmtp.l",
        ),
        ('[store]\nurl = "postgres://x"', "2: store.url: is neither sqlite:PATH nor postgresql://"),
        ('[store]\nurl = "sqlite:"', "2: store.url: no path after sqlite:"),
        ('[relay]\naddress = "mail.example.org:25"', '1: relay.tls: "none" is for loopback only'),
        ('[relay]\naddress = "unix:x"', '2: relay.address: "unix:x" is no HOST:PORT'),
        ('[imap]\naddress = "192.0.2.1:143"\ntls = "none"', '3: imap.tls: "none" is for loopback only'),
        ('[submission]\nlisten = ["0.0.0.0:587"]', '1: submission.tls: "none" is for loopback only'),
        ('[submission]\nauth = "imap"', '2: submission.auth: "imap" asks the server of [imap]'),
        (
            '[submission]\nauth = "password"',
            '2: submission.auth: "password" is none of passwords, imap, dovecot:PATH',
        ),
        ("desk = 3", "1: desk: expected a table, got 3"),
        ("[relay]\ntimeout = 0", "2: relay.timeout: expected float > 0.0, got 0"),
        ('[agent."a/b"]', '1: agent."a/b": "a/b" is no name'),
        ('[agent.alice]\naddress = "alice"', "2: agent.alice.address: no @ in address 'alice'"),
        ("[agent.al]\n[agent.Al]", "2: agent.Al: differs from [agent.al] in case only"),
    ],
)
def test_each_rule_names_its_line_and_key(mistakes: Mistakes, lines: str, mistake: str) -> None:
    desk = "" if lines.startswith("desk") else DESK
    assert [line for line in mistakes(f"{lines}\n{desk}") if line.startswith(mistake)]


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('delimiter = "ab"', "desk.support.delimiter: is one character"),
        ('delimiter = ""', "desk.support.delimiter: is one character"),
        ('language = "English"', 'desk.support.language: "English" is no language'),
        ('agents = ["carol"]', "desk.support.agents[0]: there is no [agent.carol]"),
        ('chain = ["ticket", "ticket"]', 'desk.support.chain[1]: "ticket" stands twice in this chain'),
        ('chain = ["tags"]', 'desk.support.chain[0]: "tags" means something else in conditions'),
        ('chain = ["a b"]', 'desk.support.chain[0]: "a b" is no name of a stage'),
        ('folder = "a\\nb"', "desk.support.folder: 'a\\nb' is no name of a folder"),
        ("reopen_days = -1", "desk.support.reopen_days: expected float >= 0.0, got -1"),
    ],
)
def test_each_rule_of_a_desk(mistakes: Mistakes, keys: str, mistake: str) -> None:
    (found,) = mistakes(f"{DESK}{keys}\n")
    assert found.startswith(f"3: {mistake}")


def test_a_delimiter_is_not_needed_without_reply_addresses(check: Check) -> None:
    desk = check(DESK + 'delimiter = ""\nreply_address = false\n').config.desk["support"]
    assert desk.delimiter == ""


def test_an_address_belongs_to_one_desk_or_agent_only(mistakes: Mistakes) -> None:
    found = mistakes(
        DESK
        + '[desk.sales]\naddresses = ["Support@Example.org"]\n[agent.al]\naddress = "support@example.org"'
    )
    assert found == [
        "4: desk.sales.addresses[0]: Support@Example.org is already an address of desk support",
        "6: agent.al.address: support@example.org is already an address of desk support",
    ]


def test_two_desks_do_not_share_a_folder(mistakes: Mistakes) -> None:
    found = mistakes(DESK + '[desk.sales]\naddresses = ["sales@example.org"]\nfolder = "support"')
    assert found == ['5: desk.sales.folder: "support" is already the folder of desk support']


def test_a_configuration_needs_a_desk(mistakes: Mistakes) -> None:
    assert mistakes("") == ["1: desk: at least one [desk.NAME] is needed"]


def test_a_rule_does_not_complain_of_what_a_misread_value_left_behind(mistakes: Mistakes) -> None:
    """tls would be its default then, which is wrong for this address."""
    assert mistakes(f'[relay]\naddress = "mail.example.org:25"\ntls = "startls"\n{DESK}') == [
        '3: relay.tls: "startls" is not one of none, starttls, implicit (did you mean "starttls"?)'
    ]


def test_an_item_of_an_array_is_told_by_its_own_line(mistakes: Mistakes) -> None:
    found = mistakes('[desk.support]\naddresses = [\n  "support@example.org",\n  "no-at",\n]\n')
    assert found == ["4: desk.support.addresses[1]: no @ in address 'no-at'"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (b"a = 1\nb = \n", "2: no valid TOML: invalid value (column 5)"),
        (b'a = 1\nb = """x', "2: no valid TOML: "),
        (b"a = 1\na = 2\n", "2: no valid TOML: cannot overwrite a value"),
        (b"a = 1\nb = \xff", "2: not UTF-8"),
        (b"a = " + b"[" * 20_000, "1: nested too deeply"),
    ],
)
def test_a_syntax_error_has_its_line(tmp_path: Path, text: bytes, mistake: str) -> None:
    path = tmp_path / "mailproc.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    (line,) = caught.value.lines
    assert line.startswith(f"{path}:{mistake}")


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file or directory$"):
        load(tmp_path / "none.toml", {})


def test_a_stage_in_no_chain_is_a_warning(check: Check) -> None:
    loaded = check(DESK + "[stage.spam]\n[stage.spamm]\n")
    (warning,) = [line for line in loaded.warnings if "stage." in line]
    assert warning.endswith("4: stage.spamm: stands in no chain")


def test_a_site_without_relay_or_listener_is_warned(check: Check) -> None:
    warnings = check(DESK).warnings
    assert all(any(gap in line for line in warnings) for gap in GAPS)


def test_machines_that_share_a_store_need_one_key(check: Check) -> None:
    warnings = check(f'[store]\nurl = "postgresql://db/mailproc"\n{DESK}').warnings
    (warning,) = [line for line in warnings if "secret_file: " in line]
    assert warning.endswith("secret_file: missing: name one that all machines have, or each makes its own")


def test_the_chains_of_a_loaded_site_are_made_afresh_each_time(check: Check) -> None:
    loaded = check(DESK)
    first, second = make_chains(loaded)["support"], make_chains(loaded)["support"]
    assert [step.name for step in first.steps] == list(DEFAULT_CHAIN)
    assert all(one.stage is not other.stage for one, other in zip(first.steps, second.steps, strict=True))


def test_the_file_is_the_option_then_the_environment_then_etc() -> None:
    environment = {"MAILPROC_CONFIG": "/env.toml"}
    assert find(Path("/option.toml"), environment) == Path("/option.toml")
    assert find(None, environment) == Path("/env.toml")
    assert find(None, {}) == Path("/etc/mailproc/mailproc.toml")


def test_a_broken_filter_hinders_no_command_that_runs_none(tmp_path: Path) -> None:
    path = tmp_path / "mailproc.toml"
    path.write_text('[desk.support]\naddresses = ["support@example.org"]\nchain = ["nowhere"]\n')
    assert read(path, {}).config.desk["support"].chain == ("nowhere",)
    with pytest.raises(ConfigurationError, match="nowhere"):
        load(path, {})
