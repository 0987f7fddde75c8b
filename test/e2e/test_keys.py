"""A declared key names the delivery: webhooks of one key are one event, whatever else is in them, and empty ones can be told apart."""
import hashlib
import hmac
import json
from urllib.parse import quote

import pytest

import harness
import ledger
import oracle
import own

ID_SCHEME = {"kind": "hmac", "hash": "sha256", "signature": {"header": "X-Own-Signature", "encoding": "hex"}, "id": {"header": "X-Delivery"},
             "signed": "{id}.{header:X-Kind}.{body}"}
STATIC = {"kind": "static", "signature": {"header": "X-Door"}}
URL = "https://hooks.invented.example/in"
KEYED = own.definition(event=own.event(key=["id", "revision"]))
MENDED = own.definition(event={**own.MENDED, "key": ["id", "revision"]})


def row(**changes):
    """A row with a whole key."""
    return own.row(**{"revision": 1, **changes})


def signed(server, body, ident, kind="moved"):
    """The headers of a request that is signed with its delivery id and a header."""
    secret = server.sources["own"].secret.encode()
    signature = hmac.new(secret, f"{ident}.{kind}.".encode() + body, hashlib.sha256).hexdigest()
    ledger.SIGNATURES.add(signature)
    return [("X-Delivery", ident), ("X-Kind", kind), ("X-Own-Signature", signature)]


def deliver(server, payload, ident, kind="moved"):
    """Post with a signed delivery id; return the status and the answer."""
    body = ledger.encode(payload)
    return server.ask("POST", server.path("own"), body, signed(server, body, ident, kind)).refusal


def accepted(event_id, duplicate=False):
    """The whole answer to a webhook that became an event."""
    answer = {"success": True, "eventId": event_id, "message": "Event received"}
    return 200, {**answer, "duplicate": True} if duplicate else answer


def check(made):
    """What `pickupd check` says of a definition: the exit code, and the complaints without the path before the line."""
    server = own.Server(made)
    path = server.directory / "mine.json"
    result = server.cli("check", path)
    assert all(line.startswith(f"{path}:") for line in result.err.splitlines())
    return result.code, [line.removeprefix(f"{path}:") for line in result.err.splitlines()]


def line_of(made, *path):
    """The line of a definition, as a test writes it, in which the value at this path begins."""
    text, at = json.dumps(made, indent=1), made
    for step in path:
        at = at[step]
    mark = "Find me, please"
    parent = made
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = mark
    found = json.dumps(made, indent=1).split(mark)[0].count("\n") + 1
    parent[path[-1]] = at
    assert json.dumps(made, indent=1) == text
    return found


# What a key is.


@pytest.mark.parametrize("key, change, values", [
    (["id"], {}, lambda sent: [sent["id"]]),
    (["id", "revision"], {}, lambda sent: [sent["id"], 1]),
    (["revision", "id"], {}, lambda sent: [1, sent["id"]]),
    (["$.id", "data.0.at"], {"data": [{"at": "é \"quoted\"\\\n"}]}, lambda sent: [sent["id"], "é \"quoted\"\\\n"]),
    ([["other", "id"], "revision"], {}, lambda sent: [sent["id"], 1]),
    ([["other", "id"], "revision"], {"other": 0}, lambda sent: [0, 1]),
    (["revision", "id"], {"revision": -2**63}, lambda sent: [-2**63, sent["id"]]),
], ids=str)
def test_the_id(key, change, values):
    """The id is made of the event's type and the key's values, as Python computes it, and of nothing else."""
    with own.Server(own.definition(event=own.event(key=key))) as server:
        sent = row(**change)
        event_id = oracle.key_id("own", *values(sent))
        assert server.send(sent) == accepted(event_id)
        assert server.send(sent) == accepted(event_id, duplicate=True)
        assert server.send({"more": 1, **sent, "state": "left"}) == accepted(event_id, duplicate=True)
        assert [one["id"] for one in server.events()] == [event_id]


