"""The mails of the demonstration: what customers, agents and a spammer write."""

from __future__ import annotations

import time
from email.utils import formatdate

from mailproc.mime.compose import compose
from mailproc.mime.reader import Mail

DESK = "support@example.org"
CUSTOMER = "carla@customer.example"
SPAMMER = "winner@lottery.example"
QUESTION = "<question@customer.example>"
ADDITION = "<addition@customer.example>"
THANKS = "<thanks@customer.example>"
PRIZE = "<prize@lottery.example>"
_CARLA = f"Carla Customer <{CUSTOMER}>"
_TITLES = {"alice": "Alice Ang", "bob": "Bob Bor"}


def question() -> bytes:
    return _letter(
        _CARLA,
        DESK,
        "My invoice for October is missing",
        QUESTION,
        "Hello,\n\nwe did not get the invoice for October. Can you send it again?\n\nCarla Customer",
    )


def addition(acknowledgement: Mail) -> bytes:
    text = "It is for order 4711, by the way.\n\nCarla"
    return _reply(_CARLA, acknowledgement, ADDITION, text)


def absence(acknowledgement: Mail) -> bytes:
    return _reply(
        _CARLA,
        acknowledgement,
        "<absence@customer.example>",
        "I am away until Monday.",
        ("Auto-Submitted", "auto-replied"),
    )


def thanks(answer: Mail) -> bytes:
    text = "Thank you. But the amount is wrong: we ordered two, not three.\n\nCarla"
    return _reply(_CARLA, answer, THANKS, text)


def spam() -> bytes:
    return _letter(
        f"Lucky Winner <{SPAMMER}>",
        DESK,
        "You won 1,000,000 dollars",
        PRIZE,
        "Congratulations! Claim your prize of 1,000,000 dollars now: http://lottery.example/claim",
    )


def answer(agent: str, copy: Mail, text: str) -> bytes:
    """What an agent's mail client makes of a reply to a copy in the folder."""
    return _reply(_mailbox(agent), copy, f"<{agent}.{time.time_ns()}@laptop.example>", text)


def decision(agent: str, notice: Mail, word: str) -> bytes:
    """The reply to the notice about a held answer."""
    return _reply(_mailbox(agent), notice, f"<{word}.{time.time_ns()}@laptop.example>", word)


def samples() -> list[tuple[str, bytes]]:
    """Mails of other customers, with their envelope senders, for who wants to try it."""
    letters = (
        ("dora@shop.example", "Change of address", "Hi,\n\nwe moved to 1 New Street.\n\nDora"),
        ("emil@school.example", "Pupils' licence", "Good morning,\n\nis there one for schools?\n\nEmil"),
        ("fay@factory.example", "Machine 7 stands still", "It says E42. Please call at once.\n\nFay"),
    )
    return [
        (sender, _letter(sender, DESK, subject, f"<{time.time_ns()}.{sender}>", text))
        for sender, subject, text in letters
    ]


def _mailbox(agent: str) -> str:
    return f"{_TITLES[agent]} <{agent}@example.org>"


def _letter(
    sender: str, recipient: str, subject: str, message_id: str, text: str, *more: tuple[str, str]
) -> bytes:
    headers = [
        ("From", sender),
        ("To", recipient),
        ("Subject", subject),
        ("Date", formatdate(time.time())),
        ("Message-ID", message_id),
        *more,
    ]
    return compose(headers, text)


def _reply(sender: str, to: Mail, message_id: str, text: str, *more: tuple[str, str]) -> bytes:
    """A reply as mail clients make it: to Reply-To, with Re:, In-Reply-To and References."""
    thread = (("In-Reply-To", to.message_id), ("References", " ".join((*to.references, to.message_id))))
    subject = to.subject if to.subject.startswith("Re: ") else f"Re: {to.subject}"
    recipient = to.header("reply-to") or to.header("from")
    return _letter(sender, recipient, subject, message_id, text, *thread, *more)
