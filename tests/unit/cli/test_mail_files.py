"""Mails in files, mboxes, Maildirs and directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.cli.mail_files import mails_in

ONE = b"Subject: one\n\nFrom here on\n"
TWO = b"Subject: two\r\n\r\nbody\r\n"


def found(*paths: Path) -> list[tuple[str, bytes]]:
    return [(file.path, file.raw) for file in mails_in(paths)]


def test_a_file_is_a_mail_byte_for_byte(tmp_path: Path) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes(TWO)
    assert found(mail) == [(str(mail), TWO)]


def test_a_directory_is_read_to_its_depth_in_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("z", "a", "b/c/m"):
        (tmp_path / name).write_bytes(ONE)
    assert [Path(path).relative_to(tmp_path).as_posix() for path, _ in found(tmp_path)] == ["a", "b/c/m", "z"]


def test_a_maildir_gives_new_and_cur_and_its_folders(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp", ".Junk/cur", ".Junk/new", ".Junk/tmp"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1:2,S").write_bytes(ONE)
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1")
    names = {Path(path).relative_to(tmp_path).parent.as_posix() for path, _ in found(tmp_path)}
    assert names == {"cur", "new", ".Junk/cur", ".Junk/new"}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_mbox_gives_its_mails_without_separators(tmp_path: Path, end: bytes) -> None:
    box = tmp_path / "box"
    separator = b"From ann@example.com Sat Nov 21 20:53:52 2026" + end
    bodies = [b"Subject: %d" % n + end * 2 + b"text" + end for n in (1, 2, 3)]
    box.write_bytes(b"".join(separator + body + end for body in bodies))
    assert found(box) == [(f"{box}#{n}", body) for n, body in enumerate(bodies, 1)]


def test_only_a_separator_with_a_date_after_an_empty_line_parts_mails(tmp_path: Path) -> None:
    box = tmp_path / "box"
    body = (
        b"Subject: x\n\nFrom me to you\n\nFrom ann@example.com at 10:00\n>From quoted\nFrom a b 10:00 2026\n"
    )
    box.write_bytes(b"From ann@example.com Sat Nov 21 20:53:52 2026\n" + body)
    assert found(box) == [(str(box), body.replace(b">From", b"From"))]


def test_an_empty_file_is_an_empty_mail(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert found(tmp_path / "empty") == [(str(tmp_path / "empty"), b"")]
