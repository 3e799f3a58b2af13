"""From the keys of a source to something that can be asked; nothing connects yet."""

from __future__ import annotations

import ssl
import stat
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mailproc.enrich.inquiry import Inquiry
from mailproc.enrich.options import Kind, SourceOptions, check_url, kind_of, needs
from mailproc.enrich.source import Source
from mailproc.enrich.stream import tls_context

_LARGEST_SECRET = 65_536  # octets
_OTHERS = stat.S_IROTH | stat.S_IWOTH


def open_source(
    name: str,
    options: SourceOptions,
    folder: Path,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Inquiry:
    """Paths start at ``folder``.  ValueError says what is wrong, and at which key."""
    url = options.url or _secret(folder / options.url_file, "url_file")
    password = options.password
    if options.password_file:
        if password:
            raise ValueError("password_file: given twice: password stands here too")
        password = _secret(folder / options.password_file, "password_file")
    check_url(options, url)
    return Inquiry(
        name,
        _source(options, url, password, folder),
        needs(options, url),
        timeout=options.timeout,
        cache=options.cache,
        monotonic=monotonic,
    )


def _source(options: SourceOptions, url: str, password: str, folder: Path) -> Source:
    """Each kind is loaded when one of it is configured."""
    wanted, rows = options.wanted, options.rows
    match kind_of(url):
        case Kind.CSV:
            from mailproc.enrich.csv_file import CsvSource

            path = folder / url.partition(":")[2]
            return CsvSource(path, options.key, options.by, wanted, rows)
        case Kind.SQL:
            from mailproc.enrich.sql import SqlSource

            return SqlSource(
                url,
                password,
                options.query,
                wanted,
                folder=folder,
                rows=rows,
                timeout=options.timeout,
            )
        case Kind.LDAP:
            return _ldap(options, url, password, folder)
        case Kind.HTTP:
            return _http(options, url, password, folder)


def _ldap(options: SourceOptions, url: str, password: str, folder: Path) -> Source:
    try:
        from mailproc.enrich.ldap import LdapSource
    except ImportError:
        raise ValueError("url: LDAP needs sansldap: pip install mailproc[enrich]") from None
    tls = _tls(options, url, folder)
    return LdapSource(
        url,
        options.user,
        password,
        options.query,
        options.wanted,
        rows=options.rows,
        timeout=options.timeout,
        tls=tls,
    )


def _http(options: SourceOptions, url: str, password: str, folder: Path) -> Source:
    try:
        from mailproc.enrich.http import HttpSource, authorization
    except ImportError:
        raise ValueError("url: HTTP needs h11: pip install mailproc[enrich]") from None
    credentials = authorization(options.user, password)
    tls = _tls(options, url, folder)
    return HttpSource(url, credentials, options.at, options.wanted, rows=options.rows, tls=tls)


def _tls(options: SourceOptions, url: str, folder: Path) -> ssl.SSLContext | None:
    if urlsplit(url).scheme not in ("ldaps", "https"):
        return None
    return tls_context(str(folder / options.ca_file) if options.ca_file else "")


def _secret(path: Path, key: str) -> str:
    """The text of a file that others must not read."""
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            secret = file.read(_LARGEST_SECRET).decode().strip()
    except OSError as error:
        raise ValueError(f"{key}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{key}: {path} is not UTF-8") from None
    if mode & _OTHERS:
        raise ValueError(
            f"{key}: {path} is open to everyone (mode {stat.S_IMODE(mode):04o}): chmod o= {path}"
        )
    if not secret:
        raise ValueError(f"{key}: {path} is empty")
    return secret
