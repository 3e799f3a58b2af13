"""Header surgery: what is asked for changes, and no other byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.surgery import (
    fields,
    has_bare_newline,
    header_end,
    normalise_newlines,
    prepend,
    remove,
    rename,
    rename_forged,
    replace,
)

NEWLINES = ("\r\n", "\n", "\r")
names = st.sampled_from(
    ["Subject", "X-Mailproc-Ticket", "x-mailproc-id", "Reply-To", "Received", "Authentication-Results", "X"]
)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
newlines = st.sampled_from([newline.encode() for newline in NEWLINES])
bodies = st.binary(max_size=60)


@st.composite
def header_lines(draw: st.DrawFn) -> list[bytes]:
    """Fields, folded fields and lines that are no fields, each with some line end."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        newline = draw(newlines)
        first = f"{draw(names)}{draw(st.sampled_from(['', ' ']))}:{draw(words)}".encode()
        if draw(st.integers(0, 9)) == 0:
            first = b"no field here"
        lines.append(first + newline)
        if draw(st.booleans()):
            lines.append(b"\t" + draw(words).encode() + newline)
    return lines


@st.composite
def mails(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A mail, and its part from the empty line on."""
    lines = draw(header_lines())
    empty = draw(newlines)
    if lines and lines[-1].endswith(b"\r") and not lines[-1].endswith(b"\n"):
        empty = b"\r"  # a LF here would be the other half of a CRLF
    body = draw(bodies)
    if empty == b"\r" and body.startswith(b"\n"):
        body = body[1:]
    rest = empty + body
    header = b"".join(lines)
    return header + rest, rest


def blocks(raw: bytes) -> list[tuple[str, bytes]]:
    return [(field.name, raw[field.start : field.end]) for field in fields(raw)]


def body_of(raw: bytes) -> bytes:
    return raw[header_end(raw) :]


@given(mails())
def test_header_ends_at_the_first_empty_line(mail: tuple[bytes, bytes]) -> None:
    raw, rest = mail
    assert body_of(raw) == rest


@given(mails(), st.lists(st.tuples(names, words), max_size=4))
def test_prepended_fields_come_first_and_all_else_stays(
    mail: tuple[bytes, bytes], headers: list[tuple[str, str]]
) -> None:
    raw, _ = mail
    changed = prepend(raw, headers)
    assert changed.endswith(raw)
    assert [name for name, _ in blocks(changed)] == [name.lower() for name, _ in headers] + [
        name for name, _ in blocks(raw)
    ]
    assert blocks(changed)[len(headers) :] == blocks(raw)


@given(mails(), names)
def test_remove_takes_out_all_fields_of_the_name_and_nothing_else(
    mail: tuple[bytes, bytes], name: str
) -> None:
    raw, rest = mail
    changed = remove(raw, name)
    kept = [block for block in blocks(raw) if block[0] != name.lower()]
    assert body_of(changed) == rest
    # Where a CR and a LF of different lines come to stand side by side, a LF keeps them apart.
    assert [(n, text.rstrip(b"\r\n")) for n, text in blocks(changed)] == [
        (n, text.rstrip(b"\r\n")) for n, text in kept
    ]


@given(mails(), names)
def test_rename_puts_old_in_front_and_changes_nothing_else(mail: tuple[bytes, bytes], name: str) -> None:
    raw, rest = mail
    changed = rename(raw, lambda other: other == name.lower())
    assert body_of(changed) == rest
    assert blocks(changed) == [
        (f"x-old-{n}", b"X-Old-" + text) if n == name.lower() else (n, text) for n, text in blocks(raw)
    ]


@given(mails(), names, words)
def test_replace_writes_exactly_one_field(mail: tuple[bytes, bytes], name: str, value: str) -> None:
    raw, rest = mail
    changed = replace(raw, name, value)
    assert body_of(changed) == rest
    before, after = blocks(raw), blocks(changed)
    found = [n for n, _ in before]
    place = found.index(name.lower()) if name.lower() in found else 0
    if name.lower() in found:
        del before[place]
    assert after[place][0] == name.lower()
    assert after[:place] + after[place + 1 :] == before


@given(st.binary(max_size=200))
def test_any_bytes_survive_surgery_that_finds_nothing(raw: bytes) -> None:
    assert remove(raw, "X-Not-There") == raw
    assert rename(raw, lambda name: False) == raw
    assert prepend(raw, []) == raw
    assert prepend(raw, [("A", "b")]).endswith(raw)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b" ", b"."])).map(b"".join))
def test_normalised_mail_has_no_bare_newline(raw: bytes) -> None:
    clean = normalise_newlines(raw)
    assert not has_bare_newline(clean)
    assert clean.replace(b"\r\n", b"\n") == raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert has_bare_newline(raw) == (clean != raw)


def test_clean_mail_is_not_copied() -> None:
    raw = b"Subject: x\r\n\r\nbody\r\n"
    assert normalise_newlines(raw) is raw


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"])
def test_every_smuggled_end_of_data_is_found(end: bytes) -> None:
    assert has_bare_newline(b"Subject: x\r\n\r\nbody" + end + b"MAIL FROM:<a@b.example>\r\n")


@pytest.mark.parametrize("newline", NEWLINES)
def test_new_fields_have_the_line_ends_of_the_mail(newline: str) -> None:
    raw = f"Subject: a{newline}{newline}body".encode()
    assert prepend(raw, [("X-A", "1")]) == f"X-A: 1{newline}".encode() + raw


def test_mail_without_an_empty_line_is_all_header() -> None:
    assert remove(b"Subject: a\r\nX-Mailproc-Id: 1", "x-mailproc-id") == b"Subject: a\r\n"
    assert prepend(b"", [("A", "1")]) == b"A: 1\r\n"


def test_mail_that_begins_with_the_empty_line_gets_a_header() -> None:
    assert prepend(b"\r\nX-Mailproc-Id: 1\r\n", [("A", "1")]) == b"A: 1\r\n\r\nX-Mailproc-Id: 1\r\n"


def test_first_line_that_is_a_continuation_does_not_continue_our_field() -> None:
    changed = prepend(b" evil\r\nSubject: a\r\n\r\n", [("X-Mailproc-Ticket", "17")])
    assert blocks(changed)[0] == ("x-mailproc-ticket", b"X-Mailproc-Ticket: 17\r\n")
    assert changed.endswith(b"\r\n evil\r\nSubject: a\r\n\r\n")


def test_field_after_a_line_that_is_none_is_still_seen() -> None:
    raw = b"Subject: a\r\nthis is no field\r\n nor this\r\nX-Mailproc-Ticket: 9\r\n\r\nX-Mailproc-Id: body"
    assert rename_forged(raw, "mail.example.org") == raw.replace(
        b"X-Mailproc-Ticket", b"X-Old-X-Mailproc-Ticket"
    )


def test_field_behind_a_bare_newline_in_a_value_is_seen() -> None:
    raw = b"Subject: a\rX-Mailproc-Ticket: 9\r\n\r\n"
    assert rename_forged(raw, "x") == b"Subject: a\rX-Old-X-Mailproc-Ticket: 9\r\n\r\n"


def test_field_with_space_before_the_colon_is_seen() -> None:
    assert rename_forged(b"X-MAILPROC-ID : 9\r\n\r\n", "x") == b"X-Old-X-MAILPROC-ID : 9\r\n\r\n"


@pytest.mark.parametrize(
    "value",
    [
        "mail.example.org; dmarc=pass",
        "MAIL.Example.ORG 1; spf=pass",
        '"mail.example.org"; spf=pass',
        r'"mail\.example.org"; spf=pass',
        "(comment (nested)) mail.example.org (another); spf=pass",
        "\r\n\tmail.example.org;\r\n\tspf=pass",
        "mail.example.org",
        "mail.example.org(tight)",
    ],
)
def test_authentication_results_in_our_name_are_renamed(value: str) -> None:
    raw = f"Authentication-Results: {value}\r\n\r\n".encode()
    assert rename_forged(raw, "mail.example.org") == b"X-Old-" + raw
    assert rename_forged(raw, "mx.example.org", "Mail.Example.org") == b"X-Old-" + raw


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.net; dmarc=pass",
        "mail.example.org.evil.example; x",
        "(mail.example.org) mx.example.net; x",
        "",
        '"',
        "(",
    ],
)
def test_authentication_results_of_others_stay(value: str) -> None:
    raw = f"Authentication-Results: {value}\r\n\r\n".encode()
    assert rename_forged(raw, "mail.example.org") == raw


def test_line_ends_of_two_lines_never_become_one_when_a_field_between_them_goes() -> None:
    changed = remove(b"A: 1\rB: 2\n\nbody", "B")
    assert (blocks(changed), body_of(changed)) == ([("a", b"A: 1\r\n")], b"\nbody")
    assert body_of(replace(b"A: 1\rB: 2\n\nbody", "B", "3")) == b"\nbody"


def test_value_that_would_break_out_of_its_field_is_refused() -> None:
    with pytest.raises(ValueError, match=r"U\+000D"):
        prepend(b"\r\n", [("Subject", "a\r\nBcc: b@example.com")])


@pytest.mark.corpus
def test_no_body_of_a_real_mail_is_touched(corpus: Path) -> None:
    for path in corpus.rglob("*.eml"):
        raw = path.read_bytes()
        old = rename(raw, lambda name: name == "reply-to")
        changed = prepend(rename_forged(old, "mail.example.org"), [("Reply-To", "support@example.org")])
        assert body_of(changed) == body_of(raw), path.name
        assert blocks(changed)[0][0] == "reply-to", path.name
        assert blocks(changed)[len(blocks(changed)) - len(blocks(old)) :] == blocks(
            rename_forged(old, "mail.example.org")
        )
