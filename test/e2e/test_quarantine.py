"""What is authentic but cannot be mapped is kept, counted, bounded, and retried once the reason is mended."""
import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timezone

import pytest

import harness
import ledger
import oracle
import own

DENTRIX_DEFINITION = harness.ROOT / "src/model/vendors/dentrix.json"


def zoneless():
    """A body that is good for a source with a time zone only."""
    return ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh(), time="2025-07-20T14:00:00"))


def without_zone(**settings):
    """A server whose only source lacks a time zone, so that zone-less times are faults; not yet started."""
    return harness.Server([oracle.source("dentrix", zone=None)], settings)


def set_zone(server, zone="America/New_York"):
    """Give the source a zone, or take it away, and start the server anew if it runs."""
    server.sources["dentrix"] = replace(server.sources["dentrix"], zone=zone)
    server.write_config()
    if server.process:
        server.restart()


def quarantine(server, body):
    """Post a body that is to be kept, and return its id and row."""
    assert server.post("dentrix", body).status == 400
    event_id = oracle.event_id("dentrix", body)
    return event_id, server.quarantined(event_id)


@contextmanager
def stopped_or_not(server, running):
    """Run the commands of a test with the server running, or stopped meanwhile."""
    if not running:
        server.stop()
    yield
    if not running:
        server.start()


@pytest.fixture(params=[True, False], ids=["running", "stopped"])
def running(request):
    """Whether commands find the server running, and go through its control socket, or open the database themselves."""
    return request.param


def check_event(server, body, first_seen):
    """The body is an event that bears its first arrival, and has left the quarantine."""
    event_id = oracle.event_id("dentrix", body)
    assert server.quarantined(event_id) is None
    row = server.event(event_id)
    assert row["time"] == first_seen
    arrival = datetime.fromtimestamp(first_seen / 1000, timezone.utc)
    assert json.loads(row["detail"]) == oracle.detail(server.sources["dentrix"], json.loads(body), arrival)


def test_first_arrival(server, vendor):
    """A faulty webhook is kept to the byte, with its source, its faults and its time."""
    body = ledger.encode({"notes": "Kept with care", "id": harness.fresh()})
    before = harness.now()
    answer = server.post(vendor, body)
    row = server.quarantined(oracle.event_id(vendor, body))
    assert before <= row["first_seen"] == row["last_seen"] <= harness.now()
    assert (row["origin"], row["org"], row["count"], bytes(row["body"])) == (vendor, "default", 1, body)
    assert json.loads(row["faults"]) == answer.json["errors"] == oracle.faults(oracle.VENDORS[vendor], {})


def test_repeats(server):
    """A repeat raises the count and the time of the last arrival, and nothing else."""
    body = ledger.encode({"id": harness.fresh()})
    _, first = quarantine(server, body)
    for count in (2, 3):
        harness.next_millisecond()
        _, row = quarantine(server, body)
        assert row["last_seen"] > first["last_seen"]
        assert row == {**first, "count": count, "last_seen": row["last_seen"]}


def test_success_clears():
    """The same webhook, sent again after the reason is mended, becomes an event with its first arrival and leaves the quarantine."""
    with without_zone() as server:
        body = zoneless()
        _, row = quarantine(server, body)
        harness.next_millisecond()
        set_zone(server)
        assert server.post("dentrix", body).json == oracle.answer(server.sources["dentrix"], body)
        check_event(server, body, row["first_seen"])
        assert server.post("dentrix", body).json["duplicate"] is True


def test_retry(running):
    """A retry stores what has become good, with its first arrival, and says so."""
    with without_zone() as server:
        body = zoneless()
        event_id, row = quarantine(server, body)
        set_zone(server)
        with stopped_or_not(server, running):
            result = server.cli("quarantine", "retry", event_id)
            assert (result.code, result.out) == (0, f"{event_id} stored\n"), result.err
        check_event(server, body, row["first_seen"])
        assert server.post("dentrix", body).json["duplicate"] is True


def test_retry_in_vain(running):
    """A retry of what is still faulty says why, fails, and keeps it."""
    with without_zone() as server:
        event_id, row = quarantine(server, zoneless())
        with stopped_or_not(server, running):
            result = server.cli("quarantine", "retry", event_id)
            assert (result.code, result.out) == (1, f"{event_id} still faulty: Invalid preferredPickupTime\n")
        assert {**server.quarantined(event_id), "faults": row["faults"]} == row
        assert server.events() == []


