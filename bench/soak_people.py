"""Who uses the site while it is soaked, and the books they keep of what they were told.

Customers send as an MTA does: the same octets again until they are answered 250, refused for good, or, now
and then, until they give up.  Agents look into the folder, move mails and answer as mail clients do.  All
that somebody was promised stands in ``Books``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from imapclient import IMAPClient  # type: ignore[import-untyped]

from bench.desk_customers import DSN, HAM, SPAM, letter
from bench.soak_site import Site
from tests.rig.sink import Caught
from tests.rig.staff import answer

DESK = "support@example.org"
PERSONAL = ("first", "again", "large", "page")  # kinds that a person wrote
GIVES_UP = 0.04  # share of customers who try once only
RECENT = 1500  # so many of the last mails that left are answered
PAUSE = 0.5  # seconds between two tries
TIMEOUT = 45.0  # seconds that anybody waits for a reply


@dataclass
class Letter:
    """One mail of a customer, and what became of it as far as its sender knows."""

    number: int
    kind: str
    raw: bytes
    sender: str
    recipient: str
    root: int = 0  # the number of the mail that opened the ticket it belongs to
    tries: int = 0
    reply: str = ""  # the last one; '' where the connection ended without

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def is_taken(self) -> bool:
        return self.reply.startswith("250")


@dataclass
class Answer:
    """What an agent sent to the customer who wrote letter ``number``."""

    agent: str
    number: int
    text: str
    reply: str = ""  # '250', what it was refused with, or '' where nobody knows

    @property
    def message_id(self) -> str:
        return f"<{self.agent}-{self.number}-{len(self.text)}@laptop.example>"


@dataclass
class Books:
    letters: dict[int, Letter] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    replies: Counter[str] = field(default_factory=Counter)  # what customers were told, by its first words
    moves: Counter[str] = field(default_factory=Counter)  # by agents, to where
    troubles: Counter[str] = field(default_factory=Counter)  # what agents' programs complained of
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin_letter(self, kind: str, make: Callable[[int], Letter | None]) -> Letter | None:
        with self._lock:
            number = len(self.letters) + 1
            made = make(number)
            if made is not None:
                self.letters[number] = made
            return made

    def tell(self, letter_: Letter, reply: str) -> None:
        with self._lock:
            letter_.tries += 1
            letter_.reply = reply
            self.replies[reply[:9] or "no reply"] += 1


def number_of(message_id: str) -> int:
    """Of the letter with this Message-ID; 0 for what is none of the customers'."""
    local = message_id.strip().strip("<>").partition("@")[0]
    word, _, number = local.partition("-")
    return int(number) if word == "mail" and number.isdigit() else 0


