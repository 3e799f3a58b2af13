"""The route stage: ordered rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from mailproc.model.option import build
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps, Profile, SpamScore, SpamVerdict

Make = Callable[..., Delivery]


@pytest.fixture
def routed(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], delivery: Make
) -> Callable[..., Any]:
    """Runs rules, as TOML would give them, on a mail that the spam stage scored 0.95."""

    async def route(*rules: dict[str, Any], **mail: Any) -> Delivery:
        mistakes: list[Any] = []
        stage = build(filter_module("route").Filter, {"rule": list(rules)}, ("stage", "route"), mistakes)
        assert stage is not None, mistakes
        await stage.open(look_ups())
        made = delivery(**mail)
        made.begin("spam").scores["score"] = 0.95
        made.begin("route")
        await stage.process(made)
        return made

    return route


async def test_without_rules_nothing_changes(routed: Callable[..., Any]) -> None:
    made = await routed()
    assert (made.tags, made.owner, dict(made.headers)) == ((), "", {})


async def test_a_rule_says_tags_owner_and_priority(routed: Callable[..., Any]) -> None:
    made = await routed({"when": "spam.score > 0.9", "tag": ["a", "b"], "owner": "bob", "priority": "high"})
    assert made.tags == ("a", "b", "priority-high")
    assert made.owner == "bob"
    assert made.headers["X-Priority"].startswith("1")


async def test_rules_apply_in_order_and_later_ones_win(routed: Callable[..., Any]) -> None:
    made = await routed(
        {"tag": "first", "owner": "alice"},
        {"when": "spam.score < 0.9", "tag": "ham"},
        {"when": "'first' in tags", "owner": "bob"},
    )
    assert made.tags == ("first",)
    assert made.owner == "bob"
    assert made.results[-1].scores["rules"] == 2


async def test_stop_ends_the_rules_when_its_condition_holds(routed: Callable[..., Any]) -> None:
    made = await routed(
        {"when": "spam.score < 0.9", "stop": True},
        {"tag": "one", "stop": True},
        {"tag": "two"},
    )
    assert made.tags == ("one",)


async def test_an_owner_who_is_no_agent_of_the_desk_is_noted_only(routed: Callable[..., Any]) -> None:
    made = await routed({"owner": "mallory"})
    assert made.owner == ""
    assert "mallory" in made.results[-1].notes["route"]


async def test_a_rule_that_fails_on_a_mail_does_not_stop_the_others(routed: Callable[..., Any]) -> None:
    broken = {"when": "subject and size * subject > 3", "tag": "never"}
    made = await routed(broken, {"tag": "still"}, subject="x")
    assert made.tags == ("still",)
    assert made.results[-1].notes["route"].startswith("rule 1 failed")


@pytest.mark.parametrize(
    ("when", "mistake"), [("spam.score >", "rule: number 2: when:"), ("spma.score > 1", "spma")]
)
async def test_a_bad_condition_stops_the_start_and_names_its_rule(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], when: str, mistake: str
) -> None:
    route = filter_module("route")
    stage = route.Filter(rule=(route.Rule(), route.Rule(when=when)))
    with pytest.raises(ValueError, match=r"rule: number 2") as raised:
        await stage.open(look_ups())
    assert mistake in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        ({"tags": ["x"]}, 'did you mean "tag"'),
        ({"priority": "hihg"}, "high"),
    ],
)
def test_mistakes_in_a_rule_are_reported(
    filter_module: Callable[[str], ModuleType], rule: dict[str, Any], mistake: str
) -> None:
    mistakes: list[Any] = []
    build(filter_module("route").Filter, {"rule": [rule]}, ("stage", "route"), mistakes)
    assert len(mistakes) == 1
    assert mistake in mistakes[0].text


async def test_the_names_of_the_rules_that_applied_are_told(routed: Callable[..., Any]) -> None:
    made = await routed({"name": "first"}, {"when": "false", "name": "never"}, {"tag": "x"})
    assert made.results[-1].scores["fired"] == "first, 3"
    assert made.fired == ["first", "3"]


async def test_spam_is_given_to_nobody_and_not_sent_on(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], delivery: Make
) -> None:
    module = filter_module("route")
    rule = module.Rule(owner="bob", forward="desk@carrier.example", tag="seen")
    stage = module.Filter(rule=(rule,), assign="round_robin", sticky=True)
    await stage.open(look_ups())
    made = delivery()
    made.spam = SpamScore(1.0, SpamVerdict.SPAM, ())
    await stage.process(made)
    assert (made.owner, made.assignment, made.forward_to, made.tags) == ("", None, (), ("seen",))


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"rule": [{"snooze": "soon"}]}, "snooze: 'soon' is no time"),
        ({"rule": [{"forward": "nobody"}]}, "forward: "),
        ({"rule": [{"name": "a,b"}]}, "without commas"),
        ({"rule": [{"name": "a"}, {"name": "a"}]}, 'two are called "a"'),
        ({"rule": [{"assign": "dice"}]}, "dice"),
        ({"most": -1}, "most"),
    ],
)
def test_mistakes_in_the_options_are_reported(
    filter_module: Callable[[str], ModuleType], options: dict[str, Any], mistake: str
) -> None:
    mistakes: list[Any] = []
    build(filter_module("route").Filter, options, ("stage", "route"), mistakes)
    assert len(mistakes) == 1
    assert mistake in f"{'.'.join(map(str, mistakes[0].key))}: {mistakes[0].text}"


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        ({"desk": "sale"}, 'desk: there is no "sale"'),
        ({"chain": "fast"}, 'chain: there is no "fast"'),
        ({"owner": "carol"}, 'owner: there is no "carol"'),
        ({"forward": "Support@Example.org"}, "our own"),
    ],
)
async def test_a_rule_names_what_the_site_has(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    rule: dict[str, Any],
    mistake: str,
) -> None:
    module = filter_module("route")
    site = replace(
        look_ups(own=frozenset({"support@example.org"})),
        desks={"sales": delivery().desk},
        chains=frozenset({"sales"}),
        agents={"alice": Profile()},
    )
    with pytest.raises(ValueError, match=re.escape(mistake)):
        await module.Filter(rule=(module.Rule(**rule),)).open(site)
