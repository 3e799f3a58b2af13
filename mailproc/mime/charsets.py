"""Bytes to text: the declared charset, then strict UTF-8, then detection, then Latin-1.

Nothing here raises, and a name that a mail brings never reaches Python's codec registry unless it is in a
table of known names: the registry would import modules by it and remember each miss for ever.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases
from functools import cache

from mailproc.mime.limits import KIB, Defects

DETECTED = 64 * KIB  # bytes that are looked at when nobody says what they are
_MAX_NAME = 40
_PUNCTUATION = re.compile(r"[^a-z0-9]+")

# Codecs that take bytes but are no charset of mail, or cost quadratic time.
_NEVER = frozenset({
    "base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec",
    "raw_unicode_escape", "rot_13", "undefined", "unicode_escape", "uu_codec", "zlib_codec",
})  # fmt: skip

# What senders write, and what they mean by it (WHATWG's table, and names seen in mail).
_MEANT = {
    "ascii": "ascii",
    "us_ascii": "ascii",
    "ansi_x3_4_1968": "ascii",
    "x_us_ascii": "ascii",
    "utf8": "utf_8",
    "utf_8": "utf_8",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_8": "utf_8",
    "x_unicode_2_0_utf_8": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
    "x_unicode_2_0_utf_7": "utf_7",
    "iso_8859_1": "cp1252",
    "iso8859_1": "cp1252",
    "latin1": "cp1252",
    "latin_1": "cp1252",
    "x_ansi": "cp1252",
    "ansi": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "iso_8859_6_e": "iso8859_6",
    "iso_8859_9": "cp1254",
    "iso_8859_11": "cp874",
    "tis_620": "cp874",
    "windows_874": "cp874",
    "gb2312": "gb18030",
    "gb_2312_80": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "cp936": "gb18030",
    "hz_gb_2312": "hz",
    "big5": "big5hkscs",
    "x_x_big5": "big5hkscs",
    "ks_c_5601_1987": "cp949",
    "ksc5601": "cp949",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "sjis": "cp932",
    "iso_2022_jp": "iso2022_jp_2",
    "iso2022_jp": "iso2022_jp_2",
    "x_euc_jp": "euc_jp",
    "macintosh": "mac_roman",
    "x_mac_roman": "mac_roman",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_mac_ce": "mac_latin2",
    "x_mac_turkish": "mac_turkish",
    "x_mac_greek": "mac_greek",
}
# Said by programs that do not know.
_UNSAID = frozenset({
    "", "unknown", "unknown_8bit", "x_unknown", "default", "default_charset", "none", "binary", "8bit",
    "7bit", "x_user_defined", "null",
})  # fmt: skip


@cache
def _known_names() -> dict[str, str]:
    python = {name: codec for name, codec in aliases.items() if codec not in _NEVER}
    python |= {codec: codec for codec in python.values()}
    windows = {f"windows_{number}": f"cp{number}" for number in (932, 936, 949, *range(1250, 1259))}
    extra = {name: name for name in ("koi8_u", "koi8_r", "koi8_t", "cp874", "cp720", "cp1006")}
    return {_fold(name): codec for name, codec in (python | extra | windows | _MEANT).items()}


def _fold(name: str) -> str:
    return _PUNCTUATION.sub("_", name[:_MAX_NAME].lower()).strip("_")


def codec_of(charset: str) -> str | None:
    """Python's name of the codec for a charset as mail writes it, or None."""
    name = _fold(charset)
    known = _known_names()
    return known.get(name) or known.get(name.replace("_", "")) or known.get(name.removeprefix("x_"))


def decode(octets: bytes, charset: str, defects: Defects) -> str:
    """Text of octets; ``charset`` as declared, "" where nothing was."""
    if octets.isascii() and not _is_escaped(octets, charset):
        return octets.decode("ascii")
    declared = codec_of(charset)
    if declared is None:
        if _fold(charset) not in _UNSAID:
            defects.note(f"unknown charset {charset[:_MAX_NAME]!r}")
        return decode_undeclared(octets, defects)
    try:
        return _strict(octets, declared)
    except (UnicodeError, LookupError):
        if declared != "ascii":
            defects.note(f"text is not in its declared charset {charset[:_MAX_NAME]!r}")
    if declared == "utf_8" and (text := _nearly_utf8(octets)) is not None:
        return text
    return decode_undeclared(octets, defects)


def decode_undeclared(octets: bytes, defects: Defects) -> str:
    """Text of octets of which nobody says what they are."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        defects.note("8-bit text without a usable charset")
    if (text := _nearly_utf8(octets)) is not None:
        return text
    try:
        return octets.decode(_detected(octets), "replace")
    except (UnicodeError, LookupError):
        return octets.decode("latin-1")


def _is_escaped(octets: bytes, charset: str) -> bool:
    """True where seven-bit octets may stand for other letters: ISO 2022, HZ, UTF-7, UTF-16."""
    if not charset or b"\x1b" in octets or b"~{" in octets:
        return True
    return codec_of(charset) not in _MOSTLY_ASCII and (b"+" in octets or b"\0" in octets)


_MOSTLY_ASCII = frozenset({"ascii", "utf_8", "cp1252"})


def _strict(octets: bytes, codec: str) -> str:
    try:
        text = octets.decode(codec)
        # UTF-7 alone can bring half a surrogate pair, which nothing could write again.
        return text.encode("utf-8", "replace").decode("utf-8") if codec == "utf_7" else text
    except UnicodeDecodeError:
        # cp1252 leaves five octets without a letter; Latin-1 has a control character there.
        if codec != "cp1252":
            raise
    return octets.decode("latin-1")


def _nearly_utf8(octets: bytes) -> str | None:
    """UTF-8 with a few broken letters (cut in the middle, or pasted together) is still UTF-8."""
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(1 for _ in _BEYOND_ASCII.finditer(text)) - broken
    return text if broken and whole >= 10 * broken else None


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _detected(octets: bytes) -> str:
    import chardet  # slow to load, and few mails need it

    try:
        guess = chardet.detect(octets[:DETECTED])["encoding"]
    except Exception:  # what a detector makes of rubbish is its own affair
        guess = None
    return (codec_of(guess) if guess else None) or "latin-1"
