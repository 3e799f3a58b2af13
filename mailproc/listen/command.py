"""What stands behind MAIL and RCPT (RFC 5321 section 4.1.2, RFC 1870, 6152, 6531)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailproc.listen.replies import BAD_SYNTAX, UNKNOWN_PARAMETER
from mailproc.model.address import Address, BadAddress
from mailproc.model.reply import BAD_ADDRESS_SYNTAX, MailError

# A quoted local part may hold ">" and spaces.  The brackets are missing in what some scripts send.
_BRACKETED = re.compile(r'\s*+<((?:[^"<>\s]++|"(?:[^"\\]|\\.)*+")*+)>(?:\s++(.*))?', re.DOTALL)
_PLAIN = re.compile(r"\s*([^<>\s]+)(?:\s+(.*))?", re.DOTALL)
_SOURCE_ROUTE = re.compile(r"@[^:@\s]+(?:,@[^:@\s]+)*:")
_PARAMETER = re.compile(r"SIZE=([0-9]{1,20})|BODY=(?:7BIT|8BITMIME)|SMTPUTF8", re.IGNORECASE)
_SUBMITTER = re.compile(r"AUTH=(?:<>|(?:[!-*,-<>-~]|\+[0-9A-F]{2})+)", re.IGNORECASE)  # RFC 4954 section 8
_OFFERED = ("SIZE", "BODY", "SMTPUTF8")


@dataclass(frozen=True, slots=True)
class Sender:
    """MAIL: the reverse-path, None for the null one, and the announced size in octets, 0 for none."""

    address: Address | None
    size: int


def parse_mail(argument: str) -> Sender:
    """Read ``FROM:<path> parameters``; raise MailError with the reply to give."""
    path, parameters = _path_and_parameters(argument, "FROM:")
    return Sender(_address(path) if path else None, _announced_size(parameters))


def without_submitter(argument: str) -> str:
    """MAIL's argument without ``AUTH=``, which is taken (RFC 4954 section 5) and ignored."""
    path, parameters = _path_and_parameters(argument, "FROM:")
    kept = (parameter for parameter in parameters if not _SUBMITTER.fullmatch(parameter))
    return " ".join((f"FROM:<{path}>", *kept))


def parse_rcpt(argument: str, hostname: str) -> Address:
    """Read ``TO:<path>``; a bare postmaster is the one of ``hostname`` (RFC 5321 section 4.5.1)."""
    path, parameters = _path_and_parameters(argument, "TO:")
    if parameters:
        raise MailError(UNKNOWN_PARAMETER)
    if path.lower() == "postmaster":
        path = f"{path}@{hostname}"
    return _address(path)


def _path_and_parameters(argument: str, keyword: str) -> tuple[str, list[str]]:
    if argument[: len(keyword)].upper() != keyword:
        raise MailError(BAD_SYNTAX)
    rest = argument[len(keyword) :]
    match = _BRACKETED.fullmatch(rest) or _PLAIN.fullmatch(rest)
    if match is None:
        raise MailError(BAD_ADDRESS_SYNTAX)
    return match[1], (match[2] or "").split()


def _address(path: str) -> Address:
    # RFC 5321 section 4.1.1.3: a source route is accepted and ignored.
    if path.startswith("@") and (route := _SOURCE_ROUTE.match(path)):
        path = path[route.end() :]
    try:
        if not path.isascii():
            path.encode()  # octets that are no UTF-8 came as lone surrogates
        return Address.parse(path)
    except (BadAddress, UnicodeEncodeError):
        raise MailError(BAD_ADDRESS_SYNTAX) from None


def _announced_size(parameters: list[str]) -> int:
    size = 0
    for parameter in parameters:
        if not (match := _PARAMETER.fullmatch(parameter)):
            known = parameter.partition("=")[0].upper() in _OFFERED
            raise MailError(BAD_SYNTAX if known else UNKNOWN_PARAMETER)
        size = int(match[1] or size)
    return size
