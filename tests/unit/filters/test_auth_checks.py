"""What the auth stage checks by itself, whom it flags, and what it never believes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from mailproc.mime.inspection import MAX_SIGNATURES
from mailproc.model.judgement import AuthResult
from mailproc.outbox.sign import DomainKey, Signer
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps, NoAnswer
from tests.rig.signed_mails import MAIL, key, key_name, records, sealed

Make = Callable[..., Delivery]
Judge = Callable[..., Any]
PASS, FAIL, NONE, TEMPERROR = AuthResult.PASS, AuthResult.FAIL, AuthResult.NONE, AuthResult.TEMPERROR
RECEIVED = 1_795_000_000.0
POLICY = "_dmarc.example.com"
REJECT = {POLICY: (b"v=DMARC1; p=reject",)}


def by_hand(raw: bytes = MAIL) -> bytes:
    """Signed at the time when the tests' deliveries come."""
    return Signer({"example.com": [DomainKey("s1", key())]}, clock=lambda: RECEIVED).signed(raw)


def reported(results: str) -> bytes:
    return f"Authentication-Results: mail.example.org; {results}\r\n".encode()


@dataclass
class Zone:
    """DNS, as far as a test has any; what is not in it has no records, and None does not answer."""

    names: Mapping[str, tuple[bytes, ...] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    async def is_alive(self) -> bool:
        return not self.is_down

    async def texts(self, name: str) -> tuple[bytes, ...]:
        self.asked.append(name)
        found = self.names.get(name, ())
        if found is None:
            raise NoAnswer(name)
        return found


@pytest.fixture
def auth(filter_module: Callable[[str], ModuleType]) -> ModuleType:
    return filter_module("auth")


@pytest.fixture
def judged(auth: ModuleType, look_ups: Callable[..., LookUps], delivery: Make) -> Judge:
    async def judge(
        raw: bytes,
        zone: Zone | None = None,
        *,
        is_history: bool = False,
        own: frozenset[str] = frozenset(),
        **options: Any,
    ) -> Delivery:
        stage = auth.Filter(**{"verify": "missing", **options})
        await stage.open(look_ups(resolver=zone or Zone(), own=own))
        made = delivery(raw=raw, is_history=is_history)
        await stage.process(made)
        return made

    return judge


# Checking


async def test_a_signature_proves_the_author_where_nobody_checked_it(judged: Judge) -> None:
    zone = Zone({**records(), **REJECT})
    found = (await judged(by_hand(), zone)).authentication
    assert (found.dkim, found.dmarc, found.aligned, found.policy) == (PASS, PASS, True, "reject")
    assert sorted(zone.asked) == [POLICY, key_name()]


async def test_nothing_is_asked_unless_it_is_wished(judged: Judge) -> None:
    zone = Zone({**records(), **REJECT})
    found = (await judged(by_hand(), zone, verify="never")).authentication
    assert (found.dkim, found.aligned, zone.asked) == (NONE, False, [])


async def test_what_our_server_checked_is_not_checked_again(judged: Judge) -> None:
    zone = Zone({**records(), **REJECT})
    raw = reported("dkim=fail header.d=example.com; dmarc=fail header.from=example.com") + by_hand()
    found = (await judged(raw, zone)).authentication
    assert (found.dkim, found.dmarc, found.aligned, zone.asked) == (FAIL, FAIL, False, [])
    found = (await judged(raw, zone, verify="always")).authentication
    assert (found.dkim, found.dmarc, found.aligned) == (PASS, PASS, True)


async def test_what_our_server_could_not_check_is_checked(judged: Judge) -> None:
    raw = reported("dkim=temperror header.d=example.com; dmarc=temperror") + by_hand()
    found = (await judged(raw, Zone({**records(), **REJECT}))).authentication
    assert (found.dkim, found.dmarc, found.aligned) == (PASS, PASS, True)


async def test_spf_counts_as_it_was_reported(judged: Judge) -> None:
    passed = reported("spf=pass smtp.mailfrom=bounce.example.com") + MAIL
    found = (await judged(passed, Zone(REJECT), verify="always")).authentication
    assert (found.spf, found.dkim, found.dmarc, found.aligned) == (PASS, NONE, PASS, True)
    failed = reported("spf=softfail smtp.mailfrom=example.com") + MAIL
    found = (await judged(failed, Zone(REJECT))).authentication
    assert (found.dmarc, found.aligned, found.failed) == (FAIL, False, True)


async def test_without_spf_no_mail_fails_dmarc(judged: Judge) -> None:
    found = (await judged(MAIL, Zone(REJECT))).authentication
    assert (found.dmarc, found.policy, found.has_policy, found.failed) == (NONE, "reject", True, False)


async def test_the_policy_of_the_organisation_counts_for_its_subdomains(judged: Judge) -> None:
    raw = MAIL.replace(b"ann@example.com", b"ann@mail.shop.example.com")
    zone = Zone({POLICY: (b"v=DMARC1; p=reject; sp=quarantine",)})
    found = (await judged(raw, zone)).authentication
    assert found.policy == "quarantine"
    assert sorted(zone.asked) == ["_dmarc.example.com", "_dmarc.mail.shop.example.com"]


async def test_strict_alignment_is_asked_for_by_the_record(judged: Judge) -> None:
    raw = reported("dkim=pass header.d=mail.example.com; spf=none") + MAIL
    relaxed = (await judged(raw, Zone(REJECT))).authentication
    strict = (await judged(raw, Zone({POLICY: (b"v=DMARC1; p=none; adkim=s",)}))).authentication
    assert (relaxed.dmarc, strict.dmarc, strict.aligned) == (PASS, FAIL, False)


async def test_no_answer_is_no_failure(judged: Judge) -> None:
    found = (await judged(by_hand(), Zone({key_name(): None, POLICY: None}))).authentication
    assert (found.dkim, found.dmarc, found.aligned, found.failed) == (TEMPERROR, TEMPERROR, False, False)


async def test_who_does_not_answer_in_time_does_not_hold_up_the_mail(judged: Judge) -> None:
    class Slow(Zone):
        async def texts(self, name: str) -> tuple[bytes, ...]:
            import asyncio

            if name == POLICY:
                await asyncio.Event().wait()
            return await super().texts(name)

    found = (await judged(by_hand(), Slow({**records()}), dns_timeout=0.05)).authentication
    assert (found.dkim, found.dmarc, found.aligned) == (PASS, TEMPERROR, True)


async def test_many_signatures_do_not_hide_the_one_that_counts(judged: Judge) -> None:
    false = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=%d.example; s=s; h=from; bh=AAAA; b=AAAA\r\n" % n
        for n in range(90)
    )
    zone = Zone(records())
    found = (await judged(false + by_hand(), zone)).authentication
    assert (found.dkim, found.aligned) == (PASS, True)
    assert len(zone.asked) == MAX_SIGNATURES + 1  # and the policy


