"""Patroni from Debian: three real PostgreSQLs of which one is the primary, and an etcd that says which.

Settings as docs/howto/scale.md gives them, with the shortest times that Patroni takes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.rig import freezing
from tests.rig.ports import free_port
from tests.rig.processes import children
from tests.rig.sources import program
from tests.rig.waiting import eventually

USER = "postgres"
SCOPE = "mailproc"
NAMES = ("db1", "db2", "db3")
SLOW = 90.0  # seconds until a cluster is what it should be
_TIMES = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}  # seconds; a lost primary is replaced after ttl


class Etcd:
    """Where the primary's lease stands."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        command = [
            "etcd", "--name=one", f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=one={peer}",
        ]  # fmt: skip
        with (folder / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)


class Node:
    """A machine with PostgreSQL and Patroni, as far as they see."""

    def __init__(self, name: str, folder: Path, etcd: Etcd) -> None:
        self.name = name
        self.port, self.rest = free_port(), free_port()
        self._storage = folder / name
        self.configuration = folder / f"{name}.json"
        self.configuration.write_text(json.dumps(_configuration(self, folder, etcd)))
        with (folder / f"{name}.log").open("ab") as log:
            command = [str(shutil.which("patroni")), str(self.configuration)]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=USER, cwd="/", start_new_session=True
            )

    def die(self) -> None:
        """As the machine dies."""
        freezing.kill(pid for parent in self._roots() for pid in (parent, *children(parent)))
        self._process.wait(30)

    def _roots(self) -> list[int]:
        """PostgreSQL outlives its Patroni, and is nobody's child."""
        with suppress(FileNotFoundError):
            return [self._process.pid, int((self._storage / "postmaster.pid").read_text().split()[0])]
        return [self._process.pid]


class PatroniCluster:
    """When it is whole: a primary, a standby without which no COMMIT is answered, and another one."""

    programs = ("patroni", "etcd", "postgres", "pg_basebackup")

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mailproc-patroni-"))
        shutil.chown(self._folder, USER, USER)
        self._etcd = Etcd(self._folder)
        self._nodes = {name: Node(name, self._folder, self._etcd) for name in NAMES}
        self._asked = self._nodes[NAMES[0]]

    def wait_until_whole(self) -> None:
        eventually(self._is_whole, seconds=SLOW, every=0.2)

    @classmethod
    def missing(cls) -> str:
        return next((name for name in cls.programs if program(name) is None), "")

    @property
    def primary(self) -> str:
        """Its name; "" while there is none."""
        return next((each["name"] for each in self._members() if each["role"] == "leader"), "")

    def port_of(self, name: str) -> int:
        return self._nodes[name].port

    def new_schema(self, name: str) -> str:
        """The URL of a fresh place for a store, on whichever can be written to."""
        url = self._url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{url}&options={quote(f'-csearch_path={name}')}"

    def switch_over(self) -> None:
        """As a postmaster does it: another is the primary when this returns."""
        before = self.primary
        command = ["patronictl", "-c", str(self._asked.configuration), "switchover", "--force", SCOPE]
        subprocess.run(command, check=True, capture_output=True)
        eventually(lambda: self.primary not in ("", before), seconds=SLOW)

    def lose_primary(self) -> str:
        """Its machine dies; the name of the one that is promoted."""
        before = self._nodes.pop(self.primary)
        self._asked = next(iter(self._nodes.values()))
        before.die()
        return eventually(lambda: self.primary.replace(before.name, ""), seconds=SLOW)

    def remove(self) -> None:
        for node in self._nodes.values():
            node.die()
        self._etcd.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self._nodes.values())
        return f"postgresql://{USER}@{hosts}/postgres?target_session_attrs=read-write&connect_timeout=2"

    def _is_whole(self) -> bool:
        roles = sorted(each["role"] for each in self._members() if each["state"] in ("running", "streaming"))
        return roles == ["leader", "replica", "sync_standby"]

    def _members(self) -> Sequence[dict[str, Any]]:
        url = f"http://127.0.0.1:{self._asked.rest}/cluster"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            members: list[dict[str, Any]] = json.load(answer)["members"]
            return members
        return ()


def _configuration(node: Node, folder: Path, etcd: Etcd) -> dict[str, Any]:
    """JSON is YAML, which Patroni reads."""
    rest = f"127.0.0.1:{node.rest}"
    listens = f"127.0.0.1:{node.port}"
    own = {"fsync": "off", "unix_socket_directories": "", "max_connections": 100}
    return {
        "scope": SCOPE,
        "name": node.name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
        "bootstrap": {
            "dcs": {**_TIMES, "synchronous_mode": True, "synchronous_mode_strict": True},
            "initdb": [{"encoding": "UTF8"}, {"auth": "trust"}, {"locale": "C"}, "no-sync"],
        },
        "postgresql": {
            "listen": listens,
            "connect_address": listens,
            "data_dir": str(folder / node.name),
            "pgpass": str(folder / f"{node.name}.pgpass"),
            "bin_dir": str(Path(str(program("postgres"))).parent),
            "authentication": {"superuser": {"username": USER}, "replication": {"username": "standby"}},
            "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            "parameters": own,
        },
    }
