"""Requests put together from good and bad parts, and a strict reader beside the server: nothing is answered that it would not see."""
import hypothesis
from hypothesis import strategies as st

import harness
import oracle
import shapes
import wire

FORGED = ("X-Dentrix-Signature", "00" * 32)
LENGTH, CHUNKED = "Content-Length: {}", "Transfer-Encoding: chunked"
GOOD = {"version": ["HTTP/1.1"], "host": [["Host: localhost"]], "body": [[LENGTH], [CHUNKED]], "more": [[]]}
BODIES = [LENGTH, CHUNKED, "content-length:{}", "Content-Length: +{}", "Content-Length: 0{}", "Content-Length: {}, {}", "Content-Length: -{}",
          "Content-Length: 0x{}", "Content-Length: 0", "Content-Length: {}0", "Content-Length : {}", "Content-Length\t: {}", "Content-Length: {}x",
          "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding : chunked",
          "Transfer-Encoding: chunked;q=1", "transfer-encoding: CHUNKED"]
ODD = {
    "version": ["HTTP/1.0", "HTTP/1.2", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.10"],
    "host": [[], ["Host: a", "Host: b"], ["Host : a"]],
    "body": [[], *([line] for line in BODIES), *([one, other] for one in (LENGTH, CHUNKED) for other in BODIES)],
    "more": [[line] for line in ("Connection: keep-alive", "Connection: close", "Connection: Transfer-Encoding", "X-Note", ": 1", "X Note: 1", "X-Note: \x01",
                                 "X-Note: a\rb", "Expect: 100-continue", "Expect: more", "Upgrade: h2c", "Trailer: Content-Length", "TE: gzip")],
}


def is_token(text):
    """Whether HTTP lets a header be called so."""
    return bool(text) and all(char in "!#$%&'*+-.^_`|~" or char.isascii() and char.isalnum() for char in text)


def read_head(data):
    """The first line, the headers and the rest, or None if they are not what RFC 9112 asks for."""
    head, end, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in lines]
    if not end or any((char < " " and char != "\t") or char == "\x7f" for line in [first, *lines] for char in line):
        return None
    if any(len(pair) != 2 or not is_token(pair[0]) for pair in pairs):
        return None
    return first, [(name.lower(), value.strip(" ")) for name, value in pairs], rest


def read_chunks(data):
    """The body and the rest, or None."""
    body = b""
    while True:
        size, end, data = data.partition(b"\r\n")
        if not end or not size or size.strip(b"0123456789abcdefABCDEF"):
            return None
        count = int(size, 16)
        if not count:
            return None if read_head(b"\r\n" + data) is None else (body, read_head(b"\r\n" + data)[2])
        if data[count:count + 2] != b"\r\n":
            return None
        body, data = body + data[:count], data[count + 2:]


def read(data):
    """The bodies of the requests that a strict reader sees, up to the first that it refuses."""
    bodies = []
    while data and (found := read_head(data)):
        first, headers, rest = found
        hosts, lengths, codings, connection = ([value for name, value in headers if name == wanted]
                                               for wanted in ("host", "content-length", "transfer-encoding", "connection"))
        old = first.endswith(" HTTP/1.0")
        method, _, target = first.removesuffix(" HTTP/1.1").removesuffix(" HTTP/1.0").partition(" ")
        if not is_token(method) or not target.startswith("/") or set(" \t") & set(target) or len(hosts) > 1 or not (hosts or old):
            break
        if len(lengths) + len(codings) > 1 or (codings and (old or codings[0].lower() != "chunked")):
            break
        if lengths and (not lengths[0].isdecimal() or int(lengths[0]) > len(rest)):
            break
        whole = read_chunks(rest) if codings else (rest[:int((lengths or "0")[0])], rest[int((lengths or "0")[0]):])
        if whole is None:
            break
        body, data = whole
        bodies.append(body)
        if "close" in connection or (old and "keep-alive" not in connection):
            break
    return bodies


@st.composite
def webhooks(draw):
    """A webhook of which no part is odd, or one or two; or a forged one that has a good one for a body."""
    odd = draw(st.lists(st.sampled_from(sorted(ODD)), max_size=2))
    part = {name: draw(st.sampled_from((ODD if name in odd else GOOD)[name])) for name in GOOD}
    return part["version"], draw(st.permutations(part["host"] + part["body"] + part["more"])), draw(st.booleans())


def compose(server, parts):
    """Raw bytes, and the body that would be an event: their own, or if they are forged, the one that they hide."""
    version, headers, forged = parts
    inner = body = shapes.good()
    if forged:
        body = shapes.request(server, inner, shapes.length(inner))
    sent = shapes.chunked(body) if any("chunked" in header.lower() for header in headers) else body
    signature = FORGED if forged else server.signature("dentrix", body)
    lines = [f"POST {server.path('dentrix')} {version}", *(header.replace("{}", str(len(body))) for header in headers),
             f"{signature[0]}: {signature[1]}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + sent, inner


@hypothesis.given(st.lists(webhooks(), min_size=1, max_size=3))
def test_nothing_that_a_strict_reader_would_not_see(server, parts):
    """As many webhooks are stored as were answered 200, all of them are whole requests to a strict reader too, and none comes out of another's body."""
    pieces = [compose(server, each) for each in parts]
    data = b"".join(raw for raw, _ in pieces)
    seen = read(data)
    answers = wire.exchange(server.public, data, half_close=True)
    accepted = [answer.json["eventId"] for answer in answers if answer.status == 200]
    stored = [oracle.event_id("dentrix", body) for _, body in pieces if server.event(oracle.event_id("dentrix", body))]
    assert sorted(accepted) == sorted(stored)
    assert set(accepted) <= {oracle.event_id("dentrix", body) for body in seen}
    assert len([answer for answer in answers if answer.status in (200, 401)]) <= len(seen)


def test_the_reader():
    """The strict reader sees what is plain, and nothing in what is not: else it would prove nothing."""
    with harness.Server() as server:
        for table, count in ((shapes.PLAIN, 2), (shapes.REFUSED, 0), (shapes.REFUSED_BY_EITHER, 0)):
            for name, shape in table.items():
                body = shapes.good()
                seen = read(shape(server, body) + shapes.request(server, body, shapes.length(body)))
                assert seen == [body] * count, name
