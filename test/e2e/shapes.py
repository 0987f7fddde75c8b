"""Webhooks in odd HTTP: signed and good, but for one thing in how they are framed. Each takes a server and a body, and makes raw bytes."""
import harness
import ledger
import oracle
import wire

CLOSE = ("Connection", "close")
CHUNKED = ("Transfer-Encoding", "chunked")


def good(**changes):
    """A body unlike any other."""
    return ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh(), **changes))


def length(body):
    """The right Content-Length."""
    return ("Content-Length", len(body))


def request(server, body, *headers, sent=None, path=None, **keys):
    """A raw, signed request with these headers instead of the usual length."""
    return wire.compose(path or server.path("dentrix"), [*server.headers("dentrix", body), *headers], body if sent is None else sent, **keys)


def chunked(body, size=b"%x", after=b"", end=b"0\r\n\r\n"):
    """A body in two chunks and the last one, with the sizes written in that way."""
    return b"".join(b"%s%s\r\n%s\r\n" % (size % len(part), after, part) for part in (body[:7], body[7:])) + end


def with_head(change, *headers):
    """A shape whose bytes before the body are changed: text by text, each of which must be there."""
    def shape(server, body):
        data = request(server, body, *headers, length(body), sent=b"")
        for old, new in change.items():
            assert old in data, old
            data = data.replace(old, new, 1)
        return data + body
    return shape


def with_lines(old, new):
    """A shape whose lines before the body end otherwise."""
    return lambda s, b: request(s, b, length(b), sent=b"").replace(old, new) + b


def with_chunks(*headers, **keys):
    """A shape whose body comes in chunks."""
    return lambda s, b: request(s, b, CHUNKED, *headers, sent=chunked(b, **keys))


