"""Rows of a batch that are bad wait in quarantine one by one, and become events once the definition is mended."""
import json
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest

import harness
import ledger
import oracle
import own

ROWS = own.definition(each="rows", event=own.event(own.CLINIC))
MENDED = own.definition(each="rows", event=own.event({**own.CLINIC, **own.MENDED["detail"]}))
NO_EACH = own.definition()  # With this a batch is one webhook, and a bad one.


@contextmanager
def mended(server, made, running):
    """Have another definition taken, by the running server or, while it is stopped, by the commands themselves."""
    if running:
        server.mend(made)
    else:
        server.stop()
        server.define(made)
    yield
    if not running:
        server.start()


@pytest.fixture(params=[True, False], ids=["running", "stopped"])
def running(request):
    """Whether commands find the server running, or open the database themselves."""
    return request.param


def moment(milliseconds):
    """Write a time of the database as an event does."""
    return oracle.iso(datetime.fromtimestamp(milliseconds / 1000, timezone.utc))


def check_events(server, rows, first_seen, clinic="CLI-001"):
    """These rows are events, once each, that bear their first arrival."""
    events = {one["id"]: one for one in server.events()}
    assert len(events) == len(server.events())
    for row in rows:
        one = events[oracle.row_id("own", row)]
        detail = json.loads(one["detail"])
        assert (one["time"], detail["requestTime"]) == (first_seen, moment(first_seen))
        assert (detail["rowId"], detail["state"], detail.get("clinic")) == (row["id"], row["state"], clinic)


def quarantine(server, payload):
    """Post what is kept whole, and return its id and row."""
    body = ledger.encode(payload)
    assert server.send(body)[0] == 400
    event_id = oracle.event_id("own", body)
    return event_id, server.kept()[event_id]


# What is kept.


def test_each_bad_row_by_itself():
    """A bad row has its own faults, and a body that holds it alone, between whatever the batch held beside its rows."""
    with own.Server(own.definition(each="data.0.rows", event=own.event(own.CLINIC))) as server:
        bad = [own.bad_row(), own.row(id=None), own.bad_row(id="", patientName=7), [own.row()]]
        faults = [["Invalid state"], ["Missing id"], ["Missing id", "Invalid patientName", "Invalid state"], ["Not a JSON object"]]
        payload = {"clinic": "CLI-001", "data": [{"before": [1.5, {"x": None}], "rows": [own.row(), *bad, own.row()], "after": True}, []]}
        before = harness.now()
        assert server.send(payload) == own.counts(stored=2, quarantined=4)
        kept, bodies = server.kept(), server.bodies()
        assert sorted(kept) == own.ids(*bad)
        for row, reasons in zip(bad, faults):
            one = kept[oracle.row_id("own", row)]
            assert (json.loads(one["faults"]), one["origin"], one["org"], one["count"]) == (reasons, "own", "default", 1)
            assert before <= one["first_seen"] == one["last_seen"] <= harness.now()
            assert bodies[oracle.row_id("own", row)] == {**payload, "data": [{**payload["data"][0], "rows": [row]}, []]}


def test_a_row_is_kept_to_the_last_digit():
    """What a row held is held by what is kept of it: numbers, escapes, the order of its members."""
    text = '{"z":12345678901234567,"a":0.1,"n":-0.0,"e":1e+300,"t":"\\u00e9\\ud83d\\ude00\\\\\\"\\n\\u0001\\u007f","l":[[],{}],"state":7}'
    with own.Server(ROWS) as server:
        assert server.send(f'{{"rows":[{text}]}}'.encode()) == own.counts(quarantined=1)
        kept, = server.bodies().values()
        assert (kept["rows"][0], list(kept["rows"][0])) == (json.loads(text), list(json.loads(text)))
        assert str(kept["rows"][0]["n"]) == "-0.0"


def test_list_and_show():
    """The commands show the rows like any quarantined webhook."""
    with own.Server(ROWS) as server:
        rows = [own.bad_row(), own.bad_row()]
        server.send(own.batch(own.row(), *rows))
        listed = server.list("quarantine", "list")
        assert sorted(one["id"] for one in listed) == own.ids(*rows)
        assert {tuple(one["faults"]) for one in listed} == {("Invalid state",)}
        shown = server.list("quarantine", "show", oracle.row_id("own", rows[0]), "--show-phi")
        assert json.loads(shown[0]["body"]) == own.batch(rows[0])


# Retried.


