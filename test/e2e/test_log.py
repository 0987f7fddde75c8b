"""The log: a request is found again by its id, strangers can't fill it, and it is as loud as asked for."""
import json
import re
import signal

import harness
import ledger
import oracle
import wire

ID = "X-Request-Id"


def post(server, payload, request_id, wrong=False):
    """Post a webhook that bears an id."""
    body = ledger.encode(payload)
    header = server.signature("dentrix", body, harness.WRONG_SECRET if wrong else None)
    return server.ask("POST", server.path("dentrix"), body, [("Content-Type", "application/json"), header, (ID, request_id)])


def records(server):
    """Every line of the log so far."""
    return [json.loads(line) for line in server.log.lines]


def test_a_request_is_found_by_its_id():
    """An id leads from the answer to every line of the request's way and to its event; an odd one is replaced."""
    with harness.Server(settings={"log_level": "debug"}) as server:
        good = post(server, oracle.payload(oracle.DENTRIX, id=harness.fresh()), "good-1")
        assert (good.status, good.headers[ID]) == (200, "good-1")
        answered = server.log.wait_for("answered", request="good-1", status=200, operation="webhook", source="dentrix")
        assert answered["event"] == good.json["eventId"] and answered["level"] == "debug"
        assert post(server, oracle.payload(oracle.DENTRIX, id=harness.fresh()), "forged-1", wrong=True).headers[ID] == "forged-1"
        assert server.log.wait_for("signature refused", request="forged-1")["level"] == "warn"
        assert server.log.wait_for("answered", request="forged-1", status=401)
        assert post(server, {"unmappable": True}, "unmapped-1").status == 400
        assert server.log.wait_for("webhook can't be mapped", request="unmapped-1")
        assert server.ask("POST", "/webhooks/ehr/nobody", b"", [(ID, "lost-1")]).status == 404
        assert server.log.wait_for("request refused", request="lost-1")["level"] == "info"
        for odd in ("x" * 65, "a b", 'a"b', "a\x7fb"):
            made = server.ask("GET", "/webhooks/health", headers=[(ID, odd)]).headers[ID]
            assert re.fullmatch("[0-9a-f]{16}", made) and made != odd
        malformed = server.raw(wire.compose("/webhooks/health", [("Content-Length", "+0"), (ID, "odd-1")], method="GET"))
        assert [(answer.status, answer.headers[ID]) for answer in malformed] == [(400, "odd-1")]
        problem = server.api("GET", "/v1/events", token="x" * 32, headers=[(ID, "api-1")])
        assert problem.status == 401 and problem.headers[ID] == problem.problem["requestId"] == "api-1"
        assert server.log.wait_for("request refused", request="api-1", operation="events")["level"] == "warn"
        assert server.api("GET", "/v1/events", headers=[(ID, "api-2")]).headers[ID] == "api-2"
        assert server.log.wait_for("answered", request="api-2", operation="events", status=200)


def test_what_is_held_back_is_told():
    """A flood writes few lines, all of it is counted although nothing follows, and other refusals are not hidden by it."""
    with harness.Server() as server:
        connection, count = server.connect(), 0
        while not server.log.find("lines were held back"):  # A flood whose last second has few of it has told of the others already.
            assert count < 60 * wire.TIMEOUT, "no flood was fast enough"
            for _ in range(60):
                assert connection.ask("GET", "/nowhere", headers=[(ID, f"flood-{count}")]).status == 404
                count += 1
            assert connection.ask("GET", server.path("dentrix"), headers=[(ID, f"other-{count}")]).status == 405
            with server.log.changed:
                server.log.changed.wait_for(lambda: server.log.find("lines were held back"), 3)
        connection.close()
        server.log.wait_for("request refused", request=f"other-{count}")
        assert server.log.find("lines were held back")["of"] == "request refused"
        server.stop()
        lines = [line for line in records(server) if line.get("reason") == "Not found" or line.get("of") == "request refused"]
        written = [line for line in lines if line["msg"] == "request refused"]
        assert len(written) + sum(line["held"] for line in lines) == count and len(written) < count
        server.start()


def test_level_and_format_are_reloaded():
    """Both come from the configuration and change on SIGHUP; a wrong word is a mistake."""
    with harness.Server() as server:
        assert server.ask("GET", "/webhooks/health", headers=[(ID, "before-1")]).status == 200
        server.settings["log_level"] = "debug"
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        server.log.wait_for("configuration reloaded")
        server.ask("GET", "/webhooks/health", headers=[(ID, "after-1")])
        server.log.wait_for("answered", request="after-1")
        assert not server.log.find("answered", request="before-1")
        assert not server.log.find("[server] has changed; that needs a restart")
        server.settings["log_level"] = "loud"
        server.write_config()
        assert "debug, info, warn or error" in server.cli("check").err
        server.settings.update(log_level="info", log_format="text")
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        server.log.wait_for_text(" info  configuration reloaded enabled=3")
        assert server.ask("GET", "/webhooks/ehr/nobody", headers=[(ID, "text-1")]).status == 404
        server.log.wait_for_text(' info  request refused request=text-1 status=404 reason="Unknown EHR system" operation=webhook')


def test_options_of_serve(server):
    """They go before what the configuration says, and what is no level or format is a mistake of usage."""
    done = server.cli("serve", "--log-format", "text", "--log-level", "info")
    assert done.code == 1 and " info  source enabled source=dentrix secrets=1\n" in done.err
    for option, value in (("--log-level", "loud"), ("--log-format", "xml")):
        done = server.cli("serve", option, value)
        assert done.code == 2 and option in done.err
