"""Targets and steps of escalation: what is read, and every mistake with its line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mailproc.model.escalation import Addressee, At, shown_span
from mailproc.model.mac import Keyring
from mailproc.model.moment import parse_span
from mailproc.model.target import Kind
from mailproc.opening import make_desks, make_site
from tests.unit.config.conftest import DESK, Check, Mistakes

HOWTO = Path(__file__).resolve().parents[3] / "docs/howto/targets.md"
TARGET = '[[desk.support.target]]\nfirst = "4h"\n'
AT_7 = "7: desk.support.escalation[0]"
STEP = '[[desk.support.escalation]]\ntag = ["late"]\n'


def test_a_desk_without_targets_has_none(check: Check) -> None:
    escalation = make_desks(check(DESK).config)["support"].escalation
    assert (escalation.rules, escalation.steps, escalation.lead) == ((), (), "")


def test_targets_and_steps_are_read(check: Check) -> None:
    text = (
        DESK
        + 'agents = ["alice"]\nlead = "alice"\n'
        + '[[desk.support.target]]\nname = "gold"\nnote = { tier = "gold" }\ntag = ["a"]\n'
        + 'first = "90m"\nwarn = 0.5\n'
        + TARGET
        + '[[desk.support.escalation]]\nof = ["next"]\nat = "warn"\nafter = "30m"\n'
        + 'mail = ["lead"]\nrelease = true\n'
        + "[agent.alice]\n"
    )
    config = check(text).config
    escalation = make_site(config, Keyring.generate(bytes(32))).desks["support"].escalation
    gold, second = escalation.rules
    assert (gold.target.name, gold.target.first, gold.target.warn, gold.notes) == (
        "gold", 5400.0, 0.5, (("tier", "gold"),)
    )  # fmt: skip
    assert (second.target.name, second.target.first, second.target.solution) == ("2", 14400.0, 0.0)
    (step,) = escalation.steps
    assert (step.kinds, step.at, step.after) == (frozenset({Kind.NEXT}), At.WARN, 1800.0)
    assert (step.mail, step.template, step.release, step.lay) == (
        (Addressee.LEAD,),
        "escalation",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('[[desk.support.target]]\nname = "x"\n',
         "3: desk.support.target[0]: has no time: write first, next or solution"),
        ('[[desk.support.target]]\nfirst = "soon"\n',
         '4: desk.support.target[0].first: "soon" is no length of time: write 30m, 4h, 14d or 2w'),
        ('[[desk.support.target]]\nfirst = "0h"\n', "4: desk.support.target[0].first: is no time at all"),
        ('[[desk.support.target]]\nfirst = "4h"\nfist = "4h"\n',
         '5: desk.support.target[0].fist: unknown key (did you mean "first"?)'),
        (TARGET + "[[desk.support.escalation]]\nlay = false\n",
         "5: desk.support.escalation[0]: does nothing: write tag, priority, mail, lay, release or desk"),
        (TARGET + STEP + 'after = "x"\n',
         AT_7 + '.after: "x" is no length of time: write 30m, 4h, 14d or 2w'),
        (TARGET + STEP + 'desk = "support"\n', AT_7 + ".desk: is this desk itself"),
        (TARGET + STEP + 'desk = "supportt"\n',
         AT_7 + '.desk: there is no [desk.supportt] (did you mean "support"?)'),
        (TARGET + STEP + 'mail = ["lead"]\n', AT_7 + ".mail: [desk.support] has no lead"),
        (TARGET + STEP + 'mail = ["team"]\n', AT_7 + ".mail: [desk.support] has no agents"),
        (TARGET + STEP + "of = []\n", AT_7 + ".of: is of no target"),
        ('lead = "bob"\n', "3: desk.support.lead: there is no [agent.bob]"),
        (STEP, "3: desk.support.escalation: there is no [[desk.support.target]]: nothing is ever due"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(mistakes: Mistakes, text: str, mistake: str) -> None:
    assert mistake in mistakes(DESK + text)


def test_a_template_that_is_not_there_is_a_mistake(mistakes: Mistakes) -> None:
    text = 'agents = ["alice"]\n' + TARGET + STEP + 'mail = ["team"]\ntemplate = "gone"\n[agent.alice]\n'
    (mistake,) = mistakes(DESK + text)
    assert "desk.support.escalation[0].template: gone.en.j2: not found in" in mistake


def test_a_day_is_told_in_hours_where_the_desk_closes_at_night(check: Check) -> None:
    calendar = 'calendar = "office"\n[[desk.support.target]]\nsolution = "5d"\n'
    office = '[calendar.office]\ntimezone = "UTC"\nweekdays = "09:00-17:00"\n'
    warnings = check(DESK + calendar + office).warnings
    (warning,) = (each for each in warnings if "target" in each)
    assert warning.endswith(
        'desk.support.target[0].solution: "5d" are 120h of opening hours: say it in hours'
    )


def test_laying_on_top_without_a_folder_is_warned_of(check: Check) -> None:
    warnings = check(DESK + TARGET + STEP + "lay = true\n").warnings
    assert any("escalation[0].lay: there is no [imap]" in each for each in warnings)


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("4h", 14400), ("2d", 172800), ("1W", 604800)])
def test_spans_are_read(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(14400, "4h"), (16200, "4h 30m"), (1800, "30m"), (30, "30s")])
def test_spans_are_shown(seconds: float, text: str) -> None:
    assert shown_span(seconds) == text


def test_the_how_tos_configuration_loads(check: Check) -> None:
    parts = [block.split("```")[0] for block in HOWTO.read_text().split("```toml\n")[1:]]
    rest = '[desk.second]\naddresses = ["second@example.org"]\n[agent.alice]\n[agent.bob]\n[imap]\n'
    text = "\n".join([*parts, rest])
    assert len(tomllib.loads(text)["desk"]["support"]["target"]) == 4
    check(text)
