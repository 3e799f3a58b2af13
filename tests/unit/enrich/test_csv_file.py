"""A CSV file as a source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailproc.enrich.csv_file import CsvSource
from mailproc.enrich.source import SourceAway

WANTED = {"name": "Name", "tier": "Tier"}


def written(path: Path, text: str, *, moment: int = 1) -> Path:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(moment, moment))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
async def test_a_spreadsheet_is_read_as_it_was_saved(tmp_path: Path, separator: str, mark: str) -> None:
    lines = [("Mail", "Name", "Tier"), (" Ann@Example.com ", '"Ang\nAnn"', "gold")]
    text = mark + "\r\n".join(separator.join(line) for line in lines)
    source = CsvSource(written(tmp_path / "c.csv", text), "Mail", "sender", WANTED, 10)
    assert await source.ask({"sender": "ann@example.com"}) == [{"name": "Ang Ann", "tier": "gold"}]
    assert await source.ask({"sender": "bob@example.com"}) == []


async def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\na@b.c,Ann,1\n")
    source = CsvSource(path, "Mail", "sender", WANTED, 10)
    written(path, "Mail,Name,Tier\na@b.c,Eve,2\n", moment=2)
    assert await source.ask({"sender": "a@b.c"}) == [{"name": "Eve", "tier": "2"}]


@pytest.mark.parametrize("text", ["Mail,Name\na@b.c,Ann\n", None])
async def test_a_file_that_cannot_be_read_any_more_is_not_forgotten(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\na@b.c,Ann,1\n")
    source = CsvSource(path, "Mail", "sender", WANTED, 10)
    path.unlink()
    if text is not None:
        written(path, text, moment=2)
    assert await source.ask({"sender": "a@b.c"}) == [{"name": "Ann", "tier": "1"}]
    assert "not_read" in caplog.text


async def test_a_file_that_is_put_right_is_read_though_its_time_and_size_are_as_before(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\na@b.c,Ann,1\n")
    source = CsvSource(path, "Mail", "sender", WANTED, 10)
    written(path, "Mail,Name,Tear\na@b.c,Eve,2\n", moment=2)
    assert await source.ask({"sender": "a@b.c"}) == [{"name": "Ann", "tier": "1"}]
    changed = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == changed:  # the system's clock goes in steps
        written(path, "Mail,Name,Tier\na@b.c,Eve,2\n", moment=2)
    assert await source.ask({"sender": "a@b.c"}) == [{"name": "Eve", "tier": "2"}]


async def test_an_empty_table_that_goes_away_is_away(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\n")
    source = CsvSource(path, "Mail", "sender", WANTED, 10)
    path.unlink()
    with pytest.raises(SourceAway, match="cannot be read"):
        await source.ask({"sender": "a@b.c"})


async def test_no_more_rows_are_kept_than_allowed(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\n" + "a@b.c,Ann,1\n" * 100)
    source = CsvSource(path, "Mail", "sender", WANTED, 3)
    assert len(await source.ask({"sender": "a@b.c"})) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [("Mail,Name\n", 'no column "Tier"'), ("", 'no column "Mail"'), (None, "cannot be read: No such file")],
)
def test_an_unfit_file_is_a_mistake_of_the_configuration(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "c.csv"
    if text is not None:
        written(path, text)
    with pytest.raises(ValueError, match=words):
        CsvSource(path, "Mail", "sender", WANTED, 10)


async def test_short_and_long_lines_are_borne(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "Mail,Name,Tier\na@b.c\nb@b.c,Bob,1,2,3\n\0,x,y\n")
    source = CsvSource(path, "Mail", "sender", WANTED, 10)
    assert await source.ask({"sender": "a@b.c"}) == [{"name": "", "tier": ""}]
    assert await source.ask({"sender": "b@b.c"}) == [{"name": "Bob", "tier": "1"}]
