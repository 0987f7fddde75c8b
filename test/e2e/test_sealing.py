"""What may hold patient data is sealed on disk: nothing of it is found there, nothing else opens it, and keys change while serving."""
import base64
import json
import signal
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import harness
import ledger
import load
import oracle
import own
import process
import pytest
import sealed
import wire
from test_consumers import Consumer, add, ids
from test_flows import at, clinic, delivered, iso, publish, settled, webhook

MARK = "Zz-Madeup-Sealed"  # In every text that a test has written freely.
LARGEST = 1 << 28  # What a sanitizer sets aside is larger, and not looked at.
COLUMNS = sealed.columns(harness.ROOT)


class Server(harness.Server):
    """A server with the flows on, and one source whose events have a key of their own."""

    def __init__(self, *ids):
        sources = [oracle.source("dentrix"), oracle.source("own", "mine", id_prefix="own")]
        super().__init__(sources, {"flows": "on"})
        self.settings["vendor_dir"] = self.directory
        (self.directory / "mine.json").write_text(json.dumps(own.definition(event=own.event(key=["id"]))))
        self.settings.pop("seal_key_file", None)
        self.keys, self.made = {}, {}
        if ids:
            self.seal(*ids)

    def fill(self):
        """Have something in every column that may be sealed."""
        name = clinic(self)
        first, rush = webhook(self, name, at(2, 14), priority=1, contact=MARK, phone="555-0177"), harness.fresh()
        assert self.post("own", own.row(id=harness.fresh(), patientName=MARK)).status == 200
        assert self.post("dentrix", {"id": harness.fresh(), "patientName": MARK}).status == 400
        start = at(1, 9)
        publish(self, "crm.portal", "PickupRequested", {
            "pickupId": harness.fresh(), "clinicId": name, "windowStart": iso(start), "windowEnd": iso(start + timedelta(hours=2)), "notes": MARK,
            "recurringSchedule": {"frequency": "WEEKLY", "daysOfWeek": [1], "timeWindow": {"start": "09:00", "end": "11:00"}}})
        publish(self, "cases.production", "CaseReadyToShip", {
            "caseId": rush, "labId": "LAB001", "clinicId": name, "requestedDeliveryDate": "2026-01-21", "priority": "RUSH", "notes": MARK, "patientName": MARK})
        invoice = {"clinicId": name, "amountMinor": 12500, "currency": "USD", "caseIds": [rush], "status": "Issued"}
        assert self.api("PUT", f"/v1/invoices/{rush}", invoice).status == 201
        settled(self)
        driver = {"name": MARK, "phone": "555-0177"}
        assert self.api("POST", f"/v1/pickups/{first}/status", {"status": "Assigned", "driver": driver}).status == 200
        [delivery] = self.api("GET", f"/v1/deliveries?clinicId={name}").json["deliveries"]
        assert self.api("POST", f"/v1/deliveries/{delivery['deliveryId']}/status", {"status": "InTransit", "driver": driver}).status == 200
        publish(self, "logistics.driver", "DeliveryCompleted", delivered(name, [rush], notes=MARK))
        settled(self)
        consumer = Consumer(self, **{"from": "start"})
        consumer.results("nack", consumer.claim(max=1), error=MARK)
        return name

    def on_disk(self):
        """All bytes of the database, of its log, and of what else stands beside it, and what sqlite3 makes of them."""
        beside = [path for path in self.directory.iterdir() if path.name.startswith(self.database.name) and path.is_file()]
        dump = subprocess.run(["sqlite3", "-readonly", self.database, ".dump"], capture_output=True, timeout=wire.TIMEOUT, check=True)
        return b"".join(path.read_bytes() for path in beside) + dump.stdout

    def clear_words(self):
        """The words of patients and of whoever wrote freely that are found in the file's bytes."""
        found = self.on_disk()
        return {word for word in (MARK, "555-0177", "operatingHours", "windowStart") if word.encode() in found}

    def kept(self):
        """Every value of a sealed column as it lies there, as (column, row, value)."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            for table, column, row in COLUMNS:
                for *names, value in db.execute(f"SELECT {row}, {column} FROM {table} WHERE {column} IS NOT NULL"):
                    yield f"{table}.{column}", names, value

    def keys_in_use(self):
        """The ids of the keys that the values are sealed with; None among them if one is in clear."""
        return {sealed.key_id(value) for _, _, value in self.kept()}

    def reload(self, message="configuration reloaded"):
        """Have it read its files anew, and wait for what it says of that."""
        before = sum(message in line for line in self.log.lines)
        self.process.send_signal(signal.SIGHUP)
        with self.log.changed:
            assert self.log.changed.wait_for(lambda: sum(message in line for line in self.log.lines) > before, wire.TIMEOUT), "".join(self.log.lines)

    @contextmanager
    def stopped(self):
        """Write to the database while nobody serves."""
        self.stop()
        with closing(sqlite3.connect(self.database)) as db, db:
            yield db
        self.start()


def holds(server, what):
    """Whether the memory of the process has these bytes anywhere."""
    with open(f"/proc/{server.process.pid}/maps") as maps, open(f"/proc/{server.process.pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, _, _, inode, *_ = line.split()
            start, end = (int(edge, 16) for edge in span.split("-"))
            if rights.startswith("rw") and inode == "0" and end - start < LARGEST:
                memory.seek(start)
                try:
                    if what in memory.read(end - start):
                        return True
                except OSError:
                    pass  # What is not there can't be read.
    return False


def looks(server):
    """All that the API shows, but for what changes with every look, once nothing changes by itself."""
    process.wait_until(lambda: not server.api("GET", "/v1/notifications?state=pending").json["notifications"])
    paths = ("events?limit=1000", "clinics?limit=1000", "pickups?limit=1000", "deliveries?limit=1000", "invoices?limit=1000",
             "notifications?limit=1000", "quarantine")
    return [server.api("GET", f"/v1/{path}").json for path in paths]


def test_nothing_in_clear():
    """No byte of the file, its log or a dump shows a word; every column that may be sealed is, and another implementation opens it for its place."""
    with Server("k1") as server:
        server.fill()
        assert not server.clear_words()
        rows = list(server.kept())
        assert {column for column, _, _ in rows} == {f"{table}.{column}" for table, column, _ in COLUMNS}
        assert server.keys_in_use() == {"k1"}
        plain = [sealed.unseal(server.keys, *row) for row in rows]
        assert sum(MARK in (text if isinstance(text, str) else text.decode("latin-1")) for text in plain) >= 10
        [event] = [one for one in looks(server)[0]["events"] if one["detailType"] == "DeliveryCompleted"]
        assert MARK in json.dumps(event)
        assert MARK in server.cli("events", "list", "--json", "--show-phi").out
        assert "k1" in server.cli("check").out
        [row] = server.list("quarantine", "list")
        shown = json.loads(server.cli("quarantine", "show", row["id"], "--json", "--show-phi").out)
        assert row["bytes"] == len(shown["body"].encode()) and MARK in shown["body"]
        before = looks(server)
        server.restart()
        assert looks(server) == before and not server.clear_words()


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_first_sealing(running):
    """What was in clear is sealed, and nothing of it is left in the file."""
    with Server() as server, closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True, isolation_level=None)) as reader:
        if running:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM probe").fetchall()  # So that the log grows, and what is in it stays.
        server.fill()
        gone = clinic(server, contactPhone="555-0188")
        assert server.api("DELETE", f"/v1/clinics/{gone}").status == 204
        before = looks(server)
        assert server.clear_words() and server.keys_in_use() == {None}
        if running:
            server.kill()
            reader.rollback()
        else:
            reader.close()
            server.stop()
            assert b"555-0188" not in server.on_disk()  # What is deleted is overwritten.
            with closing(sqlite3.connect(server.database)) as db, db:
                db.execute("PRAGMA secure_delete = OFF")  # As it once may have been.
                db.execute("CREATE TABLE old AS SELECT replace(printf('%.*c', 40000, 'x'), 'x', 'Zz-Remnant') AS text")
                db.commit()
                db.execute("DROP TABLE old")
        assert running or b"Zz-Remnant" in server.on_disk()
        server.seal("k1")
        assert server.start().clear_words() and looks(server) == before
        assert "reseal" in server.cli("check").out
        if not running:
            server.stop()
        result = server.cli("reseal")
        assert result.code == 0 and "written anew" in result.out, result
        assert not server.clear_words() and server.keys_in_use() == {"k1"} and b"Zz-Remnant" not in server.on_disk()
        assert "reseal" not in server.cli("check").out
        again = server.cli("reseal")
        assert again.code == 0 and again.out.startswith("0 values") and "anew" not in again.out, again
        if not running:
            server.start()
        assert looks(server) == before
        with server.stopped() as db:
            db.execute("UPDATE clinics SET document = ?", [json.dumps({"clinicId": "by hand"})])
        again = server.cli("reseal")
        assert again.code == 0 and again.out.startswith("1 values sealed with k1, of which 1 were in clear\nthe file was written anew"), again


def test_rotation_under_load():
    """A key comes, everything is sealed with it, and the one before it goes, while webhooks are answered 200 and none of them is lost."""
    with Server("k1") as server:
        sending = load.Load(server)
        sending.wait_accepted(50)
        server.seal("k2", "k1")
        server.reload()
        sending.wait_accepted(50)
        assert server.keys_in_use() == {"k1", "k2"}
        server.seal("k2")
        server.reload("configuration not reloaded")  # The other is in use.
        server.seal("k2", "k1")
        result = server.cli("reseal")
        assert result.code == 0 and "k2" in result.out, result
        old = base64.b64decode(server.keys["k1"])
        assert holds(server, old)
        server.seal("k2")
        server.reload()
        sending.wait_accepted(50)
        sending.end()
        assert not holds(server, old) and holds(server, base64.b64decode(server.keys["k2"]))
        assert not sending.refused and server.keys_in_use() == {"k2"}
        assert sending.accepted.keys() <= {event["id"] for event in server.events()}
        server.restart()
        assert len(server.list("events", "list", "--limit", "100000")) == len(server.events()) >= len(sending.accepted)


def start(server):
    """Try to serve, and return why that fails."""
    result = server.cli("serve")
    assert result.code == 1
    return result.err


def test_keys_that_do_not_fit():
    """Without its keys, or with others, nothing starts, nothing is shown, and it is said why."""
    server = Server("k1")
    with server:
        event_id = add(server)[0]
    good = dict(server.made)
    server.settings.pop("seal_key_file")
    server.write_config()
    assert "sealed with the key k1, which is not in seal_key_file" in start(server)
    for command in (("events", "show", event_id), ("events", "list"), ("quarantine", "list"), ("check",), ("reseal",)):
        result = server.cli(*command)
        assert result.code == 1 and "sealed with the key k1" in result.err, result
    server.made.clear()
    server.seal("k1")
    server.write_config()
    assert "another than the one it is sealed with" in start(server)
    path, key = server.directory / "keys", server.keys["k1"]
    path.chmod(0o644)
    assert "chmod 600" in start(server)
    path.chmod(0o600)
    for text, why in (("", "holds no key"), (f"k1 {key[:-4]}\n", "keys:1: a key is 32 bytes"), (f"{key}\n", "keys:1: an id is"),
                      (f"k1 {key}\nk2 {key}\n", "keys:2: this key is used twice")):
        path.write_text(text)
        said = start(server)
        assert why in said and key[:20] not in said
    path.unlink()
    assert "No such file" in start(server)
    server.made = good
    server.seal("k1")
    with server:
        assert server.events()[0]["id"] == event_id and server.api("GET", f"/v1/events/{event_id}").status == 200
        path.write_text("k1 no-key\n")
        server.reload("configuration not reloaded")
        add(server)


def test_damaged_values():
    """What was changed, cut, or moved from another row or column is refused; it becomes a dead letter, and holds up nobody."""
    with Server("k1") as server:
        consumer = Consumer(server, origins=["dentrix", "own"])
        events = add(server, 6)
        body, other = ledger.encode(own.row(id="same")), ledger.encode(own.row(id="same", patientName=MARK))
        assert server.post("own", body).status == 200
        bad = ledger.encode({"id": harness.fresh()})
        assert server.post("dentrix", bad).status == 400
        name = clinic(server)
        first, second, third, fourth = (f"id = x'{one}'" for one in events[:4])
        with server.stopped() as db:
            detail = f"(SELECT detail FROM events WHERE {first})"
            db.execute(f"UPDATE events SET detail = {detail} WHERE {second}")
            db.execute("UPDATE events SET detail = content, content = detail WHERE origin = 'own'")
            db.execute(f"UPDATE events SET detail = substr(detail, 1, length(detail) - 1) WHERE {third}")
            flipped = bytearray(db.execute(f"SELECT detail FROM events WHERE {fourth}").fetchone()[0])
            flipped[40] ^= 1
            db.execute(f"UPDATE events SET detail = ? WHERE {fourth}", [bytes(flipped)])
            db.execute("UPDATE quarantine SET body = head")
            db.execute("UPDATE clinics SET document = zeroblob(60)")
        damaged = [*events[1:4], server.list("events", "list", "--source", "own")[0]["id"]]
        for one in damaged:
            answer = server.api("GET", f"/v1/events/{one}")
            assert (answer.status, answer.problem["title"]) == (500, "Sealed data can't be read")
            assert "can't be read" in server.cli("events", "show", one).err
        listed = {row["id"]: row for row in server.list("events", "list")}
        assert [one for one in listed if listed[one].get("damaged")] == damaged
        assert ids(consumer.claim()) == [events[0], *events[4:]] and not consumer.claim()
        assert [letter["event"]["id"] for letter in consumer.dead()] == damaged
        assert server.log.wait_for("a sealed value can't be read", column="events.detail")
        assert server.post("own", other).json["duplicate"] and server.post("own", body).json["duplicate"]
        [row] = server.list("quarantine", "list")
        assert server.cli("quarantine", "retry", row["id"]).out == f"{row['id']} can't be unsealed\n"
        assert server.post("dentrix", bad).status == 400  # What comes again takes the place of what can't be read.
        assert server.cli("quarantine", "show", row["id"]).code == 0
        assert server.api("GET", f"/v1/clinics/{name}").status == 500
        assert server.api("PUT", f"/v1/clinics/{name}", {"clinicId": name, "name": "New", "timezone": "America/New_York"}).status == 200
        assert add(server)[0] == ids(consumer.claim())[0]
        result = server.cli("reseal")
        assert result.code == 0  # All of it bears the key's id, and is not looked into.
        server.seal("k2", "k1")
        server.reload()
        result = server.cli("reseal")
        assert result.code == 1 and "5 values can't be unsealed" in result.err, result
        server.seal("k2")
        server.reload("configuration not reloaded")
