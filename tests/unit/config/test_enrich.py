"""Sources of the enrich stage in a configuration: names in conditions, mistakes with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.conftest import DESK, Check, Mistakes

SOURCE = """
[stage.enrich.source.crm]
url    = "sqlite:///crm.db"
query  = "SELECT tier FROM customer WHERE mail = :sender"
values = ["tier"]
"""


def test_values_of_a_source_are_names_in_conditions(check: Check) -> None:
    check(DESK + SOURCE + "[stage.route]\nwhen = \"enrich.crm_tier == 'gold' and enrich.crm_found\"\n")


def test_a_misspelt_value_is_found_when_the_configuration_is_loaded(mistakes: Mistakes) -> None:
    (line,) = mistakes(DESK + SOURCE + "[stage.route]\nwhen = \"enrich.crm_teir == 'gold'\"\n")
    assert line == '9: stage.route.when: unknown name "enrich.crm_teir" (did you mean "crm_tier"?)'


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        (":sender", "'{sender}'", "6: stage.enrich.source.crm.query: { would put text into the query"),
        ("query ", "qurey ", '6: stage.enrich.source.crm.qurey: unknown key (did you mean "query"?)'),
        ('["tier"]', "[]", "7: stage.enrich.source.crm.values: needed"),
        ("= :sender", "= :sendr", '6: stage.enrich.source.crm.query: nothing is called "sendr"'),
    ],
)
def test_a_mistake_in_a_source_is_told_with_its_line(
    mistakes: Mistakes, wrong: str, right: str, line: str
) -> None:
    assert any(found.startswith(line) for found in mistakes(DESK + SOURCE.replace(wrong, right)))


def test_paths_start_at_the_configuration(check: Check, tmp_path: Path) -> None:
    source = '[stage.enrich.source.list]\nurl = "csv:list.csv"\nkey = "Mail"\nvalues = ["Name"]\n'
    (tmp_path / "list.csv").write_text("Mail,Name\n")
    check(DESK + source)
