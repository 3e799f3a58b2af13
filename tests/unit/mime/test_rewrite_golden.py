"""Whole mails of agents and the answers that leave: ``answer-*.eml`` → ``answer-*.out``.

A new case: add the mail, run this test with MAILPROC_WRITE_GOLDEN=1, and read the ``.out`` before it is
committed.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mailproc.mime.rewrite import RewritePlan, from_header, rewrite
from mailproc.model.address import Address, Mailbox

MAILS = Path(__file__).parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("answer-*.eml"))
PLAN = RewritePlan(
    sender=from_header("Alice Ang (Support)", Address.parse("support@example.org")),
    to=(Mailbox("Carla Müller, Kundin", Address.parse("carla@customer.example")),),
    cc=(
        Mailbox("Dora Dritt", Address.parse("dora@partner.example")),
        Mailbox("Carla again", Address.parse("Carla@customer.example")),
    ),
    message_id="<2026092100017.2.abcdefghij@mail.example.org>",
    date=1_790_000_000.0,
    subject="Parcel",
    tag="[T#2026092100017-k7q2mx]",
    reply_to="support+2026092100017.abcdefghij@example.org",
    in_reply_to=("<one@customer.example>",),
    references=("<zero@customer.example>",),
)
FRAME = replace(PLAN, salutation="Guten Tag Carla,", signature="-- \nSupport – Tel. 12")


@pytest.mark.parametrize("name", CASES)
def test_an_answer_leaves_as_it_did_when_somebody_looked(name: str) -> None:
    expected = MAILS / f"{name}.out"
    plan = FRAME if "frame" in name or "signed" in name else PLAN
    after = rewrite((MAILS / f"{name}.eml").read_bytes(), plan)
    seen = after.decode("utf-8").replace("\r\n", "\n")
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")
