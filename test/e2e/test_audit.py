"""The audit: every change and every look at patient data is a row on disk before the answer, and whatever becomes of a row is found."""
import fcntl
import hmac
import itertools
import json
import os
import pwd
import re
import shutil
import sqlite3
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException

import disk
import harness
import lab
import ledger
import oracle
import pytest
import wire
from test_consumers import Consumer
from test_disk import HALF, preloaded
from test_flows import settled

KINDS = dict(re.findall(r'^API\((\w+), \w+, "[^"]+", \w+, (\w+),', (harness.ROOT / "include/tbl/api.h").read_text(), re.M))
OPERATIONS = re.findall(r'^API\((\w+), (\w+), "([^"]+)"', (harness.ROOT / "include/tbl/api.h").read_text(), re.M)
MARK = "Zz-Madeup-Audited"  # In every text that a test has written freely.
ME = f"uid {os.getuid()} ({pwd.getpwuid(os.getuid()).pw_name})"
HARMLESS = {"openapi", "whoami", "consumers"}  # Operations that neither change anything nor give what may be patient data.
CLINIC = {"clinicId": "a", "name": MARK, "timezone": "America/New_York"}
CONSUMER = {"from": "start", "detailTypes": ["Noted"]}


class Server(lab.Server):
    """A server that has some of everything, with a mark in each text."""

    def __init__(self):
        super().__init__(settings={"flows": "on"})
        self.seen = 0

    def fill(self):
        """Have some of everything; what a request needs that is made later stands in `names`."""
        assert self.api("PUT", "/v1/clinics/a", CLINIC).status == 201
        assert self.post("dentrix", {"practiceId": "9", "patientName": MARK}).status == 400
        case = {"caseId": "a", "labId": "LAB001", "clinicId": "a", "requestedDeliveryDate": "2030-01-02", "notes": MARK, "patientName": MARK}
        window = {"windowStart": "2030-01-02T10:00:00Z", "windowEnd": "2030-01-02T11:00:00Z"}
        self.publish(lab.envelope(source="cases.production", detailType="CaseReadyToShip", detail=case),
                     lab.envelope(detailType="PickupRequested", detail={"pickupId": "a", "clinicId": "a", **window, "notes": MARK, "isRush": True}),
                     *(lab.envelope(detail={"note": MARK, "n": n}) for n in range(9)), token="admin")
        invoice = {"clinicId": "a", "amountMinor": 1, "currency": "USD", "caseIds": ["a"]}
        assert self.api("PUT", "/v1/invoices/a", invoice).status == 201
        assert self.api("PUT", "/v1/consumers/a", CONSUMER).status == 201
        self.dead, *self.leases = [claim["lease"] for claim in self.claim(5)["claims"]]
        assert self.api("POST", "/v1/consumers/a/nack", {"leases": [self.dead], "permanent": True, "error": MARK}).status == 200
        assert self.api("PUT", "/v1/consumers/b", CONSUMER).status == 201
        [letter] = self.api("POST", "/v1/consumers/b/claim", {"worker": MARK}).json["claims"]
        assert self.api("POST", "/v1/consumers/b/nack", {"leases": [letter["lease"]], "permanent": True, "error": MARK}).status == 200
        self.given_up = letter["event"]["seq"]
        settled(self)
        self.event = self.get("/v1/events?limit=1")["events"][0]["id"]
        self.letter = self.get("/v1/consumers/a/dead")["deadLetters"][0]["event"]["id"]
        self.pickup, self.delivery = (self.get(f"/v1/{kind}")[kind][0][key] for kind, key in (("pickups", "pickupId"), ("deliveries", "deliveryId")))
        self.kept = self.get("/v1/quarantine")["quarantine"][0]["id"]

    def claim(self, most):
        """Claim for a worker whose name somebody has typed."""
        return self.api("POST", "/v1/consumers/a/claim", {"worker": MARK, "max": most}).json

    def rows(self):
        """The rows that have come since this was asked last."""
        rows = self.query("SELECT seq, time, who, org, via, action, what, status FROM audit WHERE seq > ? ORDER BY seq", self.seen)
        self.seen = rows[-1]["seq"] if rows else self.seen
        return [{**row, "what": json.loads(row["what"])} for row in rows]

    def requests(self):
        """A request of each operation that changes or gives something, by its name: path, body, and what is told of it."""
        names = {"event": ("id", self.event), "quarantine_one": ("id", self.kept), "quarantine_retry": ("id", self.kept), "delivery": ("id", self.delivery),
                 "delivery_status": ("id", self.delivery), "pickup": ("id", self.pickup), "pickup_status": ("id", self.pickup)}
        bodies = {"consumer_put": {**CONSUMER, "maxAttempts": 4}, "consumer_replay": {"from": "start"}, "claim": {"worker": MARK, "max": 2},
                  "ack": {"leases": self.leases[:1]}, "nack": {"leases": self.leases[1:2], "error": MARK}, "extend": {"leases": self.leases[2:3]},
                  "publish": lab.envelope(detail={"note": MARK}), "clinics_import": [CLINIC], "clinic_put": CLINIC,
                  "invoice_put": {"clinicId": "a", "amountMinor": 2, "currency": "USD", "caseIds": ["a"]},
                  "pickup_status": {"status": "Assigned", "driver": {"name": MARK, "phone": "555-0177"}},
                  "delivery_status": {"status": "InTransit", "driver": {"name": MARK, "phone": "555-0177"}}}
        for name, method, path in OPERATIONS:
            part, value = names.get(name, (None, "a"))
            told = {found: self.letter if name == "dead_retry" and found == "id" else value for found in re.findall(r"{(\w+)}", path)}
            yield name, method, path.format(**told), bodies.get(name), told


