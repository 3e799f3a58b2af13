"""Which attached documents are read for their text (mime/documents.py),"
" by their type or the name's ending."""

from __future__ import annotations

MOST_TEXT = 256 * 1024  # characters of one document

_ODF = "application/vnd.oasis.opendocument."
_OOXML = "application/vnd.openxmlformats-officedocument."
_TYPES = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    f"{_OOXML}wordprocessingml.document": "docx",
    f"{_OOXML}spreadsheetml.sheet": "xlsx",
    f"{_OOXML}presentationml.presentation": "pptx",
    f"{_ODF}text": "odf",
    f"{_ODF}spreadsheet": "odf",
    f"{_ODF}presentation": "odf",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/calendar": "ics",
    "application/ics": "ics",
    "message/rfc822": "mail",
    "message/global": "mail",
    "application/zip": "zip",
    "application/x-zip-compressed": "zip",
    "application/x-tar": "tar",
    "application/gzip": "tar",
    "application/x-gzip": "tar",
    "application/x-compressed-tar": "tar",
}
_ENDINGS = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".pptx": "pptx",
    ".odt": "odf",
    ".ods": "odf",
    ".odp": "odf",
    ".html": "html",
    ".htm": "html",
    ".ics": "ics",
    ".eml": "mail",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
    ".tar.gz": "tar",
    ".tar.bz2": "tar",
    ".tar.xz": "tar",
}


def kind_of(media_type: str, name: str) -> str:
    """Which kind of document that is, by its type, or its name where the type says nothing; "" for none."""
    if kind := _TYPES.get(media_type):
        return "tar" if kind == "tar" and ".t" in name.lower() else "" if kind == "tar" else kind
    if media_type.startswith(("image/", "audio/", "video/", "multipart/", "font/")):
        return ""
    return next((kind for ending, kind in _ENDINGS.items() if name.lower().endswith(ending)), "")
