"""Who may send: `allow_from` and `trusted_proxies` on the real binary, with clients on several addresses of this machine."""
import json
import signal
import socket
from contextlib import closing

import pytest

import harness
import ledger
import oracle
import wire

ANY = [("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.7"), ("X-Real-IP", "192.0.2.7")]
REFUSED = (401, {"error": "Invalid signature"})


class From(wire.Connection):
    """A connection that comes from a certain address; all of 127.0.0.0/8 is this machine."""

    def __init__(self, address, origin):
        super().__init__(address)
        self.origin = origin

    def connect(self):
        """Open the socket at that address."""
        host, _, port = self.address.rpartition(":")
        self.sock = socket.create_connection((host.strip("[]"), int(port)), wire.TIMEOUT, (self.origin, 0))


def serve(allow_from, trusted_proxies=None, listen="127.0.0.1:0"):
    """A server whose source dentrix is for certain clients, and whose source eaglesoft is for any."""
    settings = {"listen": listen, **({"trusted_proxies": trusted_proxies} if trusted_proxies else {})}
    return harness.Server([oracle.source("dentrix", allow_from=allow_from), oracle.source("eaglesoft")], settings)


def send(server, headers=(), origin=None, name="dentrix"):
    """Send a good webhook from an address and return the status; every refusal must look like that of a bad signature, and store nothing."""
    body = ledger.encode(oracle.payload(oracle.VENDORS[name], id=harness.fresh()))
    connection = From(server.public, origin) if origin else server.connect()
    with closing(connection):
        answer = connection.ask("POST", server.path(name), body, [*server.headers(name, body), *headers])
    event_id = oracle.event_id(name, body)
    if answer.status == 200:
        assert server.event(event_id)
    else:
        assert answer.refusal == REFUSED
        assert not server.event(event_id) and not server.quarantined(event_id)
    return answer.status


@pytest.mark.parametrize("allow_from, origin, status", [
    ("127.0.0.2", "127.0.0.2", 200), ("127.0.0.2", "127.0.0.3", 401), ("127.0.0.2", "127.0.0.1", 401), ("127.0.0.0/30", "127.0.0.3", 200),
    ("127.0.0.0/30", "127.0.0.4", 401), ("192.0.2.0/24, 127.0.0.4,unix", "127.0.0.4", 200), ("::/0", "127.0.0.1", 401), ("unix", "127.0.0.1", 401)])
def test_peer(allow_from, origin, status):
    """A client that is connected itself counts by its own address, whatever it claims."""
    with serve(allow_from) as server:
        assert send(server, origin=origin) == status
        assert send(server, ANY, origin) == status
        assert send(server, origin=origin, name="eaglesoft") == 200


