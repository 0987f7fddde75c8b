"""retention_days: what is old goes and is counted, nothing that somebody wants goes, and nobody waits for who is silent."""
import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone

import dispatcher
import harness
import ledger
import metrics
import oracle
import pytest

DAY = 86_400_000
KEPT = 40  # Days.


def change(server, *statements):
    """Write the database of a server that does not run."""
    with closing(sqlite3.connect(server.database)) as db, db:
        for sql, *values in statements:
            db.execute(sql, values)


def add(server, count=1):
    """Post webhooks, and return their seqs."""
    posted = [server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())).json["eventId"] for _ in range(count)]
    return [server.event(event)["seq"] for event in posted]


def put(server, name, **settings):
    """Make a consumer that begins where the log does."""
    assert server.api("PUT", f"/v1/consumers/{name}", {"from": "start", **settings}).status == 201


def claim(server, name, count=100):
    """Claim, and return what was given."""
    return server.api("POST", f"/v1/consumers/{name}/claim", {"worker": "tester", "max": count}).json["claims"]


def say(server, name, verb, claims, **more):
    """Say something of claims."""
    assert server.api("POST", f"/v1/consumers/{name}/{verb}", {"leases": [row["lease"] for row in claims], **more}).status == 200


def look(server, name):
    """How a consumer is."""
    [row] = [row for row in server.api("GET", "/v1/consumers").json["consumers"] if row["name"] == name]
    return row


def age(server, days, *seqs):
    """Let events have arrived so many days ago."""
    change(server, *(("UPDATE events SET time = ? WHERE seq = ?", harness.now() - days * DAY, seq) for seq in seqs))


def silence(server, name, days):
    """Let a consumer not have been heard of for so many days."""
    change(server, ("UPDATE consumers SET seen = ? WHERE name = ?", harness.now() - days * DAY, name))


def purged(server):
    """The seqs whose details have gone."""
    return [row["seq"] for row in server.events() if row["detail"] is None]


def run(server):
    """Start it, wait until a purge has come to its end, and return what it said."""
    server.start()
    return {key: value for key, value in server.log.wait_for("purged").items() if key not in ("time", "level", "msg")}


def start_with(**settings):
    """A server that keeps things for 40 days."""
    return harness.Server(settings={"retention_days": KEPT, **settings})


def test_nothing_goes_unless_asked():
    """Without retention_days everything is kept, however old; nor is anybody told of."""
    with harness.Server() as server:
        put(server, "quiet")
        seqs = add(server, 2)
        server.stop()
        age(server, 9000, *seqs)
        silence(server, "quiet", 9000)
        with server:
            assert add(server) and purged(server) == []
            assert not server.log.find("purged") and look(server, "quiet")["missed"] == 0


def test_events_that_nobody_wants():
    """The detail of an old event goes, its row stays as the id's memory, and what is younger stays whole."""
    with start_with() as server:
        payload = oracle.minimal(oracle.DENTRIX, id=harness.fresh())
        first = server.post("dentrix", payload).json["eventId"]
        more = add(server, 250)
        server.stop()  # The flows are off: they wanted all of them, and nobody waits for them.
        age(server, KEPT + 1, *more[:240])
        age(server, KEPT + 1, server.event(first)["seq"])
        assert run(server) == {"days": KEPT, "events": 241, "missed": 241}
        rows = server.query("SELECT who, via, status, what FROM audit WHERE action = 'purge' ORDER BY seq")
        assert {(row["who"], row["via"], row["status"]) for row in rows} == {("pickupd", "retention_days", 200)}
        assert sum(json.loads(row["what"])["events"] for row in rows) == 241 and server.cli("audit", "verify").code == 0
        assert purged(server) == [server.event(first)["seq"], *more[:240]]
        assert server.post("dentrix", payload).json["duplicate"]
        assert look(server, "flows")["missed"] == 241
        assert "(purged)" in server.cli("events", "show", first).out
        assert server.api("GET", f"/v1/events/{first}").json["event"]["detail"] is None
        assert [row["detail"] is None for row in server.api("GET", "/v1/events?limit=1000").json["events"]].count(True) == 241


