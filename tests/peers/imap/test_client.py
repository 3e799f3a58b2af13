"""Our client and a real Dovecot: what is offered is used, and what is not has a way around."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.mailbox import NewMail
from tests.peers.imap.conftest import copy
from tests.rig.dovecot import Dovecot

Connected = Callable[..., Awaitable[ImapClient]]

NEW, ALICE = "Support/New", "Support/@alice"
POOR = (
    "MOVE",
    "UIDPLUS",
    "MULTIAPPEND",
    "LITERAL+",
    "UNSELECT",
    "LIST-STATUS",
    "CONDSTORE",
    "QRESYNC",
    "ACL",
)


@pytest.mark.parametrize(
    "hide",
    [(), ("MOVE",), ("UIDPLUS",), ("MULTIAPPEND",), ("LITERAL+",), ("UNSELECT",), ("NAMESPACE",), POOR],
    ids=lambda hide: "without " + " ".join(hide) if hide else "all",
)
async def test_the_life_of_a_copy(
    make_dovecot: Callable[..., Dovecot], connected: Connected, hide: tuple[str, ...]
) -> None:
    client = await connected(make_dovecot(hide=hide))
    assert not client.capabilities & set(hide)
    await client.create(NEW)
    await client.create(ALICE)
    await client.append_many(NEW, [NewMail(copy(number), 1.0e9 + number) for number in range(1, 4)])
    (first,) = await client.find(NEW, "X-Mailproc-Id", "m1.abcdefghij")
    await client.move(NEW, [first], ALICE)
    assert (await client.uids(NEW)).uids == (2, 3)
    assert await client.copy_ids(ALICE, (await client.uids(ALICE)).uids) == {1: "m1.abcdefghij"}
    await client.remove(NEW, [2])
    assert (await client.uids(NEW)).uids == (3,)
    assert (await client.status(NEW)).messages == 1
    moved = await client.fetch(ALICE, 1)
    assert moved is not None
    assert (moved.raw, moved.internaldate) == (copy(1), 1.0e9 + 1)


async def test_a_mail_is_kept_byte_for_byte(client: ImapClient) -> None:
    body = "Grüße\r\n".encode() + b"x" * 20_000 + b"\r\n\xff\xfe\r\n)\r\n* BYE\r\nA1 OK {3}\r\n"
    raw = copy(1, body)
    uid = await client.append(NEW, raw, 0.0, ["\\Flagged", "waiting"])
    assert uid == 1
    stored = await client.fetch(NEW, uid)
    assert stored is not None
    assert stored.raw == raw
    assert stored.internaldate == 0.0
    assert {"\\Flagged", "waiting"} <= stored.flags


async def test_a_mail_that_is_gone_is_none(client: ImapClient) -> None:
    assert await client.fetch(NEW, 7) is None
    assert await client.copy_ids(NEW, [7]) == {}
    assert await client.move(NEW, [7], ALICE) == {}


async def test_only_the_whole_value_of_a_field_is_found(client: ImapClient) -> None:
    """SEARCH HEADER of IMAP looks for a part."""
    await client.append(NEW, copy(11))
    assert await client.find(NEW, "X-Mailproc-Id", "1.abcdefghij") == []
    assert await client.find(NEW, "X-Mailproc-Id", "m11.abcdefghij") == [1]


async def test_more_uids_than_fit_in_a_command(client: ImapClient) -> None:
    """Every second one, so that no ranges help."""
    await client.append_many(NEW, [NewMail(copy(number)) for number in range(2000)])
    every_second = range(1, 2001, 2)
    found = await client.copy_ids(NEW, every_second)
    assert sorted(found) == [*every_second]
    assert found[11] == "m10.abcdefghij"


async def test_reading_marks_nothing_as_read(client: ImapClient, alice: IMAPClient) -> None:
    await client.append(NEW, copy(1))
    await client.uids(NEW)
    await client.copy_ids(NEW, [1])
    await client.fetch(NEW, 1)
    await client.find(NEW, "X-Mailproc-Id", "m1.abcdefghij")
    alice.select_folder(NEW)
    assert alice.get_flags([1])[1] == (rb"\Recent",)


async def test_what_alice_has_read_is_her_own_matter(
    client: ImapClient, alice: IMAPClient, dovecot: Dovecot, log_in: Callable[[Dovecot, str], IMAPClient]
) -> None:
    """And the star is everybody's."""
    await client.append(NEW, copy(1))
    alice.select_folder(NEW)
    alice.add_flags([1], [rb"\Seen", rb"\Flagged"])
    bob = log_in(dovecot, "bob")
    bob.select_folder(NEW, readonly=True)
    seen_by_bob = bob.get_flags([1])[1]
    assert rb"\Seen" not in seen_by_bob
    assert rb"\Flagged" in seen_by_bob
    ours = await client.fetch(NEW, 1)
    assert ours is not None
    assert "\\Seen" not in ours.flags


