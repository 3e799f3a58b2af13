"""The texts of a mail's attachments.  Documents are read in a child process with limits and a deadline.

Never raises for what is attached: what cannot be read has no text, and a defect says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mailproc.child import ChildFailed, run_in_child
from mailproc.mime.attachments import Attachment
from mailproc.mime.document_kinds import MOST_TEXT, kind_of
from mailproc.mime.limits import MIB

DEADLINE = 10.0  # seconds for all documents of a mail together
MOST_FILES = 20  # documents of one mail
LARGEST = 20 * MIB  # of one document
MOST_OCTETS = 40 * MIB  # of all together

_CHILD = "mailproc.mime.document_child"


@dataclass(frozen=True, slots=True)
class AttachedText:
    """What an attachment says; ``defect`` is why it was not read, "" where it was or says nothing."""

    text: str
    defect: str = ""


async def attached_texts(
    attachments: Sequence[Attachment], *, seconds: float = DEADLINE
) -> tuple[AttachedText, ...]:
    """One for each attachment, in their order; no child is started where none is a document."""
    kinds = [kind_of(file.type, file.name) for file in attachments]
    found = [AttachedText("" if kind else file.text) for kind, file in zip(kinds, attachments, strict=True)]
    chosen = _chosen(attachments, kinds, found)
    if not chosen:
        return tuple(found)
    request = [(kinds[place], attachments[place].content) for place in chosen]
    for place, read in zip(chosen, await _read(request, seconds), strict=True):
        found[place] = read
    return tuple(found)


def _chosen(attachments: Sequence[Attachment], kinds: Sequence[str], found: list[AttachedText]) -> list[int]:
    """The places of the documents that are read; the others are told why not."""
    chosen: list[int] = []
    octets = 0
    for place, kind in enumerate(kinds):
        if not kind:
            continue
        size = attachments[place].size
        if len(chosen) == MOST_FILES or size > LARGEST or octets + size > MOST_OCTETS:
            found[place] = AttachedText("", "too large, or one of too many")
            continue
        octets += size
        chosen.append(place)
    return chosen


async def _read(request: list[tuple[str, bytes]], seconds: float) -> list[AttachedText]:
    """All in one child; where one of them breaks it, each in its own,"
    " so that it breaks nothing but itself."""
    try:
        most = len(request) * (4 * MOST_TEXT + 1000)
        answer = await run_in_child(_CHILD, msgspec.msgpack.encode(request), seconds=seconds, most=most)
        return [AttachedText(*each) for each in msgspec.msgpack.decode(answer, type=list[tuple[str, str]])]
    except (ChildFailed, OSError, msgspec.DecodeError) as error:
        if len(request) == 1:
            return [AttachedText("", str(error))]
    return [(await _read([each], seconds / len(request)))[0] for each in request]