@pytest.fixture
def version_6():
    """IPv6, on a machine that has it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("This machine has no IPv6.")


@pytest.mark.usefixtures("version_6")
@pytest.mark.parametrize("allow_from, origin, status", [("::1", "::1", 200), ("::2", "::1", 401), ("0.0.0.0/0", "::1", 401), ("::/0", "::1", 200)])
def test_peer_by_ipv6(allow_from, origin, status):
    """The same by IPv6."""
    with serve(allow_from, listen="[::1]:0") as server:
        assert send(server, origin=origin) == status


@pytest.mark.usefixtures("version_6")
@pytest.mark.parametrize("allow_from, status", [("127.0.0.2", 200), ("::ffff:127.0.0.2", 200), ("::/0", 401), ("127.0.0.3", 401)])
def test_ipv4_on_a_listener_of_both(allow_from, status):
    """An IPv4 client is the same on a listener that takes both kinds."""
    with serve(allow_from, listen="[::]:0") as server:
        server.public = server.public.replace("[::]", "127.0.0.1")
        assert send(server, origin="127.0.0.2") == status


def test_unix_socket(tmp_path):
    """Who comes through the unix socket is `unix`, and nothing else."""
    for allow_from, status in (("unix", 200), ("127.0.0.0/8, ::/0, 0.0.0.0/0", 401)):
        with serve(allow_from, listen=f"unix:{tmp_path}/hooks.sock") as server:
            assert send(server) == status
            assert send(server, ANY) == status
            assert send(server, name="eaglesoft") == 200


def forwarded_for(*values):
    """One header line for each value."""
    return [("X-Forwarded-For", value) for value in values]


def forwarded(*values):
    """The same of the header that RFC 7239 describes."""
    return [("Forwarded", value) for value in values]


BEHIND_A_PROXY = {  # The one client that is allowed is 192.0.2.7; 127.0.0.1 and 10.0.0.0/8 are proxies.
    "the client": (forwarded_for("192.0.2.7"), 200),
    "another client": (forwarded_for("192.0.2.8"), 401),
    "a lie before the client": (forwarded_for("192.0.2.7, 192.0.2.8"), 401),
    "a lie in a line before": (forwarded_for("192.0.2.7", "192.0.2.8"), 401),
    "a lie in the other header": (forwarded_for("192.0.2.8") + forwarded("for=192.0.2.7"), 401),
    "rubbish before the client": (forwarded_for("junk, 192.0.2.7"), 200),
    "another proxy": (forwarded_for("192.0.2.8, 192.0.2.7, 10.0.0.1"), 200),
    "another proxy in a line": (forwarded_for("192.0.2.8, 192.0.2.7", "10.0.0.1, 10.0.0.2"), 200),
    "a lie of being a proxy": (forwarded_for("192.0.2.7, 10.0.0.1, 192.0.2.8"), 401),
    "nothing but proxies": (forwarded_for("10.0.0.1, 10.0.0.2"), 401),
    "no header": ([], 401),
    "an empty header": (forwarded_for(""), 401),
    "rubbish": (forwarded_for("junk"), 401),
    "rubbish behind the client": (forwarded_for("192.0.2.7, junk"), 401),
    "rubbish before a proxy": (forwarded_for("192.0.2.7, junk, 10.0.0.1"), 401),
    "a name": (forwarded_for("sender.example"), 401),
    "a word": (forwarded_for("unix"), 401),
    "with a port": (forwarded_for("192.0.2.7:50000"), 200),
    "mapped": (forwarded_for("::ffff:192.0.2.7"), 200),
    "Forwarded": (forwarded("for=192.0.2.7"), 200),
    "Forwarded, of another": (forwarded("for=192.0.2.7, for=192.0.2.8"), 401),
    "Forwarded, in full": (forwarded('for=192.0.2.8, For="192.0.2.7:50000";proto=https;host="x.example";by=_us, for=10.0.0.1'), 200),
    "Forwarded, hidden": (forwarded("for=192.0.2.7, for=_hidden"), 401),
    "Forwarded, unknown": (forwarded("for=192.0.2.7, for=unknown, for=10.0.0.1"), 401),
    "Forwarded, open quote": (forwarded('for=192.0.2.7;x="', "for=192.0.2.8"), 401),
}


@pytest.fixture(scope="module")
def behind():
    """A server behind a trusted proxy."""
    with serve("192.0.2.7", "127.0.0.1, 10.0.0.0/8") as server:
        yield server


@pytest.mark.parametrize("case", BEHIND_A_PROXY)
def test_trusted_proxy(behind, case):
    """Behind a trusted proxy the client is the last one that no trusted proxy speaks for."""
    headers, status = BEHIND_A_PROXY[case]
    assert send(behind, headers) == status
    assert send(behind, headers, "127.0.0.2") == 401  # Who is no trusted proxy can claim what it likes.
    assert send(behind, headers, name="eaglesoft") == 200


def test_one_connection_many_clients(behind):
    """On a connection that a proxy keeps open, each request has the client that its own header names."""
    with closing(behind.connect()) as connection:
        for client, status in [("192.0.2.7", 200), ("192.0.2.8", 401)] * 5:
            body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
            headers = behind.headers("dentrix", body) + forwarded_for(client)
            assert connection.ask("POST", behind.path("dentrix"), body, headers).status == status


def test_proxy_by_ipv6():
    """Forwarded brings an IPv6 client in quotes and brackets, X-Forwarded-For plainly."""
    with serve("2001:db8::/32", "127.0.0.1") as server:
        assert send(server, forwarded('for="[2001:db8:cafe::17]:4711"')) == 200
        assert send(server, forwarded('for="[2001:db9::17]:4711"')) == 401
        assert send(server, forwarded_for("2001:db8:cafe::17")) == 200


def test_proxy_through_a_unix_socket(tmp_path):
    """A proxy that comes through the unix socket is trusted as `unix`."""
    with serve("192.0.2.7", "unix", f"unix:{tmp_path}/hooks.sock") as server:
        assert send(server, forwarded_for("192.0.2.7")) == 200
        assert send(server, forwarded_for("192.0.2.7, 192.0.2.8")) == 401
        assert send(server) == 401


def test_order_of_checks(behind):
    """Whoever is not allowed is told no more than with a bad signature: what comes before it, comes before it for all."""
    good, bad = forwarded_for("192.0.2.7"), forwarded_for("192.0.2.8")
    path, signed = behind.path("dentrix"), behind.headers("dentrix", b"{}")
    for headers in (good, bad):
        assert behind.ask("POST", path, b"{}", headers).refusal == REFUSED
        assert behind.ask("POST", path, b"x" * ((1 << 20) + 1), headers).status == 413
        assert behind.ask("POST", path, b"{}", [("Content-Type", "text/plain"), *headers]).status == 415
        assert behind.ask("GET", path, headers=headers).status == 405
    assert behind.ask("POST", path, b"{}", signed + good).status == 400
    assert behind.ask("POST", path, b"{}", signed + bad).refusal == REFUSED
    assert behind.ask("POST", "/webhooks/ehr/nobody", b"{}", bad).status == 404


def test_health_is_for_all(behind):
    """Whoever may not send may still ask how the server is, on either face."""
    assert behind.ask("GET", "/webhooks/health", headers=forwarded_for("192.0.2.8")).status == 200
    assert behind.ask("GET", "/healthz", face="private").status == 200
    assert behind.ask("GET", "/readyz", headers=forwarded_for("192.0.2.8"), face="private").status == 200


def test_log():
    """The log names the source and nothing of the client, at most ten times a second."""
    with serve("192.0.2.7", "127.0.0.1") as server:
        for _ in range(50):
            send(server, forwarded_for("192.0.2.7, 198.51.100.99"))
        server.stop()
        lines = [json.loads(line) for line in server.log.lines if '"msg":"client not allowed"' in line]
    assert lines and all(set(line) == {"time", "level", "msg", "held", "source", "request"} and line["source"] == "dentrix" for line in lines)
    assert not any("signature refused" in line or "198.51" in line for line in server.log.lines)
    assert len(lines) <= 10 * len({line["time"][:19] for line in lines} | {0})  # The log's second may begin within the clock's.


def test_reload():
    """A changed `allow_from` counts from SIGHUP on; a changed `trusted_proxies` asks for a restart."""
    with serve("127.0.0.1") as server:
        assert send(server) == 200
        server.sources["dentrix"] = oracle.source("dentrix", allow_from="127.0.0.2")
        server.settings["trusted_proxies"] = "127.0.0.1"
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        server.log.wait_for("[server] has changed; that needs a restart")
        server.log.wait_for("configuration reloaded")
        assert send(server) == 401
        assert send(server, forwarded_for("127.0.0.2")) == 401
        assert send(server, origin="127.0.0.2") == 200
        server.restart()
        assert send(server, forwarded_for("127.0.0.2")) == 200


FAULTS = {
    "host bits": "10.0.0.1/8", "prefix too long": "10.0.0.0/33", "prefix of IPv6 too long": "::/129", "a name": "sender.example",
    "a port": "127.0.0.1:80", "a comma too many": "127.0.0.1,", "blanks for commas": "127.0.0.1 127.0.0.2", "a path": "unix:/run/x",
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults(case):
    """What is no list of networks is a fault of the config, with its line, for `check` and `serve`."""
    for server, key in ((serve(FAULTS[case]), "allow_from"), (serve(None, FAULTS[case]), "trusted_proxies")):
        line = server.config.read_text().splitlines().index(f"{key} = {FAULTS[case]}") + 1
        for command in ("check", "serve"):
            result = server.cli(command)
            assert result.code == 1 and result.err.startswith(f"{server.config}:{line}: {key} must be "), result.err


UNSIGNED = {"static": {"kind": "static", "signature": {"header": "X-Token", "encoding": "text"}},
            "basic": {"kind": "basic", "signature": {"header": "Authorization", "prefix": "Basic ", "encoding": "base64"}}}


@pytest.mark.parametrize("kind", UNSIGNED)
def test_check_warns(kind):
    """`check` warns of a source that signs nothing and is open to all, and of no other; it still exits 0."""
    server = harness.Server([oracle.source("dentrix")])
    definition = json.loads((harness.ROOT / "src/model/vendors/dentrix.json").read_text())
    definition.update(vendor="unsigned", scheme=UNSIGNED[kind])
    (server.directory / "unsigned.json").write_text(json.dumps(definition))
    server.settings["vendor_dir"] = server.directory
    keys = {"open": "", "closed": "allow_from = 192.0.2.7\n", "off": "enabled = no\n"}
    server.variables = {name.upper(): f"user:{name}-test-secret-not-real" for name in keys}
    ledger.SECRETS.update(server.variables.values())
    server.more = "".join(f"[source {name}]\nvendor = unsigned\nid_prefix = {name}\nsecret_env = {name.upper()}\n{more}"
                          for name, more in keys.items())
    server.write_config()
    result = server.cli("check")
    assert result.code == 0, result.err
    assert [line for line in result.out.splitlines() if line.startswith("warning")] == \
        ["warning: open authenticates no byte of the body; set allow_from"]
