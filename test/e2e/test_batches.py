"""One webhook, several rows: each becomes an event of its own, and all of them are on disk or none is."""
import json
import random
import re
from pathlib import Path

import pytest

import harness
import ledger
import oracle
import own

FORMS = {
    "the payload": ("$", lambda rows: rows),
    "the row itself": (".", lambda rows: rows),
    "a list in it": ("rows", lambda rows: {"rows": rows}),
    "a list within": ("data.page.rows", lambda rows: {"data": {"page": {"rows": rows}}}),
    "from the payload": ("$.data.rows", lambda rows: {"data": {"rows": rows}}),
    "in a list": ("pages.1", lambda rows: {"pages": [[], rows]}),
    "in a chosen element": ("pages.kind=order.rows", lambda rows: {"pages": [{"kind": "note", "rows": 1}, {"kind": "order", "rows": rows}]}),
    "the first of two": (["rows", "items"], lambda rows: {"items": [1], "rows": rows}),
    "the second of two": (["rows", "items"], lambda rows: {"items": rows}),
    "the second, as the first is null": (["rows", "items"], lambda rows: {"rows": None, "items": rows}),
    "the second, as the first leads nowhere": (["rows.all", "items"], lambda rows: {"rows": "none", "items": rows}),
    "or else the payload": (["rows", "$"], lambda rows: rows),
}


@pytest.fixture(scope="module")
def server():
    """A running server that takes batches; every test uses rows of its own."""
    with own.Server(own.definition(each="rows", event=own.event(own.CLINIC))) as running:
        yield running


def stored(server, *rows):
    """The events of these rows, in order."""
    wanted = own.ids(*rows)
    return [one for one in server.events() if one["id"] in wanted]


def kept(server, *rows):
    """The rows of quarantine of these rows, by id."""
    wanted = own.ids(*rows)
    return {key: one for key, one in server.kept().items() if key in wanted}


# Where rows are.


@pytest.mark.parametrize("form", FORMS)
def test_each(form):
    """Wherever a definition says that the list is, each of its rows becomes an event under the id that Python computes."""
    each, wrap = FORMS[form]
    rows = [own.row(), own.row(state="left"), own.row()]
    with own.Server(own.definition(each=each)) as server:
        assert server.send(wrap(rows)) == own.counts(stored=3)
        assert [(one["id"], one["origin"], one["source"], one["detail_type"], one["org"]) for one in server.events()] == \
            [(oracle.row_id("own", row), "own", "ehr.invented", "AppointmentChanged", "default") for row in rows]
        assert [(one["rowId"], one["patient"], one["state"]) for one in server.details()] == \
            [(row["id"], row["patientName"], row["state"]) for row in rows]
        assert server.kept() == {}


def test_what_rows_share(server):
    """A path from $ leads each row to what stands beside the list."""
    rows = [own.row(), own.row()]
    assert server.send(own.batch(*rows, clinic="CLI-900")) == own.counts(stored=2)
    assert [json.loads(one["detail"])["clinic"] for one in stored(server, *rows)] == ["CLI-900"] * 2


def test_an_object_is_one_row(server):
    """An object where a list could be is one row: it is named by the body, and answered like any single webhook."""
    body = ledger.encode({"rows": own.row(), "clinic": "CLI-007"})
    answer = {"success": True, "eventId": oracle.event_id("own", body), "message": "Event received"}
    assert server.send(body) == (200, answer)
    assert server.send(body) == (200, {**answer, "duplicate": True})
    assert json.loads(server.event(answer["eventId"])["detail"])["clinic"] == "CLI-007"


def test_a_bad_object_is_a_bad_webhook(server):
    """A single row that is bad is answered 400 and kept whole, under the id of the body."""
    body = ledger.encode({"rows": own.bad_row()})
    assert server.send(body) == own.faults("Invalid state")
    assert server.quarantined(oracle.event_id("own", body))["body"] == body


def test_the_payload_may_be_a_list_or_one():
    """Some senders post one, or a list of them."""
    with own.Server(own.definition(each="$")) as server:
        one = ledger.encode(own.row())
        assert server.send(one)[1]["eventId"] == oracle.event_id("own", one)
        assert server.send([json.loads(one)]) == own.counts(stored=1)
        assert len(server.events()) == 2


