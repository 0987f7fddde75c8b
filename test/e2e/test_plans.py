"""No statement looks at more rows than it has to: SQLite's own plans say so."""
import re
import sqlite3
from contextlib import closing

import harness
import pytest

ROW = re.compile(r'SQL\((\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)')
TABLES = [harness.ROOT / "include/tbl" / name for name in ("sql_read.h", "sql_write.h")]
# These look at all rows by intent: once at start (or for the first or last row alone), where a person asks for all, or at all that are pending.
SCANS = {"EVENTS", "QUARANTINE", "QUARANTINE_USE", "MATCHES", "NOTICES_KEEP", "SEALING_BEGIN", "AUDIT_LIST", "AUDIT_LAST"}
SORTS = {"EVENTS", "QUARANTINE", "AUDIT_LIST", "DELIVERY_CASES"}  # As above, and the few cases of one delivery.


def statements():
    """Every row of the two tables as (name, SQL)."""
    for table in TABLES:
        text = re.sub(r"/\*.*?\*/", "", table.read_text(), flags=re.DOTALL)
        for name, literals in ROW.findall(text):
            yield name, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')


def walks():
    """How `reseal` finds the rows of each sealed column, and each row, as (name, SQL)."""
    text = (harness.ROOT / "include/tbl/sealed.h").read_text()
    for table, column, _, walk, places in re.findall(r'^SEALED\((\w+), (\w+), "([^"]*)", "([^"]*)", "([^"]*)"', text, re.MULTILINE):
        yield f"LOOK_{table}_{column}", f"SELECT {walk}, {column} FROM {table} WHERE ({walk}) > ({places}) ORDER BY {walk} LIMIT 200"
        yield f"RESEAL_{table}_{column}", f"UPDATE {table} SET {column} = NULL WHERE ({walk}) = ({places})"


@pytest.fixture(scope="module")
def database():
    """A file as the server makes it, and nobody serves."""
    with harness.Server() as server:
        server.stop()
        with closing(sqlite3.connect(server.database)) as db:
            for name in ("seal", "unseal", "unseal_or", "seals", "seal_is_old"):
                db.create_function(name, -1, lambda *_: None)
            yield db
        server.start()


@pytest.mark.parametrize("name, sql", [pytest.param(*row, id=row[0]) for row in [*statements(), *walks()] if row[1].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")])
def test_plan(database, name, sql):
    """Rows are found through an index, and come in their order."""
    numbers = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    steps = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, [None] * max(numbers, default=0))]
    scans = [step for step in steps if re.match(r"SCAN (?!CONSTANT|\(subquery|last_seq|consumers|sealing|seal_keys)", step) and "LIMIT" not in step]
    assert not scans or name in SCANS, steps
    assert not any("TEMP B-TREE" in step for step in steps) or name in SORTS, steps


def test_all_were_read():
    """The pattern finds every row of the tables."""
    rows = sum(len(re.findall(r"^SQL\(", table.read_text(), re.MULTILINE)) for table in TABLES)
    assert rows == len(list(statements()))
