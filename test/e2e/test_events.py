"""Which event a webhook becomes, and what it takes from the request's head: headers and the query, but no secret."""
import base64
import json
from dataclasses import replace

import pytest

import harness
import ledger
import oracle
import own

COOKIE, PASSWORD, BEARER = "invented-cookie-not-real", "invented-word-not-real", "invented-bearer-not-real"
SECRETIVE = {"Authorization": f"Bearer {BEARER}", "Proxy-Authorization": BEARER, "Cookie": f"session={COOKIE}", "X-Api-Key": PASSWORD,
             "X-ApiKey": PASSWORD, "X-Shared-Secret": PASSWORD, "X-Auth-Token": BEARER, "X-Other-Signature": BEARER, "X-Password": PASSWORD,
             "X-Passwd": PASSWORD, "Key": PASSWORD, "X-Credentials": BEARER, "X-SESSION-ID": COOKIE}
ledger.SECRETS.update({COOKIE, PASSWORD, BEARER})


def sees(**paths):
    """A definition whose events hold what these paths lead to, as texts."""
    return own.definition(event=own.event({name: {"from": path, "type": "string"} for name, path in paths.items()}))


def last(server, *names):
    """Some members of the last event's detail, None where there is none."""
    detail = server.details()[-1]
    return tuple(detail.get(name) for name in names)


def choice(*events):
    """A definition with several events, each a condition and the type it gives; None ignores."""
    made = [{"when": when, "ignore": True} if name is None else own.event(type=name, **({"when": when} if when else {}))
            for when, name in events]
    return own.definition(events=made)


def become(server, payload, headers=(), query=""):
    """Post a payload and tell what it became: an event's type, "ignored", or its faults."""
    body = ledger.encode({"id": harness.fresh(), **payload})
    status, answer = server.send(body, headers, query)
    if status == 400:
        return answer["errors"]
    assert status == 200
    return "ignored" if "eventId" not in answer else server.event(answer["eventId"])["detail_type"]


# The request's head.


def test_from_headers_and_query():
    """Fields are taken from headers, whatever the case of their names, and from the query, decoded."""
    made = sees(kind="header:X-Event-Kind", site="query:site", place="query:a place", first=["header:X-None", "query:none", "query:site"])
    with own.Server(made) as server:
        assert server.send(own.row(), [("x-eVENT-kIND", "appointment  moved")], "site=north%20%26+side&a%20place=%C3%A9")[0] == 200
        assert last(server, "kind", "site", "place", "first") == ("appointment  moved", "north & side", "é", "north & side")
        assert server.send(own.row(), [("X-Event", "x"), ("Event-Kind", "x")], "Site=x&site2=x")[0] == 200
        assert last(server, "kind", "site", "place", "first") == (None, None, None, None)


def test_values_out_of_texts():
    """In a head everything is text, so numbers and truths are read out of texts."""
    kinds = {"whole": "7", "number": "1.50", "bool": "true", "time": "2025-01-20T14:00:00Z", "id": "A-7", "string": "", "scalar": "7"}
    fields = {name: {"from": ["header:X-Given", "query:given"], "type": name} for name in kinds}
    for name, text in kinds.items():
        with own.Server(own.definition(event=own.event({name: fields[name]}))) as server:
            want = {"whole": 7, "number": 1.5, "bool": True}.get(name, text)
            assert server.send(own.row(), [("X-Given", text)])[0] == 200
            assert server.send(own.row(), query=f"given={text}")[0] == 200
            assert [one.get(name) for one in server.details()] == [want, want]
            if name in ("whole", "number", "bool", "time"):
                assert server.send(own.row(), [("X-Given", "seven")]) == own.faults("Invalid header:X-Given")


def test_a_required_header():
    """A header that is required and not there is a fault under its path."""
    made = own.definition(event=own.event({"kind": {"from": "header:X-Kind", "type": "string", "required": True}}))
    with own.Server(made) as server:
        assert server.send(own.row()) == own.faults("Missing header:X-Kind")
        assert server.send(own.row(), [("X-Kind", "")]) == own.faults("Missing header:X-Kind")
        assert server.send(own.row(), [("X-Kind", "a")])[0] == 200


