"""The holes that were published of programs of this kind: none of them is here.

One test for each, named after it; those of libraries are in a file of their own.  Which cannot be here, as
mailproc has no such part, is told in ``docs/reference/attacks.md``.
"""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import pytest

from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import read
from mailproc.model.address import Address, BadAddress
from mailproc.model.follow_up import Role
from mailproc.model.ticket import MessageStatus, State
from mailproc.pipeline.canned import Canned
from tests.attacks.victim import (
    EVE,
    SECRET,
    answered_ticket,
    answers,
    carlas_ticket,
    from_eve,
    now,
    received,
    roles,
    sent_to,
)
from tests.unit.desk.agents_desk import (
    CARLA,
    answer,
    ask,
    hand_in,
    notices,
    reply_address,
    statuses,
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office, desk, mail

# FreeScout


async def test_freescout_cve_2026_47123_an_agents_reply_is_not_known_by_its_from_and_an_id(
    office: Office,
) -> None:
    """CVE-2026-47123 (GHSA-6r38-6mcf-2ww3): From an agent and the id of a notification, with any MAC."""
    ticket = await answered_ticket(office)
    before = await office.outgoing()
    for number, mac in enumerate(("", ".aaaaaaaaaa", ".0", "-alice")):
        raw = mail(
            sender="alice@example.org",
            message_id=f"<{number}@evil.example>",
            extra=f"In-Reply-To: <{ticket.number}.1{mac}@mail.example.org>",
            text="Pay to eve.",
        )
        await office.receive(raw, sender="alice@example.org")
    assert len(await received(office, ticket)) == 1
    assert await office.outgoing() == before


async def test_freescout_ghsa_8vm3_wwq4_ggfx_no_form_without_a_mac_is_accepted_for_compatibility(
    office: Office,
) -> None:
    """GHSA-8vm3-wwq4-ggfx: ids of an older form counted as signed.  Every carrier here needs its MAC."""
    ticket = await answered_ticket(office)
    number = ticket.number
    await from_eve(
        office, subject=f"[T#{number}] [T#{number}-] [T#{number}-a]", message_id="<1@evil.example>"
    )
    await from_eve(office, to=[f"support+{number}@example.org"], message_id="<2@evil.example>")
    await from_eve(office, to=[f"support+{number}.a@example.org"], message_id="<3@evil.example>")
    await from_eve(office, to=[f"support+bounce.{number}.1@example.org"], message_id="<4@evil.example>")
    old = f"<{number}@mail.example.org> <{number}.1@mail.example.org>"
    await from_eve(office, extra=f"References: {old}", message_id="<5@evil.example>")
    assert len(await received(office, ticket)) == 1


async def test_freescout_ghsa_j49f_9g94_3wh4_a_new_address_in_a_known_thread_is_a_newcomer(
    office: Office,
) -> None:
    """GHSA-j49f-9g94-3wh4: a reply from a new address was taken for the customer's."""
    ticket = await answered_ticket(office)
    await from_eve(office, extra="In-Reply-To: <one@customer.example>", text="Write to me instead.")
    assert "newcomer" in await what_happened(office, ticket)
    assert (await roles(office, ticket))[EVE] is Role.NEW
    assert (await now(office, ticket)).customer == CARLA
    raw = answer(to=reply_address(office, ticket), answers="<evil@evil.example>", message_id="<a2@x>")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert [str(box.address) for box in (await answers(office))[-1].to] == [CARLA]
    assert await sent_to(office, EVE) == []


async def test_freescout_ghsa_83xx_8c27_gq78_an_agent_who_left_answers_no_more(office: Office) -> None:
    """GHSA-83xx-8c27-gq78: who had lost access could still answer by mail; nor decide what he left held."""
    ticket = await answered_ticket(office)
    to = reply_address(office, ticket)
    raw = answer(to=to, sender="bob@example.org", message_id="<b1@x>", text="Sand.")
    assert (await hand_in(office, "bob", raw)).code == 250
    (notice,) = await notices(office, "bob")
    assert notice.reply_to is not None
    left = await Office(office.store, [replace(desk(), agents=("alice",))]).open()

    assert (await left.submissions.check_recipient("bob", Address.parse(to))) is not None
    late = answer(to=to, sender="bob@example.org", message_id="<b2@x>", text="Stones.")
    assert (await hand_in(left, "bob", late)).code == 550
    decision = answer(to=str(notice.reply_to.address), sender="bob@example.org", text="send")
    assert (await hand_in(left, "bob", decision)).code == 550
    assert await statuses(office, ticket) == [MessageStatus.WAITING, MessageStatus.HELD]
    assert len(await answers(office)) == 2


async def test_freescout_ghsa_jpq8_words_of_html_mail_are_text_and_stay_text(office: Office) -> None:
    """GHSA-jpq8: nested tags became tags when others were stripped.  Nothing here strips: HTML is read."""
    nested = "<scr<script>ipt>alert(1)</scr</script>ipt><p>Hello</p><im<b>g src=x onerror=alert(1)>"
    page = mail(extra='Content-Type: text/html; charset="utf-8"', text=nested)
    await office.receive(page)
    (ticket,) = await office.tickets()
    assert "Hello" in read(page).text
    raw = answer(to=reply_address(office, ticket), text=read(page).text)
    assert (await hand_in(office, "alice", raw)).code == 250
    (sent,) = await answers(office)
    assert sent.content_type == "text/plain"


async def test_freescout_ghsa_5vg9_a_line_break_in_an_address_is_no_address(office: Office) -> None:
    """GHSA-5vg9: line breaks in addresses became header lines."""
    for each in ("\n", "\r\n", "\r", "\0", "\x85", "\u2028"):
        with pytest.raises(BadAddress):
            Address.parse(f"eve@evil.example{each}Bcc:mal@evil.example")
    senders = ["=?utf-8?q?eve=0D=0ABcc:_mal?= <eve@evil.example>", '"eve\r\n Bcc: mal" <eve@evil.example>']
    for number, sender in enumerate(senders):
        await from_eve(office, sender=sender, message_id=f"<{number}@evil.example>")
    for item in await office.outgoing():
        parsed = email.message_from_bytes(item.content, policy=email.policy.default)
        assert parsed["Bcc"] is None
        assert [each.address for each in item.recipients] == [EVE]


HOSTILE = '<img src=x onerror="alert(1)"> {{ 7 * 7 }} \u202e& Co'


async def test_freescout_ghsa_9cm3_values_of_customers_are_escaped_in_what_we_write(
    make_office: MakeOffice,
) -> None:
    """GHSA-9cm3: unescaped values in a mail to administrators.  Notices are text; inserts escape."""
    canned = (Canned("sorry", "About {{ subject }}.", html="<p>About {{ subject }}.</p>"),)
    office = await make_office(settings=SubmissionSettings(canned=canned))
    await office.receive(mail(subject=HOSTILE))
    (ticket,) = await office.tickets()
    page = "<html><body><p>::sorry</p></body></html>"
    raw = answer(
        to=reply_address(office, ticket),
        text=page,
        extra='MIME-Version: 1.0\nContent-Type: text/html; charset="utf-8"',
    )
    assert (await hand_in(office, "alice", raw)).code == 250
    (sent,) = await answers(office)
    assert "About &lt;img" in sent.html
    assert "<img" not in sent.html
    assert "{{ 7 * 7 }}" in sent.text
    raw = answer(to=reply_address(office, ticket), sender="bob@example.org", message_id="<b@x>", text="Sand.")
    assert (await hand_in(office, "bob", raw)).code == 250
    (notice,) = await notices(office, "bob")
    assert {part.type for part in notice.parts if part.type.startswith("text/")} == {"text/plain"}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "%2e%2e/secret", "sales/secret", "a\\b"])
