"""Every row of the table of answers, for every vendor, and the order in which a webhook is checked."""
from contextlib import closing
from dataclasses import replace

import pytest

import harness
import ledger
import oracle
import wire

JSON = ("Content-Type", "application/json")
UNSIGNED = (401, {"error": "Invalid signature"})
UNKNOWN = (404, {"error": "Unknown EHR system"})
TOO_LARGE = (413, {"error": "Body too large"})
WRONG_TYPE = (415, {"error": "Unsupported media type"})
WRONG_METHOD = {"error": "Method not allowed"}
NOT_POST = ["GET", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE"]
MAX_BODY = 4096


@pytest.fixture(scope="module")
def small():
    """A server that takes bodies of 4 KiB at most."""
    with harness.Server(settings={"max_body": "4KiB"}) as running:
        yield running


def good(vendor):
    """A body that every source of the vendor accepts, unlike any other."""
    return ledger.encode(oracle.payload(oracle.VENDORS[vendor], id=harness.fresh()))


def padded(vendor, size):
    """A good body of exactly this size."""
    return good(vendor).ljust(size)


def test_accepted(server, vendor):
    """A good webhook is answered with its ids and the confirmation in the vendor's words, in that order, and is on disk."""
    body = good(vendor)
    answer = server.post(vendor, body)
    expected = oracle.answer(server.sources[vendor], body)
    assert answer.refusal == (200, expected)
    assert list(answer.json) == list(expected)
    assert list(answer.json["confirmation"]) == list(expected["confirmation"])
    assert server.event(expected["eventId"])


def test_repeated(server, vendor):
    """The same webhook again gets the same answer, and is told that it is a duplicate."""
    body = good(vendor)
    server.post(vendor, body)
    assert server.post(vendor, body).refusal == (200, oracle.answer(server.sources[vendor], body, duplicate=True))


FORGERIES = {
    "missing": lambda name, right, other: [],
    "empty": lambda name, right, other: [(name, "")],
    "not hex": lambda name, right, other: [(name, "zz" * 32)],
    "one letter not hex": lambda name, right, other: [(name, right[:-1] + "g")],
    "short by a byte": lambda name, right, other: [(name, right[:-2])],
    "short by a digit": lambda name, right, other: [(name, right[:-1])],
    "long by a byte": lambda name, right, other: [(name, right + "00")],
    "with a prefix": lambda name, right, other: [(name, "sha256=" + right)],
    "one bit off": lambda name, right, other: [(name, right[:-1] + format(int(right[-1], 16) ^ 1, "x"))],
    "last byte off": lambda name, right, other: [(name, right[:-2] + format(int(right[-2:], 16) ^ 0xff, "02x"))],
    "of another secret": lambda name, right, other: [(name, other)],
    "twice": lambda name, right, other: [(name, right), (name, right)],
    "right, then wrong": lambda name, right, other: [(name, right), (name, other)],
    "two in one": lambda name, right, other: [(name, f"{right}, {right}")],
    "in a wrong header": lambda name, right, other: [("X-Signature", right)],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged(server, vendor, forgery):
    """A webhook without exactly one right signature is refused without a hint, and leaves no trace in the database."""
    body = good(vendor)
    name, right = server.signature(vendor, body)
    _, other = server.signature(vendor, body, harness.WRONG_SECRET)
    assert server.post(vendor, body, [JSON, *FORGERIES[forgery](name, right, other)]).refusal == UNSIGNED
    event_id = oracle.event_id(vendor, body)
    assert (server.event(event_id), server.quarantined(event_id)) == (None, None)


def test_signature_of_another_body(server, vendor):
    """A signature holds for its own body only, even if the other means the same."""
    body = good(vendor)
    assert server.post(vendor, body + b" ", server.headers(vendor, body)).refusal == UNSIGNED


def test_signature_of_another_source(server, vendor):
    """One source's secret says nothing for another."""
    body = good(vendor)
    for other in set(oracle.VENDORS) - {vendor}:
        secret = server.sources[other].secret
        assert server.post(vendor, body, [JSON, server.signature(vendor, body, secret)]).refusal == UNSIGNED


def test_signature_in_capitals(server, vendor):
    """Hex digits and header names may be written in either case."""
    body = good(vendor)
    name, right = server.signature(vendor, body)
    assert server.post(vendor, body, [JSON, (name.upper(), right.upper())]).status == 200
    assert server.post(vendor, body, [JSON, (name.lower(), right)]).json["duplicate"] is True


def test_all_faults_at_once(server, vendor):
    """Every fault is named, once, in the order of the mapping, and the webhook is kept."""
    spoiled = oracle.payload(oracle.VENDORS[vendor], id="", clinic=oracle.ABSENT, lab=True, time="soon", priority="whenever",
                             packages=0, notes=[harness.fresh()], contact=7, phone=5550100, patient=False)
    faults = oracle.faults(oracle.VENDORS[vendor], spoiled)
    assert len(faults) == 10
    assert server.post(vendor, spoiled).refusal == (400, {"error": "Invalid webhook data", "errors": faults})
    assert server.quarantined(oracle.event_id(vendor, ledger.encode(spoiled)))


@pytest.mark.parametrize("name", ["nobody", "Dentrix", "dentrix2", "dentri"])
def test_unknown_source(server, name):
    """A source that does not exist is unknown, whatever it sends."""
    assert server.post(name, good("dentrix"), [JSON]).refusal == UNKNOWN


@pytest.mark.parametrize("change", [{"enabled": "no"}, {"secret": None}, {"secret": ""}], ids=str)
def test_disabled_source(vendor, change):
    """A disabled source, and one without a secret, is as unknown as one that does not exist; the others work."""
    sources = [oracle.source(name, **change) if name == vendor else oracle.source(name) for name in oracle.VENDORS]
    with harness.Server(sources) as server:
        assert server.log.wait_for("source disabled", source=vendor)["reason"]
        body = good(vendor)
        headers = [JSON, server.signature(vendor, body, oracle.source(vendor).secret)]
        assert server.post(vendor, body, headers).refusal == UNKNOWN
        assert [source["name"] for source in server.ask("GET", "/webhooks/health").json["sources"]] == \
            [name for name in oracle.VENDORS if name != vendor]
        for other in set(oracle.VENDORS) - {vendor}:
            assert server.log.wait_for("source enabled", source=other)
            assert server.post(other, good(other)).status == 200


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/webhooks/ehr", "/webhooks/healthy", "/webhooks/health/", "/favicon.ico"])
@pytest.mark.parametrize("face", ["public", "private"])
def test_other_paths(server, path, face):
    """Any other path is not found, on both listeners."""
    assert server.ask("GET", path, face=face).refusal == (404, {"error": "Not found"})


@pytest.mark.parametrize("path", ["/webhooks/ehr/", "/webhooks/ehr/dentrix/", "/webhooks/ehr/dentrix/x", "/webhooks/ehr//dentrix",
                                  "/webhooks/ehr/../ehr/dentrix", "//webhooks/ehr/dentrix"])
def test_paths_that_resemble(server, path):
    """A path that merely resembles a source's is not found."""
    body = good("dentrix")
    assert server.ask("POST", path, body, server.headers("dentrix", body)).status == 404
    assert server.event(oracle.event_id("dentrix", body)) is None


@pytest.mark.parametrize("method", NOT_POST)
def test_wrong_method(server, vendor, method):
    """A webhook is posted; any other method is refused with the one that is allowed."""
    answer = server.ask(method, server.path(vendor))
    assert (answer.status, answer.headers["Allow"], answer.headers["Content-Type"]) == (405, "POST", "application/json")
    assert method == "HEAD" or answer.json == WRONG_METHOD


@pytest.mark.parametrize("face, path", [("public", "/webhooks/health"), ("private", "/healthz"), ("private", "/readyz")])
@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE", "PATCH"])
def test_wrong_method_on_what_is_read(server, face, path, method):
    """What is only read allows GET and HEAD."""
    answer = server.ask(method, path, b"" if method == "POST" else None, face=face)
    kind = "application/json" if face == "public" else "application/problem+json"
    assert (answer.headers["Content-Type"], answer.headers["Allow"], answer.refusal) == (kind, "GET, HEAD", (405, WRONG_METHOD))


@pytest.mark.parametrize("face, path, status", [("public", "/webhooks/health", 200), ("private", "/healthz", 200), ("private", "/readyz", 200),
                                                ("public", "/webhooks/ehr/dentrix", 405), ("public", "/webhooks/ehr/nobody", 404),
                                                ("public", "/nothing", 404)])
def test_head_has_no_body(server, face, path, status):
    """An answer to HEAD is that to GET without the body, to the byte."""
    request = wire.compose(path, [("Connection", "close")], method="HEAD")
    answers = server.raw(request, face)
    assert [(answer.status, answer.body) for answer in answers] == [(status, b"")]
    assert answers[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("headers", [
    [("Content-Type", "text/plain")], [("Content-Type", "application/x-www-form-urlencoded")], [("Content-Type", "application/jsonx")],
    [("Content-Type", "application/xml")], [("Content-Type", "text/json")], [("Content-Type", "application/+json+xml")],
    [JSON, ("Content-Encoding", "gzip")], [JSON, ("Content-Encoding", "identity")]], ids=str)
def test_wrong_media_type(server, vendor, headers):
    """What is not plain JSON is refused before its signature is looked at."""
    body = good(vendor)
    assert server.post(vendor, body, [*headers, server.signature(vendor, body)]).refusal == WRONG_TYPE
    assert server.event(oracle.event_id(vendor, body)) is None


@pytest.mark.parametrize("headers", [
    [], [("Content-Type", "application/json; charset=utf-8")], [("Content-Type", "Application/JSON")],
    [("Content-Type", "application/json;charset=UTF-8")], [("Content-Type", "application/hal+json")],
    [("Content-Type", "application/vnd.dentrix.v1+json; q=1")]], ids=str)
def test_right_media_type(server, vendor, headers):
    """JSON under its own name, under that of a dialect, or under none is accepted."""
    body = good(vendor)
    assert server.post(vendor, body, [*headers, server.signature(vendor, body)]).status == 200


def test_largest_body(small, vendor):
    """A body of exactly the limit is accepted, and one byte more is not."""
    assert small.post(vendor, padded(vendor, MAX_BODY)).status == 200
    for size in (MAX_BODY + 1, MAX_BODY + 60 * 1024):
        body = padded(vendor, size)
        assert small.post(vendor, body).refusal == TOO_LARGE
        assert small.event(oracle.event_id(vendor, body)) is None


def test_far_too_large_body(small, vendor):
    """A body far beyond the limit is refused too, whether it was announced or comes in chunks."""
    body = padded(vendor, 1 << 20)
    headers = small.headers(vendor, body)
    announced = wire.compose(small.path(vendor), [*headers, ("Content-Length", len(body))], body)
    chunked = wire.compose(small.path(vendor), [*headers, ("Transfer-Encoding", "chunked")], b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    for request in (announced, chunked):
        assert [answer.status for answer in small.raw(request)] in ([413], [])  # None, if the server closed while we were sending.
    assert small.event(oracle.event_id(vendor, body)) is None
    assert small.post(vendor, good(vendor)).status == 200


def test_default_limit(server):
    """The default limit is 1 MiB."""
    assert server.post("dentrix", padded("dentrix", 1 << 20)).status == 200
    assert server.post("dentrix", padded("dentrix", (1 << 20) + 1)).refusal == TOO_LARGE


@pytest.mark.parametrize("settings, size", [({"queue_rows": 1}, 1000), ({"queue_bytes": "64KiB", "max_body": "64KiB"}, 40000)],
                         ids=["rows", "bytes"])
def test_full_queue(settings, size):
    """When the queue is full, some of many at once are told to come again, and every other one is on disk."""
    with harness.Server(settings=settings) as server:
        accepted, refused = set(), 0
        for _ in range(50):
            connections = [server.connect() for _ in range(30)]
            bodies = [padded("dentrix", size) for _ in connections]
            for connection, body in zip(connections, bodies):
                connection.request("POST", server.path("dentrix"), body, dict(server.headers("dentrix", body)))
            for connection in connections:
                with closing(connection):
                    response = connection.getresponse()
                    answer = wire.Answer(response.status, response.headers, response.read())
                if answer.is_unavailable():
                    refused += 1
                else:
                    assert answer.status == 200
                    accepted.add(answer.json["eventId"])
            if refused:
                break
        assert refused and accepted
        assert {row["id"] for row in server.events()} == accepted


def test_full_quarantine(vendor):
    """When a source's quarantine is full, what cannot be kept is not taken, but a repeat and a good webhook are."""
    with harness.Server(settings={"quarantine_rows": 2}) as server:
        bad = [ledger.encode({"notes": f"Invented {harness.fresh()}"}) for _ in range(3)]
        assert [server.post(vendor, body).status for body in bad[:2]] == [400, 400]
        assert server.post(vendor, bad[2]).is_unavailable()
        assert server.quarantined(oracle.event_id(vendor, bad[2])) is None
        assert server.post(vendor, bad[0]).status == 400
        assert server.post(vendor, good(vendor)).status == 200
        for other in set(oracle.VENDORS) - {vendor}:
            assert server.post(other, bad[2]).status == 400


def test_order_of_checks(small, vendor):
    """Path, method, size, media type, signature, payload: the first that is wrong decides."""
    large, plain = padded(vendor, MAX_BODY + 1), [("Content-Type", "text/plain")]
    nowhere, path = small.path("nobody"), small.path(vendor)
    assert small.ask("PUT", nowhere, large, plain).refusal == UNKNOWN
    assert small.ask("PUT", path, large, plain).refusal == (405, WRONG_METHOD)
    assert small.ask("POST", nowhere, large, plain).refusal == UNKNOWN
    assert small.ask("POST", path, large, plain).refusal == TOO_LARGE
    assert small.ask("POST", path, b"{", plain).refusal == WRONG_TYPE
    assert small.ask("POST", path, b"{", [JSON]).refusal == UNSIGNED
    assert small.quarantined(oracle.event_id(vendor, b"{")) is None
    assert small.post(vendor, b"{").status == 400


def test_full_quarantine_comes_after_the_signature(vendor):
    """A forger learns nothing about the quarantine."""
    with harness.Server(settings={"quarantine_rows": 1}) as server:
        assert server.post(vendor, {"notes": "Invented and first"}).status == 400
        assert server.post(vendor, {"notes": "Invented and second"}, [JSON]).refusal == UNSIGNED


def test_health(server):
    """The public health page names the sources and their headers, and nothing secret."""
    answer = server.ask("GET", "/webhooks/health")
    assert answer.refusal == (200, {"status": "ok", "sources": [
        {"name": name, "vendor": name, "path": f"/webhooks/ehr/{name}", "signatureHeader": vendor.header}
        for name, vendor in oracle.VENDORS.items()]})
    assert not any(source.secret.encode() in answer.body for source in server.sources.values())


def test_health_of_a_renamed_source():
    """A source shows under its own name, beside its vendor."""
    with harness.Server([replace(oracle.source("north", "eaglesoft"), lab="LAB002")]) as server:
        assert server.ask("GET", "/webhooks/health").json["sources"] == [
            {"name": "north", "vendor": "eaglesoft", "path": "/webhooks/ehr/north", "signatureHeader": "X-Eaglesoft-Signature"}]


def test_private_pages(server):
    """The private listener tells whether the process lives and whether it can store."""
    assert server.ask("GET", "/healthz", face="private").refusal == (200, {"status": "ok"})
    assert server.ask("GET", "/readyz", face="private").refusal == (200, {"status": "ready"})


def test_faces_are_apart(server, vendor):
    """Neither listener serves what belongs to the other."""
    for path in ("/healthz", "/readyz"):
        assert server.ask("GET", path).refusal == (404, {"error": "Not found"})
    assert server.ask("GET", "/webhooks/health", face="private").status == 404
    body = good(vendor)
    assert server.ask("POST", server.path(vendor), body, server.headers(vendor, body), "private").status == 404
    assert server.event(oracle.event_id(vendor, body)) is None


def test_expect_continue(server, vendor):
    """A sender that asks before it sends the body is told to go on, and then answered."""
    body = good(vendor)
    head = wire.compose(server.path(vendor), [*server.headers(vendor, body), ("Content-Length", len(body)), ("Expect", "100-continue")])
    with wire.dial(server.public) as sock:
        sock.sendall(head)
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert wire.parse_answers(sock.recv(4096))[0].refusal == (200, oracle.answer(server.sources[vendor], body))
