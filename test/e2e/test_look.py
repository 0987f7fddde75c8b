"""Looking at events and at quarantine: pages, filters, one event's way, and the wall between organizations."""
import base64
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone

import pytest

import harness
import lab
import ledger
import oracle

SCAN = 10_000  # Events that one page looks at.


def iso(ms):
    """A time as it stands in an answer."""
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(row):
    """An event of the database as the API writes it."""
    return {"id": row["id"], "seq": row["seq"], "source": row["source"], "origin": row["origin"], "detailType": row["detail_type"],
            "time": iso(row["time"]), "detail": None if row["detail"] is None else json.loads(row["detail"])}


def seqs(page):
    """The seqs of a page."""
    return [event["seq"] for event in page["events"]]


def change(server, sql, *values):
    """Do something to the database with the server stopped meanwhile."""
    server.stop()
    with closing(sqlite3.connect(server.database)) as db, db:
        db.execute(sql, values)
    server.start()


@pytest.fixture(scope="module")
def server():
    """A server with seven events: 1 and 2 webhooks, 3 to 5 published, 6 another organization's, 7 published before all of them; 4 is purged."""
    with lab.Server() as running:
        for vendor in (oracle.DENTRIX, oracle.EAGLESOFT):
            assert running.post(vendor.name, oracle.minimal(vendor, id=harness.fresh())).status == 200
        running.publish(lab.envelope(), lab.envelope(detailType="Other"), lab.envelope(source="crm.kiosk"))
        running.publish(lab.envelope(), token="other")
        running.publish(lab.envelope(time="2020-01-01T00:00:00Z"))
        change(running, "UPDATE events SET detail = NULL WHERE seq = 4")
        yield running


def test_all_of_it(server):
    """Every event of the organization is there, whole, the newest first."""
    rows = [written(row) for row in server.events() if row["org"] == "default"]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 7] and rows[3]["detail"] is None
    assert server.get("/v1/events") == {"events": rows[::-1], "next": None}
    assert server.get("/v1/events?order=oldest") == {"events": rows, "next": None}


@pytest.mark.parametrize("order,want", [("newest", [[7, 5], [4, 3], [2, 1], []]), ("oldest", [[1, 2], [3, 4], [5, 7], []])])
def test_pages(server, order, want):
    """A page says where the next one begins, and the last one that there is none."""
    pages, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/v1/events?limit=2&order={order}{cursor and f'&cursor={cursor}'}")
        pages.append(seqs(page))
        cursor = page["next"]
    assert [one for one in pages if one] == [one for one in want if one]


@pytest.mark.parametrize("query,want", [
    ("source=ehr.dentrix", [1]), ("source=ehr.dentrix,crm.kiosk", [1, 5]), ("origin=eaglesoft", [2]), ("origin=crm.portal", [3, 4, 7]),
    ("detailType=Other", [4]), ("detailType=Other,PickupRequested", [1, 2, 4]), ("detailType=Other&source=crm.kiosk", []),
    ("until=2020-01-01T00:00:01Z", [7]), ("until=2020-01-01T00:00:00Z", []), ("since=2020-01-01T00:00:01Z", [1, 2, 3, 4, 5]),
    ("since=2020-01-01T00:00:00Z&until=2020-01-01T01:00:00%2B01:00", []), ("since=2019-12-31T23:00:00-01:00", [1, 2, 3, 4, 5, 7]),
    ("source=nobody", [])])
def test_filters(server, query, want):
    """A filter holds for every event of the page."""
    assert seqs(server.get(f"/v1/events?order=oldest&{query}")) == want


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "order=any", "since=today", "cursor=-1", "colour=red", "limit=1&limit=2", "source="])
def test_bad_queries(server, query):
    """What a query cannot mean is refused, not guessed."""
    answer = server.api("GET", f"/v1/events?{query}")
    assert answer.status == 400 and len(answer.problem["errors"]) == 1


def test_the_wall(server):
    """Nothing of one organization exists for another's token."""
    assert seqs(server.get("/v1/events", "other")) == [6]
    ours, theirs = server.events()[0]["id"], server.events()[5]["id"]
    for event_id, token, status in ((ours, "read", 200), (ours, "other", 404), (theirs, "read", 404), (theirs, "other", 200), ("0" * 32, "read", 404),
                                    ("not-an-id", "read", 404)):
        assert server.api("GET", f"/v1/events/{event_id}", token=token).status == status, (event_id, token)


def test_who_may_look(server):
    """Whoever only publishes does not see what others have."""
    event_id = server.events()[0]["id"]
    for path in ("/v1/events", f"/v1/events/{event_id}", "/v1/stream", "/v1/quarantine", f"/v1/quarantine/{event_id}"):
        assert server.api("GET", path, token="publish").status == 403, path
        assert server.api("GET", path, token="nobody-has-this-token").status == 401, path


