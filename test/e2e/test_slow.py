"""Senders that are slow, silent or do not listen: every one is cut off in its time, and nobody else notices."""
import contextlib
import os
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

import harness
import metrics
import oracle
import process
import wire
from load import Load
from shapes import CHUNKED, CLOSE, good, length, request

ATTACKER = "/usr/bin/slowhttptest"
ATTACKS = {"headers": ["-H"], "body": ["-B"], "ranges": ["-R"], "reading": ["-X", "-k", "10", "-w", "1", "-y", "2", "-z", "1", "-n", "1"]}


def head(server, body):
    """The head of a webhook with the usual length."""
    return request(server, body, length(body), sent=b"")


SILENT = {
    "nothing": lambda s, b: b"",
    "one byte": lambda s, b: b"P",
    "half a head": lambda s, b: head(s, b)[:-2],
    "no body": head,
    "half a body": lambda s, b: head(s, b) + b[:-1],
    "half a chunk": lambda s, b: request(s, b, CHUNKED, sent=b"%x\r\n" % len(b) + b[:-1]),
    "no last chunk": lambda s, b: request(s, b, CHUNKED, sent=b"%x\r\n%s\r\n" % (len(b), b)),
    "no end of trailers": lambda s, b: request(s, b, CHUNKED, sent=b"0\r\nX-Note: 1\r\n"),
    "half of a second one": lambda s, b: head(s, b) + b + head(s, b) + b[:-1],
    "nothing after an answer": lambda s, b: head(s, b) + b,
}


@pytest.fixture(scope="module")
def hasty():
    """A server that gives a request a second."""
    with harness.Server(settings={"request_timeout": "1s"}) as running:
        yield running


@pytest.fixture(scope="module")
def silent(hasty):
    """A connection for each of these, on all of which nothing happens at the same time."""
    with ExitStack() as crowd:
        socks, texts = {}, {case: SILENT[case](hasty, good()) for case in SILENT}
        hasty.process.send_signal(signal.SIGSTOP)  # All of it is there when the second begins, however busy we are.
        for case, text in texts.items():
            socks[case] = crowd.enter_context(wire.dial(hasty.public))
            socks[case].sendall(text)
        hasty.process.send_signal(signal.SIGCONT)
        yield socks


@pytest.mark.parametrize("case", SILENT)
def test_silence(silent, case):
    """A connection on which nothing happens is closed, wherever it stopped; what was whole before has been answered."""
    answers = wire.parse_answers(b"".join(iter(lambda: silent[case].recv(65536), b"")))
    assert [answer.status for answer in answers] == [200] * ("second" in case or "answer" in case)


DRIPS = {
    "head": lambda s, b: (b"", head(s, b)),
    "endless head": lambda s, b: (head(s, b)[:-2], b"X-Note: 1\r\n" * 1000),
    "body": lambda s, b: (head(s, b), b),
    "chunks": lambda s, b: (request(s, b, CHUNKED, sent=b""), b"1\r\n{\r\n" * 1000),
    "trailers": lambda s, b: (request(s, b, CHUNKED, sent=b"0\r\n"), b"X-Note: 1\r\n" * 1000),
    "second one": lambda s, b: (head(s, b) + b, head(s, b)),
}


def drip(server, case):
    """Send a byte now and then; tell whether the server has cut that off."""
    whole, drips = DRIPS[case](server, good())
    with wire.dial(server.public) as sock:
        try:
            sock.sendall(whole)
        except ConnectionError:
            return True  # We were too slow for the first of it.
        return wire.is_cut_off(sock, drips)


@pytest.fixture(scope="module")
def cut_off(hasty):
    """What became of each of these, all at the same time."""
    with ThreadPoolExecutor(len(DRIPS)) as pool:
        return dict(zip(DRIPS, pool.map(lambda case: drip(hasty, case), DRIPS)))


@pytest.mark.parametrize("case", DRIPS)
def test_dripping(cut_off, case):
    """A request of which a byte comes now and then is cut off as well, though the connection is never silent for long."""
    assert cut_off[case]