@pytest.mark.parametrize("value", ["Text", 7, 1.5, True, False, ""], ids=str)
def test_a_scalar_is_no_row(server, value):
    """Anything else that stands there is one row, and a bad one."""
    body = ledger.encode({"rows": value, "id": harness.fresh()})
    assert server.send(body) == own.faults("Not a JSON object")
    assert server.quarantined(oracle.event_id("own", body))["body"] == body


@pytest.mark.parametrize("body", [b'{"id":1}', b'{"rows":null}', b'{"rows.all":[]}', b'[]', b'"rows"', b"7", b"null"], ids=bytes.decode)
@pytest.mark.parametrize("each, name", [("rows", "rows"), ("$.rows", "$.rows"), (["rows", "data.rows"], "rows")], ids=str)
def test_no_rows(each, name, body):
    """A payload without the list is kept whole, with the first path that leads nowhere as its fault."""
    with own.Server(own.definition(each=each)) as server:
        assert server.send(body) == own.faults(f"Missing {name}")
        assert [(key, bytes(one["body"])) for key, one in server.kept().items()] == [(oracle.event_id("own", body), body)]


@pytest.mark.parametrize("body", [b"null", b"7", b"[]", b'"rows"'], ids=bytes.decode)
def test_no_object_at_all(body):
    """Without `each` the payload is the row, and nothing but an object will do."""
    with own.Server(own.definition()) as server:
        assert server.send(body)[0] == 400
        assert server.send(own.row())[0] == 200


def test_an_empty_list(server):
    """No rows are no trouble, and no events."""
    before = len(server.events()), server.kept()
    assert server.send(own.batch(sent=harness.fresh())) == own.counts()
    assert (len(server.events()), server.kept()) == before


def test_no_json_is_kept_whole(server):
    """What cannot be read at all is kept as it came."""
    body = f'{{"rows":[{{"id":"{harness.fresh()}"}},'.encode()
    status, answer = server.send(body)
    assert (status, answer["errors"]) == (400, [f"Malformed JSON at byte {len(body)}"])
    assert server.quarantined(oracle.event_id("own", body))["body"] == body


# How many.


def test_a_thousand_rows(server):
    """A thousand rows are a batch, and all of them are there in their order."""
    rows = [own.row(number=number) for number in range(1000)]
    assert server.send(own.batch(*rows)) == own.counts(stored=1000)
    assert [one["id"] for one in stored(server, *rows)] == [oracle.row_id("own", row) for row in rows]
    assert server.send(own.batch(*rows)) == own.counts(duplicates=1000)


def test_a_thousand_bad_rows(server):
    """A thousand faults are kept one by one."""
    rows = [own.bad_row() for _ in range(1000)]
    assert server.send(own.batch(*rows)) == own.counts(quarantined=1000)
    assert sorted(kept(server, *rows)) == own.ids(*rows)


def test_a_thousand_and_one_rows(server):
    """One more is refused as a whole, and kept so: no row of it is an event, good or bad."""
    rows = [own.row(), *(own.bad_row() for _ in range(1000))]
    body = ledger.encode(own.batch(*rows))
    assert server.send(body) == own.faults("More than 1000 rows")
    assert (stored(server, *rows), kept(server, *rows)) == ([], {})
    assert server.quarantined(oracle.event_id("own", body))["body"] == body