def test_who_wants_an_event_holds_it():
    """A cursor that is behind, a lease, a wait for another try and a young dead letter hold events, the latter without those behind them."""
    with start_with() as server:
        for name in ("behind", "working"):
            put(server, name)
        seqs = add(server, 7)
        claims = claim(server, "working")
        say(server, "working", "nack", claims[1:2], retryAfterSeconds=3000)
        say(server, "working", "nack", claims[2:4], permanent=True)
        say(server, "working", "ack", claims[4:])
        say(server, "behind", "ack", claim(server, "behind", 6))
        server.stop()
        age(server, KEPT + 1, *seqs)
        silence(server, "flows", 99)
        change(server, ("UPDATE claims SET due = ? WHERE state = 2 AND seq = ?", harness.now() - (KEPT + 1) * DAY, seqs[2]),
               ("UPDATE claims SET due = ? WHERE state = 0", harness.now() + DAY))
        assert run(server) == {"days": KEPT, "events": 3, "missed": 3, "dead_letters": 1}
        assert purged(server) == [seqs[2], *seqs[4:6]]  # Not the leased one, the one that waits, the one that died; nor the one that is ahead.
        assert [row["seq"] for row in server.query("SELECT seq FROM purge_left")] == [*seqs[:2], seqs[3]]  # Not all that is ahead of somebody.
        say(server, "behind", "ack", claim(server, "behind"))
        [letter] = server.api("GET", "/v1/consumers/working/dead").json["deadLetters"]
        assert letter["event"]["seq"] == seqs[3] and letter["event"]["detail"]
        say(server, "working", "ack", claims[:1])
        server.stop()
        assert run(server) == {"days": KEPT, "events": 2, "missed": 2}
        assert purged(server) == [seqs[0], seqs[2], *seqs[4:]]
        assert not server.log.find("a consumer is silent: soon what it has not done is purged")


def test_a_clock_that_ran_ahead():
    """Events of a time to come, however many, and younger ones with an old one behind them hold up nothing, and go in their time."""
    with start_with() as server:
        ahead, young, old, *rest = add(server, 101), add(server), add(server), *add(server, 2)
        server.stop()
        age(server, -9000, *ahead)
        age(server, KEPT - 1, *young, rest[0])
        age(server, KEPT + 1, *old)
        assert run(server) == {"days": KEPT, "events": 1, "missed": 1}
        assert purged(server) == old and [row["seq"] for row in server.query("SELECT seq FROM purge_left")] == ahead + young
        server.stop()
        age(server, KEPT + 1, *ahead, *young)
        assert run(server) == {"days": KEPT, "events": 102, "missed": 102}
        assert purged(server) == ahead + young + old and not server.query("SELECT seq FROM purge_left")


def test_silent_consumers():
    """From 23 days of silence on the log tells of a consumer that is behind, and after 30 it holds back nothing: what it misses is counted."""
    with start_with() as server:
        for name in ("gone", "soon", "idle", "asks"):
            put(server, name, **({"sources": ["ehr.nobody"]} if name == "asks" else {}))
        seqs = add(server, 3)
        claim(server, "gone", 1)
        say(server, "idle", "ack", claim(server, "idle"))
        server.stop()
        age(server, KEPT + 1, *seqs)
        for name, days in (("gone", 30), ("soon", 24), ("idle", 25), ("asks", 31), ("flows", 25)):
            silence(server, name, days)
        with server:
            told = server.log.wait_for("a consumer is silent: soon what it has not done is purged")
            assert (told["level"], told["consumer"], told["silent_days"], told["days_left"]) == ("warn", "soon", 24, 6)
            assert not any(server.log.find(told["msg"], consumer=name) for name in ("idle", "gone", "flows"))  # The flows are off.
            assert purged(server) == []  # The one that is silent soon is waited for.
            assert claim(server, "soon", 1)[0]["event"]["seq"] == seqs[0]
            assert datetime.fromisoformat(look(server, "soon")["seen"]).timestamp() > harness.now() / 1000 - 3600
            server.stop()
        silence(server, "soon", 30)
        assert run(server) == {"days": KEPT, "events": 3, "missed": 9}
        told = server.log.wait_for("a consumer has been silent for so long that it missed events", consumer="gone")
        assert (told["level"], told["missed"], told["silent_days"]) == ("warn", 3, 30)
        assert (purged(server), [look(server, name)["missed"] for name in ("gone", "soon", "idle", "asks")]) == (seqs, [3, 3, 0, 0])
        [later] = add(server)
        assert [row["event"]["seq"] for row in claim(server, "gone")] == [later]
        assert look(server, "gone")["inFlight"] == 1 and look(server, "gone")["missed"] == 3


OLD, YOUNG = KEPT + 1, KEPT - 1


