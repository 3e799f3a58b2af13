"""Numbers that prove themselves by a check digit: IBAN (ISO 13616), Luhn, ISO 7064, GTIN, Verhoeff."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

# Lengths by country, from the registry of ISO 13616 (SWIFT), for the countries in SEPA and some more.
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH":
    21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO":
    18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL":
    23,
    "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV":
    21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL":
    28,
    "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN":
    24,
    "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
# Both begin with a set of letters, by which a text is searched fast; what stands before is looked at later.
_IBAN = re.compile(r"[A-Z][A-Z][0-9]{2}(?<![A-Za-z0-9].{4})(?:[ .-]?[A-Z0-9]){11,30}", re.DOTALL)
_CARD = re.compile(r"[3-6][0-9]{3}(?<![\w.+-].{4})(?:[ -]?[0-9]){9,15}(?![\w-])", re.DOTALL)
_SIGNS = re.compile(r"[^0-9A-Za-z]+")


def ibans_in(text: str) -> Iterator[str]:
    """Every valid IBAN, without spaces."""
    for match in _IBAN.finditer(text):
        letters = _SIGNS.sub("", match.group())
        whole = letters[: _IBAN_LENGTHS.get(letters[:2], 0)]
        if whole and len(whole) == _IBAN_LENGTHS[letters[:2]] and is_mod97(whole[4:] + whole[:4]):
            yield whole


def without_ibans(text: str) -> str:
    """The text with a gap where each valid IBAN stood: its digits are nobody's telephone."""
    return _IBAN.sub(lambda match: match.group() if next(ibans_in(match.group()), "") == "" else " ", text)


def cards_in(text: str) -> Iterator[str]:
    """Every number of a payment card, all but its last four digits hidden."""
    for match in _CARD.finditer(text):
        digits = _SIGNS.sub("", match.group())
        if 13 <= len(digits) <= 19 and len(set(digits)) > 1 and is_luhn(digits):
            yield f"…{digits[-4:]}"


def is_mod97(text: str) -> bool:
    """ISO 7064 MOD 97-10, letters as 10 to 35: the whole leaves 1."""
    text = _SIGNS.sub("", text).upper()
    return bool(text) and text.isascii() and int("".join(str(int(letter, 36)) for letter in text)) % 97 == 1


def is_luhn(text: str) -> bool:
    """ISO/IEC 7812: payment cards, IMEI, many customer numbers."""
    digits = _digits(text)
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(digits) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_gtin(text: str) -> bool:
    """GS1: weights 3 and 1 from the right (EAN-8, EAN-13, UPC, SSCC)."""
    digits = _digits(text)
    return len(digits) > 1 and (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


def is_mod11(text: str) -> bool:
    """ISO 2108 as for ISBN-10: weights 1, 2, 3 … from the right, X is ten."""
    text = _SIGNS.sub("", text).upper()
    if not re.fullmatch(r"[0-9]+[0-9X]", text):
        return False
    values = [10 if letter == "X" else int(letter) for letter in reversed(text)]
    return sum(weight * value for weight, value in enumerate(values, 1)) % 11 == 0


def is_mod11_10(text: str) -> bool:
    """ISO 7064 MOD 11,10: German tax and VAT numbers."""
    digits, product = _digits(text), 10
    for digit in digits[:-1]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return len(digits) > 1 and (product + digits[-1]) % 10 == 1


_MULTIPLIED = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def is_verhoeff(text: str) -> bool:
    """Verhoeff's dihedral check: Aadhaar, some order numbers."""
    digits, state = _digits(text), 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_MULTIPLIED[state][int(_PERMUTED[place % 8][digit])])
    return len(digits) > 1 and state == 0


def _digits(text: str) -> list[int]:
    """The digits among separators; none where anything else stands in it."""
    text = _SIGNS.sub("", text)
    return list(map(int, text)) if text.isascii() and text.isdigit() else []


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "luhn": is_luhn,
    "mod97": is_mod97,
    "gtin": is_gtin,
    "mod11": is_mod11,
    "mod11-10": is_mod11_10,
    "verhoeff": is_verhoeff,
}
