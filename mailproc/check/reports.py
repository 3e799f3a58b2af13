"""Rules for reports and digests: what is sent, when, and to whom."""

from __future__ import annotations

from collections.abc import Collection

from mailproc.config import Config
from mailproc.model.mistake import Findings, did_you_mean
from mailproc.model.period import parse_schedule, parse_time


def check_reports(config: Config, findings: Findings) -> None:
    """The tables ``[[report]]``, and ``digest`` of desks."""
    seen: set[str] = set()
    for number, report in enumerate(config.report):
        key = ("report", number)
        if not report.name:
            findings.refuse("missing: a report needs a name", *key, "name")
        elif not report.name.isprintable():
            findings.refuse("is no name: it holds what cannot be printed", *key, "name")
        elif report.name in seen:
            findings.refuse(f'there is a report "{report.name}" already', *key, "name")
        seen.add(report.name)
        findings.attempt(parse_schedule, report.every, *key, "every")
        _check_names(report.desks, "desk", config.desk, findings, *key, "desks")
        leads = ("lead",) if any(config.desk[name].lead for name in config.desk) else ()
        _check_names(report.to, "agent", (*config.agent, *leads), findings, *key, "to")
        if not report.to:
            findings.refuse("missing: a report needs agents to send it to", *key, "to")
    for name, desk in config.desk.items():
        if desk.digest:
            findings.attempt(parse_time, desk.digest, "desk", name, "digest")


def _check_names(
    names: Collection[str], kind: str, known: Collection[str], findings: Findings, *key: str | int
) -> None:
    for number, name in enumerate(names):
        if name not in known:
            findings.refuse(f"there is no [{kind}.{name}]{did_you_mean(name, known)}", *key, number)
