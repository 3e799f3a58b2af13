"""Write the man pages from what the program says of itself: commands by click, keys by the JSON schema.

    python -m man.make

writes man1/*.1 and man5/mailproc.toml.5 beside this file, and removes pages of commands that are no more.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mailproc import __version__
from mailproc.check.schema import configuration_schema
from mailproc.cli import main

HERE = Path(__file__).resolve().parent
FILES = (
    ("/etc/mailproc/mailproc.toml", "The configuration, where neither -c nor $MAILPROC_CONFIG names one."),
    ("/var/lib/mailproc", "The store and the secret key, where data_dir is not set."),
)
ENVIRONMENT = (
    ("MAILPROC_CONFIG", "The configuration, where -c is not given."),
    ("CREDENTIALS_DIRECTORY", "Secrets that systemd hands over (LoadCredential=)."),
    ("NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS", "What systemd tells a service: see sd_notify(3)."),
)
STATUS = (("0", "Done."), ("1", "Failed."), ("2", "Wrong usage, or a wrong configuration."))
UNSAID = "(no more is said of it)"
SIGNALS = (
    ("SIGHUP", "Read the configuration anew; a wrong one changes nothing."),
    ("SIGTERM, SIGINT", "End in order; a second one ends at once."),
)


def pages() -> dict[str, str]:
    """Each page's text by its path below this folder."""
    context = click.Context(main, info_name="mailproc")
    found = {"man1/mailproc.1": _overview(context)}
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        found[f"man1/mailproc-{name}.1"] = _command_page(command, context, name)
    return found | {"man5/mailproc.toml.5": _configuration()}


def write() -> None:
    """Bring the folder up to date."""
    wanted = pages()
    for stale in [path for path in HERE.glob("man[15]/*") if str(path.relative_to(HERE)) not in wanted]:
        stale.unlink()
    for name, text in wanted.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text, encoding="utf-8")


# Commands


def _overview(context: click.Context) -> str:
    commands = [
        (f"mailproc {name}(1)".replace(" ", "-"), _summary(main.get_command(context, name)))
        for name in main.list_commands(context)
    ]
    return _page(
        "mailproc",
        1,
        _summary(main),
        [
            ("SYNOPSIS", _usage(context)),
            ("DESCRIPTION", _text(main.help or "")),
            ("OPTIONS", _terms(_options(main, context))),
            ("COMMANDS", _terms(commands)),
            ("SIGNALS", _text("To mailproc serve:") + _terms(SIGNALS)),
            ("EXIT STATUS", _terms(STATUS)),
            ("ENVIRONMENT", _terms(ENVIRONMENT)),
            ("FILES", _terms(FILES)),
            ("SEE ALSO", _text("mailproc.toml(5), postfix(1), systemctl(1)")),
        ],
    )


def _command_page(command: click.Command, parent: click.Context, name: str) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    sections = [("SYNOPSIS", _usage(context)), ("DESCRIPTION", _text(command.help or ""))]
    sections += [("OPTIONS", _terms(_options(command, context)))]
    for child, inner in _children(command, context):
        body = _usage(inner) + _text(child.help or "") + _terms(_options(child, inner))
        sections.append((f"mailproc {name} {child.name}", body))
    sections += [("EXIT STATUS", _terms(STATUS)), ("SEE ALSO", _text("mailproc(1), mailproc.toml(5)"))]
    return _page(f"mailproc-{name}", 1, _summary(command), sections)


