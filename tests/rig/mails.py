"""Mails that tests send."""

from __future__ import annotations


def mail(
    number: int = 1,
    *,
    subject: str = "",
    sender: str = "",
    to: str = "support@example.org",
    headers: str = "",
    size: int = 0,
) -> bytes:
    """A customer's mail with CRLF line ends, unlike every other number's; at least ``size`` octets.

    ``headers`` are whole lines with their CRLF.
    """
    sender = sender or f"customer{number}@customer.example"
    head = (
        f"From: Customer {number} <{sender}>\r\n"
        f"To: {to}\r\n"
        f"Subject: {subject or subject_of(number)}\r\n"
        f"Date: Sat, 21 Nov 2026 20:00:00 +0000\r\n"
        f"Message-ID: <mail-{number}@customer.example>\r\n"
        f"{headers}\r\n"
        f"Printer {number} is on fire.\r\n"
    ).encode()
    line = b"The same again and again, seventy characters long, until it is enough.\r\n"
    return head + line * -(-max(0, size - len(head)) // len(line))


def subject_of(number: int) -> str:
    return f"Printer number {number}"
