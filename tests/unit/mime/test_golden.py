"""Whole mails and what is read from them: ``tests/mail/read-*.eml`` → ``read-*.out``.

A new case: add the mail, run this test with MAILPROC_WRITE_GOLDEN=1, and read the ``.out`` before it is
committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailproc.mime.reader import Mail, read

MAILS = Path(__file__).parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("read-*.eml"))


def told(mail: Mail) -> dict[str, object]:
    return {
        "subject": mail.subject,
        "from": f"{mail.author.name} <{mail.author.address}>" if mail.author else None,
        "to": [f"{mailbox.name} <{mailbox.address}>" for mailbox in mail.to],
        "message_id": mail.message_id,
        "date": mail.date,
        "parts": [f"{'  ' * part.depth}{part.type}" for part in mail.parts],
        "reply": mail.reply.split("\n"),
        "quoted": mail.quoted.split("\n"),
        "signature": mail.signature.split("\n"),
        "text": mail.text.split("\n"),
        "language": mail.language,
        "attachments": [[file.name, file.type, file.size, file.text] for file in mail.attachments],
        "embedded": [inner.subject for inner in mail.embedded],
        "defects": mail.defects,
    }


@pytest.mark.parametrize("name", CASES)
def test_mail_is_read_as_it_was_when_somebody_looked(name: str) -> None:
    expected = MAILS / f"{name}.out"
    seen = json.dumps(told(read((MAILS / f"{name}.eml").read_bytes())), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")
