"""Put messages into the full-text index, in the background, soon after they came.

Mails, answers and notes: subject, people, and what was written anew, without quotes.  While mail waits for
the chain, indexing waits too, but not for ever; and it takes only a share of the time.  Whatever a mail does
to the reader, its subject and addresses are indexed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from mailproc.mime.reader import Mail, read
from mailproc.model.address import Mailbox
from mailproc.model.folding import fold
from mailproc.model.ticket import Direction
from mailproc.store.full_text import Entry
from mailproc.store.protocol import Store, StoreError
from mailproc.store.search import Unindexed

log = logging.getLogger("mailproc.search")

TICK = 2.0  # seconds between looks
AT_ONCE = 25  # messages in one transaction
REST = 3.0  # times as long as a batch took, before the next one
PATIENCE = 60.0  # seconds without any indexing, while mail waits for the chain
MAX_OCTETS = 1_000_000  # of a mail that are read
MAX_TEXT = 20_000  # characters of a mail's own text
MAX_PEOPLE = 2_000  # characters of names and addresses, on either side


async def keep_index(store: Store) -> None:
    """Index what is new, until cancelled."""
    last = time.monotonic()
    while True:
        pause = TICK
        began = time.monotonic()
        try:
            if await may_work(store, began - last):
                last = began
                if await index_next(store):
                    pause = REST * (time.monotonic() - began)
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(pause)


async def may_work(store: Store, idle: float) -> bool:
    """Mail that waits for the chain goes first, but not when nothing else was done for too long."""
    return idle > PATIENCE or not await store.read(lambda tx: tx.deliveries.waiting())


async def index_next(store: Store, limit: int = AT_ONCE) -> int:
    """Index the messages that come next; return how many, also where somebody else was faster."""
    mark, messages = await store.read(lambda tx: (tx.search.mark(), tx.search.unindexed(limit)))
    if not messages:
        return 0
    entries = [await _entry(store, message) for message in messages]
    await store.write(lambda tx: tx.search.add(entries, mark))
    return len(entries)


async def _entry(store: Store, message: Unindexed) -> Entry:
    raw = await store.read(lambda tx: tx.deliveries.raw(message.sha256))
    try:
        return entry_of(message, raw or b"")
    except Exception:  # a bug must not end the daemon, nor keep later mails from being found
        log.exception("message=%d not read", message.id)
        return entry_of(message, b"")


def entry_of(message: Unindexed, raw: bytes) -> Entry:
    """What of a message is searched; ``raw`` is empty where the mail is not there any more."""
    mail = read(raw[:MAX_OCTETS])
    is_note = message.direction is Direction.NOTE  # whose subject names the ticket only
    people = (message.sender, message.agent, *_written((mail.author, mail.reply_to)))
    return Entry(
        message=message.id,
        subject="" if is_note else fold(message.subject),
        sender=fold(" ".join(people)[:MAX_PEOPLE]),
        recipient=fold(" ".join((*message.recipients, *_written((*mail.to, *mail.cc))))[:MAX_PEOPLE]),
        body=fold(_body(mail)),
    )


def _written(mailboxes: Iterable[Mailbox | None]) -> list[str]:
    return [f"{each.name} {each.address}" for each in mailboxes if each is not None]


def _body(mail: Mail) -> str:
    files = " ".join(attachment.name for attachment in mail.attachments)
    return f"{(mail.reply or mail.text)[:MAX_TEXT]}\n{files[:MAX_PEOPLE]}"
