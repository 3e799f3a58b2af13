"""What a mail's topic is judged by: subject, new text, what is attached,"
" and what filters said of it before."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailproc.mime.tokens import text_tokens

MOST_ATTACHED = 16_384  # characters of all attachments together: an annual report must not outweigh the mail


def topic_tokens(
    subject: str, text: str, attached: Iterable[str] = (), tags: Collection[str] = ()
) -> frozenset[str]:
    """The distinct tokens; those of tags are ``tag:NAME``."""
    more = "\n".join(each for each in attached if each)[:MOST_ATTACHED]
    tokens = text_tokens(subject, f"{text}\n{more}" if more else text)
    return tokens | {f"tag:{' '.join(tag.split())}" for tag in tags} if tags else tokens
