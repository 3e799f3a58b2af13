"""An IMAP server in this process, for the demonstration only: pymap, with everything in memory.

Each user has an INBOX and folders of their own; the team's folder and all below it are the same to everybody.
Passwords are compared in clear text, there is no TLS, and it listens on loopback only.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Identity, Login, Session
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.listtree import ListTree
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId, SequenceSet
from pymap.parsing.specials.flag import Flag, Wildcard
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

_LARGEST_MAIL = 64 * 1024 * 1024


@asynccontextmanager
async def serving(sock: socket.socket, passwords: Mapping[str, str], shared: str) -> AsyncIterator[Postboxes]:
    """Serve these users on a bound socket; ``shared`` is the name of the team's folder."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # pymap goes on writing to clients that have left
    config = _config()
    config.apply_context()
    login = _Login(config, shared)
    for user, password in passwords.items():
        await login.add(user, password)
    imap, clients = IMAPServer(login, config), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, origin: SocketInfo) -> None:
        if task := asyncio.current_task():
            clients.add(task)
            task.add_done_callback(clients.discard)
        try:
            await imap(reader, writer, origin)
        finally:
            writer.close()

    accept = ProxyProtocolReader(config.proxy_protocol).get_callback(serve)
    server = await asyncio.start_server(accept, sock=sock)
    try:
        yield Postboxes(config)
    finally:
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@dataclass(frozen=True)
class Postboxes:
    """Where mail for the users arrives."""

    config: Config

    async def deliver(self, user: str, raw: bytes) -> None:
        """Put a mail into a user's INBOX."""
        mailboxes, _ = self.config.set_cache[user]
        inbox = await mailboxes.get_mailbox("INBOX")
        await inbox.append(AppendMessage(raw, datetime.now(UTC)))


def _config() -> Config:
    nothing = Namespace(passlib_cfg=None, proxy_protocol=None)
    return Config(
        nothing,
        host=None,
        port=0,
        demo_data=False,
        demo_user="",
        demo_password="",
        tls_enabled=False,
        reject_dnsbl=False,
        hash_context=Cleartext(),
        invalid_user_sleep=0.3,
        max_append_len=_LARGEST_MAIL,
    )


class _Mailbox(MailboxData):
    """Keeps keywords: without ``\\*`` pymap drops them in silence."""

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return super().permanent_flags | {Wildcard}


class _Mailboxes(MailboxSet):
    """Mailboxes by name."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Mailbox(self._content_cache, self._thread_cache)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._set)

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = mailbox = _Mailbox(self._content_cache, self._thread_cache)
        return mailbox.mailbox_id


class _Home(_Mailboxes):
    """What one user sees: mailboxes of their own, and the team's, to which everybody is subscribed."""

    def __init__(self, team: _Mailboxes, root: str) -> None:
        super().__init__()
        self._team = team
        self._root = root

    def _is_shared(self, name: str) -> bool:
        return name == self._root or name.startswith(self._root + self.delimiter)

    async def get_mailbox(self, name: str) -> MailboxData:
        return await (self._team.get_mailbox(name) if self._is_shared(name) else super().get_mailbox(name))

    async def add_mailbox(self, name: str) -> ObjectId:
        return await (self._team.add_mailbox(name) if self._is_shared(name) else super().add_mailbox(name))

    async def delete_mailbox(self, name: str) -> None:
        await (self._team.delete_mailbox(name) if self._is_shared(name) else super().delete_mailbox(name))

    async def rename_mailbox(self, before: str, after: str) -> None:
        if self._is_shared(before) != self._is_shared(after):
            raise KeyError(before)
        shared = self._is_shared(before)
        await (self._team.rename_mailbox(before, after) if shared else super().rename_mailbox(before, after))

    async def list_mailboxes(self) -> ListTree:
        return ListTree(self.delimiter).update("INBOX", *self.names, *self._team.names)

    async def list_subscribed(self) -> ListTree:
        own = (name for name in self.names if self._subscribed.get(name))
        return ListTree(self.delimiter).update("INBOX", *own, *self._team.names)


class _Session(Session):
    """What a client does after its login."""

    async def expunge_mailbox(
        self, selected: SelectedMailbox, uid_set: SequenceSet | None = None
    ) -> SelectedMailbox:
        """Nothing in a mailbox that is only examined: pymap refuses, and so a CLOSE of it would fail."""
        return selected if selected.readonly else await super().expunge_mailbox(selected, uid_set)


class _Account(Identity):
    """One user."""

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        mailboxes, filters = self.config.set_cache[self.name]
        yield _Session(self.name, self.config, mailboxes, filters)


class _Login(Login):
    """Logs users in to homes that share one team's folder."""

    def __init__(self, config: Config, root: str) -> None:
        super().__init__(config)
        self._team = _Mailboxes()
        self._root = root

    async def add(self, user: str, password: str) -> None:
        self.config.set_cache[user] = (_Home(self._team, self._root), FilterSet())
        account = UserMetadata(self.config, user, password=password)
        await _Account(user, self, None, frozenset()).set(account)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        identity = await super().authorize(authenticated, authzid)
        return _Account(identity.name, self, None, identity.roles)
