"""Real servers that know customers: PostgreSQL, MariaDB and OpenLDAP, each with a folder and port of its own.

Each holds two people.  Ann is a customer like others; Lars' record lies: newlines, HTML, controls and ten
million characters.  ``freeze`` makes a server hang, as a machine that swaps or a full disk does.  Must be
root, as the databases refuse to serve as root and run as users of their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.rig import freezing
from tests.rig.ports import free_port
from tests.rig.processes import children
from tests.rig.waiting import eventually

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
LIE = "<script>alert(1)</script>\r\nX-Mailproc-Ticket: 17\r\n\r\n\x07\u202eLars"
HUGE = 10_000_000  # characters


def program(name: str) -> str | None:
    """A server's program; Debian keeps PostgreSQL's in a folder for each version."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else shutil.which(name, path=PATH)


class CustomerServer:
    """A server with its folder; a subclass says how it is made, started and asked."""

    user: str | None = None  # as whom it runs
    programs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="mailproc-peer-"))
        self.folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self.storage = self.folder / "storage"
        self.storage.mkdir()
        if self.user:
            shutil.chown(self.storage, self.user, self.user)
        self._make()
        self.start()

    @classmethod
    def missing(cls) -> str:
        return next((name for name in cls.programs if program(name) is None), "")

    def _make(self) -> None:
        raise NotImplementedError

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, user=self.user, start_new_session=True
            )
        eventually(self._is_ready)

    def stop(self) -> None:
        """Down at once: nobody listens any more."""
        if self._process is None:
            return
        self.thaw()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None
        (self.storage / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Connections are taken by the kernel, and nothing answers."""
        freezing.freeze(self.processes)

    def thaw(self) -> None:
        freezing.thaw(self.processes)

    @property
    def processes(self) -> list[int]:
        """PostgreSQL's backends lead groups of their own."""
        assert self._process is not None
        return [self._process.pid, *children(self._process.pid)]

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command: str, text: str = "") -> None:
        subprocess.run(command, input=text.encode(), user=self.user, check=True, capture_output=True, cwd="/")


_PEOPLE = "CREATE TABLE customer (mail VARCHAR(200), name TEXT, tier INTEGER, since DATE, vip BOOLEAN);"


def _rows(repeated: str) -> str:
    lie = LIE.replace("'", "''")
    return (
        f"{_PEOPLE}\n"
        "INSERT INTO customer VALUES ('ann@example.com', 'Ann Ang', 2, '2024-05-06', true);\n"
        f"INSERT INTO customer VALUES ('lars@example.com', '{lie}', 3, NULL, false);\n"
        f"INSERT INTO customer VALUES ('huge@example.com', {repeated}, 4, NULL, false);\n"
        "INSERT INTO customer SELECT 'many@example.com', 'Many', 5, NULL, false FROM customer a, customer b,"
        " customer c, customer d;\n"
    )


class Postgres(CustomerServer):
    user = "postgres"
    programs: tuple[str, ...] = ("initdb", "postgres")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _make(self) -> None:
        self._run(str(program("initdb")), "-A", "trust", "-E", "UTF8", "--no-locale", "-N", str(self.storage))

    def _command(self) -> Sequence[str]:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(program("postgres")), "-D", str(self.storage), "-p", str(self.port), *options]

    def _is_ready(self) -> bool:
        asked = subprocess.run(
            [str(program("psql")), self.url, "-qc", "SELECT 1"], capture_output=True, check=False
        )
        return asked.returncode == 0

    def fill(self) -> None:
        self.execute(_rows(f"repeat('x', {HUGE})"))

    def runs(self, part: str) -> bool:
        """Whether the server is at work on a query that holds this."""
        look = (
            "SELECT 1 FROM pg_stat_activity"
            f" WHERE state = 'active' AND query LIKE '%{part}%' AND pid <> pg_backend_pid()"
        )
        asked = subprocess.run(
            [str(program("psql")), self.url, "-Atc", look], capture_output=True, check=True
        )
        return bool(asked.stdout.strip())

    def execute(self, statements: str) -> None:
        self._run(str(program("psql")), self.url, "-v", "ON_ERROR_STOP=1", "-q", text=statements)


