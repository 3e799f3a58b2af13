"""What the chain found out about one mail, as header fields of its copy in the shared folder."""

from __future__ import annotations

from mailproc.model.judgement import NOT_AUTHENTICATED, NOT_SCORED, Authentication, AuthResult
from mailproc.pipeline.delivery import Delivery


def copy_headers(delivery: Delivery, hostname: str) -> tuple[tuple[str, str], ...]:
    """Names and values, in order; ``hostname`` is who answers for the authentication's results."""
    headers = []
    if delivery.spam is not NOT_SCORED:
        headers.append(("X-Mailproc-Spam", f"{delivery.spam.score:.4f} {delivery.spam.verdict.value}"))
    if delivery.authentication != NOT_AUTHENTICATED:
        headers.append(("Authentication-Results", _results(delivery.authentication, hostname)))
    for result in delivery.results:
        headers += [("X-Mailproc-Note", f"{name}: {text}") for name, text in result.notes.items()]
    headers += delivery.headers.items()
    return tuple(headers)


def _results(found: Authentication, hostname: str) -> str:
    """An authres-payload of RFC 8601 section 2.2."""
    methods = (("spf", found.spf), ("dkim", found.dkim), ("dmarc", found.dmarc), ("arc", found.arc))
    results = [f"{method}={result.value}" for method, result in methods if result is not AuthResult.NONE]
    return "; ".join([hostname, *(results or ["none"])])
