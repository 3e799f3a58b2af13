"""Addresses as SMTP knows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.address import Address, BadAddress


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example",
        "first.last+tag@sub.domain.example",
        '"quoted \\" string"@b.example',
        "jürgen@bücher.example",
        "x@[192.0.2.1]",
        "x@[ipv6:2001:db8::1]",
        f"{'v' * 120}@list.example",
    ],
)
def test_what_smtp_carries_is_read(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "@b.example",
        "a@",
        "a@b@c.example",
        "a b@c.example",
        ".a@b.example",
        "a..b@c.example",
        "a@-b.example",
        "a@b_.example.",
        "a\r\nRCPT TO:<x>@b.example",
        'a"\n"@b.example',
        "a@b.example\n",
        "a\x00@b.example",
        "a\u0085b@c.example",
        "a\u2028b@c.example",
        f"{'v' * 250}@list.example",
    ],
)
def test_what_could_become_another_command_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        Address.parse(text)


@given(st.text(max_size=300))
def test_what_is_read_holds_no_control_character_and_no_line(text: str) -> None:
    address = Address.parse_or_none(text)
    if address is not None:
        assert not any(letter < " " for letter in str(address))
        assert len(str(address).splitlines()) == 1


@given(st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,10})?@[a-z]{1,10}\.[A-Z]{2,5}", fullmatch=True))
def test_an_address_compares_by_its_lower_case_form(text: str) -> None:
    assert Address.parse(text).key == text.lower()
    assert Address.parse(str(Address.parse(text))) == Address.parse(text)