ABSENT = {
    "not there": ([], ""),
    "a header twice": ([("X-Kind", "a"), ("x-kind", "a")], ""),
    "a header that is not UTF-8": ([("X-Kind", b"caf\xe9")], ""),
    "a header of half a letter": ([("X-Kind", b"\xc3")], ""),
    "a parameter twice": ([], "kind=a&kind=a"),
    "a parameter twice, once encoded": ([], "kind=a&%6bind=b"),
    "a parameter that is not UTF-8": ([], "kind=caf%E9"),
    "a parameter with NUL": ([], "kind=a%00b"),
    "a query that is no form": ([], "kind=%zz"),
}


@pytest.mark.parametrize("case", ABSENT)
def test_counts_as_absent(case):
    """What is given twice, or is no text, is not there: for a field, for a condition, and for the event that is chosen."""
    headers, query = ABSENT[case]
    detail = {"kind": {"from": ["header:X-Kind", "query:kind"], "type": "string", "default": "none"}}
    events = [own.event(detail, type="WithHeader", when={"header:X-Kind": "*"}),
              own.event(detail, type="WithQuery", when={"query:kind": "*"}),
              own.event(detail, type="WithNeither", when={"header:X-Kind": None, "query:kind": None})]
    with own.Server(own.definition(events=events)) as server:
        assert become(server, {}, headers, query) == "WithNeither"
        assert last(server, "kind") == ("none",)
        assert become(server, {}, [("X-Kind", "ä".encode())]) == "WithHeader"
        assert become(server, {}, query="kind=b") == "WithQuery"
        assert last(server, "kind") == ("b",)


def test_in_a_batch():
    """Every row of a batch sees the head of its request."""
    made = own.definition(each="rows", events=[own.event({"kind": {"from": "header:X-Kind", "type": "string"}}, when={"query:mode": "live"})])
    with own.Server(made) as server:
        assert server.send(own.batch(own.row(), own.row()), [("X-Kind", "moved")], "mode=live") == own.counts(stored=2)
        assert [one["kind"] for one in server.details()] == ["moved", "moved"]
        assert server.send(own.batch(own.row()), [("X-Kind", "moved")], "mode=test") == own.counts(quarantined=1)


# Secrets in the head.


def secrets_in(server):
    """The secrets that any file of the database holds."""
    whole = b"".join(path.read_bytes() for path in server.directory.glob("pickupd.db*") if path.is_file())
    return {secret for secret in ledger.SECRETS | ledger.SIGNATURES if secret and secret.encode() in whole}


@pytest.mark.parametrize("name", SECRETIVE)
def test_a_secret_header_is_not_seen(name):
    """A header or parameter that may hold a secret is kept from definitions, and not kept in quarantine."""
    with own.Server(own.definition()) as server:
        server.send(own.bad_row(), [(name, SECRETIVE[name]), ("X-Kind", "moved")], f"{name.lower()}={PASSWORD}&site=north")
        head, = (json.loads(one["head"]) for one in server.kept().values())
        assert (head["header"].keys(), head["query"]) == ({"host", "content-type", "content-length", "x-kind"}, {"site": "north"})
        assert secrets_in(server) == set()
        for path in (f"header:{name}", f"query:{name.lower()}"):
            server.define(own.definition(event=own.event({"seen": {"from": path, "type": "any"}})))
            result = server.cli("check", server.directory / "mine.json")
            assert result.code == 1 and "event.detail.seen.from: is kept from definitions, because it may hold a secret\n" in result.err


def test_an_idempotency_key_is_no_secret():
    """It is what a sender would have a webhook known by: it can be seen, and is kept."""
    with own.Server(sees(one="header:Idempotency-Key", other="query:idempotency_key")) as server:
        assert server.send(own.row(), [("Idempotency-Key", "a")], "idempotency_key=b")[0] == 200
        assert last(server, "one", "other") == ("a", "b")
        server.send(own.bad_row(), [("Idempotency-Key", "a")], "idempotency_key=b")
        head, = (json.loads(one["head"]) for one in server.kept().values())
        assert (head["header"]["idempotency-key"], head["query"]) == ("a", {"idempotency_key": "b"})


