"""The figures of a report worked out again, plainly and slowly, from the rows of the store."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period
from mailproc.model.happening import TOLD, Letter, happenings
from mailproc.model.target import End, Kind, Target, clocks
from mailproc.model.ticket import Direction, Event, State
from mailproc.store.transaction import Transaction

Row = dict[str, Any]
OPEN = {"new": "open", "claimed": "open", "answered": "answered", "snoozed": "snoozed", "problem": "problem"}


def rows(tx: Transaction, table: str) -> list[Row]:
    """Every column of every row."""
    names = [row[1] for row in tx.figures._connection.all(f"PRAGMA table_info({table})")]
    return [
        dict(zip(names, row, strict=True))
        for row in tx.figures._connection.all(f"SELECT * FROM {table} ORDER BY id")
    ]


class Oracle:
    """Counts and times by the name of their figure; what is missing is nothing."""

    def __init__(
        self, tx: Transaction, calendars: dict[str, Calendar], period: Period, target: Target
    ) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.unsure: set[str] = set()  # of two agents who answered at one moment
        self.period, self.calendars, self.target = period, calendars, target
        self.events, self.messages = rows(tx, "event"), rows(tx, "message")
        self.tickets = rows(tx, "ticket")
        for ticket in self.tickets:
            if ticket["desk"] in calendars:
                self.look(ticket)

    def value(self, name: str) -> float | None:
        table, line, column = name.split("/")
        if column in ("median", "p90"):
            return quantile(self.times[f"times/{line}"], column)
        if column.endswith(("_median", "_p90")):
            kind, _, what = column.partition("_")
            return quantile(self.times[f"{table}/{line}/{kind}"], what)
        if column == "share" or column.endswith("_met"):
            stem = f"{table}/{line}/" + ("" if column == "share" else column.partition("_")[0] + "_")
            met, missed = self.counts[f"{stem}met"], self.counts[f"{stem}missed"]
            return met / (met + missed) if met + missed else None
        return self.counts[name]

    def inside(self, at: float) -> bool:
        return self.period.start <= at < self.period.end

    def look(self, ticket: Row) -> None:
        events = [event for event in self.events if event["ticket"] == ticket["id"]]
        messages = [message for message in self.messages if message["ticket"] == ticket["id"]]
        is_spam, is_merged = (
            ticket["state"] == "spam",
            ticket["merged_into"] is not None and ticket["state"] == "closed",
        )
        if self.inside(ticket["opened"]) and not is_spam and not is_merged:
            self.count(ticket, "opened", ticket["opened"])
        received = [message for message in messages if message["direction"] == "in"]
        for number, message in enumerate(received):
            if self.inside(message["at"]):
                self.counts["class/" + ("spam" if is_spam else message["automatic"]) + "/count"] += 1
                if message["automatic"] == "none" and not is_spam:
                    self.count(ticket, "mails", message["at"])
                    self.counts["overview/follow_ups/count"] += number > 0
        self.look_at_events(ticket, events)
        self.look_at_clocks(ticket)
        self.look_at_backlog(ticket, events)

    def groups(self, ticket: Row) -> Iterator[str]:
        yield f"desk/{ticket['desk']}"
        yield f"topic/{ticket['topic'] or 'none'}"
        yield f"language/{ticket['language'] or 'unknown'}"
        yield f"domain/{ticket['customer'].split('@')[1]}"

    def count(self, ticket: Row, column: str, at: float) -> None:
        self.counts[f"overview/{column}/count"] += 1
        wall = datetime.fromtimestamp(at, self.calendars[ticket["desk"]].zone)
        for line in (f"day/{wall:%Y-%m-%d}", f"weekday/{wall:%u}", f"hour/{wall:%H}", *self.groups(ticket)):
            self.counts[f"{line}/{column}"] += 1

    def look_at_events(self, ticket: Row, events: list[Row]) -> None:
        state = "new"
        for event in events:
            state = self.look_at_state(ticket, event, state)
            if self.inside(event["at"]):
                self.look_at_event(ticket, event)

    def look_at_state(self, ticket: Row, event: Row, was: str) -> str:
        what, state = event["what"], event["state"]
        if what == "opened" and state == "spam" and self.inside(ticket["opened"]):
            self.counts["spam/caught/count"] += 1
        if what == "merged" and event["detail"].startswith("into "):
            return "merged"
        if not state:
            return was
        at = self.wrote(event) if what == "follow_up" else event["at"]
        if was == "closed" and state in ("new", "claimed", "answered", "snoozed") and self.inside(at):
            self.counts["overview/reopened/count"] += 1
        return str(state)

    def wrote(self, event: Row) -> float:
        """When the customer's newest mail came, at an event; that may be another one now after a split."""
        later = (
            each for each in self.events if each["ticket"] == event["ticket"] and each["id"] > event["id"]
        )
        if any(each["what"] == "split" for each in later):
            return float(event["at"])
        mails: list[float] = [
            message["at"]
            for message in self.messages
            if message["ticket"] == event["ticket"]
            and message["direction"] == "in"
            and message["automatic"] == "none"
            and message["at"] <= event["at"]
        ]
        return max(mails, default=event["at"])

    def look_at_event(self, ticket: Row, event: Row) -> None:
        what, who, detail = event["what"], event["who"], event["detail"]
        if what == "closed" and not detail.startswith("merged into"):
            self.count(ticket, "closed", event["at"])
            self.counts[f"agent/{ticket['owner']}/closed"] += 1
        if what == "answered":
            self.count(ticket, "answers", event["at"])
            self.counts[f"agent/{who}/answers"] += 1
        if line := EVENTS.get(what):
            self.counts[f"{line(detail)}/count"] += 1
        if what == "claim_lost":
            self.counts[f"agent/{who}/claims_lost"] += 1
        if what == "held" and "{{" not in detail:
            self.counts[f"agent/{who}/held"] += 1

    def happenings(self, ticket: Row, events: list[Row], messages: list[Row]) -> list[Any]:
        told = [
            Event(e["at"], e["what"], e["who"], e["detail"], State(e["state"]) if e["state"] else None)
            for e in events
            if (e["at"] < self.period.end and (e["state"] or e["what"] in TOLD)) or e["what"] == "split"
        ]
        letters = [
            Letter(
                m["at"],
                Direction(m["direction"]),
                m["automatic"],
                m["agent"],
                m["message_id"],
                next(each["opened"] for each in self.tickets if each["id"] == m["ticket"]),
            )
            for m in messages
            if m["at"] < self.period.end
        ]
        return happenings(ticket["opened"], told, letters)

    def together(self, ticket: Row) -> tuple[list[Row], list[Row]]:
        """Events and messages of a ticket with those of all that was merged into it."""
        family = {ticket["id"]}
        while more := {
            each["id"] for each in self.tickets if each["merged_into"] in family and each["id"] not in family
        }:
            family |= more
        own = [event for event in self.events if event["ticket"] == ticket["id"]]
        answers = [
            event | {"state": None}
            for event in self.events
            if event["ticket"] in family - {ticket["id"]} and event["what"] in ("answered", "taken_back")
        ]
        messages = [message for message in self.messages if message["ticket"] in family]
        return sorted([*own, *answers], key=lambda event: event["id"]), messages

    def look_at_clocks(self, ticket: Row) -> None:
        if ticket["merged_into"] is not None:
            return
        events, messages = self.together(ticket)
        calendar = self.calendars[ticket["desk"]]
        for clock in clocks(ticket["opened"], self.happenings(ticket, events, messages)):
            if clock.ended is None or not self.inside(clock.ended):
                continue
            kind, used = clock.kind.value, clock.used(calendar, clock.ended)
            late = used > self.target.seconds(clock.kind) + 1e-6
            if late or clock.end is End.ANSWER:
                for line in (f"times/{kind}/", *(f"{group}/{kind}_" for group in self.groups(ticket))):
                    self.counts[line + ("missed" if late else "met")] += 1
            if clock.end is not End.ANSWER:
                continue
            agents = [ticket["owner"]]
            if clock.kind is not Kind.SOLUTION:
                agents = answered_by(events, messages, clock.ended, ticket["opened"])
            if len(agents) > 1:
                self.unsure |= {
                    f"agent/{agent}/{kind}_{what}" for agent in agents for what in ("median", "p90")
                }
            self.counts[f"times/{kind}/count"] += 1
            for line in (
                f"times/{kind}",
                f"agent/{agents[0]}/{kind}",
                *(f"{group}/{kind}" for group in self.groups(ticket)),
            ):
                self.times[line].append(used)

    def look_at_backlog(self, ticket: Row, events: list[Row]) -> None:
        end = self.period.end
        before = [event for event in events if event["at"] < end]
        state = next((event["state"] for event in reversed(before) if event["state"]), "new")
        merges = [
            event["what"]
            for event in before
            if event["what"] == "merged" and event["detail"].startswith("into ")
        ]
        if ticket["opened"] >= end or state not in OPEN or (merges and state == "closed"):
            return
        days = (end - ticket["opened"]) / 86400
        age = next((f"below_{most}d" for most in (1, 3, 7, 14, 28) if days < most), "older")
        running = [
            clock
            for clock in clocks(ticket["opened"], self.happenings(ticket, *self.together(ticket)))
            if clock.ended is None and ticket["merged_into"] is None
        ]
        calendar = self.calendars[ticket["desk"]]
        over = any(clock.used(calendar, end) > self.target.seconds(clock.kind) + 1e-6 for clock in running)
        for line in ("all", age, *(["over"] if over else [])):
            self.counts[f"backlog/{line}/count"] += 1
            self.counts[f"backlog/{line}/{OPEN[state]}"] += 1
        for group in self.groups(ticket):
            self.counts[f"{group}/backlog"] += 1


