"""Bad input gets a clear refusal, is never stored as an event, and harms nobody who comes after."""
import json
import re
import socket
from contextlib import closing

import pytest

import harness
import ledger
import oracle
import shapes
import wire
from shapes import good, length, request

DENTRIX = oracle.DENTRIX
NUMBER = "Number out of range at byte N"
MALFORMED, DUPLICATE, NO_OBJECT = "Malformed JSON at byte N", "Duplicate key at byte N", "Not a JSON object"
JSON = ("Content-Type", "application/json")


def with_pair(pair):
    """A good body with one more pair of raw bytes in front."""
    return b"{" + pair + b"," + good()[1:]


def with_note(note):
    """A minimal body whose note is raw bytes."""
    return ledger.encode(oracle.minimal(DENTRIX, id=harness.fresh()))[:-1] + b', "notes": "' + note + b'"}'


BODIES = {
    "empty": (b"", MALFORMED), "blank": (b" \n", MALFORMED), "one brace": (b"{", MALFORMED), "half": (good()[:-20], MALFORMED),
    "trailing text": (good() + b" x", MALFORMED), "two objects": (good() + good(), MALFORMED), "trailing comma": (b'{"a":1,}', MALFORMED),
    "single quotes": (b"{'a':1}", MALFORMED), "bare key": (b"{a:1}", MALFORMED), "not a number": (with_pair(b'"a":NaN'), MALFORMED),
    "infinity": (with_pair(b'"a":Infinity'), MALFORMED), "leading zero": (with_pair(b'"a":01'), MALFORMED),
    "plus sign": (with_pair(b'"a":+1'), MALFORMED), "hexadecimal": (with_pair(b'"a":0x1'), MALFORMED),
    "comment": (b"/* patient */" + good(), MALFORMED), "byte order mark": (b"\xef\xbb\xbf" + good(), MALFORMED),
    "UTF-16": (good().decode().encode("utf-16"), MALFORMED), "raw line feed": (with_note(b"a\nb"), MALFORMED),
    "bad escape": (with_note(rb"\x41"), MALFORMED), "form": (b"externalId=1&practiceId=2", MALFORMED), "binary": (bytes(range(256)), MALFORMED),
    "invalid UTF-8": (with_note(b"\xff"), MALFORMED), "overlong UTF-8": (with_note(b"\xc0\x80"), MALFORMED),
    "UTF-8 surrogate": (with_note(b"\xed\xa0\x80"), MALFORMED), "UTF-8 cut short": (with_note(b"\xe2\x82"), MALFORMED),
    "UTF-8 out of range": (with_note(b"\xf4\x90\x80\x80"), MALFORMED), "invalid UTF-8 in a key": (with_pair(b'"\xfe":1'), MALFORMED),
    "lone surrogate": (with_note(rb"\ud800"), MALFORMED), "swapped surrogates": (with_note(rb"\udc00\ud800"), MALFORMED),
    "raw NUL": (with_note(b"a\0b"), MALFORMED), "NUL at the end": (good() + b"\0", MALFORMED), "NUL in front": (b"\0" + good(), MALFORMED),
    "NUL between": (good().replace(b",", b"\0,", 1), MALFORMED), "only NUL": (b"\0" * 100, MALFORMED),
    "escaped NUL": (with_note(rb"a\u0000b"), MALFORMED), "escaped NUL in a key": (with_pair(rb'"a\u0000b":1'), MALFORMED),
    "brackets": (b"[" * (1 << 20), MALFORMED), "braces": (b'{"a":' * 200000, MALFORMED),
    "deep": (with_pair(b'"a":' + b"[" * 100000 + b"]" * 100000), MALFORMED),
    "key twice": (with_pair(b'"notes":"Twice Fictitious"'), DUPLICATE), "key twice, once escaped": (with_pair(rb'"n\u006ftes":"x"'), DUPLICATE),
    "key twice below": (with_pair(b'"more":[{"a":1,"a":2}]'), DUPLICATE),
    "huge whole number": (with_pair(b'"a":99999999999999999999'), NUMBER), "one too many": (with_pair(b'"a":9223372036854775808'), NUMBER),
    "one too few": (with_pair(b'"a":-9223372036854775809'), NUMBER), "huge real": (with_pair(b'"a":1e999'), NUMBER),
    "number of 100,000 digits": (with_pair(b'"a":' + b"9" * 100000), NUMBER),
    "list": (b"[]", NO_OBJECT), "list of one": (b"[" + good() + b"]", NO_OBJECT), "string": (b'"text"', NO_OBJECT), "number": (b"1", NO_OBJECT),
    "true": (b"true", NO_OBJECT), "null": (b"null", NO_OBJECT), "no fields": (b"{}", "Missing externalId"),
    "long id": (good(clinic="C" * 10000), "Invalid practiceId"),
}


