"""How to reach and enter an IMAP server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Login = Literal["plain", "xoauth2", "master"]


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """One login at one server.  Times are in seconds.

    With ``login`` "master", ``master_user`` enters with ``password`` and acts as ``user`` (RFC 4616: the
    authorization identity).  With "xoauth2" the token is read anew for every login, from ``token_file`` or
    the output of ``token_command``.  A password that is not UTF-8 has its octets as surrogates (PEP 383).
    """

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    tls: Literal["none", "starttls", "implicit"] = "implicit"
    login: Login = "plain"
    master_user: str = ""
    token_file: str = ""
    token_command: tuple[str, ...] = ()
    ca_file: str = ""  # instead of the system's authorities
    timeout: float = 30.0  # without an octet, and for one short command in all

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def on_behalf_of(self, user: str) -> ImapSettings:
        """The same login acting as somebody else; needs ``login`` "master"."""
        if self.login != "master":
            raise ValueError("only a master user can act as somebody else")
        return replace(self, user=user)
