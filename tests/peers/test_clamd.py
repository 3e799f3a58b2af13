"""The virus stage against a real clamd with one signature of our own."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.loader import Library
from mailproc.stage import CONTINUE, Course, Stage, Verdict
from tests.conftest import peer_is_missing
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
MARK = b"a mark that only the signature of this test knows"
ADDRESS = Address("support", "example.org")
DESK = Desk("support", "Support", (ADDRESS,))


@pytest.fixture(scope="module")
def clamd() -> Iterator[str]:
    """The socket of a clamd that takes 1 MiB at most."""
    program = shutil.which("clamd", path=PATH) or ""
    if not program:
        peer_is_missing("clamd is not installed")
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:
        folder = Path(name)
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "own.ndb").write_text(f"Mailproc.Test:0:*:{MARK.hex()}\n")
        options = {
            "LocalSocket": folder / "clamd.ctl",
            "DatabaseDirectory": signatures,
            "TemporaryDirectory": folder,
            "StreamMaxLength": "1M",
            "Foreground": "yes",
        }
        configuration = folder / "clamd.conf"
        configuration.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, f"--config-file={configuration}"], stdout=log, stderr=log)
        try:
            assert eventually((folder / "clamd.ctl").exists), (folder / "log").read_text()
            yield f"unix:{folder}/clamd.ctl"
        finally:
            process.terminate()
            process.wait(20)


async def scan(clamd: str, raw: bytes, **options: object) -> tuple[Verdict, Delivery]:
    library = Library([])
    path = library.find("virus")
    assert path is not None
    kind: Callable[..., Stage] = library.load(path).kind
    stage = kind(clamd=clamd, **options)
    delivery = Delivery(Envelope(None, ADDRESS), DESK, raw, 0.0)
    delivery.begin("virus")
    return await stage.process(delivery), delivery


def with_attachment(content: bytes) -> bytes:
    """A mail with this in a base64 part of its own."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b'From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: text/plain\r\n\r\nsee there\r\n"
        b"--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + encoded
        + b"--x--\r\n"
    )


def zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("letter.txt", content)
    return archive.getvalue()


async def test_a_clean_mail_passes(clamd: str) -> None:
    verdict, delivery = await scan(clamd, with_attachment(b"nothing"))
    assert (verdict, delivery.tags) == (CONTINUE, ())


@pytest.mark.parametrize(
    "content", [MARK, zipped(MARK), with_attachment(MARK)], ids=["plain", "zip", "nested"]
)
async def test_a_virus_is_found_in_what_is_attached(clamd: str, content: bytes) -> None:
    verdict, delivery = await scan(clamd, with_attachment(content))
    assert verdict.course is Course.QUARANTINE
    assert delivery.results[-1].scores["name"] == "Mailproc.Test.UNOFFICIAL"


async def test_a_mail_that_is_too_large_for_clamd_passes_unscanned(clamd: str) -> None:
    verdict, delivery = await scan(clamd, with_attachment(bytes(3_000_000)))
    assert (verdict, delivery.tags) == (CONTINUE, ("virus-unscanned",))
