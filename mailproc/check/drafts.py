"""Rules for agents who let mailproc look after their Drafts."""

from __future__ import annotations

from mailproc.check.imap import WILDCARDS
from mailproc.config import AgentSection, Config, ImapSection
from mailproc.model.mistake import Findings


def check_drafts(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    taken: dict[str, str] = {}
    for name, agent in config.agent.items():
        wanted = [key for key in ("drafts", "draft_answers") if getattr(agent, key)]
        folder = agent.drafts_folder
        if folder and not wanted:
            findings.warn(
                "not used: neither drafts nor draft_answers is true", "agent", name, "drafts_folder"
            )
        elif folder and not _is_name(folder):
            findings.refuse(f"{folder!r} is no name of a folder", "agent", name, "drafts_folder")
        elif wanted:
            _check_way(config.imap, name, agent, wanted[0], taken, findings)


def _check_way(
    imap: ImapSection | None,
    name: str,
    agent: AgentSection,
    key: str,
    taken: dict[str, str],
    findings: Findings,
) -> None:
    """Can we get there, and is it the agent's alone?"""
    if imap is None:
        findings.refuse("drafts lie on the server of [imap], and there is none", "agent", name, key)
    elif imap.login != "master":
        if not agent.drafts_folder:
            text = 'whose Drafts? this needs drafts_folder, or login = "master" in [imap]'
            findings.refuse(text, "agent", name, key)
        elif (other := taken.setdefault(agent.drafts_folder, name)) != name:
            text = f'"{agent.drafts_folder}" is already that of agent {other}'
            findings.refuse(text, "agent", name, "drafts_folder")


def _is_name(folder: str) -> bool:
    is_path = folder.isprintable() and folder == folder.strip("/ ") and "//" not in folder
    return is_path and not WILDCARDS & {*folder}