def test_cloudevents(server):
    """Whoever asks for CloudEvents gets them, with the cursor in a header."""
    answer = server.api("GET", "/v1/events?order=oldest&limit=4", token="read", headers=[("Accept", "application/cloudevents-batch+json")])
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/cloudevents-batch+json")
    events = server.get("/v1/events?order=oldest&limit=4")["events"]
    wanted = [{"specversion": "1.0", "id": one["id"], "source": one["source"], "type": one["detailType"], "time": one["time"],
               "sequence": f"{one['seq']:019}", "origin": one["origin"],
               **({} if one["detail"] is None else {"datacontenttype": "application/json", "data": one["detail"]})} for one in events]
    assert json.loads(answer.body) == wanted
    assert answer.headers["Link"] == '</v1/events?order=oldest&limit=4&cursor=4>; rel="next"'
    plain = server.api("GET", "/v1/events", token="read", headers=[("Accept", "*/*")])
    assert plain.headers["Content-Type"] == "application/json"


def test_pages_of_cloudevents(server):
    """Each page's link leads to the next one, up to the last, which has none."""
    seen, path = [], "/v1/events?order=oldest&limit=2"
    while path:
        answer = server.api("GET", path, token="read", headers=[("Accept", "application/cloudevents-batch+json")])
        seen.append([int(one["sequence"]) for one in json.loads(answer.body)])
        link = answer.headers["Link"]
        path = link and link[1:link.index(">")]
    assert seen in ([[1, 2], [3, 4], [5, 7]], [[1, 2], [3, 4], [5, 7], []])


def way(server, event_id, token="read"):
    """What each consumer has made of an event, by its name."""
    steps = server.get(f"/v1/events/{event_id}", token)["consumers"]
    assert [step["consumer"] for step in steps][-1] == "flows"
    return {step.pop("consumer"): step for step in steps}


def test_way():
    """An event's page tells how far each consumer is with it."""
    with lab.Server() as server:
        def consumer(name, **terms):
            assert server.api("PUT", f"/v1/consumers/{name}", {"from": "start", **terms}).status == 201

        def claim(name):
            [one] = server.api("POST", f"/v1/consumers/{name}/claim", {"worker": f"{name}-1"}).json["claims"]
            return one["lease"]

        [event] = server.publish(lab.envelope())
        for name in ("done", "leased", "waiting", "dead", "behind"):
            consumer(name)
        consumer("other", detailTypes=["Other"])
        assert server.api("PUT", "/v1/consumers/hidden", {"from": "start"}, "other").status == 201
        leases = {name: claim(name) for name in ("done", "leased", "waiting", "dead")}
        assert server.api("POST", "/v1/consumers/done/ack", {"leases": [leases["done"]]}).status == 200
        assert server.api("POST", "/v1/consumers/waiting/nack", {"leases": [leases["waiting"]], "error": "not yet", "retryAfterSeconds": 3000}).status == 200
        assert server.api("POST", "/v1/consumers/dead/nack", {"leases": [leases["dead"]], "error": "never", "permanent": True}).status == 200
        seen = way(server, event["eventId"])
        assert {name: step["state"] for name, step in seen.items()} == {
            "behind": "notReached", "dead": "dead", "done": "done", "flows": "notWanted", "leased": "leased", "other": "notWanted", "waiting": "waiting"}
        assert seen["leased"]["worker"] == "leased-1" and seen["leased"]["attempts"] == 1 and seen["leased"]["history"] == []
        assert [(one["attempt"], one["worker"], one["error"]) for one in seen["waiting"]["history"]] == [(1, "waiting-1", "not yet")]
        assert seen["dead"]["history"][0]["error"] == "never" and set(seen["done"]) == {"state"}
        assert server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())).status == 200
        pickup = server.events()[-1]["id"]
        assert way(server, pickup)["flows"] == {"state": "notReached"}


