"""A source that is a real HTTP server: asked, down, hanging and lying."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from mailproc.stage import Inquiry, SourceAway, SourceOptions, open_source
from tests.rig.certificate import make_certificate
from tests.rig.web import Web

ANN = {"sender": "ann@example.com"}
Ask = Callable[..., Inquiry]


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.stop()


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    opened: list[Inquiry] = []

    def open_one(web: Web, **options: object) -> Inquiry:
        defaults: dict[str, object] = {"url": web.url, "at": "result", "cache": 0.0, "timeout": 5.0}
        defaults["values"] = ("name", "tier=plan.tier", "vip", "last=orders.1.id")
        opened.append(open_source("crm", SourceOptions(**{**defaults, **options}), Path("/")))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for inquiry in opened:
        await inquiry.close()


async def test_an_object_is_a_record(web: Web, ask: Ask) -> None:
    assert await ask(web).ask(ANN) == ({"name": "Ann Ang", "tier": "gold", "vip": True, "last": 18},)


async def test_a_list_of_objects_is_as_many_records_as_are_read(web: Web, ask: Ask) -> None:
    inquiry = ask(web, at="result.orders", values=("id",), rows=1)
    assert await inquiry.ask(ANN) == ({"id": 17},)


async def test_who_is_not_known_has_no_record(web: Web, ask: Ask) -> None:
    assert await ask(web).ask({"sender": "nobody@example.com"}) == ()
    assert await ask(web, at="result.nowhere").ask(ANN) == ()


@pytest.mark.parametrize(
    ("sender", "path"),
    [
        ("a&admin=1@x.org", "/customers?mail=a%26admin%3D1%40x.org"),
        ("a/../b#c?d@x.org", "/customers?mail=a%2F..%2Fb%23c%3Fd%40x.org"),
        ("jürgen@x.org", "/customers?mail=j%C3%BCrgen%40x.org"),
        ("%0d%0aHost: evil@x.org", "/customers?mail=%250d%250aHost%3A%20evil%40x.org"),
        ("{sender}@x.org", "/customers?mail=%7Bsender%7D%40x.org"),
    ],
)
async def test_what_a_mail_brings_stays_a_value(web: Web, ask: Ask, sender: str, path: str) -> None:
    assert await ask(web).ask({"sender": sender}) == ()
    assert web.asked == [path]


async def test_a_value_that_names_another_one_does_not_become_it(web: Web, ask: Ask) -> None:
    inquiry = ask(web, url=f"{web.url}&name={{name}}")
    assert await inquiry.ask({"sender": "eve@x.org", "name": "{sender}"}) == ()
    assert web.asked == ["/customers?mail=eve%40x.org&name=%7Bsender%7D"]


async def test_a_step_up_in_the_path_is_not_asked(web: Web, ask: Ask) -> None:
    inquiry = ask(web, url=web.url.replace("customers?mail={sender}", "customers/{name}"))
    assert await inquiry.ask({"name": ".."}) == ()
    assert web.asked == []


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ({}, ""),
        ({"password": "token"}, "Bearer token"),
        ({"user": "mailproc", "password": "geheim"}, "Basic bWFpbHByb2M6Z2VoZWlt"),
    ],
)
async def test_who_asks_says_who_it_is(
    web: Web, ask: Ask, options: dict[str, str], authorization: str
) -> None:
    await ask(web, **options).ask(ANN)
    assert web.authorizations == [authorization]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("error", "status 500"),
        ("redirect", "status 302"),
        ("no json", "no JSON"),
        ("deep json", "no JSON"),
        ("number", "no object"),
        ("huge", "more than 262144 octets"),
        ("endless", "more than 262144 octets"),
        ("short", "speaks no HTTP|ends before"),
        ("no http", "speaks no HTTP"),
        ("bad field", "speaks no HTTP"),
        ("hang", r"no answer within 0\.3 s"),
        ("drip", r"no answer within 0\.3 s"),
    ],
)
async def test_a_server_that_misbehaves_is_away(web: Web, ask: Ask, behaviour: str, reason: str) -> None:
    web.behaviour = behaviour
    slow = behaviour in ("hang", "drip")
    inquiry = ask(web, timeout=0.3) if slow else ask(web)
    with pytest.raises(SourceAway, match=reason):
        await inquiry.ask(ANN)
    assert len(web.asked) == 1


async def test_a_server_that_is_down_is_away_and_back_when_it_is_up(web: Web, ask: Ask) -> None:
    inquiry = ask(web)
    web.stop()
    with pytest.raises(SourceAway, match=r"Connect call failed|refused"):
        await inquiry.ask(ANN)
    web.start()
    assert await inquiry.ask(ANN)


async def test_a_lie_becomes_one_line(web: Web, ask: Ask) -> None:
    (record,) = await ask(web).ask({"sender": "lars@example.com"})
    name = "<script>alert(1)</script> X-Mailproc-Ticket: 17 Lars"
    assert record == {"name": name, "tier": "", "vip": "", "last": ""}


async def test_what_is_long_but_allowed_is_cut(web: Web, ask: Ask) -> None:
    (record,) = await ask(web, values=("name",)).ask({"sender": "large@example.com"})
    assert len(str(record["name"])) == 500


async def test_a_certificate_must_be_vouched_for(tmp_path: Path, ask: Ask) -> None:
    made = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    web = Web(context)
    try:
        assert await ask(web, ca_file=str(made.certificate)).ask(ANN)
        with pytest.raises(SourceAway, match="certificate: "):
            await ask(web).ask(ANN)
    finally:
        web.stop()


async def test_an_unfit_file_of_authorities_is_a_mistake_of_the_configuration(web: Web, ask: Ask) -> None:
    with pytest.raises(ValueError, match="ca_file: /nowhere: No such file"):
        ask(web, url=web.url.replace("http:", "https:"), ca_file="/nowhere")