async def test_freescout_ghsa_9ph7_a_name_leads_out_of_no_folder(make_office: MakeOffice, name: str) -> None:
    """GHSA-9ph7: path traversal in the viewer of logs.  The one name that a mail gives here is ::NAME."""
    canned = (Canned("secret", "SECRET", desk="sales"),)
    office = await make_office(settings=SubmissionSettings(canned=canned))
    ticket = await carlas_ticket(office)
    raw = answer(to=reply_address(office, ticket), text=f"::{name}\r\n\r\nHello")
    await hand_in(office, "alice", raw)
    assert all("SECRET" not in item.content.decode() for item in await office.outgoing())


async def test_freescout_ghsa_wqq7_a_number_shows_no_ticket_of_another_desk(make_office: MakeOffice) -> None:
    """GHSA-wqq7: search by number without permission.  An agent's number opens what his desks have."""
    office = await make_office(desk(), replace(desk("sales"), agents=("bob",)))
    await office.receive(ask(SECRET, to="sales@example.org"), to=["sales@example.org"])
    (foreign,) = await office.tickets()
    await office.receive(mail(message_id="<two@elsewhere.example>"), sender="dora@elsewhere.example")
    own = (await office.tickets())[-1]
    to_foreign = reply_address(office, foreign)
    assert await office.submissions.check_recipient("alice", Address.parse(to_foreign)) is not None
    tries = [
        answer(to=to_foreign),
        answer(to=CARLA, message_id="<a2@x>"),
        answer(to=CARLA, answers="", subject=office.site.keyring.tag(foreign.number), message_id="<a3@x>"),
    ]
    assert [(await hand_in(office, "alice", raw)).code for raw in tries] == [550] * 3
    merging = answer(
        to=reply_address(office, own),
        answers="<two@elsewhere.example>",
        text=f"#merge {foreign.number}",
        message_id="<a4@x>",
    )
    assert (await hand_in(office, "alice", merging)).code == 250
    assert (await now(office, own)).merged_into is None
    assert all(SECRET not in notice.raw.decode() for notice in await notices(office, "alice"))


