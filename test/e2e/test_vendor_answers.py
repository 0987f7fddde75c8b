"""What a definition says of answers and of requests: what its sender hears, and which bodies are taken, in which size."""
import json
import signal
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlencode

import pytest

import harness
import oracle
import sender

KIB, MIB = 1024, 1024 * 1024
TOO_LARGE = (413, {"error": "Body too large"})
WRONG_TYPE = (415, {"error": "Unsupported media type"})
FAULTS = {"error": "Invalid webhook data", "errors": ["Missing id"]}


# Answers.

ANSWERS = {  # name -> what a definition says, and status (None: the usual one), type and body as heard
    "text": ({"status": 202, "body": "thank you"}, (202, "text/plain", b"thank you")),
    "typed text": ({"status": 200, "type": "text/xml", "body": "<Response/>"}, (200, "text/xml", b"<Response/>")),
    "object": ({"status": 201, "body": {"ok": True, "list": [1, 2.5, None], "über": "\"ü\"\n"}},
               (201, "application/json", '{"ok":true,"list":[1,2.5,null],"über":"\\"ü\\"\\n"}'.encode())),
    "typed object": ({"type": "application/vnd.test+json", "body": {"a": {}}}, (None, "application/vnd.test+json", b'{"a":{}}')),
    "empty text": ({"body": ""}, (None, None, b"")),
    "nothing but its status": ({"status": 200}, (200, None, b"")),
    "no content": ({"status": 204}, (204, None, b"")),
    "nothing at all": ({}, (None, None, b"")),
    "about": ({"about": "for people", "status": 299}, (299, None, b"")),
    "braces": ({"status": 200, "body": "{id} {hmac:id}"}, (200, "text/plain", b"{id} {hmac:id}")),
    "lines": ({"body": "one\r\ntwo\t\"é\" 🦷"}, (None, "text/plain", "one\r\ntwo\t\"é\" 🦷".encode())),
    "refusal": ({"status": 422, "body": {"error": "kept"}}, (422, "application/json", b'{"error":"kept"}')),
    "least refusal": ({"status": 400, "body": "no"}, (400, "text/plain", b"no")),
    "last refusal": ({"status": 499}, (499, None, b"")),
}
USUAL = {"accepted": 200, "ignored": 200, "quarantined": 400}
KINDS = {"accepted": sender.order, "ignored": sender.noise, "quarantined": sender.faulty}
CASES = [(name, kind) for name, (_, heard) in ANSWERS.items() for kind in KINDS if (heard[0] or 200) < 300 or kind == "quarantined"]


def named(name):
    """A name that a source may have."""
    return name.replace(" ", "-")


def plain_of(name, kinds=tuple(KINDS)):
    """A definition that gives one answer to each of these kinds."""
    return sender.define(named(name), answers={kind: ANSWERS[name][0] for kind in kinds if (name, kind) in CASES})


def batch_of(definition):
    """The same for batches, whose rows may be ignored, but which are not ignored themselves."""
    answers = {**definition["answers"], "ignored": {"status": 298}}
    return {**definition, "vendor": definition["vendor"] + "-batch", "each": "rows", "answers": answers}


@pytest.fixture(scope="module")
def server():
    """A running server with a definition for each answer, for single webhooks and for batches."""
    singles = [plain_of(name) for name in ANSWERS]
    shipped = [oracle.source("opendental-api", zone="America/New_York"),
               oracle.source("twilio", public_url="https://hooks.invented.example/in")]
    alone = [sender.define(f"only-{kind}", answers={kind: {"status": 207}}) for kind in USUAL if kind != "quarantined"]
    definitions = [*singles, *map(batch_of, singles), *alone]
    with sender.Server([*(oracle.source(definition["vendor"]) for definition in definitions), *shipped], definitions) as running:
        yield running


def check_heard(answer, heard, usual):
    """The answer is this one, to the byte."""
    status, kind, body = heard
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (status or usual, kind, body)
    assert answer.headers["Content-Length"] == (None if status == 204 else str(len(body)))


@pytest.mark.parametrize("name, kind", CASES, ids=str)
def test_answer(server, name, kind):
    """The sender hears what its definition says, and what it sent is where it belongs all the same."""
    source, payload = named(name), KINDS[kind]()
    kept, before = server.kept(), server.counted(source)
    check_heard(server.tell(source, payload), ANSWERS[name][1], USUAL[kind])
    event_id = oracle.event_id(source, sender.compact(payload))
    assert (server.event(event_id) is not None, server.quarantined(event_id) is not None) == (kind == "accepted", kind == "quarantined")
    assert server.kept() == (kept[0] + (kind == "accepted"), kept[1] + (kind == "quarantined"))
    assert server.counted(source, before) == {kind: 1}


