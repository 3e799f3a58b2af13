"""Mails made to hurt their reader, each by one means; also for ``bench/read_corpus.py --hostile``."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Iterator

HEAD = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <1@example.com>\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
END = b"\r\n\r\nhello\r\n"
TEXT = HEAD + b"Content-Type: text/plain"
TNEF = b"application/ms-tnef", b"winmail.dat"


def mails() -> Iterator[tuple[str, bytes]]:
    """(what it tries, the mail), made one by one: some are large."""
    for maker in (_structure, _headers, _addresses, _texts, _html, _attachments):
        yield from ((name.replace("_", " "), make()) for name, make in maker().items())


Makers = dict[str, Callable[[], bytes]]


def _nested(depth: int) -> bytes:
    head = "".join(
        f"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n" for i in range(depth)
    ).encode()
    return HEAD + head + b"Content-Type: text/plain\r\n\r\nhello\r\n"


def _multipart(parts: int, part: bytes = b"Content-Type: text/plain\r\n\r\nx\r\n") -> bytes:
    head = HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
    return head + (b"--B\r\n" + part) * parts + b"--B--\r\n"


def _structure() -> Makers:
    rfc822 = b"Content-Type: message/rfc822\r\n\r\n"
    return {
        "nesting_900": lambda: _nested(900),
        "nesting_5000": lambda: _nested(5000),
        "parts_20000": lambda: _multipart(20_000),
        "html_parts_5000": lambda: _multipart(5000, b"Content-Type: text/html\r\n\r\n<p>x</p>\r\n"),
        "rfc822_nested_3000": lambda: HEAD + rfc822 * 3000 + b"\r\nhello\r\n",
        "one_boundary_at_every_level": lambda: (
            HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
            + b"--B\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" * 2000
        ),
        "boundaries_that_overlap": lambda: (
            HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
            b"--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n"
            b"--ab\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--ab--\r\n--a--\r\n"
        ),
        "no_boundary": lambda: HEAD + b"Content-Type: multipart/mixed\r\n\r\n--B\r\n\r\nhello\r\n",
        "absent_boundary": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\nhello\r\n",
        "lines_that_are_almost_boundaries": lambda: (
            HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + b"--Bx\n" * 1_000_000
        ),
        "message_partial": lambda: (
            HEAD + b'Content-Type: message/partial; id="x@y"; number=2; total=3\r\n\r\nhello\r\n'
        ),
    }  # fmt: skip


def _headers() -> Makers:
    return {
        "header_of_10_MB": lambda: HEAD + b"X-Long: " + b"a" * 10_000_000 + END,
        "folded_header_of_5_MB": lambda: HEAD + b"X-Long: a" + b"\r\n b" * 1_000_000 + END,
        "headers_100000": lambda: HEAD + b"X-A: b\r\n" * 100_000 + b"\r\nhello\r\n",
        "subject_of_spaces": lambda: b"Subject: a" + b" " * 200_000 + b"b\r\n\r\nhello\r\n",
        "encoded_words_20000": lambda: b"Subject: " + b"=?utf-8?q?x?= " * 20_000 + END,
        "encoded_words_that_never_end": lambda: b"Subject: " + b"=?utf-8?q?" * 20_000 + END,
        "encoded_word_with_line_end": lambda: (
            b"From: =?utf-8?q?a=0D=0ABcc:_e?= <a@example.com>\r\nSubject: =?utf-8?q?a=0D=0ABcc:_e?=" + END
        ),
        "message_id_of_100_kB": lambda: b"Message-ID: <" + b"a." * 50_000 + b"@b>\r\n\r\nhello\r\n",
        "references_50000": lambda: b"References: " + b"<a@b>\r\n " * 50_000 + END,
        "parameters_10000": lambda: (
            TEXT + b"".join(b"; name*%d=x" % i for i in range(10_000)) + END
        ),
        "parameters_that_never_end": lambda: TEXT + b'; name="' + b'\\"' * 30_000 + b"\r\n\r\n",
        "parameter_of_semicolons": lambda: TEXT + b";" * 60_000 + END,
        "date_of_5000_digits": lambda: HEAD + b"Date: " + b"9" * 5000 + END,
        "only_nul": lambda: b"\0" * 100_000,
        "bare_cr_only": lambda: HEAD.replace(b"\r\n", b"\r") + b"\r" + b"hello\r" * 1000,
    }  # fmt: skip


def _addresses() -> Makers:
    return {
        "to_20000": lambda: b"To: " + b"a@example.com, " * 20_000 + END,
        "to_of_brackets": lambda: b"To: " + b"(" * 60_000 + END,
        "to_of_comments_that_close": lambda: b"To: " + b"(" * 30_000 + b")" * 30_000 + b" a@b.de" + END,
        "to_of_quotes_that_never_end": lambda: b'To: "' + b'\\"' * 30_000 + END,
        "to_of_angles": lambda: b"To: " + b"<" * 60_000 + END,
        "to_of_one_word": lambda: b"To: " + b"a" * 60_000 + END,
        "to_of_ats": lambda: b"To: " + b"@" * 60_000 + END,
        "to_of_groups": lambda: b"To: " + b"g:" * 30_000 + END,
        "from_of_routes": lambda: b"From: <" + b"@a," * 20_000 + b":b@c.de>\r\n\r\nhello\r\n",
        "from_of_loose_words": lambda: b"From: " + b"a@b.de " * 8000 + END,
    }


def _texts() -> Makers:
    plain = TEXT + b"; charset=utf-8\r\n"
    return {
        "text_of_20_MB": lambda: plain + b"\r\n" + b"hello world, how are you?\r\n" * 750_000,
        "one_line_of_5_MB": lambda: plain + b"\r\n" + b"a" * 5_000_000,
        "lines_of_colons": lambda: plain + b"\r\n" + b"a:\r\n" * 100_000,
        "lines_of_attributions": lambda: plain + b"\r\n" + b"On foo\r\n" * 20_000 + b"wrote:\r\n" * 20_000,
        "attributions_never_ended": lambda: (
            plain + b"\r\n" + b"On Mon, 1 Jan 2024 at 10:00, a@b.de\r\n" * 20_000
        ),
        "labels": lambda: plain + b"\r\n" + b"From: a\r\nx\r\ny\r\nz\r\n" * 10_000,
        "lines_of_stars": lambda: plain + b"\r\n" + b"*" * 30_000 + (b"\r\n" + b"*" * 300) * 1000,
        "lines_of_dashes": lambda: plain + (b"\r\n" + b"- " * 200 + b"-" * 200 + b"_" * 200 + b"x") * 500,
        "signatures": lambda: plain + b"\r\n" + b"Thanks\r\nvia mobile\r\n-- \r\n" * 10_000,
        "quotes_100000": lambda: plain + b"\r\n" + b">" * 100_000 + b" a\r\n" + b"> a\r\n\r\nb\r\n" * 20_000,
        "empty_lines": lambda: plain + b"\r\nOn 1.1.2024 10:00 a@b.de wrote:\r\n" + b"\r\n" * 500_000,
        "flowed": lambda: TEXT + b"; format=flowed\r\n\r\n" + b"a \r\n" * 200_000,
        "unknown_charset": lambda: TEXT + b"; charset=x-klingon\r\n\r\n\xe4\xf6\xfc",
        "charset_of_10_kB": lambda: TEXT + b"; charset=" + b"a" * 10_000 + b"\r\n\r\n\xe4",
        "charset_that_is_slow": lambda: TEXT + b"; charset=idna\r\n\r\n" + b"a.\xe4" * 100_000,
        "half_a_letter_in_utf_7": lambda: TEXT + b"; charset=utf-7\r\n\r\nhello +2AA-",
        "unknown_transfer_encoding": lambda: plain + b"Content-Transfer-Encoding: x-none\r\n\r\nhello\r\n",
        "base64_of_rubbish": lambda: (
            plain + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=a-" * 1_000_000
        ),
        "quoted_printable_of_rubbish": lambda: (
            plain + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n==" * 500_000
        ),
        "eight_bit_text_of_10_MB": lambda: HEAD + b"\r\n" + bytes(range(128, 256)) * 80_000,
        "uuencode_never_ended": lambda: plain + b"\r\n" + b"begin 644 a\r\n#86)C\r\n" * 50_000,
        "uuencoded_files_20000": lambda: plain + b"\r\n" + b"begin 644 a\r\n#86)C\r\n`\r\nend\r\n" * 20_000,
    }  # fmt: skip


def _html() -> Makers:
    return {
        "div_100000": lambda: HTML + b"<div>" * 100_000 + b"x",
        "unclosed_p_50000": lambda: HTML + b"<p>x" * 50_000,
        "unclosed_b_50000": lambda: HTML + b"<b>x" * 50_000,
        "misnested_formats": lambda: HTML + b"<a><b><i><p>" * 20_000,
        "table_in_table": lambda: HTML + b"<table><tr><td>" * 15_000 + b"x",
        "blockquotes": lambda: HTML + b"<blockquote>" * 20_000 + b"x",
        "list_items": lambda: HTML + b"<ul><li>" * 150 + b"x" * 1000 + b"<li>x" * 40_000,
        "less_than": lambda: HTML + b"<" * 250_000,
        "comments": lambda: HTML + b"<!--" * 60_000,
        "scripts": lambda: HTML + b"<script>" * 30_000,
        "entities": lambda: HTML + b"&#x1F600;&amp;&nosuch;" * 12_000,
        "attributes": lambda: HTML + b"<p " + b"a=b " * 60_000 + b">x</p>",
        "html_of_10_MB": lambda: HTML + b"<p>hello</p>\r\n" * 700_000,
        "spaces_in_html": lambda: HTML + b"<p>a" + b" &nbsp;" * 40_000 + b"b</p>",
        "links": lambda: HTML + b'<a href="http://a.example/">x</a>' * 8000,
    }


def _zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    return packed.getvalue()


def _attached(kind: bytes, name: bytes, content: bytes) -> bytes:
    head = b"Content-Type: " + kind + b'\r\nContent-Disposition: attachment; filename="' + name + b'"\r\n'
    return HEAD + head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content)


def _attachments() -> Makers:
    tnef = b"\x78\x9f\x3e\x22\x01\x00"
    return {
        "zip_bomb": lambda: _attached(b"application/zip", b"a.zip", _zip_bomb()),
        "attachment_of_20_MB": lambda: _attached(b"application/octet-stream", b"a", b"\0" * 20_000_000),
        "text_attachment_of_20_MB": lambda: _attached(b"text/csv", b"a.csv", b"a,b\r\n" * 4_000_000),
        "tnef_of_rubbish": lambda: _attached(*TNEF, tnef + b"\xff" * 500_000),
        "tnef_of_nothing": lambda: _attached(*TNEF, tnef + b"\0" * 5_000_000),
        "tnef_of_empty_attributes": lambda: _attached(
            *TNEF, tnef + b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00" * 200_000
        ),
        "name_of_a_path": lambda: _attached(b"text/plain", b"../../etc/passwd\0.txt", b"x"),
        "name_of_50_kB": lambda: _attached(b"text/plain", b"a" * 50_000 + b".pdf", b"x"),
        "name_of_100_kB": lambda: _attached(b"text/plain", b"a" * 100_000 + b".pdf", b"x"),
    }  # fmt: skip