def peak(server):
    """The most memory that the server ever had, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)[1]) * 1024


@pytest.mark.parametrize("make", [own.row, own.bad_row])
def test_rows_too_large(make):
    """Rows that each take all that stands around them are a fault of the whole, long before a thousand copies are in memory."""
    copies = own.definition(each="rows", event=own.event({"whole": {"from": "$", "type": "any"}}))
    with own.Server(copies) as server:
        rows = [make() for _ in range(1000)]
        body = ledger.encode(own.batch(*rows, filling="x" * 900_000))
        assert server.send(own.batch(own.row(), filling="x" * 900_000)) == own.counts(stored=1)
        before = peak(server)
        assert server.send(body) == own.faults("Rows too large")
        assert peak(server) - before < 128 << 20
        assert [(key, bytes(one["body"])) for key, one in server.kept().items()] == [(oracle.event_id("own", body), body)]
        assert (len(server.events()), server.outcomes()) == (1, {"accepted": 1, "quarantined": 1})


def test_rows_too_large_once_mended():
    """Mended, so that its rows take less, such a batch becomes all of them."""
    copies = own.definition(each="rows", event=own.event({"filling": {"from": "$.filling", "type": "string"}}))
    with own.Server(copies) as server:
        rows = [own.row() for _ in range(10)]
        for filling, fits in ((700_000, False), (500_000, True)):  # 10 times as much, and 3 times as much and 4 MiB.
            body = ledger.encode(own.batch(*rows, filling="x" * filling))
            assert server.send(body) == (own.counts(stored=10) if fits else own.faults("Rows too large"))
        server.mend(own.definition(each="rows"))
        event_id, = server.kept()
        assert server.retry("--all") == (0, [f"{event_id} duplicate"])
        assert (len(server.events()), server.kept()) == (10, {})


# What becomes of them.


def test_counts():
    """Every row is answered for, and counted: stored, known, bad, ignored."""
    events = [{"when": {"state": "dropped"}, "ignore": True}, own.EVENT]
    with own.Server(own.definition(each="rows", events=events)) as server:
        known, new, bad = [own.row() for _ in range(2)], [own.row() for _ in range(3)], [own.bad_row() for _ in range(4)]
        dropped = [own.row(state="dropped") for _ in range(5)]
        server.send(own.batch(*known))
        rows = [*known, *new, *bad, *dropped]
        random.Random(4).shuffle(rows)
        assert server.send(own.batch(*rows)) == own.counts(stored=3, duplicates=2, quarantined=4, ignored=5)
        assert sorted(one["id"] for one in server.events()) == own.ids(*known, *new)
        assert sorted(server.kept()) == own.ids(*bad)
        assert server.outcomes() == {"accepted": 5, "duplicate": 2, "quarantined": 4, "ignored": 5}
        assert server.send(own.batch(*rows)) == own.counts(duplicates=5, quarantined=4, ignored=5)
        assert {one["count"] for one in server.kept().values()} == {2}


def test_all_ignored():
    """A batch of which nothing is wanted is a batch, and its rows are counted."""
    with own.Server(own.definition(each="rows", events=[{"ignore": True}])) as server:
        assert server.send(own.batch(own.row(), own.row(), "Anything")) == own.counts(ignored=3)
        assert (server.events(), server.kept(), server.outcomes()) == ([], {}, {"ignored": 3})


def test_accepted_in_the_senders_words():
    """What a definition answers to what it accepts goes for batches, too, even if every row is bad."""
    with own.Server(own.definition(each="rows", answers={"accepted": {"status": 202, "body": {"thanks": "all"}}})) as server:
        assert server.send(own.batch(own.row(), own.bad_row())) == (202, {"thanks": "all"})
        assert server.send(own.batch(own.bad_row())) == (202, {"thanks": "all"})
        assert server.send(own.batch()) == (202, {"thanks": "all"})
        assert (len(server.events()), len(server.kept())) == (1, 2)


def test_the_same_again(server):
    """A batch that comes again is nothing new, whatever stands beside its rows and however it is laid out."""
    rows = [own.row() for _ in range(3)]
    assert server.send(own.batch(*rows)) == own.counts(stored=3)
    first = stored(server, *rows)
    assert server.send(own.batch(*rows)) == own.counts(duplicates=3)
    assert server.send(json.dumps(own.batch(*reversed(rows), page=2), indent=4).encode()) == own.counts(duplicates=3)
    assert stored(server, *rows) == first


def test_some_are_known(server):
    """Only the new rows of a batch are stored, between those that are known."""
    known, new = [own.row(), own.row()], [own.row(), own.row()]
    server.send(own.batch(*known))
    assert server.send(own.batch(known[0], new[0], known[1], new[1])) == own.counts(stored=2, duplicates=2)
    assert [one["id"] for one in stored(server, *new)] == [oracle.row_id("own", row) for row in new]


def test_twice_in_one_batch(server):
    """A row that stands twice in a batch is one event, or one row of quarantine."""
    good, bad = own.row(), own.bad_row()
    assert server.send(own.batch(good, bad, good, bad, good)) == own.counts(stored=1, duplicates=2, quarantined=2)
    assert len(stored(server, good)) == 1
    assert [one["count"] for one in kept(server, bad).values()] == [2]


def test_one_row_in_many_batches_at_once(server):
    """Thirty batches that come at one moment have a row in common: it is stored once."""
    shared, rows = own.row(), [own.row() for _ in range(30)]
    answers = server.send_at_once([own.batch(row, shared) for row in rows])
    assert sorted(map(str, answers)) == sorted(map(str, [own.counts(stored=2), *[own.counts(stored=1, duplicates=1)] * 29]))
    assert len(stored(server, shared, *rows)) == 31


def test_a_row_of_two_sources():
    """What two senders send alike is two events."""
    with own.Server(own.definition(each="rows"), "own", "annex") as server:
        row = own.row()
        assert server.send(own.batch(row)) == server.send(own.batch(row), name="annex") == own.counts(stored=1)
        assert [one["id"] for one in server.events()] == [oracle.row_id("own", row), oracle.row_id("annex", row)]


# What makes two rows the same.


def test_one_row_written_in_many_ways(server):
    """Neither the order of members nor white space nor the way a letter is written makes another row."""
    name = harness.fresh()
    ways = ['{"id":"%s","a":{"b":[1,2],"c":"\\u00e9\\n/"}}', '{"a":{"c":"\u00e9\\u000a\\/","b":[1,2]},"id":"%s"}',
            ' { "id" : "%s" ,\r\n\t"a" : { "b" : [ 1 , 2 ] , "c" : "\\u00E9\\n/" } } ']
    answers = [server.send(f'{{"rows":[{way % name}]}}'.encode()) for way in ways]
    assert answers == [own.counts(stored=1), own.counts(duplicates=1), own.counts(duplicates=1)]
    assert len(stored(server, {"id": name, "a": {"b": [1, 2], "c": "é\n/"}})) == 1


OTHERS = ['"x":1', '"x":"1"', '"x":1.0', '"x":-1', '"x":true', '"x":null', '"x":[]', '"x":{}', '"x":""', '"x":" "', '"X":1', '"y":1', '"x":[1,2]',
          '"x":[2,1]', '"x":[[1,2]]', '"x":{"y":1}', '"x":{"y":{"z":1}}', '"x":"\u00e9"', '"x":"e\u0301"', '"x":9007199254740993',
          '"x":9007199254740992', '"x":0.1', '"x":0.10000000000000002', '"x":1,"y":1', '"x":"1,\\"y\\":1"']


def test_rows_that_differ(server):
    """Any other value, name, kind or order makes another row, down to the last digit."""
    name = harness.fresh()
    texts = [f'{{"id":"{name}",{other}}}' for other in OTHERS] + [f'{{"id":"{name}"}}']
    assert server.send(f'{{"rows":[{",".join(texts)}]}}'.encode()) == own.counts(stored=len(texts))
    for text in texts:
        assert server.send(f'{{"rows":[{text}]}}'.encode()) == own.counts(duplicates=1)


def test_a_key_of_rows():
    """The id of a row with a key is made of the key and of all that is in the row; another value beside it is another event."""
    key = ["$.clinic", "id", ["revision", "version"]]
    with own.Server(own.definition(each="rows", event=own.event(key=key))) as server:
        rows = [own.row(revision=1), own.row(version="é\n\"", revision=None), own.row(id=7, revision=2**62)]
        assert server.send(own.batch(*rows)) == own.counts(stored=3)
        values = [(rows[0]["id"], 1), (rows[1]["id"], "é\n\""), (7, 2**62)]
        assert [one["id"] for one in server.events()] == \
            [oracle.row_id("own", row, "AppointmentChanged", "CLI-001", *value) for row, value in zip(rows, values)]
        assert server.send(own.batch(*rows)) == own.counts(duplicates=3)
        assert server.send(own.batch({**rows[0], "state": "left"})) == own.counts(stored=1)
        assert server.send(own.batch(rows[0], clinic="CLI-002")) == own.counts(stored=1)
        assert server.outcomes() == {"accepted": 5, "duplicate": 3}


def test_a_row_without_its_key():
    """A row whose key is not whole is a fault, and one of its own."""
    with own.Server(own.definition(each="rows", event=own.event(key=["id", "revision"]))) as server:
        rows = [own.row(), own.row(revision=""), own.row(revision=None), own.row(revision=1.5), own.row(revision=[1]), own.row(revision=True)]
        assert server.send(own.batch(*rows, own.row(revision=0))) == own.counts(stored=1, quarantined=6)
        assert {one["faults"] for one in server.kept().values()} == {'["Missing revision"]'}
        assert sorted(body["rows"][0]["id"] for body in server.bodies().values()) == sorted(row["id"] for row in rows)


def test_rows_that_differ_beside_a_key_that_is_not_whole():
    """Two rows that lack the same part of their key are two rows of quarantine, and two events once the definition is mended."""
    with own.Server(own.definition(each="rows", event=own.event(key=["state", "revision"]))) as server:
        rows = [own.row(), own.row()]
        assert server.send(own.batch(*rows, rows[0])) == own.counts(quarantined=3)
        kept = [oracle.row_id("own", row, "AppointmentChanged", "booked", None) for row in rows]
        assert {key: one["count"] for key, one in server.kept().items()} == {kept[0]: 2, kept[1]: 1}
        server.mend(own.definition(each="rows"))
        assert server.retry("--all") == (0, sorted(f"{event_id} stored" for event_id in kept))
        assert (sorted(one["id"] for one in server.events()), server.kept()) == (own.ids(*rows), {})


# All or nothing.


@pytest.mark.parametrize("place", [0, 1, 3])
def test_full_quarantine(place):
    """If quarantine has no room for one row, no row of the batch is kept, and the sender is told to come again."""
    with own.Server(own.definition(each="rows"), quarantine_rows=2) as server:
        first, good, bad = own.bad_row(), [own.row() for _ in range(3)], [own.bad_row() for _ in range(2)]
        assert server.send(own.batch(first)) == own.counts(quarantined=1)
        before = server.kept()
        rows = [*good[:place], bad[0], *good[place:], bad[1]]
        for _ in range(2):
            assert server.send(own.batch(*rows)) == own.UNAVAILABLE
            assert (server.events(), server.kept()) == ([], before)
        assert server.log.wait_for("quarantine is full", source="own")
        assert server.send(own.batch(*rows[:-1])) == own.counts(stored=3, quarantined=1)
        assert server.send(own.batch(own.bad_row())) == own.UNAVAILABLE
        assert server.send(own.batch(first, bad[0], own.row())) == own.counts(stored=1, quarantined=2)
        assert server.outcomes() == {"accepted": 4, "quarantined": 4, "shed": 3}


def test_quarantine_full_of_bytes():
    """Bytes are bounded like rows: what was undone is counted no longer."""
    with own.Server(own.definition(each="rows"), quarantine_bytes=1500) as server:  # A head takes about 120 of them.
        small, large = own.bad_row(), own.bad_row(note="x" * 700)
        for _ in range(3):
            assert server.send(own.batch(small, own.bad_row(note="y" * 500), large)) == own.UNAVAILABLE
        assert (server.events(), server.kept()) == ([], {})
        assert server.send(own.batch(small, large)) == own.counts(quarantined=2)
        assert sorted(server.kept()) == own.ids(small, large)


def test_full_quarantine_is_nobody_elses_trouble():
    """Batches that cannot be kept take nothing with them of those that are written at the same moment."""
    with own.Server(own.definition(each="rows"), quarantine_rows=1) as server:
        good = [[own.row() for _ in range(4)] for _ in range(60)]
        full = [[own.row(), own.bad_row(), own.bad_row(), own.row()] for _ in range(60)]
        payloads = [own.batch(*rows) for pair in zip(good, full) for rows in pair]
        assert server.send_at_once(payloads) == [own.counts(stored=4), own.UNAVAILABLE] * 60
        assert sorted(one["id"] for one in server.events()) == own.ids(*(row for rows in good for row in rows))
        assert server.kept() == {}