SECRET, USER = "own-door-secret-not-real", "lab:own-door-secret-not-real"
BASIC = "Basic " + base64.b64encode(USER.encode()).decode()
PLACES = {
    "a header": ({"kind": "static", "signature": {"header": "X-Door"}}, [("X-Door", SECRET)], ""),
    "a header in other letters": ({"kind": "static", "signature": {"header": "x-door"}}, [("X-DOOR", SECRET)], ""),
    "a pattern of headers": ({"kind": "static", "signature": {"header_pattern": "X-Door-*"}}, [("X-Door-1", SECRET)], ""),
    "a parameter": ({"kind": "static", "signature": {"query": "door"}}, [], f"door={SECRET}"),
    "a parameter, encoded": ({"kind": "static", "signature": {"query": "door"}}, [], f"d%6for={SECRET}"),
    "basic": ({"kind": "basic", "signature": {"header": "X-Door"}}, [("X-Door", BASIC)], ""),
}
ledger.SECRETS.update({SECRET, USER, BASIC})


def door(made, secret=SECRET):
    """A server whose source is proven by a secret in the request itself."""
    server = own.Server(made)
    server.sources["own"] = replace(server.sources["own"], secret=secret)
    return server


@pytest.mark.parametrize("place", PLACES)
def test_the_schemes_own_place_is_not_seen(place):
    """Where the scheme looks for the secret or the signature nothing is there for the definition, and nothing is kept."""
    scheme, headers, query = PLACES[place]
    paths = ["header:X-Door", "header:X-Door-1", "query:door"]
    made = own.definition(scheme=scheme, events=[own.event({"seen": {"from": paths, "type": "any"}}, when={path: None for path in paths})])
    with door(made, USER if scheme["kind"] == "basic" else SECRET) as server:
        path = f"{server.path('own')}?{query}".rstrip("?")
        assert server.ask("POST", path, ledger.encode(own.row()), headers).status == 200
        assert server.ask("POST", path, ledger.encode(own.bad_row()), headers).refusal == own.faults("Invalid state")
        assert ["seen" in one for one in server.details()] == [False]
        head, = (json.loads(one["head"]) for one in server.kept().values())
        assert (head["header"].keys(), head["query"]) == ({"host", "content-length"}, {})
        assert secrets_in(server) == set()


def test_the_place_of_a_handshakes_secret_is_not_seen():
    """Where a handshake looks for the secret nothing is there for a definition either."""
    handshake = {"method": "GET", "when": {"query:challenge": "*"}, "secret": {"query": "door"},
                 "answer": {"body": "{query:challenge}{query:door}"}}
    other = {"method": "POST", "when": {"hello": "*"}, "secret": {"header": "X-Other-Door"}, "answer": {"body": "{hello}"}}
    made = own.definition(scheme=PLACES["a header"][0], handshakes=[handshake, other],
                          event=own.event({"seen": {"from": ["query:door", "header:X-Other-Door"], "type": "any"}}))
    with door(made) as server:
        for body in (own.row(), own.bad_row()):
            server.ask("POST", f"{server.path('own')}?door={SECRET}", ledger.encode(body), [("X-Door", SECRET), ("X-Other-Door", SECRET)])
        assert ["seen" in one for one in server.details()] == [False]
        assert len(server.kept()) == 1
        assert secrets_in(server) == set()
        assert SECRET.encode() not in server.ask("GET", f"{server.path('own')}?challenge=a&door={SECRET}").body


def test_the_signature_is_not_kept():
    """The head that is kept beside a bad webhook holds what a definition could see, and no more."""
    with own.Server(own.definition()) as server:
        server.send(own.bad_row(), [("X-Kind", "moved"), ("X-Twice", "a"), ("X-Twice", "b"), ("X-Torn", b"\xff")], "site=a%20b&two=1&two=2")
        kept, = server.kept().values()
        head = json.loads(kept["head"])
        assert head["header"].keys() == {"host", "content-type", "content-length", "x-kind"}
        assert (head["header"]["x-kind"], head["query"]) == ("moved", {"site": "a b"})
        assert secrets_in(server) == set()