@pytest.fixture(scope="module")
def swept():
    """A server in whose tables stands an old row of each kind, and one that is too young or not over."""
    server = start_with(notify_url="http://127.0.0.1:9/")  # Without one, notices do not wait for long.
    server.variables["PICKUPD_NOTIFY_SECRET"] = dispatcher.SECRET
    ledger.SECRETS.add(dispatcher.SECRET)
    with server:
        server.stop()
    then = {days: harness.now() - days * DAY for days in (OLD, YOUNG)}
    date = {days: datetime.fromtimestamp(then[days] / 1000, timezone.utc).strftime("%Y-%m-%d") for days in then}
    statements = []
    for number, (seen, name) in enumerate([(OLD, "old"), (YOUNG, "young")]):
        statements.append(("INSERT INTO quarantine (id, origin, org, first_seen, last_seen, count, faults, body) VALUES (?, 'dentrix', 'default', ?, ?, 2, '[]', ?)",
                           name.encode().ljust(16), then[OLD], then[seen], b"x" * 100))
    for state, (days, key) in enumerate([(OLD, "pending"), (OLD, "sent"), (OLD, "dead"), (OLD, "kept"), (YOUNG, "young")]):
        statements.append(("INSERT INTO notices (org, kind, key, time, detail, state, attempts, due, error) VALUES ('default', 'pickup.rush', ?, ?, '{}', ?, 0, ?, '')",
                           key, then[days], state % 4 or (1 if key == "young" else 0), harness.now() + 3600_000))
    for name, status, end, updated in [("over", "Completed", OLD, OLD), ("missed", "Pending", OLD, OLD), ("moved", "Assigned", OLD, YOUNG), ("recent", "Cancelled", YOUNG, OLD)]:
        statements.append(("INSERT INTO pickups (org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority, window_start, window_end, detail, seq, created, updated)"
                           " VALUES ('default', 'dentrix', ?, '', '', 'C', 'L', ?, 'STANDARD', ?, ?, '{}', 1, ?, ?)", name, status, then[end] - 3600_000, then[end], then[OLD], then[updated]))
    for name, ended, seq in [("ended", 1, 0), ("ended later", 1, 99), ("live", 0, 0)]:
        statements.append(("INSERT INTO schedules (org, origin, pickup_id, detail, skipped, horizon, seq, ended) VALUES ('default', 'dentrix', ?, '{}', '[]', '2030-01-01', ?, ?)", name, seq, ended))
    for name, status, day, updated in [("done", "Delivered", OLD, OLD), ("failed", "Failed", YOUNG, OLD), ("forgotten", "Pending", OLD, OLD), ("due", "Pending", YOUNG, OLD), ("late", "Delivered", OLD, YOUNG)]:
        statements.append(("INSERT INTO deliveries (org, delivery_id, lab_id, clinic_id, date, status, priority, notes, proof, seq, created, updated)"
                           " VALUES ('default', ?, 'L', 'C', ?, ?, 'STANDARD', '', '{}', 1, ?, ?)", name, date[day], status, then[OLD], then[updated]))
        statements.append(("INSERT INTO delivery_cases (org, case_id, delivery_id, priority, detail, place, seq) VALUES ('default', ?, ?, 'STANDARD', '{}', 1, 1)", name, name))
    for name, updated in [("old", OLD), ("young", YOUNG)]:
        statements.append(("INSERT INTO invoices (org, invoice_id, clinic_id, amount_minor, currency, status, delivered, seq, updated) VALUES ('default', ?, 'C', 1, 'USD', 'Delivered', '{}', 1, ?)",
                           name, then[updated]))
    change(server, *statements)
    server.said = run(server)
    yield server
    server.stop()


LEFT = {
    "quarantine": ("CAST(id AS TEXT)", ["young           "]),
    "notices": ("key", ["pending", "young"]),
    "pickups": ("pickup_id", ["moved", "recent"]),
    "schedules": ("pickup_id", ["ended later", "live"]),
    "deliveries": ("delivery_id", ["due", "late"]),
    "delivery_cases": ("case_id", ["due", "late"]),
    "invoices": ("invoice_id || ' ' || (delivered IS NULL)", ["old 1", "young 0"]),
}


@pytest.mark.parametrize("table", LEFT)
def test_other_tables(swept, table):
    """What is over and old goes; what is young, or not over, stays."""
    column, left = LEFT[table]
    assert sorted(row["what"] for row in swept.query(f"SELECT {column} AS what FROM {table}")) == left


def test_what_was_purged_is_said(swept):
    """One line for the run, with counts and nothing else; and the audit has the same."""
    counts = Counter()
    for row in swept.query("SELECT what FROM audit WHERE action = 'purge'"):  # One a step.
        counts.update({**json.loads(row["what"]), "days": 0})
    assert {**counts, "days": KEPT} == swept.said
    assert swept.said == {"days": KEPT, "quarantine": 1, "notices": 3, "pickups": 2, "schedules": 1, "deliveries": 3, "delivery_cases": 3, "invoice_proofs": 1}


def test_purged_quarantine_makes_room():
    """Rows that were purged do not count for quarantine_rows any more."""
    with start_with(quarantine_rows=1) as server:
        assert server.post("dentrix", {"externalId": harness.fresh()}).status == 400
        assert server.post("dentrix", {"externalId": harness.fresh()}).status == 503
        server.stop()
        change(server, ("UPDATE quarantine SET last_seen = 0",))
        assert run(server) == {"days": KEPT, "quarantine": 1}
        assert metrics.Page(server).value("pickupd_quarantine_webhooks", source="dentrix") == 0  # At once, and not with the next webhook.
        assert server.post("dentrix", {"externalId": harness.fresh()}).status == 400