# Zendesk


async def test_zendesk_2017_the_ticket_trick_shows_a_services_code_to_nobody_outside(office: Office) -> None:
    """2017: support@ as one's address at a service; its code came into a ticket that the attacker reads."""
    await office.receive(ask(sender=EVE), sender=EVE)
    (ticket,) = await office.tickets()
    code = mail(sender="feedback@service.example", message_id="<c@service.example>", text="Code 831905")
    await office.receive(code, sender="feedback@service.example", to=[reply_address(office, ticket)])
    await office.receive(code.replace(b"<c@", b"<d@"), sender="feedback@service.example")
    assert all(b"831905" not in item.content for item in await office.outgoing())


async def test_zendesk_2024_a_spoofed_customer_brings_nobody_into_the_conversation(office: Office) -> None:
    """2024: mail in the customer's name to a guessed ticket, the attacker in Cc, who then read it all."""
    ticket = await answered_ticket(office)
    before = await office.outgoing()
    spoofed = mail(
        to=f"support+{ticket.number}@example.org",
        message_id="<spoof@evil.example>",
        extra=f"Cc: {EVE}",
        text="Please add my colleague.",
    )
    await office.receive(spoofed, sender=CARLA, to=[f"support+{ticket.number}@example.org"])
    assert await office.outgoing() == before  # no history, no word to anybody
    assert (await roles(office, ticket))[EVE] is Role.NEW

    # What the attacker writes then is seen to be a newcomer's, and answers do not go there by themselves.
    await from_eve(office, subject=f"[T#{ticket.number}]", to=[f"support+{ticket.number}@example.org"])
    assert "newcomer" in await what_happened(office, ticket)
    raw = answer(to=reply_address(office, ticket), answers="<evil@evil.example>", message_id="<a2@x>")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert [str(box.address) for box in (await answers(office))[-1].to] == [CARLA]
    assert await sent_to(office, EVE) == []


