"""Find what a mail is about: its topic, its language, how urgent it is, and the numbers and dates that stand
in it.

It reads the subject, the new text (without quotes), and what is attached. Topics are learnt (``mailproc
topics``, and from agents' tags and moves); everything else is found by rules. What is found becomes notes
for the agents with the words that say so, tags, and scores for later stages. At most ``MAX_TEXT``
characters are searched, and few findings of a kind are kept. An attachment that cannot be read costs its
text, never the mail.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from mailproc.stage import (
    CHECKS,
    CONTINUE,
    Delivery,
    LookUps,
    Mail,
    NoTopics,
    Pattern,
    Stage,
    TopicModel,
    Topics,
    Verdict,
    anger_of,
    attached_texts,
    cards_in,
    compile_pattern,
    deadlines_in,
    ibans_in,
    judged_text,
    telling_words,
    topic_tokens,
    urgency_of,
    without_ibans,
)

MAX_TEXT = 65_536  # characters
MAX_FOUND = 5  # of one kind
MAX_LIMITS = 50  # phrases that may set a deadline
LONGEST_LIMIT = 80  # characters of one of them

# Each is linear: every piece is bounded, and starts at a set of characters by which a text is searched fast.
_LOCAL_PART = re.compile(r"[\w.+-]{1,64}\Z")
_DOMAIN = re.compile(r"@[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,4}", re.IGNORECASE)
_PHONE = re.compile(r"[+0](?<![\w.+/-].)0?[1-9][0-9 ()/.-]{6,20}[0-9](?![\w-])", re.DOTALL)
_LINK = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^\s<>\"]")
_DATE_LIKE = re.compile(r"[0-9]{1,4}[.-][0-9]{1,2}[.-][0-9]{1,4}")
# Without one of these no deadline is looked for.
_LIMIT = (
    r"\b(until|till|by|before|later than|deadline|due|bis|spätestens|vor dem|frist|fällig|zahlbar|avant"
    r"|jusqu|d'ici|au plus"
    r"|échéance|antes|hasta|tardar|vence|até|prazo|entro|fino al|scadenza|vóór|voor|uiterlijk|tot|within"
    r"|in the next"
    r"|innerhalb|binnen|dans|sous|en|dentro|em)\s+\S*(\d|[a-zäéçáí])"
)


@dataclass
class Filter(Stage):
    topics: bool = True  # what the mail is about, as far as that was learnt
    threshold: float = 0.5  # of probability: from here on the likeliest topic is the mail's
    thresholds: dict[str, float] = field(default_factory=dict)  # TOPIC = its own threshold
    tag_topic: bool = True  # the topic becomes a tag
    attachments: bool = True  # their text is read, in a child process
    attachment_time: float = 10.0  # seconds, for all attachments of a mail together
    language: bool = True  # of the new text
    urgency: float = 0.5  # from here on the tag "urgent"; 0 is off
    anger: float = 0.5  # from here on the tag "angry"; 0 is off
    deadlines: bool = True  # dates by which something is wanted
    addresses: bool = True  # mail addresses other than the author's and the desk's
    phones: bool = True  # phone numbers written with + or a leading 0
    links: bool = True  # how many http links
    accounts: bool = True  # IBANs, and the last digits of payment cards, by their check digits
    patterns: dict[str, str] = field(
        default_factory=dict
    )  # NAME = "RE2 pattern"; its first group, or all of it
    checks: dict[str, str] = field(default_factory=dict)  # NAME = how its check digit is made: luhn, mod97 …
    _patterns: dict[str, Pattern] = field(default_factory=dict, init=False, repr=False)
    _checks: dict[str, Callable[[str], bool]] = field(default_factory=dict, init=False, repr=False)
    _limit: Pattern = field(init=False, repr=False)
    _known: Topics = field(default_factory=NoTopics, init=False, repr=False)
    _knows_languages: bool = field(default=False, init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        for name, value in {"threshold": self.threshold, **self.thresholds}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is a probability, from 0 to 1")
        for name, check in self.checks.items():
            if name not in self.patterns:
                raise ValueError(f'checks: there is no pattern "{name}"')
            if check not in CHECKS:
                raise ValueError(f'checks: "{check}" is none of {", ".join(CHECKS)}')
        self._patterns = {name: compile_pattern(text, "i") for name, text in self.patterns.items()}
        self._checks = {name: CHECKS[check] for name, check in self.checks.items()}
        self._limit = compile_pattern(_LIMIT, "i")
        self._known = look_ups.topics

    async def process(self, delivery: Delivery) -> Verdict:
        if self.language:
            await self._find_language(delivery)
        subject, text = delivery.mail.subject, _new_text(delivery.mail)
        attached = await self._read_attachments(delivery) if self.attachments else []
        await self._find_topic(delivery, subject, text, attached)
        searched = "\n".join([subject, text, *attached])[:MAX_TEXT]
        self._find_patterns(delivery, searched)
        self._find_built_in(delivery, searched)
        if self.deadlines:
            self._find_deadlines(delivery, f"{subject}\n{text}"[:MAX_TEXT])
        return CONTINUE

    async def _find_language(self, delivery: Delivery) -> None:
        if self._knows_languages:
            delivery.language = delivery.mail.language
        else:  # in a thread: its model takes a moment to load for the first mail
            delivery.language = await asyncio.to_thread(getattr, delivery.mail, "language")
            self._knows_languages = bool(delivery.language)
        delivery.score("language", delivery.language)

    async def _read_attachments(self, delivery: Delivery) -> list[str]:
        """Their texts; what could not be read is noted."""
        if not delivery.mail.has("content-type"):
            return []
        files = delivery.mail.attachments
        if not files:
            return []
        texts = await attached_texts(files, seconds=self.attachment_time)
        delivery.score("attachments", len(files))
        unread = [
            f"{file.name or file.type}: {read.defect}"
            for file, read in zip(files, texts, strict=True)
            if read.defect
        ]
        if unread:
            delivery.note("unread", "; ".join(unread[:MAX_FOUND]))
        return [read.text for read in texts if read.text]

    async def _find_topic(self, delivery: Delivery, subject: str, text: str, attached: list[str]) -> None:
        model = await self._known.model(delivery.desk) if self.topics else None
        if model and model.topics:
            tokens = topic_tokens(subject, text, attached, delivery.tags)
            self._find_tone(delivery, tokens)
            self._say_topic(delivery, model, tokens)
        elif self.urgency or self.anger:
            self._find_tone(delivery, telling_words(subject, judged_text(text, attached)))

    def _say_topic(self, delivery: Delivery, model: TopicModel, tokens: frozenset[str]) -> None:
        best = model.likeliest(tokens)
        delivery.score("likeliest", best.topic)
        delivery.score("probability", round(best.probability, 3))
        delivery.score("none", round(best.none, 3))
        fits = best.probability >= self.thresholds.get(best.topic, self.threshold)
        delivery.score("topic", best.topic if fits else "")
        if not fits:
            return
        delivery.topic = best.topic
        words = ", ".join(model.reasons(tokens, best.topic))
        delivery.note("topic", f"{best.topic} ({best.probability:.0%}: {words})")
        if self.tag_topic:
            delivery.add_tag(best.topic)

    def _find_tone(self, delivery: Delivery, tokens: frozenset[str]) -> None:
        if self.urgency:
            urgent = urgency_of(tokens)
            delivery.score("urgency", urgent.value)
            if urgent.value >= self.urgency:
                delivery.add_tag("urgent")
                delivery.note("urgency", f"{urgent.value:.2f} ({', '.join(urgent.reasons)})")
        if self.anger:
            angry = anger_of(tokens)
            delivery.score("anger", angry.value)
            if angry.value >= self.anger:
                delivery.add_tag("angry")
                delivery.note("anger", f"{angry.value:.2f} ({', '.join(angry.reasons)})")

    def _find_deadlines(self, delivery: Delivery, text: str) -> None:
        limits = [match.start for match in islice(self._limit.find_all(text), MAX_LIMITS)]
        if not limits:
            return
        today = datetime.fromtimestamp(delivery.received, UTC).date()
        found = deadlines_in(" | ".join([text[place : place + LONGEST_LIMIT] for place in limits]), today)
        if found:
            delivery.score("deadline_days", (found[0].day - today).days)
            delivery.note("deadline", "; ".join(f"{each.day} ({each.words})" for each in found))

    def _find_patterns(self, delivery: Delivery, searched: str) -> None:
        for name, pattern in self._patterns.items():
            found = ((match.groups or ("",))[0] or match.text for match in pattern.find_all(searched))
            right = self._checks.get(name)
            _note(delivery, name, filter(right, found) if right else found)

    def _find_built_in(self, delivery: Delivery, searched: str) -> None:
        if self.addresses and "@" in searched:
            known = _known_addresses(delivery)
            found = (address for address in addresses_in(searched) if address.lower() not in known)
            _note(delivery, "addresses", found)
        ibans = list(ibans_in(searched))
        if self.accounts:
            _note(delivery, "ibans", ibans)
            _note(delivery, "cards", cards_in(searched))
        if self.phones:
            _note(delivery, "phones", _phones_in(without_ibans(searched) if ibans else searched))
        if self.links:
            links = sum(1 for _ in _LINK.finditer(searched)) if "://" in searched else 0
            delivery.score("links", links)
            if links:
                delivery.note("links", str(links))


def _phones_in(text: str) -> Iterator[str]:
    phones = (match.group() for match in _PHONE.finditer(text))
    return (phone for phone in phones if not _DATE_LIKE.fullmatch(phone))


def addresses_in(text: str) -> Iterator[str]:
    """Every mail address, from left to right."""
    for domain in _DOMAIN.finditer(text):
        local_part = _LOCAL_PART.search(text, max(domain.start() - 64, 0), domain.start())
        if local_part:
            yield f"{local_part.group()}{domain.group()}".rstrip(".-")


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
