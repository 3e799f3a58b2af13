"""The text that is read: alternatives, charsets, flowed lines, HTML; and its language."""

from __future__ import annotations

import pytest

from mailproc.mime.html import to_text
from mailproc.mime.language import language_of
from mailproc.mime.limits import DEFAULT_LIMITS, Defects
from mailproc.mime.reader import read
from mailproc.mime.text import unflow


def plain(body: bytes, charset: str, encoding: str = "8bit") -> str:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return read(head.encode() + body).text


def html(source: str) -> str:
    return to_text(source, DEFAULT_LIMITS, Defects())


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", "Größe"),
        ('"UTF8"', "utf-8", "Größe"),
        ("iso-8859-1", "cp1252", "12 € – “so”"),  # what Windows meant
        ("ISO-8859-15", "iso8859-15", "12 €"),
        ("Windows-1250", "cp1250", "Příliš žluťoučký"),
        ("cp1251", "cp1251", "Привет"),
        ("KOI8-R", "koi8-r", "Привет"),
        ("gb2312", "gb18030", "你好，打印机"),
        ("big5", "big5", "你好"),
        ("ks_c_5601-1987", "cp949", "안녕하세요"),
        ("Shift_JIS", "cp932", "こんにちは①"),
        ("iso-2022-jp", "iso2022_jp", "こんにちは"),
        ("euc-jp", "euc_jp", "こんにちは"),
        ("utf-16", "utf-16", "Größe"),
        ("utf-7", "utf-7", "Größe"),
        ("x-mac-roman", "mac_roman", "Größe"),
        ("us-ascii", "utf-8", "Größe"),  # declared wrongly
        ("x-unknown", "utf-8", "Größe"),
        ("nonsense", "cp1252", "Die Größe der Tür in Köln ist nicht möglich"),
        ("utf-8", "cp1252", "Die Größe der Tür in Köln ist nicht möglich"),
    ],
)
def test_declared_charset_then_utf8_then_detection(charset: str, codec: str, text: str) -> None:
    assert plain(text.encode(codec), charset) == text


def test_utf8_with_one_broken_letter_stays_utf8() -> None:
    assert plain("Größe, Tür, schön, möglich, für, über, Köln".encode() + b"\xc3", "utf-8").startswith(
        "Größe, Tür"
    )


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("base64", b"aGVsbG8=", "hello"),
        ("BASE64", b"aGVsbG8", "hello"),
        ("base64", b"aGVs\r\nbG8=\r\n", "hello"),
        ("quoted-printable", b"gr=C3=BC=\r\nn", "grün"),
        ("quoted-printable", b"50=% off", "50=% off"),
        ("x-uuencode", b"begin 644 a\r\n%:&5L;&\\\r\n`\r\nend\r\n", "hello"),
        ("x-unknown", b"hello", "hello"),
    ],
)
def test_transfer_encoding_is_undone(encoding: str, body: bytes, text: str) -> None:
    assert plain(body, "utf-8", encoding) == text


def alternative(plain_text: str, html_text: str) -> str:
    return read(
        (
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
            f"--b\r\nContent-Type: text/plain\r\n\r\n{plain_text}\r\n"
            f"--b\r\nContent-Type: text/html\r\n\r\n{html_text}\r\n--b--\r\n"
        ).encode()
    ).text


def test_plain_text_is_taken_before_html() -> None:
    assert alternative("plain", "<p>rich</p>") == "plain"


@pytest.mark.parametrize(
    "stub",
    [
        "",
        "  \n",
        "This message is in HTML format.",
        "Please view this in your browser",
        "Bitte im Browser ansehen",
    ],
)
def test_html_is_taken_where_plain_text_says_nothing(stub: str) -> None:
    assert alternative(stub, "<p>rich</p>") == "rich"


def test_text_that_speaks_of_html_is_no_stub() -> None:
    text = "I read your page on HTML, view by view. " * 15 + "Thanks."
    assert alternative(text, "<p>rich</p>") == text