def answered_by(events: list[Row], messages: list[Row], at: float, opened: float) -> list[str]:
    """Who may have; what a part of a ticket has from before the ticket's opening counts at that moment."""
    answers = [(event["at"], event["who"]) for event in events if event["what"] == "answered"]
    letters = [(message["at"], message["agent"]) for message in messages if message["agent"]]
    then = {str(who) for when, who in (*answers, *letters) if max(when, opened) == at}
    return sorted(then or {str(who) for _, who in letters})


def quantile(values: list[float], what: str) -> float | None:
    ranked = sorted(values)
    share = 0.5 if what == "median" else 0.9
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None


def _acknowledgement(detail: str) -> str:
    lines = {"null": "null_sender", "limi": "limit_sender", "spam": "spam"}
    return f"acknowledgement/{lines[detail[:4]]}"


def _held(detail: str) -> str:
    if "{{" in detail:
        return "collisions/incomplete"
    return "collisions/older" if detail.startswith("the customer") else "collisions/second"


EVENTS: dict[str, Callable[[str], str]] = {
    "acknowledged": lambda _: "acknowledgement/sent",
    "not_acknowledged": _acknowledgement,
    "held": _held,
    "claim_lost": lambda _: "collisions/claims_lost",
    "refused": lambda _: "collisions/refused",
    "move_refused": lambda _: "collisions/move_refused",
    "marked_spam": lambda _: "spam/missed",
    "unmarked_spam": lambda _: "spam/wrong",
    "topic_corrected": lambda detail: f"topic_corrected/{detail}",
    "bounced": lambda detail: "bounce/hard" if "hard" in detail else "bounce/soft",
    "delayed": lambda _: "bounce/delayed",
    "undeliverable": lambda _: "bounce/undeliverable",
}
