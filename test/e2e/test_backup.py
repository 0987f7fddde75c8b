"""Backups: made while webhooks come in, restored and compared; what is no whole backup is refused, and nothing is destroyed by a restore."""
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing

import disk
import harness
import oracle
import process
import pytest
import wire

BIG = 80  # MiB: a copy takes long enough to be stopped in its middle.
LOOK = 0.1  # Seconds between two looks of a backup at whether the server is still there.


def add(server, count=1):
    """Post webhooks, and return their events' ids."""
    return [server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())).json["eventId"] for _ in range(count)]


def number(path, sql):
    """A number that a database file has; nothing is written to it or beside it."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        return db.execute(sql).fetchone()[0]


def rows_of(path):
    """All events of a database file."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        return db.execute("SELECT seq, id, origin, time, detail FROM events ORDER BY seq").fetchall()


def backup(server, path):
    """Make a backup, which must go well."""
    result = server.cli("backup", path)
    assert (result.code, result.err) == (0, ""), result.err
    assert result.out == f"{path} {path.stat().st_size} bytes\n" and path.stat().st_mode & 0o777 == 0o600
    return path


def restore(server, path):
    """Restore a backup, which must go well; return where the database went that was there, or None."""
    result = server.cli("restore", path)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{server.database}: restored from {path}")
    return server.directory / lines[1].split(":")[0].split("/")[-1] if len(lines) > 1 else None


def contents(server):
    """All files of a server, but for its lock."""
    return {file.name: file.read_bytes() for file in server.directory.iterdir() if file.is_file() and file.suffix != ".lock"}


def refused(server, path, word):
    """A restore of it is refused for a reason that has this word, and changes nothing."""
    before = contents(server)
    for options in ([], ["--check"]):
        result = server.cli("restore", *options, path)
        assert (result.code, result.out) == (1, "") and word in result.err, result
    assert contents(server) == before


def elsewhere(server):
    """Another machine, which has been given the audit's key, and those that seal."""
    other = harness.Server()
    if server.keys:
        other.keys = server.keys
        other.seal(*server.keys)
    shutil.copy(f"{server.database}.audit-key", f"{other.database}.audit-key")
    return other


def audited(server, action):
    """What the audit has of an action, whose chain must be whole."""
    result = server.cli("audit", "verify")
    assert result.code == 0, result.err
    return server.query("SELECT via, what, status FROM audit WHERE action = ? ORDER BY seq", action)


