"""What the body of a mail gives away to the spam classifier beside its words, as tokens.

Links (``url:``), tricks of HTML (``html:``), the shape of its MIME parts (``mime:``), attached files
(``file:``), addresses (``mail:``) and how the text is written (``text:``). Each pattern takes linear time,
and what is looked at is bounded.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import islice

from mailproc.mime.reader import Mail
from mailproc.mime.tokens import words_in
from mailproc.mime.tokens_head import domain_parts

_MOST_TEXT = 65_536  # letters
_MOST_LINKS = 100
_MOST_CAPITALS = 4_000  # letters in which words in capitals and letters beyond ASCII are looked for
_MOST_PARTS = 30

_URL = re.compile(r"(https?|ftp)://([^\s/?#<>\"'\\()\[\]]{1,200})([^\s<>\"']{0,300})", re.IGNORECASE)
# The same for a whole text: what begins with a letter that many words have is looked for far more slowly.
_BEHIND_SCHEME = re.compile(r"://([^\s/?#<>\"'\\()\[\]]{1,200})([^\s<>\"']{0,300})")
_SCHEME = re.compile(r"(?:https?|ftp)\Z", re.IGNORECASE)
_MAIL_DOMAIN = re.compile(r"@((?:[A-Za-z0-9-]{1,40}\.){1,4}[A-Za-z]{2,12})")
# What is looked for once its first letter was found.
_MARKS = {
    "!": ("!", "!!", "!!!"), "?": ("?", "??"), "$": ("$", "$$", "$1"), "*": ("***",), "=": ("=====",),
    "-": ("-----",), "_": ("_____",), ".": ("....",), "~": ("~~~",), ">": (">>",), "%": ("%", "100%"),
    "€": ("€",), "£": ("£",), "(": ("(c)",), "™": ("™",), "®": ("®",), "•": ("•",), "►": ("►",),
    ",": (",000",),
}  # fmt: skip
_PATH_WORD = re.compile(r"[a-z]{3,20}")
_NUMBER = re.compile(r"[\d.]+")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{2,}")
_EDGE = ".,;:!?()[]<>\"'*-_"
_INVISIBLE = "\u00ad\u034f\u115f\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
# Of HTML, all in lower case.
_TAG = re.compile(r"<([a-z][a-z0-9]{0,15})")
_IMAGE = re.compile(r"<img\s([^<>]{0,1500})>")
_HIDING = ("display", "visibility", "font-size", "opacity", "max-height", "mso-hide")
_HIDDEN = re.compile(
    r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|font-size\s{0,3}:\s{0,3}[01](?:px|pt|em|;|\"|\s)"
    r"|opacity\s{0,3}:\s{0,3}0[;\"\s]|max-height\s{0,3}:\s{0,3}0|mso-hide"
)
_TINY = re.compile(r"(?:width|height)\s{0,3}[=:]\s{0,3}[\"']?\s{0,3}[01](?:px)?(?:[\"';\s>]|\Z)")
_ATTRIBUTE = re.compile(r"\b(href|src|action|background)\s{0,3}=\s{0,3}[\"']?([^\s\"'<>]{1,400})")
_COLOR = re.compile(r"color\s{0,3}[=:]\s{0,3}[\"']?(#[0-9a-f]{3,6}|[a-z]{3,12})")
_MOST_COLORS = 200
_TELLING = frozenset({
    "form", "input", "iframe", "script", "object", "embed", "style", "font", "center", "table", "img", "map",
    "marquee", "base", "area", "button", "video", "svg", "meta", "link", "blink", "title", "blockquote",
    "pre",
})  # fmt: skip


def body_tokens(mail: Mail) -> list[str]:
    """The tokens of a mail's body without its words; some are given more than once."""
    text = mail.text[:_MOST_TEXT]
    found = [*_manner(text), *_links(text), *_shape(mail)]
    source = mail.html[:_MOST_TEXT]
    return found + _markup(source) if source else found


def _manner(text: str) -> list[str]:
    """How the text is written."""
    found = [f"text:size {len(text).bit_length()}"]
    if not text or text.isspace():
        found.append("text:none")
    marks = [token for mark, longer in _MARKS.items() if mark in text for token in longer]
    found += [f"text:mark {mark}" for mark in marks if mark in text]
    capitals = [word for word in filter(str.isupper, text[:_MOST_CAPITALS].split()) if len(word) > 3]
    found += [f"text:caps {word.strip(_EDGE).lower()[:20]}" for word in capitals[:50]]
    if not text.isascii():
        beginning = text[:_MOST_CAPITALS]
        other = len(beginning) - len(beginning.encode("ascii", "ignore"))
        found.append(f"text:not ascii {other.bit_length()}")
        if any(letter in text for letter in _INVISIBLE):
            found.append("text:invisible letters")
    if "@" in text:
        found += [f"mail:@{domain.lower()}" for domain in set(_MAIL_DOMAIN.findall(text)[:20])]
    return found