def test_retry_of_a_duplicate(running):
    """What an earlier pickupd quarantined though the event was there is a duplicate when it is retried, and leaves the quarantine."""
    with harness.Server() as server:
        body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        assert server.post("dentrix", body).status == 200
        first, event_id = server.events(), oracle.event_id("dentrix", body)
        server.stop()
        with closing(sqlite3.connect(server.database)) as db, db:
            db.execute("INSERT INTO quarantine (id, origin, org, first_seen, last_seen, count, faults, body)"
                       " SELECT id, origin, org, 1, 1, 1, '[]', ? FROM events", [body])
        server.start()
        assert server.quarantined(event_id)
        with stopped_or_not(server, running):
            result = server.cli("quarantine", "retry", event_id)
            assert (result.code, result.out) == (0, f"{event_id} duplicate\n")
        assert server.quarantined(event_id) is None
        assert server.events() == first


def test_repeat_that_would_now_be_faulty():
    """A webhook that was stored before its source lost its zone is a duplicate when it comes again, and not for quarantine."""
    with without_zone() as server:
        body = zoneless()
        set_zone(server)
        assert server.post("dentrix", body).status == 200
        first = server.events()
        set_zone(server, None)
        answer = server.post("dentrix", body)
        assert (answer.status, answer.json["duplicate"], answer.json["eventId"]) == (200, True, first[0]["id"])
        assert server.counted("dentrix") == {"duplicate": 1}
        assert (server.events(), server.quarantined(first[0]["id"])) == (first, None)


def test_replay_under_another_header():
    """Whoever sends a captured webhook again, with another of the headers that nobody signed, fills no quarantine."""
    made = own.definition(events=[own.event(when={"header:X-Kind": "booked"})])
    with own.Server(made) as server:
        row = own.row()
        status, answer = server.send(row, [("X-Kind", "booked")])
        assert status == 200
        for headers in ([], [("X-Kind", "left")], [("X-Kind", "booked"), ("X-Kind", "left")]):
            assert server.send(row, headers) == (200, {**answer, "duplicate": True})
        assert len(server.events()) == 1 and server.kept() == {}


def test_retry_all(running):
    """All can be retried at once, or all of one source; one that is still faulty makes the command fail."""
    sources = [oracle.source("dentrix", zone=None), oracle.source("annex", "dentrix", zone=None, id_prefix="annex")]
    with harness.Server(sources) as server:
        bodies = [zoneless(), zoneless(), ledger.encode({"id": harness.fresh()})]
        mended = [quarantine(server, body)[0] for body in bodies[:2]]
        faulty, _ = quarantine(server, bodies[2])
        assert server.post("annex", bodies[0]).status == 400
        other = oracle.event_id("annex", bodies[0])
        set_zone(server)
        with stopped_or_not(server, running):
            result = server.cli("quarantine", "retry", "--all", "--source", "dentrix")
            assert result.code == 1
            assert set(result.out.splitlines()) == {
                *(f"{event_id} stored" for event_id in mended),
                f"{faulty} still faulty: Missing externalId, Missing practiceId, Missing preferredPickupTime"}
            again = server.cli("quarantine", "retry", "--all").out.splitlines()
            assert {line.split()[0] for line in again} == {faulty, other}
        assert {row["id"] for row in server.events()} == set(mended)


def test_retry_of_nothing(running):
    """To retry an id that is not in quarantine is an error; to retry all of none is not."""
    with without_zone() as server, stopped_or_not(server, running):
        assert server.cli("quarantine", "retry", "0" * 32).code == 1
        assert (server.cli("quarantine", "retry", "--all").code, server.events()) == (0, [])


def test_mended_definition(running):
    """A definition of one's own that looks for a field in the wrong place keeps its webhooks in quarantine until the file is mended."""
    server = harness.Server([oracle.source("own", "mine")])
    server.settings["vendor_dir"] = server.directory
    right = DENTRIX_DEFINITION.read_text().replace('"vendor": "dentrix"', '"vendor": "mine"')
    file = server.directory / "mine.json"
    file.write_text(right.replace('"practiceId"', '"practiceNumber"'))
    with server:
        body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        assert server.post("own", body).refusal == (400, {"error": "Invalid webhook data", "errors": ["Missing practiceNumber"]})
        event_id = oracle.event_id("own", body)
        first_seen = server.quarantined(event_id)["first_seen"]
        file.write_text(right)
        server.restart()
        with stopped_or_not(server, running):
            assert server.cli("quarantine", "retry", event_id).out == f"{event_id} stored\n"
        row = server.event(event_id)
        assert (row["time"], json.loads(row["detail"])["clinicId"], server.quarantined(event_id)) == (first_seen, "CLI-001", None)
        assert server.post("own", body).json["duplicate"] is True