def test_keys_that_differ():
    """Another value is another event: texts and numbers, empty places and what stands on which side of a border are told apart."""
    name = harness.fresh()
    pairs = [(name, 1), (name, "1"), (name, 2), (name, "a"), (name + "a", 1), (1, name), (name, name), (f'{name}","', "b"), (name, '","b'),
             (f"{name},1", 1), (name.lower(), 1), (f" {name}", 1)]
    with own.Server(KEYED) as server:
        for identity, revision in pairs:
            assert server.send(row(id=identity, revision=revision)) == accepted(oracle.key_id("own", identity, revision))
        assert len(server.events()) == len(pairs)


def test_a_key_is_of_its_source():
    """Two sources of one definition have keys of their own."""
    with own.Server(KEYED, "own", "annex") as server:
        sent = row()
        for name in ("own", "annex"):
            assert server.send(sent, name=name) == accepted(oracle.key_id(name, sent["id"], 1))


def test_a_key_is_of_its_type():
    """Events of two types with the same values in their keys are two, and each is known again."""
    events = [own.event(when={"kind": "moved"}, type="Moved", key=["id"]), own.event(type="Left", key=["id"])]
    with own.Server(own.definition(events=events)) as server:
        sent = row(kind="moved")
        for duplicate in (False, True):
            assert server.send(sent) == accepted(oracle.key_id("own", sent["id"], kind="Moved"), duplicate)
            assert server.send({**sent, "kind": "left"}) == accepted(oracle.key_id("own", sent["id"], kind="Left"), duplicate)
        assert len(server.events()) == 2


def test_a_key_for_one_event_only():
    """Events of one definition may have different keys, or none, and are never taken for each other's."""
    events = [own.event(when={"kind": "keyed"}, key=["id"]), own.event()]
    with own.Server(own.definition(events=events)) as server:
        keyed, plain = row(kind="keyed"), ledger.encode(row(kind="plain"))
        assert server.send(keyed) == accepted(oracle.key_id("own", keyed["id"]))
        assert server.send(plain) == accepted(oracle.event_id("own", plain))
        assert server.send(plain + b" ") == accepted(oracle.event_id("own", plain + b" "))


# The same key again.


def test_the_same_key_with_other_bytes():
    """It is a duplicate and answered 200; the first stays; it is counted apart, and said once in the log, without a value."""
    with own.Server(KEYED) as server:
        sent = row()
        event_id = oracle.key_id("own", sent["id"], 1)
        server.send(sent)
        first = server.events()
        assert server.send(sent) == accepted(event_id, duplicate=True)
        assert server.outcomes() == {"accepted": 1, "duplicate": 1}
        assert server.log.find("a known key came with other bytes") is None
        changed = {**sent, "patientName": "Another Madeup-Changed", "state": "left"}
        assert server.send(changed) == accepted(event_id, duplicate=True)
        record = server.log.wait_for("a known key came with other bytes", source="own")
        assert record.keys() == {"time", "level", "msg", "held", "source", "request"}
        assert server.outcomes() == {"accepted": 1, "duplicate": 1, "changed": 1}
        assert server.events() == first
        assert server.send(sent) == accepted(event_id, duplicate=True)
        assert server.outcomes() == {"accepted": 1, "duplicate": 2, "changed": 1}


def test_the_log_says_it_once():
    """Many at once are counted each, but held together in the log."""
    with own.Server(KEYED) as server:
        sent = row()
        server.send(sent)
        server.send_at_once([{**sent, "more": number} for number in range(50)])
        assert server.outcomes() == {"accepted": 1, "changed": 50}
        lines = [json.loads(line) for line in server.log.lines if "a known key came with other bytes" in line]
        assert len(lines) <= 10 * (1 + len({line["time"][:19] for line in lines}))  # A machine may be too busy to have them in one second.