async def test_seen_is_never_set_by_us(client: ImapClient) -> None:
    with pytest.raises(ValueError, match="not ours"):
        await client.store_flags(NEW, [1], add=["\\Seen"])


async def test_flags_and_keywords_come_and_go(client: ImapClient) -> None:
    await client.append(NEW, copy(1), flags=["\\Flagged"])
    await client.store_flags(NEW, [1], add=["$label2"], take=["\\Flagged"])
    stored = await client.fetch(NEW, 1)
    assert stored is not None
    assert stored.flags - {"\\Recent"} == {"$label2"}


async def test_what_somebody_marked_as_deleted_is_not_told(client: ImapClient, alice: IMAPClient) -> None:
    """A client that moves by copying leaves such a mail behind until it expunges."""
    await client.append_many(NEW, [NewMail(copy(1)), NewMail(copy(2))])
    alice.select_folder(NEW)
    alice.delete_messages([1])
    assert (await client.uids(NEW)).uids == (2,)
    assert await client.find(NEW, "X-Mailproc-Id", "m1.abcdefghij") == []


@pytest.mark.parametrize("hide", [(), ("UIDPLUS",), ("MOVE", "UIDPLUS")], ids=str)
async def test_mail_that_somebody_else_marked_is_never_expunged(
    make_dovecot: Callable[..., Dovecot],
    connected: Connected,
    log_in: Callable[[Dovecot, str], IMAPClient],
    hide: tuple[str, ...],
) -> None:
    dovecot = make_dovecot(hide=hide)
    client = await connected(dovecot)
    await client.create(NEW)
    await client.create(ALICE)
    await client.append_many(NEW, [NewMail(copy(number)) for number in range(1, 4)])
    alice = log_in(dovecot, "alice")
    alice.select_folder(NEW)
    alice.delete_messages([1])
    await client.remove(NEW, [2])
    await client.move(NEW, [3], ALICE)
    assert (await client.uids(NEW)).uids == ()
    alice.noop()
    assert 1 in alice.search("ALL")
    alice.remove_flags([1], [rb"\Deleted"])
    assert (await client.uids(NEW)).uids == (1,)


async def test_statuses_tell_of_every_mailbox_what_it_is_or_why_not(client: ImapClient) -> None:
    await client.append(NEW, copy(1))
    told = await client.statuses([NEW, "Support/None", ALICE])
    status = told[NEW]
    assert not isinstance(status, ImapRefused)
    assert (status.messages, status.uidnext) == (1, 2)
    assert status.highestmodseq
    refusal = told["Support/None"]
    assert isinstance(refusal, ImapRefused)
    assert refusal.is_gone