def test_retry_one(running):
    """One row is retried, and stored once, with its first arrival and with what stood beside its list; the others wait."""
    with own.Server(ROWS) as server:
        good, bad = own.row(), [own.bad_row(), own.bad_row()]
        server.send(own.batch(good, *bad))
        server.age()
        kept, event_id = server.kept(), oracle.row_id("own", bad[0])
        with mended(server, MENDED, running):
            assert server.retry(event_id) == (0, [f"{event_id} stored"])
            assert server.retry(event_id) == (1, [f"{event_id} not found"])
        check_events(server, bad[:1], kept[event_id]["first_seen"])
        assert list(server.kept()) == [oracle.row_id("own", bad[1])]
        assert server.send(own.batch(good, *bad)) == own.counts(stored=1, duplicates=2)
        check_events(server, bad, kept[event_id]["first_seen"])
        assert (len(server.events()), server.kept()) == (3, {})


def test_retry_all(running):
    """All rows are retried; what is still bad stays, with its faults, and makes the command fail."""
    with own.Server(ROWS) as server:
        bad, worse = [own.bad_row() for _ in range(5)], own.bad_row(id=None)
        server.send(own.batch(*bad, worse))
        kept, worse_id = server.kept(), oracle.row_id("own", worse)
        with mended(server, MENDED, running):
            lines = sorted([*(f"{event_id} stored" for event_id in own.ids(*bad)), f"{worse_id} still faulty: Missing id"])
            assert server.retry("--all") == (1, lines)
        check_events(server, bad, kept[worse_id]["first_seen"])
        assert server.kept() == {worse_id: {**kept[worse_id], "faults": '["Missing id"]'}}
        assert server.send(own.batch(*bad, worse)) == own.counts(duplicates=5, quarantined=1)


def test_retry_a_source(running):
    """Only the rows of one source are retried."""
    with own.Server(ROWS, "own", "annex") as server:
        rows = [own.bad_row(), own.bad_row()]
        for name in ("own", "annex"):
            assert server.send(own.batch(*rows), name=name) == own.counts(quarantined=2)
        with mended(server, MENDED, running):
            assert server.retry("--all", "--source", "annex") == (0, [f"{one} stored" for one in own.ids(*rows, origin="annex")])
        assert sorted(server.kept()) == own.ids(*rows)
        assert {one["origin"] for one in server.events()} == {"annex"}


def test_the_next_try_clears():
    """The sender's next try of the whole batch stores what was bad, with its first arrival, and leaves nothing in quarantine."""
    with own.Server(ROWS) as server:
        good, bad = [own.row(), own.row()], [own.bad_row() for _ in range(3)]
        payload = own.batch(good[0], *bad, good[1])
        assert server.send(payload) == own.counts(stored=2, quarantined=3)
        server.age()
        first_seen = server.kept()[oracle.row_id("own", bad[0])]["first_seen"]
        server.mend(MENDED)
        assert server.send(payload) == own.counts(stored=3, duplicates=2)
        check_events(server, bad, first_seen)
        assert {one["id"] for one in server.events()} == set(own.ids(*good, *bad))
        assert server.kept() == {}
        assert server.retry("--all") == (0, [])


def test_a_stored_row_that_would_now_be_bad():
    """A row that is an event and comes again when it would be bad is a duplicate, and nothing for quarantine."""
    with own.Server(MENDED) as server:
        row = own.bad_row()
        server.send(own.batch(row))
        first = server.events()
        server.mend(ROWS)
        assert server.send(own.batch(row, own.bad_row())) == own.counts(duplicates=1, quarantined=1)
        assert server.events() == first and oracle.row_id("own", row) not in server.kept()


def test_a_row_that_no_event_fitted(running):
    """Whatever a mended definition says of a row, it becomes that: another type, and a key that gives it another id."""
    strict = own.definition(each="rows", events=[own.event(when={"state": "booked"})])
    with own.Server(strict) as server:
        row = own.row(state="left")
        assert server.send(own.batch(row)) == own.counts(quarantined=1)
        old_id, new_id = oracle.row_id("own", row), oracle.row_id("own", row, "AppointmentLeft", row["id"])
        assert json.loads(server.kept()[old_id]["faults"]) == ["No event fits"]
        first_seen = server.kept()[old_id]["first_seen"]
        wide = own.definition(each="rows", events=[own.event(when={"state": "left"}, type="AppointmentLeft", key=["id"])])
        with mended(server, wide, running):
            assert server.retry(old_id) == (0, [f"{old_id} stored"])
        assert server.kept() == {}
        assert [(one["id"], one["detail_type"], one["time"]) for one in server.events()] == [(new_id, "AppointmentLeft", first_seen)]
        assert server.send(own.batch(row)) == own.counts(duplicates=1)