@pytest.fixture(scope="module")
def api():
    """A server that the tests of this file use one after the other: the last of them stops it."""
    with Server() as running:
        running.fill()
        running.rows()
        yield running


def last_of(operation):
    """What takes away what others need comes last."""
    return operation[0] in ("consumer_delete", "clinic_delete"), operation[0] in ("consumer_replay", "quarantine_retry", "quarantine_retry_all", "dead_retry_all")


def test_every_operation(api):
    """A request of each operation makes one row if it is a look or a change, and none else: with who, from where, which and the answer's status."""
    assert set(KINDS) == {name for name, *_ in OPERATIONS} and {name for name, kind in KINDS.items() if kind == "NEITHER"} == HARMLESS
    for name, method, path, body, told in sorted(api.requests(), key=last_of):
        if name == "stream":
            continue
        before = harness.now()
        answer = api.api(method, path, body)
        rows = api.rows()
        assert answer.status < 300, (name, answer.status, answer.body)
        if KINDS[name] == "NEITHER":
            assert not rows, name
            continue
        if name == "quarantine_retry_all":
            told = {"id": api.kept, "result": "still faulty"}
        assert (KINDS[name] == "CHANGE") == (method != "GET"), name
        [row] = rows
        assert row["what"].items() >= told.items(), name
        assert before <= row["time"] <= harness.now()
        assert (row["who"], row["org"], row["via"], row["action"], row["status"]) == ("default", "default", "127.0.0.1", name, answer.status), name
    assert api.api("PUT", "/v1/consumers/a", CONSUMER).status == 201 and api.api("PUT", "/v1/clinics/a", CLINIC).status == 201
    assert [row["status"] for row in api.rows()] == [201, 201]


def stretches(numbers):
    """Numbers that go up, or down, by one as FIRST-LAST, with commas between."""
    parts, step = [[numbers[0]]], None
    for last, number in itertools.pairwise(numbers):
        if abs(number - last) == 1 and step in (None, number - last):
            step = number - last
            parts[-1][1:] = [number]
        else:
            step = None
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def test_what_is_told(api):
    """Rows are told by their numbers, in stretches, and parameters by their names."""
    seqs = [claim["event"]["seq"] for claim in api.claim(3)["claims"]]
    shown = [event["seq"] for event in api.get("/v1/events?limit=3&detailType=Noted")["events"]]
    clinics = api.get("/v1/clinics", token="read")["clinics"]
    claimed, looked, listed = api.rows()
    assert claimed["what"] == {"name": "a", "count": 3, "rows": stretches(seqs)}
    assert looked["who"] == "read" and looked["what"] == {"params": ["detailType", "limit"], "count": 3, "rows": stretches(shown)}
    assert listed["what"] == {"count": 1, "ids": [clinics[0]["clinicId"]]}


