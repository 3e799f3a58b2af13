"""Times as people type them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.moment import parse_moment

NOW = datetime(2026, 11, 21, 12, 30).timestamp()  # a Saturday


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW + 5400),
        (" 3D ", NOW + 3 * 86400),
        ("2w", NOW + 14 * 86400),
        ("tomorrow", datetime(2026, 11, 22, 8).timestamp()),
        ("Monday", datetime(2026, 11, 23, 8).timestamp()),
        ("sat", datetime(2026, 11, 28, 8).timestamp()),
        ("2026-12-01", datetime(2026, 12, 1, 8).timestamp()),
        ("2026-12-01T09:30", datetime(2026, 12, 1, 9, 30).timestamp()),
        ("2026-12-01T09:30:00Z", 1796117400.0),
    ],
)
def test_a_time_is_read(text: str, moment: float) -> None:
    assert parse_moment(text, NOW) == moment


@given(st.text(max_size=30))
def test_anything_else_is_a_value_error(text: str) -> None:
    try:
        assert isinstance(parse_moment(text, NOW), float)
    except ValueError as error:
        assert "is no time" in str(error)
