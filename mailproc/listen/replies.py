"""Replies to commands that carry no mail; those that concern mail are in model/reply.py."""

from __future__ import annotations

from mailproc.model.reply import Reply

OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
HELP_TEXT = Reply(214, "2.0.0", "See RFC 2033 and RFC 5321")
BYE = Reply(221, "2.0.0", "Bye")
CANNOT_VERIFY = Reply(252, "2.0.0", "Send mail to find out")  # RFC 5321 section 3.5.3
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognized")
BAD_SYNTAX = Reply(501, "5.5.4", "Syntax error in command or its parameters")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
GREET_FIRST = Reply(503, "5.5.1", "Send the greeting first")
NESTED_MAIL = Reply(503, "5.5.1", "A mail transaction has begun already")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
NO_RECIPIENT = Reply(503, "5.5.1", "No valid recipient")  # RFC 2033 section 4.2
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognized or not implemented")

# Submission: RFC 3207 section 4, RFC 4954 sections 4 and 6.
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
AUTHENTICATED = Reply(235, "2.7.0", "Authentication successful")
TOO_MANY_FAILED_LOGINS = Reply(421, "4.7.0", "Too many failed logins")
AUTH_LINE_TOO_LONG = Reply(500, "5.5.6", "Authentication exchange line is too long")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
BAD_BASE64 = Reply(501, "5.5.2", "Cannot decode base64")
BAD_SASL = Reply(501, "5.5.2", "Cannot read the authentication response")
TLS_ALREADY = Reply(503, "5.5.1", "TLS is active already")
AUTHENTICATED_ALREADY = Reply(503, "5.5.1", "Already authenticated")
UNKNOWN_MECHANISM = Reply(504, "5.5.4", "Authentication mechanism not supported")
AUTH_FIRST = Reply(530, "5.7.0", "Authentication required")
TLS_FIRST = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
BAD_LOGIN = Reply(535, "5.7.8", "Authentication credentials invalid")
ENCRYPTION_NEEDED = Reply(538, "5.7.11", "Encryption required for requested authentication mechanism")
NOT_YOUR_ADDRESS = Reply(553, "5.7.1", "Sender address is not yours")
