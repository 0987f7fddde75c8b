"""TLS on either listener: what it speaks and what it refuses, certificates of both sides, and that all works over it that works in clear."""
import itertools
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack, closing

import pytest

import harness
import lab
import ledger
import metrics
import process
import tls
import wire
from shapes import CLOSE, good, length, request
from test_reload import reload

SCANNER = "/usr/bin/sslscan"
GROUPS = {"x25519", "secp256r1 (NIST P-256)", "secp384r1 (NIST P-384)"}
HEALTH = b"GET /webhooks/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with TLS on both faces, the private one with clients' certificates."""
    with tls.Server(tmp_path_factory.mktemp("tls")) as running:
        yield running


def rest(sock):
    """Whatever still comes until the server closes or cuts the connection off."""
    with closing(sock):
        return wire.rest(sock)


def test_webhooks(server):
    """Webhooks, small and of many records, come over one connection and are kept; a bad signature and odd framing are what they are in clear."""
    with closing(server.connect()) as connection:
        for body in (good(), good() + b" " * 500_000, good()):
            assert server.post("dentrix", body, connection=connection).status == 200
            assert server.event(server.post("dentrix", body, connection=connection).json["eventId"])
        body = good()
        assert server.post("dentrix", body, [server.signature("dentrix", body, harness.WRONG_SECRET)], connection).status == 401
    body = good()
    with closing(server.dial()) as sock:
        sock.sendall(request(server, body, length(body), sent=body) + request(server, body, length(body), ("Content-Length", 1), CLOSE, sent=body))
        assert [answer.status for answer in wire.parse_answers(rest(sock))] == [200, 400]


@pytest.mark.parametrize("version, cipher", [("-tls1_2", "ECDHE+AESGCM"), ("-tls1_2", "ECDHE+CHACHA20"), ("-tls1_3", "ALL")])
def test_spoken(server, version, cipher):
    """openssl gets an answer with either version, trusts the certificate, and is told when the answer is over."""
    said = tls.openssl("s_client", "-connect", server.public, "-servername", "localhost", "-CAfile", server.authority.cert, "-verify_return_error",
                       version, "-cipher", cipher, "-ign_eof", text=HEALTH)
    assert "HTTP/1.1 200 OK" in said and "Verify return code: 0" in said and "unexpected eof" not in said
    assert "Reused" not in said and "New Session Ticket" not in said


@pytest.mark.parametrize("version, cipher", [("-tls1_1", "DEFAULT"), ("-tls1_2", "AES128-GCM-SHA256"), ("-tls1_2", "ECDHE-ECDSA-AES128-SHA256")])
def test_refused(server, version, cipher):
    """An old version, a cipher without forward secrecy, and one that proves nothing of what it hides get no connection."""
    said = tls.openssl("s_client", "-connect", server.public, version, "-cipher", f"{cipher}:@SECLEVEL=0", text=HEALTH, good=False)
    assert "HTTP/1.1" not in said and "Cipher is (NONE)" in said
    server.log.wait_for("TLS handshake failed", reason="unsupported protocol" if version == "-tls1_1" else "no shared cipher")


