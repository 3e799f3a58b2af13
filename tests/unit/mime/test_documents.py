"""Texts of attached documents: what is read, and what a hostile one can do."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.attached import AttachedText, attached_texts
from mailproc.mime.attachments import Attachment
from mailproc.mime.document_child import read_all
from mailproc.mime.document_kinds import MOST_TEXT, kind_of
from mailproc.mime.documents import Unreadable, text_of
from mailproc.mime.limits import DEFAULT_LIMITS, Defects
from mailproc.mime.reader import read

KINDS = ("pdf", "docx", "pptx", "xlsx", "odf", "html", "ics", "mail", "zip", "tar")
WORD = '<w:document xmlns:w="w"><w:body>{}</w:body></w:document>'


def packed(**members: str) -> bytes:
    """A zip file; ``__`` in a name stands for a slash, ``_`` for a point."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return content.getvalue()


LETTER = "<w:p><w:r><w:t>Invoice 4711</w:t></w:r></w:p><w:p><w:r><w:t>Total</w:t></w:r></w:p>"


def docx(text: str = LETTER) -> bytes:
    return packed(word__document_xml=WORD.format(text))


def xlsx() -> bytes:
    return packed(
        xl__sharedStrings_xml="<sst><si><t>Article</t></si>"
        "<si><r><t>Blue </t></r><r><t>chair</t></r></si></sst>",
        xl__worksheets__sheet1_xml="<worksheet><c t='inlineStr'><is><t>inline</t></is></c>"
        "<c><v>1</v></c></worksheet>",
    )


def odt() -> bytes:
    return packed(
        content_xml="<office:text xmlns:office='o' xmlns:text='t'><text:h>Offer</text:h>"
        "<text:p>two<text:s/>words</text:p></office:text>"
    )


def pptx() -> bytes:
    return packed(ppt__slides__slide1_xml="<p xmlns:a='a'><a:p><a:r><a:t>First slide</a:t></a:r></a:p></p>")


def pdf(text: str = "Dunning letter 12") -> bytes:
    """The smallest PDF that shows a line."""
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}xref\n0 6\n0000000000 65535 f \n{table}{end}".encode()


def tar(mode: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo("../../etc/passwd"))
        archive.addfile(tarfile.TarInfo("report.txt"))
    return content.getvalue()


ICS = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Visit\\, second\r\n"
    b"DTSTART;TZID=Europe/Berlin:20261224T090000\r\nDTEND:20261224T100000Z\r\nORGANIZER:mailto:ann@example.com\r\n"
    b"DESCRIPTION:Bring\\n the con\r\n tract\r\nBEGIN:VALARM\r\nDESCRIPTION:alarm\r\nEND:VALARM\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)
CASES: list[tuple[str, Callable[[], bytes], str]] = [
    ("docx", docx, "Invoice 4711\nTotal"),
    ("xlsx", xlsx, "Article\nBlue chair\ninline"),
    ("odf", odt, "Offer\ntwo words"),
    ("pptx", pptx, "First slide"),
    ("pdf", pdf, "Dunning letter 12"),
    ("html", lambda: b"<p>Caf\xc3\xa9 <b>bill</b></p><script>x()</script>", "Café bill"),
    ("mail", lambda: b"Subject: Inner\r\n\r\nwords inside\r\n", "Inner\n\nwords inside"),
    ("zip", lambda: packed(a_txt="", b__c_pdf=""), "a.txt\nb/c.pdf"),
    ("tar", lambda: tar("w"), "../../etc/passwd\nreport.txt"),
    ("tar", lambda: tar("w:gz"), "../../etc/passwd\nreport.txt"),
]


@pytest.mark.parametrize(("kind", "content", "text"), CASES, ids=[case[0] for case in CASES])
def test_the_text_is_read(kind: str, content: Callable[[], bytes], text: str) -> None:
    assert text_of(kind, content()) == text


