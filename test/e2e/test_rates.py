"""Rate limits on the real binary: 429 with a true Retry-After, for a source and for a client address, and an operator who ends them."""
import json
import signal
import time
from contextlib import closing

import pytest

import harness
import ledger
import oracle

LIMITED = {"error": "Too many requests"}


def serve(settings=None, **keys):
    """A server whose source dentrix has these keys, and whose source eaglesoft has none."""
    server = harness.Server([oracle.source("dentrix"), oracle.source("eaglesoft")], settings)
    lines = server.config.read_text().splitlines()
    at = lines.index("[source dentrix]") + 1
    text = "\n".join(lines[:at] + [f"{key} = {value}" for key, value in keys.items()] + lines[at:]) + "\n"
    server.write_config = lambda: server.config.write_text(text)
    return server


def good(name="dentrix"):
    """A good webhook unlike any other."""
    return ledger.encode(oracle.payload(oracle.VENDORS[name], id=harness.fresh()))


def send(server, name="dentrix", headers=None, connection=None):
    """Send a webhook and return the answer."""
    return server.post(name, good(name), headers, connection)


def until_limited(server, name="dentrix", connection=None):
    """Send until it is refused; how many were not, and the refusal."""
    for count in range(100):
        answer = send(server, name, connection=connection)
        if answer.status == 429:
            return count, answer
    raise AssertionError("never limited")


def quickly(server, scenario):
    """Play something anew until no second has gone by meanwhile, which lets one more through; return what came of it."""
    for _ in range(100):
        assert server.cli("limits", "clear").code == 0
        start = time.monotonic()
        came = scenario()
        if time.monotonic() - start < 1:
            return came
    raise AssertionError("never quick enough")


def test_a_source_is_limited():
    """A burst goes through and is stored, what comes behind it is refused and not stored; other sources go on."""
    with serve(rate=1, burst=5) as server:
        count, answer = until_limited(server)
        assert count >= 5 and answer.json == LIMITED and answer.headers["Retry-After"] == "1"
        assert len(server.events()) == count
        assert send(server, "eaglesoft").status == 200
        assert server.counted("dentrix")["limited"] == 1


def test_retry_after_is_true():
    """Who waits as long as the answer says is let through."""
    with serve(rate=1, burst=1) as server:
        _, answer = until_limited(server)
        start = time.monotonic()  # By a clock of which no part of a millisecond is cut off.
        while time.monotonic() - start < int(answer.headers["Retry-After"]):
            pass
        assert send(server).status == 200


def test_forged_traffic_uses_up_nothing_of_a_source():
    """Any number of forged webhooks leaves the source's own allowance as it was."""
    with serve(rate=1, burst=3) as server:
        with closing(server.connect()) as connection:
            forged = [server.ask("POST", server.path("dentrix"), good(), [("X-Dentrix-Signature", "0" * 64)]).status for _ in range(20)]
            assert set(forged) == {401}
            assert [send(server, connection=connection).status for _ in range(3)] == [200] * 3


def test_duplicates_and_faults_count():
    """Whatever is authentic uses up the allowance."""
    with serve(rate=1, burst=3) as server:

        def statuses():
            body, last = good(), b"[%d]" % harness.now()
            return [server.post("dentrix", payload).status for payload in (body, body, b"{}", last)], server.quarantined(oracle.event_id("dentrix", last))

        assert quickly(server, statuses) == ([200, 200, 400, 429], None)


def test_an_address_is_limited():
    """An address is limited before anything is looked at; behind a trusted proxy each client by itself."""
    with serve({"address_rate": 1, "address_burst": 4, "trusted_proxies": "127.0.0.1", "max_body": "1KiB"}) as server:

        def statuses(*clients):
            return [server.ask("POST", server.path("dentrix"), b"x" * 1025, [("X-Forwarded-For", client)]).status for client in clients]

        assert quickly(server, lambda: statuses(*["192.0.2.1"] * 5, "192.0.2.2")) == [413] * 4 + [429, 413]
        network = ["2001:db8:0:1::1"] * 5 + ["2001:db8:0:1:2::9"]
        assert quickly(server, lambda: statuses(*network, "2001:db8:0:2::1")) == [413] * 4 + [429, 429, 413]
        assert server.ask("GET", "/webhooks/health").status == 200


def test_a_unix_socket_has_no_address():
    """Behind a unix socket without trusted proxies nobody is held back by his address."""
    settings = {"address_rate": 1, "address_burst": 1}
    server = serve(settings)
    server.settings["listen"] = f"unix:{server.directory}/hooks"
    text = server.config.read_text().replace("listen = 127.0.0.1:0", f"listen = unix:{server.directory}/hooks", 1)
    server.write_config = lambda: server.config.write_text(text)
    with server:
        assert [send(server).status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("settings, keys", [({}, {"rate": 1, "burst": 3}), ({"address_rate": 1, "address_burst": 3}, {})], ids=["source", "address"])
def test_the_operator_lets_go(settings, keys):
    """After `limits clear` whoever was held back may go on."""
    with serve(settings, **keys) as server:
        until_limited(server)
        result = server.cli("limits", "clear")
        assert (result.code, result.out, result.err) == (0, "", "")
        assert [send(server).status for _ in range(3)] == [200] * 3
        server.log.wait_for("limits cleared")


def test_a_reload_forgets_nothing():
    """A new configuration goes on with what was used up."""
    with serve(rate=1, burst=3) as server:
        start = time.monotonic()
        until_limited(server)
        server.process.send_signal(signal.SIGHUP)
        server.log.wait_for("configuration reloaded")
        answer = send(server)
        assert answer.status == 429 or len(server.events()) <= 3 + time.monotonic() - start  # One more for each second that has gone by.


def test_without_a_server():
    """There is nothing to clear, and it is said."""
    server = serve()
    result = server.cli("limits", "clear")
    assert result.code == 1 and "no server is running" in result.err
    assert server.cli("limits").code == 2 and server.cli("limits", "drop").code == 2


@pytest.mark.parametrize("key, value", [("rate", "-1"), ("rate", "1000001"), ("burst", "many")])
def test_a_mistake(key, value):
    """A rate that is none is named."""
    server = serve(**{key: value})
    server.write_config()
    result = server.cli("check")
    assert result.code == 1 and f": {key} must be a number, 0 to 1000000" in result.err


def test_the_answer_has_its_form():
    """Like every answer it is JSON, and the connection goes on."""
    with serve(rate=1, burst=1) as server:
        with closing(server.connect()) as connection:
            _, answer = until_limited(server, connection=connection)
            assert (answer.status, json.loads(answer.body), answer.headers["Content-Type"]) == (429, LIMITED, "application/json")
            assert connection.ask("GET", "/webhooks/health").status == 200
