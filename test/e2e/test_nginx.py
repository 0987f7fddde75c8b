"""Debian's nginx in front, with the shipped configuration but for its paths, addresses and user."""
import http.client
import os
import pwd
import re
import socket
import ssl
import subprocess
from contextlib import closing

import pytest

import harness
import ledger
import oracle
import process
import shapes
import wire

NGINX = "/usr/sbin/nginx"
CONFIG = harness.ROOT / "contrib/nginx.conf"
pytestmark = pytest.mark.skipif(not os.access(NGINX, os.X_OK), reason=f"{NGINX} is not installed")


def make_certificate(directory):
    """Make a key and a self-signed certificate for localhost."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", directory / "privkey.pem", "-out", directory / "fullchain.pem"], check=True, capture_output=True)


def adapt(text, directory, port, upstream):
    """Replace what the configuration itself says to replace, and nothing else."""
    for old, new in (("user www-data;", f"user {pwd.getpwuid(os.getuid()).pw_name};"), ("/run/nginx.pid", f"{directory}/nginx.pid"),
                     ("/var/log/nginx/", f"{directory}/"), ("/etc/ssl/pickupd/", f"{directory}/"), ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
                     ("listen [::]:443 ssl;", ""), ("unix:/run/pickupd/hooks.sock", upstream), ("hooks.example.org", "localhost")):
        assert old in text, old
        text = text.replace(old, new)
    return text


class Nginx:
    """nginx before a server. Its socket is opened here and inherited, as in nginx's own change of binaries: so the port is free
    for certain, and who connects before nginx is up is kept waiting by the kernel."""

    def __init__(self, server):
        self.directory = server.directory / "nginx"
        self.directory.mkdir()
        make_certificate(self.directory)
        self.trust = ssl.create_default_context(cafile=str(self.directory / "fullchain.pem"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            config = self.directory / "nginx.conf"
            config.write_text(adapt(CONFIG.read_text(), self.directory, self.port, server.public))
            descriptor = listener.fileno()
            self.process = subprocess.Popen([NGINX, "-p", self.directory, "-c", config, "-g", "daemon off;"], pass_fds=[descriptor],
                                            env={"NGINX": f"{descriptor};"}, stderr=subprocess.PIPE)

    def stop(self):
        """End nginx, and put its logs into the log of the suite."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=wire.TIMEOUT)
        for text in (errors.decode(), *(log.read_text() for log in self.directory.glob("*.log"))):
            ledger.write(text)

    def ask(self, method, path, body=None, headers=()):
        """Send one request over TLS and read its answer."""
        with closing(http.client.HTTPSConnection("127.0.0.1", self.port, timeout=wire.TIMEOUT, context=self.trust)) as connection:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return wire.Answer(response.status, response.headers, response.read())

    def raw(self, data):
        """Send raw bytes over TLS and return the answers until nginx closes."""
        return wire.parse_answers(self.bytes(data))

    def bytes(self, data):
        """The same, as they came."""
        received = b""
        with wire.dial(f"127.0.0.1:{self.port}") as plain, self.trust.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(data)
            while chunk := sock.recv(65536):
                received += chunk
        return received


@pytest.fixture(scope="module", params=["unix", "tcp"])
def front(request):
    """A server on either kind of socket, and nginx before it."""
    server = harness.Server()
    if request.param == "unix":
        server.settings["listen"] = f"unix:{server.directory}/hooks.sock"
    with server:
        nginx = Nginx(server)
        try:
            yield server, nginx
        finally:
            nginx.stop()


@pytest.mark.parametrize("name, path", [row for row in harness.fixtures("good") if row[1].stem in ("normal", "unicode")], ids=harness.fixture_name)
def test_fixture(front, name, path):
    """A signed fixture goes in through TLS and is an event on disk."""
    server, nginx = front
    body = ledger.encode(path.read_bytes())
    answer = nginx.ask("POST", server.path(name), body, server.headers(name, body))
    assert answer.refusal == (200, oracle.answer(server.sources[name], body))
    assert server.event(oracle.event_id(name, body))


def test_keep_alive(front):
    """nginx keeps its connections to the server open, and many webhooks pass through them, the good and the bad."""
    server, nginx = front
    for _ in range(20):
        body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        assert nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body)).status == 200
        assert nginx.ask("POST", server.path("dentrix"), body, [("Content-Type", "application/json")]).refusal == (401, {"error": "Invalid signature"})
        assert nginx.ask("POST", server.path("dentrix"), b"{}", server.headers("dentrix", b"{}")).json["errors"]


def test_size(front):
    """A body of the limit passes, and a larger one is stopped with an answer in JSON."""
    server, nginx = front
    body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh())).ljust(1 << 20)
    assert nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body)).status == 200
    body += b" "
    assert nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body)).refusal == (413, {"error": "Body too large"})
    assert server.event(oracle.event_id("dentrix", body)) is None


def test_nothing_is_smuggled_behind_a_head(front):
    """The body of a stranger's HEAD never swallows the webhook that takes the same connection next."""
    server, nginx = front
    inner = b"GET /webhooks/health HTTP/1.1\r\nX-Swallow: "
    for _ in range(10):
        nginx.ask("HEAD", server.path("dentrix"), inner)
        body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        answer = nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body))
        assert answer.refusal == (200, oracle.answer(server.sources["dentrix"], body))
        assert server.event(oracle.event_id("dentrix", body))


@pytest.mark.parametrize("path", ["/", "/webhooks/health", "/healthz", "/readyz", "/metrics", "/v1/events", "/webhooks/ehr", "/.pickupd/bad-request"])
def test_other_paths(front, path):
    """Nothing but webhooks is passed on."""
    assert front[1].ask("GET", path).refusal == (404, {"error": "Not found"})


