"""Builders for filter tests: a filter from its file, look-ups without a store, a delivery."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from mailproc.model.address import Address
from mailproc.model.bayes import Lexicon
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.judgement import MailClass
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import AuthorHistory, LookUps, Resolver, Unconnected

ROOT = Path(__file__).resolve().parents[3]
DESK = Desk(
    name="support",
    title="Example Support",
    addresses=(Address("support", "example.org"), Address("help", "example.org")),
    agents=("alice", "bob"),
)


@dataclass
class NoTickets:
    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp:
        return FollowUp(None)


@dataclass
class KnownAuthors:
    known: Mapping[str, AuthorHistory] = field(default_factory=dict)

    async def of(self, desk: Desk, address: str) -> AuthorHistory:
        return self.known.get(address, AuthorHistory(0, 0, 0))


@dataclass
class KnownWords:
    learnt: tuple[int, int] = (0, 0)
    known: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    asked: int = 0

    async def totals(self) -> tuple[int, int]:
        return self.learnt

    async def lexicon(self, words: frozenset[str]) -> Lexicon:
        self.asked += 1
        return Lexicon(self.known)


@pytest.fixture(scope="session")
def filter_module() -> Callable[[str], ModuleType]:
    """The module of a shipped filter, loaded by its path."""

    def load(name: str) -> ModuleType:
        qualified = f"tested_filters.{name}"
        if qualified not in sys.modules:
            spec = importlib.util.spec_from_file_location(qualified, ROOT / "filters" / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            sys.modules[qualified] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return sys.modules[qualified]

    return load


@pytest.fixture
def look_ups() -> Callable[..., LookUps]:
    def make(
        *,
        tokens: KnownWords | None = None,
        authors: Mapping[str, AuthorHistory] | None = None,
        templates: tuple[str, ...] = (str(ROOT / "config" / "templates"),),
        own: frozenset[str] = frozenset(),
        resolver: Resolver | None = None,
    ) -> LookUps:
        return LookUps(
            tickets=NoTickets(),
            history=KnownAuthors(authors or {}),
            tokens=tokens or KnownWords(),
            templates=templates,
            hostname="mail.example.org",
            own_addresses=own,
            resolver=lambda servers: resolver or Unconnected(),
        )

    return make


@pytest.fixture
def known_words() -> Callable[..., KnownWords]:
    return KnownWords


def _signals() -> Signals:
    return Signals(
        sender="ann@example.com",
        people=frozenset(),
        reply_tokens=(),
        subject_tokens=(),
        message_id="<1@example.com>",
        in_reply_to=(),
        references=(),
        subject_key="question",
        is_reply=False,
        is_forward=False,
        thread_index="",
        date=None,
        received=0.0,
        automatic=MailClass.NONE,
        aligned=False,
    )


@pytest.fixture
def delivery() -> Callable[..., Delivery]:
    """A delivery with a stage begun and, unless ``numbered`` is false, a ticket to come.

    ``top`` are header lines above those of the author, ``headers`` lines that replace or follow them.
    """

    def make(
        *,
        mail_from: str = "ann@example.com",
        top: str = "",
        author: str = "From: Ann <ann@example.com>",
        headers: str = "",
        subject: str = "Question",
        text: str = "Where is my order?",
        numbered: bool = True,
        desk: Desk = DESK,
        raw: bytes = b"",
        is_history: bool = False,
    ) -> Delivery:
        lines = [top, author, "To: support@example.org", f"Subject: {subject}", headers]
        head = "\r\n".join(line for line in lines if line)
        raw = raw or f"{head}\r\nMessage-ID: <1@example.com>\r\n\r\n{text}\r\n".encode()
        sender = Address.parse(mail_from) if mail_from else None
        made = Delivery(Envelope(sender, desk.address), desk, raw, 1_795_000_000.0, is_history=is_history)
        if numbered:
            made.signals = _signals()
        made.begin("tested")
        return made

    return make