def check_alive(server):
    """The server still takes a good webhook."""
    body = good()
    assert server.post("dentrix", body).refusal == (200, oracle.answer(server.sources["dentrix"], body))


@pytest.mark.parametrize("case", BODIES)
def test_body(server, case):
    """An authentic body that cannot be used is refused with a reason, and kept in quarantine to the byte."""
    body, reason = BODIES[case]
    answer = server.post("dentrix", body)
    assert answer.status == 400
    assert answer.json["error"] == "Invalid webhook data"
    fault = answer.json["errors"][0]
    assert re.sub(r"at byte \d+$", "at byte N", fault) == reason
    assert all(0 <= int(position) <= len(body) for position in re.findall(r"byte (\d+)", fault))
    event_id = oracle.event_id("dentrix", body)
    row = server.quarantined(event_id)
    assert (bytes(row["body"]), json.loads(row["faults"])) == (body, answer.json["errors"])
    assert server.event(event_id) is None
    check_alive(server)


@pytest.mark.parametrize("case", BODIES)
def test_forged_body(server, case):
    """The same from who cannot sign is refused unread, and not kept."""
    body, _ = BODIES[case]
    body = body[:-1] + b"~"  # For test_body keeps the body itself.
    headers = [JSON, server.signature("dentrix", body, harness.WRONG_SECRET)]
    assert server.post("dentrix", body, headers).refusal == (401, {"error": "Invalid signature"})
    assert server.quarantined(oracle.event_id("dentrix", body)) is None


SHAPES = {name: shape for table in (shapes.REFUSED, shapes.REFUSED_BY_EITHER, shapes.REFUSED_BY_THE_LIBRARY, shapes.MISREAD)
          for name, shape in table.items()}


def stored(server, *bodies):
    """Which of these bodies are events."""
    return [server.event(oracle.event_id("dentrix", body)) is not None for body in bodies]


@pytest.mark.parametrize("shape", shapes.REFUSED)
def test_shape(server, shape):
    """A request that two readers could read in two ways is refused, and its connection is closed."""
    body = good()
    answers = server.raw(shapes.REFUSED[shape](server, body))
    assert [answer.refusal for answer in answers] == [(400, {"error": "Bad request"})]
    assert answers[0].headers["Connection"] == "close"
    assert stored(server, body) == [False]
    check_alive(server)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_smuggled(server, shape):
    """Neither a doubtful request nor one behind it is ever carried out; the connection is closed, be it in the library's own words."""
    body, hidden = good(), good()
    data = SHAPES[shape](server, body) + request(server, hidden, length(hidden), shapes.CLOSE)
    answers = server.raw(data)
    assert all(400 <= answer.status <= 501 and answer.status != 500 for answer in answers)
    assert len(answers) <= (2 if shape in shapes.MISREAD else 1)
    assert stored(server, body, hidden) == [False, False]
    check_alive(server)


@pytest.mark.parametrize("shape", shapes.REFUSED_BY_THE_LIBRARY)
def test_shape_alone(server, shape):
    """The same with nothing behind it, so that what can be read only at the end is refused there."""
    body = good()
    answers = server.raw(shapes.REFUSED_BY_THE_LIBRARY[shape](server, body), half_close=True)
    assert all(400 <= answer.status <= 501 and answer.status != 500 for answer in answers)
    assert stored(server, body) == [False]


@pytest.mark.parametrize("shape", [*shapes.TAKEN, *shapes.PLAIN])
def test_shape_that_is_taken(server, shape):
    """What the library reads without our seeing anything odd has the one meaning that its sender meant, and so has what follows."""
    body, hidden = good(), good()
    data = {**shapes.TAKEN, **shapes.PLAIN}[shape](server, body) + request(server, hidden, length(hidden), shapes.CLOSE)
    assert [answer.refusal for answer in server.raw(data)] == \
        [(200, oracle.answer(server.sources["dentrix"], each)) for each in (body, hidden)]
    assert stored(server, body, hidden) == [True, True]


def test_old_http(server):
    """HTTP/1.0 needs no Host."""
    body = good()
    data = request(server, body, length(body), version="1.0", host=False)
    assert [answer.refusal for answer in server.raw(data)] == [(200, oracle.answer(server.sources["dentrix"], body))]


@pytest.mark.parametrize("missing", [1, 20])
def test_body_that_ends_early(server, missing):
    """A body shorter than announced is no webhook, even if what came is signed and complete."""
    body = good()
    cut = request(server, body, ("Content-Length", len(body) + missing))
    answers = server.raw(cut, half_close=True)
    assert all(answer.status == 400 for answer in answers)
    event_id = oracle.event_id("dentrix", body)
    assert (server.event(event_id), server.quarantined(event_id)) == (None, None)
    check_alive(server)


