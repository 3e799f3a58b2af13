"""What mails about tickets that wait too long may say: ``desk.escalation_mail`` fills it in."""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.pipeline.letters import Letters, read_letters
from mailproc.pipeline.template import Value

_SAMPLE: dict[str, Value] = {
    "agent": "Alice Ang",
    "desk": "Example Support",
    "count": 1,
    "left_out": 0,
    "tickets": [
        {
            "number": "2026112100017",
            "tag": "[T#2026112100017-k7q2mx]",
            "subject": "Printer on fire",
            "customer": "carla@example.com",
            "owner": "alice",
            "state": "claimed",
            "kind": "first",
            "due": "2026-11-23 10:00 UTC",
            "over": True,
        }
    ],
}


def read_escalation_letters(names: Sequence[str], folders: Sequence[str]) -> Letters:
    """The letters of these names in every language; ValueError says what is wrong with them."""
    return read_letters(names, folders, _SAMPLE)