def test_what_makes_no_row(api):
    """Whoever is given nothing and changes nothing makes no row, but whoever tries what his role does not allow does."""
    for name, method, path, _, _ in api.requests():
        assert api.ask(method, path, face="private").status == 401
        if KINDS[name] != "NEITHER" and name not in ("claim", "publish", "stream"):
            api.api(method, re.sub(r"(?<=/)(a|[0-9a-f]{32})\b", "nothing", path) + "?unknown=1", {} if method in ("PUT", "POST") else None)
    assert api.api("GET", "/v1/clinics/nothing").status == api.api("DELETE", "/v1/clinics/nothing").status == 404
    assert api.api("GET", f"/v1/pickups/{api.pickup}?as=nobody").status == 404
    assert api.api("PUT", "/v1/consumers/none", {**CONSUMER, "detailTypes": ["Unheard"]}).status == 201
    api.rows()
    assert api.api("POST", "/v1/consumers/none/claim", {"worker": "w", "waitSeconds": 1}).json["claims"] == []
    assert api.api("POST", "/v1/events", lab.envelope(source="ehr.dentrix")).status == 422
    assert api.rows() == []
    for name, method, path, body, _ in api.requests():
        if api.api(method, path, body, "publish").status == 403:
            [row] = api.rows()
            assert (row["who"], row["action"], row["status"], row["what"]) == ("publish", name, 403, {}), name
        api.rows()


def test_stream(api):
    """A stream is a row before anything of it comes, and another of what it gave once it has ended."""
    head = [("Authorization", f"Bearer {api.token}")]
    with closing(api.connect("private")) as connection:
        connection.connect()
        connection.sock.sendall(f"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n{head[0][0]}: {head[0][1]}\r\n\r\n".encode())
        text = b""
        while text.count(b"\ndata:") < 11 and (part := connection.sock.recv(65536)):
            text += part
        assert text.count(b"\ndata:") >= 11, text
        [begun] = api.rows()
    assert (begun["action"], begun["what"], begun["status"]) == ("stream", {"params": ["after"]}, 200)
    found = []
    disk.wait_for(lambda: found.extend(api.rows()) or found)
    [ended] = found
    assert ended["action"] == "stream_end" and ended["what"]["first"] == 1 and ended["what"]["count"] >= 11


def commands(api):
    """What is audited of the commands, as (arguments, action, what)."""
    (api.directory / "clinics.json").write_text(json.dumps([{**CLINIC, "clinicId": "b"}]))
    [first, last] = [api.query(f"SELECT {which}(seq) AS seq FROM events")[0]["seq"] for which in ("min", "max")]
    [seq] = [row["seq"] for row in api.events() if row["id"] == api.event]
    dead = {"name": "b", "count": 1, "first": api.given_up, "last": api.given_up}
    return [(("events", "list", "--show-phi"), "events list", {"count": last - first + 1, "first": first, "last": last}),
            (("events", "show", api.event, "--show-phi"), "events show", {"count": 1, "first": seq, "last": seq}),
            (("quarantine", "show", api.kept, "--show-phi"), "quarantine show", {"id": api.kept}),
            (("explain", "--quarantine", api.kept, "--show-phi"), "explain", {"id": api.kept}),
            (("quarantine", "retry", api.kept), "quarantine retry", {"id": api.kept, "result": "still faulty"}),
            (("clinics", "import", api.directory / "clinics.json"), "clinics import", {"id": "b"}),
            (("consumers", "dead", "b", "--show-phi"), "consumers dead", dead),
            (("backup", api.directory / "copy"), "backup", {})]


def check_commands(api, via):
    """Each makes its row, in the name of the user who runs it; masked, and in vain, none does."""
    for arguments, action, what in commands(api):
        result = api.cli(*arguments)
        [row] = api.rows()
        assert (row["who"], row["via"], row["action"], row["what"], row["status"]) == (ME, via, action, what, 200), result.err
    for arguments in (("events", "list"), ("events", "show", api.event), ("events", "show", "0" * 32, "--show-phi"), ("quarantine", "show", api.kept),
                      ("quarantine", "show", "0" * 32, "--show-phi"), ("quarantine", "retry", "0" * 32), ("explain", "--quarantine", api.kept),
                      ("events", "list", "--source", "nobody", "--show-phi"), ("consumers", "list"), ("consumers", "show", "a"), ("consumers", "dead", "a"),
                      ("consumers", "pause", "flows"), ("consumers", "dead", "nobody", "--show-phi"), ("consumers", "delete", "nobody"), ("audit", "list"), ("audit", "verify")):
        api.cli(*arguments)
    assert api.rows() == []