def test_a_row_that_is_now_ignored(running):
    """A row of which nothing is wanted any more leaves quarantine, and is nowhere."""
    with own.Server(ROWS) as server:
        row = own.bad_row()
        server.send(own.batch(row))
        event_id = oracle.row_id("own", row)
        with mended(server, own.definition(each="rows", events=[{"when": {"state": 7}, "ignore": True}, own.EVENT]), running):
            assert server.retry("--all") == (0, [f"{event_id} ignored"])
        assert (server.events(), server.kept()) == ([], {})


# What could not be read as a whole.


def test_whole_then_all_rows(running):
    """A batch that was no batch becomes all its rows, once, with its first arrival."""
    with own.Server(NO_EACH) as server:
        rows = [own.row() for _ in range(20)]
        payload = own.batch(*rows)
        event_id, _ = quarantine(server, payload)
        server.age()
        row = server.kept()[event_id]
        with mended(server, ROWS, running):
            assert server.retry("--all") == (0, [f"{event_id} stored"])
        assert server.kept() == {}
        check_events(server, rows, row["first_seen"])
        assert len(server.events()) == 20
        assert server.send(payload) == own.counts(duplicates=20)


def test_whole_then_some_rows(running):
    """If some rows are bad even so they are what is left, each with its own faults; mended again, nothing is left."""
    with own.Server(NO_EACH) as server:
        good, bad, worse = [own.row(), own.row()], [own.bad_row(), own.bad_row()], own.row(id=None)
        event_id, _ = quarantine(server, own.batch(bad[0], good[0], worse, good[1], bad[1]))
        server.age()
        row = server.kept()[event_id]
        with mended(server, ROWS, running):
            assert server.retry(event_id) == (1, [f"{event_id} stored in part: Invalid state, Missing id"])
            check_events(server, good, row["first_seen"])
            assert len(server.events()) == 2
            kept = server.kept()
            assert sorted(kept) == own.ids(*bad, worse)
            assert {one["first_seen"] for one in kept.values()} == {row["first_seen"]}
            assert json.loads(kept[oracle.row_id("own", worse)]["faults"]) == ["Missing id"]
            assert server.bodies()[oracle.row_id("own", worse)] == own.batch(worse)
        with mended(server, MENDED, running):
            assert server.retry("--all")[0] == 1
        check_events(server, [*good, *bad], row["first_seen"])
        assert list(server.kept()) == [oracle.row_id("own", worse)]


def test_whole_then_no_row(running):
    """If every row is bad the batch stays as it is, with the new faults."""
    with own.Server(NO_EACH) as server:
        event_id, row = quarantine(server, own.batch(own.bad_row(), own.row(id=None)))
        with mended(server, ROWS, running):
            assert server.retry("--all") == (1, [f"{event_id} still faulty: Invalid state, Missing id"])
        assert server.kept() == {event_id: {**row, "faults": '["Invalid state","Missing id"]'}}
        assert server.events() == []


@pytest.mark.parametrize("rows", [[], [{"state": "dropped"}, {"state": "dropped"}]], ids=["empty", "ignored"])
def test_whole_then_nothing(rows, running):
    """A batch of which nothing is wanted leaves quarantine."""
    with own.Server(NO_EACH) as server:
        event_id, _ = quarantine(server, own.batch(*rows))
        with mended(server, own.definition(each="rows", events=[{"when": {"state": "dropped"}, "ignore": True}, own.EVENT]), running):
            assert server.retry("--all") == (0, [f"{event_id} ignored"])
        assert (server.events(), server.kept()) == ([], {})


def test_whole_then_known_rows(running):
    """Rows that came in other batches meanwhile are not stored again."""
    with own.Server(NO_EACH) as server:
        rows = [own.row(), own.row()]
        event_id, _ = quarantine(server, own.batch(*rows, page=1))
        other_id, _ = quarantine(server, own.batch(rows[0], page=2))
        with mended(server, ROWS, running):
            assert server.retry(event_id) == (0, [f"{event_id} stored"])
            assert server.retry(other_id) == (0, [f"{other_id} duplicate"])
        assert (sorted(one["id"] for one in server.events()), server.kept()) == (own.ids(*rows), {})


@pytest.mark.parametrize("bad", [0, 2])
def test_whole_then_the_next_try(bad):
    """The sender's next try of a batch that can now be read takes it out of quarantine, with exactly its bad rows left; all of them
    first arrived with the batch."""
    with own.Server(NO_EACH) as server:
        good, bad = [own.row() for _ in range(3)], [own.bad_row() for _ in range(bad)]
        payload = own.batch(*bad, *good)
        event_id, _ = quarantine(server, payload)
        other_id, _ = quarantine(server, own.batch(own.row(), page=2))
        server.age()
        whole = server.kept()[event_id]
        server.mend(ROWS)
        assert server.send(payload) == own.counts(stored=3, quarantined=len(bad))
        check_events(server, good, whole["first_seen"])
        kept = server.kept()
        assert sorted(kept) == sorted([*own.ids(*bad), other_id])
        del kept[other_id]
        assert all(one["first_seen"] == whole["first_seen"] < one["last_seen"] for one in kept.values())