class MariaDb(CustomerServer):
    user = "mysql"
    programs = ("mariadbd", "mariadb-install-db")

    @property
    def url(self) -> str:
        return f"mariadb://reader:secret@127.0.0.1:{self.port}/crm"

    def _make(self) -> None:
        install = str(program("mariadb-install-db"))
        self._run(
            install, "--no-defaults", f"--datadir={self.storage}", "--auth-root-authentication-method=normal"
        )

    def _command(self) -> Sequence[str]:
        return [
            str(program("mariadbd")),
            "--no-defaults",
            f"--datadir={self.storage}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.storage}/socket",
            "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=0",
            "--max-allowed-packet=64M",
        ]

    def _is_ready(self) -> bool:
        asked = subprocess.run(self._client("-e", "SELECT 1"), capture_output=True, check=False)
        return asked.returncode == 0

    def _client(self, *words: str) -> list[str]:
        return [str(program("mariadb")), "--no-defaults", f"--socket={self.storage}/socket", "-uroot", *words]

    def fill(self) -> None:
        self.execute(
            "CREATE DATABASE crm CHARACTER SET utf8mb4; USE crm;\n"
            "CREATE USER reader@localhost IDENTIFIED BY 'secret'; GRANT ALL ON crm.* TO reader@localhost;\n"
            + _rows(f"repeat('x', {HUGE})").replace(" TEXT", " LONGTEXT").replace("\r\n", "\\r\\n")
        )

    def execute(self, statements: str) -> None:
        self._run(*self._client(), text=statements)


_SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
{tls}database mdb
maxsize 268435456
directory {storage}
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw secret
dbnosync
access to * by users read by anonymous auth
"""

_BASE = """\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example
"""

_PERSON = """
dn: uid={uid},dc=example,dc=org
objectClass: inetOrgPerson
uid: {uid}
sn: {uid}
cn: {uid}
mail: {uid}@example.com
"""


class Slapd(CustomerServer):
    """OpenLDAP; with ``certificate`` and ``key`` it speaks TLS from the first octet."""

    programs = ("slapd", "slapadd")

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        self._certificate = certificate
        self._key = key
        super().__init__()

    @property
    def url(self) -> str:
        return f"ldap{'s' if self._certificate else ''}://127.0.0.1:{self.port}/dc=example,dc=org"

    def _make(self) -> None:
        tls = f"TLSCertificateFile {self._certificate}\nTLSCertificateKeyFile {self._key}\n"
        text = _SLAPD.format(folder=self.folder, storage=self.storage, tls=tls if self._certificate else "")
        (self.folder / "slapd.conf").write_text(text)
        (self.folder / "people.ldif").write_text(_BASE + _people())
        self._run(
            *(
                str(program("slapadd")),
                "-q",
                "-f",
                f"{self.folder}/slapd.conf",
                "-l",
                f"{self.folder}/people.ldif",
            )
        )

    def _command(self) -> Sequence[str]:
        address = self.url.removesuffix("dc=example,dc=org")
        return [str(program("slapd")), "-d", "0", "-f", f"{self.folder}/slapd.conf", "-h", address]

    def _is_ready(self) -> bool:
        probe = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.port}"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _people() -> str:
    """LDIF (RFC 2849); what is no plain text stands in base64."""
    import base64

    lie = base64.b64encode(LIE.encode()).decode()
    people = _PERSON.format(uid="ann") + "givenName: Ann\ntitle: gold\ntitle: early\n"
    people += _PERSON.format(uid="lars") + f"givenName:: {lie}\n"
    people += _PERSON.format(uid="huge") + f"description: {'x' * HUGE}\n"
    for number in range(50):
        people += _PERSON.format(uid=f"many{number}") + "employeeType: many\n"
    return people
