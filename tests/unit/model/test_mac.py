"""Tags, addresses and Message-IDs prove themselves, and nothing else passes for one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.follow_up import Carrier, Token
from mailproc.model.mac import (
    BadKeyring,
    Keyring,
    read_address,
    read_message_id,
    read_tags,
    remove_tags,
)

KEYRING = Keyring.generate(b"0123456789abcdef0123456789abcdef")
OTHER = Keyring.generate(b"fedcba9876543210fedcba9876543210")
DESK = Desk("support", "Support", (Address("Support", "example.org"), Address("help", "example.org")))
NUMBER = "2026112100017"

numbers = st.from_regex(r"[1-9][0-9]{0,14}", fullmatch=True)
serials = st.integers(min_value=0, max_value=10**15)
base32 = "abcdefghijklmnopqrstuvwxyz234567"


def only_tag(text: str) -> Token:
    (token,) = read_tags(text)
    return token


@settings(deadline=None)
@given(numbers)
def test_every_tag_made_is_read_and_verifies(number: str) -> None:
    token = only_tag(f"Re: {KEYRING.tag(number)} printer")
    assert token.number == number
    assert KEYRING.verifies(token)


@settings(deadline=None)
@given(numbers)
def test_every_reply_address_made_is_read_and_verifies(number: str) -> None:
    address = KEYRING.reply_address(DESK, number)
    assert address is not None
    token = read_address(DESK, Address.parse(str(address)))
    assert token is not None
    assert (token.number, token.carrier) == (number, Carrier.REPLY_ADDRESS)
    assert KEYRING.verifies(token)


@settings(deadline=None)
@given(numbers, serials)
def test_every_bounce_address_made_is_read_and_verifies(number: str, serial: int) -> None:
    address = KEYRING.bounce_address(DESK, number, serial)
    assert address is not None
    token = read_address(DESK, Address.parse(str(address).upper()))
    assert token is not None
    assert (token.number, token.serial, token.carrier) == (number, str(serial), Carrier.BOUNCE_ADDRESS)
    assert KEYRING.verifies(token)


@settings(deadline=None)
@given(numbers, serials)
def test_every_message_id_made_is_read_and_verifies(number: str, serial: int) -> None:
    message_id = KEYRING.message_id(number, serial, "mail.example.org")
    token = read_message_id(message_id)
    assert token is not None
    assert (token.number, token.serial) == (number, str(serial))
    assert KEYRING.verifies(token)


def test_the_forms_are_those_that_users_see() -> None:
    assert KEYRING.tag(NUMBER).startswith("[T#2026112100017-")
    assert len(only_tag(KEYRING.tag(NUMBER)).mac) == 6
    address = str(KEYRING.reply_address(DESK, NUMBER))
    assert address.startswith("Support+2026112100017.")
    assert address.endswith("@example.org")
    message_id = KEYRING.message_id(NUMBER, 3, "mail.example.org")
    assert message_id.startswith("<2026112100017.3.")
    assert message_id.endswith("@mail.example.org>")
    bounce = str(KEYRING.bounce_address(DESK, NUMBER, 3))
    assert bounce.startswith("Support+bounce.2026112100017.3.")
    macs = [address.split("@")[0], message_id.split("@")[0], bounce.split("@")[0]]
    assert [len(text.rpartition(".")[2]) for text in macs] == [10, 10, 10]


@settings(deadline=None)
@given(numbers, st.integers(min_value=0, max_value=5), st.sampled_from(base32))
def test_a_tag_with_one_letter_changed_does_not_verify(number: str, place: int, letter: str) -> None:
    token = only_tag(KEYRING.tag(number))
    mutated = token.mac[:place] + letter + token.mac[place + 1 :]
    assert KEYRING.verifies(replace(token, mac=mutated)) is (mutated == token.mac)


@settings(deadline=None)
@given(numbers, numbers)
def test_a_mac_does_not_verify_beside_another_number(number: str, other: str) -> None:
    token = only_tag(KEYRING.tag(number))
    assert KEYRING.verifies(replace(token, number=other)) is (number == other)


@settings(deadline=None)
@given(numbers, st.integers(min_value=0, max_value=5))
def test_a_truncated_mac_does_not_verify(number: str, length: int) -> None:
    token = only_tag(KEYRING.tag(number))
    assert not KEYRING.verifies(replace(token, mac=token.mac[:length]))


def test_guessed_macs_never_verify() -> None:
    rng = random.Random(7)
    guesses = (
        Token(str(number), "".join(rng.choices(base32, k=6)))
        for number in range(2026112100001, 2026112110001)
    )
    assert not any(KEYRING.verifies(token) for token in guesses)


def test_a_mac_of_one_carrier_does_not_verify_in_another() -> None:
    """Reply address and Message-ID have the same length: only their purpose keeps them apart."""
    reply = read_address(DESK, KEYRING.reply_address(DESK, NUMBER) or DESK.address)
    bounce = read_address(DESK, KEYRING.bounce_address(DESK, NUMBER, 1) or DESK.address)
    assert reply is not None
    assert bounce is not None
    assert not KEYRING.verifies(replace(reply, carrier=Carrier.MESSAGE_ID, serial="1"))
    assert not KEYRING.verifies(replace(reply, carrier=Carrier.TAG, mac=reply.mac[:6]))
    assert not KEYRING.verifies(replace(bounce, carrier=Carrier.MESSAGE_ID))
    assert not KEYRING.verifies(replace(bounce, serial="2"))


def test_number_and_serial_cannot_be_shifted_into_each_other() -> None:
    token = read_message_id(KEYRING.message_id("12", 3, "h.example"))
    assert token is not None
    assert not KEYRING.verifies(replace(token, number="1", serial="23"))


def test_a_mac_of_a_foreign_key_does_not_verify() -> None:
    assert not KEYRING.verifies(only_tag(OTHER.tag(NUMBER)))


def test_after_rotation_the_new_key_signs_and_the_old_one_still_verifies() -> None:
    rotated = KEYRING.rotated(b"another key of 32 bytes, at least")
    old, new = only_tag(KEYRING.tag(NUMBER)), only_tag(rotated.tag(NUMBER))
    assert old != new
    assert rotated.verifies(old)
    assert rotated.verifies(new)
    assert not KEYRING.verifies(new)


def test_the_key_file_reads_back_with_its_ids_and_order() -> None:
    rotated = KEYRING.rotated(b"another key of 32 bytes, at least")
    text = "# keys, oldest first\n\n" + rotated.render()
    assert Keyring.parse(text) == rotated
    assert [key.id for key in rotated.keys] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no key"),
        ("# nothing\n", "no key"),
        ("1 00ff", "line 1.*shorter"),
        ("1 0123456789abcdef0123456789abcdef\n2 xyz", "line 2.*ID HEX"),
        ("1 0123456789abcdef0123456789abcdef0", "line 1.*ID HEX"),
        ("0123456789abcdef0123456789abcdef", "line 1.*ID HEX"),
        ("1 0123456789abcdef0123456789abcdef\n1 0123456789abcdef0123456789abcdee", "line 2.*twice"),
    ],
)
def test_a_bad_key_file_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(BadKeyring, match=complaint):
        Keyring.parse(text)


def test_a_key_shows_itself_to_nobody() -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    assert secret.hex() not in repr(KEYRING)
    assert "0123456789" not in repr(KEYRING)
    with pytest.raises(BadKeyring) as refused:
        Keyring.parse("1 secretsecret")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("[T#17]", Token("17")),
        ("AW: [t#17-K7Q2MX] Drucker", Token("17", "k7q2mx")),
        ("Re: T#17-k7q2mx, the printer", Token("17", "k7q2mx")),
        ("[ T# 17-k7q2mx ]", Token("17", "k7q2mx")),
        ("Re: [T#17-k7q", Token("17", "k7q")),
        ("(T#17) x", Token("17")),
    ],
)
def test_tags_are_read_as_clients_leave_them(text: str, token: Token) -> None:
    assert read_tags(text) == (token,)


@pytest.mark.parametrize("text", ["", "#17346c", "at#17", "T#", "T#x17", "Ticket 17", "T#" + "1" * 21])
def test_what_is_no_tag_is_not_read_as_one(text: str) -> None:
    assert read_tags(text) == ()


def test_several_tags_come_in_order_each_once() -> None:
    text = "[T#2-aaaaaa] Re: [T#1] [T#2-aaaaaa]"
    assert read_tags(text) == (Token("2", "aaaaaa"), Token("1"))
    assert remove_tags(text).split() == ["Re:"]


@settings(deadline=None)
@given(st.text())
def test_readers_never_raise(text: str) -> None:
    read_tags(text)
    read_message_id(text)
    remove_tags(text)


@pytest.mark.parametrize(
    "message_id",
    ["<a.b@c>", "<1.2.k7q2mx@h>", "<1.2.k7q2mxk7q2mx@h>", "<x1.2.k7q2mxk7q2@h>", "<1.2.k7q2mxk711@h>", ""],
)
def test_ids_of_others_hold_no_token(message_id: str) -> None:
    assert read_message_id(message_id) is None


def test_a_gateway_may_write_around_our_message_id() -> None:
    ours = KEYRING.message_id(NUMBER, 5, "mail.example.org").strip("<>")
    token = read_message_id(f"<rewritten-{ours.upper()}-7@gateway.example>")
    assert token is not None
    assert KEYRING.verifies(token)


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("support@example.org", None),
        ("support+17@example.org", Token("17", "", Carrier.REPLY_ADDRESS)),
        ("HELP+17.AAAAAAAAAA@example.org", Token("17", "aaaaaaaaaa", Carrier.REPLY_ADDRESS)),
        ("support+urgent@example.org", None),
        ("support+17.aaaaaaaaaa@elsewhere.example", None),
        ("support+bounce.17.aaaaaaaaaa@example.org", None),
    ],
)
def test_only_addresses_of_the_desk_hold_tokens(address: str, token: Token | None) -> None:
    assert read_address(DESK, Address.parse(address)) == token


def test_a_desk_without_plus_addresses_has_neither_reply_nor_bounce_address() -> None:
    for desk in (replace(DESK, reply_address=False), replace(DESK, delimiter="")):
        assert KEYRING.reply_address(desk, NUMBER) is None
        assert KEYRING.bounce_address(desk, NUMBER, 1) is None


def test_an_address_that_smtp_could_not_carry_is_not_made() -> None:
    long = replace(DESK, addresses=(Address("a" * 50, "example.org"),))
    assert KEYRING.reply_address(long, NUMBER) is None


def test_the_delimiter_is_the_desks() -> None:
    desk = replace(DESK, delimiter="-")
    address = KEYRING.reply_address(desk, NUMBER)
    assert address is not None
    assert address.local.startswith("Support-2026")
    token = read_address(desk, address)
    assert token is not None
    assert KEYRING.verifies(token)


@settings(deadline=None)
@given(st.from_regex(r"[0-9a-z.-]{1,60}", fullmatch=True))
def test_a_folder_id_gives_its_name_back(name: str) -> None:
    assert KEYRING.read_folder_id(KEYRING.folder_id(name)) == name


@pytest.mark.parametrize("text", ["", "17", "17.aaaaaaaaaa", "17.", ".aaaaaaaaaa"])
def test_a_folder_id_with_a_wrong_mac_is_none_of_ours(text: str) -> None:
    assert KEYRING.read_folder_id(text) is None
    assert KEYRING.read_folder_id(OTHER.folder_id("17")) is None
