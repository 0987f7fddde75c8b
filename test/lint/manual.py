"""The manual: it knows every config key, route, operation, metric and subcommand, and no key that does not exist."""

import re
from pathlib import Path
from typing import Iterator

from ctext import Finding, calls, line_at, read

MANUAL = "contrib/manual.md"
MACROS = {"config": "KEY", "route": "ROUTE", "command": "COMMAND", "metric": "METRIC", "api": "API"}
OPTIONAL = {"metric"}
FENCE = re.compile(r"^[ ]*(```+|~~~+)[ ]*(\w*)[^\n]*\n(.*?)^[ ]*\1[ ]*$", re.M | re.S)
SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)


def rows(root: Path, table: str) -> list[tuple[str, int, list[str]]]:
    """Lists (file, line, arguments without quotes) of a table's rows; a missing table has none."""
    file = f"include/tbl/{table}.h"
    text = read(root / file) if (root / file).is_file() else ""
    return [(file, line, [argument.strip('"') for argument in arguments])
            for line, _, arguments in calls(text, MACROS[table])]


def manual(root: Path) -> str:
    """Reads the manual; a missing one mentions nothing."""
    return read(root / MANUAL) if (root / MANUAL).is_file() else ""


def mentioned(root: Path, pattern: str) -> bool:
    """Tells whether the manual has, outside its fenced blocks, a code span that matches the whole pattern."""
    spans = SPAN.findall(FENCE.sub("", manual(root)))
    return any(re.fullmatch(pattern, " ".join(span.split())) for _, span in spans)


def tables(root: Path) -> Iterator[Finding]:
    """The tables that the other checks read are there and have rows."""
    for table, macro in MACROS.items():
        file = f"include/tbl/{table}.h"
        if not (root / file).is_file():
            if table not in OPTIONAL:
                yield Finding(file, 1, "the table is missing")
        elif not rows(root, table):
            yield Finding(file, 1, f"the table has no {macro}(…) row")


def keys(root: Path) -> Iterator[Finding]:
    """The manual mentions each config key as `name` or `name = …`, and its section as `[section…]`."""
    for file, line, (section, name, *_) in rows(root, "config"):
        if not mentioned(root, rf"(\[[^]]*\] ?)?{re.escape(name)}( ?=.*)?"):
            yield Finding(file, line, f"{MANUAL} does not mention the config key `{name}`")
        if not mentioned(root, rf"\[{re.escape(section)}\b[^]]*\].*"):
            yield Finding(file, line, f"{MANUAL} does not mention the section `[{section}]`")


def routes(root: Path) -> Iterator[Finding]:
    """The manual mentions each route's path, alone or after its method; a path that ends in / may go on."""
    for file, line, arguments in rows(root, "route"):
        path = next((argument for argument in arguments if argument.startswith("/")), None)
        rest = r"\S*" if path and path.endswith("/") else ""
        if not path:
            yield Finding(file, line, "the route has no path")
        elif not mentioned(root, rf"(.* )?{re.escape(path)}{rest}( .*)?"):
            yield Finding(file, line, f"{MANUAL} does not mention the route `{path}`")


def operations(root: Path) -> Iterator[Finding]:
    """The manual mentions each operation of the private API as `METHOD path`, alone or with a query or more behind it."""
    for file, line, (_, method, path, *_) in rows(root, "api"):
        if not mentioned(root, rf"{method} {re.escape(path)}([? ].*)?"):
            yield Finding(file, line, f"{MANUAL} does not mention the operation `{method} {path}`")


def metrics(root: Path) -> Iterator[Finding]:
    """The manual mentions each metric's name, with or without labels."""
    for file, line, (name, *_) in rows(root, "metric"):
        if not mentioned(root, rf"(.*\W)?{re.escape(name)}(\W.*)?"):
            yield Finding(file, line, f"{MANUAL} does not mention the metric `{name}`")


def commands(root: Path) -> Iterator[Finding]:
    """The manual mentions each subcommand, as `serve …` or `pickupd serve …`."""
    for file, line, (name, *_) in rows(root, "command"):
        if not mentioned(root, rf"(pickupd )?{re.escape(name).replace('_', '[ _-]')}( .*)?"):
            yield Finding(file, line, f"{MANUAL} does not mention the subcommand `{name}`")


def examples(root: Path) -> Iterator[Finding]:
    """Every `name = …` in a fenced block marked ini is a key that exists in its section."""
    known = {(section, name) for _, _, (section, name, *_) in rows(root, "config")}
    text = manual(root)
    for block in FENCE.finditer(text):
        section = None
        for number, row in enumerate(block[3].splitlines() if block[2] == "ini" else []):
            if heading := re.match(r"\s*\[(\w+)", row):
                section = heading[1]
            elif (key := re.match(r"\s*([\w.-]+)\s*=", row)) and (section or "server", key[1]) not in known:
                message = f"the example sets a key that does not exist: {key[1]} in [{section or 'server'}]"
                yield Finding(MANUAL, line_at(text, block.start(3)) + number, message)


CHECKS = (tables, keys, routes, operations, metrics, commands, examples)
