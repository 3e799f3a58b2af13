"""What waits too long is laid on top of its folder again, as agents see it on a real Dovecot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rig.team import Team
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

# A hundredth of a minute after it came a mail is in danger.
TARGETS = """
[[desk.support.target]]
first = "1m"
warn = 0.01
[[desk.support.escalation]]
at = "warn"
lay = true
priority = "high"
"""


def test_a_mail_that_waits_too_long_is_the_newest_of_new_with_a_flag(
    start_team: Callable[..., Team],
) -> None:
    team = start_team(desk=TARGETS)
    first, second = team.write_and_see(1), team.write_and_see(2)
    assert first.uid < second.uid
    client = team.client("alice")
    client.select_folder("Support/New", readonly=True)
    came = client.fetch([first.uid], ["INTERNALDATE"])[first.uid][b"INTERNALDATE"]

    def laid() -> bool:
        found = team.find(1)
        return len(found) == 1 and found[0].uid > second.uid

    eventually(laid, seconds=60, every=0.5)
    shown = team.see(1, "Support/New")
    assert b"\r\nX-Mailproc-Note: due: first answer, " in shown.raw
    assert b"\r\nX-Priority: 1 (Highest)\r\n" in shown.raw
    assert shown.raw.partition(b"From: Customer")[2] == first.raw.partition(b"From: Customer")[2]
    client.select_folder("Support/New", readonly=True)
    fetched = client.fetch([shown.uid], ["FLAGS", "INTERNALDATE"])[shown.uid]
    assert b"\\Flagged" in fetched[b"FLAGS"]
    assert fetched[b"INTERNALDATE"] > came
    team.move(1, "Support/@bob")
    team.becomes(1, "claimed", "bob")
    assert team.see(1, "Support/@bob").raw == shown.raw


@pytest.mark.parametrize("way", ["command", "move"])
def test_the_flag_goes_when_nobody_is_to_do_anything_any_more(
    start_team: Callable[..., Team], way: str
) -> None:
    team = start_team(desk=TARGETS)
    first = team.write_and_see(1)
    client = team.client("alice")

    def flags(mailbox: str) -> tuple[bytes, ...]:
        shown = team.see(1, mailbox)
        client.select_folder(mailbox, readonly=True)
        return tuple(client.get_flags([shown.uid])[shown.uid])

    eventually(lambda: team.see(1, "Support/New").uid > first.uid, seconds=60, every=0.5)
    assert b"\\Flagged" in flags("Support/New")
    team.move(1, "Support/@bob")
    team.becomes(1, "claimed", "bob")
    assert b"\\Flagged" in flags("Support/@bob")
    if way == "command":
        row = team.row(1)
        assert row is not None
        team.daemon.output("ticket", "close", row["number"], "--as", "bob")
    else:
        team.move(1, "Support/Closed")
    eventually(lambda: b"\\Flagged" not in flags("Support/Closed"), every=0.2)
