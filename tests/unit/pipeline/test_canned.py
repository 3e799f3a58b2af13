"""Standard answers: read from files and mails, chosen by language, filled in, and never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.pipeline.canned import (
    Canned,
    NotExpanded,
    canned_from_mail,
    check_canned,
    expand,
    read_canned,
    read_title,
)
from mailproc.pipeline.template import Value

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "canned"
VALUES: dict[str, Value] = {
    "number": "17",
    "language": "de",
    "customer": {"name": "Carla <b>", "address": "carla@customer.example"},
    "notes": {"contract": "A & B"},
}


def mail(subject: str, body: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    return f"Subject: {subject}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Refund", ("refund", "")),
        ("refund.de", ("refund", "de")),
        ("refund.pt-br", ("refund", "pt-br")),
        ("refund (DE)", ("refund", "de")),
        ("::refund", ("refund", "")),
        ("a.b-c.2", ("a.b-c.2", "")),
        ("Grüße", ("grüße", "")),
    ],
)
def test_a_title_is_a_name_and_perhaps_a_language(title: str, expected: tuple[str, str]) -> None:
    assert read_title(title) == expected


@pytest.mark.parametrize("title", ["", "two words", "a/b", "../a", "-a", "a\nb"])
def test_other_titles_are_no_names(title: str) -> None:
    with pytest.raises(ValueError, match="no name of a standard answer"):
        read_title(title)


def test_the_language_of_the_ticket_counts_first_then_any_then_nothing() -> None:
    canned = [Canned("a", "en"), Canned("a", "de", language="de"), Canned("b", "fr", language="fr")]
    assert expand(["a"], canned, {}, ("de-AT", "en"))["a"].text == "de"
    assert expand(["a"], canned, {}, ("it", ""))["a"].text == "en"
    assert expand(["b.fr"], canned, {}, ("de",))["b.fr"].text == "fr"
    with pytest.raises(NotExpanded, match=r"there are: a, a\.de, b\.fr"):
        expand(["b"], canned, {}, ("de", "en"))


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(NotExpanded, match=r"no standard answer refnud; there are: refund"):
        expand(["refund", "refnud"], [Canned("refund", "x")], {}, ())


@pytest.mark.parametrize("source", ["{{ notes.missing }}", "{{ customer.nmae }}", "{{ topic }}"])
def test_a_word_without_a_value_is_told_and_nothing_is_sent(source: str) -> None:
    with pytest.raises(NotExpanded, match="cannot be filled in"):
        expand(["a"], [Canned("a", source)], VALUES, ())


def test_values_are_escaped_in_html_and_not_in_text() -> None:
    canned = Canned(
        "a", "{{ customer.name }} {{ notes.contract }}", "<p>{{ customer.name }} {{ notes.contract }}</p>"
    )
    found = expand(["a"], [canned], VALUES, ())["a"]
    assert found.text == "Carla <b> A & B"
    assert found.html == "<p>Carla &lt;b&gt; A &amp; B</p>"


def test_a_value_is_never_a_template() -> None:
    values: dict[str, Value] = {"subject": "{{ 7 * 7 }}"}
    assert expand(["a"], [Canned("a", "{{ subject }}")], values, ())["a"].text == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    "source", ["{{ custmer.name }}", "{{ customer.nmae }}", "{% set a = 1 %}", "{{ 'a' * 10**9 }}", "{{"]
)
def test_a_broken_template_is_found_before_it_is_needed(source: str) -> None:
    for canned in (Canned("a", source), Canned("a", "x", source)):
        with pytest.raises(ValueError, match=r"^a"):
            check_canned(canned)


def test_a_note_may_have_any_name() -> None:
    check_canned(Canned("a", "{{ notes.contract }} {{ notes['who pays'] | default('nobody') }}"))


def test_a_mail_is_named_by_its_subject_and_loses_its_signature() -> None:
    canned = canned_from_mail(mail("Refund (de)", "Das Geld kommt.\r\n\r\n-- \r\nAlice\r\n"))
    assert (canned.name, canned.language, canned.text) == ("refund", "de", "Das Geld kommt.")


def test_what_a_client_does_to_placeholders_in_html_is_undone() -> None:
    html = (
        "<html><head><style>p {}</style></head><body><p><br></p>"
        "<p>Hello {{&nbsp;customer.name&nbsp;}}, {% if language == &quot;de&quot; %}<b>ja</b>{% endif %}</p>"
        "<div>-- <br>Alice</div></body></html>"
    )
    canned = canned_from_mail(mail("a", html, "text/html; charset=utf-8"))
    found = expand(["a"], [canned], VALUES, ())["a"]
    assert found.html == "<p>Hello Carla &lt;b&gt;, <b>ja</b></p>"
    assert found.text == "Hello Carla <b>, ja"


def test_the_files_of_a_mail_go_with_it_octet_for_octet() -> None:
    head = b"Content-Type: application/pdf;\r\n name=a.pdf\r\nContent-Disposition: attachment\r\n"
    file = head + b"\r\n%PDF\x00\xff"
    body = b"--m\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--m\r\n" + file + b"\r\n--m--\r\n"
    raw = b'Subject: a\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n' + body
    assert canned_from_mail(raw).attachments == (file,)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (mail("", "text"), "no name"),
        (mail("a", " \r\n"), "nothing in it"),
        (mail("a", "{{ custmer }}"), "unknown name"),
        (mail("a", "--s\r\n\r\nx\r\n--s--\r\n", "multipart/signed; boundary=s"), "cannot be signed"),
    ],
)
def test_a_mail_that_is_no_standard_answer_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        canned_from_mail(raw)


def test_files_of_the_first_folder_and_of_the_desk_count_first(tmp_path: Path) -> None:
    for path, text in {
        "site/support/a.txt": "desk's",
        "site/a.txt": "site's",
        "site/b.html": "<p>only <b>HTML</b></p>",
        "site/c.de.eml": "Subject: whatever\n\nMail.\n",
        "shipped/a.txt": "shipped",
        "shipped/README.md": "{{ no template",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = read_canned([str(tmp_path / "site"), str(tmp_path / "shipped"), "/nowhere"], ["support"])
    assert [(one.title, one.desk, one.text) for one in found] == [
        ("a", "support", "desk's"),
        ("a", "", "site's"),
        ("b", "", "only HTML"),
        ("c.de", "", "Mail."),
        ("a", "", "shipped"),
    ]


def test_all_broken_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("{{ custmer.name }}")
    (tmp_path / "b c.txt").write_text("text")
    (tmp_path / "d.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError) as caught:
        read_canned([str(tmp_path)], [])
    lines = str(caught.value).split("\n")
    assert [Path(line.partition(":")[0]).name for line in lines] == ["a", "b c", "d"]


def test_the_shipped_ones_are_whole_in_both_languages() -> None:
    found = read_canned([str(SHIPPED)], [])
    names = {one.name for one in found}
    assert names == {"closing", "details", "forwarded", "thanks", "waiting"}
    assert {one.title for one in found} == names | {f"{name}.de" for name in names}
    assert all(expand([one.title], found, VALUES, ())[one.title].text for one in found)
