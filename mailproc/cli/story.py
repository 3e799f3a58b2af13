"""``explain`` for people: the decision first, then each stage and what it said."""

from __future__ import annotations

from typing import Any

from mailproc.cli.table import printable

View = dict[str, Any]

_OUTCOMES = {
    "new": "opens a new ticket",
    "follow_up": "joins ticket {ticket}",
    "duplicate": "is a duplicate: kept, and nothing else happens",
    "ignored": "gets no number: kept, and listed by 'quarantine list --ignored'",
    "quarantined": "goes to quarantine, as a problem ticket with the raw mail",
}


def tell(view: View) -> str:
    """One mail's story; every reason on a line of its own."""
    lines = [printable(str(view["path"])), f"  {_OUTCOMES[view['outcome']].format(ticket=view['ticket'])}"]
    if view["folder"]:
        held = f", held by {view['owner']}" if view["owner"] else ""
        lines.append(f"  shown in {view['folder']} ({view['state']}{held})")
    lines += _findings(view)
    lines += ["", "  stage        verdict      ms  what it said"]
    for stage in view["stages"]:
        lines += _stage(stage)
    return "\n".join(lines)


def _findings(view: View) -> list[str]:
    acknowledge = view["acknowledge"]
    spam = view["spam"]
    answer = "is acknowledged" if acknowledge["send"] else "is not acknowledged"
    lines = [f"  {answer}: {printable(acknowledge['reason'])}"]
    lines += _reasons("follow-up", view["follow_up"]["reasons"])
    if view["automatic"]["class"] != "none":
        lines += _reasons(f"automatic ({view['automatic']['class']})", view["automatic"]["reasons"])
    lines += _reasons(f"spam {spam['score']:.2f} ({spam['verdict']})", spam["clues"][:5])
    if view["bounce"]:
        kind = "hard" if view["bounce"]["hard"] else "soft"
        lines.append(
            f"  bounce: {printable(view['bounce']['recipient'])} {view['bounce']['status']} ({kind})"
        )
    if view["tags"]:
        lines.append(f"  tags: {printable(', '.join(view['tags']))}")
    return lines


def _reasons(name: str, reasons: list[str]) -> list[str]:
    if not reasons:
        return []
    first, *others = (printable(reason) for reason in reasons)
    indent = " " * (len(name) + 4)
    return [f"  {name}: {first}", *(f"{indent}{reason}" for reason in others)]


def _stage(stage: View) -> list[str]:
    said = [f"+{tag}" for tag in stage["tags"]]
    said += [f"{name}={_value(value)}" for name, value in stage["scores"].items()]
    lines = [
        f"  {stage['stage']:<12} {stage['verdict']:<10} {stage['ms']:>5.1f}  {printable('  '.join(said))}"
    ]
    lines += [f"  {'':<30}{printable(f'{name}: {text}')}" for name, text in stage["notes"].items()]
    return [line.rstrip() for line in lines]


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
