"""A connection to a server that is asked: TLS where the address says so, and no more than was agreed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from mailproc.enrich.source import SourceAway

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Streams]:
        """Reader and writer; what goes wrong with them inside the block is a SourceAway too."""
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        except (OSError, ValueError) as error:  # ValueError: a name that IDNA refuses
            raise SourceAway(_reason(error)) from None
        try:
            yield reader, writer
        except (OSError, EOFError) as error:
            raise SourceAway(_reason(error)) from None
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


def tls_context(ca_file: str) -> ssl.SSLContext:
    """For the client's side; ValueError for an unfit file of authorities."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise ValueError(f"ca_file: {ca_file}: {error.strerror or error}") from None


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)