def test_commands(api):
    """Commands are audited by the running server, which knows who asks; and verified and listed meanwhile."""
    check_commands(api, "control socket")
    assert api.cli("limits", "clear").code == 0
    assert [row["action"] for row in api.rows()] == ["limits clear"]
    whole = api.query("SELECT seq, who, what FROM audit ORDER BY seq")
    assert [(row["seq"], row["who"], row["what"]) for row in api.list("audit", "list", "--limit", "100000")] \
        == [(row["seq"], row["who"], json.loads(row["what"])) for row in whole]
    assert [row["seq"] for row in api.list("audit", "list", "--who", ME, "--limit", "2")] == [row["seq"] for row in whole if row["who"] == ME][-2:]
    assert api.list("audit", "list", "--since", "2099-01-01T00:00:00Z") == []
    told = api.cli("audit", "list").out
    assert "limits clear" in told and told.splitlines()[0].split()[-3:] == ["ACTION", "STATUS", "WHAT"]
    assert api.cli("audit", "verify").code == 0
    for wrong in (["audit"], ["audit", "verify", "--json"], ["audit", "list", "--head", "1:00"], ["audit", "verify", "--head", "1:00"], ["audit", "list", "--limit", "0"]):
        assert api.cli(*wrong).code == 2, wrong


def macs(api):
    """The chain as another program computes it from the manual's words."""
    key, before = (api.database.with_name("pickupd.db.audit-key")).read_bytes().rstrip(b"\n"), bytes(32)
    for row in api.query("SELECT * FROM audit ORDER BY seq"):
        texts = [row[name].encode() for name in ("who", "org", "via", "action", "what")]
        numbers = struct.pack(">qqq", row["seq"], row["time"], row["status"])
        before = hmac.digest(key, before + numbers + b"".join(struct.pack(">q", len(text)) + text for text in texts), "sha256")
        yield row["mac"], before


def cut(last):
    """Take rows away from the end."""
    return f"DELETE FROM audit WHERE seq > {last}"


COLUMNS = "time, who, org, via, action, what, status, mac"
HISTORY = [  # What is done to the rows with sqlite3, whether it takes the head to find it, and what is found; of N rows.
    ("UPDATE audit SET who = 'nobody' WHERE seq = 7", False, ["row 7: not as written"]),
    ("UPDATE audit SET what = replace(what, 'a', 'b'), status = 404 WHERE seq IN (4, 5, 9)", False, ["rows 4 to 5: not as written", "row 9: not as written"]),
    ("UPDATE audit SET time = time + 1 WHERE seq = 1", False, ["row 1: not as written"]),
    ("UPDATE audit SET mac = zeroblob(32) WHERE seq = 7", False, ["rows 7 to 8: not as written"]),
    ("DELETE FROM audit WHERE seq = 7", False, ["row 7: missing", "row 8: can't be proven"]),
    ("DELETE FROM audit WHERE seq BETWEEN 5 AND 7", False, ["rows 5 to 7: missing", "row 8: can't be proven"]),
    ("DELETE FROM audit WHERE seq < 3", False, ["rows 1 to 2: missing", "row 3: can't be proven"]),
    ("DELETE FROM audit WHERE seq = 7; UPDATE audit SET seq = seq - 1 WHERE seq > 7", False, ["rows 7 to {left}: not as written"]),
    ("UPDATE audit SET seq = -1 WHERE seq = 7; UPDATE audit SET seq = 7 WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = -1", False,
     ["rows 7 to 9: not as written"]),
    (f"INSERT INTO audit SELECT seq + 1, {COLUMNS} FROM audit ORDER BY seq DESC LIMIT 1", False, ["row {more}: not as written"]),
    (f"INSERT INTO audit SELECT -9223372036854775808, {COLUMNS} FROM audit WHERE seq = 1", False, ["rows -9223372036854775808 to 1: not as written"]),
    (f"INSERT INTO audit SELECT -5, {COLUMNS} FROM audit WHERE seq = 1", False, ["rows -5 to 1: not as written"]),
    ("DELETE FROM audit WHERE seq > {left}", True, ["row {rows}: missing at the end"]),
    ("DELETE FROM audit", True, ["rows 1 to {rows}: missing at the end"]),
]


