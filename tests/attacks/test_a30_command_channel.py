"""A30: only an agent's own first lines are commands, and none of them ever reaches a customer."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mailproc.model.ticket import State
from tests.attacks.victim import answers, carlas_ticket, now, received
from tests.unit.desk.agents_desk import answer, hand_in, notices, reply_address
from tests.unit.desk.office import Office, mail

HTML = 'Content-Type: text/html; charset="utf-8"'
BASE64 = "Content-Transfer-Encoding: base64"
QUOTE = "On Monday Carla wrote:\r\n> #close\r\n> #assign bob\r\n> +close\r\n"


def hidden(text: str) -> str:
    """Folded as base64 is."""
    return b64encode(text.encode()).decode()


NOT_COMMANDS = {
    "quoted below": ("", f"Use water.\r\n\r\n{QUOTE}"),
    "quoted above": ("", f"{QUOTE}\r\nUse water.\r\n"),
    "in the middle": ("", "Use water.\r\n#close\r\nThanks.\r\n"),
    "in the signature": ("", "Use water.\r\n-- \r\n#close\r\n"),
    "in an HTML quote": (HTML, "<p>Use water.</p><blockquote><p>#close</p></blockquote>"),
    "in an HTML quote above": (HTML, "<blockquote><p>#close</p></blockquote><p>Use water.</p>"),
    "invisible": (HTML, '<p style="display:none">#assign bob</p><p>Use water.</p>'),
    "in a comment": (HTML, "<!-- #close --><p>Use water.</p>"),
    "quoted in base64": (BASE64, hidden(f"Use water.\r\n\r\n{QUOTE}")),
}


# So near to the top that it may be a command in the wrong place: its author decides.
COMES_BACK = ("in the middle", "in the signature")


@pytest.mark.parametrize("place", sorted(NOT_COMMANDS))
async def test_a30_what_an_agent_quotes_commands_nothing(office: Office, place: str) -> None:
    """A customer who writes commands into a mail must not have them done by the agent's answer."""
    ticket = await carlas_ticket(office)
    extra, text = NOT_COMMANDS[place]
    raw = answer(to=reply_address(office, ticket), text=text, extra=extra)
    assert (await hand_in(office, "alice", raw)).code == 250
    after = await now(office, ticket)
    if place in COMES_BACK:
        assert (after.state, after.owner) == (State.NEW, "")
        assert await answers(office) == []
        assert len(await notices(office, "alice")) == 1
    else:
        assert (after.state, after.owner) == (State.ANSWERED, "alice")
        (sent,) = await answers(office)
        assert "Use water." in sent.text


@pytest.mark.parametrize("extra", ["", HTML, BASE64])
@pytest.mark.parametrize("to", ["support@example.org", "support+close@example.org", "the ticket"])
async def test_a30_a_customers_commands_are_text(office: Office, to: str, extra: str) -> None:
    ticket = await carlas_ticket(office)
    before = await office.outgoing()
    words = "#close\r\n#spam\r\n#merge 1\r\n#note x\r\n"
    text = {"": words, HTML: "<p>#close</p><p>#spam</p>", BASE64: hidden(words)}[extra]
    raw = mail(
        message_id="<two@customer.example>",
        extra="\n".join(filter(None, ["In-Reply-To: <one@customer.example>", extra])),
        text=text,
    )
    await office.receive(raw, to=[reply_address(office, ticket) if to == "the ticket" else to])
    after = await now(office, ticket)
    assert (after.state, after.owner, after.merged_into) == (State.NEW, "", None)
    assert len(await received(office, ticket)) == 2
    assert await office.outgoing() == before  # nor a transcript


TYPOS = ("#clsoe", "#close now", "#Snooze", "# close", "#assign", "#assign nobody", "#merge x", "#schliessen")


@pytest.mark.parametrize("form", ["text", "HTML", "base64"])
async def test_a30_a_mistyped_command_comes_back_and_reaches_no_customer(office: Office, form: str) -> None:
    ticket = await carlas_ticket(office)
    for number, first in enumerate(TYPOS):
        extra, text = {
            "text": ("", f"{first}\r\n\r\nUse water.\r\n"),
            "HTML": (HTML, f"<p>{first}</p><p>Use water.</p>"),
            "base64": (BASE64, hidden(f"{first}\r\n\r\nUse water.\r\n")),
        }[form]
        to, message_id = reply_address(office, ticket), f"<{number}@laptop.example>"
        raw = answer(to=to, text=text, extra=extra, message_id=message_id)
        assert (await hand_in(office, "alice", raw)).code == 250
        assert await answers(office) == [], first
        told = await notices(office, "alice")
        assert len(told) == number + 1, first
        assert first in told[-1].text
    assert (await now(office, ticket)).state is State.NEW
