"""The rules for agents who let mailproc look after their Drafts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproc.check.mailboxes import agents_settings, imap_settings
from mailproc.config import AgentSection, ImapSection
from tests.unit.config.conftest import DESK, Check, Mistakes

OWN = '[imap]\npassword = "secret"\n'
MASTER = '[imap]\npassword = "secret"\nlogin = "master"\nmaster_user = "master"\n'
AGENTS = "[agent.alice]\n{alice}\n[agent.bob]\n{bob}\n"


@pytest.mark.parametrize("key", ["drafts", "draft_answers"])
@pytest.mark.parametrize(
    ("imap", "more", "mistake"),
    [
        ("", "", "drafts lie on the server of [imap], and there is none"),
        (OWN, "", 'whose Drafts? this needs drafts_folder, or login = "master" in [imap]'),
        (OWN, '\ndrafts_folder = "a//b"', "'a//b' is no name of a folder"),
        (OWN, '\ndrafts_folder = "shared/%/Drafts"', "'shared/%/Drafts' is no name of a folder"),
    ],
)
def test_drafts_that_cannot_be_reached_are_a_mistake(
    mistakes: Mistakes, key: str, imap: str, more: str, mistake: str
) -> None:
    text = f"{DESK}{imap}" + AGENTS.format(alice=f"{key} = true{more}", bob="")
    assert [line for line in mistakes(text) if line.endswith(mistake)]


def test_two_agents_cannot_have_one_mailbox(mistakes: Mistakes) -> None:
    same = 'drafts = true\ndrafts_folder = "shared/Drafts"'
    (found,) = mistakes(f"{DESK}{OWN}" + AGENTS.format(alice=same, bob=same))
    assert found.endswith('agent.bob.drafts_folder: "shared/Drafts" is already that of agent alice')


def test_a_folder_that_nobody_looks_after_is_warned_of(check: Check) -> None:
    text = f"{DESK}{MASTER}" + AGENTS.format(alice='drafts_folder = "Drafts"', bob="drafts = true")
    assert [line for line in check(text).warnings if "drafts_folder: not used" in line]


def test_a_master_user_acts_as_the_agent_by_his_login() -> None:
    imap = ImapSection(password="secret", login="master", master_user="master")
    settings = imap_settings(imap)
    assert agents_settings(imap, "alice", AgentSection()) == replace(settings, user="alice")
    assert agents_settings(imap, "alice", AgentSection(login="a.ang")) == replace(settings, user="a.ang")
    own = ImapSection(password="secret")
    assert agents_settings(own, "alice", AgentSection()) == imap_settings(own)
