"""HTML by lines: every character of the source has its place, and nothing costs more than linear time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.html_page import HtmlPage
from mailproc.mime.html_tokens import tokens
from mailproc.mime.page import Edit, Passage

PIECES = [*"<>/!-\"'= ab&;", "\r\n", "<p>", "</p>", "<br>", "<div", "<!--", "-->", "<pre>", "<blockquote>"]
SOUP = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@settings(max_examples=300, deadline=None)
@given(source=SOUP)
def test_the_tokens_are_the_source(source: str) -> None:
    found = list(tokens(source))
    assert "".join(source[token.start : token.end] for token in found) == source
    assert all(one.end == other.start for one, other in pairwise(found))


@settings(max_examples=300, deadline=None)
@given(source=SOUP)
def test_a_page_without_changes_is_its_source(source: str) -> None:
    page = HtmlPage(source)
    assert page.edited({}) == source
    assert page.edited({number: Edit() for number in range(len(page.lines))}) == source


@settings(max_examples=300, deadline=None)
@given(source=SOUP)
def test_a_page_without_lines_has_no_text(source: str) -> None:
    page = HtmlPage(source)
    bare = page.edited({number: Edit(removed=True) for number in range(len(page.lines))})
    assert [line for line in HtmlPage(bare).lines if line.strip("> ")] == []


@pytest.mark.parametrize(
    "piece",
    ['<a "', "<!--", "<a '", "<div", "<p>", "<blockquote>x", "<style>", "</p>", "&#", "<!", "<pre>\n"],
)
def test_hostile_html_costs_linear_time(piece: str) -> None:
    source = piece * (100_000 // len(piece))
    assert HtmlPage(source).edited({}) == source


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a<br>b", ("a", "b")),
        ("<p>a</p>\r\n<p>b</p>", ("a", "b")),
        ("<div>a<div>b</div>c</div>", ("a", "b", "c")),
        ("a<blockquote>b<blockquote>c</blockquote></blockquote>d", ("a", "> b", "> > c", "d")),
        ("<blockquote style='margin:0 0 0 40px;border:none;padding:0'>a</blockquote>", ("a",)),
        ("<pre>a\r\n b</pre>", ("a", "b")),
        ("a  \r\n b&nbsp;&lt;", ("a b\u00a0<",)),
        ("<head><title>no</title></head><style>no</style>a<script>no</script>", ("a",)),
        ("<span style='display: none'>no</span>a", ("a",)),
        ("a < b <c>d", ("a < b d",)),
    ],
)
def test_lines_are_what_a_person_sees(source: str, lines: tuple[str, ...]) -> None:
    assert HtmlPage(source).lines == lines


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("<p class=x>a</p><p>b</p>", "<p class=x>N</p><p>b</p>"),
        ("<p><b>a</b><br>b</p>", "<p><b>N</b><br>b</p>"),
        ("<div>a</div>", "<div>N</div>"),
    ],
)
def test_what_stands_instead_keeps_the_paragraph(source: str, after: str) -> None:
    assert HtmlPage(source).edited({0: Edit(removed=True, instead=Passage("N"))}) == after


def test_blocks_never_stand_in_a_paragraph() -> None:
    new = Edit(removed=True, instead=Passage("N", "<p>N</p>"))
    assert HtmlPage("<p class=x>a</p>").edited({0: new}) == "<div><p>N</p></div>"
    split = HtmlPage('<p id="i" class=x>a<br>b</p>').edited({0: new})
    assert split == '<p id="i" class=x></p><div><p>N</p></div><p class=x><br>b</p>'


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("<p class=x id=i>a</p>", "<p class=x>N</p><p class=x><br></p><p class=x id=i>a</p>"),
        ("<ul><li>a</li></ul>", "<div>N</div><div><br></div><ul><li>a</li></ul>"),
        ("<h1>a</h1>", "<div>N</div><div><br></div><h1>a</h1>"),
        ("<body><b>a</b><br>b</body>", "<body>N<br><br><b>a</b><br>b</body>"),
        ("<div><i>x</i><div>a</div></div>", "<div>N</div><div><br></div><div><i>x</i><div>a</div></div>"),
        ("<td>a</td>", "<td>N<br><br>a</td>"),
    ],
)
def test_what_comes_above_is_a_paragraph_of_its_own(source: str, after: str) -> None:
    assert HtmlPage(source).edited({0: Edit(above=Passage("N"))}) == after


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("<p class=x>a</p>", "<p class=x>a</p><p class=x><br></p><p class=x>N</p>"),
        ("<ul><li>a</li></ul>b", "<ul><li>a</li></ul><div><br></div><div>N</div>b"),
        ("<body><b>a</b><br>b</body>", "<body><b>a</b><br><br>N<br>b</body>"),
        ("<body><b>a</b></body>", "<body><b>a</b><br><br>N<br></body>"),
    ],
)
def test_what_comes_below_is_a_paragraph_of_its_own(source: str, after: str) -> None:
    assert HtmlPage(source).edited({0: Edit(below=Passage("N"))}) == after
