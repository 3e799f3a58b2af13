"""Tickets for people to read."""

from __future__ import annotations

from typing import Any

from mailproc.model.line import without_controls
from mailproc.model.target import KIND_TITLES

View = dict[str, Any]


def ticket_line(view: View) -> str:
    """One ticket on one line."""
    owner = f"@{view['owner']}" if view["owner"] else "-"
    tags = f"  [{', '.join(view['tags'])}]" if view["tags"] else ""
    subject = printable(view["subject"])
    mails = "1 mail " if view["messages"] == 1 else f"{view['messages']} mails"
    due = f"{view['due']['kind']} {view['due']['at']}" if view["due"] else ""
    left = f"{view['ticket']}  {view['state']:<8}  {owner:<10}  {view['opened']}  {mails:>9}"
    return f"{left}  {due}{'  ' if due else ''}{subject}{tags}"


def describe_ticket(view: View) -> str:
    """A ticket with its messages and what happened to it."""
    owner = f", held by {view['owner']}" if view["owner"] else ""
    lines = [
        f"Ticket {view['ticket']}  {printable(view['subject'])}",
        f"  {view['state']}{owner}, desk {view['desk']}, opened {view['opened']}",
    ]
    if view["tags"]:
        lines.append(f"  tags: {', '.join(view['tags'])}")
    lines += [f"  see also {link['ticket']}: {link['why']}" for link in view["links"]]
    if view["clocks"]:
        lines += ["", f"Target {printable(view['target'])}, in business time"]
        lines += [line for clock in view["clocks"] for line in _describe_clock(clock)]
    lines += ["", "Messages"]
    for message in view["messages"]:
        lines += _describe_message(message)
    lines += ["", "History"]
    lines += [
        f"  {event['at']}  {event['what']:<18} {event['who']:<10} {printable(event['detail'])}"
        for event in view["events"]
    ]
    return "\n".join(lines)


def _describe_clock(clock: View) -> list[str]:
    """Since when it counts, without which pauses, how much that is of how much, and until when."""
    used = f"{_span(clock['minutes'])} of {_span(clock['target'])} used"
    lines = [f"  {KIND_TITLES[clock['kind']]:<13} from {clock['started']}  {used}, {_standing(clock)}"]
    lines += [
        f"    paused {pause['from']} to {pause['to'] or '…':<20}  {pause['why']}" for pause in clock["pauses"]
    ]
    return lines


def _standing(clock: View) -> str:
    due = f"due {clock['due']}" if clock["due"] else "due when it goes on"
    if clock["ended"] is None:
        return f"OVERDUE since {clock['due']}" if clock["met"] is False else due
    how = "closed" if clock["end"] == "closed" else "done"
    late = f", too late: was due {clock['due']}" if clock["met"] is False else ""
    return f"{how} {clock['ended']}{late}"


def _span(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    return f"{hours}:{rest:02}"


def _describe_message(message: View) -> list[str]:
    arrow = {"in": "from", "out": "to", "note": "note by"}[message["direction"]]
    who = {"in": message["from"], "out": ", ".join(message["to"]), "note": message["agent"]}
    lines = [
        f"  {message['date'] or '-':<20}  {arrow} {who[message['direction']]}  "
        f"{printable(message['subject'])}  ({message['size']} bytes, {message['status']})",
        f"    {message['sha256']}",
    ]
    if message["automatic"] != "none":
        lines.append(f"    automatic: {message['automatic']}")
    lines += [f"    joined: {printable(reason)}" for reason in message["joined"]["reasons"]]
    lines += [
        f"    {each['state']}: {printable(each['recipient'])}  {printable(each['reply'])}".rstrip()
        for each in message["delivery"]
    ]
    return lines


def printable(text: str) -> str:
    """A mail must not command the terminal."""
    return without_controls(text, "\N{REPLACEMENT CHARACTER}")
