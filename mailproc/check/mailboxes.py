"""What the IMAP client needs, of a checked configuration: how to log in, as whom, and the folders' names."""

from __future__ import annotations

from msgspec.structs import asdict

from mailproc.config import AgentSection, ImapSection
from mailproc.imap.settings import ImapSettings
from mailproc.imap.tree import FolderNames
from mailproc.listen.sockets import TcpEndpoint, parse_endpoint


def imap_settings(section: ImapSection) -> ImapSettings:
    """What the client needs of a checked section."""
    endpoint = parse_endpoint(section.address)
    assert isinstance(endpoint, TcpEndpoint)  # check_sockets saw to it
    return ImapSettings(
        host=endpoint.host,
        port=endpoint.port,
        user=section.user,
        password=section.password,
        tls=section.tls,
        login=section.login,
        master_user=section.master_user,
        token_file=section.token_file,
        token_command=section.token_command,
        ca_file=section.ca_file,
        timeout=section.timeout,
    )


def folder_names(section: ImapSection) -> FolderNames:
    return FolderNames(**asdict(section.names))


def agents_settings(imap: ImapSection, name: str, agent: AgentSection) -> ImapSettings:
    """How an agent's Drafts are reached: as the agent where a master user can, else as ourselves."""
    settings = imap_settings(imap)
    return settings.on_behalf_of(agent.login or name) if imap.login == "master" else settings