def deaf(address):
    """A connection that takes next to nothing at a time."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    sock.settimeout(wire.TIMEOUT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # The kernel's buffer on the server's side depends on it.
    sock.connect((host, int(port)))
    return sock


def test_never_reading(hasty):
    """Whoever asks and asks, and never listens, is cut off; the server forgets the connection, whatever the kernel still has for it."""
    before = process.files(hasty)
    with closing(deaf(hasty.public)) as sock:
        asked = wire.compose("/webhooks/health", [], method="GET") * 100
        try:
            sock.sendall(asked)
            is_taken = sock.recv(1) != b""  # Now it is open there, if it was not silent for its second before.
            sock.settimeout(0.1)
            while is_taken and sock.send(asked):
                pass
        except (TimeoutError, ConnectionError):
            pass
        process.wait_until(lambda: process.files(hasty) <= before)
    assert hasty.post("dentrix", good()).status == 200


def read_in_drips(server):
    """Take an answer little by little until that is cut off; tell whether it was for that, or because we were silent for too long ourselves."""
    with closing(wire.dial(server.private)) as sock:
        sock.sendall(wire.compose("/metrics", [("X-Request-Id", "slow-1")], method="GET"))
        with contextlib.suppress(ConnectionError), server.log.changed:
            while sock.recv(4096) and not server.log.changed.wait_for(lambda: server.log.find("answer taken too slowly"), 0.05):
                sock.send(b"G")
    return server.log.find("answer taken too slowly", request="slow-1")


def test_reading_in_drips():
    """An answer must be taken within its time; it does not do to take a little of it now and then, and to keep sending."""
    sources = [oracle.source(f"s{number}", "dentrix", id_prefix=f"p{number}") for number in range(500)]  # A megabyte of metrics, which takes no time to write.
    server = harness.Server(sources, {"request_timeout": "1s"})
    server.settings["api_listen"] = f"unix:{server.directory}/api.sock"  # The kernel holds less of an answer there.
    with server:
        process.wait_until(lambda: read_in_drips(server))
        assert metrics.Page(server).value("pickupd_connections_cut_off_total", face="private", reason="slow_answer") == 1


def test_slow_but_within_its_time(server):
    """A webhook in two parts is none the worse for it, though the first came with another in the same write."""
    body = good()
    with wire.dial(server.public) as sock:
        sock.sendall(head(server, body) + body + request(server, body, length(body), CLOSE, sent=b""))
        assert sock.recv(12) == b"HTTP/1.1 200"
        sock.sendall(body)
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert b"HTTP/1.1 200" in received


@pytest.mark.skipif(not os.access(ATTACKER, os.X_OK), reason=f"{ATTACKER} is not installed")
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack(attack):
    """While slowhttptest holds 400 connections in its way, every honest webhook is answered 200."""
    with harness.Server() as server:
        load = Load(server)
        load.wait_accepted(10)
        subprocess.run([ATTACKER, *ATTACKS[attack], "-c", "400", "-r", "400", "-i", "1", "-l", "4", "-p", "2", "-u",
                        f"http://{server.public}/webhooks/ehr/dentrix"], check=True, capture_output=True, timeout=60)
        load.wait_accepted(10)
        load.end()
        assert (load.refused, load.unanswered) == ([], [])
        assert len(server.events()) == len(load.accepted)


@pytest.mark.parametrize("count, most", [(1000, 32 << 20), (10000, 96 << 20)])
def test_idle_connections(count, most):
    """Ten thousand connections that say nothing cost little memory, and webhooks are served beside them."""
    if not process.allow_files(count + 2000):
        pytest.skip(f"the hard limit of open files is below {count + 2000}")
    with harness.Server(settings={"max_connections": count + 100}) as server, ExitStack() as crowd:
        load = Load(server)
        load.wait_accepted(10)
        host, _, port = server.public.rpartition(":")
        for number in range(count):
            crowd.enter_context(closing(socket.create_connection((host, int(port)), wire.TIMEOUT, (f"127.0.0.{2 + number % 50}", 0))))
        process.wait_until(lambda: process.files(server) > count)
        load.wait_accepted(10)
        used = process.memory(server)
        print(f"{count} idle connections: {used / 2**20:.1f} MiB")
        assert process.SANITIZED or used < most
        load.end()
        assert (load.refused, load.unanswered) == ([], [])
        assert len(server.events()) == len(load.accepted)
