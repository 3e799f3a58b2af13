"""Ask Dovecot whether a password is right, at its auth-client socket.

Dovecot's authentication protocol, version 1: lines of fields between tabs.  Each attempt has a connection of
its own, so that nothing has to be kept in step; a connection to a Unix socket costs less than the password
check.  Anything unexpected (no socket, no answer in time, another protocol, a temporary failure) is 454 for
the client, with the cause in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

from mailproc.model.login import Login
from mailproc.model.reply import LOGIN_UNAVAILABLE, MailError

log = logging.getLogger("mailproc.listen")

_MAJOR = "1"
_LINE_LIMIT = 8192  # octets of a line, as Dovecot's own clients have it
_LINES_LIMIT = 1000  # of a greeting
_ESCAPED = {"0": "\0", "1": "\1", "t": "\t", "r": "\r", "n": "\n"}  # behind \1
_LARGEST_PID = 2**31 - 1


class DovecotTrouble(Exception):
    """Dovecot did not answer, or not as it should; the text says how."""


class DovecotAuth:
    """The socket at ``path``; ``timeout`` is in seconds for one attempt as a whole."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        self._path = path
        self._timeout = timeout

    async def prove(self, login: Login) -> str | None:
        """The user as Dovecot calls it, None if the password is wrong; MailError if nobody knows."""
        try:
            async with self._conversation() as (reader, writer):
                return await _ask(reader, writer, login)
        except DovecotTrouble as trouble:
            log.error("dovecot=%s login=%r: %s", self._path, login.user, trouble)
            raise MailError(LOGIN_UNAVAILABLE) from trouble

    async def look(self) -> None:
        """Shake hands only; DovecotTrouble if that fails."""
        async with self._conversation():
            pass

    async def close(self) -> None:
        """Nothing is kept open."""

    @contextlib.asynccontextmanager
    async def _conversation(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_unix_connection(str(self._path), limit=_LINE_LIMIT)
                await _shake_hands(reader, writer)
                yield reader, writer
        except TimeoutError:
            raise DovecotTrouble(f"no answer within {self._timeout:g} s") from None
        except OSError as error:
            raise DovecotTrouble((error.strerror or str(error)).lower()) from error
        finally:
            if writer is not None:
                writer.close()


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # The process id need only differ from those of Dovecot's other clients.
    writer.write(f"VERSION\t{_MAJOR}\t1\nCPID\t{1 + secrets.randbelow(_LARGEST_PID)}\n".encode())
    mechanisms = set()
    for _ in range(_LINES_LIMIT):
        match await _fields(reader):
            case ["VERSION", major, *_] if major != _MAJOR:
                raise DovecotTrouble(f"speaks version {major} of the protocol")
            case ["MECH", mechanism, *_]:
                mechanisms.add(mechanism.upper())
            case ["DONE", *_]:
                break
    else:
        raise DovecotTrouble("the greeting has no end")
    if "PLAIN" not in mechanisms:
        raise DovecotTrouble("does not offer the mechanism PLAIN")


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: Login) -> str | None:
    request = secrets.randbelow(_LARGEST_PID) + 1
    response = b64encode(b"\0" + login.user.encode() + b"\0" + login.password).decode()
    address = f"\trip={login.address}" if login.address else ""
    # We count failures ourselves, and AUTH is only ever taken where nobody can listen.
    parameters = f"service=smtp\tsecured\tno-penalty{address}\tresp={response}"
    writer.write(f"AUTH\t{request}\tPLAIN\t{parameters}\n".encode())
    for _ in range(_LINES_LIMIT):
        match await _fields(reader):
            case ["OK", number, *parameters_of_user] if number == str(request):
                return _user(parameters_of_user) or login.user
            case ["FAIL", number, *reasons] if number == str(request):
                if "temp" in reasons or "code=temp_fail" in reasons:
                    raise DovecotTrouble("temporary failure, see Dovecot's log")
                return None
            case ["CONT", *_]:
                raise DovecotTrouble("asks for more than PLAIN has")
    raise DovecotTrouble("talks of other things")


async def _fields(reader: asyncio.StreamReader) -> list[str]:
    """The next line, taken apart."""
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        raise DovecotTrouble("closed the connection") from None
    except asyncio.LimitOverrunError:
        raise DovecotTrouble("sent a line without end") from None
    return [_unescape(field) for field in line.decode("utf-8", "replace").removesuffix("\n").split("\t")]


def _unescape(field: str) -> str:
    start, *pieces = field.split("\1")
    return start + "".join(_ESCAPED.get(piece[:1], piece[:1]) + piece[1:] for piece in pieces)


def _user(parameters: list[str]) -> str:
    return next((text.removeprefix("user=") for text in parameters if text.startswith("user=")), "")
