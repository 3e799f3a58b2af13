"""The plainest marks of mail that wants no automatic answer (RFC 3834 section 2)."""

from __future__ import annotations

import re

from mailproc.mime.reader import Mail

_SUPPRESS = re.compile(r"\b(?:all|oof|autoreply)\b", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "x-loop", "x-mailproc-loop", "feedback-id")


def wants_no_answer(mail: Mail) -> str:
    """Which mark its header has, in a few words; "" for none."""
    if _SUPPRESS.search(mail.header("x-auto-response-suppress")[:1000]):
        return "X-Auto-Response-Suppress asks for no answer"
    if mail.header("auto-submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "Auto-Submitted says that no person wrote it"
    if mail.header("precedence").strip().lower() in _BULK:
        return "Precedence says that it is bulk mail"
    return next((f"{name.title()} stands in it" for name in _LIST_HEADERS if mail.has(name)), "")