def test_many_of_one_key_at_once():
    """Of fifty that come at one moment one is new."""
    with own.Server(KEYED) as server:
        sent = row()
        answers = server.send_at_once([{**sent, "more": number} for number in range(50)])
        event_id = oracle.key_id("own", sent["id"], 1)
        assert sorted(map(str, answers)) == sorted(map(str, [accepted(event_id), *[accepted(event_id, True)] * 49]))
        assert [one["id"] for one in server.events()] == [event_id]


def test_remembered_over_a_restart():
    """The key and what came with it are on disk."""
    with own.Server(KEYED) as server:
        sent = row()
        server.send(sent)
        digest, = server.query("SELECT hex(content) AS content FROM events")
        assert digest["content"] == hashlib.sha256(ledger.encode(sent)).hexdigest().upper()
        server.kill()
        server.start()
        event_id = oracle.key_id("own", sent["id"], 1)
        assert server.send(sent) == server.send({**sent, "more": 1}) == accepted(event_id, duplicate=True)
        assert server.outcomes() == {"duplicate": 1, "changed": 1}


# A key that is not there, and bad webhooks that have one.


@pytest.mark.parametrize("revision", [None, "", True, 1.5, [], {}, [1]], ids=str)
def test_a_missing_part(revision):
    """A part that is no text with something in it and no whole number is a fault, beside those of the mapping."""
    with own.Server(KEYED) as server:
        assert server.send(own.row(revision=revision)) == own.faults("Missing revision")
        assert server.send(own.row(id=None, state=7, revision=revision)) == own.faults("Missing id", "Missing revision", "Invalid state")
        assert server.send(own.row()) == own.faults("Missing revision")
        assert server.events() == []


def test_webhooks_without_their_key_are_each_kept():
    """Without a key the body tells them apart, so that none is lost: each is there to be retried once the definition is mended."""
    with own.Server(own.definition(event=own.event(key=["revision"]))) as server:
        bodies = [ledger.encode(own.row()) for _ in range(3)]
        assert [server.send(body) for body in bodies] == [own.faults("Missing revision")] * 3
        assert {key: bytes(one["body"]) for key, one in server.kept().items()} == {oracle.event_id("own", body): body for body in bodies}
        server.mend(own.definition(event=own.event(key=["id"])))
        assert server.retry("--all") == (0, sorted(f"{oracle.event_id('own', body)} stored" for body in bodies))
        assert sorted(one["id"] for one in server.events()) == sorted(oracle.key_id("own", json.loads(body)["id"]) for body in bodies)
        assert server.kept() == {}
        assert server.send(bodies[0])[1]["duplicate"] is True


def test_bad_webhooks_with_a_key():
    """A bad one is kept under its key, a repeat is counted, and the sender's next good one of that key takes its place and its time."""
    with own.Server(KEYED) as server:
        bad = row(state=7)
        event_id = oracle.key_id("own", bad["id"], 1)
        assert server.send(bad) == server.send(bad) == own.faults("Invalid state")
        kept = server.kept()
        assert (list(kept), kept[event_id]["count"]) == ([event_id], 2)
        harness.next_millisecond()
        assert server.send({**bad, "state": "left"}) == accepted(event_id)
        assert (server.kept(), server.events()[0]["time"]) == ({}, kept[event_id]["first_seen"])


def test_retry_of_a_keyed_webhook():
    """Retried, it is the event of its key; and the bytes that are remembered are its own."""
    with own.Server(KEYED) as server:
        bad = row(state=7)
        server.send(bad)
        server.mend(MENDED)
        event_id = oracle.key_id("own", bad["id"], 1)
        assert server.retry("--all") == (0, [f"{event_id} stored"])
        assert server.send(bad) == server.send({**bad, "more": 1}) == accepted(event_id, duplicate=True)
        assert server.outcomes() == {"quarantined": 1, "duplicate": 1, "changed": 1}


