"""What servers answer, in all the shapes that RFC 3501 allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.imap import responses
from mailproc.imap.mailbox import Folder, Namespace, Status

UIDS = st.sets(st.integers(1, 2**32 - 1) | st.integers(1, 300), min_size=1, max_size=60)


@given(UIDS, st.integers(12, 200))
def test_sets_name_all_uids_and_no_other_in_commands_of_bearable_length(uids: set[int], longest: int) -> None:
    parts = list(responses.uid_sets(uids, longest))
    named: list[int] = []
    for part in parts:
        assert len(part) <= max(longest, 21)  # one run of two numbers of ten digits
        for run in part.split(b","):
            first, _, last = run.partition(b":")
            named += range(int(first), int(last or first) + 1)
    assert named == sorted(uids)


def test_neighbours_are_one_run() -> None:
    assert list(responses.uid_sets([3, 1, 2, 7, 9, 10])) == [b"1:3,7,9:10"]
    assert list(responses.uid_sets([])) == []


@given(st.integers(0, 4_000_000_000))
def test_an_internal_date_comes_back(seconds: int) -> None:
    assert responses.seconds_of(responses.internaldate(seconds).strip(b'"')) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(b"01-Jan-1970 01:00:00 +0100", 0.0), (b" 1-JAN-1970 00:00:01 +0000", 1.0)],
)
def test_an_internal_date_of_any_zone(text: bytes, seconds: float) -> None:
    assert responses.seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("Support/New", b'"Support/New"'),
        ("Büro & Co", b'"B&APw-ro &- Co"'),
        ('a"b\\c', b'"a\\"b\\\\c"'),
        ("課題", b'"&irKYTA-"'),
    ],
)
def test_mailbox_names_are_modified_utf_7(name: str, encoded: bytes) -> None:
    assert responses.mailbox_name(name) == encoded


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Co", "Cn", "Zs")), min_size=1)
)
def test_a_mailbox_name_comes_back(name: str) -> None:
    said = responses.mailbox_name(name)
    assert responses.folders([b'(\\HasNoChildren) "/" ' + said]) == [Folder(name, "/")]


def test_a_line_end_cannot_be_smuggled_into_a_command() -> None:
    for text in ("a\r\nA1 DELETE x", "a\nb", "a\0b"):
        with pytest.raises(ValueError, match="cannot be said"):
            responses.quoted(text)


@pytest.mark.parametrize(
    ("text", "code", "rest"),
    [
        ("[OVERQUOTA] Quota exceeded", "OVERQUOTA", "Quota exceeded"),
        ("[badcharset (UTF-8)] no", "BADCHARSET", "no"),
        ("[APPENDUID 1 2] done", "APPENDUID", "done"),
        ("no code [here]", "", "no code [here]"),
        ("", "", ""),
    ],
)
def test_response_codes(text: str, code: str, rest: str) -> None:
    assert responses.code_of(text) == (code, rest)


def test_search_results_are_numbers_in_any_number_of_lines() -> None:
    assert responses.numbers([b"5 3", b"1 (MODSEQ 917162500)", b"", None]) == [1, 3, 5]


def test_folders_with_literals_numbers_and_no_separator() -> None:
    told: list[responses.Piece | None] = [
        b'(\\HasChildren \\Noselect) "/" Support',
        (b'() "." {5}', b"a.b c"),
        b"",
        b'() "/" 2024',
        b"() NIL INBOX",
        b'(\\NonExistent) "/" gone',
    ]
    assert responses.folders(told) == [
        Folder("Support", "/", selectable=False),
        Folder("a.b c", "."),
        Folder("2024", "/"),
        Folder("INBOX", ""),
        Folder("gone", "/", selectable=False),
    ]


def test_statuses() -> None:
    told: list[responses.Piece | None] = [
        b'"Support/New" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 17 HIGHESTMODSEQ 4)',
        (b"{3}", b"a b"),
        b" (messages 0 uidnext 1 uidvalidity 2 highestmodseq 0)",
    ]
    assert responses.statuses(told) == {"Support/New": Status(3, 9, 17, 4), "a b": Status(0, 1, 2)}


def test_namespaces() -> None:
    told = [b'(("" "/")) NIL (("Support/" "/") ("B&APw-ro." "." "X-PARAM" ("x")))']
    assert responses.namespaces(told) == (
        Namespace("", "/"),
        Namespace("Support/", "/"),
        Namespace("Büro.", "."),
    )


def test_headers_whatever_stands_around_them() -> None:
    """UID before or after the literal, other data beside it, and news of other mails in between."""
    told: list[responses.Piece | None] = [
        (b"1 (UID 7 BODY[HEADER.FIELDS (X-Mailproc-Id)] {20}", b"X-Mailproc-Id: m1\r\n\r\n"),
        b")",
        b"2 (FLAGS (\\Seen))",
        (b"3 (FLAGS () BODY[HEADER.FIELDS (X-Mailproc-Id)] {20}", b"X-Mailproc-Id: m3\r\n\r\n"),
        b" MODSEQ (12) UID 9)",
        b'4 (UID 11 BODY[HEADER.FIELDS (X-Mailproc-Id)] "")',
        b"5 (UID 12 FLAGS ())",
    ]
    found = responses.headers(told)
    assert {uid: fields.get("x-mailproc-id") for uid, fields in found.items()} == {7: "m1", 9: "m3", 11: None}


def test_the_topmost_field_counts_and_is_unfolded() -> None:
    fields = responses.header_fields(
        b"X-Mailproc-Id: m1.abc\r\nMessage-ID:\r\n <a@b>\r\n"
        b"x-mailproc-id: forged\r\nMessage-ID : <c@d>\r\n\r\n"
    )
    assert fields == {"x-mailproc-id": "m1.abc", "message-id": "<a@b>"}


def test_a_field_of_any_length_is_cut() -> None:
    fields = responses.header_fields(b"X-Mailproc-Id: " + b"m" * 100_000 + b"\r\n\r\n")
    assert len(fields["x-mailproc-id"]) == responses.LONGEST_FIELD


def test_a_whole_mail_among_other_news() -> None:
    told: list[responses.Piece | None] = [
        b"9 (FLAGS (\\Flagged) UID 4)",
        (b'2 (UID 5 FLAGS (\\Answered $label1) INTERNALDATE "01-Jan-1970 00:00:10 +0000" BODY[] {2}', b"ab"),
        b")",
    ]
    assert responses.stored(told, 5) == (b"ab", 10.0, frozenset({"\\Answered", "$label1"}))
    assert responses.stored(told, 4) is None


def test_new_uids() -> None:
    assert responses.assigned([b"38505 3955:3957"]) == [3955, 3956, 3957]
    assert responses.assigned([]) == []
    assert responses.copied([b"38505 304,319:320 3956:3958"]) == {304: 3956, 319: 3957, 320: 3958}
    assert responses.copied([b"1 1 2", b"1 3 4"]) == {1: 2, 3: 4}


def test_rights_are_the_last_word() -> None:
    assert responses.last_word([b'"Support/New" lrswipkxtecda']) == "lrswipkxtecda"
    assert responses.last_word([b"INBOX NIL"]) == ""