def test_history_is_kept(api):
    """Stopped, commands write their rows themselves; the table refuses changes; each change that is forced upon it is found, and which."""
    logged = [json.loads(line)["head"] for line in api.log.lines if '"audit head"' in line]
    assert len(logged) == 1 and logged[0].startswith("0:")
    log, head = api.log, None
    api.stop()
    [head] = [json.loads(line)["head"] for line in log.lines if '"audit head"' in line][1:]
    assert api.database.with_name("pickupd.db.audit-key").stat().st_mode & 0o777 == 0o600
    assert api.cli("audit", "verify", "--head", head).out.endswith(f"all as they were written\nhead {head}\n")
    check_commands(api, "command")
    assert all(mac == computed for mac, computed in macs(api))
    check_private(api)
    rows = api.query("SELECT count(*) AS n FROM audit")[0]["n"]
    head = api.cli("audit", "verify").out.splitlines()[-1].removeprefix("head ")
    with closing(sqlite3.connect(api.database)) as db:
        for refused in ("UPDATE audit SET who = 'x' WHERE seq = 1", "DELETE FROM audit WHERE seq = 1"):
            with pytest.raises(sqlite3.IntegrityError, match="what was audited stays"):
                db.execute(refused)
        db.executescript("DROP TRIGGER audit_stays; DROP TRIGGER audit_stays_as_it_is; PRAGMA wal_checkpoint(TRUNCATE);")
    shutil.copy(api.database, api.directory / "whole.db")
    for sql, needs_head, found in HISTORY:
        names = {"rows": rows, "left": rows - 1, "more": rows + 1}
        shutil.copy(api.directory / "whole.db", api.database)
        with closing(sqlite3.connect(api.database)) as db:
            db.executescript(sql.format(**names) + "; PRAGMA wal_checkpoint(TRUNCATE);")
        without, result = api.cli("audit", "verify"), api.cli("audit", "verify", "--head", head)
        assert (without.code, result.code) == (0 if needs_head else 1, 1), sql
        wanted = [line.format(**names) for line in found]
        told = (result if needs_head else without).out.splitlines()[:-2]
        assert len(told) == len(wanted) and all(line.startswith(want) for line, want in zip(told, wanted)), (sql, told)
    shutil.copy(api.directory / "whole.db", api.database)
    other = head[:-1] + ("0" if head[-1] != "0" else "1")
    assert api.cli("audit", "verify", "--head", other).out.startswith(f"row {rows}: another than")
    (api.directory / "pickupd.db.audit-key").write_text("another-key-of-32-bytes-not-real\n")
    assert api.cli("audit", "verify").out.startswith(f"rows 1 to {rows}: not as written")
    (api.directory / "pickupd.db.audit-key").write_text("another-key-of-31-bytes-not-rea\n")
    assert api.cli("audit", "verify").code == 1
    (api.directory / "pickupd.db.audit-key").unlink()
    api.start()  # As after a restore elsewhere: it serves, and says so.
    assert api.log.find("the audit goes on with a new key, as the one it was begun with is not there")
    assert api.log.find("the last row of the audit was changed, or is of another key: see audit verify", seq=rows)
    api.api("GET", "/v1/clinics")
    assert api.cli("audit", "verify").out.startswith(f"rows 1 to {rows}: not as written")
    assert not api.restart().log.find("the last row of the audit was changed, or is of another key: see audit verify", seq=rows + 1)


def check_private(api):
    """No word of a patient, nothing that anybody has typed, and no secret is in the table."""
    text = json.dumps(api.query("SELECT who, org, via, action, what FROM audit"))
    assert MARK in api.query("SELECT group_concat(detail) AS all_of_it FROM events")[0]["all_of_it"]
    for word in {MARK, "555-0177", *ledger.WORDS, *ledger.SECRETS}:
        assert word not in text, word


