"""Standard answers in the place of ``::name`` lines, and files that come with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.enclose import attach
from mailproc.mime.insert import CannotInsert, Insert, find_inserts, insert
from mailproc.mime.reader import read
from tests.unit.mime.clients import HEADER, STYLES, both, plain

FILE = b"Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nin a file"
WORDS = st.text(st.sampled_from("abc äß<>&;.'\" €"), min_size=1, max_size=30).map(str.strip).filter(bool)


@pytest.mark.parametrize("line", ["::refund", "  ::Refund ", ":: refund", "\u00a0::refund"])
def test_a_line_alone_is_an_insert(line: str) -> None:
    assert find_inserts(plain(f"Hello\n{line}\nAlice\n")) == ("refund",)


@pytest.mark.parametrize("line", ["see ::refund", "::std::string", ":::", "::", "> ::refund", "x::y"])
def test_other_lines_are_text(line: str) -> None:
    assert find_inserts(plain(f"Hello\n{line}\nAlice\n")) == ()


@pytest.mark.parametrize("line", ["::refund, please", "::refund now", "::refund!", "::1"])
def test_what_begins_like_an_insert_never_leaves_raw(line: str) -> None:
    raw = plain(f"Hello\n{line}\nAlice\n")
    with pytest.raises(CannotInsert):
        insert(raw, {"refund": Insert("Money.")})


def test_an_insert_in_a_quote_is_text_in_plain_text_and_html() -> None:
    html = "<div>Hi</div><blockquote type=cite>::refund</blockquote>"
    raw = both("Hi\n\n> ::refund\n", html)
    assert find_inserts(raw) == ()
    assert insert(raw, {}) == raw


def test_text_and_html_must_ask_for_the_same() -> None:
    with pytest.raises(CannotInsert, match="different"):
        find_inserts(both("::refund\n", "<div>Hi</div>"))


@pytest.mark.parametrize("seal", ["multipart/signed", "multipart/encrypted"])
def test_nothing_is_inserted_into_a_sealed_mail(seal: str) -> None:
    body = f"Content-Type: {seal}; boundary=s\r\n\r\n--s\r\n\r\n::refund\r\n--s--\r\n"
    with pytest.raises(CannotInsert, match="nothing can be inserted"):
        find_inserts((HEADER + body).encode())


def test_what_is_inserted_is_not_looked_at_again() -> None:
    raw = insert(plain("::a\n"), {"a": Insert("::b"), "b": Insert("no")})
    assert read(raw).text.strip() == "::b"


@settings(max_examples=100, deadline=None)
@given(
    before=WORDS,
    inserted=st.lists(WORDS, min_size=1, max_size=3),
    style=st.sampled_from(sorted(STYLES)),
    charset=st.sampled_from(["us-ascii", "iso-8859-1", "utf-8"]),
    encoding=st.sampled_from(["8bit", "base64", "quoted-printable"]),
)
def test_the_text_stands_in_both_versions_in_any_charset(
    before: str, inserted: list[str], style: str, charset: str, encoding: str
) -> None:
    before = before.encode(charset, "ignore").decode(charset).strip() or "Hello"
    lines = [before, "::a", "Alice"]
    raw = both("\n".join(lines), STYLES[style](lines), charset, encoding)
    after = insert(raw, {"a": Insert("\n".join(inserted))})
    mail = read(after)
    assert mail.defects == []
    html = mail.parts[2]
    of_html = read(b"From: a@example.org\r\n" + after[html.top : html.end]).text
    for text in (mail.text, of_html):
        assert [" ".join(line.split()) for line in text.split("\n") if line.strip()] == [
            " ".join(line.split()) for line in (before, *inserted, "Alice")
        ]


@pytest.mark.parametrize(
    "raw",
    [
        plain("::a\n", "iso-8859-1", "base64"),
        both("::a\n", "<div>::a</div>"),
        HEADER.encode() + b"\r\n::a\r\n",
        HEADER.encode()
        + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\nx\r\n--m\r\n\r\n::a\r\n--m--\r\nepilogue',
        HEADER.encode() + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\n::a\r\nand no end',
    ],
    ids=["single", "alternative", "without content-type", "mixed", "mixed without an end"],
)
def test_a_file_goes_with_it_whatever_the_mail_was(raw: bytes) -> None:
    mail = read(insert(raw, {"a": Insert("Text.", attachments=(FILE, FILE))}))
    assert [file.name for file in mail.attachments] == ["a.txt", "a.txt"]
    assert [file.content for file in mail.attachments] == [b"in a file"] * 2
    assert mail.text.startswith("Text.")
    assert mail.content_type == "multipart/mixed"


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=100))
def test_what_was_in_the_mail_stays_octet_for_octet(body: bytes) -> None:
    body = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    head = b"From: a@example.org\r\nContent-Type: application/octet-stream\r\n"
    mail = read(attach(head + b"\r\n" + body, [FILE]))
    assert mail.parts[1].source == body
    assert mail.parts[2].content == b"in a file"


def test_a_file_that_holds_the_boundary_does_not_break_the_mail() -> None:
    raw = HEADER.encode() + b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n\r\nHi\r\n--m--\r\n'
    file = b"Content-Type: text/plain; name=b.txt\r\nContent-Disposition: attachment\r\n\r\nx\r\n--m--\r\ny"
    mail = read(attach(raw, [file]))
    assert [one.content for one in mail.attachments] == [b"x\r\n--m--\r\ny"]