def test_row_limit():
    """At the limit of rows a new faulty webhook is not taken; a repeat still is, and a retry makes room again."""
    with without_zone(quarantine_rows=2) as server:
        kept = [quarantine(server, body)[0] for body in (zoneless(), zoneless())]
        late = zoneless()
        assert server.post("dentrix", late).is_unavailable()
        assert {row["id"] for row in server.query("SELECT lower(hex(id)) AS id FROM quarantine")} == set(kept)
        set_zone(server)
        assert server.cli("quarantine", "retry", kept[0]).code == 0
        set_zone(server, None)
        assert server.post("dentrix", late).status == 400


def test_byte_limit():
    """At the limit of bytes a body that does not fit is not taken, and one that does still is; heads count, too."""
    with without_zone(quarantine_bytes=1500) as server:
        assert server.post("dentrix", b"{".ljust(600)).status == 400
        assert server.post("dentrix", b"[".ljust(999)).is_unavailable()
        assert server.post("dentrix", b"{".ljust(600)).status == 400
        head = server.query("SELECT length(head) AS bytes FROM quarantine")[0]["bytes"]  # The same for all: the lengths have three digits.
        assert server.post("dentrix", b"[".ljust(901 - 2 * head)).is_unavailable()
        assert server.post("dentrix", b"[".ljust(900 - 2 * head)).status == 400
        assert server.post("dentrix", b"[".ljust(100)).is_unavailable()
        assert server.query("SELECT sum(length(body) + length(head)) AS bytes FROM quarantine") == [{"bytes": 1500}]


def test_limits_survive_a_restart():
    """What was kept before a restart counts after it."""
    with without_zone(quarantine_rows=1) as server:
        quarantine(server, zoneless())
        server.restart()
        assert server.post("dentrix", zoneless()).is_unavailable()


def test_list_and_show(running):
    """The commands list what is kept, by source, and show one; the body only if asked for."""
    with harness.Server() as server:
        bodies = {name: ledger.encode(oracle.payload(vendor, id="", notes="Seen by few")) for name, vendor in oracle.VENDORS.items()}
        for name, body in bodies.items():
            server.post(name, body)
            server.post(name, body)
        with stopped_or_not(server, running):
            records = server.list("quarantine", "list")
            for record in records:
                name, row = record["origin"], server.quarantined(record["id"])
                assert record == {"id": oracle.event_id(name, bodies[name]), "origin": name, "org": "default",
                                  "firstSeen": record["firstSeen"], "lastSeen": record["lastSeen"], "count": 2, "bytes": len(bodies[name]),
                                  "faults": [f"Missing {oracle.VENDORS[name].fields['id']}"]}
                for key, column in (("firstSeen", "first_seen"), ("lastSeen", "last_seen")):
                    assert record[key][:19] == oracle.iso(datetime.fromtimestamp(row[column] / 1000, timezone.utc))[:19]
            assert {record["origin"] for record in records} == set(oracle.VENDORS)
            assert [record["origin"] for record in server.list("quarantine", "list", "--source", "eaglesoft")] == ["eaglesoft"]
            event_id = oracle.event_id("dentrix", bodies["dentrix"])
            assert "Seen by few" not in server.cli("quarantine", "show", event_id, "--json").out
            shown = server.cli("quarantine", "show", event_id, "--json", "--show-phi")
            assert json.loads(shown.out)["body"] == bodies["dentrix"].decode()
            for command in (["list"], ["show", event_id]):
                text = server.cli("quarantine", *command)
                assert text.code == 0 and event_id in text.out and "Missing externalId" in text.out
            assert server.cli("quarantine", "show", "0" * 32).code == 1


def test_without_their_keys_all_are_kept():
    """Webhooks that lack what would name them are told apart by their bytes, so that none is lost for another."""
    definition = json.loads(DENTRIX_DEFINITION.read_text())
    definition["vendor"], definition["event"]["key"] = "keyed", ["delivery"]
    server = harness.Server([oracle.source("dentrix", "keyed")])
    server.settings["vendor_dir"] = server.directory
    (server.directory / "keyed.json").write_text(json.dumps(definition))
    with server:
        for body in (zoneless(), zoneless()):
            event_id, row = quarantine(server, body)
            assert row is not None and row["body"] == body and json.loads(row["faults"])[0] == "Missing delivery"
            assert server.post("dentrix", body).status == 400
            assert server.quarantined(event_id)["count"] == 2
