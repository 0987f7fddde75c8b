"""Run last: what all the other tests made the servers and commands say holds nothing private."""
import harness
import ledger


def post_everything(server):
    """Post every fixture rightly and wrongly signed, so that this test means something by itself."""
    for name, path in harness.fixtures("good") + harness.fixtures("fault"):
        body = ledger.encode(path.read_bytes())
        assert server.post(name, body).status in (200, 400)
        assert server.post(name, body).status in (200, 400)
        forged = [("Content-Type", "application/json"), server.signature(name, body, harness.WRONG_SECRET)]
        assert server.post(name, body, forged).status == 401
        assert server.ask("GET", f"{server.path(name)}?signature={forged[1][1]}", headers=forged).status in (404, 405)


def test_nothing_private_is_logged():
    """No patient's name, phone or note, no secret and no signature of the whole suite is in any log."""
    with harness.Server() as server:
        post_everything(server)
        server.cli("check")
        server.cli("events", "list")
        server.cli("quarantine", "list", "--json")
        server.cli("quarantine", "retry", "--all")
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