# Keys in the head.


def test_a_signed_id():
    """The delivery id that a scheme signs can be the key, and so can a header that it signs."""
    with own.Server(own.definition(scheme=ID_SCHEME, event=own.event(key=["header:x-delivery", "header:X-KIND"]))) as server:
        sent, ident = own.row(), "msg_" + harness.fresh()
        assert deliver(server, sent, ident) == accepted(oracle.key_id("own", ident, "moved"))
        assert deliver(server, {**sent, "more": 1}, ident) == accepted(oracle.key_id("own", ident, "moved"), duplicate=True)
        assert deliver(server, sent, ident, "left") == accepted(oracle.key_id("own", ident, "left"))
        assert deliver(server, sent, ident + "x") == accepted(oracle.key_id("own", ident + "x", "moved"))
        body = ledger.encode(sent)
        forged = [(name, "msg_other" if name == "X-Delivery" else value) for name, value in signed(server, body, ident)]
        assert server.ask("POST", server.path("own"), body, forged).status == 401
        assert server.outcomes() == {"accepted": 3, "changed": 1, "refused": 1}


def test_a_key_in_a_signed_query():
    """The query can be the key where the URL is signed, and nothing that its letters could be moved to."""
    scheme = {"kind": "hmac", "hash": "sha256", "signature": {"header": "X-Own-Signature", "encoding": "hex"}, "signed": "{method} {url}",
              "body": "unsigned"}
    server = own.Server(own.definition(scheme=scheme, event=own.event(key=["query:order"])))
    server.more = f"public_url = {URL}\n"
    with server:
        sent, order = own.row(), harness.fresh() + " é"
        for number in range(2):
            body, query = ledger.encode({**sent, "more": number}), f"order={quote(order)}"
            signature = ledger.sign(server.sources["own"].secret, f"POST {URL}?{query}".encode())
            answer = server.ask("POST", f"{server.path('own')}?{query}", body, [("X-Own-Signature", signature)])
            assert answer.refusal == accepted(oracle.key_id("own", order), duplicate=number > 0)


def test_a_key_that_is_given_twice():
    """A parameter that is given twice is not there, and so is a key of it: a fault."""
    server = own.Server(own.definition(scheme=STATIC, event=own.event(key=["query:order"])))
    with server:
        secret = server.sources["own"].secret
        answer = server.ask("POST", f"{server.path('own')}?order=1&order=1", ledger.encode(own.row()), [("X-Door", secret)])
        assert answer.refusal == own.faults("Missing query:order")


# What the loader refuses.


UNSIGNED = "is not signed: whoever has seen a webhook could send it again as another"
BODY_UNSIGNED = {**ID_SCHEME, "signed": "{id}.{json:event.id}", "body": "unsigned"}


@pytest.mark.parametrize("scheme, key, bad", [
    (own.SCHEME, ["header:X-Delivery"], [0]),
    (own.SCHEME, ["id", "query:order"], [1]),
    (own.SCHEME, ["header:A", "id", "header:B"], [0, 2]),
    (ID_SCHEME, ["header:X-Delivery", "header:X-Kind", "$.id"], []),
    (ID_SCHEME, ["header:X-DELIVERY"], []),
    (ID_SCHEME, ["header:X-Other"], [0]),
    (ID_SCHEME, ["query:X-Delivery"], [0]),
    ({**ID_SCHEME, "signed": "{url} {id} {body}"}, ["query:order", "id"], [0]),
    (BODY_UNSIGNED, ["event.id"], []),
    (BODY_UNSIGNED, ["id"], [0]),
    (BODY_UNSIGNED, ["event"], [0]),
    ({**own.SCHEME, "signed": "{form_sorted}"}, ["id", "$.id"], [0, 1]),
    ({**own.SCHEME, "signed": "{url}{form_sorted}"}, ["query:order", "id"], [0, 1]),
    (STATIC, ["header:X-Delivery", "query:order", "id"], []),
], ids=str)
def test_keys_must_be_signed(scheme, key, bad):
    """The loader refuses a key that the scheme does not sign, and says where it stands."""
    made = own.definition(scheme=scheme, event=own.event(key=key))
    lines = [f"{line_of(made, 'event', 'key', place)}: event.key.{place}: {UNSIGNED}" for place in bad]
    assert check(made) == (1 if bad else 0, lines)


