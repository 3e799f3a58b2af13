"""Ask rspamd what it thinks of a mail, over HTTP (https://docs.rspamd.com/developers/protocol).

The whole mail goes to ``/checkv2`` with what is known of its envelope. Publishes rspamd's score and action;
with ``judge`` its action also becomes the mail's spam verdict where it is sure. No answer, a wrong one or
one that takes too long is an error of the stage, and ``on_error`` decides; by default the mail goes on.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser

from mailproc.stage import CONTINUE, Delivery, LookUps, SpamScore, SpamVerdict, Stage, Verdict

LARGEST_ANSWER = 1_048_576  # octets
MOST_CLUES = 10
SPAM_ACTIONS = frozenset({"reject", "add header", "rewrite subject", "quarantine"})
HAM_ACTIONS = frozenset({"no action"})


@dataclass(frozen=True)
class _Answer:
    score: float
    required: float
    action: str
    symbols: tuple[str, ...]


@dataclass
class Filter(Stage):
    address: str = "127.0.0.1:11333"  # HOST:PORT of rspamd's normal worker, or unix:PATH
    password: str = ""  # where the worker wants one
    judge: bool = True  # its action becomes the spam verdict, unless it is between
    largest: int = 10_485_760  # octets; a larger mail is not asked about
    _host: str = field(init=False, repr=False)
    _port: int = field(init=False, repr=False, default=0)

    async def open(self, look_ups: LookUps) -> None:
        if self.address.startswith("unix:"):
            self._host = self.address.removeprefix("unix:")
            return
        host, _, port = self.address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError("address: is HOST:PORT or unix:PATH")
        self._host, self._port = host.strip("[]"), int(port)

    async def process(self, delivery: Delivery) -> Verdict:
        if len(delivery.raw) > self.largest:
            delivery.score("action", "not asked")
            return CONTINUE
        answer = _read(await self._post(_request(delivery, self.password)))
        delivery.score("score", answer.score)
        delivery.score("action", answer.action)
        if self.judge:
            _judge(delivery, answer)
        return CONTINUE

    async def _post(self, request: bytes) -> bytes:
        """Everything that the server answers until it closes."""
        if self._port:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        else:
            reader, writer = await asyncio.open_unix_connection(self._host)
        try:
            writer.write(request)
            await writer.drain()
            answer = bytearray()
            while piece := await reader.read(65_536):
                answer += piece
                if len(answer) > LARGEST_ANSWER:
                    raise ValueError("rspamd answers with too much")
            return bytes(answer)
        finally:
            writer.transport.abort()  # nothing more is expected either way


def _request(delivery: Delivery, password: str) -> bytes:
    """A request of HTTP/1.0: it is answered in one piece."""
    sender = delivery.envelope.mail_from
    fields = {
        "From": str(sender) if sender else "",
        "Rcpt": str(delivery.envelope.rcpt_to),
        "Password": password,
        "Content-Length": str(len(delivery.raw)),
    }
    lines = [f"{name}: {_one_line(value)}\r\n" for name, value in fields.items() if value]
    return "".join(["POST /checkv2 HTTP/1.0\r\n", *lines, "\r\n"]).encode("utf-8") + delivery.raw


def _one_line(value: str) -> str:
    """Nothing in an address may begin another field."""
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def _read(answer: bytes) -> _Answer:
    """The judgement in an answer; ValueError where it is none."""
    head, found, body = answer.partition(b"\r\n\r\n")
    status, _, fields = head.decode("latin-1").partition("\r\n")
    if not found or status.split(" ")[1:2] != ["200"]:
        raise ValueError(f"rspamd answers {status[:80]!r}")
    parsed: Message = HeaderParser().parsestr(fields)
    if "chunked" in str(parsed.get("Transfer-Encoding", "")).lower():
        raise ValueError("rspamd answers in chunks, which HTTP/1.0 does not know")
    said = json.loads(body)
    if not isinstance(said, dict) or not isinstance(said.get("action"), str):
        raise ValueError("rspamd answers without an action")
    symbols = said.get("symbols")
    return _Answer(
        _number(said.get("score")),
        _number(said.get("required_score")),
        said["action"][:40],
        _strongest(symbols if isinstance(symbols, dict) else {}),
    )


def _number(value: object) -> float:
    return round(float(value), 4) if isinstance(value, int | float) else 0.0


def _strongest(symbols: dict[str, object]) -> tuple[str, ...]:
    """The rules that count most, with their scores."""
    scored = {
        str(name)[:60]: _number(rule.get("score")) for name, rule in symbols.items() if isinstance(rule, dict)
    }
    ordered = sorted(scored.items(), key=lambda each: (-abs(each[1]), each[0]))
    return tuple(f"{name} {score:g}" for name, score in ordered[:MOST_CLUES])


def _judge(delivery: Delivery, answer: _Answer) -> None:
    """Where rspamd is not sure, what another stage said stands."""
    clues = (f"rspamd {answer.action}, {answer.score:g} of {answer.required:g}", *answer.symbols)
    if answer.action in SPAM_ACTIONS:
        delivery.spam = SpamScore(0.99, SpamVerdict.SPAM, clues)
    elif answer.action in HAM_ACTIONS and answer.score < 0 and delivery.spam.verdict is SpamVerdict.UNSURE:
        delivery.spam = SpamScore(0.01, SpamVerdict.HAM, clues)
