"""Mails as the agents' clients build them, of any text: plain and HTML, in each charset and encoding."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from html import escape

HEADER = (
    "From: Alice <alice@example.org>\r\nTo: support@example.org\r\nSubject: Re: x\r\n"
    "Message-ID: <agents@example.org>\r\nMIME-Version: 1.0\r\n"
)


def part(kind: str, text: str, charset: str, encoding: str) -> bytes:
    """One entity; ``text`` has LF line ends and can be said in the charset."""
    content = text.replace("\n", "\r\n").encode(charset)
    encoded = {
        "8bit": lambda: content,
        "base64": lambda: base64.encodebytes(content).replace(b"\n", b"\r\n"),
        "quoted-printable": lambda: b"\r\n".join(
            binascii.b2a_qp(line, istext=False).replace(b"\n", b"\r\n") for line in content.split(b"\r\n")
        ),
    }[encoding]()
    head = f"Content-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + encoded


def plain(text: str, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    return HEADER.encode() + part("text/plain", text, charset, encoding)


def both(text: str, html: str, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    """multipart/alternative."""
    entities = (part("text/plain", text, charset, encoding), part("text/html", html, charset, encoding))
    body = b"".join(b"--b=_b\r\n" + entity + b"\r\n" for entity in entities) + b"--b=_b--\r\n"
    return HEADER.encode() + b'Content-Type: multipart/alternative; boundary="b=_b"\r\n\r\n' + body


def paragraphs(lines: Sequence[str]) -> str:
    """As Outlook writes."""
    inner = "".join(f"<p class=MsoNormal>{escape(line) or '&nbsp;'}<o:p></o:p></p>" for line in lines)
    head = "<html><head><style>p {margin:0}</style></head>"
    return f"{head}<body><div class=WordSection1>{inner}</div></body></html>"


def divs(lines: Sequence[str]) -> str:
    """As Gmail writes: the first line bare, each other one in a div."""
    first, *rest = [escape(line) or "<br>" for line in lines]
    return f'<div dir="ltr">{first}' + "".join(f"<div>{line}</div>" for line in rest) + "</div>"


def breaks(lines: Sequence[str]) -> str:
    """As Apple Mail and K-9 write."""
    return "<html><body>" + "<br>".join(map(escape, lines)) + "<br></body></html>"


STYLES: dict[str, Callable[[Sequence[str]], str]] = {"outlook": paragraphs, "gmail": divs, "apple": breaks}
