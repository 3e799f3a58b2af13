"""How raw mail lies in the store: as zstd where that is smaller, else as it came."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = 0
ZSTD = 1
_LEVEL = 1  # 5 KiB in some 20 µs; higher levels gain a few percent


def pack(raw: bytes) -> tuple[int, bytes]:
    """Return the codec and the stored form."""
    packed = zstd.compress(raw, _LEVEL)
    return (ZSTD, packed) if len(packed) < len(raw) else (PLAIN, raw)


def unpack(codec: int, content: bytes, size: int) -> bytes:
    """Undo ``pack``; never grows beyond ``size``, whatever the stored frame claims."""
    if codec == PLAIN:
        return content
    raw = zstd.ZstdDecompressor().decompress(content, max_length=size + 1)
    if len(raw) != size:
        raise ValueError(f"stored mail unpacks to {len(raw)} bytes or more, not {size}")
    return raw