def _links(text: str) -> list[str]:
    links = {
        (before[0], *link.groups())
        for link in islice(_BEHIND_SCHEME.finditer(text), _MOST_LINKS)
        if (before := _SCHEME.search(text, max(link.start() - 5, 0), link.start()))
    }
    found = [f"url:number {len(links).bit_length()}"]
    for scheme, host, path in links:
        found += _link(scheme, host, path)
    return found


def _link(scheme: str, host: str, path: str) -> list[str]:
    found = [f"url:{scheme.lower()}"]
    host, at, behind = host.lower().partition("@")
    if at:
        found.append("url:user")
        host = behind
    name, colon, port = host.partition(":")
    if colon:
        found.append(f"url:port {port[:5]}")
    if _NUMBER.fullmatch(name):
        found += ("url:address", f"url:{name}")
    else:
        found += [f"url:{part}" for part in domain_parts(name)]
        if "xn--" in name:
            found.append("url:punycode")
    if "%" in path:
        found.append("url:escaped")
    found += [f"url:/{word}" for word in _PATH_WORD.findall(path[:150].lower())[:12]]
    if "." in path[-6:]:
        found.append("url:file " + path.rpartition(".")[2][:5].lower())
    return found


def _shape(mail: Mail) -> list[str]:
    """The parts, their charsets and encodings, and attached files."""
    parts = mail.parts[:_MOST_PARTS]
    found = ["mime:" + " ".join([part.type.rpartition("/")[2][:20] for part in parts[:6]])]
    for part in parts:
        found.append(f"mime:{part.type[:40]}")
        if charset := part.charset:
            found.append(f"mime:charset {charset[:20].lower()}")
        if part.encoding:
            found.append(f"mime:{part.encoding[:20]}")
        if name := part.file_name:
            found.append(f"file:.{name.rpartition('.')[2][:8].lower()}")
            found += [f"file:{word}" for word in words_in(name[:80])[:8]]
        if boundary := part.parameters.get("boundary"):
            found.append("mime:boundary " + _HEXADECIMAL.sub("9", boundary)[:12])
    found += [f"defect:{defect[:40]}" for defect in mail.defects[:5]]
    return found


def _markup(source: str) -> list[str]:
    """The tricks of an HTML text: what is hidden, where links lead, what is fetched."""
    lower = source.lower()
    tags = _TAG.findall(lower)
    found = [f"html:size {len(lower).bit_length()}", f"html:tags {len(tags).bit_length()}"]
    found += [f"html:<{name}>" for name in _TELLING.intersection(tags)]
    found += _targets(lower)
    found += [f"html:color {color}" for color in set(_COLOR.findall(lower)[:_MOST_COLORS])]
    if any(word in lower for word in _HIDING) and _HIDDEN.search(lower):
        found.append("html:hidden")
    if any(_TINY.search(image) for image in _IMAGE.findall(lower)[:_MOST_LINKS]):
        found.append("html:pixel")
    if lower.count("&#") > 20:
        found.append("html:entities")
    return found + _mismatches(lower)


def _targets(lower: str) -> list[str]:
    """What links, pictures and forms point to."""
    found = []
    for attribute, value in set(_ATTRIBUTE.findall(lower)[: 2 * _MOST_LINKS]):
        if match := _URL.match(unescape(value) if "&" in value else value):
            found.append(f"html:{attribute} {match[1]}")
            found += _link(*match.groups())
        else:
            scheme = value.partition(":")[0][:10] if ":" in value else "local"
            found.append(f"html:{attribute} {scheme}")
    return found


_ANCHOR = re.compile(
    r"<a\s[^<>]{0,300}?href\s{0,3}=\s{0,3}[\"']?https?://([^\s/\"'<>:?#]{1,200})[^<>]{0,1500}>([^<>]{1,200})</a",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"\s*(?:https?://)?((?:[a-z0-9-]{1,60}\.){1,6}[a-z]{2,20})\b", re.IGNORECASE)


def _mismatches(source: str) -> list[str]:
    """A link that shows one domain and leads to another."""
    for host, shown in _ANCHOR.findall(source)[:_MOST_LINKS]:
        match = _SHOWN.match(shown)
        if match and match[1].lower().split(".")[-2:] != host.lower().split(".")[-2:]:
            return ["html:other target"]
    return []
