"""Commands at the top of agents' mails: which lines are some, and that nothing else is lost with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.commands import Command, Verb, extract_commands, read_command
from mailproc.mime.reader import read
from tests.unit.mime.clients import HEADER, STYLES, both, plain

WORDS = st.text(st.sampled_from("abc äöß<>&;=.#'\"\t "), min_size=1, max_size=30).map(str.strip).filter(bool)
OWN = st.lists(WORDS | st.just(""), min_size=1, max_size=6)
COMMANDS = st.lists(
    st.sampled_from(["#close", "#snooze 3d", "#Assign Bob", "#tag a b", "#TAKE", "#split", "#merge 17"]),
    min_size=1,
    max_size=3,
)
ENCODINGS = st.sampled_from(["8bit", "base64", "quoted-printable"])
CHARSETS = st.sampled_from(["utf-8", "iso-8859-1", "windows-1252"])


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("#close", Command(Verb.CLOSE)),
        ("  #Close  ", Command(Verb.CLOSE)),
        ("\ufeff#close", Command(Verb.CLOSE)),
        ("#snooze\u00a03d", Command(Verb.SNOOZE, "3d")),
        ("＃ｃｌｏｓｅ", Command(Verb.CLOSE)),
        ("#tag  Ärger  Rabatt", Command(Verb.TAG, "Ärger Rabatt")),
        ("#note", Command(Verb.NOTE)),
        ("#note He calls", Command(Verb.NOTE, "He calls")),
    ],
)
def test_a_command_is_read_whatever_the_client_made_of_it(line: str, command: Command) -> None:
    assert read_command(line) == command


@pytest.mark.parametrize(
    "line",
    ["#clsoe", "#close now", "# close", "#snooze", "#1 is done", "# Title", "##", "#", "#closed", "close"],
)
def test_what_is_not_exactly_a_command_is_none(line: str) -> None:
    assert read_command(line) is None


def without_blank(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines if line.strip()]


@settings(max_examples=150, deadline=None)
@given(
    commands=COMMANDS, own=OWN, style=st.sampled_from(sorted(STYLES)), charset=CHARSETS, encoding=ENCODINGS
)
def test_commands_are_gone_from_text_and_html_and_all_else_is_there(
    commands: list[str], own: list[str], style: str, charset: str, encoding: str
) -> None:
    own = ["Hello", *own]
    lines = [*commands, "", *own]
    found = extract_commands(both("\n".join(lines), STYLES[style](lines), charset, encoding))
    assert found.problems == ()
    assert [str(one).casefold() for one in found.lines] == [line.casefold() for line in commands]
    after = read(found.raw_without)
    assert without_blank(after.text.split("\n")) == without_blank(own)
    html = read(html_alone(found.raw_without))
    assert without_blank(html.text.split("\n")) == without_blank(own)


def html_alone(raw: bytes) -> bytes:
    """The second part of an alternative, as a mail."""
    part = read(raw).parts[2]
    return b"From: a@example.org\r\n" + raw[part.top : part.end]


@settings(max_examples=100, deadline=None)
@given(own=OWN, charset=CHARSETS, encoding=ENCODINGS)
def test_a_mail_without_commands_is_the_same_object(own: list[str], charset: str, encoding: str) -> None:
    raw = plain("\n".join(["Hello", *own]), charset, encoding)
    assert extract_commands(raw).raw_without is raw


@settings(max_examples=100, deadline=None)
@given(command=st.sampled_from(["#close", "#tag x"]), octets=st.binary(max_size=60))
def test_octets_that_are_no_letters_come_through(command: str, octets: bytes) -> None:
    octets = b"Hello " + octets.replace(b"\r", b"").replace(b"\n", b"")
    for charset in ("utf-8", "us-ascii", "windows-1252", "iso-8859-15"):
        head = (
            f"{HEADER}Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        found = extract_commands(head.encode() + command.encode() + b"\r\n" + octets + b"\r\n")
        assert found.raw_without == head.encode() + octets + b"\r\n"


@pytest.mark.parametrize(
    "quote",
    [
        "> #close",
        "On 21 Sep 2026, at 13:33, Carla <carla@customer.example> wrote:\n> #close",
        "-----Original Message-----\nFrom: Carla\nSent: Monday\nTo: a\nSubject: b\n\n#close",
    ],
)
def test_quoted_commands_are_text(quote: str) -> None:
    found = extract_commands(plain(quote))
    assert (found.lines, found.unknown) == ((), ())


def test_a_quote_alone_below_commands_is_nothing_for_the_customer() -> None:
    outlook = "#close\n\n\nFrom: Carla <carla@customer.example>\nSent: Monday, September 21, 2026\n"
    found = extract_commands(plain(outlook + "To: support@example.org\nSubject: Parcel\n\nWhere is it?\n"))
    assert found.lines == (Command(Verb.CLOSE),)
    assert found.says_nothing_else


@pytest.mark.parametrize(
    "signature", ["-- \nAlice", "Kind regards\nAlice Ang\nTel. +49 30 1234567", "Alice\nExample Ltd"]
)
def test_a_signature_alone_below_commands_is_nothing_for_the_customer(signature: str) -> None:
    assert extract_commands(plain(f"#close\n\n{signature}\n")).says_nothing_else


@pytest.mark.parametrize("text", ["Thanks!", "Done.\n-- \nAlice", "Regards the parcel: it is on its way."])
def test_any_sentence_below_commands_is_for_the_customer(text: str) -> None:
    assert not extract_commands(plain(f"#close\n\n{text}\n")).says_nothing_else


def test_a_file_below_commands_is_for_the_customer() -> None:
    file = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx"
    text = "Content-Type: text/plain\r\n\r\n#close"
    body = f'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n{text}\r\n--m\r\n{file}\r\n--m--\r\n'
    assert not extract_commands((HEADER + body).encode()).says_nothing_else


def test_winmail_dat_holds_the_text_too_so_commands_cannot_be_taken_out() -> None:
    tnef = "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx"
    text = "Content-Type: text/plain\r\n\r\n#close\r\nHello"
    body = f'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n{text}\r\n--m\r\n{tnef}\r\n--m--\r\n'
    found = extract_commands((HEADER + body).encode())
    assert "application/ms-tnef" in found.problem


@pytest.mark.parametrize(
    "html",
    [
        "<div>#close<img src='x'></div><div>Hello</div>",
        "<p>#cl<b>ose</b><br>Hello</p>",
        "<ul><li>#close</li></ul>Hello",
        "<table><tr><td>#close</td></tr></table>Hello",
        "<p>#close<p>Hello",
        "<pre>#close\r\nHello</pre>",
        "<!-- #spam --><style>#close {}</style>#close<br>Hello",
        "<div title='>'>&#35;close</div>Hello",
        '<div style="display:none">#spam</div>#close<br>Hello',
    ],
)
def test_html_of_any_shape_loses_its_commands(html: str) -> None:
    found = extract_commands(both("#close\nHello", html))
    assert found.problems == ()
    assert read(html_alone(found.raw_without)).text.strip() == "Hello"
