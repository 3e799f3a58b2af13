"""Sockets in: LMTP, and plain SMTP for MTAs that do not speak it."""
