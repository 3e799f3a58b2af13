"""Agents: which addresses are theirs, who may write to strangers, and who reviews whom."""

from __future__ import annotations

import pytest

from mailproc.model.address import Address
from mailproc.model.mac import Keyring
from mailproc.opening import make_site
from tests.unit.config.conftest import DESK, Check, Mistakes

AGENTS = """\
[agent.alice]
address = "alice@example.org"
addresses = ["a.ang@example.org"]
new = true
[agent.bob]
address = "bob@example.org"
"""
TEAM = f'{DESK}agents = ["alice", "bob"]\n'


def test_an_agents_keys_reach_the_site(check: Check) -> None:
    loaded = check(f'{TEAM}review = ["bob"]\nsend_delay = 30\n{AGENTS}')
    site = make_site(loaded.config, Keyring.generate(bytes(32)))
    alice, bob = site.agents["alice"], site.agents["bob"]
    assert alice.addresses == (Address("alice", "example.org"), Address("a.ang", "example.org"))
    assert (alice.may_write_new, bob.may_write_new) == (True, False)
    desk = site.desks["support"]
    assert (desk.review, desk.send_delay) == (("bob",), 30.0)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (
            'review = ["alise"]',
            'desk.support.review[0]: "alise" is no agent of this desk (did you mean "alice"?)',
        ),
        ('review = ["alice", "bob"]', "desk.support.review: leaves nobody who could approve an answer"),
        ("send_delay = -1", "desk.support.send_delay: "),
    ],
)
def test_a_review_that_cannot_work_and_a_delay_before_now_are_mistakes(
    mistakes: Mistakes, line: str, mistake: str
) -> None:
    (found,) = mistakes(f"{TEAM}{line}\n{AGENTS}")
    assert found.partition(": ")[2].startswith(mistake)


@pytest.mark.parametrize(
    ("address", "mistake"),
    [
        ("bob@example.org", "is already an address of agent"),
        ("support@example.org", "is already an address of desk support"),
        ("nobody", "no @ in address"),
    ],
)
def test_a_further_address_of_an_agent_is_one_and_nobody_elses(
    mistakes: Mistakes, address: str, mistake: str
) -> None:
    found = mistakes(TEAM + AGENTS.replace("a.ang@example.org", address))
    assert any(mistake in line for line in found)