class Sender(threading.Thread):
    """Posts webhooks without a pause, and remembers which were answered."""

    def __init__(self, server):
        super().__init__()
        self.server, self.answered, self.stopping = server, [], threading.Event()
        self.start()

    def run(self):
        with closing(self.server.connect()) as connection:
            while not self.stopping.is_set():
                answer = self.server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh()), connection=connection)
                assert answer.status == 200
                self.answered.append(answer.json["eventId"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(wire.TIMEOUT)


def grow(server, mib):
    """Make the database of a server that does not run larger."""
    with closing(sqlite3.connect(server.database)) as db, db:
        db.executemany("INSERT INTO notices (org, kind, key, time, detail, state, attempts, due, error) VALUES ('filler', '', ?, 0, ?, 1, 1, 0, '')",
                       ((str(i), os.urandom(1 << 19).hex()) for i in range(mib)))


@pytest.fixture(scope="module")
def big():
    """A server with a large database."""
    with harness.Server() as server:
        server.stop()
        grow(server, BIG)
        with server:
            yield server
            server.stop()
        server.start()


def test_under_load(big):
    """What was answered 200 before a backup began is in it, and in what is restored from it; and there is nothing that was not sent."""
    path = big.directory / "backup.db"
    with Sender(big) as sender:
        disk.wait_for(lambda: len(sender.answered) >= 50)
        before = len(sender.answered)
        backup(big, path)
        assert len(sender.answered) > before  # Nobody waited for it to end.
    assert number(path, "PRAGMA integrity_check") == "ok" and not list(big.directory.glob("backup.db?*"))
    assert audited(big, "backup") == [{"via": "control socket", "what": "{}", "status": 200}]
    other = elsewhere(big)
    assert restore(other, path) is None
    path.unlink()
    with other:
        kept = other.events()
        assert [row["id"] for row in kept] == [*sender.answered][:len(kept)] and len(kept) >= before
        assert kept == big.events()[:len(kept)]
        assert len(audited(other, "backup")) == 1  # It was there before the copy was begun.
        assert audited(other, "restore") == [{"via": "command", "what": '{"nextSeq":%d}' % (kept[-1]["seq"] + 1), "status": 200}]
        assert add(other) and other.events()[-1]["seq"] == kept[-1]["seq"] + 1


def spawn(server, *arguments):
    """Begin a command, and leave it running."""
    return subprocess.Popen([harness.BINARY, *map(str, arguments), "-c", server.config], env=server.environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def halfway(server, path):
    """Begin a backup that stops itself in its middle; return it, and where it writes until it is done."""
    part, variables = path.with_name(path.name + ".part"), server.variables
    server.variables = dict(variables)
    disk.Disk(server).pause()  # Of the command, not of the server.
    running = spawn(server, "backup", path)
    server.variables = variables
    with process.limited(running):
        state = os.waitid(os.P_PID, running.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state.si_code == os.CLD_STOPPED and part.stat().st_size > 0
    return running, part


def test_a_kill_leaves_nothing_of_that_name(big):
    """kill -9 in the middle of a backup: there is no file of its name, the one that was there before stays, and the next backup is whole."""
    path = big.directory / "killed.db"
    for earlier in (None, b"x"):
        running, part = halfway(big, path)
        running.kill()
        running.communicate(timeout=wire.TIMEOUT)
        assert part.exists()
        assert (path.read_bytes() == whole) if earlier else not path.exists()
        whole = backup(big, path).read_bytes()
        assert not part.exists()
    path.unlink()


def test_one_at_a_time(big):
    """Two backups into one file do not write into each other."""
    path = big.directory / "twice.db"
    running, part = halfway(big, path)
    result = big.cli("backup", path)
    running.send_signal(signal.SIGCONT)
    assert result.code == 1 and result.err == f"{part}: another backup is writing it\n"
    assert running.communicate(timeout=wire.TIMEOUT)[1] == "" and running.returncode == 0
    path.unlink()


def test_a_server_that_starts_is_not_held_up(big):
    """A backup gives way to a server that was killed and comes back, and then begins anew."""
    path = big.directory / "aside.db"
    running, _ = halfway(big, path)
    big.kill()
    time.sleep(LOOK)  # Since it looked last: else a fast machine has the rest copied before it looks again.
    running.send_signal(signal.SIGCONT)
    big.start()
    out, err = running.communicate(timeout=wire.TIMEOUT)
    assert (running.returncode, out) == (0, f"{path} {path.stat().st_size} bytes\n")
    assert err == "the server has stopped: the copy gives way, and begins anew once it is back\n"
    path.unlink()


@pytest.fixture(scope="module")
def small():
    """A server that does not run, with three events, and a backup of it."""
    with harness.Server() as server:
        add(server, 3)
        server.backup = backup(server, server.directory / "good.backup")
        server.stop()
        yield server
        server.start()


def damaged(path, to, change):
    """A copy of a file with a change."""
    content = bytearray(path.read_bytes())
    to.write_bytes(change(content))
    return to


def overwrite(content):
    """A page of an index that has other bytes."""
    return content[:8192] + b"\xff" * 8192 + content[16384:]


def set_number(at, value):
    """A number of the file's head that is another."""
    return lambda content: content[:at] + value.to_bytes(4, "big") + content[at + 4:]


REFUSALS = {
    "another program's": (set_number(68, 7), "is a database of another program"),
    "a later pickupd's": (set_number(60, 999), "was written by a later pickupd"),
    "damaged": (overwrite, "is damaged"),
    "cut off": (lambda content: content[:-20000], "malformed"),
    "of no version": (set_number(60, 0xffffffff), "no file has the version -1"),
    "text": (lambda content: b"not a database at all\n" * 500, "not a database"),
    "empty": (lambda content: b"", "holds nothing"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_refused(small, kind):
    """What is not ours, newer or damaged is refused, and the database stays as it is."""
    change, word = REFUSALS[kind]
    refused(small, damaged(small.backup, small.directory / "other.db", change), word)


SCHEMAS = {
    "INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat1', 'events', 0,"
    " 'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON events BEGIN DELETE FROM events; END')": "the trigger sqlite_stat1 is none of pickupd's",
    "CREATE TRIGGER \"\x1b[2Jeve\" AFTER INSERT ON events BEGIN DELETE FROM events; END": "the trigger ?[2Jeve is none of pickupd's",
    "CREATE VIEW zzz AS SELECT 1": "the view zzz is none of pickupd's",
    "CREATE TABLE a (b)": "the table a is none of pickupd's",
    "DROP TRIGGER audit_stays": "the trigger audit_stays is missing",
    "UPDATE sqlite_schema SET sql = replace(sql, 'max(seq, OLD.seq)', '0') WHERE type = 'trigger'": "the trigger note_last_seq is another than pickupd's",
}


@pytest.mark.parametrize("sql", SCHEMAS)
def test_a_schema_that_was_changed(small, sql):
    """A trigger would run with the server's next change: nothing is restored that has more or less than its version has, or copied."""
    copy = damaged(small.backup, small.directory / "other.db", bytes)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(sql)
    refused(small, copy, f"its schema was changed: {SCHEMAS[sql]}\n")
    small.settings["database"], before = copy, small.settings["database"]
    small.write_config()
    result = small.cli("backup", small.directory / "no.db")
    small.settings["database"] = before
    small.write_config()
    assert result.code == 1 and SCHEMAS[sql] in result.err and not (small.directory / "no.db").exists(), result


def test_statistics_are_no_change(small):
    """An administrator who had SQLite count what is in the tables has changed nothing of theirs."""
    copy = damaged(small.backup, small.directory / "other.db", bytes)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("ANALYZE")
        assert db.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
    result = small.cli("restore", "--check", copy)
    assert result.code == 0, result


def test_other_refusals(small):
    """Nor is a file restored that is not there, the database itself, a pipe, or one with a log beside it."""
    refused(small, small.directory / "nothing.db", "No such file")
    refused(small, small.database, "is the database itself")
    os.mkfifo(small.directory / "pipe")
    refused(small, small.directory / "pipe", "is no file of bytes")
    copy = damaged(small.backup, small.directory / "live.db", bytes)
    log = small.directory / "live.db-wal"
    log.write_bytes(b"x")
    refused(small, copy, "has a log beside it")
    log.unlink()
    small.start()
    result = small.cli("restore", small.backup)
    assert (result.code, result.err) == (1, f"{small.database}.lock: a server has this database: stop it first\n")
    small.stop()


def test_what_a_backup_replaces(small):
    """A backup replaces a backup, and nothing else."""
    assert backup(small, small.backup)
    text = small.directory / "notes.txt"
    text.write_text("precious")
    served = damaged(small.backup, small.directory / "served.db", bytes)
    (small.directory / "served.db.lock").touch()
    for path in (small.database, text, served, small.directory):
        before = path.read_bytes() if path.is_file() else None
        result = small.cli("backup", path)
        assert result.code == 1 and result.err.endswith("; it is not replaced\n"), result
        assert before is None or path.read_bytes() == before
    assert small.cli("backup", small.directory / "no" / "such.db").code == 1


def test_nothing_is_destroyed():
    """A restore puts the database aside, with its log; seqs go on behind those that were given, and who had done all still has."""
    with harness.Server() as server:
        server.api("PUT", "/v1/consumers/done", {"from": "start"})
        first = add(server, 3)
        claims = server.api("POST", "/v1/consumers/done/claim", {"worker": "w", "max": 9}).json["claims"]
        server.api("POST", "/v1/consumers/done/ack", {"leases": [claim["lease"] for claim in claims]})
        path = backup(server, server.directory / "backup.db")
        later = add(server, 2)
        server.kill()  # So that there is a log.
        aside = restore(server, path)
        assert aside.with_name(aside.name + "-wal").stat().st_size > 0
        with closing(sqlite3.connect(aside)) as db:
            assert db.execute("SELECT count(*) FROM events").fetchone() == (5,)
        server.start()
        assert [row["id"] for row in server.events()] == first
        [consumer] = [row for row in server.api("GET", "/v1/consumers").json["consumers"] if row["name"] == "done"]
        assert consumer["lag"] == 0
        [new] = add(server)
        assert server.event(new)["seq"] == 6 and later[0] not in {row["id"] for row in server.events()}
        [claim] = server.api("POST", "/v1/consumers/done/claim", {"worker": "w", "max": 9}).json["claims"]
        assert claim["event"]["id"] == new


def test_without_the_audits_key():
    """Where the audit's key is missing, what was backed up is restored and served all the same; the audit goes on with another key, which is said."""
    with harness.Server() as server:
        first = add(server)
        path = backup(server, server.directory / "backup.db")
    other = elsewhere(server)
    other.database.with_name(other.database.name + ".audit-key").unlink()
    result = other.cli("restore", path)
    assert result.code == 0 and "the audit goes on with a new key" in result.err
    assert other.cli("audit", "verify").code == 1
    with other:
        assert [row["id"] for row in other.events()] == first


def test_a_row_that_can_not_be_written(small):
    """A copy that can't be audited is not made; a restore that can't be is done, and that is said."""
    key = small.directory / "short-key"
    key.write_text("too short")
    small.settings["audit_key_file"] = key
    small.write_config()
    path = small.directory / "unaudited.db"
    result = small.cli("backup", path)
    assert result.code == 1 and result.err and not path.exists()
    result = small.cli("restore", small.backup)
    assert result.code == 1 and "restored, but this is not in the audit: " in result.err
    del small.settings["audit_key_file"]
    small.write_config()
    assert audited(small, "restore") == []


def test_a_restore_that_was_killed():
    """Between two renames nobody serves what is there; the next restore ends what was begun, and all of the old database is in one place."""
    with harness.Server() as server:
        add(server, 2)
        path = backup(server, server.directory / "backup.db")
        later = add(server)
        server.kill()
        aside = server.directory / "pickupd.db.before-20260101T000000Z"
        (server.directory / "pickupd.db.restoring").write_text(str(aside))
        server.database.rename(aside)
        for command in (["serve"], ["clinics", "import", harness.FIXTURES / "clinics.json"]):
            result = server.cli(*command)
            assert result.code == 1 and "pickupd.db.restoring: is there" in result.err, result
        assert not server.database.exists()
        assert restore(server, path) == aside
        with closing(sqlite3.connect(aside)) as db:
            assert db.execute("SELECT count(*) FROM events").fetchone() == (3,)
        with server:
            assert add(server) and [row["seq"] for row in server.events()] == [1, 2, 4]
            assert later[0] not in {row["id"] for row in server.events()}
            server.stop()
        server.start()


def test_what_can_not_be_synced():
    """A copy that the disk does not sync gets no name, and one that can't be synced is not put in the database's place."""
    with harness.Server() as server:
        add(server)
        path = backup(server, server.directory / "backup.db")
        copy = server.directory / "copy.db"
        broken = disk.Disk(server)  # Of the commands, not of the server.
        broken.fail()
        result = server.cli("backup", copy)
        assert result.code == 1 and "Input/output error" in result.err, result
        assert not list(server.directory.glob("copy.db*"))
        server.stop()
        refused(server, path, "Input/output error")
        broken.fail(False)
        restore(server, path)
        server.start()


def test_what_a_killed_restore_has_left_beside_its_copy():
    """A log that belongs to the copy of a restore that was killed is not put into the copy of the next one."""
    with harness.Server() as server:
        first = add(server, 2)
        path = backup(server, server.directory / "backup.db")
        server.stop()
        killed = damaged(path, server.directory / "killed.db", bytes)
        with closing(sqlite3.connect(killed)) as db:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            db.execute("UPDATE events SET origin = 'another'")
            db.commit()
            shutil.copy(f"{killed}-wal", f"{server.database}.restored-wal")
        restore(server, path)
        with server:
            assert [(row["id"], row["origin"]) for row in server.events()] == [(event, "dentrix") for event in first]
            server.stop()
        server.start()


def test_a_journal_goes_aside_too():
    """As a kill leaves one that comes while a file is first made; SQLite would put it into the copy that is restored."""
    with harness.Server() as server:
        first = add(server, 2)
        path = backup(server, server.directory / "backup.db")
        server.stop()
        with closing(sqlite3.connect(server.database, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA cache_size = 1")
            db.execute("PRAGMA cache_spill = 1")
            db.execute("BEGIN")
            db.execute("UPDATE events SET origin = 'another'")
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) INSERT INTO notices (org, kind, key, time, detail, state, attempts, due, error)"
                       " SELECT 'filler', '', i, 0, hex(randomblob(200)), 1, 1, 0, '' FROM n")
            hot = server.database.with_name("pickupd.db-journal").read_bytes()
            assert len(hot) > 4096
            db.execute("ROLLBACK")
        server.database.with_name("pickupd.db-journal").write_bytes(hot)
        aside = restore(server, path)
        assert aside.with_name(aside.name + "-journal").read_bytes() == hot
        with server:
            assert [row["id"] for row in server.events()] == first
            server.stop()
        server.start()


def test_two_restores_at_once():
    """What a restore in the same second has put aside stays, and so does what it has restored."""
    with harness.Server() as server:
        add(server)
        path = backup(server, server.directory / "backup.db")
        server.stop()
        aside = [restore(server, path) for _ in range(4)]
        assert len(set(aside)) == 4 and all(file.exists() for file in aside)
        assert len(audited(server, "restore")) == 1
        assert [number(file, "SELECT count(*) FROM audit WHERE action = 'restore'") for file in aside] == [0, 1, 1, 1]


def test_a_mark_that_leads_elsewhere():
    """Whoever may write beside the database can't have root move it, or write, anywhere else: of the mark's text only the name counts, and it is no link."""
    with harness.Server() as server:
        add(server)
        path = backup(server, server.directory / "backup.db")
        server.stop()
        mark, elsewhere = server.directory / "pickupd.db.restoring", server.directory / "elsewhere"
        elsewhere.mkdir()
        for said, moved in ((elsewhere / "mine", False), (elsewhere / "pickupd.db.before-x", True)):
            mark.write_text(str(said))
            result = server.cli("restore", path)
            assert (result.code == 0) == moved and not any(elsewhere.iterdir()), result.err
            assert (server.directory / said.name).exists() == moved and server.database.exists()
            mark.unlink(missing_ok=True)
        (elsewhere / "precious").touch()
        mark.symlink_to(elsewhere / "precious")
        assert server.cli("restore", path).code == 1 and (elsewhere / "precious").read_bytes() == b""
        mark.unlink()
        server.start()


class Every:
    """A backup again and again."""

    def __init__(self, server, directory, *options):
        self.copies, self.process = 0, spawn(server, "backup", "--every", *options, directory)

    def next(self):
        """Wait for a copy, and return its name and size."""
        with process.limited(self.process):
            line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=wire.TIMEOUT)
        self.copies += 1
        path, size, _ = line.split()
        return path, int(size)

    def stop(self):
        """Tell it to stop, and return what it said beside its copies."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=wire.TIMEOUT)
        assert self.process.returncode == 0
        return err


def test_every():
    """Copies on a timer hold what has changed since the one before; each can be restored; the newest are kept, with what they build on."""
    server = harness.Server()
    server.start().stop()
    grow(server, 8)
    directory = server.directory / "copies"
    with server:
        every = Every(server, directory, "1s")
        whole, size = every.next()
        assert whole.endswith(".db") and size > 8 << 20
        sent = add(server, 20)
        done = sum(file.suffix in (".db", ".changes") for file in directory.iterdir())
        while every.copies < done + 2:  # The first of the two may have begun before the last of them.
            path, size = every.next()
        assert every.stop() == "" and (directory.stat().st_mode & 0o777, os.stat(path).st_mode & 0o777) == (0o700, 0o600)
        assert path.endswith(".changes") and size < 1 << 20
        assert (rows_in(server, whole), rows_in(server, path)) == ([], sent)
        check_pruned(server, directory)
        check_chain(directory)


def rows_in(server, path):
    """The ids of all events in a copy, as they are once it is restored."""
    other = elsewhere(server)
    restore(other, path)
    return [row[1].hex() for row in rows_of(other.database)]


def check_pruned(server, directory):
    """--keep leaves what the newest builds on."""
    every = Every(server, directory, "1s", "--keep", "1")
    path, _ = every.next()
    every.stop()
    assert path.endswith(".changes")  # It goes on where the one before was stopped.
    assert sum(file.suffix == ".db" for file in directory.iterdir()) == 1
    (directory / "pickupd.sums").write_bytes(b"torn")
    every = Every(server, directory, "1s", "--keep", "1")
    path, _ = every.next()
    more, _ = every.next()
    every.stop()
    assert path.endswith(".db") and {file.name for file in directory.iterdir() if file.suffix in (".db", ".changes")} >= {path.split("/")[-1], more.split("/")[-1]}
    assert sum(file.suffix == ".db" for file in directory.iterdir()) == 1


def check_chain(directory):
    """What builds on a copy that was changed, or is not there, is refused."""
    [base] = directory.glob("*.db")
    change = max(directory.glob("*.changes"))
    other = harness.Server()
    content = bytearray(change.read_bytes())
    for broken in (content[:-1], content + b"x", content[:-1] + bytes([content[-1] ^ 1])):
        (directory / "broken.changes").write_bytes(broken)
        refused(other, directory / "broken.changes", "damaged" if len(broken) != len(content) else "does not fit")
    base.rename(directory / "elsewhere")
    refused(other, change, "No such file")
    with (directory / "elsewhere").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read()
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    (directory / "elsewhere").rename(base)
    refused(other, change, "does not fit")


def test_wrong_usage(small):
    """What makes no sense is refused at once."""
    for arguments in ([], ["a", "b"], ["--keep", "3", "a"], ["--every", "soon", "a"], ["--every", "0s", "a"], ["--every", "1h", "--keep", "0", "a"]):
        assert small.cli("backup", *arguments).code == 2
    assert small.cli("restore").code == 2
