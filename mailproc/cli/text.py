"""mailproc text: what is read from a mail.  Needs no configuration, no daemon and no store."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from mailproc.cli.output import FAILED, echo_json
from mailproc.cli.table import printable
from mailproc.mime.reader import Attachment, Mail, read
from mailproc.model.address import Mailbox
from mailproc.model.moment import shown_moment

_LABEL = 12  # columns
_SHOWN_QUOTE = 6  # lines of it; the rest is counted


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def text(files: tuple[str, ...], as_json: bool) -> None:
    """What is read from a mail: who, what is new in it, what is quoted, what is attached.

    FILE is a mail as it comes from the wire; - is standard input.
    """
    unreadable = False
    for number, path in enumerate(files):
        try:
            mail = read(_bytes_of(path))
        except OSError as error:
            click.echo(f"mailproc: {path}: {error.strerror or error}", err=True)
            unreadable = True
            continue
        if as_json:
            echo_json([view(path, mail)])
        else:
            click.echo(("\n" if number else "") + describe(mail, path if len(files) > 1 else ""))
    if unreadable:
        sys.exit(FAILED)


def _bytes_of(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def view(path: str, mail: Mail) -> dict[str, object]:
    """The mail as ``text --json`` prints it; addresses in lower case, "" and [] for what is absent."""
    return {
        "path": path,
        "subject": mail.subject,
        "from": mail.author.address.key if mail.author else "",
        "to": [mailbox.address.key for mailbox in mail.to],
        "message_id": mail.message_id,
        "text": mail.text,
        "reply": mail.reply,
        "quoted": mail.quoted,
        "signature": mail.signature,
        "language": mail.language,
        "attachments": [
            {"name": file.name, "type": file.type, "size": file.size, "text": file.text}
            for file in mail.attachments
        ],
        "defects": list(mail.defects),
    }


def describe(mail: Mail, path: str) -> str:
    """The mail for a person to read; nothing in it can command the terminal."""
    sections = [
        "\n".join(_head(mail, path)),
        _block("", mail.reply or _absent("nothing new is written in it")),
        _block("Signature", mail.signature),
        _block("Quoted", _shortened(mail.quoted)),
        _block("Attachments", "\n".join(_attachment_lines(mail.attachments))),
    ]
    sections.append(_block("Defects", "\n".join(mail.defects)))  # last: reading finds them
    return "\n\n".join(section for section in sections if section)


def _head(mail: Mail, path: str) -> Iterator[str]:
    values = [
        ("File", path),
        ("Subject", mail.subject or _absent("none")),
        ("From", _people([mail.author] if mail.author else []) or _absent("nobody that can be read")),
        ("Reply-To", _people([mail.reply_to]) if mail.reply_to else ""),
        ("To", _people(mail.to)),
        ("Cc", _people(mail.cc)),
        ("Date", "" if mail.date is None else shown_moment(mail.date)),
        ("Message-ID", mail.message_id),
        ("Language", mail.language),
    ]
    for label, value in values:
        if value:
            yield f"{click.style(label.ljust(_LABEL), bold=True)}{value}"


def _people(mailboxes: Iterable[Mailbox]) -> str:
    return ", ".join(
        printable(f"{mailbox.name} <{mailbox.address}>" if mailbox.name else str(mailbox.address))
        for mailbox in mailboxes
    )


def _absent(words: str) -> str:
    return f"({words})"


def _block(title: str, content: str) -> str:
    """Lines below their title, indented; "" where there is nothing to say."""
    if not content:
        return ""
    lines = [f"  {printable(line.expandtabs(4))}".rstrip() for line in content.split("\n")]
    return "\n".join([click.style(title, bold=True), *lines] if title else lines)


def _shortened(quoted: str) -> str:
    lines = quoted.split("\n")
    if len(lines) <= _SHOWN_QUOTE + 1:
        return quoted
    return "\n".join([*lines[:_SHOWN_QUOTE], f"… and {len(lines) - _SHOWN_QUOTE} more lines"])


def _attachment_lines(attachments: tuple[Attachment, ...]) -> Iterator[str]:
    names = [file.name or _absent("no name") for file in attachments]
    width = min(max(map(len, names), default=0), 50)
    for name, file in zip(names, attachments, strict=True):
        yield f"{name.ljust(width)}  {file.type}, {_amount(file.size)}"


def _amount(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
