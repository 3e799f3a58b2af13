"""Numbers that prove themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.check_digits import CHECKS, cards_in, ibans_in, without_ibans

# Examples from the standards or their registries.
RIGHT = {
    "luhn": ["79927398713", "4111 1111 1111 1111"],
    "mod97": ["3214282912345698765432161182", "RF18 5390 0754 7034"[4:] + "RF18"],
    "gtin": ["4006381333931", "73513537"],
    "mod11": ["0-306-40615-2", "080442957X"],
    "mod11-10": ["136695976"],
    "verhoeff": ["2363"],
}
IBANS = ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NO9386011117947"]


@pytest.mark.parametrize(("check", "number"), [(check, each) for check in RIGHT for each in RIGHT[check]])
def test_a_right_number_is_right_and_a_changed_digit_wrong(check: str, number: str) -> None:
    assert CHECKS[check](number)
    place = next(n for n, letter in enumerate(number) if letter.isdigit())
    changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert not CHECKS[check](changed)


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_found_however_it_is_grouped(iban: str) -> None:
    grouped = " ".join(iban[place : place + 4] for place in range(0, len(iban), 4))
    assert list(ibans_in(f"to {iban}, or to {grouped} please")) == [iban, iban]
    assert list(ibans_in(f"to {iban[:-1]}{(int(iban[-1], 36) + 1) % 10}")) == []


def test_of_a_card_only_the_last_digits_are_shown() -> None:
    assert list(cards_in("my card 4111-1111-1111-1111 and 4111 1111 1111 1112")) == ["…1111"]


def test_a_phone_number_is_no_card() -> None:
    assert list(cards_in("+4930555555554444 or +49 30 5555 1234 or 0000 0000 0000 0000")) == []


@given(st.sampled_from(sorted(CHECKS)), st.text(max_size=40))
def test_any_text_is_right_or_wrong(check: str, text: str) -> None:
    assert CHECKS[check](text) in (True, False)


@given(st.text(alphabet="ADE0123456789 -.", max_size=200))
def test_any_text_is_searched(text: str) -> None:
    assert all(len(each) >= 15 for each in ibans_in(text))
    assert all(len(each) == 5 for each in cards_in(text))


def test_a_text_without_its_ibans_keeps_all_else() -> None:
    text = "to DE89 3704 0044 0532 0130 00 or DE88 3704 0044 0532 0130 00, +49 89 1234567"
    assert without_ibans(text) == "to   or DE88 3704 0044 0532 0130 00, +49 89 1234567"