def test_sender_that_hangs_up(server):
    """Senders may vanish at any point of a request or before its answer; the last was complete, so it is kept."""
    body = good()
    data = request(server, body, length(body))
    for end in range(1, len(data) + 1, 7):
        with wire.dial(server.public) as sock:
            sock.sendall(data[:end])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Close with a reset.
    check_alive(server)
    assert server.post("dentrix", body).status == 200


def test_pipelined(server):
    """Requests sent without waiting are answered in order, the good and the bad."""
    bodies = [good(), b"{", good(), good()]
    extra = [(), (), (), (("Connection", "close"),)]
    data = b"".join(request(server, body, length(body), *more) for body, more in zip(bodies, extra))
    answers = server.raw(data)
    assert [answer.status for answer in answers] == [200, 400, 200, 200]
    assert [answer.json["eventId"] for answer in answers if answer.status == 200] == \
        [oracle.event_id("dentrix", body) for body in bodies if body != b"{"]


def test_many_in_one_piece(server):
    """A hundred webhooks in one write are a hundred answers in their order."""
    bodies = [good() for _ in range(100)]
    data = b"".join(request(server, body, length(body)) for body in bodies[:-1]) + request(server, bodies[-1], length(bodies[-1]), shapes.CLOSE)
    assert [answer.json["eventId"] for answer in server.raw(data)] == [oracle.event_id("dentrix", body) for body in bodies]


def test_cut_anywhere(server):
    """Wherever the network cuts three webhooks, one of them in chunks, they are the same three."""
    bodies = [good() for _ in range(3)]
    first, second, third = bodies
    data = (request(server, first, length(first)) + shapes.PLAIN["chunks"](server, second)
            + request(server, third, length(third), shapes.CLOSE))
    expected = [oracle.event_id("dentrix", body) for body in bodies]
    for end in range(1, len(data)):
        with wire.dial(server.public) as sock:
            sock.sendall(data[:end])
            sock.sendall(data[end:])
            received = b"".join(iter(lambda: sock.recv(65536), b""))
        assert [answer.json["eventId"] for answer in wire.parse_answers(received)] == expected, end
    assert stored(server, *bodies) == [True] * 3


def test_byte_by_byte(server):
    """And so they are when every byte comes alone."""
    body = good()
    with wire.dial(server.public) as sock:
        for byte in request(server, body, length(body), shapes.CLOSE):
            sock.sendall(bytes([byte]))
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert [answer.status for answer in wire.parse_answers(received)] == [200]


def test_keep_alive(server):
    """One connection serves many requests, also after refused ones."""
    with closing(server.connect()) as connection:
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            assert server.post("dentrix", good(), connection=connection).status == 200
            assert server.post("dentrix", b"{}", connection=connection).status == 400
            assert server.post("dentrix", good(), [JSON], connection=connection).status == 401
            assert server.post("nobody", good(), [JSON], connection=connection).status == 404
            assert server.post("dentrix", good(), [("Content-Type", "text/plain")], connection=connection).status == 415
            assert connection.ask("GET", "/webhooks/health").status == 200
        assert connection.sock is sock


@pytest.mark.parametrize("size, status", [(900, 200), (1100, 400)])
def test_header_limit(size, status):
    """Headers below the limit pass, and those above it are refused and not kept."""
    with harness.Server(settings={"max_headers": "1KiB"}) as server:
        body = good()
        spare = size - len(request(server, body, length(body), ("X-Long", ""), sent=b""))
        answer, = server.raw(request(server, body, length(body), ("X-Long", "x" * spare)), half_close=True)
        assert answer.status == status
        assert (server.event(oracle.event_id("dentrix", body)) is not None) is (status == 200)


@pytest.mark.parametrize("trickle", [False, True], ids=["silent", "trickling"])
def test_slow_request(trickle):
    """A request that is not whole within its time is cut off, be it silent or a byte at a time; others are served meanwhile."""
    with harness.Server(settings={"request_timeout": "1s"}) as server, wire.dial(server.public) as sock:
        body = good()
        sock.sendall(request(server, body, length(body), sent=b""))
        check_alive(server)
        sock.settimeout(0.2 if trickle else wire.TIMEOUT)
        for byte in range(50):  # Ten seconds of trickle.
            try:
                if trickle:
                    sock.sendall(body[byte:byte + 1])
                if not sock.recv(4096):
                    break
            except TimeoutError:
                assert trickle, "The silent request was never cut off."
            except ConnectionError:
                break
        else:
            pytest.fail("The trickling request was never cut off.")
        check_alive(server)
        assert server.event(oracle.event_id("dentrix", body)) is None
