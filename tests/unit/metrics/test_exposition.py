"""The text that Prometheus reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.board import Board
from mailproc.metrics.exposition import Family, Histogram, by, render, single
from mailproc.metrics.figures import families_of_board
from mailproc.metrics.measured import BOUNDS, COLUMNS, MeasuredIntake
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, STORE_BUSY, Reply

HERE = Address.parse("support@example.org")


def test_a_family_says_what_it_is_before_its_samples() -> None:
    family = Family("mailproc_tickets", "gauge", "Tickets by state.", by("state", {"new": 3, "closed": 0.5}))
    assert render([family]).splitlines() == [
        "# HELP mailproc_tickets Tickets by state.",
        "# TYPE mailproc_tickets gauge",
        'mailproc_tickets{state="new"} 3',
        'mailproc_tickets{state="closed"} 0.5',
    ]


def test_buckets_are_cumulative_and_end_with_all() -> None:
    text = render([Histogram("h", "H.", (0.1, 1.0), (2, 3), 6, 12.5)])
    assert text.splitlines()[2:] == [
        'h_bucket{le="0.1"} 2',
        'h_bucket{le="1"} 5',
        'h_bucket{le="+Inf"} 6',
        "h_sum 12.5",
        "h_count 6",
    ]


@given(st.text())
def test_a_label_stays_in_its_line_and_its_quotes(text: str) -> None:
    body = render([Family("f", "gauge", "F.", by("lease", {text: 1}))])
    line = body.removeprefix("# HELP f F.\n# TYPE f gauge\n")
    assert line.count("\n") == 1
    inside = line.removeprefix('f{lease="').removesuffix('"} 1\n')
    assert inside.replace("\\\\", "").replace('\\"', "").count('"') == 0


def test_a_row_of_each_worker_is_summed() -> None:
    board = Board(2, COLUMNS)
    for place in (0, 1):
        board.row(place).add("store_errors", 2)
    board.row(1).put("connections", 5)
    assert (board.total("store_errors"), board.total("connections")) == (4, 5)
    assert "mailproc_store_errors_total 4" in render(families_of_board(board, 2))


def test_the_oldest_pulse_is_that_of_the_worker_that_hangs() -> None:
    board = Board(2, COLUMNS)
    board.row(0).beat()
    assert board.oldest_pulse() > 1.0  # of a worker that never began
    board.row(1).beat()
    assert board.oldest_pulse() < 1.0


def test_figures_have_one_name_each() -> None:
    names = [family.name for family in families_of_board(Board(1, COLUMNS), 1)]
    assert len(set(names)) == len(names)
    assert "mailproc_workers 1\n" in render([single("mailproc_workers", "gauge", "W.", 1)])


class Slow:
    """An intake that takes as long as the clock says, and answers one after the other."""

    def recipient(self, address: Address) -> Reply:
        return ACCEPTED

    async def accept(self, mail_from: object, recipients: object, raw: bytes) -> list[Reply]:
        return [ACCEPTED, STORE_BUSY]


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.3, 8), (30.0, 13)])
async def test_the_time_of_a_mail_falls_into_its_bucket(seconds: float, bucket: int) -> None:
    board, times = Board(1, COLUMNS), iter((10.0, 10.0 + seconds))
    intake = MeasuredIntake(Slow(), board.row(0), clock=lambda: next(times))
    assert await intake.accept(None, [HERE, HERE], b"x" * 7) == [ACCEPTED, STORE_BUSY]
    (histogram, *_) = families_of_board(board, 1)
    assert isinstance(histogram, Histogram)
    assert [place for place, count in enumerate(histogram.counts) if count] == [bucket]
    assert histogram.bounds == BOUNDS
    assert (board.total("replies_2xx"), board.total("replies_4xx")) == (1, 1)
    assert board.total("intake_octets") == 7


async def test_what_took_longer_than_every_bound_counts_with_all() -> None:
    board, times = Board(1, COLUMNS), iter((0.0, 1000.0))
    await MeasuredIntake(Slow(), board.row(0), clock=lambda: next(times)).accept(None, [HERE], b"")
    text = render(families_of_board(board, 1))
    assert 'mailproc_intake_seconds_bucket{le="30"} 0' in text
    assert 'mailproc_intake_seconds_bucket{le="+Inf"} 1' in text