class Caller(threading.Thread):
    """Changes and looks for as long as it is answered, and remembers what was."""

    def __init__(self, server, number, names):
        super().__init__(daemon=True)
        self.server, self.number, self.names, self.put, self.looks, self.sent = server, number, names, [], 0, 0
        self.start()

    def run(self):
        """Put clinics and look at them."""
        with closing(self.server.connect("private")) as connection:
            head = [("Authorization", f"Bearer {self.server.token}"), ("Content-Type", "application/json")]
            try:
                for n in self.names:
                    name = f"c-{self.number}-{n}"
                    body = ledger.encode({**CLINIC, "clinicId": name})
                    assert connection.ask("PUT", f"/v1/clinics/{name}", body, head).status == 201
                    self.put.append(name)
                    self.sent += 1
                    assert connection.ask("GET", f"/v1/clinics/{name}", None, head[:1]).status == 200
                    self.looks += 1
            except (OSError, EOFError, ValueError, HTTPException):
                pass  # Killed.


def test_killed():
    """Killed at any moment, the chain is whole, each answer has its row, and no change is without its row, nor a row without its change."""
    server, names, put, looks = lab.Server(), itertools.count(), set(), 0
    for _ in range(3):
        server.start()
        callers = [Caller(server, number, names) for number in range(4)]
        disk.wait_for(lambda: sum(caller.looks for caller in callers) > 60)
        server.kill()
        for caller in callers:
            caller.join(wire.TIMEOUT)
            put.update(caller.put)
            looks += caller.looks
        assert server.cli("audit", "verify").code == 0
        told = [json.loads(row["what"])["id"] for row in server.query("SELECT what FROM audit WHERE action = 'clinic_put'")]
        assert len(told) == len(set(told)) and set(told) == {row["clinic_id"] for row in server.query("SELECT clinic_id FROM clinics")}
        assert put <= set(told)
        assert looks <= server.query("SELECT count(*) AS n FROM audit WHERE action = 'clinic'")[0]["n"] <= looks + 12


def test_one_command_at_a_time():
    """Commands that look while no server runs take turns; one that does not get its turn shows nothing, and says why."""
    with Server() as server:
        server.publish(lab.envelope(detail={"note": MARK}))
        server.stop()

        def look(_):
            began = time.monotonic()
            return server.cli("events", "list", "--json", "--show-phi"), time.monotonic() - began
        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(look, range(6)))
        in_vain = [(result, took) for result, took in results if result.code != 0]
        assert len(in_vain) < 6 and all(MARK in result.out for result, _ in results if result.code == 0)
        assert all(took > 1.9 and "another command has the database" in result.err for result, took in in_vain)  # Whose turn came too late.
        with open(f"{server.database}.lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = server.cli("events", "list", "--show-phi")
            changed = server.cli("quarantine", "retry", "--all")
            clinic = server.directory / "clinic.json"
            clinic.write_text(json.dumps({"clinicId": "C-1", "name": "Fictional Dental", "timezone": "America/New_York"}))
            imported = server.cli("clinics", "import", clinic)
        for refused in (result, changed, imported):
            assert refused.code == 1 and not refused.out and "another command has the database" in refused.err
        assert server.cli("audit", "verify").code == 0
        server.start()


def test_no_room():
    """Where its row finds no room, a look is 503 and a command shows nothing; who lets go of an event is not held up."""
    with preloaded(lab.Server()) as (server, its):
        disk.can_hold(server.directory)
        assert server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())).status == 200
        consumer = Consumer(server, **{"from": "start"})
        leases = consumer.claim(max=1)
        [event] = server.get("/v1/events")["events"]
        path = f"/v1/events/{event['id']}"
        its.leave(HALF - 4096)
        disk.wait_for(lambda: server.ask("GET", "/readyz", face="private").status == 503)
        before = server.query("SELECT count(*) AS n FROM audit")
        assert [server.api("GET", where).status for where in (path, "/v1/events", "/v1/stream", "/v1/quarantine", "/v1/consumers")] == [503] * 4 + [200]
        shown = server.cli("events", "show", event["id"], "--show-phi")
        assert shown.code == 1 and not shown.out and "not audited" in shown.err
        assert server.cli("events", "show", event["id"]).code == 0
        assert server.api("GET", path, token="publish").status == 503
        assert server.query("SELECT count(*) AS n FROM audit") == before
        assert consumer.results("ack", leases) == ["acked"]
        its.leave(HALF)
        disk.wait_for(lambda: server.api("GET", path).status == 200)
        assert server.cli("audit", "verify").code == 0
