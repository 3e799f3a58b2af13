"""Rules for the bucket: where it is, and who may use it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from urllib.parse import urlsplit

from mailproc.config import BucketSection
from mailproc.model.mistake import Findings

# Amazon S3 User Guide, "General purpose bucket naming rules"; others allow no more.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_bucket(bucket: BucketSection, findings: Findings) -> None:
    """All rules of this file."""
    if importlib.util.find_spec("obstore") is None:
        findings.refuse('needs obstore: pip install "mailproc[s3]"', "bucket")
    name = bucket.url.removeprefix("s3://").partition("/")[0]
    if not bucket.url.startswith("s3://") or not _NAME.fullmatch(name):
        findings.refuse(f'"{bucket.url}" is not s3://NAME or s3://NAME/PREFIX', "bucket", "url")
    if bucket.endpoint:
        _check_endpoint(bucket.endpoint, findings)
    if bucket.access_key and not bucket.secret_key:
        findings.refuse("the secret_key that belongs to it is missing", "bucket", "access_key")
    if bucket.secret_key and not bucket.access_key:
        findings.refuse("the access_key that it belongs to is missing", "bucket", "secret_key")
    if bucket.ca_file and not Path(bucket.ca_file).is_file():
        findings.refuse(f"no such file: {bucket.ca_file}", "bucket", "ca_file")


def _check_endpoint(endpoint: str, findings: Findings) -> None:
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        findings.refuse(f'"{endpoint}" is not https://HOST or https://HOST:PORT', "bucket", "endpoint")
    elif parts.scheme == "http" and host not in _LOOPBACK:
        findings.refuse("mails would go over the network in the open: use https", "bucket", "endpoint")
