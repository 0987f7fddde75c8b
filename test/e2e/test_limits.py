"""Limits on what strangers may take: descriptors, connections, memory, and files that were only named by mistake."""
import socket
from contextlib import ExitStack, closing

import pytest

import harness
import metrics
import oracle
import process
import wire

FEW_FILES = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]


def good():
    """A webhook unlike any other."""
    return oracle.payload(oracle.DENTRIX, id=harness.fresh())


def test_many_at_the_control_socket():
    """Of those who ask at once only so many are taken, and the others once they have gone; no webhook has less room for it."""
    with harness.Server() as server, ExitStack() as stack:
        before = process.files(server)
        crowd = [stack.enter_context(wire.dial(f"unix:{server.database}.control")) for _ in range(300)]
        crowd[0].sendall(b'{"command":"nonsense"}\n')
        assert crowd[0].makefile().read() == '{"error":"unknown command"}\n'
        process.wait_until(lambda: process.files(server) == before + 128)
        assert server.post("dentrix", good()).status == 200
        for sock in crowd:
            sock.close()
        assert server.cli("limits", "clear").code == 0
        process.wait_until(lambda: process.files(server) <= before + 1)  # The webhook's own may still be there.


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
        page = metrics.Page(server)
        assert [page.value(f"pickupd_connections{what}", face="public") for what in ("", "_max", "_filled_total")] == [2, 2, 1]
        third.connect()
        third.sock.sendall(wire.compose("/webhooks/health", [], b"", method="GET"))
        first.close()
        assert third.sock.recv(12) == b"HTTP/1.1 200"
        second.close()
        third.close()


def dial_from(server, host):
    """Connect from one of the many addresses of this machine."""
    to, _, port = server.public.rpartition(":")
    return socket.create_connection((to, int(port)), wire.TIMEOUT, (host, 0))


def is_closed(sock):
    """Whether the server has closed a connection at once; if not, it answers there."""
    try:
        sock.sendall(wire.compose("/webhooks/health", [], method="GET"))
        return sock.recv(12) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("loops", [1, 3])
def test_connections_of_one_address(loops):
    """One connection too many of an address is closed at once, whichever loop has it; another address is served, and so is the first once one of its own has gone."""
    with harness.Server(settings={"address_connections": 4, "loops": loops}) as server, ExitStack() as crowd:
        socks = [crowd.enter_context(dial_from(server, "127.0.0.2")) for _ in range(4)]
        for _ in range(2):
            assert [is_closed(sock) for sock in socks] == [False] * 4
            for _ in range(5):
                with dial_from(server, "127.0.0.2") as further:
                    assert is_closed(further)
            with dial_from(server, "127.0.0.3") as other:
                assert not is_closed(other)
        assert metrics.Page(server).value("pickupd_connections_cut_off_total", face="public", reason="client_limit") == 10
        assert server.log.wait_for("too many connections of one client")
        assert not any("127.0.0.2" in line for line in server.log.lines)
        socks.pop().close()
        process.wait_until(lambda: not is_closed(crowd.enter_context(dial_from(server, "127.0.0.2"))))


@pytest.mark.parametrize("settings", [{}, {"address_connections": 2, "trusted_proxies": "127.0.0.0/8"}, {"address_connections": 2, "listen": "unix:{}/hooks.sock"}],
                         ids=["no limit", "proxy", "unix"])
def test_connections_without_a_limit(settings):
    """Proxies, who stand for many, and processes on this machine may have any number of connections; by default anybody may."""
    server = harness.Server(settings=settings)
    server.settings["listen"] = server.settings["listen"].format(server.directory)
    with server, ExitStack() as crowd:
        for _ in range(50):
            assert not is_closed(crowd.enter_context(closing(wire.dial(server.public))))


def test_private_face_has_no_such_limit():
    """The limit is for senders."""
    with harness.Server(settings={"address_connections": 1}) as server, ExitStack() as crowd:
        for _ in range(5):
            connection = crowd.enter_context(closing(server.connect("private")))
            assert connection.ask("GET", "/healthz").status == 200


def test_strangers_on_the_private_face():
    """Connections without a token do not keep out who has one, and one that has shown it stays."""
    with harness.Server(settings={"request_timeout": "10m"}) as server, ExitStack() as crowd:
        known = crowd.enter_context(closing(server.connect("private")))
        token = [("Authorization", f"Bearer {server.token}")]
        assert known.ask("GET", "/v1/consumers", headers=token).status == 200
        sock = known.sock
        for number in range(300):
            crowd.enter_context(closing(wire.dial(server.private))).sendall(b"GET /healthz HTTP/1.1\r\n"[:number % 3])
        assert server.api("GET", "/v1/consumers").status == 200
        assert known.ask("GET", "/v1/consumers", headers=token).status == 200 and known.sock is sock
        assert metrics.Page(server).value("pickupd_connections_cut_off_total", face="private", reason="stranger")


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