def test_whatever_comes(server):
    """Plain HTTP, noise, and whoever leaves in the middle are let go of, and said and counted if they said anything; nobody else notices."""
    before = metrics.Page(server).value("pickupd_tls_handshake_failures_total", face="public")
    with closing(wire.dial(server.public)) as plain:
        plain.sendall(HEALTH)
        assert b"HTTP" not in rest(plain)
    server.log.wait_for("TLS handshake failed", reason="http request")
    assert metrics.Page(server).value("pickupd_tls_handshake_failures_total", face="public") > before
    for noise in (b"\0" * 4000, b"\x16\x03\x01\xff\xff" + b"\xff" * 70000, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
        with closing(wire.dial(server.public)) as sock:
            try:
                sock.sendall(noise)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            assert b"HTTP" not in rest(sock)
    assert server.post("dentrix", good()).status == 200


def poll(server, consumer, sock):
    """Send a claim that waits, and return once the server has it."""
    body = ledger.encode({"worker": "tester", "max": 10, "waitSeconds": 60})
    sock.sendall(wire.compose(f"/v1/consumers/{consumer}/claim", [("Authorization", f"Bearer {server.token}"), ("Content-Type", "application/json"),
                                                                  length(body)], body))
    process.wait_until(lambda: process.is_read(sock))


def comes(stream, part):
    """Whether a line with this in it comes; a stream that has nothing to tell beats on for ever."""
    deadline = time.monotonic() + wire.TIMEOUT
    return any(part in line for line in itertools.takewhile(lambda _: time.monotonic() < deadline, stream))


def test_waiting_answers(server):
    """A claim that waits and the stream hear of an event at once; a client that hangs up while it waits is forgotten."""
    name = harness.fresh().lower()
    assert server.api("PUT", f"/v1/consumers/{name}", {"from": "now"}).status == 201
    with closing(server.dial("private")) as waits, closing(server.dial("private")) as reads, reads.makefile("rb") as stream:
        reads.sendall(wire.compose("/v1/stream", [("Authorization", f"Bearer {server.token}")], method="GET"))
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
        assert comes(stream, b"id: ")
        gone = server.dial("private")
        poll(server, name, gone)
        ends = gone.getsockname(), gone.getpeername()
        gone.close()
        process.wait_until(lambda: process.is_let_go(*ends))
        poll(server, name, waits)
        [result] = server.publish(lab.envelope(detail={"note": "x" * 60000}))
        [answer] = wire.parse_answers(received(waits))
        [claim] = answer.json["claims"]
        assert claim["event"]["id"] == result["eventId"]
        assert comes(stream, result["eventId"].encode())


def received(sock):
    """One answer with a length, as it came."""
    data = b""
    while part := sock.recv(65536):
        data += part
        head, end, body = data.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            return data
    raise AssertionError(f"the server closed behind {data!r}")


def test_client_certificates(server, tmp_path):
    """Where clients must show a certificate, none gets as far as a request without one, with another's, or with one that only looks right."""
    stranger = tls.Authority(tmp_path)  # Of the same name as ours, but with a key of its own.
    ask = wire.compose("/healthz", [CLOSE], method="GET")
    for pair, reason in ((None, "peer did not return a certificate"), (stranger.issue("client"), "certificate verify failed")):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = tls.trust(server.authority, pair)
            context.maximum_version = context.minimum_version = version
            try:
                with closing(server.dial("private", context)) as sock:
                    sock.sendall(ask)
                    assert rest(sock) == b""
            except (ssl.SSLError, ConnectionError):
                pass
        server.log.wait_for("TLS handshake failed", reason=reason)
    assert server.ask("GET", "/healthz", face="private").status == 200
    assert server.ask("GET", "/webhooks/health").status == 200  # There nobody is asked.


@pytest.mark.skipif(not shutil.which(SCANNER), reason=f"{SCANNER} is not installed")
def test_sslscan(server):
    """Last of this server, whose log it fills. Debian's sslscan finds versions 1.2 and 1.3 alone, nothing but good ciphers and groups, and neither renegotiation nor compression."""
    scan = subprocess.run([SCANNER, "--xml=-", "--no-colour", server.public], capture_output=True, check=True, timeout=60)
    test = ElementTree.fromstring(scan.stdout).find("ssltest")
    found = {(row.get("type"), row.get("version")) for row in test.iter("protocol") if row.get("enabled") == "1"}
    assert found == {("tls", "1.2"), ("tls", "1.3")}
    ciphers = {row.get("cipher") for row in test.iter("cipher")}
    assert len(ciphers) == 6 and all(name.startswith(("TLS_", "ECDHE-ECDSA-")) and ("GCM" in name or "POLY1305" in name) for name in ciphers)
    assert {row.get("name") for row in test.iter("group")} <= GROUPS
    assert [row.get("supported") for row in test.iter("renegotiation")] == ["0"]
    assert all(row.get("supported") == "0" for row in test.iter("compression"))
    assert all(row.get("vulnerable") == "0" for row in test.iter("heartbleed"))


def test_renewal(tmp_path):
    """SIGHUP brings another certificate to new connections; open ones and polls go on. A bad one changes nothing, and says why, as `check` does."""
    with tls.Server(tmp_path) as server, ExitStack() as opened:
        connection = opened.enter_context(closing(server.connect()))
        waits = opened.enter_context(closing(server.dial("private")))
        assert server.post("dentrix", good(), connection=connection).status == 200
        assert server.api("PUT", "/v1/consumers/c", {"from": "now"}).status == 201
        poll(server, "c", waits)
        first = server.certificate()
        old_key = server.pair[1].read_bytes()
        assert server.authority.issue("server") == server.pair
        reload(server)
        second = server.certificate()
        page = server.ask("GET", "/metrics", face="private").body.decode()
        ends = re.findall(r'^pickupd_certificate_expiry_timestamp_seconds\{face="(\w+)"\} (\S+)$', page, re.M)
        assert [face for face, _ in ends] == ["public", "private"] and all(float(end) > harness.time.time() for _, end in ends)
        assert first != second
        assert server.post("dentrix", good(), connection=connection).status == 200
        assert server.post("dentrix", good()).status == 200
        [answer] = wire.parse_answers(received(waits))
        assert len(answer.json["claims"]) == 1
        server.pair[1].write_bytes(old_key)
        checked = server.cli("check")
        refusal = reload(server, "configuration not reloaded")
        assert "is not the key of the certificate" in refusal["reason"] and refusal["reason"] in checked.err and checked.code == 1
        assert server.certificate() == second
        assert server.post("dentrix", good(), connection=connection).status == 200
        server.pair[1].write_bytes(old_key)
        server.authority.issue("server")
        other = server.authority.issue("other")
        server.settings.update(tls_cert=other[0], tls_key=other[1])  # Another name is read as well ...
        del server.settings["api_tls_cert"], server.settings["api_tls_key"], server.settings["api_tls_client_ca"]
        reload(server, "[server] has changed; that needs a restart")  # ... but clear stays clear, and TLS stays TLS.
        process.wait_until(lambda: server.certificate() == ssl.PEM_cert_to_DER_cert(other[0].read_text()))
        assert server.ask("GET", "/healthz", face="private").status == 200


def with_mode(path, mode):
    """The file, with another mode."""
    path.chmod(mode)
    return path


FAULTS = {
    "the key alone": (lambda s: {"tls_cert": None}, "tls_cert and tls_key belong together"),
    "the certificate alone": (lambda s: {"api_tls_key": None}, "api_tls_cert and api_tls_key belong together"),
    "authorities alone": (lambda s: {"tls_cert": None, "tls_key": None, "tls_client_ca": s.authority.cert}, "tls_client_ca needs tls_cert"),
    "a certificate that is not there": (lambda s: {"tls_cert": "/nowhere.pem"}, "/nowhere.pem: No such file"),
    "a key for a certificate": (lambda s: {"tls_cert": s.pair[1]}, "holds no certificate in PEM"),
    "a certificate for a key": (lambda s: {"tls_key": with_mode(s.pair[0], 0o600)}, "holds no private key in PEM"),
    "another's key": (lambda s: {"tls_key": s.clients[1]}, "is not the key of the certificate"),
    "a key with a password": (lambda s: {"tls_key": locked(s)}, "or one with a password"),
    "a key for everybody": (lambda s: {"api_tls_key": with_mode(s.clients[1], 0o644)}, "client.key"),
    "half a chain": (lambda s: {"tls_cert": cut(s)}, "half.pem: "),
    "no authorities": (lambda s: {"api_tls_client_ca": "/dev/null"}, "holds no certificate in PEM"),
}


def locked(server):
    """The server's key, with a password."""
    path = server.directory / "locked.key"
    tls.openssl("pkey", "-in", server.pair[1], "-aes256", "-passout", "pass:not-real", "-out", path)
    return with_mode(path, 0o600)


def cut(server):
    """The server's certificate, and a second one that is cut short."""
    path = server.directory / "half.pem"
    path.write_text(server.pair[0].read_text() + server.authority.cert.read_text()[:300])
    return path


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A configuration with TLS that nobody serves."""
    return tls.Server(tmp_path_factory.mktemp("stopped"))


@pytest.mark.parametrize("case", FAULTS)
def test_faults(stopped, case):
    """`check` says what is wrong with the files, as `serve` would, and never asks for a password."""
    change, words = FAULTS[case]
    before = dict(stopped.settings)
    stopped.settings.update(change(stopped))
    stopped.settings = {name: value for name, value in stopped.settings.items() if value is not None}
    stopped.write_config()
    checked = stopped.cli("check")
    stopped.settings = before
    assert checked.code == 1 and words in checked.err, checked


def test_check_tells_the_end(stopped):
    """Without a fault it says until when the certificates are valid, and warns of one that ends soon."""
    stopped.write_config()
    checked = stopped.cli("check")
    assert checked.code == 0 and checked.out.count("TLS   ") == 2 and "ends soon" not in checked.out
    cert, _ = stopped.pair
    tls.openssl("x509", "-req", "-in", cert.with_suffix(".csr"), "-CA", stopped.authority.cert, "-CAkey", stopped.authority.key, "-days", "3", "-out", cert)
    assert stopped.cli("check").out.count("ends soon") == 2


class Records:
    """A client whose records can be taken before they are sent."""

    def __init__(self, server):
        self.sock = wire.dial(server.public)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = server.contexts["public"].wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def shake(self):
        """Do the whole handshake."""
        while True:
            try:
                self.ssl.do_handshake()
                self.sock.sendall(self.outgoing.read())
                return self
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                part = self.sock.recv(65536)
                assert part, "the server closed in the middle of the handshake"
                self.incoming.write(part)

    def hello(self):
        """The first bytes of a handshake."""
        with pytest.raises(ssl.SSLWantReadError):
            self.ssl.do_handshake()
        return self.outgoing.read()

    def record(self, data):
        """The record that holds these bytes."""
        self.ssl.write(data)
        return self.outgoing.read()


def test_in_time(tmp_path):
    """Who does not go on with a handshake, or drips it, or drips a record of a request, or says nothing after it, is cut off. Also on a unix socket."""
    server = tls.Server(tmp_path, request_timeout="1s")
    server.settings["api_listen"] = f"unix:{server.directory}/api.sock"
    with server, ExitStack() as crowd:
        def client():
            one = Records(server)
            crowd.enter_context(closing(one.sock))
            return one
        half, shy, silent = client(), client(), client().shake()
        half.sock.sendall(half.hello()[:40])
        assert wire.is_cut_off(shy.sock, shy.hello())
        server.log.wait_for("TLS handshake failed", reason="not done in time")
        def drips_a_record():
            late = client().shake()
            assert wire.is_cut_off(late.sock, late.record(HEALTH * 100))
            return server.log.find("request too slow")  # Or nothing, if we were silent for too long ourselves.
        process.wait_until(drips_a_record)
        assert metrics.Page(server).value("pickupd_connections_cut_off_total", face="public", reason="slow_request")
        for sock in (half.sock, silent.sock):
            assert rest(sock) is not None  # It ends.
        assert server.ask("GET", "/healthz", face="private").status == 200
        assert server.post("dentrix", good()).status == 200


def test_no_room(tmp_path):
    """A request that finds no room is answered in the middle of it, also over TLS."""
    body = 1 << 20
    with tls.Server(tmp_path, body_bytes="4MiB", loops=1) as server, ExitStack() as crowd:
        socks = []
        while server.log.find("no room for a request") is None:
            socks.append(crowd.enter_context(closing(server.dial())))
            try:
                socks[-1].sendall(wire.compose(server.path("dentrix"), [("Content-Length", body)]) + b" " * (body // 2))
            except (ssl.SSLError, ConnectionError):
                pass
            process.wait_until(lambda: process.is_read(socks[-1]))
        [answer] = wire.parse_answers(rest(socks[-1]))
        assert answer.is_unavailable()


def test_stop(tmp_path):
    """A stop ends idle connections and half handshakes at once, and waits for nobody."""
    server = tls.Server(tmp_path).start()
    with closing(server.dial()) as idle, closing(wire.dial(server.public)) as half:
        half.sendall(b"\x16\x03\x01")
        process.wait_until(lambda: process.is_read(half))
        server.process.send_signal(signal.SIGTERM)
        assert rest(half) == b"" and rest(idle) == b""
        assert server.end() == 0
