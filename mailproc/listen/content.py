"""The octets of a mail as they come after 354 (RFC 5321 sections 4.1.1.4 and 4.5.2).

The mail ends at CRLF.CRLF and nowhere else: a bare CR or LF is an octet like any other, so
nobody can hide a second mail in the first.  Blocks of any size may be fed, cut anywhere.  What is
refused is still read to its end, so that the session stays in step, but no longer kept.
"""

from __future__ import annotations

from io import BytesIO

from mailproc.model.reply import TOO_LARGE, Reply

_END = b"\r\n.\r\n"
_STUFFED = b"\r\n."
_LINE_END = b"\r\n"


class Content:
    """One mail while it is read; ``size`` is in octets, without stuffed dots and the final dot."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self.refusal: Reply | None = None
        self._limit = limit
        self._kept = BytesIO()  # getvalue() hands out its buffer: a mail lies in memory once
        # The end of the DATA line is the CRLF before the first line.
        self._undecided = _LINE_END
        self._at_start = True

    def feed(self, block: bytes) -> bytes | None:
        """Take a block; what follows the mail in it (perhaps b"") at its end, None before."""
        window = self._undecided + block
        dot = window.find(_STUFFED)
        end = dot if dot < 0 or window.startswith(_END, dot) else window.find(_END, dot)
        if end >= 0:
            self._keep(window[: end + len(_LINE_END)], stuffed=dot < end)
            return window[end + len(_END) :]
        # A CR so near the end may begin a stuffed dot or the end of the mail.
        cut = window.find(b"\r", max(0, len(window) - len(_END) + 1))
        if cut < 0:
            cut = len(window)
        self._keep(window[:cut], stuffed=dot >= 0)
        self._undecided = window[cut:]
        return None

    def refuse(self, reply: Reply) -> None:
        """Keep nothing of this mail; it will be answered with ``reply``."""
        self.refusal = reply
        self._kept = BytesIO()

    def octets(self) -> bytes:
        return self._kept.getvalue()

    def _keep(self, piece: bytes, *, stuffed: bool) -> None:
        if not piece:
            return
        if stuffed:
            piece = piece.replace(_STUFFED, _LINE_END)
        if self._at_start:
            self._at_start = False
            piece = piece[len(_LINE_END) :]
        self.size += len(piece)
        if self.refusal is not None:
            return
        if self._limit and self.size > self._limit:
            self.refuse(TOO_LARGE)
        else:
            self._kept.write(piece)


def has_bare_newline(octets: bytes) -> bool:
    """Whether a CR or LF stands alone (RFC 5321 section 2.3.8)."""
    pairs = octets.count(_LINE_END)
    return octets.count(b"\n") != pairs or octets.count(b"\r") != pairs
