"""Sealed columns: no statement reads one bare, or writes a value into it that did not go through `seal`."""

import re
from pathlib import Path
from typing import Iterator

from ctext import Finding, calls, read

TABLE = "include/tbl/sealed.h"
STATEMENTS = ("include/tbl/sql_read.h", "include/tbl/sql_write.h")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
SEALING = re.compile(r"\b(?:seal|unseal|unseal_or)\('(\w+)\.(\w+)'|\bunseal_or\([^,]+, '(\w+)\.(\w+)'")


def columns(root: Path) -> dict[str, set[str]]:
    """Lists the sealed columns of each table."""
    found: dict[str, set[str]] = {}
    text = read(root / TABLE) if (root / TABLE).is_file() else ""
    for _, _, (table, column, *_) in calls(text, "SEALED"):
        found.setdefault(table, set()).add(column)
    return found


def statements(root: Path) -> Iterator[tuple[str, int, str]]:
    """Yields (file, line, SQL) of every statement."""
    for file in STATEMENTS:
        text = read(root / file) if (root / file).is_file() else ""
        for line, _, (_, *literals) in calls(text, "SQL"):
            yield file, line, "".join(LITERAL.findall(",".join(literals)))


def without_calls(sql: str) -> str:
    """Takes out every whole call of a function that seals or unseals."""
    while match := re.search(r"\b(?:seal|unseal|unseal_or)\(", sql):
        depth, at = 1, match.end()
        while depth and at < len(sql):
            depth += (sql[at] == "(") - (sql[at] == ")")
            at += 1
        sql = f"{sql[:match.start()]}@{sql[at:]}"
    return sql


def harmless(sql: str, column: str) -> str:
    """Takes out what shows nothing of a column, or changes it to what was sealed."""
    bare = rf"(?:\w+\.)?{column}\b"
    for pattern in (
        rf"iif\((?:sealed|length\({bare}\) = 32), (?:@, {bare}|{bare}, @)\)",  # A value in clear, as reseal leaves it.
        rf"\b{bare} = (?:@|NULL|excluded\.{column}|ifnull\(@, {bare}\)|ifnull\({bare}, @\))",
        rf"\b{bare} IS (?:NOT )?NULL",
        rf"\b(?:typeof|length)\({bare}\)",
        rf"\blength\(CAST\({bare} AS BLOB\)\)",
    ):
        sql = re.sub(pattern, "", sql)
    return re.sub(r"(INSERT INTO \w+ )\([^)]*\)", r"\1", sql)


def bare_columns(root: Path) -> Iterator[Finding]:
    """A sealed column stands in a statement only within seal or unseal, or where nothing of it shows."""
    for file, line, sql in statements(root):
        rest = without_calls(sql)
        for table, names in columns(root).items():
            for column in sorted(names) if re.search(rf"\b{table}\b", sql) else ():
                if re.search(rf"(?<![\w'.]){column}\b|\.{column}\b", harmless(rest, column)):
                    yield Finding(file, line, f"the sealed column {table}.{column} stands bare in a statement")


def sealed_inserts(root: Path) -> Iterator[Finding]:
    """A statement that inserts into a sealed column seals what it inserts."""
    for file, line, sql in statements(root):
        if into := re.match(r"INSERT INTO (\w+) \(([^)]*)\)", sql):
            written = {column.strip() for column in into[2].split(",")} & columns(root).get(into[1], set())
            for column in sorted(written):
                if f"seal('{into[1]}.{column}'" not in sql:
                    yield Finding(file, line, f"inserts into the sealed column {into[1]}.{column} without seal")


def known_names(root: Path) -> Iterator[Finding]:
    """Functions that seal and unseal name a column of the table of sealed ones."""
    known = columns(root)
    for file, line, sql in statements(root):
        for match in SEALING.finditer(sql):
            table, column = [part for part in match.groups() if part]
            if column not in known.get(table, set()):
                yield Finding(file, line, f"{table}.{column} is not in {TABLE}")


CHECKS = (bare_columns, sealed_inserts, known_names)
