"""Mistakes in reports and digests are told with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.check.read import read
from mailproc.config import ConfigurationError
from mailproc.opening import plans_of

BASE = """[desk.support]
addresses = ["s@example.org"]
agents = ["alice"]
lead = "alice"
[agent.alice]
[[report]]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mailproc.toml"
    path.write_text(f'hostname = "mail.example.org"\ndata_dir = "state"\n{BASE}{text}')
    return path


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('to = ["alice"]', "a report needs a name"),
        ('name = "a\\nb"\nto = ["alice"]', "cannot be printed"),
        ('name = "a"', "a report needs agents"),
        ('name = "a"\nto = ["alic"]', 'did you mean "alice"'),
        ('name = "a"\nto = ["alice"]\ndesks = ["suport"]', 'did you mean "support"'),
        ('name = "a"\nto = ["alice"]\nevery = "weekly"', "no schedule"),
        ('name = "a"\nto = ["alice"]\n[[report]]\nname = "a"\nto = ["alice"]', "already"),
        ('name = "a"\nto = ["alice"]\nformat = "pdf"', "format"),
    ],
)
def test_a_mistake_in_a_report_is_told(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(written(tmp_path, text), {})
    assert mistake in str(caught.value)
    assert f"{tmp_path}/mailproc.toml:" in str(caught.value)


def test_a_digest_needs_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "a"\nto = ["alice"]')
    path.write_text(path.read_text().replace("lead =", 'digest = "8"\nlead ='))
    with pytest.raises(ConfigurationError, match=r'mailproc\.toml:6: desk\.support\.digest: "8" is no time'):
        read(path, {})


def test_lead_is_who_leads_the_desks_and_all_desks_are_the_default(tmp_path: Path) -> None:
    (plan,) = plans_of(read(written(tmp_path, 'name = "a"\nto = ["lead", "alice"]'), {}).config)
    assert (plan.desks, plan.to, plan.form) == (("support",), ("alice",), "html")
