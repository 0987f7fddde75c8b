"""Run last: what all the other tests made the servers and commands say holds nothing private."""
import signal

import harness
import ledger
import wire


def headers_of_a_patient(words):
    """Private words where a log might take them from: headers, one of which it does take an id from."""
    return [(name, f"{words} and more") for name in ("X-Request-Id", "X-Forwarded-For", "User-Agent", "Idempotency-Key", "Authorization", "Cookie")]


def post_everything(server):
    """Post every fixture rightly and wrongly signed, so that this test means something by itself."""
    for name, path in harness.fixtures("good") + harness.fixtures("fault"):
        body = ledger.encode(path.read_bytes())
        assert server.post(name, body).status in (200, 400)
        assert server.post(name, body).status in (200, 400)
        forged = [("Content-Type", "application/json"), server.signature(name, body, harness.WRONG_SECRET)]
        assert server.post(name, body, forged).status == 401
        assert server.post(name, body, [*server.headers(name, body), *headers_of_a_patient("Jane Fixture-Doe")]).status in (200, 400)
        assert server.ask("GET", f"{server.path(name)}?signature={forged[1][1]}", headers=forged).status in (404, 405)


def give_up_everything(server, name, error):
    """Have a consumer whose dead letters are all that was posted."""
    assert server.api("PUT", f"/v1/consumers/{name}", {"from": "start"}).status == 201
    claims = server.api("POST", f"/v1/consumers/{name}/claim", {"worker": name, "max": 1000}).json["claims"]
    said = {"leases": [claim["lease"] for claim in claims], "permanent": True, "error": error}
    assert server.api("POST", f"/v1/consumers/{name}/nack", said).status == 200 and claims


def test_nothing_private_is_logged():
    """No patient's name, phone or note, no secret and no signature of the whole suite is in any log."""
    ledger.WORDS.update(("Jane Fixture-Doe", "Jane%20Fixture"))
    for log_format in ("json", "text"):
        with harness.Server(settings={"log_level": "debug", "log_format": "json"}) as server:
            server.settings["log_format"] = log_format
            server.write_config()
            server.process.send_signal(signal.SIGHUP)
            server.log.wait_for_text("configuration reloaded")
            post_everything(server)
            for path in ("/v1/events?detailType=Jane%20Fixture", "/v1/pickups/Jane%20Fixture-Doe", "/v1/consumers/Jane%20Fixture"):
                server.api("GET", path, headers=headers_of_a_patient("Jane Fixture-Doe")[:4])
                server.api("GET", path, headers=headers_of_a_patient("Jane Fixture-Doe")[:4], token="Jane Fixture-Doe")
            assert server.raw(wire.compose("/Jane Fixture-Doe", headers_of_a_patient("Jane Fixture-Doe")))[0].status == 400
    with harness.Server() as server:
        post_everything(server)
        server.cli("check")
        server.cli("events", "list")
        server.cli("quarantine", "list", "--json")
        server.cli("quarantine", "retry", "--all")
        give_up_everything(server, "clerk", "Jane Fixture-Doe is out")
        assert "***" in server.cli("consumers", "dead", "clerk").out and "***" in server.cli("consumers", "dead", "clerk", "--json").out
        server.cli("consumers", "retry", "clerk", "--all")
    log = ledger.LOG.read_text(encoding="utf-8")
    assert '"msg":"ready"' in log and words_are_known()
    assert ledger.leaks() == set()


def words_are_known():
    """The words to look for include those of the fixtures, or the test would find nothing for a bad reason."""
    return ledger.SIGNATURES and ledger.SECRETS and any("Fixture" in word for word in ledger.WORDS)


def test_the_search_finds():
    """The search does find what is in the log."""
    ledger.write('{"msg":"a test","name":"Planted Pretence"}')
    ledger.WORDS.add("Planted Pretence")
    found = ledger.leaks()
    ledger.WORDS.remove("Planted Pretence")
    assert "Planted Pretence" in found
