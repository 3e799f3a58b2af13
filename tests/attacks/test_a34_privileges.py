"""A34: the shipped unit gives the daemon no privilege and nothing to write but its own directories."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser

import pytest

from tests.conftest import peer_is_missing
from tests.unit.desk.office import ROOT

WANTED = {
    "User": "mailproc",
    "UMask": "0077",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "RestrictSUIDSGID": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "StateDirectoryMode": "0700",
}


def unit() -> dict[str, str]:
    parser = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # case counts
    parser.read_string((ROOT / "systemd" / "mailproc.service").read_text())
    return dict(parser["Service"])


@pytest.mark.parametrize("key", sorted(WANTED))
def test_a34_the_unit_gives_nothing_away(key: str) -> None:
    assert unit()[key] == WANTED[key]


def test_a34_only_sockets_of_mail_are_there() -> None:
    assert set(unit()["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}


def test_a34_the_exposure_is_under_two() -> None:
    if not shutil.which("systemd-analyze"):
        peer_is_missing("systemd-analyze is not installed")
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            ROOT / "systemd" / "mailproc.service",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    overall = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert overall, done.stdout
    assert float(overall[1]) < 2.0


def test_a34_a_reload_checks_before_it_asks_the_daemon() -> None:
    lines = (ROOT / "systemd" / "mailproc.service").read_text().splitlines()
    first, second = (line for line in lines if line.startswith("ExecReload="))
    assert first.endswith(" check")
    assert second.endswith("kill -HUP $MAINPID")
