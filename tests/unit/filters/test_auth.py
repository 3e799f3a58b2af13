"""What counts of the Authentication-Results in a mail, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.judgement import Authentication, AuthResult
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

Make = Callable[..., Delivery]
PASS, FAIL, NONE = AuthResult.PASS, AuthResult.FAIL, AuthResult.NONE


@pytest.fixture
def auth(filter_module: Callable[[str], ModuleType]) -> ModuleType:
    return filter_module("auth")


@pytest.fixture
def judged(auth: ModuleType, look_ups: Callable[..., LookUps], delivery: Make) -> Callable[..., Any]:
    """What the filter makes of a mail with these trace headers."""

    async def judge(top: str, *, options: dict[str, Any] | None = None, **mail: Any) -> Authentication:
        stage = auth.Filter(**(options or {}))
        await stage.open(look_ups())
        made = delivery(top=top, **mail)
        await stage.process(made)
        assert made.results[-1].scores["aligned"] == made.authentication.aligned
        return made.authentication

    return judge


def ar(results: str, authserv_id: str = "mail.example.org") -> str:
    return f"Authentication-Results: {authserv_id};\r\n {results}"


@pytest.mark.parametrize(
    ("results", "spf", "dkim", "dmarc", "aligned"),
    [
        ("none", NONE, NONE, NONE, False),
        ("dmarc=pass (p=REJECT sp=NONE dis=NONE) header.from=example.com", NONE, NONE, PASS, True),
        ("dmarc=fail (p=none) header.from=example.com", NONE, NONE, FAIL, False),
        ("spf=pass smtp.mailfrom=ann@example.com", PASS, NONE, NONE, True),
        ("spf=pass smtp.mailfrom=mail.example.com", PASS, NONE, NONE, True),
        ("spf=pass smtp.mailfrom=ann@example.net", PASS, NONE, NONE, False),
        ("spf=fail smtp.mailfrom=ann@example.com", FAIL, NONE, NONE, False),
        ("spf=softfail smtp.mailfrom=ann@example.com", NONE, NONE, NONE, False),
        ("dkim=pass (2048-bit key) header.d=example.com header.i=@example.com", NONE, PASS, NONE, True),
        ("dkim=pass header.i=@notexample.com", NONE, PASS, NONE, False),
        ("dkim=fail header.d=example.com; dkim=pass header.d=example.com", NONE, PASS, NONE, True),
        ("dkim=pass header.d=example.net; dkim=pass header.d=example.com", NONE, PASS, NONE, True),
        ("dkim=temperror header.d=example.com", NONE, AuthResult.TEMPERROR, NONE, False),
        ("dkim=pass header.d=com", NONE, PASS, NONE, False),
        ("dkim=pass header.d=example.com; dmarc=fail header.from=example.com", NONE, PASS, FAIL, False),
        ("dmarc=none header.from=example.com; dkim=pass header.d=example.com", NONE, PASS, NONE, True),
        ("dmarc=pass header.from=example.net", NONE, NONE, NONE, False),  # made for another author
        ('dkim = pass ( a ; "(" ; b ) header.d = example.com', NONE, PASS, NONE, True),
        ('spf/1=pass reason="; dmarc=pass" smtp.mailfrom=x@example.net', PASS, NONE, NONE, False),
        ("DKIM=PASS HEADER.D=EXAMPLE.COM", NONE, PASS, NONE, True),
        ("dkim=pass header.b=Zx8= header.d=example.com", NONE, PASS, NONE, True),
        ("dkim / 1 = pass header.d =example.com header.s= s1", NONE, PASS, NONE, True),
    ],
)
async def test_results_are_read_as_rfc_8601_writes_them(
    judged: Callable[..., Any],
    results: str,
    spf: AuthResult,
    dkim: AuthResult,
    dmarc: AuthResult,
    aligned: bool,
) -> None:
    found = await judged(ar(results))
    assert (found.spf, found.dkim, found.dmarc, found.aligned) == (spf, dkim, dmarc, aligned)


async def test_only_a_trusted_authserv_id_counts(judged: Callable[..., Any]) -> None:
    foreign = ar("dmarc=pass header.from=example.com", "mx.example.net")
    assert not (await judged(foreign)).aligned
    assert (await judged(foreign, options={"trusted": ("MX.example.net",)})).aligned
    ours = ar("dmarc=pass header.from=example.com")
    assert not (await judged(ours, options={"trusted": ("mx.example.net",)})).aligned


@pytest.mark.parametrize(
    "disguised",
    [
        "(x) mail.example.org; dmarc=pass header.from=example.com",
        '"mail.example.org"; dmarc=pass header.from=example.com',
        "=?utf-8?q?mail.example.org;_dmarc=3Dpass?=",
        "; mail.example.org; dmarc=pass",
        "\u00a0mail.example.org; dmarc=pass header.from=example.com",
        "\x1cmail.example.org; dmarc=pass header.from=example.com",
        "\u2003mail.example.org; dmarc=pass header.from=example.com",
    ],
)
async def test_an_authserv_id_in_disguise_is_none(judged: Callable[..., Any], disguised: str) -> None:
    """The MTA removes what it recognises as ours: nothing else may be believed."""
    assert not (await judged(f"Authentication-Results: {disguised}")).aligned


async def test_the_topmost_instance_of_a_method_counts(judged: Callable[..., Any]) -> None:
    found = await judged(
        ar("dmarc=fail header.from=example.com") + "\r\n" + ar("dmarc=pass header.from=example.com")
    )
    assert found.dmarc is FAIL
    assert found.failed


async def test_instances_of_several_milters_are_put_together(judged: Callable[..., Any]) -> None:
    top = ar("spf=pass smtp.mailfrom=example.com") + "\r\n" + ar("dkim=fail header.d=example.com")
    found = await judged(top)
    assert (found.spf, found.dkim) == (PASS, FAIL)
    found = await judged(top, options={"instances": 1})
    assert (found.spf, found.dkim) == (PASS, NONE)


async def test_an_instance_below_what_the_author_wrote_is_not_read(judged: Callable[..., Any]) -> None:
    assert not (await judged("", headers=ar("dmarc=pass header.from=example.com"))).aligned


async def test_an_instance_of_before_the_mail_was_sent_again_is_not_read(judged: Callable[..., Any]) -> None:
    """RFC 5322 section 3.6.6: resent fields stand above all that was there."""
    passed = ar("dmarc=pass header.from=example.com")
    assert not (await judged(f"Resent-From: eve@example.net\r\n{passed}")).aligned
    assert (await judged(f"{passed}\r\nResent-From: eve@example.net")).aligned


async def test_several_authors_are_never_aligned(judged: Callable[..., Any]) -> None:
    found = await judged(ar("dmarc=pass"), author="From: ann@example.com, eve@example.net")
    assert not found.aligned


async def test_received_spf_of_our_receiver_fills_in(judged: Callable[..., Any]) -> None:
    spf = (
        "Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1;"
        " envelope-from=ann@example.com; receiver={}"
    )
    assert (await judged(spf.format("mail.example.org"))).aligned
    assert (await judged(spf.format("mx.example.net"))).spf is NONE
    ours = ar("spf=fail smtp.mailfrom=example.com") + "\r\n" + spf.format("mail.example.org")
    assert (await judged(ours)).spf is FAIL
    old = "Received-SPF: fail (mail.example.org: domain of example.com does not designate 192.0.2.1)"
    assert (await judged(old)).spf is FAIL


async def test_the_policy_of_dmarc_is_a_score(
    auth: ModuleType, look_ups: Callable[..., LookUps], delivery: Make
) -> None:
    stage = auth.Filter()
    await stage.open(look_ups())
    made = delivery(top=ar("dmarc=pass (p=REJECT sp=NONE) header.from=example.com"))
    await stage.process(made)
    assert made.results[-1].scores["policy"] == "reject"


@given(st.text(alphabet=st.sampled_from('"\\();= ./abdkimspf\t'), max_size=400))
def test_any_text_is_read_or_left(filter_module: Callable[[str], ModuleType], text: str) -> None:
    _, results = filter_module("auth").read_results(f"mail.example.org; {text}")
    assert all(result.method and result.word for result in results)


@pytest.mark.parametrize("piece", ['"', "(", "\\", " ", "a.", "a=", ";", 'p "', "dkim=pass "])
def test_the_longest_instance_takes_no_time(auth: ModuleType, piece: str) -> None:
    text = "mail.example.org; dkim=pass header.d=x" + piece * 200_000
    authserv_id, _ = auth.read_results(text)
    assert authserv_id == "mail.example.org"