def _children(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield child, click.Context(child, info_name=name, parent=context)


def _summary(command: click.Command | None) -> str:
    assert command is not None
    return command.get_short_help_str(200).rstrip(".")


def _usage(context: click.Context) -> str:
    words = " ".join(context.command.collect_usage_pieces(context))
    return f".B {_escaped(context.command_path)}\n{_line(words)}\n"


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """What ``--help`` says of each, but for ``--help`` itself and what has no words."""
    params = [param for param in command.get_params(context) if "--help" not in param.opts]
    records = [param.get_help_record(context) for param in params]
    return [record for record in records if record is not None and record[1]]


# The configuration


def _configuration() -> str:
    schema = configuration_schema()
    sections = [
        (
            "DESCRIPTION",
            _text(
                "The configuration of mailproc(1) in TOML. Every key but a desk's addresses has a default. An"
                " unknown key is a mistake. mailproc check reports all mistakes at once; mailproc schema"
                " prints these rules as JSON. Relative paths are relative to the file."
            ),
        ),
        *_tables(schema, schema, ()),
        ("FILES", _terms(FILES[:1])),
        ("SEE ALSO", _text("mailproc(1), mailproc-check(1), mailproc-schema(1)")),
    ]
    return _page("mailproc.toml", 5, "the configuration of mailproc", sections)


def _tables(
    schema: Mapping[str, Any], table: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """A table's own keys first, then the tables in it."""
    keys: list[tuple[str, str]] = []
    inner: list[tuple[tuple[str, ...], Mapping[str, Any]]] = []
    for name, key in table.get("properties", {}).items():
        found = _table_of(schema, key)
        if found is not None:
            inner.append(((*path, name, *found[0]), found[1]))
        else:
            keys.append((_with_default(name, key), key.get("description", "")))
    if keys:
        yield (f"[{'.'.join(path)}]" if path else "BEFORE THE FIRST TABLE"), _terms(keys)
    for below, found_table in inner:
        yield from _tables(schema, found_table, below)


def _table_of(
    schema: Mapping[str, Any], key: Mapping[str, Any]
) -> tuple[tuple[str, ...], Mapping[str, Any]] | None:
    """The table that a key stands for, and the name that a site gives it; None where it is a value."""
    for option in (key, *key.get("anyOf", ())):
        if "$ref" in option:
            return (), schema["$defs"][option["$ref"].rpartition("/")[2]]
        entry = option.get("additionalProperties")
        if isinstance(entry, dict) and "$ref" in entry:
            return ("NAME",), schema["$defs"][entry["$ref"].rpartition("/")[2]]
    return None


def _with_default(name: str, key: Mapping[str, Any]) -> str:
    default = key.get("default")
    if default is None or default in ("", [], (), {}):
        return name
    shown = str(default).lower() if isinstance(default, bool) else default
    return f"{name} = {' '.join(map(str, shown)) if isinstance(shown, list | tuple) else shown}"


# roff


def _page(name: str, section: int, summary: str, sections: list[tuple[str, str]]) -> str:
    """Dates are left out: the same program makes the same page."""
    head = f'.TH {name.upper()} {section} "" "mailproc {__version__}" "mailproc"\n.nh\n.ad l\n'
    head += f".SH NAME\n{_escaped(name)} \\- {_escaped(summary[:1].lower() + summary[1:])}\n"
    return head + "".join(f'.SH "{_escaped(title)}"\n{body}' for title, body in sections if body)


def _terms(pairs: Iterable[tuple[str, str]]) -> str:
    """What is explained, and indented below it what it is."""
    return "".join(f".TP\n.B {_escaped(term)}\n{_line(_joined(text))}\n" for term, text in pairs)


def _joined(text: str) -> str:
    return " ".join(text.split()) or UNSAID


def _text(text: str) -> str:
    """Paragraphs; one that click shows as it stands (a line of its own with \\b) stays so."""
    found = ""
    for paragraph in re.split(r"\n\s*\n", text.strip().partition("\f")[0]):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines and lines[0] == "\b":
            found += ".PP\n.nf\n" + "".join(f"{_line(line)}\n" for line in lines[1:]) + ".fi\n"
        elif lines:
            found += f".PP\n{_line(' '.join(lines))}\n"
    return found


def _line(text: str) -> str:
    """A line of text; a dot or an apostrophe at its beginning is no request."""
    escaped = _escaped(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("…", "...")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{len(pages())} pages in {HERE.name}/\n")
