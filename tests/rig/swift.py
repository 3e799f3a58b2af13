"""OpenStack Swift on loopback with its S3 interface: a real object store, from Debian's packages.

One device without replicas (SAIO, https://docs.openstack.org/swift/latest/development_saio.html); the
proxy's ``s3api`` checks Signature Version 4, ``tempauth`` knows the one user.
"""

from __future__ import annotations

import getpass
import hashlib
import http.client
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.rig.ports import free_port
from tests.rig.s3 import BUCKET, REGION, signature
from tests.rig.waiting import eventually

ACCESS_KEY = "site:mailproc"
SECRET_KEY = "a-secret-of-the-tests"

_PARTS = ("account", "container", "object")
_PYTHON = "/usr/bin/python3"  # whose packages Swift is one of
_RINGS = """\
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    ring = RingBuilder(2, 1, 0)
    ring.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=int(port), device="d1", weight=1, meta=""))
    ring.rebalance()
    ring.get_ring().save(name)
"""
_SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
"""
_STORAGE = """\
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
recon_cache_path = {folder}
"""
_PROXY = """\
[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = {region}
check_pipeline = false
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# It may be asked before the others listen, and would not try them again for a minute.
error_suppression_interval = 0
"""


class Swift:
    """``start`` makes the bucket, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        (folder / "devices" / "d1").mkdir(parents=True)
        ports = {part: free_port() for part in _PARTS}
        self._lay_out(ports)
        for part, port in ports.items():
            self._configure(part, port, _STORAGE.format(folder=folder, part=part))
        user = ACCESS_KEY.replace(":", "_")
        self._configure("proxy", self._port, _PROXY.format(region=REGION, user=user, secret=SECRET_KEY))

    @staticmethod
    def missing() -> str:
        """The first of its programs that is not installed."""
        programs = [f"swift-{part}-server" for part in (*_PARTS, "proxy")]
        return next((each for each in programs if shutil.which(each) is None), "")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        for name in (*_PARTS, "proxy"):
            with (self._folder / f"{name}.log").open("ab") as log:
                command = [f"swift-{name}-server", str(self._folder / f"{name}.conf"), "--verbose"]
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        try:
            assert eventually(self._make_bucket) in (200, 409)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._logs()}") from None

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(30)
        self._processes.clear()

    def _logs(self) -> str:
        logs = (self._folder / f"{name}.log" for name in (*_PARTS, "proxy"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in logs)

    def _lay_out(self, ports: Mapping[str, int]) -> None:
        """Where each kind of thing lies: on the one device."""
        rings = [
            word
            for part, port in ports.items()
            for word in (str(self._folder / f"{part}.ring.gz"), str(port))
        ]
        subprocess.run([_PYTHON, "-c", _RINGS, *rings], check=True)

    def _configure(self, name: str, port: int, more: str) -> None:
        common = _SERVER.format(port=port, user=getpass.getuser(), folder=self._folder)
        (self._folder / f"{name}.conf").write_text(common + more)

    def _make_bucket(self) -> int | None:
        """The status of the answer; None where nobody answers yet, or cannot."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope, digest = f"{moment[:8]}/{REGION}/s3/aws4_request", hashlib.sha256(b"").hexdigest()
        headers = {"host": f"127.0.0.1:{self._port}", "x-amz-content-sha256": digest, "x-amz-date": moment}
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        signed = signature(SECRET_KEY, scope, moment, f"PUT\n/{BUCKET}\n\n{lines}\n{names}\n{digest}")
        claim = f"Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signed}"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 {claim}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        with closing(connection), suppress(OSError):
            connection.request("PUT", f"/{BUCKET}", headers=headers)
            status = connection.getresponse().status
            return status if status < 500 else None
        return None