@pytest.mark.parametrize("hide", [(), ("LITERAL+",)], ids=str)
async def test_over_quota_is_a_refusal_and_the_connection_stays(
    make_dovecot: Callable[..., Dovecot], connected: Connected, hide: tuple[str, ...]
) -> None:
    client = await connected(make_dovecot(quota=100, hide=hide))
    await client.create(NEW)
    with pytest.raises(ImapRefused) as refused:
        await client.append(NEW, copy(1, b"x" * 200_000))
    assert refused.value.code == "OVERQUOTA"
    assert await client.append(NEW, copy(2)) == 1


async def test_a_batch_over_quota_is_refused_as_a_whole(
    make_dovecot: Callable[..., Dovecot], connected: Connected
) -> None:
    client = await connected(make_dovecot(quota=100))
    await client.create(NEW)
    with pytest.raises(ImapRefused, match="OVERQUOTA"):
        await client.append_many(NEW, [NewMail(copy(1)), NewMail(copy(2, b"x" * 200_000))])
    assert (await client.uids(NEW)).uids == ()


async def test_without_a_mailbox_nothing_is_appended_or_moved(client: ImapClient) -> None:
    await client.append(NEW, copy(1))
    with pytest.raises(ImapRefused) as refused:
        await client.append("Support/None", copy(2))
    assert refused.value.is_gone
    with pytest.raises(ImapRefused) as refused:
        await client.move(NEW, [1], "Support/None")
    assert refused.value.is_gone
    assert (await client.uids(NEW)).uids == (1,)


async def test_a_mailbox_made_anew_is_another_one(client: ImapClient, dovecot: Dovecot) -> None:
    """UID 1 is another mail then, and must not be moved, removed or read for the first one."""
    await client.append(NEW, copy(1))
    before = (await client.uids(NEW)).uidvalidity
    dovecot.doveadm("mailbox", "delete", "-u", "mailproc", NEW)
    await client.create(NEW)
    await client.append(NEW, copy(2))
    for call in (
        client.fetch(NEW, 1, uidvalidity=before),
        client.copy_ids(NEW, [1], uidvalidity=before),
        client.move(NEW, [1], ALICE, uidvalidity=before),
        client.remove(NEW, [1], uidvalidity=before),
        client.store_flags(NEW, [1], add=["\\Flagged"], uidvalidity=before),
    ):
        with pytest.raises(ImapRefused) as refused:
            await call
        assert refused.value.code == "UIDVALIDITY"
    assert (await client.uids(NEW)).uids == (1,)


@pytest.mark.parametrize("hide", [(), ("MOVE",)], ids=str)
async def test_a_right_that_is_taken_away_is_a_refusal(
    make_dovecot: Callable[..., Dovecot], connected: Connected, hide: tuple[str, ...]
) -> None:
    dovecot = make_dovecot(hide=hide)
    client = await connected(dovecot)
    await client.create(NEW)
    await client.create(ALICE)
    await client.append(NEW, copy(1))
    dovecot.give("Support", rights="user=mailproc lrs\n")
    client = await connected(dovecot)
    for call in (client.append(NEW, copy(2)), client.move(NEW, [1], ALICE), client.remove(NEW, [1])):
        with pytest.raises(ImapRefused) as refused:
            await call
        assert refused.value.code == "NOPERM"
    assert (await client.uids(NEW)).uids == (1,)
    assert set(await client.my_rights(NEW) or "") == set("lrs")


async def test_no_right_to_read_does_not_look_like_no_mailbox(
    client: ImapClient, dovecot: Dovecot, connected: Connected
) -> None:
    dovecot.give("Support", rights="user=mailproc l\n")
    client = await connected(dovecot)
    refusal = (await client.statuses([NEW, ALICE]))[NEW]
    assert isinstance(refusal, ImapRefused)
    assert refusal.code == "NOPERM"


async def test_where_the_server_knows_no_rights_none_are_told(
    make_dovecot: Callable[..., Dovecot], connected: Connected
) -> None:
    client = await connected(make_dovecot(hide=["ACL"]))
    assert await client.my_rights("INBOX") is None
