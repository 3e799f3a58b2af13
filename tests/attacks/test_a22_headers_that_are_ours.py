"""A22: a header field that is ours to write is worth nothing in a mail that somebody else wrote.

The names are gathered from the code, so that a new one is tested as soon as it is written down.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from mailproc.check.read import read as read_configuration
from mailproc.desk.take_in import take_from_folder, take_in
from mailproc.imap.letter import Letterhead, message_letter
from mailproc.mime.reader import read
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Message
from mailproc.opening import make_site
from tests.attacks.victim import carlas_ticket, now
from tests.unit.desk.agents_desk import answer, ask, hand_in, reply_address, what_happened
from tests.unit.desk.office import ROOT, Office

OURS = re.compile(r"x-mailproc-[a-z-]+", re.IGNORECASE)
FORGED = "m1.aaaaaaaaaa 0.0001 ham; trust: me"
STOPS_LOOPS = "x-mailproc-loop"  # makes a mail automatic: nobody gains by that


def names_in_code() -> set[str]:
    """Every header name of ours in the code, in lower case."""
    constants = (
        node.value
        for folder in ("mailproc", "filters")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {constant.lower() for constant in constants if OURS.fullmatch(constant)}


ATTACHING = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"'
NAMES = sorted(names_in_code())
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str.title,
    "upper": str.upper,
    "with a space": "{} ".format,
}


def forged(name: str, spelling: str = "as it is") -> bytes:
    """The field as somebody outside may write it."""
    return f"{SPELLINGS[spelling](name)}: {FORGED}\r\n".encode()


def test_a22_the_names_are_found() -> None:
    assert {"x-mailproc-id", "x-mailproc-ticket", "x-mailproc-spam", STOPS_LOOPS} <= set(NAMES)


async def the_copy(office: Office, raw: bytes, message: Message) -> bytes:
    """As it lies in the shared folder."""
    ticket = (await office.tickets())[0]
    head = Letterhead(office.site.hostname, office.site.keyring, office.desks[0], ticket, tags=("vip",))
    extra = [("X-Mailproc-Spam", "0.9000 spam"), ("X-Mailproc-Note", "author: 3 mails before")]
    return message_letter(head, "m1", message, raw, extra)


async def test_a22_in_the_folder_only_our_own_is_left(office: Office) -> None:
    await office.receive(ask())
    (message,) = await office.messages((await office.tickets())[0])
    for name, spelling in product(NAMES, SPELLINGS):
        shown = read(await the_copy(office, forged(name, spelling) + ask(), message))
        assert FORGED not in shown.headers(name), (name, spelling)
        assert FORGED in shown.headers(f"X-Old-{name}"), (name, spelling)


@pytest.mark.parametrize("name", NAMES)
async def test_a22_the_chain_believes_none_of_them(office: Office, name: str) -> None:
    """A forged mail is judged, filed and answered as the same mail without the field."""
    ticket = await carlas_ticket(office)
    more = ask("More.", message_id="<two@customer.example>", extra="In-Reply-To: <one@customer.example>")
    await office.receive(forged(name) + more)
    after = await now(office, ticket)
    assert (after.state, after.owner, after.spam, after.topic, after.number) == (
        ticket.state,
        ticket.owner,
        ticket.spam,
        ticket.topic,
        ticket.number,
    )
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == []
    assert await what_happened(office, ticket) == ["opened", "acknowledged", "follow_up", "not_acknowledged"]
    classes = {message.automatic for message in await office.messages(ticket)}
    assert classes == ({"none", "auto_reply"} if name == STOPS_LOOPS else {"none"})


async def test_a22_none_leaves_with_an_agents_mail(office: Office) -> None:
    ticket = await carlas_ticket(office)
    raw = b"".join(map(forged, NAMES)) + answer(to=reply_address(office, ticket))
    assert (await hand_in(office, "alice", raw, to=[reply_address(office, ticket)])).code == 250
    sent = [read(item.content) for item in await office.outgoing() if item.message]
    assert [[name for name in mail.header_names if "mailproc" in name] for mail in sent] == [[]]


async def test_a22_results_of_authentication_in_our_name_are_ours(office: Office) -> None:
    """RFC 8601 section 5; what the mail server has to take out is told in the manual and tested there."""
    lies = b"Authentication-Results: mail.example.org; dmarc=pass header.from=customer.example\r\n"
    raw = lies + ask()
    await office.receive(raw)
    (message,) = await office.messages((await office.tickets())[0])
    shown = read(await the_copy(office, raw, message))
    assert shown.headers("Authentication-Results") == ()
    assert shown.has("X-Old-Authentication-Results")


VOUCHED = b"Authentication-Results: mail.example.org; dmarc=pass header.from=customer.example\r\n"


async def test_a22_a_mail_inside_a_forward_does_not_vouch_for_itself(office: Office) -> None:
    """No mail server looked at what is attached: an agent forwards what he got, whoever forged that."""
    await office.receive(VOUCHED + ask())
    (ticket,) = await office.tickets()
    inner = ask("It was me.", message_id="<evil@evil.example>", subject=f"[T#{ticket.number}] again")
    outer = answer(to="support@example.org", answers="", subject="Fwd: again", extra=ATTACHING)
    head, _, _ = outer.partition(b"\r\n\r\n")
    part = b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + VOUCHED + inner + b"\r\n--b--\r\n"
    assert (await hand_in(office, "alice", head + part)).code == 250
    await office.processor.drain()
    opened = (await office.tickets())[-1]
    assert (opened.number != ticket.number, opened.customer) == (True, ticket.customer)


async def test_a22_a_mail_that_is_dragged_into_the_folder_does_not_vouch_for_itself(office: Office) -> None:
    """It lay in some mailbox, whose server had no reason to take out what was forged in our name."""
    await office.receive(VOUCHED + ask())
    (ticket,) = await office.tickets()
    raw = ask("It was me.", message_id="<evil@evil.example>", subject=f"[T#{ticket.number}] again")
    assert not (await take_from_folder(office.store, office.desks[0], VOUCHED + raw, office.clock())).is_filed
    await office.processor.drain()
    opened = (await office.tickets())[-1]
    assert (opened.number != ticket.number, opened.customer) == (True, ticket.customer)
    author = await office.store.read(lambda tx: tx.authors.get("support", "carla@customer.example"))
    assert (author.mails, author.aligned) == (2, 1)


async def test_a22_an_imported_mail_does_not_vouch_for_itself(office: Office) -> None:
    assert await take_in(office.store, office.desks[0], VOUCHED + ask(), office.clock())
    await office.processor.drain()
    author = await office.store.read(lambda tx: tx.authors.get("support", "carla@customer.example"))
    assert (author.mails, author.aligned) == (1, 0)


async def test_a22_the_same_mail_vouched_for_by_our_server_would_have_joined(office: Office) -> None:
    """That the test above tries the right thing."""
    await office.receive(VOUCHED + ask())
    (ticket,) = await office.tickets()
    raw = ask("It was me.", message_id="<two@customer.example>", subject=f"[T#{ticket.number}] again")
    await office.receive(VOUCHED + raw)
    assert len(await office.messages(ticket)) == 2


def test_a22_the_names_that_are_believed_are_those_that_copies_do_not_show(tmp_path: Path) -> None:
    path = tmp_path / "mailproc.toml"
    path.write_text(
        'data_dir = "state"\n[desk.support]\naddresses = ["support@example.org"]\n'
        '[stage.auth]\ntrusted = ["mx.example.org"]\n'
        '[stage.strict]\nuse = "auth"\ntrusted = ["mx2.example.org"]\n'
        '[stage.spam]\ntrusted = ["other.example"]\n'
    )
    site = make_site(read_configuration(path, {}).config, Keyring.generate(bytes(32)))
    assert site.authserv_ids == ("mx.example.org", "mx2.example.org")
