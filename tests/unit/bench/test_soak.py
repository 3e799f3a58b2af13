"""What the soak measures with is right itself."""

from __future__ import annotations

import pytest

from bench.soak import growth, tracebacks
from bench.soak_people import number_of


def test_memory_that_grows_on_is_told_an_hour() -> None:
    grows = [(float(at), 50.0 + at / 360.0) for at in range(0, 1200, 5)]
    assert growth(grows) == pytest.approx(10.0)


def test_a_step_in_memory_is_no_growth() -> None:
    steps = [(float(at), 50.0 if at < 700 else 90.0) for at in range(0, 1200, 5)]
    assert growth(steps) == 0


def test_a_traceback_in_the_log_is_found_in_either_form() -> None:
    plain = "level=info a\nTraceback (most recent call last):\n  File x\nValueError: no\nlevel=info b\n"
    folded = (
        'level=error c cause="Traceback (most recent call last):\\n  File x\\nValueError: no"\nlevel=info d\n'
    )
    assert tracebacks("level=info all is well\n") == []
    (found,) = tracebacks(plain)
    assert found.endswith("ValueError: no")
    (found,) = tracebacks(folded)
    assert found.startswith("level=error c")
    assert found.endswith('ValueError: no"')


@pytest.mark.parametrize(
    ("message_id", "number"), [("<mail-17@customer.example>", 17), ("<alice-1-2@laptop.example>", 0), ("", 0)]
)
def test_a_letter_is_known_by_its_message_id(message_id: str, number: int) -> None:
    assert number_of(message_id) == number