class Customer(threading.Thread):
    """Writes about ``rate`` mails a second until told to ``end``."""

    KINDS: ClassVar[dict[str, float]] = {
        "first": 50, "page": 8, "large": 0.7, "again": 20, "bounce": 3, "absent": 5, "list": 4, "spam": 8,
    }  # fmt: skip

    def __init__(self, site: Site, books: Books, lot: random.Random, rate: float) -> None:
        super().__init__(daemon=True)
        self._site, self._books, self._lot, self._rate = site, books, lot, rate
        self._over = threading.Event()

    def end(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.wait(self._lot.expovariate(self._rate)):
            kind = self._lot.choices(list(self.KINDS), list(self.KINDS.values()))[0]
            made = self._books.begin_letter(kind, lambda number, kind=kind: self._write(number, kind))  # type: ignore[misc]
            if made is not None:
                self._send(made)

    def _send(self, made: Letter) -> None:
        gives_up = self._lot.random() < GIVES_UP
        while not made.reply.startswith(("2", "5")):
            self._books.tell(made, self._deliver(made))
            if made.is_taken or gives_up:
                return
            time.sleep(PAUSE)

    def _deliver(self, made: Letter) -> str:
        try:
            with self._site.daemon.lmtp() as client:
                return client.deliver(made.sender, [made.recipient], made.raw)[0]
        except (OSError, EOFError):
            return ""

    def _write(self, number: int, kind: str) -> Letter | None:
        if kind in ("again", "bounce", "absent"):
            return self._respond(number, kind)
        sender = f"customer{number}@customer{number % 97}.example"
        subject, text, more = f"Question {number}", self._text(), [_vouched(sender)]
        if kind == "spam":
            subject, text = f"WINNER casino jackpot {number}", SPAM
        if kind == "list":
            more += ["List-Id: <all.list.example>", "List-Post: <mailto:all@list.example>"]
        if kind == "page":
            more += ["MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8"]
            text = f"<html><body><p>{text.replace(chr(10), '</p>' + chr(10) + '<p>')}</p></body></html>"
        if kind == "large":
            more += ["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"']
            text = self._with_file(text)
        raw = letter(sender, DESK, subject, _message_id(number), text, *more)
        return Letter(number, kind, raw, sender, DESK, root=number)

    def _respond(self, number: int, kind: str) -> Letter | None:
        """To something that left: a person, his absence notice, or his mail server."""
        left = [each for each in self._site.staff.sink.caught[-RECENT:] if _is_customers(each)]
        if kind == "bounce":
            left = [each for each in left if each.mail_from]
        if not left:
            return None
        caught = self._lot.choice(left)
        message, (customer,) = caught.message, caught.recipients
        root = self._books.letters.get(number_of(str(message["In-Reply-To"])))
        if root is None:
            return None
        if kind == "bounce":
            domain, ours = customer.rpartition("@")[2], str(message["Message-ID"])
            text = DSN.format(domain=domain, to=caught.mail_from, customer=customer, ours=ours, number=number)
            return Letter(number, kind, text.encode(), "", caught.mail_from, root=root.root)
        more = [_vouched(customer)]
        if by_id := self._lot.random() < 0.5 or kind == "absent":
            more += [f"In-Reply-To: {message['Message-ID']}"]
        if kind == "absent":
            more += ["Auto-Submitted: auto-replied"]
        to = str(message["Reply-To"]) if by_id else DESK
        subject = f"Re: {message['Subject']}".replace("\r\n", "")
        raw = letter(customer, to, subject, _message_id(number), self._text(), *more)
        return Letter(number, kind, raw, customer, to, root=root.root)

    def _text(self) -> str:
        lines = min(400, int(10 * self._lot.paretovariate(0.8)))
        return "\r\n".join(f"{self._lot.choice(HAM)}, {self._lot.randrange(10**6)}" for _ in range(lines))

    def _with_file(self, text: str) -> str:
        noise = self._lot.randbytes(self._lot.randrange(700_000, 4_000_000))
        head = 'Content-Type: application/octet-stream; name="photo"\r\nContent-Transfer-Encoding: base64'
        coded = base64.encodebytes(noise).decode().replace("\n", "\r\n")
        return f"--b\r\n\r\n{text}\r\n--b\r\n{head}\r\n\r\n{coded}\r\n--b--\r\n"


def _message_id(number: int) -> str:
    return f"<mail-{number}@customer.example>"  # as tests.rig.staff.answer refers to it


def _vouched(sender: str) -> str:
    """What an MTA found out about the sender (RFC 8601)."""
    domain = sender.rpartition("@")[2]
    return f"Authentication-Results: mail.example.org; dmarc=pass header.from={domain}"


def _is_customers(caught: Caught) -> bool:
    return caught.recipients[0].startswith("customer") and len(caught.recipients) == 1


class Agent(threading.Thread):
    """Does something about every ``gap`` seconds, with letters of its own share: so none collide."""

    def __init__(
        self, site: Site, books: Books, lot: random.Random, name: str, share: tuple[int, int], gap: float
    ) -> None:
        super().__init__(daemon=True)
        self._site, self._books, self._lot, self._agent, self._gap = site, books, lot, name, gap
        self._number, self._of = share
        self._over = threading.Event()
        self._client: IMAPClient | None = None

    def end(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.wait(self._lot.expovariate(1 / self._gap)):
            try:
                self._work()
            except (IMAPClient.Error, OSError) as error:
                self._books.troubles[f"IMAP: {type(error).__name__}"] += 1
                self._hang_up()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown()
            self._client = None

    def _work(self) -> None:
        found = self._look()
        if not found:
            return
        uid, number = self._lot.choice(found)
        written = self._books.letters[number]
        if written.kind not in PERSONAL:
            self._move(uid, "Closed")
            return
        if self._lot.random() < 0.8:
            self._move(uid, f"@{self._agent}")
        if self._lot.random() < 0.9:
            self._answer(number)

    def _look(self) -> list[tuple[int, int]]:
        """What lies in New and is this agent's to do: UID and number of the letter."""
        if self._client is None:
            self._client = IMAPClient("127.0.0.1", self._site.staff.dovecot.port, ssl=False, timeout=TIMEOUT)
            self._client.login(self._agent, self._agent)
        self._client.select_folder("Support/New")
        uids = self._client.search(["UNDELETED"])
        some = self._lot.sample(uids, min(30, len(uids)))
        found = self._client.fetch(some, ["ENVELOPE"]) if some else {}
        numbers = [
            (uid, number_of((each[b"ENVELOPE"].message_id or b"").decode())) for uid, each in found.items()
        ]
        return [
            (uid, number)
            for uid, number in numbers
            if number and self._books.letters[number].root % self._of == self._number
        ]

    def _move(self, uid: int, mailbox: str) -> None:
        assert self._client is not None
        self._client.move([uid], f"Support/{mailbox}")
        self._books.moves[mailbox] += 1

    def _answer(self, number: int) -> None:
        """Sent until somebody says yes or no; one to each letter, as clients mark what was answered."""
        if any(each.number == number and each.agent == self._agent for each in self._books.answers):
            return
        made = Answer(self._agent, number, f"Answer of {self._agent} to letter {number}, as we promised.")
        self._books.answers.append(made)
        while not made.reply.startswith(("2", "5")):
            made.reply = self._submit(made)
            if not made.reply.startswith("2"):
                self._books.troubles[f"submission: {made.reply[:9] or 'no reply'}"] += 1
                time.sleep(PAUSE)

    def _submit(self, made: Answer) -> str:
        port = self._site.staff.port
        try:
            with smtplib.SMTP("127.0.0.1", port, "laptop.example", timeout=TIMEOUT) as session:
                session.login(made.agent, made.agent)
                session.send_message(answer(made.agent, made.number, made.text))
                made.reply = "250"  # also where the connection ends before QUIT is answered
        except smtplib.SMTPRecipientsRefused as error:
            ((code, text),) = error.recipients.values()
            return f"{code} {text.decode()}"
        except smtplib.SMTPResponseException as error:
            reply = error.smtp_error
            text_ = reply.decode() if isinstance(reply, bytes) else reply
            return made.reply or f"{error.smtp_code} {text_}"
        except (smtplib.SMTPException, OSError):
            return made.reply
        return made.reply