# The head after quarantine.


@pytest.mark.parametrize("reads", [True, False], ids=["read before", "not read before"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_the_head_survives_quarantine(reads, running):
    """What was in the head when a webhook came is there when it is retried, even if the definition did not look at it then."""
    detail = {"kind": {"from": "header:X-Kind", "type": "string"}, "site": {"from": "query:site", "type": "whole"}}
    mended = own.definition(events=[own.event({**own.MENDED["detail"], **detail}, when={"header:X-Kind": "moved"})])
    with own.Server(own.definition(event=own.event(detail if reads else {}))) as server:
        body = ledger.encode(own.bad_row())
        assert server.send(body, [("X-Kind", "moved")], "site=7") == own.faults("Invalid state")
        event_id = oracle.event_id("own", body)
        if running:
            server.mend(mended)
        else:
            server.stop()
            server.define(mended)
        assert server.retry("--all") == (0, [f"{event_id} stored"])
        if not running:
            server.start()
        assert (last(server, "kind", "site"), server.kept()) == (("moved", 7), {})


def test_the_head_survives_in_a_batch():
    """Each bad row keeps the head of its batch, and so does a row that was part of what could not be read at all."""
    detail = {**own.MENDED["detail"], "kind": {"from": "header:X-Kind", "type": "string", "required": True}}
    with own.Server(own.definition(event=own.event())) as server:
        rows = [own.bad_row(), own.bad_row(), own.row(id=None)]
        assert server.send(own.batch(*rows), [("X-Kind", "moved")])[0] == 400
        server.mend(own.definition(each="rows"))
        assert server.send(own.batch(rows[0], page=2), [("X-Kind", "late")]) == own.counts(quarantined=1)
        server.mend(own.definition(each="rows", event=own.event(detail)))
        assert server.retry("--all")[0] == 1
        assert sorted((one["rowId"], one["kind"]) for one in server.details()) == \
            sorted([(rows[0]["id"], "moved"), (rows[1]["id"], "moved")])
        kept, = server.kept().values()
        assert json.loads(kept["head"])["header"]["x-kind"] == "moved"


# The choice.


@pytest.mark.parametrize("wanted, fits, others", [
    ("a", ["a"], ["A", "", "a ", "b", 7, True, None, ["a"], {"a": 1}]),
    ("7", ["7"], [7, 7.0, "07"]),
    (7, [7], ["7", 7.0, 8, True, -7]),
    (1, [1], [True, "1", 1.0]),
    (0, [0], [False, "0", None, ""]),
    (True, [True], ["true", 1, False]),
    (False, [False], ["false", 0, True, None, ""]),
    ("true", ["true"], [True]),
    ("", [""], [None, " ", 0, [], {}]),
    (["a", 7, True], ["a", 7, True], ["7", "true", 1, False, ["a"], ["a", 7, True]]),
    (None, [None], ["", 0, False, [], {}, "null"]),
    ("*", ["*", "", 0, False, 1.5, [], {}, "a"], [None]),
], ids=str)
def test_by_a_field(wanted, fits, others):
    """A condition holds for its own value and kind, and no other: texts, whole numbers and truths are never taken for one another."""
    with own.Server(choice(({"kind": wanted}, "Fits"), ({"kind": wanted, "never": "*"}, "Never"))) as server:
        for value in fits:
            assert become(server, {"kind": value}) == "Fits", value
        for value in others:
            assert become(server, {"kind": value}) == ["No event fits"], value
        assert become(server, {}) == ("Fits" if wanted is None else ["No event fits"])


def test_all_conditions_must_hold():
    """Conditions of one event hold together, wherever they look."""
    when = {"a.b": 1, "header:X-Kind": ["x", "y"], "query:mode": "live", "list.0": "*", "people.role=doctor.name": "*", "gone": None}
    good = {"a": {"b": 1}, "list": [0], "people": [{"role": "nurse"}, {"role": "doctor", "name": "Dr. Quillfeather"}]}
    with own.Server(choice((when, "Fits"))) as server:
        def ask(changes=None, kind="y", mode="live"):
            return become(server, {**good, **(changes or {})}, [("X-Kind", kind)], f"mode={mode}")
        assert ask() == "Fits"
        for changes in ({"a": {"b": 2}}, {"a": 1}, {"list": []}, {"people": good["people"][:1]}, {"gone": 0}):
            assert ask(changes) == ["No event fits"], changes
        assert ask(kind="z") == ask(mode="test") == ["No event fits"]


def test_a_header_is_a_text():
    """In a head everything is text, also what looks like a number or a truth."""
    with own.Server(choice(({"header:X-Kind": "7", "query:kind": ["false", "true"]}, "Text"))) as server:
        assert become(server, {}, [("X-Kind", "7")], "kind=true") == "Text"
        assert become(server, {}, [("X-Kind", "7.0")], "kind=true") == ["No event fits"]
        assert become(server, {"kind": True}, [("X-Kind", "7")]) == ["No event fits"]


def test_order_matters():
    """The first event that fits is taken, even if a later one says more."""
    with own.Server(choice(({"kind": "*"}, "First"), ({"kind": "a"}, "Second"), (None, "Rest"))) as server:
        assert [become(server, {"kind": kind}) for kind in ("a", "b", None)] == ["First", "First", "Rest"]
        server.mend(choice(({"kind": "a"}, "Second"), ({"kind": "*"}, "First"), (None, "Rest")))
        assert [become(server, {"kind": kind}) for kind in ("a", "b", None)] == ["Second", "First", "Rest"]


def test_a_fault_is_no_reason_to_go_on():
    """The event that fits is the event: if its mapping has a fault no other is tried."""
    with own.Server(choice(({"kind": "a"}, "First"), (None, "Rest"))) as server:
        assert become(server, {"kind": "a", "state": 7}) == ["Invalid state"]
        assert server.events() == []


def test_ignore():
    """What is ignored is answered 200, counted, and kept nowhere, however bad it is; its signature is looked at all the same."""
    with own.Server(choice(({"kind": "ping"}, None), (None, "Rest"))) as server:
        ping = {"kind": "ping", "patientName": "Ignatius Madeup-Ignored", "state": 7}
        for _ in range(2):
            assert server.send(ping) == (200, {"success": True, "ignored": True})
        assert server.post("own", ping, []).status == 401
        assert (server.events(), server.kept(), server.outcomes()) == ([], {}, {"ignored": 2, "refused": 1})


def test_ignored_in_the_senders_words():
    """What a definition answers to what it ignores is answered."""
    made = {**choice(({"kind": "ping"}, None), (None, "Rest")), "answers": {"ignored": {"status": 204}}}
    with own.Server(made) as server:
        body = b'{"kind":"ping"}'
        answer = server.ask("POST", server.path("own"), body, server.headers("own", body))
        assert (answer.status, answer.body) == (204, b"")


def test_no_event_fits():
    """What nothing fits is a fault, kept like any other, and an event once something does."""
    with own.Server(choice(({"kind": "a"}, "First"))) as server:
        body = ledger.encode(own.row(kind="b"))
        assert server.send(body) == own.faults("No event fits")
        event_id = oracle.event_id("own", body)
        assert bytes(server.kept()[event_id]["body"]) == body
        assert server.retry("--all") == (1, [f"{event_id} still faulty: No event fits"])
        server.mend(choice(({"kind": "a"}, "First"), ({"kind": ["b", "c"]}, "Second")))
        assert server.retry("--all") == (0, [f"{event_id} stored"])
        assert server.event(event_id)["detail_type"] == "Second"


def test_each_row_by_itself():
    """Rows of one batch become events of different kinds."""
    events = [own.event(type="Moved", when={"kind": "moved"}), own.event(type="Left", source="ehr.other", when={"kind": "left"})]
    with own.Server(own.definition(each="rows", events=events)) as server:
        assert server.send(own.batch(*(own.row(kind=kind) for kind in ("left", "moved", "lost", "left")))) == own.counts(stored=3, quarantined=1)
        assert [(one["detail_type"], one["source"]) for one in server.events()] == \
            [("Left", "ehr.other"), ("Moved", "ehr.invented"), ("Left", "ehr.other")]
