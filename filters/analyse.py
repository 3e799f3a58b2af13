"""Find what a mail is about in facts: its language, and the numbers and addresses that stand in it.

Order or customer numbers are found by the patterns of the configuration (RE2, see the reference); addresses,
phone numbers and the number of links are found by themselves.  What is found becomes notes for the agents.
At most ``MAX_TEXT`` characters of the new text (without quotes) are looked at, and few findings of a kind
are kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from mailproc.stage import CONTINUE, Delivery, LookUps, Mail, Pattern, Stage, Verdict, compile_pattern

MAX_TEXT = 65_536  # characters
MAX_FOUND = 5  # of one kind

# Each is linear: every piece is bounded and starts at a fixed character class.
_ADDRESS = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,4}", re.IGNORECASE
)
_PHONE = re.compile(r"(?<![\w.+/-])(?:\+|00?)[1-9][0-9 ()/.-]{6,20}[0-9](?![\w-])")
_LINK = re.compile(r"\bhttps?://[^\s<>\"]", re.IGNORECASE)
_DATE_LIKE = re.compile(r"[0-9]{1,4}[.-][0-9]{1,2}[.-][0-9]{1,4}")


@dataclass
class Filter(Stage):
    language: bool = True  # of the new text
    addresses: bool = True  # mail addresses other than the author's and the desk's
    phones: bool = True  # phone numbers written with + or a leading 0
    links: bool = True  # how many http links
    patterns: dict[str, str] = field(
        default_factory=dict
    )  # NAME = "RE2 pattern"; its first group, or all of it
    _patterns: dict[str, Pattern] = field(default_factory=dict, init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        self._patterns = {name: compile_pattern(text, "i") for name, text in self.patterns.items()}

    async def process(self, delivery: Delivery) -> Verdict:
        if self.language:
            # In a thread: its model takes a second to load for the first mail.
            delivery.language = await asyncio.to_thread(getattr, delivery.mail, "language")
            delivery.score("language", delivery.language)
        subject, text = delivery.mail.subject, _new_text(delivery.mail)
        searched = f"{subject}\n{text}"[:MAX_TEXT]
        for name, pattern in self._patterns.items():
            found = ((match.groups or ("",))[0] or match.text for match in pattern.find_all(searched))
            _note(delivery, name, found)
        self._find_built_in(delivery, searched)
        return CONTINUE

    def _find_built_in(self, delivery: Delivery, searched: str) -> None:
        if self.addresses:
            known = _known_addresses(delivery)
            found = (match.group().rstrip(".-") for match in _ADDRESS.finditer(searched))
            _note(delivery, "addresses", (address for address in found if address.lower() not in known))
        if self.phones:
            phones = (match.group() for match in _PHONE.finditer(searched))
            _note(delivery, "phones", (phone for phone in phones if not _DATE_LIKE.fullmatch(phone)))
        if self.links:
            links = sum(1 for _ in _LINK.finditer(searched))
            delivery.score("links", links)
            if links:
                delivery.note("links", str(links))


def _new_text(mail: Mail) -> str:
    return mail.reply or mail.text


def _known_addresses(delivery: Delivery) -> frozenset[str]:
    mail = delivery.mail
    people = (mailbox.address.key for mailbox in (mail.author, mail.reply_to) if mailbox)
    return frozenset((*people, *(address.key for address in delivery.desk.addresses)))


def _note(delivery: Delivery, name: str, found: Iterable[str]) -> None:
    """Note the first few different findings; the score is how many there are of these."""
    kept = list(dict.fromkeys(" ".join(text.split())[:100] for text in islice(found, 200)))[:MAX_FOUND]
    delivery.score(name, len(kept))
    if kept:
        delivery.note(name, ", ".join(kept))
