"""Real mails, taken as if an agent had sent them: none is damaged on its way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.mime.commands import extract_commands
from mailproc.mime.frame import framed
from mailproc.mime.html_page import HtmlPage
from mailproc.mime.insert import CannotInsert, find_inserts
from mailproc.mime.reader import Mail, read
from mailproc.mime.rewrite import rewrite
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.written import versions
from tests.unit.mime.test_rewrite import PLAN, names

pytestmark = pytest.mark.corpus
TOP = "Hello 4711,"


def mails(corpus: Path) -> list[bytes]:
    """Every eighth, with CRLF line ends: that is enough."""
    return [normalise_newlines(path.read_bytes()) for path in sorted(corpus.rglob("*.eml"))[::8]]


def lines(mail: Mail) -> list[str]:
    return [" ".join(line.split()) for line in mail.text.split("\n") if line.strip()]


def files(mail: Mail) -> list[tuple[str, int]]:
    return [(file.name, file.size) for file in mail.attachments]


def test_the_body_leaves_as_it_is_below_one_header(corpus: Path) -> None:
    for raw in mails(corpus):
        after = rewrite(raw, PLAN)
        mail = read(raw)
        assert after.endswith(b"\r\n\r\n" + mail.raw[mail.parts[0].start :])
        assert [names(after).count(name) for name in ("from", "to", "subject", "message-id")] == [1, 1, 1, 1]
        assert [part.type for part in read(after).parts] == [part.type for part in mail.parts]


def test_a_salutation_changes_nothing_but_the_text(corpus: Path) -> None:
    changed = 0
    for raw in mails(corpus):
        before, after = read(raw), read(framed(raw, TOP, ""))
        assert [part.type for part in after.parts] == [part.type for part in before.parts]
        assert files(after) == files(before)
        if after.raw is not raw and TOP in after.text:
            changed += 1
            assert [line for line in lines(after) if line != TOP] == lines(before), before.message_id
    assert changed


def test_pages_of_real_html_are_kept_and_without_lines_they_are_empty(corpus: Path) -> None:
    for raw in mails(corpus):
        for parts in versions(read(raw)):
            for page in (part.page for part in parts if isinstance(part.page, HtmlPage)):
                assert page.edited({}) == page.source


def test_no_real_mail_breaks_the_look_for_commands_and_inserts(corpus: Path) -> None:
    for raw in mails(corpus):
        found = extract_commands(raw)
        assert found.lines == ()
        try:
            find_inserts(raw)
        except CannotInsert as error:
            assert str(error)