def test_several_text_parts_are_read_together_and_named_ones_are_files() -> None:
    mail = read(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
        b"--b\r\nContent-Type: text/plain; name=notes.txt\r\n\r\nfile\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    )
    assert mail.text == "one\n\ntwo"
    assert [(file.name, file.text) for file in mail.attachments] == [("notes.txt", "file")]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("one \ntwo", "one two"),
        ("one\ntwo", "one\ntwo"),
        ("> one \n> two\nthree", "> one two\nthree"),
        ("> one \n>> two", "> one\n>> two"),
        (" > no quote", "> no quote"),
        ("one \n-- \nAnna", "one\n-- \nAnna"),
        (" From here", "From here"),
    ],
)
def test_flowed_lines_are_joined(source: str, text: str) -> None:
    assert unflow(source, delete_space=False) == text


def test_space_of_flowed_lines_is_deleted_where_the_sender_says_so() -> None:
    assert unflow("実に \n長い", delete_space=True) == "実に長い"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<b>bo</b>ld  and\n wide", "bold and wide"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a &amp; b &lt;c&gt; &euro;&nbsp;5", "a & b <c> € 5"),
        ('<a href="https://e.example/x">here</a>', "here <https://e.example/x>"),
        ('<a href="https://e.example/">e.example</a>', "e.example"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ("<head><title>t</title><style>s</style></head><script>x</script>text", "text"),
        ('<span style="display: none">pixel</span>text', "text"),
        ("<!-- no -->text", "text"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n>\n> > older\n\nnew"),
        ('<img alt="Logo" src="cid:1">text', "Logo text"),
        ("a<hr>b", "a\n--------\nb"),
        ("text <unclosed", "text"),
        ("", ""),
    ],
)
def test_html_becomes_what_a_person_reads(source: str, text: str) -> None:
    assert html(source) == text


def test_html_nested_too_deep_keeps_its_words() -> None:
    assert html("<div>" * 1000 + "one<p>two" + "</div>" * 1000).split() == ["one", "two"]


def test_quotes_of_html_mail_are_not_the_reply() -> None:
    mail = read(
        b"Content-Type: text/html\r\n\r\n<div>New.</div>"
        b"<div class=moz-cite-prefix>On 20/11/2026 09:00, A wrote:<br></div>"
        b"<blockquote type=cite>Old.</blockquote><div>More.</div>"
    )
    assert mail.reply == "New.\n\nMore."


def test_header_block_of_outlook_in_html_begins_the_quote() -> None:
    mail = read(
        b"Content-Type: text/html\r\n\r\n<div>New.</div><hr>"
        b"<div id=divRplyFwdMsg><b>From:</b> A &lt;a@b.example&gt;<br>"
        b"<b>Sent:</b> Friday<br><b>To:</b> B<br><b>Subject:</b> x</div><div>Old.</div>"
    )
    assert mail.reply == "New."


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("cs", "Dobrý den, tiskárna v naší kanceláři dnes vůbec netiskne."),
        ("da", "Hej, vores printer virker ikke i dag, kan I hjælpe os hurtigt?"),
        ("de", "Guten Tag, unser Drucker druckt heute überhaupt nicht."),
        ("en", "Hello, our printer does not print anything today."),
        ("es", "Buenos días, nuestra impresora hoy no imprime nada, ¿pueden ayudarnos?"),
        ("fi", "Hei, tulostimemme ei tulosta tänään ollenkaan."),
        ("fr", "Bonjour, notre imprimante n'imprime rien aujourd'hui."),
        ("it", "Buongiorno, la nostra stampante oggi non stampa niente."),
        ("ja", "プリンターが今日は全く動きません。"),
        ("nl", "Hallo, onze printer drukt vandaag helemaal niets af."),
        ("no", "Hei, jeg har ikke mottatt bestillingen min ennå. Når blir den levert?"),
        ("pl", "Dzień dobry, nasza drukarka dzisiaj nic nie drukuje."),
        ("pt", "Bom dia, a nossa impressora não imprime nada hoje."),
        ("sv", "Hej, vår skrivare skriver inte ut någonting alls i dag."),
        ("", "OK, thanks"),
        ("", "12345 67890 https://example.com/a/long/address/of/the/web"),
        ("", ""),
    ],
)
def test_language_is_told_or_left_open(language: str, text: str) -> None:
    assert language_of(text) == language


def test_language_is_that_of_the_new_text() -> None:
    mail = read(
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGuten Tag, unser Drucker druckt heute nicht.\r\n\r\n"
        b"On 20/11/2026 09:00, A wrote:\r\n> Hello, thank you for your message about the printer.\r\n"
    )
    assert mail.language == "de"
