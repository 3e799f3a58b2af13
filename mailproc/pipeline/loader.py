"""Filters, loaded by path: a site's own and the shipped ones alike.

A filter is a file ``NAME.py`` or a folder ``NAME/__init__.py`` that holds a class ``Filter(Stage)``.  It is
loaded as the module ``mailproc_filters.NAME``; ``sys.path`` stays as it is, and a new ``Library``, as a
reload makes one, loads every file afresh.  A broken filter is a mistake with its file and line.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from mailproc.model.option import fields_of
from mailproc.pipeline.scores import published_scores
from mailproc.pipeline.verdict import OnError
from mailproc.stage import Stage

SITE_FILTERS = Path("/etc/mailproc/filters")
COMMON_KEYS = frozenset({"use", "when", "timeout", "on_error"})  # of every stage, so of no filter

_PACKAGE = "mailproc_filters"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BrokenFilter(Exception):
    """A filter that cannot be used; ``file`` and ``line`` say where, as far as that is known."""

    def __init__(self, text: str, file: Path, line: int = 1) -> None:
        super().__init__(text)
        self.file = file
        self.line = line


@dataclasses.dataclass(frozen=True, slots=True)
class FilterFile:
    """A loaded filter; ``scores`` is None where it is not known which ones it publishes.

    ``on_error`` is the class's own, as ``on_error: ClassVar[OnError] = OnError.DEFER``: a filter whose
    absence would do harm says so.
    """

    name: str
    path: Path
    kind: type[Stage]
    scores: frozenset[str] | None
    on_error: OnError = OnError.CONTINUE


def shipped_filters() -> Path:
    """The folder of the wheel, or of the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_filters"
    return installed if installed.is_dir() else package.parent / "filters"


class Library:
    """The filters of one load: each file is loaded once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """``folders``: a site's own, searched before /etc/mailproc/filters and the shipped ones."""
        self.folders = (*folders, SITE_FILTERS, shipped_filters())
        self._loaded: dict[Path, FilterFile | BrokenFilter] = {}
        self._modules: dict[str, Path] = {}

    def names(self) -> list[str]:
        """Every filter that can be used by its name, sorted."""
        found = {
            path.stem if path.suffix else path.name
            for folder in self.folders
            for path in (*folder.glob("*.py"), *(package.parent for package in folder.glob("*/__init__.py")))
        }
        return sorted(name for name in found if _NAME.fullmatch(name))

    def find(self, use: str) -> Path | None:
        """The file of a filter, by its name or by its absolute path."""
        if Path(use).is_absolute():
            return _source_of(Path(use).with_suffix(""))
        if not _NAME.fullmatch(use):
            return None
        return next((path for folder in self.folders if (path := _source_of(folder / use))), None)

    def load(self, path: Path) -> FilterFile:
        """The filter in a file that ``find`` found; raise BrokenFilter."""
        if path not in self._loaded:
            try:
                self._loaded[path] = self._load(path)
            except BrokenFilter as error:
                self._loaded[path] = error
        loaded = self._loaded[path]
        if isinstance(loaded, BrokenFilter):
            raise loaded
        return loaded

    def _load(self, path: Path) -> FilterFile:
        is_package = path.name == "__init__.py"
        name = path.parent.name if is_package else path.stem
        module = _execute(self._module_name(name, path), path, is_package=is_package)
        sources = sorted(path.parent.rglob("*.py")) if is_package else [path]
        kind = _filter_class(module, path)
        on_error = getattr(kind, "on_error", OnError.CONTINUE)
        return FilterFile(name, path, kind, published_scores(sources), OnError(on_error))

    def _module_name(self, name: str, path: Path) -> str:
        """``mailproc_filters.NAME``, with a number where two files have the same name."""
        number = sum(1 for taken in self._modules if taken.rpartition("__")[0] == name or taken == name)
        unique = f"{name}__{number + 1}" if number else name
        self._modules[unique] = path
        return f"{_PACKAGE}.{unique}"


def _source_of(stem: Path) -> Path | None:
    candidates = (stem.with_name(f"{stem.name}.py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


class _Uncached(SourceFileLoader):
    """Always compiles: a cached file is told by size and whole seconds, and a reload may come sooner."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _execute(name: str, path: Path, *, is_package: bool) -> ModuleType:
    _forget(name)
    folders = [str(path.parent)] if is_package else None
    loader = _Uncached(name, str(path))
    spec = importlib.util.spec_from_file_location(
        name, path, loader=loader, submodule_search_locations=folders
    )
    assert isinstance(spec, ModuleSpec)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and relative imports look it up there
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a site's own file may raise anything
        _forget(name)
        raise BrokenFilter(f"cannot be loaded: {_describe(error)}", *_place_of(error, path)) from error
    return module


def _forget(name: str) -> None:
    for loaded in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
        del sys.modules[loaded]


def _describe(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place_of(error: BaseException, path: Path) -> tuple[Path, int]:
    """File and line of an exception: the last place in the filter's own files."""
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno or 1
    own = path.parent if path.name == "__init__.py" else path
    frames = [
        (Path(frame.filename), frame.lineno or 1)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(own)
    ]
    return frames[-1] if frames else (path, 1)


def _filter_class(module: ModuleType, path: Path) -> type[Stage]:
    kind = getattr(module, "Filter", None)
    if not inspect.isclass(kind) or not issubclass(kind, Stage):
        raise BrokenFilter("holds no class Filter(Stage)", path)
    line = _line_of_class(kind, path)
    if inspect.get_annotations(kind) and "__dataclass_fields__" not in kind.__dict__:
        raise BrokenFilter("class Filter has fields and is no dataclass", path, line)
    if not inspect.iscoroutinefunction(kind.process) or kind.process is Stage.process:
        raise BrokenFilter('class Filter has no "async def process(self, delivery)"', path, line)
    try:
        taken = sorted(COMMON_KEYS.intersection(fields_of(kind)))
    except (NameError, TypeError, AttributeError) as error:
        raise BrokenFilter(f"class Filter has a field without a usable type: {error}", path, line) from error
    if getattr(kind, "on_error", "continue") not in set(OnError):
        raise BrokenFilter('class Filter: on_error is "continue" or "defer"', path, line)
    if taken:
        raise BrokenFilter(f'field "{taken[0]}" is a key of every stage, call it otherwise', path, line)
    return kind


def _line_of_class(kind: type, path: Path) -> int:
    declared = re.compile(r"^class\s+Filter\b")
    lines = path.read_text("utf-8", "replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if declared.match(line)), 1)