def test_too_many_rows_stay():
    """What had too many rows is still faulty, and stays whole."""
    with own.Server(ROWS) as server:
        event_id, row = quarantine(server, own.batch(*({"id": number} for number in range(1001))))
        assert server.retry("--all") == (1, [f"{event_id} still faulty: More than 1000 rows"])
        assert server.kept() == {event_id: row}


def test_a_thousand_rows_at_once(running):
    """A batch of a thousand rows, half of them bad, is retried in one go."""
    with own.Server(NO_EACH) as server:
        rows = [(own.bad_row if number % 2 else own.row)(number=number) for number in range(1000)]
        event_id, _ = quarantine(server, own.batch(*rows))
        with mended(server, ROWS, running):
            assert server.retry("--all") == (1, [f"{event_id} stored in part: Invalid state"])
        assert [one["id"] for one in server.events()] == [oracle.row_id("own", row) for row in rows[::2]]
        assert sorted(server.kept()) == own.ids(*rows[1::2])


# At the limits of quarantine.


def test_no_room_for_the_rows():
    """If there is no room for every bad row the batch stays whole, and nothing of it is stored."""
    with own.Server(NO_EACH, quarantine_rows=2) as server:
        event_id, row = quarantine(server, own.batch(own.row(), *(own.bad_row() for _ in range(3))))
        server.mend(ROWS)
        assert server.retry("--all") == (1, [f"{event_id} not now: Invalid state"])
        assert (server.events(), server.kept()) == ([], {event_id: row})
        assert server.send(own.batch(own.bad_row())) == own.counts(quarantined=1)
        assert server.send(own.batch(own.bad_row())) == own.UNAVAILABLE


@pytest.mark.parametrize("how", ["retry", "next try"])
def test_the_room_of_the_batch_itself(how):
    """A batch that leaves a full quarantine makes room there for its own bad row."""
    with own.Server(NO_EACH, quarantine_rows=1) as server:
        good, bad = own.row(), own.bad_row()
        payload = own.batch(good, bad)
        event_id, _ = quarantine(server, payload)
        server.mend(ROWS)
        if how == "retry":
            assert server.retry("--all") == (1, [f"{event_id} stored in part: Invalid state"])
        else:
            assert server.send(payload) == own.counts(stored=1, quarantined=1)
        assert ([one["id"] for one in server.events()], list(server.kept())) == (own.ids(good), own.ids(bad))


@pytest.mark.parametrize("how", ["retry", "next try"])
def test_what_left_makes_room(how):
    """Rows that have left are counted no longer: as many as before fit again, and not one more."""
    with own.Server(ROWS, quarantine_rows=3) as server:
        payload = own.batch(*(own.bad_row() for _ in range(3)))
        assert server.send(payload) == own.counts(quarantined=3)
        server.mend(MENDED)
        assert server.retry("--all")[0] == 0 if how == "retry" else server.send(payload) == own.counts(stored=3)
        server.mend(ROWS)
        assert server.send(own.batch(*(own.bad_row() for _ in range(4)))) == own.UNAVAILABLE
        assert server.send(own.batch(*(own.bad_row() for _ in range(3)))) == own.counts(quarantined=3)


def test_an_older_batch_with_a_row_that_waits():
    """A bad row that came again in an older batch, when that is retried, was first seen then, and last seen no earlier than before."""
    with own.Server(NO_EACH) as server:
        row = own.bad_row()
        event_id, older = quarantine(server, own.batch(own.row(), row))
        harness.next_millisecond()
        server.mend(ROWS)
        assert server.send(own.batch(row, page=2)) == own.counts(quarantined=1)
        before = server.kept()[oracle.row_id("own", row)]
        assert server.retry(event_id) == (1, [f"{event_id} stored in part: Invalid state"])
        after = server.kept()[oracle.row_id("own", row)]
        assert (after["first_seen"], after["last_seen"], after["count"]) == (older["first_seen"], before["last_seen"], 2)


def test_retry_while_reloading():
    """Definitions that come and go while many rows are retried do them no harm."""
    with own.Server(ROWS) as server:
        rows = [own.bad_row() for _ in range(400)]
        server.send(own.batch(*rows))
        server.mend(MENDED)
        for _ in range(20):
            server.process.send_signal(harness.signal.SIGHUP)
        assert server.retry("--all") == (0, [f"{event_id} stored" for event_id in own.ids(*rows)])
        assert sorted(one["id"] for one in server.events()) == own.ids(*rows)
