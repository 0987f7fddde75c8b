"""Databases as earlier pickupds wrote them, of file versions 1 and 4: brought up to date by `serve`, with every row that was in them."""
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone

import pytest

import harness
import ledger
import oracle

DUMP = harness.FIXTURES / "store-v1.sql"
KEPT = {"dentrix": "dentrix/normal.json", "opendental": "opendental/rush.json", "eaglesoft": "eaglesoft/minimal.json"}
MENDABLE, FAULTY = "dentrix/zoneless.json", "dentrix/fault-several.json"
NOW = (harness.ROOT / "include/tbl/migration.h").read_text().count("\nMIGRATION(")  # The version of today's file.
COMMANDS = [["events", "list"], ["events", "show", "0" * 32], ["quarantine", "list"], ["quarantine", "show", "0" * 32]]


def body_of(name):
    """The body of a fixture."""
    return ledger.encode((harness.FIXTURES / name).read_bytes())


def id_of(name):
    """The id of a fixture's event."""
    return oracle.event_id(name.split("/")[0], body_of(name))


def old():
    """A server with a database of version 1, not yet started; its Dentrix source has no time zone yet, as when the rows were written."""
    server = harness.Server([oracle.source("dentrix", zone=None), oracle.source("opendental"), oracle.source("eaglesoft")])
    with closing(sqlite3.connect(server.database)) as db:
        db.executescript(DUMP.read_text())
    return server


def number(server, pragma):
    """A number that the file's head holds."""
    return server.query(f"PRAGMA {pragma}")[0][pragma]


def rows(server, table):
    """All rows of a table as they are."""
    return server.query(f"SELECT * FROM {table} ORDER BY rowid")


def test_the_fixture():
    """The fixture is of version 1: its tables lack what came later."""
    server = old()
    assert (number(server, "user_version"), number(server, "application_id")) == (1, 0x706b7570)
    assert not {"content", "head"} & {*rows(server, "events")[0], *rows(server, "quarantine")[0]}
    assert not server.query("SELECT * FROM sqlite_schema WHERE name = 'secret_matches'")
    assert [row["id"].hex() for row in rows(server, "events")] == [id_of(name) for name in KEPT.values()]
    assert [row["id"].hex() for row in rows(server, "quarantine")] == [id_of(MENDABLE), id_of(FAULTY)]


def test_every_row_is_there():
    """Nothing is lost or changed; what version 1 did not know is NULL."""
    server = old()
    events, held = rows(server, "events"), rows(server, "quarantine")
    with server:
        assert number(server, "user_version") == NOW and number(server, "application_id") == 0x706b7570
        assert rows(server, "events") == [{**row, "content": None} for row in events]
        assert rows(server, "quarantine") == [{**row, "head": None, "sealed": 0} for row in held]
        assert rows(server, "secret_matches") == []
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        server.restart()
        assert rows(server, "events") == [{**row, "content": None} for row in events]


def test_it_is_like_a_new_one():
    """A file that was brought up to date takes what a new one takes."""
    with harness.Server() as fresh, old() as server:
        for table in ("events", "quarantine", "secret_matches", "probe"):
            sql = f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')"
            assert server.query(sql) == fresh.query(sql)
        answer = server.post("eaglesoft", oracle.payload(oracle.EAGLESOFT, id=harness.fresh()))
        assert answer.status == 200 and server.event(answer.json["eventId"])["seq"] == 8  # 7 was given before the fixture was made.
        faulty = ledger.encode({"caseId": harness.fresh()})
        assert server.post("eaglesoft", faulty).status == 400
        assert server.query("SELECT head IS NULL AS lacks FROM quarantine ORDER BY rowid DESC LIMIT 1") == [{"lacks": 0}]


@pytest.mark.parametrize("name", KEPT)
def test_duplicates_of_old_events(name):
    """An event of version 1 is known when it comes again, whether or not its detail was purged."""
    with old() as server:
        before, body = rows(server, "events"), body_of(KEPT[name])
        assert server.post(name, body).refusal == (200, oracle.answer(server.sources[name], body, duplicate=True))
        assert (rows(server, "events"), server.counted(name)) == (before, {"duplicate": 1})


