"""All tokens of a mail: what each part of it gives away, and the bounds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.tokens_mail import MOST, MOST_CLUES, mail_tokens

HEAD = b"From: Ann Ox <ann.ox7@mail.shop.example.com>\r\nTo: support@example.org\r\n"


def tokens(head: str = "", body: str = "", kind: str = "text/plain") -> frozenset[str]:
    raw = f"{head}Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    return mail_tokens(read(raw.encode()))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Subject: Cheap pills!!\r\n", {"subject:cheap", "subject:cheap pills", "subject:mark !!"}),
        ("Subject: =?iso-8859-1?q?Gr=FCn?=\r\n", {"subject:grün", "subject:charset iso-8859-1"}),
        ("Subject: FREE NOW\r\n", {"subject:upper", "subject:mark CAPS"}),
        ("", {"subject:none", "header:no subject", "from:none", "to:0", "id:none", "date:no zone"}),
        (
            "From: Ann Ox <ann.ox7@mail.shop.example>\r\n",
            {"from:@shop.example", "from:@example", "from:local ann.ox9", "from:name ox"},
        ),
        ("From: a@b.example\r\nReply-To: c@d.example\r\n", {"reply:other", "reply:@d.example"}),
        ("From: a@b.example\r\nTo: a@b.example\r\n", {"to:author", "to:1", "to:no name"}),
        ("From: a@b.example\r\nMessage-ID: <1@mx.b.example>\r\n", {"id:own", "id:form <9"}),
        ('From: "pay@bank.example" <a@b.example>\r\n', {"from:name is address"}),
        ("X-Mailer: Blaster 4.2\r\n", {"mailer:blaster 9.9", "mailer:blaster", "header:x-mailer"}),
        ("Date: Sat, 21 Nov 2026 10:00:00 +0900\r\n", {"date:+0900"}),
        ("In-Reply-To: <1@x>\r\n", {"answer:yes"}),
        (
            "Received: from pc7 (unknown [192.0.2.7])\r\n\tby mx.example.org; Sat, 21 Nov 2026\r\n",
            {"received:1", "received:unknown host", "received:192.0.2", "received:192.0", "received:pc7"},
        ),
        (
            "Authentication-Results: mx.example.org; spf=fail x; dkim=pass\r\n",
            {"auth:spf=fail", "auth:dkim=pass", "auth:unsigned"},
        ),
    ],
)
def test_the_header_gives_tokens(head: str, expected: set[str]) -> None:
    assert expected - tokens(head) == set()


@pytest.mark.parametrize(
    "head",
    [
        "X-Spam-Status: Yes, score=9.9 tests=BAYES_99\r\n",
        "X-Mailproc-Spam: 0.99 spam\r\n",
        "X-Old-Mailproc-Spam: 0.99 spam\r\n",
        "X-Spamd-Result: default: True [9.9 / 15.0]\r\n",
        "X-Bogosity: Spam, tests=bogofilter, spamicity=1.0\r\n",
        "X-Virus-Scanned: clean\r\n",
    ],
)
def test_what_a_filter_said_is_not_learnt(head: str) -> None:
    """Else the classifier would learn from scores, its own among them."""
    assert tokens(head) == tokens()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://login.bank.example/update.php?x=1", {"url:bank.example", "url:https", "url:/update"}),
        ("see HTTP://192.0.2.7:8080/a%20b", {"url:address", "url:192.0.2.7", "url:port 8080", "url:escaped"}),
        ("http://bank.example@evil.example/", {"url:user", "url:evil.example"}),
        ("http://xn--bnk-sna.example/", {"url:punycode"}),
        ("write to me@mail.example", {"mail:@mail.example"}),
        ("EARN $500!!!", {"text:mark $", "text:mark !!!", "text:caps earn"}),
        ("fr\u200bee", {"text:invisible letters", "text:not ascii 1"}),
        ("", {"text:none", "text:size 0", "url:number 0", "mime:text/plain", "mime:charset utf-8"}),
    ],
)
def test_the_text_gives_tokens(text: str, expected: set[str]) -> None:
    assert expected - tokens(body=text) == set()


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://evil.example/">www.bank.example</a>', {"html:other target", "html:href https"}),
        ('<a href="https://www.bank.example/">bank.example</a>', {"html:href https", "url:bank.example"}),
        ('<p style="display: none">cheap</p>', {"html:hidden"}),
        ('<p style="font-size:0px">cheap</p>', {"html:hidden"}),
        ('<img src="https://t.example/p.gif" width="1" height=1>', {"html:pixel", "html:<img>"}),
        ('<form action="http://evil.example/x">', {"html:<form>", "html:action http"}),
        ('<font color="#FFFFFF">', {"html:color #ffffff", "html:<font>"}),
        ('<a href="mailto:x@y.example">', {"html:href mailto"}),
    ],
)
def test_html_gives_tokens(html: str, expected: set[str]) -> None:
    assert expected - tokens(body=html, kind="text/html") == set()


def test_a_link_that_shows_where_it_leads_is_no_trick() -> None:
    html = '<a href="https://www.bank.example/">bank.example</a>'
    assert "html:other target" not in tokens(body=html, kind="text/html")


def test_attached_files_and_the_shape_give_tokens() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=AB12\r\n\r\n--AB12\r\n"
        b"Content-Type: text/plain\r\n\r\nhi\r\n"
        b"--AB12\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="Invoice 7.zip"\r\n\r\nUEs=\r\n--AB12--\r\n'
    )
    found = mail_tokens(read(raw))
    assert {"file:.zip", "file:invoice", "mime:mixed plain zip", "mime:base64"} <= found


def test_words_of_the_text_hold_no_colon_and_other_tokens_do() -> None:
    """The classifier tells them apart by it."""
    found = tokens("Subject: a b\r\n", "x:y http://a.example/b c:d")
    assert {token for token in found if ":" not in token} <= {"http", "a.example", "mail"}


def test_a_stuffed_mail_has_a_bounded_number_of_tokens() -> None:
    words = " ".join(f"w{number} http://h{number}.example/p" for number in range(10_000))
    subject = "".join(f"\r\n s{number}" for number in range(900))
    found = tokens(f"Subject: x{subject}\r\n", words)
    assert len(found) <= MOST
    assert sum(":" in token for token in found) <= MOST_CLUES
    assert max(map(len, found)) <= 120


BOMBS = {
    "letters": b"a" * 300_000,
    "at signs": b"a@" * 100_000,
    "domains": b"@" + b"a." * 100_000,
    "schemes": b"http://" * 40_000,
    "marks": b"!" * 200_000,
    "anchors": b"<a href=http://x" * 20_000,
    "open tags": b"<a " * 80_000,
    "styles": b"<p style='display" + b" " * 200_000 + b"'>",
    "dollars": b"$9" * 100_000 + b"!",
    "entities": b"&#" * 100_000,
    "hyphens": b"a-" * 100_000 + b"!",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("kind", [b"text/plain", b"text/html"])
def test_no_mail_takes_long(name: str, kind: bytes) -> None:
    """Attack A10: patterns over hostile text take linear time."""
    raw = b"Subject: " + BOMBS[name][:60_000] + b"\r\nContent-Type: " + kind + b"\r\n\r\n" + BOMBS[name]
    before = time.process_time()
    found = mail_tokens(read(raw))
    assert len(found) <= MOST
    assert time.process_time() - before < 2.0


@pytest.mark.parametrize(
    "field", [b"Received", b"Date", b"Message-ID", b"X-Mailer", b"Authentication-Results", b"From", b"To"]
)
def test_no_header_takes_long(field: bytes) -> None:
    for piece in (b"from ", b"a@b.example, ", b"spf=", b"1.", b"(", b"9" * 7, b"+0", b"=?x?q?"):
        raw = field + b": " + piece * (60_000 // len(piece)) + b"\r\n\r\nx"
        before = time.process_time()
        mail_tokens(read(raw))
        assert time.process_time() - before < 2.0


@settings(deadline=None)  # a machine may be busy
@given(st.binary(max_size=500))
def test_any_bytes_have_tokens_that_can_be_stored(raw: bytes) -> None:
    for token in mail_tokens(read(raw)):
        assert token.encode("utf-8")
        assert "\0" not in token
        assert 0 < len(token) <= 120
