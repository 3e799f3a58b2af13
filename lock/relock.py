"""Write ``lock/requirements.txt``: the tested versions of all that ``make venv`` installs, with hashes.

Versions are resolved once by pip, for the Python that runs this; hashes are gathered for every Python and
architecture in ``TARGETS``, so that one file serves them all.  Asks the package index that pip is
configured for; fails with pip's own message.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "lock" / "requirements.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ARCHITECTURES = ("x86_64", "aarch64")
GLIBC = range(17, 42)  # minor versions of glibc 2 that wheels are tagged with
HEAD = """\
# Tested versions of everything `make venv` installs.  Made by `make lock`; do not edit.
"""


def requirements() -> list[Requirement]:
    """All that pyproject.toml names: for running, for the extras, for development and for building."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["project"]
    named = [
        *table["dependencies"],
        *(line for extra in table.get("optional-dependencies", {}).values() for line in extra),
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
        "editables",  # hatchling asks for it when it builds an editable install
    ]
    return [Requirement(line) for line in named]


def report(lines: list[str], *options: str) -> list[dict[str, Any]]:
    """What pip would install for these lines; shape as in pip's installation report, ``install``."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, answer = Path(folder, "wanted.txt"), Path(folder, "report.json")
        wanted.write_text("\n".join(lines))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, *options, "--report", str(answer), "-r", str(wanted)], check=True)
        found: list[dict[str, Any]] = json.loads(answer.read_text())["install"]
    return found


def name_of(item: dict[str, Any]) -> str:
    return canonicalize_name(item["metadata"]["name"])


def target_options(python: str, architecture: str) -> list[str]:
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in reversed(GLIBC)]
    tags += [f"manylinux2014_{architecture}", f"manylinux2010_{architecture}", f"linux_{architecture}"]
    platforms = [f"--platform={tag}" for tag in tags]
    return ["--no-deps", "--target=unused", f"--python-version={python}", *platforms]


def gather_hashes(pins: dict[str, str], markers: dict[str, Requirement]) -> dict[str, set[str]]:
    """The SHA-256 of the file that pip takes for each pin, on each target."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for python in PYTHONS:
        wanted = [
            f"{name}=={version}" for name, version in pins.items() if applies(markers.get(name), python)
        ]
        for architecture in ARCHITECTURES:
            print(f"python {python} on {architecture}", file=sys.stderr)
            for item in report(wanted, *target_options(python, architecture)):
                hashes[name_of(item)].add(item["download_info"]["archive_info"]["hashes"]["sha256"])
    return hashes


def applies(requirement: Requirement | None, python: str) -> bool:
    if requirement is None or requirement.marker is None:
        return True
    return requirement.marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"})


def entry(name: str, version: str, requirement: Requirement | None, hashes: set[str]) -> str:
    marker = f" ; {requirement.marker}" if requirement is not None and requirement.marker else ""
    lines = [f"{name}=={version}{marker}", *(f"    --hash=sha256:{digest}" for digest in sorted(hashes))]
    return " \\\n".join(lines) + "\n"


def main() -> None:
    wanted = requirements()
    markers = {str(canonicalize_name(requirement.name)): requirement for requirement in wanted}
    found = report([str(requirement) for requirement in wanted])
    pins = {name_of(item): item["metadata"]["version"] for item in found}
    hashes = gather_hashes(pins, markers)
    entries = [entry(name, pins[name], markers.get(name), hashes[name]) for name in sorted(pins)]
    LOCK.write_text(HEAD + "".join(entries))


if __name__ == "__main__":
    main()