async def test_nothing_is_checked_for_several_authors(judged: Judge) -> None:
    raw = by_hand(MAIL.replace(b"Ann <ann@example.com>", b"ann@example.com, eve@example.com"))
    zone = Zone({**records(), **REJECT})
    found = (await judged(raw, zone)).authentication
    assert (found.aligned, found.dmarc, zone.asked) == (False, NONE, [])


async def test_a_large_mail_is_checked_like_a_small_one(judged: Judge, auth: ModuleType) -> None:
    raw = MAIL + b"x" * 70 + b"\r\n" + b"more words\r\n" * (auth.LARGE // 10)
    assert (await judged(by_hand(raw), Zone(records()))).authentication.aligned


# Forwarders


@pytest.fixture
def forwarded(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Signed by nobody, seen to pass by one forwarder, and failed by our server."""
    monkeypatch.setattr("time.time", lambda: RECEIVED)
    through = sealed(MAIL, "fwd.example", "dmarc=pass header.from=example.com")
    return reported("spf=fail smtp.mailfrom=example.com; dmarc=fail header.from=example.com") + through


async def test_a_trusted_forwarder_vouches(judged: Judge, forwarded: bytes) -> None:
    zone = Zone(records("fwd.example"))
    found = (await judged(forwarded, zone, sealers=frozenset({"fwd.example"}))).authentication
    assert (found.arc, found.dmarc, found.aligned, found.failed) == (PASS, FAIL, True, False)


async def test_nobody_else_does(judged: Judge, forwarded: bytes) -> None:
    zone = Zone(records("fwd.example"))
    for sealers in (frozenset(), frozenset({"other.example"}), frozenset({"wd.example"})):
        found = (await judged(forwarded, zone, sealers=sealers)).authentication
        assert (found.aligned, found.failed) == (False, True)


async def test_a_broken_chain_vouches_for_nothing(judged: Judge, forwarded: bytes) -> None:
    zone = Zone(records("fwd.example"))
    changed = forwarded.replace(b"Hello", b"Pay me")
    found = (await judged(changed, zone, sealers=frozenset({"fwd.example"}))).authentication
    assert (found.arc, found.aligned) == (FAIL, False)


async def test_a_chain_that_our_server_checked_is_believed(judged: Judge, forwarded: bytes) -> None:
    zone = Zone()
    for word, aligned in (("pass", True), ("fail", False)):
        raw = reported(f"arc={word}") + forwarded
        found = await judged(raw, zone, sealers=frozenset({"fwd.example"}), verify="never")
        assert found.authentication.aligned is aligned
    assert zone.asked == []


# What came by another way than our mail server

FORGED = reported("spf=pass smtp.mailfrom=example.com; dkim=pass header.d=example.com; dmarc=pass; arc=pass")


@pytest.mark.parametrize("verify", ["never", "missing", "always"])
async def test_results_in_a_mail_that_came_by_hand_are_never_believed(judged: Judge, verify: str) -> None:
    """Whoever sent it to the mailbox that it lay in could write what he liked."""
    spf = b"Received-SPF: pass (mail.example.org: ok) envelope-from=ann@example.com\r\n"
    found = await judged(FORGED + spf + MAIL, is_history=True, verify=verify)
    assert (found.authentication.aligned, found.authentication.spf) == (False, NONE)
    assert (await judged(FORGED + spf + MAIL, verify="never")).authentication.aligned  # as it would by LMTP


async def test_its_own_signature_still_proves_it(judged: Judge) -> None:
    found = await judged(by_hand(), Zone(records()), is_history=True)
    assert found.authentication.aligned


# Mail in our own name

OWN = frozenset({"alice@example.org", "support@example.org"})


def from_(address: str) -> bytes:
    return MAIL.replace(b"ann@example.com>", address.encode() + b">")


@pytest.mark.parametrize(
    "address", ["alice@example.org", "ALICE@Example.org", "support+17.k7q2mx@example.org"]
)
async def test_our_own_address_from_outside_is_flagged(judged: Judge, address: str) -> None:
    found = await judged(from_(address), own=OWN)
    assert found.tags == ("own-address", "spoofed")
    assert "nothing proves it" in found.results[-1].notes["auth"]


async def test_it_is_flagged_where_it_is_proved_too(judged: Judge) -> None:
    raw = reported("dmarc=pass header.from=example.org") + from_("alice@example.org")
    found = await judged(raw, own=OWN)
    assert found.tags == ("own-address",)
    assert "proved, but from outside" in found.results[-1].notes["auth"]


async def test_it_is_found_among_several_authors(judged: Judge) -> None:
    raw = MAIL.replace(b"<ann@example.com>", b"<ann@example.com>, alice@example.org")
    assert (await judged(raw, own=OWN)).tags == ("own-address", "spoofed")


async def test_what_an_agent_put_into_the_folder_is_no_forgery_for_that(judged: Judge) -> None:
    assert (await judged(from_("alice@example.org"), own=OWN, is_history=True)).tags == ("own-address",)


async def test_a_customers_mail_is_not_flagged(judged: Judge) -> None:
    assert (await judged(MAIL, own=OWN)).tags == ()


async def test_agents_see_that_a_sender_may_be_forged(judged: Judge) -> None:
    found = await judged(reported("dmarc=fail header.from=example.com") + MAIL)
    assert found.results[-1].notes["auth"].startswith("DMARC failed")
    found = await judged(reported("spf=fail smtp.mailfrom=example.com") + MAIL)
    assert found.results[-1].notes["auth"].startswith("SPF failed")


# Options


async def test_a_probe_asks_the_name_servers_where_they_are_needed(
    auth: ModuleType, look_ups: Callable[..., LookUps]
) -> None:
    for options, down, said in (
        ({"verify": "always"}, False, {"name servers of the system": ""}),
        ({"verify": "missing", "nameservers": ("::1",)}, True, {"name servers ::1": "no answer"}),
        ({}, True, {}),
    ):
        stage = auth.Filter(**options)
        await stage.open(look_ups(resolver=Zone(is_down=down)))
        assert await stage.probe() == said


@pytest.mark.parametrize(
    ("options", "said"),
    [({"dns_timeout": 0.0}, "dns_timeout"), ({"instances": -1}, "instances")],
)
def test_options_that_mean_nothing_are_refused(auth: ModuleType, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}: "):
        auth.Filter(**options)
