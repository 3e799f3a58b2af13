"""What must be true when all faults are over and everything that waited is done.

The books of customers and agents are compared with the store, the sink and the folder; every mismatch is
one line.  Nothing of mailproc is called but ``mailproc status``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.soak_people import Answer, Books
from bench.soak_site import Site
from tests.rig.oracle import PARTS

ENDED_WELL = frozenset({"new", "follow_up", "ignored"})
SHELVES = {"new": "New", "answered": "Answered", "closed": "Closed", "spam": "Spam", "problem": "Problem"}
MAILBOX_OF_ID = re.compile(r"^X-Mailproc-Id:\s*([a-z]\d+)", re.MULTILINE | re.IGNORECASE)
DRAINED = {
    "deliveries before the chain": "SELECT count(*) FROM delivery WHERE state = 'waiting'",
    "items in the outbox": "SELECT count(*) FROM outbox WHERE state = 'waiting'",
    "tickets whose folder is to be looked at": "SELECT count(*) FROM folder_work",
}


# What no agent did: each takes letters of its own, out of New, and none gives one back or deletes one.
NOBODY_DID = ("reopened", "released", "restored", "claim_lost")


@dataclass(frozen=True)
class Finding:
    """One thing that was compared: how many of it, and what was wrong."""

    what: str
    number: int
    wrong: list[str]


def what_waits(site: Site) -> dict[str, int]:
    return {what: waiting for what, sql in DRAINED.items() if (waiting := site.count(sql))}


def findings(site: Site, books: Books, accidents: int) -> Iterator[Finding]:
    """``accidents`` may each have made one more copy of an answer with the same Message-ID."""
    waiting = what_waits(site)
    yield Finding("queues that are empty", len(DRAINED), [f"{n} {what}" for what, n in waiting.items()])
    yield from _letters(site, books)
    status = site.daemon.status()
    sum_ = sum(status[part] for part in PARTS)
    wrong = [] if status["accepted"] == sum_ else [f"{sum_} in its parts: {status}"]
    yield Finding("mails in mailproc status", status["accepted"], wrong)
    yield from _answers(site, books, accidents)
    yield from _acknowledgements(site, books)
    yield from _folder(site)
    yield _gestures(site)


def _gestures(site: Site) -> Finding:
    """What the daemon took for an agent's move must have been one."""
    moves = site.rows("SELECT ticket, what, detail FROM event")
    strange = [f"{row}" for row in moves if row["what"] in NOBODY_DID]
    return Finding("events: none that nobody caused", len(moves), strange)


def _letters(site: Site, books: Books) -> Iterator[Finding]:
    deliveries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in site.rows("SELECT sha256, state, problem, ticket FROM delivery"):
        deliveries[bytes(row["sha256"]).hex()].append(row)
    messages: dict[str, list[int]] = defaultdict(list)
    for row in site.rows("SELECT sha256, ticket FROM message WHERE direction = 'in'"):
        messages[bytes(row["sha256"]).hex()].append(row["ticket"])
    taken = [each for each in books.letters.values() if each.is_taken]
    wrong, strayed, belong = [], [], 0
    for each in taken:
        states = [row["state"] for row in deliveries[each.sha256]]
        found = len(messages[each.sha256])
        if len(states) != 1 or not (
            (states[0] in ENDED_WELL and found == 1) or (states[0] == "quarantined" and found <= 1)
        ):
            wrong.append(f"letter {each.number} ({each.kind}): deliveries {states}, messages {found}")
        root = messages[books.letters[each.root].sha256]
        if each.root != each.number and root and found:
            belong += 1
            if messages[each.sha256] != root:
                strayed.append(f"letter {each.number} ({each.kind}) is not in the ticket of {each.root}")
    yield Finding("mails answered 250: one message each", len(taken), wrong)
    yield Finding("of them follow-ups in their ticket", belong, strayed)
    unsure = [each for each in books.letters.values() if not each.is_taken]
    twice = [
        f"letter {each.number}: {deliveries[each.sha256]}, messages in {messages[each.sha256]}"
        for each in unsure
        if len(deliveries[each.sha256]) > 1 or len(messages[each.sha256]) > 1
    ]
    yield Finding("mails not answered 250: one at most", len(unsure), twice)
    known = {each.sha256 for each in books.letters.values()}
    strangers = [
        f"a delivery that nobody sent: {row}" for key in deliveries.keys() - known for row in deliveries[key]
    ]
    yield Finding("deliveries in the store", sum(map(len, deliveries.values())), strangers)
    refused = [
        f"letter {each.number} ({each.kind}): {each.reply}" for each in unsure if each.reply[:1] == "5"
    ]
    yield Finding("mails refused for good: none", len(refused), refused)


