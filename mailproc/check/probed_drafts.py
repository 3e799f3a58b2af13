"""Look whether the Drafts of agents who want it can be reached as they have to be; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from mailproc.check.folders import in_words, missing_rights, told
from mailproc.check.mailboxes import agents_settings
from mailproc.check.probed import Probed
from mailproc.config import AgentSection, ImapSection
from mailproc.imap import verbs
from mailproc.imap.drafts import find_drafts
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.session import Session

_TO_READ = "lr"
_TO_LAY = "iwte"  # and to take away what was laid


def probe_drafts(imap: ImapSection, agents: Mapping[str, AgentSection], seconds: float) -> Iterator[Probed]:
    """Each agent who opted in; ``seconds`` is for each answer."""
    for name, agent in agents.items():
        if agent.drafts or agent.draft_answers:
            yield _probe(imap, name, agent, seconds)


def _probe(imap: ImapSection, name: str, agent: AgentSection, seconds: float) -> Probed:
    settings = replace(agents_settings(imap, name, agent), timeout=seconds)
    session = Session(settings)
    needed = _TO_READ + (_TO_LAY if agent.draft_answers else "")
    try:
        session.run(Session.open)
        mailbox = session.run(partial(find_drafts, configured=agent.drafts_folder))
        return Probed("drafts", name, _failure(session, mailbox, settings.user, needed), mailbox)
    except ImapDown as down:
        return Probed("drafts", name, failure=told(down, settings))
    finally:
        session.close()


def _failure(session: Session, mailbox: str, user: str, needed: str) -> str:
    try:
        session.run(partial(verbs.uids, mailbox=mailbox))
    except ImapRefused as refusal:
        return f"{mailbox}: {refusal.text}"
    missing = missing_rights(session, mailbox, needed)
    return f"{user} may not {in_words(missing)} in {mailbox}" if missing else ""