async def test_zendesk_2025_forged_requesters_are_sent_no_words_and_not_much(make_office: MakeOffice) -> None:
    """2025: relay spam.  Acknowledgements to forged requesters carried the attacker's subject and text."""
    spam = "BUY NOW at http://evil.example"
    limits = {"unvouched": 10, "per_domain": 100}
    office = await make_office(options={"acknowledge": limits})
    for number in range(40):
        victim = f"victim{number}@v{number}.example"
        raw = mail(
            subject=spam,
            sender=f'"{spam}" <{victim}>',
            message_id=f"<{number}@evil.example>",
            extra=f"References: <{spam.replace(' ', '.')}@evil.example>",
            text=spam,
        )
        await office.receive(raw, sender=victim)
    sent = [item.content for item in await office.outgoing()]
    assert len(sent) == 10
    assert all(b"evil.example" not in content.partition(b"In-Reply-To:")[0] for content in sent)
    assert all(b"BUY" not in content and spam not in read(content).text for content in sent)


# RT, osTicket, Zammad


async def test_rt_cve_2012_4730_no_value_of_ours_makes_a_header(office: Office) -> None:
    """CVE-2012-4730: who could change a name or address put further header fields into mails that left."""
    person = office.site.agents["alice"]
    evil = replace(person, title="Alice\r\nBcc: eve@evil.example")
    office.site.agents["alice"] = evil  # type: ignore[index]  # a dict in these offices
    evil_desk = replace(office.site.desks["support"], title="Support\nBcc: eve@evil.example")
    office.site.desks["support"] = evil_desk  # type: ignore[index]
    ticket = await carlas_ticket(office)
    assert (await hand_in(office, "alice", answer(to=reply_address(office, ticket)))).code == 250
    outgoing = await office.outgoing()
    assert [item for item in outgoing if item.message]  # the answer left, with the name in one line
    for item in outgoing:
        assert read(item.content).headers("Bcc") == ()
        assert [each.address for each in item.recipients] == [CARLA]


async def test_rt_a_field_that_steers_the_program_is_no_outsiders(office: Office) -> None:
    """RT takes RT-Squelch-Replies-To out of mail from outside: here X-Mailproc-… is just text."""
    raw = b"X-Mailproc-Agent: alice\r\nX-Mailproc-Note: vip: yes\r\n" + ask()
    await office.receive(raw)
    (ticket,) = await office.tickets()
    assert (ticket.state, ticket.owner) == (State.NEW, "")
    assert await what_happened(office, ticket) == ["opened", "acknowledged"]


async def test_osticket_a_third_party_injects_nothing_by_a_number_in_the_subject(office: Office) -> None:
    """osTicket's own note: a number in the subject is the last resort, for owner and collaborators only."""
    ticket = await answered_ticket(office)
    await from_eve(office, subject=f"Re: Printer on fire [#{ticket.number}] [T#{ticket.number}]")
    assert len(await received(office, ticket)) == 1
    assert EVE not in await roles(office, ticket)


async def test_zammad_a_number_in_the_subject_is_no_follow_up_without_its_sender(office: Office) -> None:
    """Zammad follows a number up whoever sends it; here that opens a linked ticket, also for auto-replies."""
    ticket = await answered_ticket(office)
    await from_eve(
        office, subject=f"[Ticket#{ticket.number}] T#{ticket.number}", message_id="<1@evil.example>"
    )
    await from_eve(
        office,
        subject=f"[T#{ticket.number}]",
        extra="Auto-Submitted: auto-replied",
        message_id="<2@evil.example>",
    )
    assert len(await received(office, ticket)) == 1
    assert (await now(office, ticket)).state is State.ANSWERED
