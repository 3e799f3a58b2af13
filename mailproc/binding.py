"""The sockets of a configuration: bound once, kept over reloads where the configuration names them again."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailproc.config import Config
from mailproc.listen.sockets import CannotListen, UnixEndpoint, bind, parse_endpoint


@dataclass(frozen=True, slots=True)
class Bound:
    """One entry of ``listen``; ``section`` says what is spoken there."""

    section: str
    text: str
    sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        """Stop listening in this process; workers that serve the socket go on until they close theirs."""
        for sock in self.sockets:
            sock.close()

    def remove(self) -> None:
        """Close it for good, with its file."""
        self.close()
        endpoint = parse_endpoint(self.text)
        if isinstance(endpoint, UnixEndpoint):
            with suppress(OSError):
                Path(endpoint.path).unlink()


def entries(config: Config) -> Iterator[tuple[str, str]]:
    """Section and text of each entry."""
    for section in ("lmtp", "smtp", "submission", "metrics"):
        for text in getattr(config, section).listen:
            yield section, text


def bind_all(config: Config, environment: Mapping[str, str], held: Sequence[Bound] = ()) -> tuple[Bound, ...]:
    """Every socket of the configuration, those of ``held`` as they are; raise CannotListen.

    Nothing of ``held`` is closed, and where one cannot be had nothing new stays open.
    """
    left = list(held)
    bound: list[Bound] = []
    new: list[Bound] = []
    try:
        for section, text in entries(config):
            old = next((one for one in left if one.text == text), None)
            if old is not None:
                left.remove(old)
                bound.append(Bound(section, text, old.sockets))
            else:
                new.append(Bound(section, text, tuple(bind(parse_endpoint(text), environment))))
                bound.append(new[-1])
    except CannotListen:
        for one in new:
            one.remove()
        raise
    return tuple(bound)


def without(some: Sequence[Bound], others: Sequence[Bound]) -> list[Bound]:
    """Those whose sockets are not among the sockets of ``others``."""
    kept = {id(sock) for one in others for sock in one.sockets}
    return [one for one in some if not any(id(sock) in kept for sock in one.sockets)]