def test_every_way_to_a_part_must_be_signed():
    """Of several paths to one part none may be unsigned, in whichever event it stands."""
    made = own.definition(events=[own.event(key=["id"], when={"a": 1}), own.event(key=["id", ["revision", "header:X-Revision"]])])
    code, lines = check(made)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith(UNSIGNED) and "events.1.key.1" in lines[0]


UNSIGNED_CHOICE = "does not go with events that are chosen by what is not signed"


@pytest.mark.parametrize("scheme, when, good", [
    (own.SCHEME, {"kind": "moved"}, True), (own.SCHEME, {"header:X-Kind": "moved"}, False), (own.SCHEME, {"kind": "a", "query:kind": None}, False),
    (ID_SCHEME, {"header:x-KIND": "moved"}, True), (ID_SCHEME, {"header:X-Delivery": "*"}, True), (ID_SCHEME, {"header:X-Other": "*"}, False),
    (STATIC, {"header:X-Kind": "moved"}, True)], ids=str)
def test_a_key_and_the_choice(scheme, when, good):
    """Where an event is chosen by what is not signed no event may have a key, or a webhook could be sent again as another event."""
    for place, events in enumerate(([own.event(when=when, key=["id"]), own.event()], [own.event(when=when), own.event(key=["id"])])):
        made = own.definition(scheme=scheme, events=events)
        said = [] if good else [f"{line_of(made, 'events', place, 'key')}: events.{place}.key: {UNSIGNED_CHOICE}"]
        assert check(made) == (0 if good else 1, said)
    assert check(own.definition(scheme=scheme, events=[own.event(when=when), own.event()])) == (0, [])


def test_a_server_does_not_start_with_such_a_key():
    """Nor is it taken by a running one: what was served is served on."""
    with own.Server(own.definition()) as server:
        server.define(own.definition(event=own.event(key=["header:X-Delivery"])))
        server.process.send_signal(harness.signal.SIGHUP)
        assert UNSIGNED in server.log.wait_for("configuration not reloaded")["reason"]
        assert server.send(own.row())[0] == 200


# Empty bodies.


EMPTY = {"ping": {"from": "header:X-Kind", "type": "string"}, "delivery": {"from": "header:X-Delivery", "type": "id", "required": True}}
EMPTY_EVENT = {"source": "ehr.invented", "type": "Knocked", "detail": EMPTY, "key": ["header:X-Delivery"]}


def knocked(ident):
    """The id of an empty webhook that has this key."""
    return oracle.key_id("own", ident, kind="Knocked")


def test_empty_webhooks():
    """Two empty webhooks with different keys are two events; the same again is a duplicate; no byte of theirs differs."""
    with own.Server(own.definition(scheme=ID_SCHEME, request={"empty": True}, event=EMPTY_EVENT)) as server:
        first, second = "msg_" + harness.fresh(), "msg_" + harness.fresh()
        for ident in (first, second):
            assert deliver(server, b"", ident) == accepted(knocked(ident))
        assert deliver(server, b"", first, "left") == accepted(knocked(first), duplicate=True)
        assert deliver(server, b"{}", second) == accepted(knocked(second), duplicate=True)
        assert server.details() == [{"ping": "moved", "delivery": first}, {"ping": "moved", "delivery": second}]
        assert server.outcomes() == {"accepted": 2, "duplicate": 1, "changed": 1}


