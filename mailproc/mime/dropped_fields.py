"""Which fields of an agent's mail do not leave with it.

Some are written anew, some tell of the agent's machine, network, account or private address, some are spoilt
by the rewriting (signatures, results of authentication), and some are ours.
"""

from __future__ import annotations

REWRITTEN = frozenset({
    "from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to",
    "references", "disposition-notification-to",
})  # fmt: skip
TRACES = frozenset({
    "received", "x-received", "return-path", "delivered-to", "envelope-to", "x-envelope-to",
    "x-envelope-from", "x-original-to", "apparently-to", "original-recipient", "x-originating-ip",
    "x-originating-email",
    "x-originating-client", "x-source-ip", "x-client-ip", "x-sender", "x-sender-ip", "x-authenticated-sender",
    "x-authentication-warning", "x-auth-id", "x-authenticated-user", "x-get-message-sender-via",
    "x-virus-scanned", "x-virus-status", "x-spam",
})  # fmt: skip
PROGRAMS = frozenset({
    "user-agent", "x-mailer", "x-mimeole", "x-newsreader", "x-identity-key", "x-account-key",
    "x-apple-base-url", "x-universally-unique-identifier", "x-uniform-type-identifier", "fcc", "x-fcc",
    "x-unsent", "x-tuid",
    "x-uid", "x-uidl", "x-imap", "x-imapbase", "x-keywords", "x-status", "status", "lines", "content-length",
    "x-forwarded-message-id", "x-draft-info", "x-template",
})  # fmt: skip
ANSWERED_ELSEWHERE = frozenset({
    "disposition-notification-options", "return-receipt-to", "x-confirm-reading-to", "errors-to",
    "mail-followup-to", "mail-reply-to", "followup-to", "newsgroups",
})  # fmt: skip
SPOILT = frozenset({
    "dkim-signature", "domainkey-signature", "authentication-results", "received-spf", "arc-seal",
    "arc-message-signature", "arc-authentication-results", "autocrypt", "autocrypt-gossip", "openpgp",
})  # fmt: skip
PREFIXES = (
    "resent-", "list-", "x-mailproc-", "x-old-", "x-mozilla-", "x-enigmail-", "x-ms-exchange-",
    "x-microsoft-", "x-apple-mail-", "x-google-", "x-gm-", "x-evolution-", "x-kmail-", "x-k9mail-",
    "x-claws-", "x-sylpheed-", "x-spam-", "x-forefront-", "x-exchange-", "x-rspamd-", "x-imapsync-",
)  # fmt: skip
_NAMES = REWRITTEN | TRACES | PROGRAMS | ANSWERED_ELSEWHERE | SPOILT


def is_dropped(name: str) -> bool:
    """Does a field of this name, in lower case, not go on as it is?"""
    return name in _NAMES or name.startswith(PREFIXES)
