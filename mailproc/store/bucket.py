"""A bucket of S3-compatible storage that holds originals, each as it came, named by its SHA-256 in hex.

Amazon S3 REST API: PutObject, GetObject, DeleteObject, Signature Version 4.  Whatever goes wrong is
``BucketAway``, also an object that is not there or is not what its name says: nothing of it is ever taken for
the mail.  obstore works in threads of its own; it is imported where it is needed, being an extra.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mailproc.store.connection import BucketAway
from mailproc.store.originals import Original

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Store

NEEDS_OBSTORE = 'a bucket needs obstore: pip install "mailproc[s3]"'
REST = 5.0  # seconds after a failure during which the next one is not waited for
_CONNECT = 5.0  # seconds
_RETRIES = 2
_BLOCK = 1 << 20  # octets read at once


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where it is: ``url`` is s3://NAME or s3://NAME/PREFIX; ``timeout`` is for one mail, in seconds.

    What is empty comes from the environment, as with other tools (AWS_ACCESS_KEY_ID, …), or is the default.
    """

    url: str
    timeout: float
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    ca_file: str = ""


class Bucket:
    """Nothing is connected before it is used; then it belongs to one event loop."""

    def __init__(self, place: BucketPlace) -> None:
        self._place = place
        self._store: S3Store | None = None
        self._rests_until = 0.0  # by the loop's clock

    async def put(self, original: Original, raw: bytes) -> None:
        """Put it there; what is there by that name is replaced."""
        async with self._reach() as store:
            from obstore import put_async

            await put_async(store, _name(original), raw, use_multipart=False)

    async def fetch(self, original: Original) -> bytes:
        """The mail, which is what its digest says."""
        async with self._reach() as store:
            return b"".join([block async for block in _blocks(store, original)])

    async def verify(self, original: Original) -> None:
        """Read it back and compare."""
        async with self._reach() as store:
            async for _ in _blocks(store, original):
                pass

    async def probe(self) -> None:
        """Put a small object there, read it back, and delete it."""
        raw = secrets.token_bytes(32)
        original = Original(hashlib.sha256(raw).digest(), len(raw))
        await self.put(original, raw)
        await self.verify(original)
        async with self._reach() as store:
            from obstore import delete_async

            await delete_async(store, _name(original))

    @asynccontextmanager
    async def _reach(self) -> AsyncIterator[S3Store]:
        """The store of objects, within the time; where it could not be reached a moment ago, nobody waits."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            raise BucketAway(f"{self._place.url} could not be reached a moment ago")
        store = self._opened()
        from obstore.exceptions import BaseError

        try:
            async with asyncio.timeout(self._place.timeout):
                yield store
        except FileNotFoundError as error:
            raise BucketAway(f"{self._place.url} does not hold it: {_said(error)}") from error
        except TimeoutError as error:
            self._rests_until = loop.time() + REST
            raise BucketAway(f"{self._place.url} did not answer within {self._place.timeout:g} s") from error
        except (BaseError, OSError) as error:
            self._rests_until = loop.time() + REST
            raise BucketAway(f"{self._place.url}: {_said(error)}") from error

    def _opened(self) -> S3Store:
        if self._store is None:
            try:
                self._store = _open(self._place)
            except (ImportError, OSError) as error:
                raise BucketAway(NEEDS_OBSTORE if isinstance(error, ImportError) else str(error)) from error
        return self._store


def _open(place: BucketPlace) -> S3Store:
    from obstore.store import S3Store

    name, _, prefix = place.url.removeprefix("s3://").partition("/")
    given: S3Config = {
        "endpoint": place.endpoint,
        "region": place.region,
        "access_key_id": place.access_key,
        "secret_access_key": place.secret_key,
    }
    for key in [key for key, value in given.items() if not value]:
        del given[key]  # type: ignore[misc]
    options: ClientConfig = {
        "allow_http": place.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=min(_CONNECT, place.timeout)),
        "timeout": timedelta(seconds=place.timeout),
    }
    if place.ca_file:
        options["root_certificate"] = Path(place.ca_file).read_bytes()
    return S3Store(
        name,
        prefix=prefix or None,
        config=given,
        disable_bulk_delete=True,  # one object at a time, as every server can
        client_options=options,
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=place.timeout),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1)},
        },
    )


async def _blocks(store: S3Store, original: Original) -> AsyncIterator[bytes]:
    """What lies there, block by block; BucketAway at the end unless it was the mail."""
    from obstore import get_async

    found = await get_async(store, _name(original))
    size = found.meta["size"]
    if size != original.size:
        raise BucketAway(f"{_name(original)} has {size} octets in the bucket, not {original.size}")
    digest = hashlib.sha256()
    async for block in found.stream(min_chunk_size=_BLOCK):
        octets = bytes(block)
        digest.update(octets)
        yield octets
    if digest.digest() != original.sha256:
        raise BucketAway(f"{_name(original)} is another mail in the bucket than its name says")


def _name(original: Original) -> str:
    return original.sha256.hex()


def _said(error: Exception) -> str:
    """The first line of it: the others are obstore's own debugging."""
    return str(error).partition("\n")[0]