def test_an_invitation_says_what_when_and_who() -> None:
    assert text_of("ics", ICS).splitlines() == [
        "Method: REQUEST",
        "",
        "Summary: Visit, second",
        "Start: 2026-12-24 09:00 Europe/Berlin",
        "End: 2026-12-24 10:00 UTC",
        "Organizer: ann@example.com",
        "Description: Bring",
        " the contract",
    ]


def test_xml_with_a_document_type_is_refused() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><w:t>&b;</w:t>'
    with pytest.raises(Unreadable, match="document type"):
        text_of("docx", packed(word__document_xml=laughs))


def test_what_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(Unreadable, match="unpacks to more"):
        text_of("docx", docx("<w:t>" + " " * 17_000_000 + "</w:t>"))


def test_a_text_is_cut_at_the_limit() -> None:
    assert len(text_of("docx", docx("<w:t>" + "word " * 100_000 + "</w:t>"))) <= MOST_TEXT


@pytest.mark.parametrize(
    ("media_type", "name", "kind"),
    [
        ("application/pdf", "", "pdf"),
        ("application/octet-stream", "Offer.DOCX", "docx"),
        ("application/octet-stream", "logs.tar.gz", "tar"),
        ("application/gzip", "logs.tgz", "tar"),
        ("application/gzip", "dump.gz", ""),
        ("image/png", "strange.pdf", ""),
        ("text/plain", "notes.txt", ""),
    ],
)
def test_the_kind_is_known_by_type_or_name(media_type: str, name: str, kind: str) -> None:
    assert kind_of(media_type, name) == kind


@given(st.sampled_from(KINDS), st.binary(max_size=400))
@settings(deadline=None, max_examples=60)
def test_rubbish_has_no_text_and_harms_nobody(kind: str, content: bytes) -> None:
    ((text, _),) = msgspec.msgpack.decode(
        read_all(msgspec.msgpack.encode([(kind, content)])), type=list[tuple[str, str]]
    )
    assert len(text) <= MOST_TEXT


@given(st.sampled_from(CASES), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_damage_has_some_text_or_none(
    case: tuple[str, Callable[[], bytes], str], place: int, damage: bytes
) -> None:
    content = case[1]()
    place %= len(content)
    broken = content[:place] + damage + content[place + len(damage) :]
    answer = read_all(msgspec.msgpack.encode([(case[0], broken)]))
    assert len(msgspec.msgpack.decode(answer)) == 1


# In the child


def attachment(name: str, media_type: str, content: bytes) -> Attachment:
    return Attachment(name, media_type, content, "", DEFAULT_LIMITS, Defects())


async def test_all_documents_of_a_mail_are_read_in_a_child() -> None:
    texts = await attached_texts(
        [
            attachment("a.txt", "text/plain", b"plain"),
            attachment("b.docx", "application/octet-stream", docx()),
            attachment("c.png", "image/png", b"\x89PNG"),
            attachment("d.pdf", "application/pdf", pdf()),
            attachment("e.xlsx", "application/octet-stream", b"no zip"),
        ]
    )
    assert texts == (
        AttachedText("plain"),
        AttachedText("Invoice 4711\nTotal"),
        AttachedText(""),
        AttachedText("Dunning letter 12"),
        AttachedText("", "BadZipFile"),
    )


async def test_no_time_no_text() -> None:
    (found,) = await attached_texts([attachment("d.pdf", "application/pdf", pdf())], seconds=0.001)
    assert found.text == ""
    assert "no result within" in found.defect


async def test_too_many_documents_are_not_all_read() -> None:
    texts = await attached_texts([attachment("m.zip", "application/zip", packed(a_txt=""))] * 25)
    assert [each.text for each in texts].count("a.txt") == 20
    assert texts[-1].defect == "too large, or one of too many"


async def test_an_attached_mail_is_read() -> None:
    mail = read(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: Inner\r\n\r\nwords inside\r\n--b--\r\n"
    )
    assert [each.text for each in await attached_texts(mail.attachments)] == ["Inner\n\nwords inside"]
