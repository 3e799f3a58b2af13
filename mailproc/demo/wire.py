"""Handing mail over on loopback, as an MTA does by LMTP and an agent's mail client by SMTP."""

from __future__ import annotations

import asyncio
import base64

from mailproc.mime.surgery import prepend

PATIENCE = 20.0  # seconds for any one step


class DemoFailed(Exception):
    """A step did not do what it should; the text says which."""


async def deliver(port: int, sender: str, recipient: str, raw: bytes) -> str:
    """One mail by LMTP, with what the MTA found out about its sender; the reply to it, or DemoFailed."""
    if sender:
        found = f"mail.example.org; dmarc=pass header.from={sender.rpartition('@')[2]}"  # RFC 8601
        raw = prepend(raw, [("Authentication-Results", found)])
    return await _converse(port, ("LHLO demo", *_envelope(sender, recipient)), raw)


async def submit(port: int, user: str, password: str, sender: str, recipient: str, raw: bytes) -> str:
    """One mail by SMTP with a login (RFC 4616); the reply to it, or DemoFailed."""
    login = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    return await _converse(port, ("EHLO demo", f"AUTH PLAIN {login}", *_envelope(sender, recipient)), raw)


def _envelope(sender: str, recipient: str) -> tuple[str, ...]:
    return f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"


async def _converse(port: int, commands: tuple[str, ...], raw: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            await _reply(reader)
            for command in commands:
                writer.write(command.encode() + b"\r\n")
                await _reply(reader)
            writer.write(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            reply = await _reply(reader)
            writer.write(b"QUIT\r\n")
    finally:
        writer.close()
    return reply


async def _reply(reader: asyncio.StreamReader) -> str:
    while True:
        line = (await reader.readline()).decode().rstrip()
        if line[:1] not in ("2", "3"):
            raise DemoFailed(f"unexpected reply: {line or 'connection closed'}")
        if line[3:4] != "-":
            return line
