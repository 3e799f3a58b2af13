"""The rules of the simulated desks, as its own books know them and as the daemon is told them."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from bench.desk_clocks import DAY, HOUR, MINUTE, Goal, Hours, Rules, Step
from bench.desk_site import AGENTS, ROOT

BERLIN = ZoneInfo("Europe/Berlin")  # where summer time ends in the week that is simulated
HOLIDAY = date(2026, 10, 27)
_OFFICE_DAY = ((8 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
OFFICE = Hours(
    BERLIN, (*(_OFFICE_DAY,) * 5, ((22 * HOUR, 24 * HOUR),), ((0, 6 * HOUR),)), holidays=(HOLIDAY,)
)
ALL, WAITS = ("first", "next", "solution"), ("first", "next")
SUPPORT = Rules(
    "support",
    OFFICE,
    AGENTS,
    goals=(
        Goal("urgent", {"first": 60, "next": 2 * HOUR, "solution": 6 * HOUR}, 0.5, priority="high"),
        Goal("usual", {"first": 4 * HOUR, "next": 6 * HOUR, "solution": 16 * HOUR}, 0.75),
    ),
    steps=(
        Step(WAITS, "warn", tag="hot", mail=("owner",)),
        Step(WAITS, "due", tag="late", mail=("lead",), lay=True),
        Step(("first",), "due", after=HOUR, priority="high", release=True),
        Step(("solution",), "due", mail=("owner", "lead")),
    ),
    lead="alice",
    close_after=2 * DAY,
    close_warning=DAY,
    claim_expires=3 * HOUR,
)
SALES = Rules(
    "sales",
    Hours(ZoneInfo("UTC")),
    ("carol",),
    goals=(Goal("quotes", {"first": 2 * HOUR, "solution": DAY}, 0.5, tag="quote"),),
    steps=(Step(("first",), "due", mail=("team",)),),
    send_delay=10,
)
DESKS = {rules.name: rules for rules in (SUPPORT, SALES)}

_CALENDAR = """\
[calendar.office]
timezone = "Europe/Berlin"
weekdays = "08:00-12:00, 13:00-18:00"
saturday = "22:00-06:00"
extra_holidays = ["{holiday}"]

[stage.spam]
spam = 0.99

[[stage.route.rule]]
when = "'urgent' in subject | lower"
priority = "high"

[[stage.route.rule]]
when = "'quote' in subject | lower"
tag = "quote"
"""
_DESK = """
[desk.{name}]
name = "{title}"
addresses = ["{name}@example.org", "help-{name}@example.org"]
folder = "{root}/{title}"
agents = {agents}
chain = ["automatic", "auth", "spam", "ticket", "route", "acknowledge"]
claim_expires = {expires}
send_delay = {delay}
"""


def configuration() -> str:
    """Everything that is above, in TOML."""
    lines = [_CALENDAR.format(holiday=HOLIDAY)]
    for rules in DESKS.values():
        title = rules.name.title()
        lines.append(
            _DESK.format(
                name=rules.name,
                title=title,
                root=ROOT,
                agents=_list(rules.agents),
                expires=rules.claim_expires / HOUR,
                delay=rules.send_delay * MINUTE,
            )
        )
        if rules.hours is OFFICE:
            lines.append('calendar = "office"')
        if rules.lead:
            lines.append(f'lead = "{rules.lead}"')
        if rules.close_after:
            lines.append(f'close_after = "{rules.close_after}m"\nclose_warning = "{rules.close_warning}m"')
        lines += [_target(rules.name, goal) for goal in rules.goals]
        lines += [_escalation(rules.name, step) for step in rules.steps]
    return "\n".join(lines) + "\n"


def _target(desk: str, goal: Goal) -> str:
    lines = [f"[[desk.{desk}.target]]", f'name = "{goal.name}"', f"warn = {goal.warn}"]
    lines += [f'{kind} = "{minutes}m"' for kind, minutes in goal.minutes.items()]
    lines += [f'priority = "{goal.priority}"'] if goal.priority else []
    lines += [f'tag = ["{goal.tag}"]'] if goal.tag else []
    return "\n".join(lines)


def _escalation(desk: str, step: Step) -> str:
    lines = [f"[[desk.{desk}.escalation]]", f"of = {_list(step.of)}", f'at = "{step.at}"']
    lines.append(f'after = "{step.after}m"')
    lines += [f'tag = ["{step.tag}"]'] if step.tag else []
    lines += [f'priority = "{step.priority}"'] if step.priority else []
    lines += [f"mail = {_list(step.mail)}"] if step.mail else []
    lines += ["lay = true"] if step.lay else []
    lines += ["release = true"] if step.release else []
    return "\n".join(lines)


def _list(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
