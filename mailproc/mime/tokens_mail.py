"""All that the spam classifier looks at in a mail: one set of tokens, the same for learning and judging.

Words of the text stand as they are; every other token begins with its kind and a colon (``subject:``,
``from:``, ``url:``, ``html:``, …), which no word holds. ``MOST`` bounds the tokens of one mail, so that a
stuffed one cannot outweigh the others. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mailproc.mime.reader import Mail
from mailproc.mime.tokens import MOST_WORDS, distinct_words
from mailproc.mime.tokens_body import body_tokens
from mailproc.mime.tokens_head import head_tokens
from mailproc.mime.upstream import Upstream, read_upstream

MOST_CLUES = 1_000  # tokens of one mail that are no words of the text
MOST = MOST_CLUES + MOST_WORDS  # tokens of one mail
_LONGEST = 120  # letters of a token
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def mail_tokens(mail: Mail, upstream_hosts: Collection[str] = ()) -> frozenset[str]:
    """The distinct tokens of a mail, with what a spam filter on one of ``upstream_hosts`` said of it."""
    upstream = read_upstream(mail, upstream_hosts) if upstream_hosts else None
    others = [*_upstream(upstream), *head_tokens(mail), *body_tokens(mail)]
    return frozenset(_bounded(set(others[: 2 * MOST_CLUES])) | distinct_words(mail.text))


def _bounded(tokens: set[str]) -> set[str]:
    """At most ``MOST_CLUES``, each of a bounded length and fit for a database."""
    if len(tokens) > MOST_CLUES:
        tokens = set(sorted(tokens)[:MOST_CLUES])
    if "".join(tokens).isprintable() and max(map(len, tokens)) <= _LONGEST:
        return tokens
    return {_UNSTORABLE.sub("", token)[:_LONGEST] for token in tokens}


def _upstream(found: Upstream | None) -> Iterator[str]:
    if found is not None:
        yield f"upstream:{'spam' if found.is_spam else 'ham'}"
        yield f"upstream:score {min(max(round(found.score), -9), 30)}"
        yield from (f"upstream:{rule}" for rule in found.rules)
