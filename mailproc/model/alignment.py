"""Do two domains belong to one organisation?

A first, simple rule: they are the same, or one is a subdomain of the other.  It needs no list of public
suffixes; two siblings (``a.example.org`` and ``b.example.org``) do not count, and a single label never does.
"""

from __future__ import annotations


def is_aligned(one: str, other: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1) as far as the simple rule can tell; case does not matter."""
    short, long = sorted((one.lower().rstrip("."), other.lower().rstrip(".")), key=len)
    if "." not in short:
        return False
    return short == long or long.endswith(f".{short}")
