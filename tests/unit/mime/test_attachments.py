"""What a mail carries: files, embedded messages, winmail.dat, uuencoded files; and the tree of its parts."""

from __future__ import annotations

import base64
import struct

import pytest

from mailproc.mime.attachments import safe_name
from mailproc.mime.limits import DEFAULT_LIMITS, Defects
from mailproc.mime.reader import read
from mailproc.mime.tnef import Tnef, read_tnef


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\anna\letter.doc", "letter.doc"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        (".hidden.", "hidden"),
        ("a" * 5000 + ".pdf", "a" * 196 + ".pdf"),
        ("..", ""),
        ("", ""),
    ],
)
def test_name_is_safe_to_show(name: str, shown: str) -> None:
    assert safe_name(name) == shown


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename=a.pdf", "a.pdf"),
        ('filename="a b.pdf"', "a b.pdf"),
        ("filename*=utf-8''%C3%A4.pdf", "ä.pdf"),
        ("filename*=utf-8''%C3%A4.pdf; filename=plain.pdf", "ä.pdf"),
        ("filename*0=one; filename*1=two.pdf", "onetwo.pdf"),
        ("filename*1=two.pdf; filename*0=one", "onetwo.pdf"),
        ("filename*0*=iso-8859-1'de'%E4; filename*1*=%F6; filename*2=\".pdf\"", "äö.pdf"),
        ('filename="=?utf-8?q?=C3=A4=2Epdf?="', "ä.pdf"),
        ("filename=größe.pdf", "größe.pdf"),
        ('filename="never ended', "never ended"),
        ("filename==", "="),
    ],
)
def test_name_is_read_as_senders_write_it(parameters: str, name: str) -> None:
    mail = read(
        f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameters}\r\n\r\nx".encode()
    )
    assert [file.name for file in mail.attachments] == [name]


def test_size_is_of_the_decoded_content() -> None:
    mail = read(b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n")
    assert [(file.size, file.content, file.text) for file in mail.attachments] == [(5, b"hello", "")]


def test_embedded_message_is_a_file_and_can_be_read() -> None:
    mail = read(
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner / one\r\nFrom: a@b.example\r\n\r\nhello\r\n"
    )
    assert [file.name for file in mail.attachments] == ["inner _ one.eml"]
    assert [(inner.subject, inner.text) for inner in mail.embedded] == [("inner / one", "hello")]
    assert mail.text == ""


def test_parts_stand_in_order_with_their_depth() -> None:
    mail = read(
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        b"--a\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n"
        b"--ab\r\n\r\none\r\n--ab\r\nContent-Type: text/html\r\n\r\ntwo\r\n--ab--\r\n"
        b"--a\r\nContent-Type: image/png; x=y\r\n\r\n\r\n--a--\r\n"
    )
    assert [(part.type, part.depth) for part in mail.parts] == [
        ("multipart/mixed", 0),
        ("multipart/alternative", 1),
        ("text/plain", 2),
        ("text/html", 2),
        ("image/png", 1),
    ]
    assert mail.parts[-1].parameters == {"x": "y"}
    assert mail.content_type == "multipart/mixed"


def test_part_without_an_end_ends_where_the_one_around_it_does() -> None:
    mail = read(
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--\r\n"
    )
    assert mail.text == "one\n\ntwo"
    assert mail.defects == ["multipart without an end"]


def test_boundary_that_is_missing_is_guessed() -> None:
    mail = read(b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\none\r\n--x--\r\n")
    assert mail.text == "one"


def test_message_in_a_digest_needs_no_type() -> None:
    mail = read(
        b"Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: inner\r\n\r\nx\r\n--a--\r\n"
    )
    assert [inner.subject for inner in mail.embedded] == ["inner"]


def test_uuencoded_file_is_taken_out_of_the_text() -> None:
    mail = read(b"\r\nBefore.\r\nbegin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\nAfter.\r\n")
    assert mail.text == "Before.\nAfter."
    assert [(file.name, file.type, file.text) for file in mail.attachments] == [
        ("a.txt", "text/plain", "hello")
    ]


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 6, len(value)) + value + b"\0\0"


def string_property(kind: int, name: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)


SIGNATURE = b"\x78\x9f\x3e\x22\x01\x00"


def test_tnef_brings_its_text_and_files() -> None:
    body = struct.pack("<I", 1) + string_property(0x1F, 0x1000, "Größe".encode("utf-16-le"))
    name = struct.pack("<I", 1) + string_property(0x1E, 0x3707, b"long name.txt\0")
    content = SIGNATURE + b"".join(
        [
            attribute(1, 0x9003, body),
            attribute(2, 0x9002, b""),
            attribute(2, 0x8010, b"LONGNA~1.TXT\0"),
            attribute(2, 0x800F, b"hello"),
            attribute(2, 0x9005, name),
        ]
    )
    assert read_tnef(content, DEFAULT_LIMITS, Defects()) == Tnef("Größe", "", (("long name.txt", b"hello"),))
    mail = read(
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(content)
    )
    assert mail.text == "Größe"
    assert [file.name for file in mail.attachments] == ["winmail.dat", "long name.txt"]


@pytest.mark.parametrize(
    "properties",
    [
        struct.pack("<I", 0xFFFFFFFF),  # so many properties
        struct.pack("<IHHI", 1, 0x1002, 1, 0xFFFFFFFF),  # so many values
        struct.pack("<IHHII", 1, 0x1E, 0x1000, 1, 0xFFFFFFFF),  # so long
        struct.pack("<IHH", 1, 0x7777, 1),  # of a type that is none
        b"",
    ],
)
def test_counts_of_a_tnef_are_not_believed(properties: bytes) -> None:
    defects = Defects()
    assert read_tnef(SIGNATURE + attribute(1, 0x9003, properties), DEFAULT_LIMITS, defects) == Tnef()
    assert defects.found == ["TNEF is broken: only its beginning was read"]
