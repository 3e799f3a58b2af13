"""Templates of whole mails by desk and language: ``NAME.DESK.LANGUAGE.j2``, else ``NAME.LANGUAGE.j2``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mailproc.model.desk import Desk
from mailproc.pipeline.template import MailTemplate

_NORWEGIAN = {"nb": "no", "nn": "no"}


def template_sources(name: str, folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """All variants of a template by name without ``.j2``; what stands in an earlier folder comes last."""
    for folder in reversed(folders):
        for path in sorted(Path(folder).glob(f"{name}.*.j2")):
            yield path.name.removesuffix(".j2"), path.read_text(encoding="utf-8")


def best_template(
    templates: Mapping[str, MailTemplate], name: str, desk: Desk, language: str
) -> tuple[str, MailTemplate | None]:
    """The language and the template that fit best: the customer's, else the desk's, else English."""
    for wanted in dict.fromkeys((*_variants(language), *_variants(desk.language), "en")):
        for key in (f"{name}.{desk.name}.{wanted}", f"{name}.{wanted}"):
            if key in templates:
                return wanted, templates[key]
    return "", None


def _variants(language: str) -> Iterator[str]:
    """``pt-BR`` asks for ``pt-br`` and then for ``pt``."""
    language = language.lower().replace("_", "-")
    base = language.partition("-")[0]
    yield from filter(None, (language, base, _NORWEGIAN.get(base, "")))
