"""The shared folder: everything that speaks IMAP (RFC 3501, RFC 9051)."""
