"""Which domains are of one organisation, by the list of public suffixes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from mailproc.model.alignment import Suffixes, is_aligned, organisational_domain


def published_cases() -> list[tuple[str, str]]:
    """The test cases of publicsuffix.org, which come with the list."""
    package = importlib.util.find_spec("publicsuffixlist")
    assert package is not None
    assert package.submodule_search_locations is not None
    text = Path(package.submodule_search_locations[0], "test_psl.txt").read_text("utf-8")
    found = re.findall(r"^checkPublicSuffix\((?:null|'(.*)'), (?:null|'(.*)')\);", text, re.MULTILINE)
    assert len(found) > 70
    return found


@pytest.mark.parametrize(("domain", "organisation"), published_cases())
def test_organisations_are_those_of_the_lists_own_cases(domain: str, organisation: str) -> None:
    assert organisational_domain(domain) == organisation.encode("idna").decode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("example.com", "EXAMPLE.com."),
        ("example.com", "mail.example.com"),
        ("a.example.co.uk", "b.example.co.uk"),
        ("bücher.example", "mail.xn--bcher-kva.example"),
        ("a.customer.github.io", "b.customer.github.io"),
        ("co.uk", "co.uk"),
    ],
)
def test_one_organisation(one: str, other: str) -> None:
    assert is_aligned(one, other)
    assert is_aligned(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("example.com", "example.net"),
        ("example.com", "notexample.com"),
        ("a.co.uk", "b.co.uk"),
        ("co.uk", "a.co.uk"),
        ("a.github.io", "b.github.io"),
        ("com", "com"),
        ("com", "example.com"),
        ("", ""),
        ("a..b", "b"),
        (".example.com", "example.com"),
        ("\ud800.example", "\ud800.example"),
        ("a." * 200 + "example.com", "example.com"),
    ],
)
def test_not_one_organisation(one: str, other: str) -> None:
    assert not is_aligned(one, other)
    assert not is_aligned(other, one)


def test_strictly_only_the_same_domain_is_aligned() -> None:
    assert is_aligned("example.com", "Example.COM", strict=True)
    assert not is_aligned("example.com", "mail.example.com", strict=True)


def test_wild_cards_and_exceptions_of_the_list() -> None:
    suffixes = Suffixes.parse("// a comment\n\ncom\n*.ck\n!www.ck\n")
    assert [suffixes.length(name.split(".")) for name in ("a.com", "b.a.ck", "www.ck", "x.y")] == [1, 2, 1, 1]