@pytest.mark.parametrize("path", ["/webhooks/ehr/nobody", "/webhooks/ehr/", "/webhooks/ehr/../health", "/webhooks/ehr/x/../dentrix",
                                  "/webhooks/ehr/%64entrix", "/webhooks/ehr//dentrix"])
def test_odd_sources(front, path):
    """Only the plain path of a source leads to it."""
    answer = front[1].ask("POST", path, b"{}")
    assert answer.status == 404 and answer.json["error"] in ("Unknown EHR system", "Not found")


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "BREW"])
def test_methods(front, method):
    """A wrong method is refused in JSON, be it one that the HTTP library does not know."""
    answer = front[1].ask(method, "/webhooks/ehr/dentrix")
    assert (answer.refusal, answer.headers["Allow"]) == ((405, {"error": "Method not allowed"}), "POST")


OLD = {"no version", "HTTP/0.9"}  # HTTP/0.9, whose answers have no head.
OTHERWISE = {"unknown method": [405], "17 KiB of path": [414]}
MADE_PLAIN = {"whole URL", "HTTP/1.2", "header without a colon", "chunk extension", "other expectation", "bare LF", "chunk before a space",
              "chunk ending in LF"}
PASSED_ON = {"control character in a value", "DEL in a value"}  # Refused by us; nginx keeps its sender's connection.
ODD = {name: shape for table in (shapes.REFUSED, shapes.REFUSED_BY_EITHER, shapes.REFUSED_BY_THE_LIBRARY, shapes.TAKEN, shapes.MISREAD)
       for name, shape in table.items()}


@pytest.mark.parametrize("shape", ODD)
def test_shape(front, shape):
    """nginx refuses in JSON what is odd, or makes it plain: nothing has two meanings behind it, and nothing is smuggled past it."""
    server, nginx = front
    body, behind = shapes.good(), shapes.good()
    received = nginx.bytes(ODD[shape](server, body) + shapes.request(server, behind, shapes.length(behind), shapes.CLOSE))
    if shape in OLD:
        assert received in (b'{"error":"Bad request"}', b'{"error":"Not found"}')
    else:
        answers = wire.parse_answers(received)
        expected = [200, 200] if shape in MADE_PLAIN else [400, 200] if shape in PASSED_ON else OTHERWISE.get(shape, [400])
        assert [answer.status for answer in answers] == expected
        assert all(answer.json for answer in answers)
    assert [server.event(oracle.event_id("dentrix", each)) is not None for each in (body, behind)] == \
        [shape in MADE_PLAIN, shape in MADE_PLAIN | PASSED_ON]


@pytest.mark.parametrize("shape", shapes.PLAIN)
def test_plain_shape(front, shape):
    """What is plain is taken through nginx, too."""
    server, nginx = front
    body = shapes.good()
    data = shapes.PLAIN[shape](server, body) + shapes.request(server, body, shapes.length(body), shapes.CLOSE)
    assert [answer.status for answer in nginx.raw(data)] == [200, 200]


def test_long_header(front):
    """A line of the head is at most 4 KiB long."""
    server, nginx = front
    body = shapes.good()
    assert [answer.refusal for answer in nginx.raw(shapes.request(server, body, shapes.length(body), ("X-Long", "x" * 9000)))] == \
        [(400, {"error": "Bad request"})]


def test_server_down():
    """While the server is away the sender is told in JSON to come again."""
    with harness.Server() as server:
        nginx = Nginx(server)
        try:
            body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
            assert nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body)).status == 200
            server.stop()
            assert nginx.ask("POST", server.path("dentrix"), body, server.headers("dentrix", body)).is_unavailable()
        finally:
            nginx.stop()


def test_access_log(front):
    """The access log has no arguments, for they may be private."""
    server, nginx = front
    logs = list(nginx.directory.glob("*.log"))
    before = sum(map(lines, logs))
    nginx.ask("POST", "/webhooks/ehr/dentrix?patient=Quentin-Queryfiction", b"{}")
    ledger.WORDS.add("Quentin-Queryfiction")
    nginx.ask("GET", "/elsewhere?patient=Quentin-Queryfiction")
    process.wait_until(lambda: sum(map(lines, logs)) >= before + 2)  # They are written after the answers.
    text = "".join(log.read_text() for log in logs)
    assert '"path":"/webhooks/ehr/dentrix"' in text and "Queryfiction" not in text


def lines(log):
    """How many there are."""
    return log.read_bytes().count(b"\n")


@pytest.mark.parametrize("trusted, listen", [("unix", "unix:{}/hooks.sock"), ("127.0.0.1", "127.0.0.1:0")])
def test_client_address(trusted, listen):
    """Behind nginx, `allow_from` counts the address that nginx saw, and nothing that the client claims."""
    names = {"dentrix": "127.0.0.1", "opendental": "192.0.2.7"}
    server = harness.Server([oracle.source(name, allow_from=allow_from) for name, allow_from in names.items()], {"trusted_proxies": trusted})
    server.settings["listen"] = listen.format(server.directory)
    claims = [[], [("X-Forwarded-For", "192.0.2.7")], [("Forwarded", "for=192.0.2.7")], [("X-Real-IP", "192.0.2.7")]]
    with server:
        nginx = Nginx(server)
        try:
            for claim in claims:
                for name, status in zip(names, (200, 401)):
                    body = ledger.encode(oracle.payload(oracle.VENDORS[name], id=harness.fresh()))
                    assert nginx.ask("POST", server.path(name), body, [*server.headers(name, body), *claim]).status == status
        finally:
            nginx.stop()
