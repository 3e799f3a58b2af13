"""Log in at the IMAP server, and look at every desk's folder and at who may do what there.

Nothing is made or changed.  Rights are those of RFC 4314; agents' are seen where a master user can act as
them.  A server without ACL is taken at its word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

from mailproc.check.mailboxes import folder_names, imap_settings
from mailproc.check.probed import Probed
from mailproc.config import DeskSection, ImapSection
from mailproc.imap import verbs
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.session import Session
from mailproc.imap.settings import ImapSettings
from mailproc.imap.tree import Tree
from mailproc.model.desk import Desk
from mailproc.model.folder import places_of

# RFC 4314 section 2.1, as far as somebody needs them here.
_RIGHTS = {
    "l": "see it",
    "r": "read",
    "s": "keep what is read",
    "w": "set marks",
    "i": "put mail in",
    "t": "delete",
    "e": "expunge",
}
_OURS = "lrwite"
_AGENTS = "lrswite"
_OLD = {"d": "te"}  # RFC 4314 section 2.1.1: what older servers call it
_EXTENSIONS = ("NOTIFY", "IDLE", "MOVE", "UIDPLUS", "MULTIAPPEND", "CONDSTORE", "LIST-STATUS")


def probe_folders(imap: ImapSection, desks: Mapping[str, DeskSection], seconds: float) -> Iterator[Probed]:
    """The server first, then each desk's folder, then each agent; ``seconds`` is for each answer."""
    settings = replace(imap_settings(imap), timeout=seconds)
    session = Session(settings)
    try:
        session.run(Session.open)
        yield Probed("imap", settings.name, remark=_offered(session))
        trees = {name: _tree(name, desk, imap, session) for name, desk in desks.items()}
        for tree in trees.values():
            yield _probe_tree(session, tree, settings.user, _OURS)
        if settings.login == "master":
            for agent, working in _by_agent(desks, trees).items():
                yield _probe_agent(settings.on_behalf_of(agent), working)
    except ImapDown as down:
        yield Probed("imap", settings.name, failure=told(down, settings))
    finally:
        session.close()


def _offered(session: Session) -> str:
    offered = [name for name in _EXTENSIONS if session.offers(name)]
    return ", ".join(offered) or "none of " + ", ".join(_EXTENSIONS)


def _tree(name: str, section: DeskSection, imap: ImapSection, session: Session) -> Tree:
    desk = Desk(name=name, title=name, addresses=(), agents=section.agents, review=section.review)
    return Tree(section.folder or name, places_of(desk), folder_names(imap), session.namespaces)


def _by_agent(desks: Mapping[str, DeskSection], trees: Mapping[str, Tree]) -> dict[str, list[Tree]]:
    agents = dict.fromkeys(agent for desk in desks.values() for agent in desk.agents)
    return {agent: [trees[name] for name in desks if agent in desks[name].agents] for agent in agents}


def _probe_agent(settings: ImapSettings, trees: Collection[Tree]) -> Probed:
    session = Session(settings)
    try:
        session.run(Session.open)
        found = [_probe_tree(session, tree, settings.user, _AGENTS) for tree in trees]
    except ImapDown as down:
        return Probed("agent", settings.user, failure=told(down, settings))
    finally:
        session.close()
    failures = "; ".join(f"{probed.where}: {probed.failure}" for probed in found if probed.failure)
    return Probed("agent", settings.user, failures)


def _probe_tree(session: Session, tree: Tree, user: str, needed: str) -> Probed:
    pattern = f"{tree.root}{tree.separator}*"
    listed = session.run(partial(verbs.list_folders, pattern=pattern))
    present = {folder.mailbox for folder in listed if folder.selectable}
    lacking: dict[str, list[str]] = {}
    for mailbox in tree.mailboxes.values():
        if mailbox in present and (missing := missing_rights(session, mailbox, needed)):
            lacking.setdefault(missing, []).append(mailbox)
    failure = "; ".join(
        f"{user} may not {in_words(missing)} in {', '.join(mailboxes)}"
        for missing, mailboxes in lacking.items()
    )
    to_be_made = len(tree.mailboxes) - len(present & {*tree.mailboxes.values()})
    remark = f"{to_be_made} of {len(tree.mailboxes)} mailboxes will be made" if to_be_made else ""
    return Probed("folder", tree.root, failure, remark)


def missing_rights(session: Session, mailbox: str, needed: str) -> str:
    """The needed rights that we have not, as letters."""
    try:
        rights = session.run(partial(verbs.rights, mailbox=mailbox))
    except ImapRefused:
        return needed  # RFC 4314 section 3.8: not even that may be asked
    if rights is None:
        return ""
    held = rights + "".join(_OLD.get(right, "") for right in rights)
    return "".join(right for right in needed if right not in held)


def in_words(rights: str) -> str:
    return ", ".join(f"{_RIGHTS[right]} ({right})" for right in rights)


def told(down: ImapDown, settings: ImapSettings) -> str:
    return str(down).removeprefix(f"{settings.name}: ")
