"""The templates of answers and notices, and the standard answers: each must be whole before it is needed."""

from __future__ import annotations

from functools import partial

from mailproc.check.paths import canned_folders, template_folders
from mailproc.config import Config
from mailproc.model.mistake import Findings
from mailproc.pipeline.canned import check_template, read_canned
from mailproc.pipeline.closing import read_closing
from mailproc.pipeline.escalation_letters import read_escalation_letters


def check_letters(config: Config, findings: Findings) -> None:
    for name, desk in config.desk.items():
        for key, source in (
            ("sender", desk.sender),
            ("salutation", desk.salutation),
            ("signature", desk.signature),
        ):
            findings.attempt(check_template, source, "desk", name, key)
        if not desk.sender.strip():
            findings.refuse("is empty: From needs a name", "desk", name, "sender")
    _check_canned(config, findings)
    _check_closing(config, findings)
    _check_escalation(config, findings)


def _check_escalation(config: Config, findings: Findings) -> None:
    read = partial(read_escalation_letters, folders=template_folders(config))
    for name, desk in config.desk.items():
        for number, step in enumerate(desk.escalation):
            if step.mail:
                findings.attempt(read, [step.template], "desk", name, "escalation", number, "template")


def _check_canned(config: Config, findings: Findings) -> None:
    try:
        read_canned(canned_folders(config), config.desk)
    except ValueError as error:
        for mistake in str(error).split("\n"):
            findings.refuse(mistake, "canned")


def _check_closing(config: Config, findings: Findings) -> None:
    """The mail that tells a silent customer, where any desk sends it."""
    if all(desk.close_after == "0" for desk in config.desk.values()):
        return
    findings.attempt(read_closing, template_folders(config), "templates")