def test_a_filter_that_matches_nothing():
    """However long the log, a page looks at so many events and then says where to go on."""
    with lab.Server() as server:
        change(server, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO events (seq, id, origin, source, detail_type,"
               " org, time, detail) SELECT i, randomblob(16), 'a.b', 'a.b', 'Thing', 'default', i, '{}' FROM n", SCAN + 10)
        first = server.get("/v1/events?detailType=Nothing")
        assert first == {"events": [], "next": 11}
        assert server.get(f"/v1/events?detailType=Nothing&cursor={first['next']}") == {"events": [], "next": None}


# Quarantine.

def faulty(server, name="dentrix", **changes):
    """Post a webhook that cannot be mapped, and return its id and its body."""
    body = ledger.encode(oracle.payload(oracle.VENDORS[name], id=harness.fresh(), priority=17, **changes))
    assert server.post(name, body).status == 400
    return oracle.event_id(name, body), body


@pytest.fixture(scope="module")
def kept():
    """A server with three webhooks in quarantine, of which the last is of the other organization; and their (id, body)s."""
    sources = [oracle.source("dentrix"), replace(oracle.source("opendental"), org="other")]
    with lab.Server(sources) as running:
        rows = [faulty(running), faulty(running)]
        body = ledger.encode(oracle.payload(oracle.OPENDENTAL, id=harness.fresh(), priority="Whenever"))
        assert running.post("opendental", body).status == 400
        running.rows = [*rows, (oracle.event_id("opendental", body), body)]
        yield running


def test_quarantine(kept):
    """What is in quarantine is listed in the order in which it came, without the bodies."""
    page = kept.get("/v1/quarantine")
    assert [row["id"] for row in page["quarantine"]] == [event_id for event_id, _ in kept.rows[:2]] and page["next"] is None
    [first, _] = page["quarantine"]
    row = kept.quarantined(first["id"])
    assert first == {"id": first["id"], "origin": "dentrix", "firstSeen": iso(row["first_seen"]), "lastSeen": iso(row["last_seen"]), "count": 1,
                     "errors": ["Invalid priority"], "bytes": len(kept.rows[0][1])}
    one = kept.get("/v1/quarantine?limit=1")
    assert [row["id"] for row in one["quarantine"]] == [first["id"]]
    two = kept.get(f"/v1/quarantine?limit=1&cursor={one['next']}")
    assert [row["id"] for row in two["quarantine"]] == [kept.rows[1][0]]
    assert kept.get(f"/v1/quarantine?limit=1&cursor={two['next']}") == {"quarantine": [], "next": None}
    assert kept.get("/v1/quarantine?origin=opendental")["quarantine"] == []
    assert [row["id"] for row in kept.get("/v1/quarantine?origin=opendental", "other")["quarantine"]] == [kept.rows[2][0]]


def test_one_of_quarantine(kept):
    """One of them is shown whole, to its own organization."""
    event_id, body = kept.rows[0]
    one = kept.get(f"/v1/quarantine/{event_id}")
    assert (one["id"], one["body"], base64.b64decode(one["bodyBase64"])) == (event_id, body.decode(), body)
    for token, path in (("other", event_id), ("read", kept.rows[2][0]), ("read", "0" * 32), ("read", "no-id")):
        assert kept.api("GET", f"/v1/quarantine/{path}", token=token).status == 404, (token, path)


def test_a_body_that_is_no_text():
    """A body that is no UTF-8 is shown in Base64 alone."""
    with lab.Server() as server:
        body = b"\xff\xfe not JSON"
        assert server.post("dentrix", body).status == 400
        one = server.get(f"/v1/quarantine/{oracle.event_id('dentrix', body)}")
        assert one["body"] is None and base64.b64decode(one["bodyBase64"]) == body


def test_the_wall_of_retries(kept):
    """Nobody retries what is another organization's, nor what is not there, nor without the role."""
    event_id = kept.rows[0][0]
    for token, path, status in (("other", event_id, 404), ("work", "0" * 32, 404), ("work", "no-id", 404), ("read", event_id, 403), ("publish", event_id, 403)):
        assert kept.api("POST", f"/v1/quarantine/{path}/retry", token=token).status == status, (token, path)
    assert kept.api("POST", "/v1/quarantine/retry", token="read").status == 403
    still = kept.api("POST", "/v1/quarantine/retry", token="other").json
    assert still == {"results": [{"id": kept.rows[2][0], "result": "still faulty", "errors": ["Invalid Priority"]}], "tried": 1, "failed": 1}
    ours = kept.api("POST", "/v1/quarantine/retry", token="work").json
    assert sorted(one["id"] for one in ours["results"]) == sorted(event_id for event_id, _ in kept.rows[:2]) and (ours["tried"], ours["failed"]) == (2, 2)


def test_retry():
    """Once the reason is mended, a retry stores what was in quarantine, one of it or all."""
    with lab.Server([oracle.source("dentrix", zone=None), oracle.source("eaglesoft")]) as server:
        ids = []
        for _ in range(3):
            body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh(), time="2025-07-20T14:00:00"))
            assert server.post("dentrix", body).status == 400
            ids.append(oracle.event_id("dentrix", body))
        server.sources["dentrix"] = replace(server.sources["dentrix"], zone="America/New_York")
        server.restart()
        assert server.api("POST", f"/v1/quarantine/{ids[1]}/retry", token="work").json == {"id": ids[1], "result": "stored", "errors": []}
        assert server.api("POST", f"/v1/quarantine/{ids[1]}/retry", token="work").status == 404
        assert server.get(f"/v1/events/{ids[1]}")["event"]["detailType"] == "PickupRequested"
        assert server.api("POST", "/v1/quarantine/retry?origin=eaglesoft", token="work").json == {"results": [], "tried": 0, "failed": 0}
        answer = server.api("POST", "/v1/quarantine/retry?origin=dentrix", token="admin").json
        assert answer["tried"] == 2 and answer["failed"] == 0 and [one["result"] for one in answer["results"]] == ["stored", "stored"]
        assert server.get("/v1/quarantine")["quarantine"] == [] and len(server.events()) == 3
