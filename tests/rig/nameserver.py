"""A name server on loopback that serves TXT records by name, and nothing else."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from mailproc.model.signing_key import strings_of


@contextmanager
def serving(records: dict[str, Sequence[str]]) -> Iterator[int]:
    """Its port; ``records`` are texts by name."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            octets, sock = self.request
            query = dns.message.from_wire(octets)
            name = query.question[0].name.to_text(omit_final_dot=True)
            texts = records.get(name, [])
            sock.sendto(_answer(query, name, texts).to_wire(), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _answer(query: dns.message.Message, name: str, texts: Sequence[str]) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    if not texts:
        answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
    quoted = [" ".join(f'"{string}"' for string in strings_of(text)) for text in texts]
    answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", dns.rdatatype.TXT, *quoted))
    return answer
