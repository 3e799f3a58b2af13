"""Which agent a user is."""

from __future__ import annotations

from mailproc.desk.site import Agent, Site
from mailproc.listen.credentials.authenticator import make_roster
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.mac import Keyring


def site(*working: str) -> Site:
    desk = Desk(name="support", title="", addresses=(Address("support", "example.org"),), agents=working)
    agents = {name: Agent(name, name, Address(name.lower(), "example.org")) for name in ("Alice", "bob")}
    return Site("mail.example.org", {"support": desk}, agents, Keyring.generate(bytes(32)))


def test_an_agent_is_known_by_name_and_address_in_any_case() -> None:
    assert make_roster(site("Alice"), {}) == {"alice": "Alice", "alice@example.org": "Alice"}


def test_who_works_for_no_desk_is_nobody() -> None:
    assert make_roster(site(), {}) == {}


def test_a_login_stands_for_name_and_address() -> None:
    roster = make_roster(site("Alice", "bob"), {"Alice": "A.Ang@Users.example", "bob": ""})
    assert roster == {"a.ang@users.example": "Alice", "bob": "bob", "bob@example.org": "bob"}
