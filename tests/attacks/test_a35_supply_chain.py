"""A35: what ``make venv`` installs is pinned by version and by hash."""

from __future__ import annotations

import re

from tests.unit.desk.office import ROOT


def test_a35_every_package_is_pinned_by_version_and_hash() -> None:
    text = (ROOT / "lock" / "requirements.txt").read_text()
    entries = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    loose = [
        each.split()[0]
        for each in entries
        if not re.match(r"[\w.-]+==[^\s;]+(?:\s*;.*?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$", each)
    ]
    assert loose == []
    assert len(entries) > 20


def test_a35_hashes_are_asked_for() -> None:
    assert "--require-hashes" in (ROOT / "lock" / "venv.sh").read_text()
