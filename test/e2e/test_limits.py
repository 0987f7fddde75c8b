"""Limits on what strangers may take: descriptors, connections, memory, and files that were only named by mistake."""
import socket
from contextlib import closing

import pytest

import harness
import oracle
import wire

FEW_FILES = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]


def good():
    """A webhook unlike any other."""
    return oracle.payload(oracle.DENTRIX, id=harness.fresh())


@pytest.mark.parametrize("face, path", [("public", "/webhooks/health"), ("private", "/healthz")])
def test_out_of_descriptors(face, path):
    """More idle connections than files may be open harm nobody once they are gone."""
    server = harness.Server()
    server.launcher = FEW_FILES
    with server:
        crowd = [wire.dial(getattr(server, face)) for _ in range(150)]
        for sock in crowd:
            sock.close()
        assert server.ask("GET", path, face=face).status == 200
        assert server.post("dentrix", good()).status == 200


def test_connections_beyond_the_limit_wait():
    """One connection too many is not refused: it is served when another has gone."""
    with harness.Server(settings={"max_connections": 2, "loops": 1}) as server:
        first, second, third = (server.connect() for _ in range(3))
        for connection in (first, second):
            assert server.post("dentrix", good(), connection=connection).status == 200
        third.connect()
        third.sock.sendall(wire.compose("/webhooks/health", [], b"", method="GET"))
        first.close()
        assert third.sock.recv(12) == b"HTTP/1.1 200"
        second.close()
        third.close()


def test_answers_never_read():
    """Whoever sends and never reads is no longer read either, long before memory is short."""
    with harness.Server() as server, closing(wire.dial(server.public)) as sock:
        sock.settimeout(2)
        requests = wire.compose("/webhooks/health", [], b"", method="GET") * 1000
        sent = 0
        with pytest.raises((socket.timeout, ConnectionError)):
            while sent < 256 << 20:
                sent += sock.send(requests)
        assert server.post("dentrix", good()).status == 200


@pytest.mark.parametrize("method", ["HEAD", "TRACE"])
def test_body_where_none_belongs(method):
    """What stands behind a HEAD is not taken for a second request."""
    with harness.Server() as server:
        inner = wire.compose("/webhooks/health", [], b"", method="GET")
        answers = server.raw(wire.compose("/webhooks/health", [("Content-Length", len(inner))], inner, method=method))
        assert [answer.status for answer in answers] == [400]


@pytest.mark.parametrize("key", ["listen", "api_listen"])
def test_only_sockets_are_replaced(key):
    """A unix path that names a file by mistake costs no file."""
    server = harness.Server()
    precious = server.directory / "precious"
    precious.write_text("keep me")
    server.settings[key] = f"unix:{precious}"
    server.write_config()
    result = server.cli("serve")
    assert result.code == 1 and str(precious) in result.err
    assert precious.read_text() == "keep me"
