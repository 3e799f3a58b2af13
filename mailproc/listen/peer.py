"""Who is at the other end of a socket, as far as its address tells."""

from __future__ import annotations

import ipaddress


def address_of(peer: object) -> str:
    """The IP address of a socket's peername, without a zone; "" for a Unix socket."""
    return str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""


def is_local(address: str) -> bool:
    """Whether this is a Unix socket or loopback, so that nothing of what is said leaves the machine."""
    parsed = _parse(address)
    return parsed.is_loopback if parsed else not address


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 a whole /64, because one site may come from anywhere in it."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.is_loopback:
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed or address)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