@pytest.mark.parametrize("name, kind", CASES, ids=str)
def test_answer_to_a_repeat(server, name, kind):
    """The same webhook again is answered the same, on one connection."""
    source, body = named(name), sender.compact(KINDS[kind]())
    headers = [sender.JSON, *sender.sign(sender.HMAC, server.sources[source].secret, body)]
    before = server.counted(source)
    with closing(server.connect()) as connection:
        for _ in range(3):
            check_heard(connection.ask("POST", server.path(source), body, headers), ANSWERS[name][1], USUAL[kind])
    expected = {"accepted": {"accepted": 1, "duplicate": 2}, "ignored": {"ignored": 3}, "quarantined": {"quarantined": 3}}
    assert server.counted(source, before) == expected[kind]


ROWS = {  # the rows of a batch, and what is counted; in every case the batch is accepted
    "one": ([sender.order], {"accepted": 1}), "three": ([sender.order] * 3, {"accepted": 3}),
    "mixed": ([sender.order, sender.noise, sender.faulty, sender.noise, sender.order], {"accepted": 2, "ignored": 2, "quarantined": 1}),
    "faults only": ([sender.faulty] * 2, {"quarantined": 2}), "noise only": ([sender.noise] * 3, {"ignored": 3}),
    "fault and noise": ([sender.faulty, sender.noise], {"ignored": 1, "quarantined": 1}), "none": ([], {"ignored": 1}),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", [name for name, kind in CASES if kind == "accepted"])
def test_answer_to_a_batch(server, name, rows):
    """A batch is answered as accepted, whatever its rows are; each row is counted for itself."""
    makers, counts = ROWS[rows]
    source, payload = named(name) + "-batch", {"rows": [make() for make in makers], "unique": harness.fresh()}
    kept, before = server.kept(), server.counted(source)
    check_heard(server.tell(source, payload), ANSWERS[name][1], 200)
    assert server.kept() == (kept[0] + counts.get("accepted", 0), kept[1] + counts.get("quarantined", 0))
    assert server.counted(source, before) == counts
    before = server.counted(source)
    check_heard(server.tell(source, payload), ANSWERS[name][1], 200)
    again = {"duplicate" if kind == "accepted" else kind: count for kind, count in counts.items()}
    assert server.counted(source, before) == again


def test_batch_that_cannot_be_read(server):
    """A batch without rows is one faulty webhook."""
    check_heard(server.tell("refusal-batch", {"row": [], "unique": harness.fresh()}), ANSWERS["refusal"][1], 400)
    check_heard(server.tell("refusal-batch", b"{"), ANSWERS["refusal"][1], 400)


def test_one_row_is_no_batch(server):
    """A row that is no list is answered as a single webhook is."""
    for kind, make in KINDS.items():
        heard = (298, None, b"") if kind == "ignored" else ANSWERS["typed object"][1]
        check_heard(server.tell("typed-object-batch", {"rows": make()}), heard, USUAL[kind])


def test_what_is_not_said_is_as_usual(server):
    """A definition that sets one answer leaves the others alone."""
    body = sender.order()
    assert server.tell("only-accepted", sender.noise()).refusal == (200, {"success": True, "ignored": True})
    assert server.tell("only-accepted", sender.faulty()).refusal == (400, FAULTS)
    assert server.tell("only-accepted", body).status == 207
    assert server.tell("only-ignored", sender.noise()).status == 207
    assert server.tell("only-ignored", body).refusal == (200, {
        "success": True, "eventId": oracle.event_id("only-ignored", sender.compact(body)), "message": "Event received"})
    assert server.tell("only-ignored", b"{").refusal == (400, {"error": "Invalid webhook data", "errors": ["Malformed JSON at byte 1"]})


def test_errors_before_the_definition_are_as_usual(server):
    """Refusals that are no business of the sender's definition stay what they are."""
    assert server.tell("text", sender.order(), "wrong-test-secret-not-real").refusal == (401, {"error": "Invalid signature"})
    assert replace(sender.Request(b"x"), headers=[("Content-Type", "text/plain")]).send(server, "text").refusal == WRONG_TYPE


@pytest.mark.parametrize("kind", ["accepted", "ignored"])
@pytest.mark.parametrize("status", [199, 300, 302, 400, 404, 500, 0, -200, "200", 200.0, True, None, 200])
def test_status_that_is_none(kind, status):
    """What is accepted or ignored is answered 200 to 299."""
    result = sender.serve(sender.define("own", answers={kind: {"status": status}})).cli("check")
    good = type(status) is int and status == 200
    assert result.code == (0 if good else 1) and good == (f": answers.{kind}.status: must be " not in result.err)


@pytest.mark.parametrize("status, good", [(200, True), (299, True), (300, False), (399, False), (400, True), (499, True), (500, False), (503, False)])
def test_status_of_quarantine(status, good):
    """What is in quarantine is answered 200 to 299 or 400 to 499."""
    result = sender.serve(sender.define("own", answers={"quarantined": {"status": status}})).cli("check")
    assert result.code == (0 if good else 1) and good == (": answers.quarantined.status: must be " not in result.err)


@pytest.mark.parametrize("reply, where", [
    ({"status": 204, "body": "x"}, "body"), ({"status": 205, "body": {}}, "body"), ({"body": 7}, "body"), ({"body": [1]}, "body"),
    ({"body": None}, "body"), ({"type": "text/plain\r\nX-Evil: 1"}, "type"), ({"type": "text/plain; é"}, "type"), ({"type": ""}, "type"),
    ({"type": 7}, "type"), ({"code": 200}, "code"), ("thanks", "")], ids=json.dumps)
def test_answer_that_is_none(reply, where):
    """An answer that no client could read is a mistake."""
    result = sender.serve(sender.define("own", answers={"accepted": reply})).cli("check")
    assert result.code == 1 and f": answers.accepted{where and '.' + where}: " in result.err


def test_quarantine_can_be_full():
    """Whatever a definition says of quarantine, what could not be kept is answered 503."""
    with sender.serve(sender.define("own", answers={"quarantined": {"status": 200}}), settings={"quarantine_rows": 1}) as server:
        assert server.tell("own", sender.faulty()).status == 200
        assert server.tell("own", sender.faulty()).is_unavailable()
        assert server.kept() == (0, 1) and server.counted("own") == {"quarantined": 1, "shed": 1}


# Shipped ones.


def dental(server, rows, event="WatchTable: Appointment"):
    """Post rows as Open Dental's API does."""
    headers = [sender.JSON, ("Authorization", server.sources["opendental-api"].secret), ("Event-Type", event)]
    return sender.Request(sender.compact(rows), headers).send(server, "opendental-api")


def appointment(**more):
    """A row of Open Dental's table of appointments."""
    return {"AptNum": int(harness.fresh()[2:]), "ClinicNum": 0, "PatNum": 12, "AptStatus": "Scheduled", "AptDateTime": "2026-03-05 14:30:00",
            "DateTStamp": "2026-03-04 10:00:00", **more}


def test_opendental_api(server):
    """Open Dental stops at anything but 200, so it hears nothing else, and no word."""
    quiet = (200, None, b"")
    kept = server.kept()
    for rows, event, stored, held in [
            ([appointment(), appointment()], "WatchTable: Appointment", 2, 0), ([appointment(DateTStamp="soon"), appointment()], "WatchTable: Appointment", 1, 1),
            ([appointment()], "WatchTable: Patient", 0, 0), ({"PatNum": 7, "unique": harness.fresh()}, "UiEventType: PatientSelected", 1, 0),
            ({"PatNum": None, "unique": harness.fresh()}, "UiEventType: PatientSelected", 0, 1)]:
        check_heard(dental(server, rows, event), quiet, 200)
        kept = (kept[0] + stored, kept[1] + held)
        assert server.kept() == kept, rows
    assert dental(server, [appointment()], "x").status == 200
    assert sender.Request(b"[", [sender.JSON]).send(server, "opendental-api").status == 401


def twilio(server, **fields):
    """Post a form as Twilio does."""
    definition, source = sender.load("twilio"), server.sources["twilio"]
    return sender.signed(definition, source.secret, urlencode(fields).encode(), url=source.public_url).send(server, "twilio")


def test_twilio(server):
    """Twilio hears XML that tells it to do nothing; a fault is told as usual."""
    empty = (200, "text/xml", b"<Response/>")
    message = {"MessageSid": "SM" + harness.fresh(), "From": "+15550100", "To": "+15550101", "Body": "Zoë & \"co\""}
    before = server.counted("twilio")
    check_heard(twilio(server, **message), empty, 200)
    check_heard(twilio(server, **message), empty, 200)
    check_heard(twilio(server, **message, MessageStatus="queued"), empty, 200)
    assert twilio(server, Nonsense=harness.fresh()).refusal == (400, {"error": "Invalid webhook data", "errors": ["No event fits"]})
    assert server.counted("twilio", before) == {"accepted": 1, "duplicate": 1, "ignored": 1, "quarantined": 1}
    detail = json.loads(server.events()[-1]["detail"])
    assert (detail["body"], detail["from"], detail["numMedia"]) == (message["Body"], "+15550100", 0)


# Bodies and their types.

FORM = "application/x-www-form-urlencoded"
FORMS = {**sender.define("form"), "request": {"body": "form", "media_types": ["Text/X-Test"]}}
OTHERS = {**sender.define("others"), "request": {"media_types": ["text/json", "application/x-odd"]}}
TYPES = [  # source, media types as sent, is it taken
    ("form", [FORM], True), ("form", ["Application/X-WWW-Form-URLencoded; charset=utf-8"], True), ("form", ["text/x-test"], True),
    ("form", [], True), ("form", ["application/json"], False), ("form", ["multipart/form-data"], False), ("form", [FORM, FORM], False),
    ("form", [FORM + "x"], False), ("form", [""], False),
    ("others", ["application/json"], True), ("others", ["text/json"], True), ("others", ["TEXT/JSON;charset=utf-8"], True),
    ("others", ["application/x-odd ; a=b"], True), ("others", ["application/fhir+json"], True), ("others", [], True),
    ("others", ["text/plain"], False), ("others", [FORM], False), ("others", ["text/jso"], False), ("others", ["text/json, text/json"], False),
    ("plain", ["text/json"], False), ("plain", ["application/json"], True), ("plain", [FORM], False), ("plain", ["application/x-odd"], False)]


@pytest.fixture(scope="module")
def typed():
    """A running server with a definition for forms, one for further types, and one for neither."""
    with sender.serve(FORMS, OTHERS, sender.define("plain")) as running:
        yield running


@pytest.mark.parametrize("source, types, taken", TYPES, ids=str)
def test_media_type(typed, source, types, taken):
    """A definition takes its own kind of body, and the further types it names; other sources don't take these."""
    payload = sender.order()
    body = urlencode(payload).encode() if source == "form" else sender.compact(payload)
    headers = [*(("Content-Type", kind) for kind in types), *sender.sign(sender.HMAC, typed.sources[source].secret, body)]
    answer = sender.Request(body, headers).send(typed, source)
    stored = typed.event(oracle.event_id(source, body))
    assert (answer.status, stored is not None) == ((200, True) if taken else (415, False))
    assert taken or answer.refusal == WRONG_TYPE
    assert not taken or json.loads(stored["detail"])["orderId"] == payload["id"]


@pytest.mark.parametrize("body, faults", [
    (b"kind=order", ["Missing id"]), (b"kind=order&id=", ["Missing id"]), (b"", ["Malformed form"]), (b"kind=order&id=a&id=b", None),
    (b"kind=order&id=%zz", None), (b"kind=order&id=%ff", None), (b"kind=order&id=a%00b", None), (b"kind=order&id=" + b"x" * 201, ["Invalid id"]),
    (b'{"kind":"order","id":"1"}', ["No event fits"])], ids=lambda value: str(value)[:24])
def test_faulty_form(typed, body, faults):
    """A form with a fault is kept to the byte, whatever it holds."""
    answer = sender.signed(FORMS, typed.sources["form"].secret, body).send(typed, "form")
    assert answer.status == 400 and answer.json["errors"] == (faults or answer.json["errors"])
    assert bytes(typed.quarantined(oracle.event_id("form", body))["body"]) == body


# Sizes.

SMALL, SERVER = 1 * KIB, 4 * KIB


def sized(name, limit):
    """A definition with a limit of its own."""
    return {**sender.define(name), "request": {"max_body": limit}}


def pad(size):
    """A good body of exactly this size."""
    body = sender.compact(sender.order())
    assert len(body) <= size
    return body.ljust(size)


@pytest.fixture(scope="module")
def limited():
    """A running server that takes 4 KiB, with definitions that take less, more, and the most there is."""
    definitions = [sender.define("plain"), sized("small", "1KiB"), sized("large", "1MiB"), sized("largest", "16MiB")]
    with sender.serve(*definitions, settings={"max_body": "4KiB", "queue_bytes": "16MiB"}) as running:
        yield running


def check_size(server, source, limit):
    """A body of this size is taken and is on disk, and one with a byte more is not; nor is one far larger."""
    body = pad(limit)
    assert server.tell(source, body).status == 200
    assert server.event(oracle.event_id(source, body))
    body = pad(limit + 1)
    assert server.tell(source, body).refusal == TOO_LARGE
    assert server.event(oracle.event_id(source, body)) is None


@pytest.mark.parametrize("source, limit", [("plain", SERVER), ("small", SMALL), ("large", MIB), ("largest", 16 * MIB)])
def test_max_body(limited, source, limit):
    """Each source has its limit to the byte, below the server's or above it, whatever others may send."""
    check_size(limited, source, limit)
    check_size(limited, source, limit)


def test_unsigned_large_body(limited):
    """A body that is too large is refused as such by whoever it is sent; a good size is refused for its signature."""
    for size, status in ((SERVER, 401), (SERVER + 1, 413)):
        assert sender.Request(pad(size), [sender.JSON]).send(limited, "plain").status == status


@pytest.mark.parametrize("limit, good", [("16MiB", True), ("16777216", True), ("16777217", False), ("17MiB", False), ("0", False), ("1", True),
                                         ("-1", False), ("1MB", False), ("", False), (1024, False), ("1 KiB", False), (None, False)], ids=str)
def test_limit_that_is_none(limit, good):
    """A limit is a size of at most 16 MiB."""
    result = sender.serve(sized("own", limit)).cli("check")
    assert result.code == (0 if good else 1) and good == (": request.max_body: " not in result.err)


@pytest.mark.parametrize("queue, code", [(16 * MIB, 0), (16 * MIB - 1, 1)])
def test_queue_holds_the_largest_body(queue, code):
    """A queue that could never take what a definition allows is refused; of one that no enabled source uses, nothing is said."""
    server = sender.serve(sized("largest", "16MiB"), sender.define("plain"), settings={"queue_bytes": queue})
    result = server.cli("check")
    assert result.code == code and ("queue_bytes" in result.err) == bool(code)
    server.sources["largest"] = replace(server.sources["largest"], enabled="no")
    server.write_config()
    assert server.cli("check").code == 0


def reload(server, event="configuration reloaded"):
    """Ask for a reload, and wait until the log says how this one went."""
    server.log.forget()
    server.process.send_signal(signal.SIGHUP)
    return server.log.wait_for(event)


def test_max_body_is_reloaded():
    """A limit that is raised or lowered counts after SIGHUP, also on connections that were open before; others keep theirs."""
    with sender.serve(sender.define("plain"), sized("own", "8KiB"), settings={"max_body": "4KiB", "loops": 1}) as server, \
            closing(server.connect()) as connection:
        for limit in ("8KiB", "16MiB", "2KiB", "1MiB"):
            server.put(sized("own", limit))
            reload(server)
            size = int(limit[:-3]) * (KIB if "K" in limit else MIB)
            check_size(server, "own", size)
            check_size(server, "plain", SERVER)
            body = pad(size)
            assert connection.ask("POST", server.path("own"), body, server.request_headers("own", body)).status == 200
        server.put(sender.define("own"))
        reload(server)
        check_size(server, "own", SERVER)


def test_reload_that_outgrows_the_queue():
    """A reload that allows what the queue can't take is refused; the queue is the one that was made at the start."""
    with sender.serve(sized("own", "1MiB"), settings={"queue_bytes": "1MiB"}) as server:
        server.put(sized("own", "2MiB"))
        assert "queue_bytes" in reload(server, "configuration not reloaded")["reason"]
        server.settings["queue_bytes"] = "64MiB"
        server.write_config()
        assert "queue_bytes" in reload(server, "configuration not reloaded")["reason"]
        check_size(server, "own", MIB)
        server.restart()
        check_size(server, "own", 2 * MIB)


def test_sign_a_large_body():
    """`sign` takes what the source takes, and no more."""
    server = sender.serve(sender.define("plain"), sized("large", "1MiB"), sized("small", "1KiB"), settings={"max_body": "4KiB"})
    for source, limit in (("plain", SERVER), ("large", MIB), ("small", SMALL)):
        assert server.cli("sign", source, input=pad(limit)).code == 0
        assert server.cli("sign", source, input=pad(limit + 1)).code == 1


def test_large_body_is_retried():
    """The largest body that a definition takes can be kept in quarantine and retried."""
    with sender.serve(sized("own", "16MiB"), settings={"queue_bytes": "16MiB"}) as server:
        body = sender.compact(sender.faulty()).ljust(16 * MIB)
        assert server.tell("own", body).status == 400
        definition = json.loads(json.dumps(server.definitions["own"]).replace('"from": "id"', '"from": "note"'))
        server.put(definition)
        reload(server)
        event_id = oracle.event_id("own", body)
        assert server.cli("quarantine", "retry", event_id).out == f"{event_id} stored\n"
        assert server.kept() == (1, 0)
