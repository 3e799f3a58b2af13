"""Minutes of mixed load with faults that are real; bench/soak.py plays an hour."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.soak import Plan, soak
from tests.conftest import peer_is_missing
from tests.rig.dovecot import PATH
from tests.rig.store_server import StoreServer

pytestmark = [pytest.mark.peers, pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(("store", "seed"), [("sqlite", 1), ("postgresql", 2)])
def test_whatever_goes_wrong_everybody_was_told_the_truth(tmp_path: Path, store: str, seed: int) -> None:
    if os.geteuid() != 0:
        peer_is_missing("Dovecot, PostgreSQL and a disk of one's own want root")
    if not shutil.which("dovecot", path=PATH):
        peer_is_missing("Dovecot is not installed")
    if store == "postgresql" and (lacking := StoreServer.missing()):
        peer_is_missing(f"{lacking} is not installed")
    outcome = soak(tmp_path, Plan(minutes=2.5, seed=seed, store=store, gap=4.0, fault_gap=5.0))
    assert {each.what: each.wrong for each in outcome.findings if each.wrong} == {}
    assert len(outcome.mishaps.counts()) > 5
    assert sum(each.is_taken for each in outcome.books.letters.values()) > 100
