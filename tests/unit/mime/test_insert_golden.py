"""Whole mails of agents with ``::name`` lines, before and after: ``insert-*.eml`` → ``.out``.

The ``.out`` is the mail as it would go on, encoded text shown decoded behind it.  A new case: add the mail,
run this test with MAILPROC_WRITE_GOLDEN=1, and read the ``.out`` before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailproc.mime.insert import CannotInsert, Insert, find_inserts, insert
from mailproc.mime.reader import read

MAILS = Path(__file__).parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("insert-*.eml"))
PRICE_LIST = (
    b'Content-Type: text/csv; name="prices.csv"\r\n'
    b'Content-Disposition: attachment; filename="prices.csv"\r\n\r\nparcel;12\r\n'
)
INSERTS = {
    "details": Insert("Please tell me:\n\n- what you did\n- what happened\n\nFrom you I need both."),
    "sorry": Insert("Es tut mir leid — wirklich."),
    "price": Insert(
        "It is 12 €.\nA & B < C", "<p>It is <b>12 €</b>.</p><p>A &amp; B &lt; C</p>", (PRICE_LIST,)
    ),
}


def told(raw: bytes) -> str:
    names = find_inserts(raw)
    lines = [f"names: {', '.join(names)}", ""]
    try:
        after = insert(raw, INSERTS)
    except CannotInsert as error:
        return "\n".join([*lines, f"refused: {error}", ""])
    lines += after.decode("latin-1").split("\r\n")
    for part in read(after).parts:
        if part.type.startswith("text/") and part.encoding in ("base64", "quoted-printable"):
            text = part.content.decode(part.charset or "ascii")
            lines += [f"===== {part.type} {part.charset} =====", *text.split("\r\n")]
    return "\n".join(lines)


@pytest.mark.parametrize("name", CASES)
def test_standard_answers_stand_where_somebody_looked_for_them(name: str) -> None:
    expected = MAILS / f"{name}.out"
    seen = told((MAILS / f"{name}.eml").read_bytes())
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")
