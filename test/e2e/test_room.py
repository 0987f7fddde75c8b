"""How much memory unanswered requests may take: `body_bytes`. Large ones find no room first, small ones always some."""
import select
import signal
import socket
from contextlib import ExitStack, closing

import pytest

import harness
import lab
import metrics
import oracle
import process
import wire
from shapes import CHUNKED, CLOSE, good, length, request

PAGE = 4096  # The first of each connection is not counted, and then only whole ones are.
PIECE = 64  # Bytes that count for each piece of a head.
ROOM = 8 << 20
HALF = 512 << 10


def serve(**settings):
    """A server with room for 8 MiB, and bodies of at most 1 MiB."""
    return harness.Server(settings={"body_bytes": ROOM, "loops": 1, **settings})


def half(server, size, *headers):
    """The head of a request and so much of a body that is never whole."""
    return wire.compose(server.path("dentrix"), headers or [("Content-Length", 1 << 20)]) + b" " * size


def half_chunked(server, size):
    """The same in small chunks, which the library puts together as they come."""
    return half(server, 0, CHUNKED) + b"400\r\n%s\r\n" % (b" " * 1024) * (size // 1024)


def many_headers(server, size):
    """A head of tiny lines, each of which becomes much more in memory."""
    return wire.compose(server.path("dentrix"), []).removesuffix(b"\r\n") + b":\n" * (min(size, 16000) // 2)


def send(sock, data):
    """Send as much as the server takes."""
    try:
        sock.sendall(data)
    except ConnectionError:
        pass  # It has refused and gone.


def stuff(sock):
    """Send until nothing is taken for a second, and return how many bytes were."""
    sent = 0
    sock.setblocking(False)
    while select.select([], [sock], [], 1)[1]:
        sent += sock.send(bytes(1 << 16))
        assert sent < 64 << 20, "It takes ever more."
    return sent


def refusal(sock):
    """The answer on a connection that has been refused, or None if it was closed without one."""
    answers = wire.parse_answers(wire.rest(sock))
    assert len(answers) <= 1
    return answers[0] if answers else None


def fill(server, crowd):
    """Hold half requests until the first finds no room; return their connections."""
    socks = []
    while server.log.find("no room for a request") is None:
        socks.append(crowd.enter_context(closing(wire.dial(server.public))))
        send(socks[-1], half(server, HALF))
        process.wait_until(lambda: process.is_read(socks[-1]))
    return socks


@pytest.mark.parametrize("attack, loops", [(half, 1), (half, 2), (half_chunked, 1), (many_headers, 1), (many_headers, 2)])
def test_bounded(attack, loops):
    """However many connections hold half a request each, memory stays within the bound, honest webhooks are served, and after it all is as before."""
    with serve(loops=loops) as server, ExitStack() as crowd:
        assert server.post("dentrix", good()).status == 200
        before = process.memory(server)
        data = attack(server, HALF)
        for _ in range(300):
            sock = crowd.enter_context(closing(wire.dial(server.public)))
            send(sock, data)
            assert server.post("dentrix", good()).status == 200
        grown = process.memory(server) - before
        print(f"{attack.__name__}: {grown / 2**20:.1f} MiB for {ROOM / 2**20:.0f}")
        assert process.SANITIZED or grown < 2 * ROOM
        server.log.wait_for("no room for a request")
        crowd.close()
        process.wait_until(lambda: server.post("dentrix", good().ljust(1 << 20)).status == 200)


def test_bounded_at_once():
    """The same where all of it is there in one moment."""
    with serve() as server, ExitStack() as crowd:
        server.process.send_signal(signal.SIGSTOP)
        for _ in range(300):
            crowd.enter_context(closing(wire.dial(server.public))).sendall(many_headers(server, PAGE))
        server.process.send_signal(signal.SIGCONT)
        assert server.post("dentrix", good()).status == 200
        assert process.SANITIZED or process.memory(server) < 2 * ROOM


def test_refused_half_read():
    """A request that finds no room is answered in its middle. What its sender goes on sending is taken, so that it hears the answer, but not for ever."""
    with serve() as server, ExitStack() as crowd:
        refused, *_ = select.select(fill(server, crowd), [], [], wire.TIMEOUT)
        before = process.files(server)
        for _ in range(3):
            refused[0].sendall(b" " * 1000)
            process.wait_until(lambda: process.is_read(refused[0]))
        answer = refusal(refused[0])
        assert answer.is_unavailable()
        assert answer.headers["Connection"] == "close"
        body = good().ljust(1 << 20)
        assert server.raw(request(server, body, length(body)))[0].is_unavailable()
        assert server.event(oracle.event_id("dentrix", body)) is None
        process.wait_until(lambda: process.files(server) < before)


def held(data, headers):
    """What counts of a request without its body's end: whole pages of its bytes, and of what its head becomes."""
    return (len(data) + PIECE * (2 * (headers + 1) + 1)) // PAGE * PAGE


@pytest.mark.parametrize("over", [0, 1])
def test_edge(over):
    """A request may be as large as the room that it leaves, and not a page larger."""
    with serve(body_bytes="1MiB", max_body="256KiB") as server, ExitStack() as crowd:
        left = 1 << 20
        for _ in range(3):
            sock = crowd.enter_context(closing(wire.dial(server.public)))
            data = wire.compose(server.path("dentrix"), [("Content-Length", 1 << 18)]) + b" " * (200 << 10)
            sock.sendall(data)
            process.wait_until(lambda sock=sock: process.is_read(sock))
            left -= held(data, 2)
        body = good().ljust(64 << 10)
        head = request(server, body, length(body), CLOSE, sent=b"")
        headers = head.count(b"\r\n") - 2
        body = body.ljust(left // 2 // PAGE * PAGE - len(head) - PIECE * (2 * (headers + 1) + 1) + over * PAGE)
        with closing(wire.dial(server.public)) as sock:
            data = request(server, body, length(body), CLOSE)
            send(sock, data[:-1])
            process.wait_until(lambda: process.is_read(sock))
            send(sock, data[-1:])
            answer = refusal(sock)
        assert answer.is_unavailable() if over else answer.status == 200
        assert (server.event(oracle.event_id("dentrix", body)) is None) is bool(over)


def test_released():
    """What has been answered takes no room any more, on connections that stay: good ones, refused ones, in chunks or not."""
    with serve() as server, ExitStack() as crowd:
        connections = [crowd.enter_context(closing(server.connect())) for _ in range(20)]
        for connection in connections:
            body = good().ljust(1 << 20)
            assert server.post("dentrix", body, connection=connection).status == 200
            assert server.post("dentrix", body, [], connection=connection).status == 401
            connection.request("POST", server.path("dentrix"), iter([body]), dict([*server.headers("dentrix", body), CHUNKED]), encode_chunked=True)
            with connection.getresponse() as response:
                assert (response.status, bool(response.read())) == (200, True)
        assert server.log.find("no room for a request") is None


def test_no_more_with_the_answer():
    """Whoever sends on while a claim waits, and does not take its answer, has no more read once that comes."""
    with lab.Server() as server, closing(socket.socket()) as sock:
        assert server.api("PUT", "/v1/consumers/late", {"from": "now"}).status == 201
        body = b'{"worker":"deaf","max":100,"waitSeconds":60}'
        host, _, port = server.private.rpartition(":")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PAGE)
        sock.connect((host, int(port)))
        sock.sendall(wire.compose("/v1/consumers/late/claim", [("Authorization", f"Bearer {server.token}"), ("Content-Length", len(body))], body))
        assert stuff(sock) > 8 << 20
        server.publish(*(lab.envelope(detail={"big": "x" * 100_000}) for _ in range(60)))
        assert stuff(sock) < 1 << 20


def test_private_face_shares_the_room():
    """The private face is asked in few bytes, and so answers whatever senders do. What found no room is counted."""
    with serve() as server, ExitStack() as crowd:
        fill(server, crowd)
        assert server.ask("GET", "/readyz", face="private").status == 200
        with closing(wire.dial(server.private)) as sock:
            send(sock, wire.compose("/v1/events", [("Content-Length", str(ROOM))], b" " * HALF))
            answer = refusal(sock)
        assert (answer.status, answer.problem["title"]) == (503, "Service unavailable")
        assert int(answer.headers["Retry-After"]) >= 1 and answer.headers["Connection"] == "close"
        refused = [dict(labels)["face"] for (name, labels), value in metrics.Page(server).samples.items() if ("reason", "no_room") in labels and value]
        assert sorted(refused) == ["private", "public"]


@pytest.mark.parametrize("settings, code", [({"body_bytes": "4MiB"}, 0), ({"body_bytes": 4194303}, 1)])
def test_smallest(settings, code):
    """Four of the largest bodies must fit."""
    server = harness.Server(settings={"max_body": "1MiB", **settings})
    server.write_config()
    result = server.cli("check")
    assert result.code == code and ("body_bytes must not be less than 4 times max_body" in result.err) is bool(code)
