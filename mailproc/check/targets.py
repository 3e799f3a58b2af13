"""Rules for targets and the steps of escalation."""

from __future__ import annotations

from mailproc.config import Config, DeskSection, EscalationSection, TargetSection
from mailproc.model.escalation import shown_span
from mailproc.model.mistake import Findings, did_you_mean
from mailproc.model.moment import parse_span

KINDS = ("first", "next", "solution")


def check_targets(config: Config, findings: Findings) -> None:
    """Whose they are, and that each can be meant."""
    for name, desk in config.desk.items():
        if desk.lead and desk.lead not in config.agent:
            hint = did_you_mean(desk.lead, config.agent)
            findings.refuse(f"there is no [agent.{desk.lead}]{hint}", "desk", name, "lead")
        for number, target in enumerate(desk.target):
            _check_target(target, desk, findings, "desk", name, "target", number)
        for number, step in enumerate(desk.escalation):
            _check_step(step, name, config, findings, "desk", name, "escalation", number)
        if desk.escalation and not desk.target:
            text = f"there is no [[desk.{name}.target]]: nothing is ever due"
            findings.refuse(text, "desk", name, "escalation")


def _check_target(target: TargetSection, desk: DeskSection, findings: Findings, *key: str | int) -> None:
    if not any(getattr(target, kind) for kind in KINDS):
        findings.refuse("has no time: write first, next or solution", *key)
    for kind in KINDS:
        text = getattr(target, kind)
        seconds = findings.attempt(parse_span, text, *key, kind) if text else None
        if seconds is None:
            continue
        if seconds == 0:
            findings.refuse("is no time at all", *key, kind)
        if desk.calendar and text.strip().lower()[-1] in "dw":
            hours = shown_span(seconds)
            findings.warn(f'"{text}" are {hours} of opening hours: say it in hours', *key, kind)


def _check_step(
    step: EscalationSection, name: str, config: Config, findings: Findings, *key: str | int
) -> None:
    desk = config.desk[name]
    findings.attempt(parse_span, step.after, *key, "after")
    if not (step.tag or step.priority or step.mail or step.lay or step.release or step.desk):
        findings.refuse("does nothing: write tag, priority, mail, lay, release or desk", *key)
    if not step.of:
        findings.refuse("is of no target", *key, "of")
    if step.desk == name:
        findings.refuse("is this desk itself", *key, "desk")
    elif step.desk and step.desk not in config.desk:
        findings.refuse(f"there is no [desk.{step.desk}]{did_you_mean(step.desk, config.desk)}", *key, "desk")
    if "lead" in step.mail and not desk.lead:
        findings.refuse(f"[desk.{name}] has no lead", *key, "mail")
    if "team" in step.mail and not desk.agents:
        findings.refuse(f"[desk.{name}] has no agents", *key, "mail")
    if step.lay and config.imap is None:
        findings.warn("there is no [imap]: nothing can be laid on top", *key, "lay")
