"""Every link in the manual leads somewhere, and every page can be reached from its beginning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def local_links(page: Path) -> list[tuple[Path, str]]:
    """Where a page's links into the checkout lead: file and anchor, the anchor '' where there is none."""
    links = []
    for target in LINK.findall(without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        links.append(((page.parent / name).resolve() if name else page, anchor))
    return links


def anchors(page: Path) -> set[str]:
    """As code forges make them of headings: lower case, punctuation gone, spaces to hyphens."""
    headings = re.findall(r"^#+\s+(.+)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in local_links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    to_read = [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        reached.add(page)
        to_read += [
            target for target, _ in local_links(page) if target.suffix == ".md" and target not in reached
        ]
    assert {page.relative_to(ROOT).as_posix() for page in PAGES if page not in reached} == set()


def test_standards_are_kept_in_files_that_exist() -> None:
    named = re.findall(r"`((?:mailproc|filters|config)/[a-z_./]+)`", (ROOT / "docs/standards.md").read_text())
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert named


def test_postfix_is_described_with_the_lines_that_are_tested() -> None:
    text = (ROOT / "docs/howto/postfix.md").read_text()
    missing = [path.name for path in (ROOT / "config/postfix").iterdir() if path.read_text() not in text]
    assert missing == []