def _answers(site: Site, books: Books, accidents: int) -> Iterator[Finding]:
    rows = {
        (row["agent"], row["message_id"]): row["message"] for row in site.rows("SELECT * FROM submission")
    }
    held = {row["message"] for row in site.rows("SELECT message FROM held_answer")}
    left: dict[str, list[str]] = defaultdict(list)
    for caught in site.staff.sink.caught:
        if caught.recipients[0].startswith("customer"):
            for text in re.findall(rb"Answer of \w+ to letter \d+, as we", caught.raw):
                left[text.decode()].append(str(caught.message["Message-ID"]))
    wrong: list[str] = []
    sent = [each for each in books.answers if each.reply.startswith("2")]
    copies = 0
    for each in sent:
        ids = left[_key(each)]
        copies += max(0, len(ids) - 1)
        message = rows.get((each.agent, each.message_id))
        if message in held:
            wrong += [f"{each.text} is held and has left"] if ids else []
        elif len(set(ids)) != 1:
            wrong.append(f"{each.text} left as {ids}, is message {message}")
    yield Finding("answers taken from agents: left, or held", len(sent), wrong)
    more = [f"{copies} copies more than answers, in {accidents} accidents"] if copies > accidents else []
    yield Finding("answers repeated after an accident", copies, more)
    others = [each for each in books.answers if not each.reply.startswith("2")]
    yield Finding(
        "answers that were not taken: not left",
        len(others),
        [f"{each.text} ({each.reply}) left" for each in others if left[_key(each)] and each.reply],
    )


def _key(each: Answer) -> str:
    return each.text.partition(" promised")[0]


def _acknowledgements(site: Site, books: Books) -> Iterator[Finding]:
    told = Counter(
        (caught.recipients[0], str(caught.message["In-Reply-To"]))
        for caught in site.staff.sink.caught
        if caught.recipients[0].startswith("customer") and caught.message["Auto-Submitted"]
    )
    wrong = [f"{who} got {number} for {what}" for (who, what), number in told.items() if number > 1]
    yield Finding("acknowledgements: one at most", len(told), wrong)


def _folder(site: Site) -> Iterator[Finding]:
    lie = _copies(site)
    tickets = {row["id"]: row for row in site.rows("SELECT id, number, state, owner, desk FROM ticket")}
    places = {row["name"]: row["place"] for row in site.rows("SELECT name, place FROM folder_copy")}
    wrong, number = [], 0
    for row in site.rows("SELECT id, ticket, status FROM message"):
        number += 1
        name, ticket = f"m{row['id']}", tickets[row["ticket"]]
        wanted = _mailbox(ticket) if row["status"] != "held" else "Problem"
        where = lie.pop(name, [])
        if where != [f"Support/{wanted}"]:
            wrong.append(
                f"{name} of {ticket} should lie in {wanted}, lies in {where}; noted {places.get(name)}"
            )
    yield Finding("messages in the folder: where the ticket is", number, wrong)
    again = [f"{name} lies in {where}" for name, where in lie.items() if len(where) > 1]
    gone = [f"{name} lies in {where}, no message" for name, where in lie.items() if name.startswith("m")]
    yield Finding("notes and others in the folder: once", len(lie), again + gone)


def _mailbox(ticket: dict[str, Any]) -> str:
    return SHELVES.get(ticket["state"]) or f"@{ticket['owner']}"


def _copies(site: Site) -> dict[str, list[str]]:
    """In which mailboxes each copy lies; a copy without a name of ours is called by its UID."""
    lie: dict[str, list[str]] = defaultdict(list)
    with site.staff.dovecot.client("mailproc") as client:
        for flags, _, name in client.list_folders("", "Support/*"):
            if {b"\\Noselect", b"\\NonExistent"} & set(flags):
                continue
            client.select_folder(name, readonly=True)
            uids = client.search(["UNDELETED"])
            for first in range(0, len(uids), 500):
                part = "BODY.PEEK[HEADER.FIELDS (X-Mailproc-Id)]"
                for uid, found in client.fetch(uids[first : first + 500], [part]).items():
                    head = next(octets for key, octets in found.items() if key.startswith(b"BODY["))
                    match = MAILBOX_OF_ID.search(head.decode())
                    lie[match[1] if match else f"?{name} {uid}"].append(name)
    return lie
