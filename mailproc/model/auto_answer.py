"""Automatic answers to people: how many may go, and addresses that never lead to a person (RFC 3834)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from mailproc.model.address import Address

# Local parts that take no replies (RFC 3834 section 2, RFC 2142), in the languages of our templates.
ROLES = (
    "mailer-daemon|postmaster|root|daemon|nobody|www-data|apache|listserv|majordomo|mailman"
    "|bounces?|bounced|undisclosed-recipients|autoreply|auto-reply|autoresponder|notifications?"
    "|(?:do-?|please-?)?no-?t?-?repl(?:y|ies)|nicht-?antworten|keine-?antwort|ne-?pas-?repondre"
    "|no-?(?:responder|contestar|contesta)|nao-?responda|(?:non|no)-?rispondere|geen-?antwoord|niet-?antwoorden"
    "|(?:ikke|inte|ej)-?svar[ae]?|svar-?(?:ikke|inte|ej)|ingen-?svar|nie-?odpowiada[cj]|neodpovidejte"
)
_ROLE = re.compile(rf"(?:{ROLES})(?:[+=-].*)?|owner-.*|.*-(?:owner|request|bounces?|noreply|no-reply)")


@dataclass(frozen=True, slots=True)
class AcknowledgementLimits:
    """How many automatic answers may go within 24 hours; ``unvouched`` is the cap per hour in total
    for senders that nothing authenticated."""

    per_sender: int = 3
    per_domain: int = 100
    total: int = 2000
    unvouched: int = 60
    unvouched_per_sender: int = 1


def takes_no_replies(address: Address, further: Collection[str] = ()) -> bool:
    """Does nobody read what is sent there?  ``further`` are local parts of the site's own."""
    local = address.local.lower().replace("_", "-").strip('"')
    return local in further or _ROLE.fullmatch(local) is not None
