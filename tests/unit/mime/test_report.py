"""Reading delivery reports, on mails made up for it (tests/mail/bounce-*.eml)."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailproc.mime.bounce_status import is_hard, status_of
from mailproc.mime.bounce_text import is_notice, notice_of, recipients_in
from mailproc.mime.reader import read
from mailproc.mime.report import Action, DeliveryReport, ReportKind, read_report
from mailproc.mime.status_fields import read_groups

MAILS = Path(__file__).resolve().parents[2] / "mail"
OURS = "<2026112100017.4.k7q2mxabcd@desk.example.org>"


def report_in(name: str) -> DeliveryReport:
    report = read_report(read((MAILS / f"bounce-{name}.eml").read_bytes()))
    assert report is not None
    return report


def test_report_gives_each_recipient_with_status_and_hardness() -> None:
    report = report_in("postfix")
    assert [(one.recipient, one.status, one.hard) for one in report.recipients] == [
        ("carla@shop.example.com", "5.1.1", True),
        ("dora@shop.example.com", "5.2.2", False),
    ]
    assert report.recipients[0].remote_mta == "mx.shop.example.com"
    assert report.recipients[0].diagnostic.startswith("550 5.1.1 <carla@shop.example.com>: Recipient address")
    assert report.reporting_mta == "mx.example.org"


@pytest.mark.parametrize(
    "name",
    ["postfix", "postfix-delayed", "qmail", "exim", "exchange-german", "japanese", "feedback", "disposition"],
)
def test_original_message_id_is_found_wherever_it_stands(name: str) -> None:
    assert report_in(name).original_message_id == OURS


def test_delay_is_never_final_and_never_hard() -> None:
    report = report_in("postfix-delayed")
    assert report.delayed
    assert report.bounce is not None
    assert [(one.status, one.hard, one.final) for one in report.bounce.recipients] == [
        ("4.4.1", False, False)
    ]


def test_success_report_names_no_failure() -> None:
    report = report_in("success")
    assert report.delivered
    assert report.bounce is None
    assert report.recipients[0].action is Action.DELIVERED


def test_qmail_prose_gives_recipients_but_not_those_of_the_returned_mail() -> None:
    report = report_in("qmail")
    assert [(one.recipient, one.status, one.hard) for one in report.recipients] == [
        ("carla@shop.example.com", "5.1.1", True),
        ("dora@shop.example.com", "4.2.2", False),
    ]


def test_policy_refusal_is_soft() -> None:
    only = report_in("exim").recipients[0]
    assert (only.recipient, only.status, only.hard) == ("carla@shop.example.com", "5.7.1", False)


@pytest.mark.parametrize(
    ("name", "recipient"),
    [("exchange-german", "carla@shop.example.com"), ("japanese", "carla@shop.example.jp")],
)
def test_prose_in_other_languages_is_read(name: str, recipient: str) -> None:
    only = report_in(name).recipients[0]
    assert (only.recipient, only.status, only.hard) == (recipient, "5.1.1", True)


def test_report_that_a_gateway_wraps_is_read() -> None:
    only = report_in("wrapped").recipients[0]
    assert (only.recipient, only.status, only.hard) == ("carla@shop.example.com", "5.4.4", True)


@pytest.mark.parametrize("name", ["quoted-by-person", "forwarded-by-person"])
def test_bounce_that_a_person_quotes_or_forwards_is_no_report(name: str) -> None:
    assert read_report(read((MAILS / f"bounce-{name}.eml").read_bytes())) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("feedback", ReportKind.FEEDBACK),
        ("disposition", ReportKind.DISPOSITION),
        ("dmarc", ReportKind.AGGREGATE),
    ],
)
def test_other_reports_are_no_bounces(name: str, kind: ReportKind) -> None:
    report = report_in(name)
    assert report.kind is kind
    assert report.bounce is None


def test_delivery_status_part_in_a_persons_mail_is_no_report() -> None:
    raw = (MAILS / "bounce-postfix.eml").read_bytes()
    raw = raw.replace(b"Return-Path: <>", b"Return-Path: <erik@customer.example.net>")
    raw = raw.replace(b"MAILER-DAEMON@mx.example.org (Mail Delivery System)", b"erik@customer.example.net")
    raw = raw.replace(b"Undelivered Mail Returned to Sender", b"Fwd: what is this?")
    raw = raw.replace(b"multipart/report; report-type=delivery-status;", b"multipart/mixed;")
    assert read_report(read(raw)) is None


@pytest.mark.parametrize(
    "head", [b"From: ann@shop.example.com\r\nSubject: Delivery failed", b"Subject: My order"]
)
def test_person_who_writes_of_failed_deliveries_is_no_mail_system(head: bytes) -> None:
    text = b"\r\n\r\nMy parcel could not be delivered to ann@shop.example.com, why?\r\n"
    assert read_report(read(head + text)) is None


def test_gateway_under_a_name_of_its_own_is_known_by_the_mail_that_it_returns() -> None:
    head = b"From: scanner@gateway.example.net\r\nSubject: Mail could not be delivered\r\n\r\n"
    notice = b"Unable to deliver message to <ann@shop.example.com>.\r\n\r\n"
    report = read_report(read(head + notice + b"--- Original message ---\r\nSubject: x\r\n"))
    assert report is not None
    assert [one.recipient for one in report.recipients] == ["ann@shop.example.com"]


def test_missing_blank_line_between_recipients_is_forgiven() -> None:
    text = (
        "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n"
        "Final-Recipient: rfc822; d@e.f\nAction: delayed\n"
    )
    assert [group.get("action") for group in read_groups(text)] == [None, "failed", "delayed"]


def test_folded_field_is_one_value() -> None:
    text = "Diagnostic-Code: smtp; 550\n  5.1.1 no\n  such user\n"
    assert list(read_groups(text)) == [{"diagnostic-code": "smtp; 550 5.1.1 no such user"}]


@pytest.mark.parametrize(
    ("diagnostic", "declared", "status"),
    [
        ("550 5.1.1 <a@b.c>: User unknown", "5.0.0", "5.1.1"),
        ("552 5.2.2 Over quota", "5.1.1", "5.2.2"),  # the server's own words win
        ("X-Unix; 77", "5.3.0", "5.3.0"),
        ("550 No such user", "", "5.1.1"),
        ("421 try again later", "", "4.4.1"),
        ("something went wrong", "", "5.0.0"),
        ("host 10.4.2.1 said: 554 refused", "", "5.7.1"),  # an IP address is no status code
        ("", "5.0.0 (permanent failure)", "5.0.0"),
    ],
)
def test_status_is_read_or_guessed(diagnostic: str, declared: str, status: str) -> None:
    assert status_of(diagnostic, declared) == status


@pytest.mark.parametrize(
    ("status", "diagnostic", "hard"),
    [
        ("5.1.1", "550 5.1.1 User unknown", True),
        ("5.1.2", "Host or domain name not found", True),
        ("5.4.4", "", True),
        ("5.1.10", "Domain does not accept mail (nullMX)", True),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", True),
        ("5.0.0", "550 Usuario desconocido", True),
        ("5.2.2", "552 5.2.2 Mailbox full", False),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", False),
        ("5.7.26", "550 5.7.26 Unauthenticated mail from example.org", False),
        ("5.1.8", "501 5.1.8 Sender domain does not exist", False),  # it is the sender
        ("5.1.0", "after MAIL FROM:<us@example.org>: 553 5.1.0 no such domain", False),
        ("4.1.1", "450 4.1.1 User unknown", False),
        ("5.4.7", "retry timeout exceeded", False),
        ("5.0.0", "userunknown@example.com: 554 refused", False),  # an address says nothing
    ],
)
def test_hard_means_that_the_address_is_no_good(status: str, diagnostic: str, hard: bool) -> None:
    assert is_hard(status, diagnostic) is hard


def test_senders_in_a_notice_are_not_its_recipients() -> None:
    notice = "Could not deliver.\nFor help contact postmaster@example.net\nUnknown user: ann@example.com\n"
    assert [one.address for one in recipients_in(notice)] == ["ann@example.com"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<a@b.c>:", "  ", "\n", "-" * 90, "To:", "@", "original", "\t", "é", "550 "]),
        max_size=300,
    )
)
@example([" "] * 20_000)
@example(["\n"] * 20_000)
@example(["-"] * 20_000)
@example(["recipient:", *[" "] * 20_000])
@example(["mail "] * 4_000)
@example(["a@"] * 8_000)
def test_any_text_is_read_without_error(pieces: list[str]) -> None:
    text = "".join(pieces)
    notice = notice_of(text)
    assert text.lstrip("\n").startswith(notice)
    assert isinstance(is_notice(text), bool)
    assert all("@" in one.address for one in recipients_in(notice))


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=600),
    st.sampled_from(["postfix", "qmail", "exim", "feedback", "disposition"]),
    st.integers(0, 1200),
)
def test_broken_reports_never_raise(noise: bytes, name: str, position: int) -> None:
    raw = (MAILS / f"bounce-{name}.eml").read_bytes()
    report = read_report(read(raw[:position] + noise + raw[position:]))
    assert report is None or report.kind in set(ReportKind)


@pytest.mark.corpus
def test_hardness_agrees_with_an_independent_table() -> None:
    root = Path(os.environ["MAILPROC_CORPUS"]) / "bounces"
    wanted: dict[str, list[bool]] = {}
    with (root / "sisimai_expected.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["reason"] not in {"feedback", "vacation", "delivered"}:
                wanted.setdefault(row["stem"], []).append(row["hardbounce"] == "1")
    agreed = counted = 0
    for stem, hard in wanted.items():
        path = root / "sisimai" / "bsd" / f"{stem}.eml"
        report = read_report(read(path.read_bytes())) if path.exists() else None
        if report is not None and len(report.recipients) == len(hard):
            counted += len(hard)
            agreed += sum(one.hard is want for one, want in zip(report.recipients, hard, strict=True))
    assert counted > 200
    assert agreed / counted > 0.9


def test_the_envelope_id_names_the_mail_where_nothing_else_does() -> None:
    raw = (
        b"From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; relay.example\r\n"
        b"Original-Envelope-Id: <17.1.abcdefghij@mail.example.org>\r\n\r\n"
        b"Original-Recipient: rfc822;ann@example.com\r\nFinal-Recipient: rfc822; ann@new.example.com\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    report = read(raw).report
    assert report is not None
    assert report.bounce is not None
    assert report.bounce.original_message_id == "<17.1.abcdefghij@mail.example.org>"
    (failed,) = report.bounce.recipients
    assert (failed.recipient, failed.original) == ("ann@new.example.com", "ann@example.com")
