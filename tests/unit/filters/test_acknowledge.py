"""Who gets an acknowledgement, with which template, and what may stand in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailproc.model.desk import Desk
from mailproc.model.judgement import (
    Authentication,
    AuthResult,
    Automatic,
    MailClass,
    SpamScore,
    SpamVerdict,
)
from mailproc.pipeline.delivery import AcknowledgementPlan, Delivery
from mailproc.stage import LookUps

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "templates"
ANSWERS = ("acknowledge.", "rejected.")
LANGUAGES = {"en", "de", "fr", "es", "it", "nl", "pt", "sv", "da", "no", "pl", "cs"}

Make = Callable[..., Delivery]
AUTHENTICATED = Authentication(dmarc=AuthResult.PASS, aligned=True)


@pytest.fixture
def acknowledge(filter_module: Callable[[str], ModuleType]) -> ModuleType:
    return filter_module("acknowledge")


@pytest.fixture(scope="module")
def opened() -> dict[object, Any]:
    """Filters by their options; each compiles two dozen templates."""
    return {}


@pytest.fixture
def plan_for(
    acknowledge: ModuleType, look_ups: Callable[..., LookUps], opened: dict[object, Any]
) -> Callable[..., Any]:
    """Runs the filter on a delivery and returns its plan."""

    async def plan(
        delivery: Delivery, *, own: frozenset[str] = frozenset(), templates: Any = None, **options: Any
    ) -> AcknowledgementPlan:
        key = (own, templates, *sorted(options.items()))
        if key not in opened:
            opened[key] = acknowledge.Filter(**options)
            await opened[key].open(look_ups(own=own, **({"templates": templates} if templates else {})))
        verdict = await opened[key].process(delivery)
        assert verdict.course == "continue"
        assert delivery.acknowledgement is not None
        return delivery.acknowledgement

    return plan


async def test_a_customers_mail_is_acknowledged(delivery: Make, plan_for: Callable[..., Any]) -> None:
    plan = await plan_for(delivery())
    assert plan.refusal == ""
    assert plan.template is not None
    assert not plan.vouched


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        ({"numbered": False}, "no ticket number"),
        ({"mail_from": ""}, "null reverse-path"),
        ({"author": "X-Nothing: here"}, "no usable address in From"),
        ({"author": "From: a@example.com, b@example.com"}, "several addresses"),
        ({"author": "From: a@example.com\r\nFrom: b@example.com"}, "several addresses"),
        ({"mail_from": "support@example.org", "author": "From: support@example.org"}, "our own"),
        ({"mail_from": "help+17.abc@example.org", "author": "From: help@example.org"}, "our own"),
        ({"author": "From: alice@example.org"}, "our own"),
        ({"mail_from": "MAILER-DAEMON@example.com"}, "takes no replies"),
        ({"mail_from": "postmaster@example.com"}, "takes no replies"),
        ({"mail_from": "bounces+17=x@example.com"}, "takes no replies"),
        ({"mail_from": "list-request@example.com"}, "takes no replies"),
        ({"mail_from": "owner-list@example.com"}, "takes no replies"),
        ({"author": "From: no-reply@example.com"}, "takes no replies"),
        ({"author": "From: DoNotReply@example.com"}, "takes no replies"),
        ({"author": "From: nicht_antworten@example.com"}, "takes no replies"),
        ({"author": "From: ne-pas-repondre@example.com"}, "takes no replies"),
        ({"headers": "X-Auto-Response-Suppress: OOF, AutoReply"}, "X-Auto-Response-Suppress"),
        ({"headers": "Auto-Submitted: auto-generated"}, "Auto-Submitted"),
        ({"headers": "Precedence: bulk"}, "Precedence"),
        ({"headers": "List-Id: <list.example.com>"}, "List-Id"),
        ({"headers": "X-Mailproc-Loop: other.example.net"}, "X-Mailproc-Loop"),
        ({"mail_from": "ann@example.net"}, "From and envelope sender differ"),
        ({"headers": "Reply-To: eve@example.net"}, "Reply-To and envelope sender differ"),
    ],
)
async def test_a_mail_that_must_not_be_answered_is_refused_with_its_reason(
    delivery: Make, plan_for: Callable[..., Any], mail: dict[str, Any], reason: str
) -> None:
    plan = await plan_for(delivery(**mail), own=frozenset({"alice@example.org"}))
    assert reason in plan.refusal


@pytest.mark.parametrize(
    "mail",
    [
        {"headers": "Auto-Submitted: no"},
        {"headers": "X-Auto-Response-Suppress: DR, RN"},
        {"mail_from": "ann@mail.example.com"},
        {"mail_from": "rooter@example.com", "author": "From: rooter@example.com"},
        {"mail_from": "replying@example.com", "author": "From: replying@example.com"},
        {"mail_from": "nora@example.com", "author": "From: nora@example.com"},
    ],
)
async def test_marks_that_only_look_automatic_do_not_refuse(
    delivery: Make, plan_for: Callable[..., Any], mail: dict[str, Any]
) -> None:
    assert (await plan_for(delivery(**mail))).refusal == ""


async def test_the_class_of_the_automatic_stage_refuses_with_its_reasons(
    delivery: Make, plan_for: Callable[..., Any]
) -> None:
    mail = delivery()
    mail.automatic = Automatic(MailClass.AUTO_REPLY, ("subject says out of office",))
    assert (await plan_for(mail)).refusal == "automatic mail: auto_reply (subject says out of office)"


@pytest.mark.parametrize(
    ("score", "verdict", "refused"),
    [
        (0.95, SpamVerdict.SPAM, True),
        (0.8, SpamVerdict.UNSURE, True),
        (0.5, SpamVerdict.UNSURE, False),  # untrained: nobody knows, and that must not silence us
        (0.1, SpamVerdict.HAM, False),
    ],
)
async def test_spam_and_what_may_be_spam_is_not_answered(
    delivery: Make, plan_for: Callable[..., Any], score: float, verdict: SpamVerdict, refused: bool
) -> None:
    mail = delivery()
    mail.spam = SpamScore(score, verdict)
    assert ("spam" in (await plan_for(mail)).refusal) is refused


@pytest.mark.parametrize(
    "failed",
    [
        Authentication(spf=AuthResult.FAIL),
        Authentication(dmarc=AuthResult.FAIL),
        Authentication(spf=AuthResult.PASS, dmarc=AuthResult.FAIL),
    ],
)
async def test_a_forged_sender_is_not_answered(
    delivery: Make, plan_for: Callable[..., Any], failed: Authentication
) -> None:
    mail = delivery()
    mail.authentication = failed
    plan = await plan_for(mail)
    assert "failed" in plan.refusal
    assert not plan.vouched


async def test_an_authenticated_author_is_vouched_for(delivery: Make, plan_for: Callable[..., Any]) -> None:
    mail = delivery(mail_from="bounce-1@mail.example.com")
    mail.authentication = AUTHENTICATED
    plan = await plan_for(mail)
    assert plan.vouched
    assert "takes no replies" in plan.refusal  # a bounce address all the same

    mail = delivery(mail_from="ann@mail.example.com")
    mail.authentication = AUTHENTICATED
    assert (await plan_for(mail)).refusal == ""


async def test_an_authenticated_author_does_not_vouch_for_a_foreign_envelope_sender(
    delivery: Make, plan_for: Callable[..., Any]
) -> None:
    """Whoever signs as himself could else have his words sent to any victim."""
    mail = delivery(mail_from="victim@example.net")
    mail.authentication = AUTHENTICATED
    assert not (await plan_for(mail)).vouched


async def test_senders_that_nothing_authenticated_can_be_left_without_answer(
    delivery: Make, plan_for: Callable[..., Any]
) -> None:
    assert "nothing authenticated" in (await plan_for(delivery(), unauthenticated="never")).refusal
    mail = delivery()
    mail.authentication = AUTHENTICATED
    assert (await plan_for(mail, unauthenticated="never")).refusal == ""


async def test_the_stage_tells_explain_what_it_decided(delivery: Make, plan_for: Callable[..., Any]) -> None:
    mail = delivery(mail_from="")
    await plan_for(mail)
    assert mail.results[-1].scores == {"send": False, "reason": "null reverse-path"}


# Templates


@pytest.mark.parametrize("kind", ["acknowledge", "rejected", "closing"])
def test_every_language_has_each_template(kind: str) -> None:
    assert {path.name.split(".")[1] for path in SHIPPED.glob(f"{kind}.*.j2")} == LANGUAGES


@pytest.mark.parametrize(
    "path",
    sorted([*SHIPPED.glob("acknowledge.*.j2"), *SHIPPED.glob("rejected.*.j2")]),
    ids=lambda path: path.name,
)
def test_shipped_templates_render_for_everybody(acknowledge: ModuleType, path: Path) -> None:
    template = acknowledge.read_template(path.read_text(encoding="utf-8"))
    text = template.render({**acknowledge.SAMPLE, "vouched": False})
    first, empty, *rest = text.split("\n")
    assert first.startswith("Subject: [T#2026112100017-k7q2mx] ")
    assert empty == ""
    assert "2026112100017" in "\n".join(rest)
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("language", "desk_language", "chosen"),
    [
        ("de", "en", "de"),
        ("pt-BR", "en", "pt"),
        ("nb", "en", "no"),
        ("fi", "de", "de"),
        ("", "fr", "fr"),
        ("fi", "hu", "en"),
    ],
)
async def test_the_template_is_in_the_customers_language_or_the_desks(
    delivery: Make, plan_for: Callable[..., Any], language: str, desk_language: str, chosen: str
) -> None:
    mail = delivery(desk=replace(delivery().desk, language=desk_language), text="x")
    mail.language = language
    assert (await plan_for(mail)).language == chosen


async def test_a_sites_own_template_and_a_desks_own_come_first(
    delivery: Make, plan_for: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "acknowledge.en.j2").write_text("Subject: site\n\nsite\n")
    (tmp_path / "acknowledge.sales.en.j2").write_text("Subject: sales\n\nsales\n")
    folders = (str(tmp_path), str(SHIPPED))
    sales: Desk = replace(delivery().desk, name="sales")
    plans = [await plan_for(delivery(desk=desk), templates=folders) for desk in (delivery().desk, sales)]
    assert [plan.template.render({}) for plan in plans] == [
        "Subject: site\n\nsite\n",
        "Subject: sales\n\nsales\n",
    ]


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("Subject: Re: {{ subject }}\n", "customer's text"),
        ("Subject: x\n\n{% if name %}Dear {{ name }}{% endif %}", "customer's text"),
        ("Subject: x\n\n{% if vouched %}{% else %}{{ name }}{% endif %}", "customer's text"),
        ("Subject: x\n\n{% if vouched or true %}{{ name }}{% endif %}", "customer's text"),
        ("Subject: x\n\n{{ 'you' if vouched else name }}", "customer's text"),
        ("Subject: {{ numbr }}\n", "numbr"),
        ("Subject: {% if %}\n", "line 1"),
        ("Dear customer\n", "Subject"),
        ("Subject: {{ ''.__class__ }}\n", "__class__"),
        ("{% include 'acknowledge.en.j2' %}", "include"),
    ],
)
async def test_a_bad_template_stops_the_start_and_is_named(
    acknowledge: ModuleType, look_ups: Callable[..., LookUps], tmp_path: Path, source: str, mistake: str
) -> None:
    (tmp_path / "acknowledge.de.j2").write_text(source)
    with pytest.raises(ValueError, match=r"acknowledge\.de\.j2: .*") as raised:
        await acknowledge.Filter().open(look_ups(templates=(str(tmp_path), str(SHIPPED))))
    assert mistake in str(raised.value)


async def test_a_missing_template_stops_the_start(
    acknowledge: ModuleType, look_ups: Callable[..., LookUps]
) -> None:
    with pytest.raises(ValueError, match=r"welcome\.en\.j2: not found"):
        await acknowledge.Filter(template="welcome").open(look_ups())
