"""An awaitable IMAP client: one connection, one command at a time, each with an end.

Every call raises ImapDown when the connection is of no use, at the latest ``settings.timeout`` seconds after
the server's last octet; the connection is closed then, and ``connect`` makes a new one.  ImapRefused is a NO
(or BAD) with its response code; the connection is still good.  A call that is cancelled closes the
connection, because what comes next on it would be the answer to another question.

UIDs are of one mailbox under one UIDVALIDITY.  Whoever kept them from an earlier call passes the UIDVALIDITY
along, and gets ImapRefused [UIDVALIDITY] instead of another mail when the mailbox was made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from mailproc.imap import verbs
from mailproc.imap.failure import ImapDown, ImapRefused, LoginRefused
from mailproc.imap.lane import Lane
from mailproc.imap.mailbox import Folder, Namespace, NewMail, Status, Stored, Uids
from mailproc.imap.session import Session
from mailproc.imap.settings import ImapSettings

__all__ = ["ImapClient", "ImapDown", "ImapRefused", "ImapSettings", "LoginRefused"]

T = TypeVar("T")

SEEN = "\\Seen"  # every agent's own; never ours to set
_SLOWEST = 64 * 1024  # octets a second: so long a large mail may take beyond the time-out
_LARGEST_MAIL = 64 * 1024 * 1024
_AT_ONCE = 100  # mails in one APPEND …
_AT_ONCE_OCTETS = 16 * 1024 * 1024  # … and their octets, if they are several
_GOODBYE = 2.0  # seconds


class ImapClient:
    """One login at one server; safe to use from many tasks of one event loop, which take turns."""

    def __init__(self, settings: ImapSettings) -> None:
        self.settings = settings
        self._session: Session | None = None
        self._lane: Lane | None = None
        self._turn = asyncio.Lock()

    # The connection

    async def connect(self) -> None:
        """Connect and log in, anew where it is connected already.  ImapDown, LoginRefused."""
        self.abort()
        self._lane, self._session = Lane(f"imap {self.settings.name}"), Session(self.settings)
        await self.run(Session.open, within=4 * self.settings.timeout)

    async def close(self) -> None:
        """Say goodbye and close; never raises, never takes longer than two seconds.

        A call under way raises ImapDown, as with ``abort``.
        """
        if self.is_open and not self._turn.locked():
            with contextlib.suppress(ImapDown, ImapRefused):
                await self.run(Session.logout, within=_GOODBYE)
        self.abort()

    def abort(self) -> None:
        """Close at once; a call under way raises ImapDown."""
        session, lane = self._session, self._lane
        self._session = self._lane = None
        if session is not None and lane is not None:
            session.interrupt()
            lane.submit(session.close)
            lane.end()

    @property
    def is_open(self) -> bool:
        return self._session is not None

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers after the login, in upper case; empty when not connected."""
        return self._session.offered if self._session else frozenset()

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """The server's namespaces, our own first; empty when not connected."""
        return self._session.namespaces if self._session else ()

    def offers(self, capability: str) -> bool:
        return self._session is not None and self._session.offers(capability)

    # Folders

    async def list_folders(self, pattern: str = "*") -> list[Folder]:
        """Mailboxes by name; ``*`` is anything, ``%`` anything on one level."""
        return await self.run(partial(verbs.list_folders, pattern=pattern))

    async def list_subscribed(self, pattern: str = "*") -> list[Folder]:
        return await self.run(partial(verbs.subscribed, pattern=pattern))

    async def create(self, mailbox: str) -> None:
        """Make a mailbox and those above it; one that is there already is no error."""
        await self.run(partial(verbs.create, mailbox=mailbox))

    async def subscribe(self, mailbox: str) -> None:
        await self.run(partial(verbs.subscribe, mailbox=mailbox))

    async def status(self, mailbox: str) -> Status:
        (status,) = (await self.statuses((mailbox,))).values()
        if isinstance(status, ImapRefused):
            raise status
        return status

    async def statuses(self, mailboxes: Iterable[str]) -> dict[str, Status | ImapRefused]:
        """The state of each mailbox, or why the server does not tell it."""
        return await self.run(partial(verbs.statuses, mailboxes=tuple(mailboxes)))

    async def my_rights(self, mailbox: str) -> str | None:
        """Our rights as letters of RFC 4314 section 2.1; None where the server knows no rights."""
        return await self.run(partial(verbs.rights, mailbox=mailbox))

    # Reading

    async def uids(self, mailbox: str) -> Uids:
        """All mails but those marked \\Deleted: a client that moves by copying leaves such behind."""
        return await self.run(partial(verbs.uids, mailbox=mailbox))

    async def deleted(self, mailbox: str, since: int, *, uidvalidity: int | None = None) -> list[int]:
        """The UIDs from ``since`` on that are marked \\Deleted."""
        job = partial(verbs.deleted, mailbox=mailbox, since=since, uidvalidity=uidvalidity)
        return await self.run(job)

    async def copy_ids(
        self, mailbox: str, uids: Iterable[int], *, uidvalidity: int | None = None
    ) -> dict[int, str]:
        """The topmost X-Mailproc-Id of each mail, unfolded, "" for none; mails that are gone are left out.

        Nothing of it is checked: anybody may have written it.
        """
        wanted = tuple(uids)
        job = partial(verbs.copy_ids, mailbox=mailbox, wanted=wanted, uidvalidity=uidvalidity)
        return await self.run(job, octets=200 * len(wanted))

    async def fetch(self, mailbox: str, uid: int, *, uidvalidity: int | None = None) -> Stored | None:
        """One mail, byte by byte; None where it is gone.  It is not marked as read."""
        job = partial(verbs.fetch, mailbox=mailbox, uid=uid, uidvalidity=uidvalidity)
        return await self.run(job, octets=_LARGEST_MAIL)

    async def find(self, mailbox: str, header: str, value: str) -> list[int]:
        """The UIDs of mails whose topmost such header field is exactly this; not those marked \\Deleted."""
        return await self.run(partial(verbs.find, mailbox=mailbox, header=header, value=value))

    # Writing

    async def append(
        self,
        mailbox: str,
        raw: bytes,
        internaldate: float | None = None,
        flags: Collection[str] = (),
    ) -> int | None:
        """Its UID, where the server tells it (UIDPLUS).  After ImapDown the mail may be there: look first."""
        (uid,) = await self.append_many(mailbox, [NewMail(raw, internaldate, frozenset(flags))])
        return uid

    async def append_many(self, mailbox: str, mails: Sequence[NewMail]) -> list[int | None]:
        """Append in this order, many at once where MULTIAPPEND is offered.

        When it fails, the first of them may be there, in whole batches.
        """
        appended: list[int | None] = []
        for batch in _batches(mails, at_once=_AT_ONCE if self.offers("MULTIAPPEND") else 1):
            octets = sum(len(mail.raw) for mail in batch)
            appended += await self.run(partial(verbs.append, mailbox=mailbox, mails=batch), octets=octets)
        return appended

    async def move(
        self, source: str, uids: Collection[int], target: str, *, uidvalidity: int | None = None
    ) -> dict[int, int]:
        """Move mails; the new UID of each old one, as far as the server tells (UIDPLUS).

        Mails that are gone are passed over, or refused with [EXPUNGEISSUED]; look again then.  Without MOVE
        it is a copy and a removal, and a mail may be seen in both places meanwhile.
        """
        job = partial(verbs.move, source=source, wanted=uids, target=target, uidvalidity=uidvalidity)
        return await self.run(job, octets=_LARGEST_MAIL)

    async def remove(self, mailbox: str, uids: Collection[int], *, uidvalidity: int | None = None) -> None:
        """Expunge these mails, and nobody else's that are marked \\Deleted."""
        await self.run(partial(verbs.remove, mailbox=mailbox, wanted=uids, uidvalidity=uidvalidity))

    async def store_flags(
        self,
        mailbox: str,
        uids: Collection[int],
        *,
        add: Collection[str] = (),
        take: Collection[str] = (),
        uidvalidity: int | None = None,
    ) -> None:
        """Add and take away flags and keywords.  ValueError for \\Seen, which is each agent's own."""
        if SEEN in {*add, *take}:
            raise ValueError(f"{SEEN} is not ours to set")
        job = partial(
            verbs.store_flags, mailbox=mailbox, wanted=uids, add=add, take=take, uidvalidity=uidvalidity
        )
        await self.run(job)

    # How

    async def run(self, job: Callable[[Session], T], *, octets: int = 0, within: float | None = None) -> T:
        """Run something blocking on the connection's thread; the verbs above are what there is to run.

        ``octets`` that may have to be carried make the time longer; ``within`` sets it.
        """
        limit = within if within is not None else 2 * self.settings.timeout + octets / _SLOWEST
        async with self._turn:
            session, lane = self._session, self._lane
            if session is None or lane is None:
                raise ImapDown(f"{self.settings.name}: not connected")
            try:
                async with asyncio.timeout(limit):
                    return await asyncio.wrap_future(lane.submit(partial(session.run, job)))
            except ImapRefused:
                raise
            except TimeoutError:
                self._abandon(session)
                raise ImapDown(f"{self.settings.name}: no answer in time") from None
            except BaseException:
                self._abandon(session)
                raise

    def _abandon(self, session: Session) -> None:
        if self._session is session:
            self.abort()


def _batches(mails: Sequence[NewMail], *, at_once: int) -> Iterator[list[NewMail]]:
    batch: list[NewMail] = []
    octets = 0
    for mail in mails:
        if batch and (len(batch) >= at_once or octets + len(mail.raw) > _AT_ONCE_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(mail)
        octets += len(mail.raw)
    if batch:
        yield batch
