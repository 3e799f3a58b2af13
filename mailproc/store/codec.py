"""How raw mail lies in the store: as zstd where that is smaller, else as it came; or it is elsewhere."""

from __future__ import annotations

import sys
from functools import cache

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = 0
ZSTD = 1
ELSEWHERE = 2  # in the bucket: store/originals.py
_LEVEL = 1  # 5 KiB in some 20 µs; higher levels gain a few percent


@cache
def _compressor() -> zstd.ZstdCompressor:
    """One for all: to make it takes longer than to use it.  It locks itself for each frame."""
    return zstd.ZstdCompressor(level=_LEVEL)


def pack(raw: bytes) -> tuple[int, bytes]:
    """Return the codec and the stored form."""
    packed = _compressor().compress(raw, zstd.ZstdCompressor.FLUSH_FRAME)
    return (ZSTD, packed) if len(packed) < len(raw) else (PLAIN, raw)


def unpack(codec: int, content: bytes, size: int) -> bytes:
    """Undo ``pack``; never grows beyond ``size``, whatever the stored frame claims.

    ValueError for what is damaged.
    """
    if codec == PLAIN:
        return content
    if codec != ZSTD:
        raise ValueError(f"stored mail has no content that is known here: {codec}")
    try:
        raw = zstd.ZstdDecompressor().decompress(content, max_length=size + 1)
    except zstd.ZstdError as error:
        raise ValueError(f"stored mail is damaged: {error}") from error
    if len(raw) != size:
        raise ValueError(f"stored mail unpacks to {len(raw)} bytes or more, not {size}")
    return raw
