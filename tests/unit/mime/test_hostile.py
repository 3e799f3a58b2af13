"""No mail raises, hangs or fills the memory, whatever its sender tried: times stand in docs/reference."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.limits import DEFAULT_LIMITS, MAX_DEFECTS
from mailproc.mime.reader import Mail, read
from tests.unit.mime.hostile import HEAD, mails

ROOT = Path(__file__).parents[3]
CPU_SECONDS = 60  # for all of them; each is promised within 2 s, and they are about 80
MEMORY = 1_500_000_000  # bytes

READ_ALL = """
from bench.read_corpus import read_whole
from tests.unit.mime.hostile import mails
for name, raw in mails():
    read_whole(raw)
    print(name, flush=True)
"""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.slow
def test_every_hostile_mail_is_read_within_processor_and_memory_limits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=_limit,
        check=False,
    )
    assert done.returncode == 0, f"after {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"
    assert len(done.stdout.splitlines()) == sum(1 for _ in mails())


def _read_everything(mail: Mail) -> None:
    for name in (
        "subject",
        "author",
        "reply_to",
        "customer",
        "sender_header",
        "to",
        "cc",
        "date",
        "message_id",
    ):
        getattr(mail, name)
    for name in ("in_reply_to", "references", "content_type", "html", "text", "embedded", "header_names"):
        getattr(mail, name)
    for file in mail.attachments:
        assert file.size == len(file.content)
        assert len(file.text) <= DEFAULT_LIMITS.attachment_text
    assert len(mail.defects) <= MAX_DEFECTS


_SYNTAX = rb"""
From:|To:|Subject:|Message-ID:|References:|Date:|Content-Type: multipart/mixed; boundary=b
Content-Type: text/html|Content-Type: message/rfc822|Content-Type: multipart/alternative; boundary=c
Content-Type: application/ms-tnef|Content-Transfer-Encoding: base64
Content-Transfer-Encoding: quoted-printable|; charset=utf-7|; format=flowed
; delsp=yes|; name*0*=utf-8''%C3|; name*1=x|--b|--b--|--c|--c--|=?utf-8?q?=C3?=|=?utf-8?b?|?=
<a@b.de>|<|>|"|(|)|,|:|;
begin 644 a|end|#86)C|<p>|<blockquote>|</div>|&amp;|> |-- |wrote:|+2AA-
"""
_PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\\", b"\x78\x9f\x3e\x22\x01\x00", b"\x00", b"\xff\xfe"),
        *(b"\xc3\xa4", b"\xe4", b"\x1b$B"),
        *_SYNTAX.strip().replace(b"\n", b"|").split(b"|"),
    ]
)


@settings(deadline=None)  # a machine may be busy, and the first mail with words loads a model
@given(st.lists(_PIECES | st.binary(max_size=12), max_size=40).map(b"".join))
def test_no_mix_of_mail_syntax_raises(raw: bytes) -> None:
    mail = read(raw)
    _read_everything(mail)
    assert mail.raw == raw
    # What is printed as JSON must be text that can be written.
    "".join((mail.subject, mail.text, mail.html, *(file.name for file in mail.attachments))).encode()


@given(st.binary(max_size=400))
def test_no_header_brings_a_line_end_or_another_control(value: bytes) -> None:
    mail = read(
        b"Subject: " + value.replace(b"\n", b"\n ") + b"\r\nFrom: " + value.replace(b"\n", b" ") + b"\r\n\r\n"
    )
    for text in (mail.subject, mail.author.name if mail.author else ""):
        assert not any(
            ord(letter) < 32 or 127 <= ord(letter) < 160 or letter in "\u2028\u202e" for letter in text
        )


def test_encoded_line_end_in_a_name_stays_on_one_line() -> None:
    author = read(b"From: =?utf-8?q?a=0D=0ABcc:_e?= <a@b.example>\r\n\r\n").author
    assert author is not None
    assert author.name == "a Bcc: e"


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("nesting 5000", "nested too deep"),
        ("parts 20000", "too many parts"),
        ("rfc822 nested 3000", "messages are nested too deep"),
        ("header of 10 MB", "header block is too large"),
        ("headers 100000", "header block is too large"),
        ("encoded words 20000", "too many encoded words"),
        ("parameters 10000", "too many parameters"),
        ("to 20000", "too many addresses"),
        ("references 50000", "too many message ids"),
        ("message id of 100 kB", "message id is empty or too long"),
        ("date of 5000 digits", "unreadable Date"),
        ("div 100000", "HTML is nested too deep"),
        ("html of 10 MB", "HTML is too large"),
        ("text of 20 MB", "text is too large"),
        ("unknown charset", "unknown charset"),
        ("unknown transfer encoding", "unknown transfer encoding"),
        ("tnef of rubbish", "TNEF is broken"),
        ("absent boundary", "multipart without"),
    ],
)
def test_what_lies_over_a_limit_is_noted(name: str, defect: str) -> None:
    mail = read(next(raw for found, raw in mails() if found == name))
    _read_everything(mail)
    inner = mail.embedded
    while inner:
        mail.defects.extend(inner[0].defects)
        inner = inner[0].embedded
        mail.defects.extend(inner[0].defects if inner else ["messages are nested too deep"])
    assert any(defect in found for found in mail.defects), mail.defects


def test_text_after_a_huge_header_is_still_read() -> None:
    mail = read(HEAD + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\nhello\r\n")
    assert (mail.subject, mail.text) == ("x", "hello")


def test_an_archive_is_listed_and_never_opened() -> None:
    mail = read(next(raw for found, raw in mails() if found == "zip bomb"))
    assert [(file.name, file.type, file.text) for file in mail.attachments] == [
        ("a.zip", "application/zip", "")
    ]
    assert mail.attachments[0].size < 100_000


def test_a_charset_name_is_never_given_to_the_codec_registry() -> None:
    before = set(sys.modules)
    mail = read(b"Content-Type: text/plain; charset=../../evil.module\r\n\r\n\xe4")
    assert mail.text
    assert not any(name.startswith("encodings.") and "evil" in name for name in set(sys.modules) - before)