def test_repeats_of_old_quarantine():
    """A webhook that is in quarantine from version 1 is counted on when it comes again."""
    with old() as server:
        first = server.quarantined(id_of(MENDABLE))
        assert server.post("dentrix", body_of(MENDABLE)).status == 400
        assert server.quarantined(id_of(MENDABLE)) == {**first, "count": first["count"] + 1,
                                                       "last_seen": server.quarantined(id_of(MENDABLE))["last_seen"]}


def check_mended(server, first):
    """The row with the time that lacked its zone is an event of its first arrival; the other is where it was."""
    row = server.event(id_of(MENDABLE))
    arrival = datetime.fromtimestamp(first["first_seen"] / 1000, timezone.utc)
    assert row["time"] == first["first_seen"]
    assert json.loads(row["detail"]) == oracle.detail(server.sources["dentrix"], json.loads(body_of(MENDABLE)), arrival)
    assert server.quarantined(id_of(MENDABLE)) is None and server.quarantined(id_of(FAULTY))


@pytest.mark.parametrize("way", ["command", "command alone", "sent again"])
def test_old_quarantine_is_retried(way):
    """What version 1 put in quarantine can be retried by a running server, by the command alone, and by being sent again."""
    server = old()
    first = server.quarantined(id_of(MENDABLE))
    server.sources["dentrix"] = replace(server.sources["dentrix"], zone="America/New_York")
    server.write_config()
    if way == "command alone":
        result = server.cli("quarantine", "retry", "--all")  # The writer in it brings the file up to date.
        assert number(server, "user_version") == NOW
    with server:
        if way == "command":
            result = server.cli("quarantine", "retry", "--all")
        if way == "sent again":
            assert server.post("dentrix", body_of(MENDABLE)).status == 200
        else:
            assert result.code == 1 and f"{id_of(MENDABLE)} stored\n" in result.out and f"{id_of(FAULTY)} still faulty: " in result.out
        check_mended(server, first)


def test_old_faults_are_told_anew():
    """A retry in vain writes the faults of now."""
    with old() as server:
        result = server.cli("quarantine", "retry", id_of(FAULTY))
        faults = oracle.faults(oracle.DENTRIX, json.loads(body_of(FAULTY)), None)
        assert result.out == f"{id_of(FAULTY)} still faulty: {', '.join(faults)}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_on_a_file_of_version_1(command):
    """Commands that only read leave the file as it is, and say who brings it up to date; after that they read it."""
    server = old()
    result, content = server.cli(*command), server.database.read_bytes()
    assert (result.code, result.out) == (1, "")
    assert result.err == f"{server.database}: has file version 1, and this pickupd reads {NOW}; its serve brings it up to date\n"
    assert (server.database.read_bytes(), number(server, "user_version")) == (content, 1)
    with server:
        found = [*command[:2], *([id_of(KEPT["dentrix"] if command[0] == "events" else FAULTY)] if len(command) > 2 else [])]
        result = server.cli(*found)
        assert result.code == 0 and id_of(KEPT["dentrix"] if command[0] == "events" else FAULTY) in result.out


def test_purged_events_are_listed():
    """An event of version 1 without its detail is listed as such."""
    with old() as server:
        records = server.list("events", "list")
        assert [record["seq"] for record in records] == [1, 2, 4]
        assert "(purged)" in server.cli("events", "show", id_of(KEPT["eaglesoft"])).out


def test_check_on_a_file_of_version_1():
    """`check` says what it can without the file, leaves it alone, and does not fail for it."""
    server = old()
    content = server.database.read_bytes()
    result = server.cli("check")
    assert (result.code, result.err, server.database.read_bytes()) == (0, "", content)
    assert "LAST MATCH" not in result.out and "\ndentrix " in result.out


@pytest.mark.parametrize("change, word", [(f"PRAGMA user_version = {NOW + 1}", "later pickupd"), ("PRAGMA application_id = 7", "another program")])
def test_a_file_that_is_not_ours(change, word):
    """A file of a later pickupd, or of another program, is left as it is by everybody."""
    server = old()
    with closing(sqlite3.connect(server.database)) as db, db:
        db.execute(change)
    content = server.database.read_bytes()
    result = server.cli("serve")
    assert result.code == 1 and word in result.err
    assert server.cli("check").code == 0
    assert server.database.read_bytes() == content


