"""Whole mails through the default chain with rules: ``tests/mail/chain-*.eml`` → ``chain-*.out``.

A new case: add the mail, run this test with MAILPROC_WRITE_GOLDEN=1, and read the ``.out`` before it is
committed.  The configuration is ``tests/mail/chain.toml``; all mails come on Monday, 23 November 2026.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mailproc.chains import open_chains
from mailproc.check.load import load
from mailproc.mime.reader import read
from mailproc.mime.sender import presumed_sender
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.mac import Keyring
from mailproc.opening import make_site
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Verdict
from mailproc.store.sqlite import open_sqlite

MAILS = Path(__file__).resolve().parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("chain-*.eml"))
MONDAY = 1_795_424_400.0  # 2026-11-23T09:00:00Z


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[tuple[Chain, Desk]]:
    loaded = load(MAILS / "chain.toml", {})
    site = make_site(loaded.config, Keyring.generate(b"k" * 32))
    store = open_sqlite(tmp_path / "mailproc.db")
    chains = await open_chains(loaded, site, store, lambda: MONDAY)
    yield chains["support"], site.desks["support"]
    for each in chains.values():
        await each.close()
    await store.close()


def told(delivery: Delivery, verdict: Verdict) -> dict[str, object]:
    plan = delivery.acknowledgement
    return {
        "verdict": f"{verdict.course.value} {verdict.reason}".strip(),
        "desk": delivery.desk.name,
        "owner": delivery.owner,
        "tags": list(delivery.tags),
        "language": delivery.language,
        "topic": delivery.topic,
        "headers": dict(delivery.headers),
        "forward": [str(address) for address in delivery.forward_to],
        "snoozed": delivery.snoozed_until,
        "acknowledge": plan.refusal or "yes" if plan else "no plan",
        "stages": {
            result.stage: {"verdict": result.verdict, "scores": result.scores, "notes": result.notes}
            for result in delivery.results
        },
    }


@pytest.mark.parametrize("name", CASES)
async def test_mail_passes_as_it_did_when_somebody_looked(chain: tuple[Chain, Desk], name: str) -> None:
    stages, desk = chain
    raw = normalise_newlines((MAILS / f"{name}.eml").read_bytes())
    delivery = Delivery(Envelope(presumed_sender(read(raw)), desk.address), desk, raw, MONDAY)
    verdict = await stages.run(delivery)
    seen = json.dumps(told(delivery, verdict), ensure_ascii=False, indent=1, default=str) + "\n"
    expected = MAILS / f"{name}.out"
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")
