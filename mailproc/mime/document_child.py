"""The child process that reads documents: ``python -m mailproc.mime.document_child``, started by
mime/attached.py.

In: MessagePack, a list of [kind, content]. Out: a list of [text, why it could not be read or ""].
"""

from __future__ import annotations

import sys

import msgspec

from mailproc.child import confine
from mailproc.mime.documents import Unreadable, text_of

CPU = 10  # seconds
MEMORY = 1024 * 1024 * 1024  # bytes; the PDF library maps much more than it uses


def read_all(request: bytes) -> bytes:
    """The answer to a request."""
    found = [
        _read(kind, content)
        for kind, content in msgspec.msgpack.decode(request, type=list[tuple[str, bytes]])
    ]
    return msgspec.msgpack.encode(found)


def _read(kind: str, content: bytes) -> tuple[str, str]:
    try:
        return text_of(kind, content), ""
    except Unreadable as why:
        return "", str(why)
    except Exception as error:  # whatever a broken document makes the libraries raise
        return "", type(error).__name__


if __name__ == "__main__":
    confine(cpu=CPU, memory=MEMORY)
    sys.stdout.buffer.write(read_all(sys.stdin.buffer.read()))
