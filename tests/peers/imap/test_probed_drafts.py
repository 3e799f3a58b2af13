"""``mailproc check --probe`` tells whether agents' Drafts can be reached."""

from __future__ import annotations

from collections.abc import Callable

from mailproc.check.probed_drafts import probe_drafts
from mailproc.config import AgentSection, ImapSection
from tests.rig.dovecot import Dovecot

SECONDS = 20.0
MASTER = {"login": "master", "master_user": "master", "password": "master"}


def probed(dovecot: Dovecot, agent: AgentSection, **keys: str) -> list[str]:
    keys = {"password": "mailproc", **keys}
    section = ImapSection(address=f"127.0.0.1:{dovecot.port}", tls="none", **keys)  # type: ignore[arg-type]
    return [str(line) for line in probe_drafts(section, {"alice": agent}, SECONDS)]


def test_a_master_user_reaches_the_mailbox_that_the_server_calls_drafts(dovecot: Dovecot) -> None:
    found = probed(dovecot, AgentSection(drafts=True, draft_answers=True), **MASTER)
    assert found == ["drafts alice … ok (Drafts)"]


def test_who_did_not_opt_in_is_not_asked_about(dovecot: Dovecot) -> None:
    assert probed(dovecot, AgentSection(), **MASTER) == []


def test_a_missing_mailbox_and_missing_rights_are_told(
    make_dovecot: Callable[..., Dovecot],
) -> None:
    dovecot = make_dovecot(desks=("People",), separator=".")
    lent = AgentSection(drafts=True, draft_answers=True, drafts_folder="People/alice")
    (absent,) = probed(dovecot, lent)
    assert absent.startswith("drafts alice … People.alice: ")
    with dovecot.client("mailproc") as client:
        client.create_folder("People.alice")
    assert probed(dovecot, lent) == ["drafts alice … ok (People.alice)"]
    dovecot.give("People", rights="user=mailproc lr\n")
    (found,) = probed(dovecot, lent)
    assert found.startswith("drafts alice … mailproc may not put mail in (i)")
