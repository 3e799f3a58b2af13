"""What a mail's topic is judged by: subject, new text, what is attached, and what filters said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailproc.mime.tokens import text_tokens

MOST_ATTACHED = 16_384  # characters of all attachments together: an annual report must not outweigh the mail


def judged_text(text: str, attached: Iterable[str]) -> str:
    """A mail's new text, with the beginning of what is attached."""
    more = "\n".join(each for each in attached if each)[:MOST_ATTACHED]
    return f"{text}\n{more}" if more else text


def topic_tokens(
    subject: str, text: str, attached: Iterable[str] = (), tags: Collection[str] = ()
) -> frozenset[str]:
    """The distinct tokens; those of tags are ``tag:NAME``."""
    tokens = text_tokens(subject, judged_text(text, attached))
    return tokens | {f"tag:{' '.join(tag.split())}" for tag in tags} if tags else tokens
