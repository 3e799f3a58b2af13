"""What a relay is given of a mail, and what its replies mean for each recipient."""

from __future__ import annotations

import pytest

from mailproc.model.outbox import Fate
from tests.rig.relaying import ANN, BOB, EVE, MAIL, MakeRelay, MakeScripted, outcome
from tests.rig.scripted_relay import DROP, KEEP_AND_DROP


async def test_each_recipient_gets_its_own_reply(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted(
        {"RCPT": ["250 2.1.5 ok", "450 4.2.0 greylisted", "550-5.1.1 no\r\n550 5.1.1 user"]}
    )
    relay = relay_to(peer)
    assert await outcome(relay, ANN, BOB, EVE) == {
        ANN: (Fate.ACCEPTED, "250 2.0.0 queued"),
        BOB: (Fate.LATER, "450 4.2.0 greylisted"),
        EVE: (Fate.REFUSED, "550 5.1.1 no user"),
    }
    assert [taken.recipients for taken in peer.taken] == [(ANN,)]


async def test_mail_arrives_byte_for_byte_with_its_envelope(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    mail = b".dot\r\n..two\r\nSubject: x\r\n\r\n.\r\n.\r\nlast line without an end"
    await outcome(relay_to(peer), ANN, BOB, content=mail, mail_from="")
    (taken,) = peer.taken
    assert taken.mail == f"MAIL FROM:<> SIZE={len(mail)}"
    assert taken.recipients == (ANN, BOB)
    assert taken.wire == (
        b"..dot\r\n...two\r\nSubject: x\r\n\r\n..\r\n..\r\nlast line without an end\r\n.\r\n"
    )


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("reply", "fate"), [("452 4.3.1 full", Fate.LATER), ("554 5.7.1 spam", Fate.REFUSED)]
)
async def test_refusal_at_any_verb_is_the_recipients_reply(
    verb: str, reply: str, fate: Fate, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({verb: [reply]})
    relay = relay_to(peer)
    assert await outcome(relay) == {ANN: (fate, reply)}
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED
    assert len(peer.taken) == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", [DROP, "421 4.3.2 shutting down", "gibberish", "250"])
async def test_connection_that_ends_before_the_mail_was_sent_means_later(
    verb: str, reply: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    if reply == "250" and verb != "DATA":
        reply = "350 what now"
    peer = await scripted({verb: [reply]})
    relay = relay_to(peer)
    assert (await outcome(relay))[ANN][0] is Fate.LATER
    assert peer.taken == []
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED


@pytest.mark.parametrize("reply", [KEEP_AND_DROP, DROP, "gibberish", "354 more"])
async def test_lost_reply_to_the_whole_mail_means_unknown(
    reply: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({".": [reply], "RCPT": ["250 ok", "550 5.1.1 no"]})
    relay = relay_to(peer)
    assert {fate for fate, _ in (await outcome(relay, ANN, BOB)).values()} == {Fate.UNKNOWN}
    assert (await outcome(relay))[ANN][0] is Fate.ACCEPTED
    assert peer.connections == 2


async def test_421_in_place_of_the_final_250_is_no_unknown(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    relay = relay_to(await scripted({".": ["421 4.3.2 shutting down"]}))
    assert await outcome(relay) == {ANN: (Fate.LATER, "421 4.3.2 shutting down")}


@pytest.mark.parametrize("end", ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n"])
async def test_mail_with_a_bare_newline_never_leaves(
    end: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    smuggled = MAIL + end.encode() + b"MAIL FROM:<a@b.example>\r\n"
    assert await outcome(relay_to(peer), content=smuggled) == {
        ANN: (Fate.REFUSED, "550 5.5.2 Bare CR or LF received")
    }
    assert peer.connections == 0


async def test_end_of_data_inside_the_mail_is_hidden(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    await outcome(relay_to(peer), content=MAIL + b"\0\r\n.\r\nMAIL FROM:<a@b.example>\r\n")
    (taken,) = peer.taken
    assert taken.wire.count(b"\r\n.\r\n") == 1
    assert [command for command in peer.commands if command.startswith("MAIL")] == [taken.mail]


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com\r\nRCPT TO:<eve@example.com>",
        "ann@example.com, eve@example.com",
        "a\nnn@example.com",
        "<ann@example.com>",
        "ann@example.com> SIZE=1",
        "ann",
        "",
        "a b@example.com",
        "ann\ud800@example.com",
        "ann\x85@example.com",
    ],
)
async def test_odd_recipient_is_refused_here_and_others_are_served(
    address: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted()
    result = await outcome(relay_to(peer), BOB, address)
    assert result[address] == (Fate.REFUSED, "501 5.1.3 Bad address syntax")
    assert result[BOB][0] is Fate.ACCEPTED
    assert [command for command in peer.commands if command.startswith("RCPT")] == [f"RCPT TO:<{BOB}>"]


async def test_odd_sender_is_refused_here(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    assert (await outcome(relay_to(peer), mail_from="a@b> X"))[ANN][1].startswith("501 5.1.7")
    assert peer.connections == 0


async def test_smtputf8_is_asked_for_only_when_needed(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted()
    relay = relay_to(peer)
    await outcome(relay, content=MAIL + "Grüße\r\n".encode())
    await outcome(relay, ANN, "jürgen@example.com")
    await outcome(relay, content="Subject: Grüße\r\n\r\n".encode())
    await outcome(relay, content=b"Subject: Gr\xfc\xdfe\r\n\r\n")
    parameters = [" ".join(taken.mail.split()[3:]) for taken in peer.taken]
    assert parameters == ["BODY=8BITMIME", "SMTPUTF8", "BODY=8BITMIME SMTPUTF8", "BODY=8BITMIME"]


async def test_relay_without_smtputf8_gets_only_what_it_can_take(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=("8BITMIME",))
    relay = relay_to(peer)
    result = await outcome(relay, ANN, "jürgen@example.com")
    assert result[ANN][0] is Fate.ACCEPTED
    assert result["jürgen@example.com"][0] is Fate.REFUSED
    assert result["jürgen@example.com"][1].startswith("550 5.6.7")
    for needy in (
        await outcome(relay, mail_from="jürgen@example.org"),
        await outcome(relay, content="Subject: ü\r\n\r\n".encode()),
    ):
        assert needy[ANN][1].startswith("550 5.6.7")
    assert len(peer.taken) == 1


async def test_mail_over_the_relays_size_is_refused_without_sending_it(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=("SIZE 100",))
    assert (await outcome(relay_to(peer), content=MAIL + b"x" * 100))[ANN][1].startswith("552 5.3.4")
    assert "DATA" not in peer.commands


async def test_reply_text_is_made_fit_for_logs_and_people(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted({"RCPT": ["550-5.1.1 \x1b[31mno\x07\r\n550 5.1.1 " + "x" * 5000]})
    ((_, reply),) = (await outcome(relay_to(peer))).values()
    assert reply.startswith("550 5.1.1 [31mno xxx")
    assert len(reply) < 420