REFUSED = {  # By us: with our 400.
    "length with a plus": lambda s, b: request(s, b, ("Content-Length", f"+{len(b)}")),
    "length behind a tab": with_head({b"Content-Length: ": b"Content-Length: \t"}),
    "minus nothing": lambda s, b: request(s, b, ("Content-Length", "-0"), sent=b""),
    "gzip and chunks": lambda s, b: request(s, b, ("Transfer-Encoding", "gzip, chunked"), sent=chunked(b)),
    "chunks with a parameter": lambda s, b: request(s, b, ("Transfer-Encoding", "chunked;a=b"), sent=chunked(b)),
    "chunks behind a tab": lambda s, b: request(s, b, ("Transfer-Encoding", "\tchunked"), sent=chunked(b)),
    "chunks in HTTP/1.0": lambda s, b: request(s, b, CHUNKED, sent=chunked(b), version="1.0"),
    "no host": lambda s, b: request(s, b, length(b), host=False),
    "two hosts": lambda s, b: request(s, b, length(b), ("Host", "localhost")),
    "space before a colon": lambda s, b: request(s, b, length(b), ("X-Note ", "1")),
    "space before the length's colon": lambda s, b: request(s, b, ("Content-Length ", len(b))),
    "space in a name": lambda s, b: request(s, b, length(b), ("X Note", "1")),
    "no name": lambda s, b: request(s, b, length(b), ("", "1")),
    "control character in a value": lambda s, b: request(s, b, length(b), ("X-Note", "a\x01b")),
    "DEL in a value": lambda s, b: request(s, b, length(b), ("X-Note", "a\x7fb")),
    "whole URL": lambda s, b: request(s, b, length(b), path="http://localhost" + s.path("dentrix")),
    "asterisk": lambda s, b: request(s, b, length(b), path="*"),
    "no slash": lambda s, b: request(s, b, length(b), path=s.path("dentrix")[1:]),
    "space in the path": lambda s, b: request(s, b, length(b), path=s.path("dentrix") + " x"),
    "tab in the query": lambda s, b: request(s, b, length(b), path=s.path("dentrix") + "?a=\t"),
    "HTTP/1.2": lambda s, b: request(s, b, length(b), version="1.2"),
    "HTTP/0.9 by name": lambda s, b: request(s, b, length(b), version="0.9"),
}
REFUSED_BY_EITHER = {  # Which of these reach us depends on the library's version.
    "length twice": lambda s, b: request(s, b, length(b), length(b)),
    "two lengths": lambda s, b: request(s, b, length(b), ("Content-Length", len(b) + 1)),
    "two lengths in one": lambda s, b: request(s, b, ("Content-Length", f"{len(b)}, {len(b)}")),
    "length with a letter": lambda s, b: request(s, b, ("Content-Length", f"{len(b)}x")),
    "hexadecimal length": lambda s, b: request(s, b, ("Content-Length", hex(len(b)))),
    "no digits of length": lambda s, b: request(s, b, ("Content-Length", "")),
    "length and chunks": lambda s, b: request(s, b, length(b), CHUNKED, sent=chunked(b)),
    "chunks and length": lambda s, b: request(s, b, CHUNKED, length(b), sent=chunked(b)),
    "chunks twice": lambda s, b: request(s, b, CHUNKED, CHUNKED, sent=chunked(b)),
    "identity": lambda s, b: request(s, b, length(b), ("Transfer-Encoding", "identity")),
    "identity alone": lambda s, b: request(s, b, ("Transfer-Encoding", "identity")),
    "chunks misspelt": lambda s, b: request(s, b, length(b), ("Transfer-Encoding", "xchunked")),
}
REFUSED_BY_THE_LIBRARY = {  # In HTML.
    "negative length": lambda s, b: request(s, b, ("Content-Length", "-1")),
    "length of 30 digits": lambda s, b: request(s, b, ("Content-Length", "9" * 30)),
    "header without a colon": with_head({b"Host: localhost": b"Host: localhost\r\nnonsense"}),
    "no version": with_head({b" HTTP/1.1": b""}),
    "version 3": with_head({b"HTTP/1.1": b"HTTP/3.0"}),
    "HTTP/0.9": lambda s, b: b"GET /webhooks/health\r\n",
    "HTTP/2": lambda s, b: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + request(s, b, length(b)),
    "unknown method": lambda s, b: request(s, b, length(b), CLOSE, method="BREW"),
    "no HTTP": lambda s, b: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "bare CR in a value": with_head({b"Host: localhost": b"Host: localhost\r\nX-Note: a\rb"}),
    "bare CR for a line's end": with_head({b"Host: localhost\r\n": b"Host: localhost\r"}),
    "folded first line": with_head({b"HTTP/1.1\r\n": b"HTTP/1.1\r\n folded: 1\r\n"}),
    "NUL in the path": with_head({b"dentrix HTTP": b"dentrix\0 HTTP"}),
    "NUL in a name": with_head({b"Content-Length:": b"Content-Length\0:"}),
    "bad chunk": lambda s, b: request(s, b, CHUNKED, sent=b"zz\r\n" + b),
    "negative chunk": with_chunks(size=b"-%x"),
    "huge chunk": lambda s, b: request(s, b, CHUNKED, sent=b"f" * 16 + b"\r\n" + b),
    "chunk of 40 digits": lambda s, b: request(s, b, CHUNKED, sent=b"f" * 40 + b"\r\n" + b),
    "chunk extension": with_chunks(after=b";a=b"),
    "other expectation": lambda s, b: request(s, b, length(b), ("Expect", "200-ok")),
    "16 KiB of headers": lambda s, b: request(s, b, length(b), ("X-Long", "x" * 17000)),
    "17 KiB of headers": lambda s, b: request(s, b, length(b), *(("X-Many", "x" * 100) for _ in range(170))),
    "17 KiB of path": lambda s, b: request(s, b, length(b), path="/" + "x" * 17000),
}
TAKEN = {  # What the library takes, and does not let us see. The manual names each; nginx refuses it or makes it plain.
    "bare LF": with_lines(b"\r\n", b"\n"),
    "folded line": with_head({b"Host: localhost": b"X-Note: a\r\n b\r\nHost: localhost"}),
    "NUL in a value": with_head({b"Host: localhost": b"Host: localhost\r\nX-Note: a\0b"}),
    "chunk with 0x": with_chunks(size=b"0x%x"),
    "chunk with a plus": with_chunks(size=b"+%x"),
    "chunk behind a space": with_chunks(size=b" %x"),
    "chunk before a space": with_chunks(after=b" "),
    "chunk ending in LF": lambda s, b: request(s, b, CHUNKED, sent=b"%x\n%s\n0\n\n" % (len(b), b)),
    "empty lines before a chunk": lambda s, b: request(s, b, CHUNKED, sent=b"\r\n\r\n" + chunked(b)),
}
MISREAD = {  # The library sees the end of the head here, and the rest as the next request.
    "NUL at the start of a line": with_head({b"Host: localhost": b"Host: localhost\r\n\0X-Note: 1"}),
    "NUL instead of a line": with_head({b"\r\n\r\n": b"\r\n\0\r\nX-Note: 1\r\n\r\n"}),
}
PLAIN = {  # What anybody takes.
    "length with blanks around": lambda s, b: request(s, b, ("Content-Length", f" {len(b)} ")),
    "chunks": with_chunks(),
    "chunks in capitals": lambda s, b: request(s, b, ("Transfer-Encoding", "CHUNKED"), sent=chunked(b)),
    "chunk sizes with zeros": with_chunks(size=b"000%x"),
    "trailers": with_chunks(end=b"0\r\nX-Dentrix-Signature: 00\r\nContent-Length: 5\r\n\r\n"),
    "tab in a value": lambda s, b: request(s, b, length(b), ("X-Note", "a\tb")),
    "query": lambda s, b: request(s, b, length(b), path=s.path("dentrix") + "?a=%00&b=/../"),
}