def test_a_later_file_is_not_read():
    """Nor is what a later pickupd wrote read by commands, which may misunderstand it."""
    with harness.Server() as server:
        server.stop()
        with closing(sqlite3.connect(server.database)) as db, db:
            db.execute(f"PRAGMA user_version = {NOW + 1}")
        for command in COMMANDS:
            result = server.cli(*command)
            assert (result.code, result.out) == (1, "")
            assert result.err == f"{server.database}: has file version {NOW + 1}, and this pickupd reads {NOW}\n"
        assert "LAST MATCH" not in server.cli("check").out


def test_a_migration_that_fails_changes_nothing():
    """If the second version can't be made, the file is of the first, with all its rows."""
    server = old()
    with closing(sqlite3.connect(server.database)) as db, db:
        db.execute("CREATE TABLE secret_matches (x)")
    events, held = rows(server, "events"), rows(server, "quarantine")
    result = server.cli("serve")
    assert result.code == 1 and str(server.database) in result.err
    assert (number(server, "user_version"), rows(server, "events"), rows(server, "quarantine")) == (1, events, held)
    with closing(sqlite3.connect(server.database)) as db, db:
        db.execute("DROP TABLE secret_matches")
    with server:
        assert [row["id"].hex() for row in rows(server, "events")] == [id_of(name) for name in KEPT.values()]


# Version 4.

LATEST_DUMP = harness.FIXTURES / "store-v4.sql"


def old_4():
    """A server with a database of version 4, which has rows in every table, not yet started."""
    server = harness.Server()
    with closing(sqlite3.connect(server.database)) as db:
        db.executescript(LATEST_DUMP.read_text())
    return server


def all_rows(server):
    """Every row of every table as {table: rows}."""
    tables = [row["name"] for row in server.query("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {table: server.query(f'SELECT * FROM "{table}"') for table in tables}


def shape(server):
    """What tables and indexes there are, and each table's columns."""
    names = sorted((row["type"], row["name"]) for row in server.query("SELECT type, name FROM sqlite_schema"))
    columns = {name: server.query(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')") for kind, name in names if kind == "table"}
    return names, columns


def test_version_4_is_all_there():
    """Every row of every table is as it was; the file is shaped as a new one; what was claimed, waiting or dead still is."""
    server = old_4()
    before = all_rows(server)
    assert number(server, "user_version") == 4 and all(before.values()), [table for table in before if not before[table]]
    with harness.Server() as fresh, server:
        assert number(server, "user_version") == NOW and shape(server) == shape(fresh)
        after = all_rows(server)
        for table in before.keys() - {"probe", "sqlite_sequence"}:
            assert [{name: row[name] for name in before[table][0]} for row in after[table]] == before[table], table
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}] and not server.query("PRAGMA foreign_key_check")
        [billing] = [row for row in server.api("GET", "/v1/consumers").json["consumers"] if row["name"] == "billing"]
        assert (billing["inFlight"] + billing["waiting"], billing["dead"], billing["missed"]) == (2, 1, 0)
        assert abs(datetime.fromisoformat(billing["seen"]).timestamp() - harness.now() / 1000) < 600  # Else it would be taken for silent.
        assert server.api("GET", "/v1/deliveries").json["deliveries"] and server.api("GET", "/v1/invoices/INV-F1").json["delivered"]


def test_a_backup_before_the_upgrade():
    """The new pickupd copies an old file as it is, and restores it as such; its `serve` brings that up to date, too."""
    server, path = old_4(), harness.Server().directory / "before.db"
    before = all_rows(server)
    result = server.cli("backup", path)
    assert (result.code, result.err) == (0, ""), result.err
    with server:
        server.stop()
    assert number(server, "user_version") == NOW
    assert old().cli("backup", path.with_name("first.db")).code == server.cli("restore", "--check", path.with_name("first.db")).code == 0
    result = server.cli("restore", path)
    assert result.code == 0, result.err
    assert number(server, "user_version") == 4 and all_rows(server) == before
    with server:
        assert number(server, "user_version") == NOW
