"""Headers: found, unfolded, decoded; addresses, identifiers and dates as senders write them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.reader import Mail, read


def mail(head: str, encoding: str = "utf-8") -> Mail:
    return read(head.encode(encoding) + b"\r\n\r\nhello\r\n")


def test_first_of_several_headers_is_the_header_and_all_can_be_had() -> None:
    read_one = mail("X-A: one\r\nx-a: two\r\nX-B: three")
    assert read_one.header("X-a") == "one"
    assert read_one.headers("x-A") == ("one", "two")
    assert read_one.header_names == ("x-a", "x-a", "x-b")
    assert read_one.has("X-B")
    assert not read_one.has("x-c")
    assert read_one.header("x-c") == ""


_PIECES = [
    b"A",
    b"b-C",
    b":",
    b": ",
    b" ",
    b"\t",
    b"\r\n",
    b"\n",
    b"\r",
    b"X: y\r\n",
    b"From: a\r\n\tb\r\n",
    b"\xc3\xa4",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join))
def test_a_header_is_read_alike_in_both_ways(head: bytes) -> None:
    """NUL in it makes the reader look at each line, where it reads a plain header in a few steps."""
    plain, looked_at = (read(head + end + b"\r\n\r\nhello\r\n") for end in (b"", b"\r\nX-Slow: \0"))
    names = tuple(name for name in looked_at.header_names if name != "x-slow")
    assert plain.header_names == names
    assert [plain.raw_headers(name) for name in names] == [looked_at.raw_headers(name) for name in names]
    if "x-slow" in looked_at.header_names:
        assert plain.text == looked_at.text


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(min_value=datetime(1971, 1, 2), max_value=datetime(2090, 12, 30)),
    st.sampled_from(["+0000", "-0000", "+0530", "-0800", "+1345"]),
    st.sampled_from(["", " (CET)"]),
)
def test_a_date_is_read_as_the_library_reads_it(moment: datetime, zone: str, comment: str) -> None:
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
        moment.month - 1
    ]
    text = f"Sat, {moment.day:02} {month} {moment:%Y %H:%M:%S} {zone}"
    expected = parsedate_to_datetime(text)
    expected = expected if expected.tzinfo else expected.replace(tzinfo=UTC)
    assert mail(f"Date: {text}{comment}").date == expected.timestamp()


@pytest.mark.parametrize("text", ["Sat, 31 Feb 2026 10:00:00 +0000", "Sat, 0 Jan 2026 10:00:00 +0000"])
def test_a_day_that_there_is_not_is_no_date(text: str) -> None:
    assert mail(f"Date: {text}").date is None


def test_raw_header_is_unfolded_and_not_decoded() -> None:
    assert mail("X-A: one\r\n\t=?utf-8?q?=C3=A4?=").raw_header("x-a") == "one =?utf-8?q?=C3=A4?="


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?J=C3=BCrgen_Gro=C3=9F?=", "Jürgen Groß"),
        ("=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen"),
        ("=?utf-8?B?SsO8cmdlbg?=", "Jürgen"),  # padding forgotten
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),  # a letter cut in two
        ("=?utf-8?q?a?= and =?utf-8?q?b?=", "a and b"),
        ("=?iso-8859-1*de?Q?gr=FCn?=", "grün"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?utf-8?Q?with spaces inside?=", "with spaces inside"),
        ("=?utf-8?Q?really?_yes?=", "really? yes"),
        ("Fwd:=?utf-8?q?_glued?=to words", "Fwd: gluedto words"),
        ("=?nonsense?q?ok?=", "ok"),
        ("=?utf-8?x?no?=", "=?utf-8?x?no?="),
        ("=?utf-8?q?never ended", "=?utf-8?q?never ended"),
        ("a\r\n  b", "a b"),
        ("tabs\tand\x0bother", "tabs and other"),
        ("left\u202eright", "leftright"),
    ],
)
def test_subject_is_decoded(raw: str, text: str) -> None:
    assert mail(f"Subject: {raw}").subject == text


def test_raw_utf8_header_is_read() -> None:
    assert mail("Subject: größer").subject == "größer"


def test_raw_latin1_header_is_detected() -> None:
    assert mail("Subject: Rückfrage zur größeren Lieferung nach Köln", "latin-1").subject == (
        "Rückfrage zur größeren Lieferung nach Köln"
    )


@pytest.mark.parametrize(
    ("raw", "mailboxes"),
    [
        ("a@b.example", [("", "a@b.example")]),
        ("<a@b.example>", [("", "a@b.example")]),
        ("Anna Berg <a@B.Example>", [("Anna Berg", "a@b.example")]),
        ('"Berg, Anna" <a@b.example>, c@d.example', [("Berg, Anna", "a@b.example"), ("", "c@d.example")]),
        (r'"a \"b\" c" <a@b.example>', [('a "b" c', "a@b.example")]),
        ("a@b.example (Anna (of) Berg)", [("Anna (of) Berg", "a@b.example")]),
        ("Team: a@b.example, C <c@d.example>;, e@f.example",
         [("", "a@b.example"), ("C", "c@d.example"), ("", "e@f.example")]),
        ("undisclosed-recipients:;", []),
        ("=?utf-8?q?J=C3=BCrgen?= <a@b.example>", [("Jürgen", "a@b.example")]),
        ('"=?utf-8?q?J=C3=BCrgen?=" <a@b.example>', [("Jürgen", "a@b.example")]),
        ("=?utf-8?q?J=C3=BCrgen_=3Ca=40b=2Eexample=3E?=", [("Jürgen", "a@b.example")]),
        ("Anna a@b.example", [("Anna", "a@b.example")]),
        ("A <a@b.example> B <c@d.example>", [("A", "a@b.example"), ("B", "c@d.example")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("<@relay.example,@other.example:a@b.example>", [("", "a@b.example")]),
        ("mailto:a@b.example", [("", "a@b.example")]),
        ("a @ b.example", [("", "a@b.example")]),
        ("<a@b.example", [("", "a@b.example")]),
        ("a..b@docomo.example", [("", '"a..b"@docomo.example')]),
        ('"odd local"@b.example', [("", '"odd local"@b.example')]),
        ("jürgen@büro.example", [("", "jürgen@büro.example")]),
        ("'Anna' <a@b.example>", [("Anna", "a@b.example")]),
        ("support@bank.example <evil@e.example>", [("support@bank.example", "evil@e.example")]),
        ("MAILER-DAEMON", []),
        ("", []),
        ('"', []),
        ("<>", []),
        ("@", []),
    ],
)  # fmt: skip
def test_address_header_is_read_leniently(raw: str, mailboxes: list[tuple[str, str]]) -> None:
    found = [(mailbox.name, str(mailbox.address)) for mailbox in mail(f"To: {raw}").to]
    assert found == mailboxes


def test_reply_to_is_the_customer_and_from_otherwise() -> None:
    asked = mail("From: form@site.example\r\nReply-To: Anna <a@b.example>").customer
    assert asked is not None
    assert str(asked.address) == "a@b.example"
    plain = mail("From: Anna <a@b.example>, c@d.example").customer
    assert plain is not None
    assert str(plain.address) == "a@b.example"


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        ("<a@b>", ("<a@b>",)),
        ("<a@b> <c@d>", ("<a@b>", "<c@d>")),
        ("<a@b><c@d>", ("<a@b>", "<c@d>")),
        ("<a@b>,<c@d>,<a@b>", ("<a@b>", "<c@d>")),
        ("a@b c@d", ("<a@b>", "<c@d>")),
        ("<abc\r\n def@b>", ("<abcdef@b>",)),
        ('Your message of "Monday" <a@b>', ("<a@b>",)),
        ("Message from x@y of Monday <a@b>", ("<a@b>",)),
        ("<no-at-sign>", ("<no-at-sign>",)),
        ("<> < >", ()),
        ("nothing here", ()),
    ],
)
def test_references_are_read_leniently(raw: str, ids: tuple[str, ...]) -> None:
    assert mail(f"References: {raw}").references == ids
    assert mail(f"In-Reply-To: {raw}").in_reply_to == ids


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("<a@b>", "<a@b>"),
        ("a@b", "<a@b>"),
        ("bare", "<bare>"),
        ("two words", ""),
        ("", ""),
        ("<a@b> junk", "<a@b>"),
    ],
)
def test_message_id_has_its_brackets(raw: str, found: str) -> None:
    assert mail(f"Message-ID: {raw}").message_id == found


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("Sat, 21 Nov 2026 10:15:00 +0100", 1795252500.0),
        ("21 Nov 2026 09:15 GMT", 1795252500.0),
        ("Sat, 21 Nov 2026 10:15:00 +0100 (CET)", 1795252500.0),
        ("Sat, 21 Nov 26 09:15:00 -0000", 1795252500.0),
        ("2026-11-21T09:15:00Z", 1795252500.0),
        ("Thu, 31 Feb 2026 10:00:00 +0000", None),
        ("yesterday", None),
        ("Mon, 1 Jan 1901 00:00:00 +0000", None),
        ("Mon, 99 Jan 99999 99:99:99 +9999", None),
        ("", None),
    ],
)
def test_date_is_seconds_or_nothing(raw: str, seconds: float | None) -> None:
    assert mail(f"Date: {raw}").date == seconds


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_any_line_end_will_do(end: str) -> None:
    found = read(f"From: a@b.example{end}Subject: one{end} two{end}{end}hello{end}world{end}".encode())
    assert (found.subject, found.text) == ("one two", "hello\nworld")


def test_bare_cr_does_not_begin_a_header_in_a_mail_with_line_feeds() -> None:
    found = read(b"Subject: one\rBcc: two\r\n\r\nhello\r\n")
    assert found.header_names == ("subject",)
    assert found.subject == "one Bcc: two"


def test_headers_end_where_a_line_is_none() -> None:
    found = read(b"Subject: invoice\nnow the text begins\nTo: nobody@b.example\n")
    assert found.text == "now the text begins\nTo: nobody@b.example"
    assert found.to == ()
    assert found.defects == ["no blank line between headers and text"]


def test_a_mail_may_begin_with_its_text() -> None:
    assert read(b"\r\nFrom: a@b.example\r\n").text == "From: a@b.example"
    assert read(b"").text == ""


@pytest.mark.parametrize("charset", ["utf-16-be", "utf-16-le", "utf-32-be", "cp037", "cp500", "cp273"])
def test_trace_headers_are_read_without_guessing_a_charset(charset: str) -> None:
    """What no MTA recognises as the name of our host must not become it here."""
    value = "mail.example.org; dmarc=pass header.from=example.com (long enough to be guessed, é)"
    raw = b"Authentication-Results:" + value.encode(charset) + b"\r\n\r\n"
    (found,) = read(raw).raw_headers("authentication-results")
    assert "mail.example.org" not in found