def test_empty_forms():
    """So it is with forms."""
    event = {**EMPTY_EVENT, "detail": {**EMPTY, "whole": {"from": "$", "type": "any"}}}
    made = own.definition(scheme=STATIC, request={"empty": True, "body": "form"}, event=event)
    with own.Server(made) as server:
        headers = [("X-Door", server.sources["own"].secret), ("X-Delivery", "a"), ("Content-Type", "application/x-www-form-urlencoded")]
        assert server.ask("POST", server.path("own"), b"", headers).refusal == accepted(knocked("a"))
        assert server.details() == [{"delivery": "a", "whole": {}}]


def test_an_empty_webhook_without_its_key():
    """An empty webhook whose key is not there is kept, with its head, and so can be told what it lacked."""
    made = own.definition(scheme=STATIC, request={"empty": True}, event={**EMPTY_EVENT, "key": ["query:order"]})
    with own.Server(made) as server:
        answer = server.ask("POST", server.path("own"), b"", [("X-Door", server.sources["own"].secret), ("X-Delivery", "a")])
        assert answer.refusal == own.faults("Missing query:order")
        (event_id, kept), = server.kept().items()
        assert event_id == oracle.head_id("own", kept["head"]) and json.loads(kept["head"])["header"]["x-delivery"] == "a"
        server.mend(own.definition(scheme=STATIC, request={"empty": True}, event=EMPTY_EVENT))
        assert server.retry("--all")[0] == 0
        assert [one["id"] for one in server.events()] == [knocked("a")]


@pytest.mark.parametrize("body", ["json", "form"])
def test_empty_webhooks_without_their_keys_are_each_kept(body):
    """Two empty webhooks that lack their keys have the same bytes; their heads tell them apart, and the same head is the same webhook."""
    made = own.definition(scheme=STATIC, request={"empty": True, "body": body}, event={**EMPTY_EVENT, "key": ["query:order"]})
    with own.Server(made) as server:
        def knock(ident):
            headers = [("X-Door", server.sources["own"].secret), ("X-Delivery", ident)]
            assert server.ask("POST", server.path("own"), b"", headers).refusal == own.faults("Missing query:order")
        for ident in ("a", "b", "a"):
            knock(ident)
        kept = {json.loads(one["head"])["header"]["x-delivery"]: (event_id, one) for event_id, one in server.kept().items()}
        assert {ident: one["count"] for ident, (_, one) in kept.items()} == {"a": 2, "b": 1}
        assert all(event_id == oracle.head_id("own", one["head"]) for event_id, one in kept.values())
        server.mend(own.definition(scheme=STATIC, request={"empty": True, "body": body}, event=EMPTY_EVENT))
        assert server.retry("--all") == (0, sorted(f"{event_id} stored" for event_id, _ in kept.values()))
        assert sorted(one["id"] for one in server.events()) == sorted([knocked("a"), knocked("b")])


def test_empty_bodies_are_asked_for():
    """Where a definition does not take them an empty body is no JSON."""
    with own.Server(own.definition()) as server:
        assert server.send(b"") == own.faults("Malformed JSON at byte 0")


@pytest.mark.parametrize("events, bad", [
    ([own.event(key=["id"])], []),
    ([own.event()], [0]),
    ([{"when": {"a": 1}, "ignore": True}, own.event(key=["id"])], []),
    ([own.event(key=["id"], when={"a": 1}), own.event()], [1]),
], ids=["key", "none", "ignored", "one of two"])
def test_empty_bodies_need_a_key(events, bad):
    """The loader refuses a definition that takes empty bodies and has an event without a key."""
    made = own.definition(request={"empty": True}, events=events)
    code, lines = check(made)
    assert (code, [line.split(": ", 1)[1] for line in lines]) == \
        (1 if bad else 0, [f"events.{place}.key: is missing: empty bodies are all alike" for place in bad])
    assert all(int(line.split(":")[0]) > 0 for line in lines)
