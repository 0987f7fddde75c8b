"""Stopping: in time, with all that was accepted on disk; and the kinds of listeners it closes."""
import fcntl
import os
import signal
import socket
import time
from contextlib import closing

import pytest

import harness
import ledger
import load
import oracle
import wire

# Does what systemd does: the sockets are descriptors 3 and 4, and the process id is known only now.
ACTIVATE = 'LISTEN_PID=$$ exec "$@" 3<&{hooks} 4<&{api} {hooks}<&- {api}<&-'
HIGH = 20  # Descriptors from here on do not get in the way of 3 and 4.


def good():
    """A body unlike any other."""
    return ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))


def check_posts(server):
    """The server takes a webhook and has it on disk."""
    body = good()
    assert server.post("dentrix", body).refusal == (200, oracle.answer(server.sources["dentrix"], body))
    assert server.event(oracle.event_id("dentrix", body))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_under_load(how):
    """Under load the server stops within 10 s and with exit code 0, and every id answered 200 is on disk."""
    number = os.getpid()  # At an address of its own, where nobody else is given the port that it leaves.
    server = harness.Server(settings={"listen": f"127.77.{number >> 8 & 255}.{number & 255}:0"}).start()
    senders = load.Load(server)
    senders.wait_accepted(200)
    address = server.public
    server.stop(how)
    senders.end()
    assert server.log.find("stopping") and server.log.find("stopped")
    assert senders.accepted.keys() <= {row["id"] for row in server.events()}
    with pytest.raises(ConnectionRefusedError):
        wire.dial(address)


def test_idle_and_slow_clients():
    """Neither an idle connection nor half a request keeps the server from stopping in time."""
    with harness.Server() as server, closing(server.connect()) as idle, wire.dial(server.public) as slow, wire.dial(server.public):
        assert server.post("dentrix", good(), connection=idle).status == 200
        body = good()
        slow.sendall(wire.compose(server.path("dentrix"), [*server.headers("dentrix", body), ("Content-Length", len(body))], body[:10]))
        check_posts(server)
        server.stop()


def test_more_signals():
    """Further signals while stopping change nothing, at whatever moment they come."""
    with harness.Server() as server:
        check_posts(server)
        end = time.monotonic() + harness.STOP_TIMEOUT
        while server.process.poll() is None and time.monotonic() < end:
            server.process.send_signal(signal.SIGTERM)
        server.stop()


def test_relative_database():
    """A database named relative to the working directory has its lock and its control socket there, too."""
    server = harness.Server()
    server.launcher = ["sh", "-c", f'cd {server.directory} && exec "$@"', "sh"]
    server.settings["database"] = server.database.name
    with server:
        check_posts(server)
        assert {path.name for path in server.directory.iterdir()} >= {"pickupd.db", "pickupd.db.lock", "pickupd.db.control"}


def test_unix_sockets():
    """Both listeners can be unix sockets; one that a crash left behind is no obstacle."""
    server = harness.Server()
    server.settings.update(listen=f"unix:{server.directory}/hooks", api_listen=f"unix:{server.directory}/api")
    with server:
        assert (server.public, server.private) == (server.settings["listen"], server.settings["api_listen"])
        check_posts(server)
        assert server.ask("GET", "/readyz", face="private").status == 200
        server.kill()
        server.start()
        check_posts(server)
        server.restart()
        check_posts(server)


def test_address_of_version_6():
    """A listener can be given as an address of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("This machine has no IPv6.")
    with harness.Server(settings={"listen": "[::1]:0"}) as server:
        check_posts(server)


def test_address_in_use():
    """A listener that another program holds is an error at start, and says which."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        result = harness.Server(settings={"listen": address}).cli("serve")
    assert result.code == 1
    assert address in result.err


def test_inherited_sockets_that_are_none():
    """A manager that counts more than it has passed on, or passes on what does not listen, costs nothing: the configured addresses are listened on."""
    server = harness.Server()
    server.launcher = ["bash", "-c", 'LISTEN_PID=$$ exec "$@" 3</dev/null', "activate"]
    server.variables = {"LISTEN_FDS": str(2**63 - 1), "LISTEN_FDNAMES": "hooks:api"}
    with server:
        check_posts(server)
        assert server.ask("GET", "/readyz", face="private").status == 200


def test_inherited_sockets():
    """Sockets inherited as systemd hands them out replace both listeners, and keep those who come while the server is away."""
    server = harness.Server(settings={"listen": "127.0.0.1:1", "api_listen": "127.0.0.1:1"})
    with socket.socket(socket.AF_UNIX) as hooks, socket.create_server(("127.0.0.1", 0)) as api:
        hooks.bind(str(server.directory / "inherited"))
        hooks.listen()
        numbers = [fcntl.fcntl(sock, fcntl.F_DUPFD, HIGH) for sock in (hooks, api)]
        server.launcher = ["bash", "-c", ACTIVATE.format(hooks=numbers[0], api=numbers[1]), "activate"]
        server.descriptors = numbers
        server.variables = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "hooks:api"}
        public, private = f"unix:{server.directory}/inherited", "127.0.0.1:%d" % api.getsockname()[1]
        with server:
            assert (server.public, server.private) == (public, private)
            check_posts(server)
            assert server.ask("GET", "/readyz", face="private").status == 200
            server.stop()
            body = good()
            with closing(server.connect()) as early:
                early.request("POST", server.path("dentrix"), body, dict(server.headers("dentrix", body)))
                server.start()
                assert early.getresponse().status == 200
            assert server.event(oracle.event_id("dentrix", body))
