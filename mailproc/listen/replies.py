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
