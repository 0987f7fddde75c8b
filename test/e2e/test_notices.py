"""The dispatcher is told by a signed webhook, by the log and by the API, also when pickupd or the dispatcher is down for a while."""
import json
import signal
import ssl
import subprocess

import pytest

import dispatcher
import harness
import lab
import process

CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=IP:127.0.0.1"]
PENDING_AFTER_500 = {"state": "pending", "attempts": 1, "error": "HTTP 500"}


def serving(told, **settings):
    """A server that tells this dispatcher."""
    server = harness.Server(settings={"flows": "on", **told.settings(), **settings})
    server.variables.update(told.variables())
    return server


def rush(server):
    """Publish a case that the dispatcher is told of, and return its id."""
    case = harness.fresh()
    detail = {"caseId": case, "labId": "LAB001", "clinicId": "CLI-001", "requestedDeliveryDate": "2026-01-21", "priority": "RUSH",
              "patientName": "Quentin Madeup-Notice"}
    answer = server.api("POST", "/v1/events", {"source": "cases.production", "detailType": "CaseReadyToShip", "detail": detail})
    assert answer.status == 201, answer.body
    return case


def notifications(server, query=""):
    """What the API says of all of them."""
    return server.api("GET", "/v1/notifications" + query).json["notifications"]


def settled(server, **fields):
    """Wait until the one notification is like that, and return it as it was then."""
    def is_there():
        rows = notifications(server)
        return rows if any(fields.items() <= row.items() for row in rows) else []
    [row] = process.wait_until(is_there)
    return row


def test_told_by_webhook_log_and_api():
    """A notice comes signed, once, and says the same as its event and the API, under one id."""
    with dispatcher.Dispatcher() as told, serving(told) as server:
        case = rush(server)
        notice = told.next()
        assert notice.is_genuine
        assert notice.json["kind"] == "delivery.rush" and notice.json["detail"]["caseId"] == case
        assert set(notice.json) == {"id", "kind", "time", "org", "detail"} and notice.json["id"] == notice.id
        assert b"Madeup" not in notice.body
        row = settled(server, state="sent")
        assert (row["attempts"], row["due"], row["error"]) == (1, None, None)
        assert {name: row[name] for name in notice.json} == notice.json
        event = server.event(notice.id)
        assert (event["source"], event["origin"], event["detail_type"], event["org"]) == (
            "pickupd.dispatch", "pickupd.dispatch", "DispatcherNotified", "default")
        assert json.loads(event["detail"]) == notice.json
        assert told.came.empty()


def test_no_redirect_is_followed():
    """A redirect is no yes: what is signed is for one place."""
    with dispatcher.Dispatcher(302) as told, serving(told) as server:
        rush(server)
        told.next()
        assert settled(server, state="pending", attempts=1)["error"] == "HTTP 302"


def test_killed_while_telling():
    """Killed before the answer came, it tells again after the next start, under the same id and in the same words."""
    with dispatcher.Dispatcher(None) as told:
        server = serving(told).start()
        rush(server)
        first = told.next()
        server.kill()
        told.status = 200
        with server:
            again = told.next()
            assert first.is_genuine and again.is_genuine
            assert (first.id, first.body) == (again.id, again.body)
            assert settled(server, state="sent")["attempts"] == 1
            assert told.came.empty()


def test_stopped_while_telling():
    """A dispatcher that does not answer holds up no stop."""
    with dispatcher.Dispatcher(None) as told, serving(told) as server:
        rush(server)
        told.next()


def test_what_fails_waits_for_its_next_attempt():
    """A refusal is noted with its reason, outlives a restart, and is told again a few seconds later."""
    with dispatcher.Dispatcher(500) as told, serving(told) as server:
        rush(server)
        first = told.next()
        before = settled(server, **PENDING_AFTER_500)
        assert before["due"] > before["time"]
        told.status = 204
        server.restart()
        again = told.next()
        assert again.id == first.id and again.time - first.time >= 3
        assert settled(server, state="sent")["attempts"] == 2


def test_nobody_to_tell():
    """Without notify_url notices are kept for whoever reads them, and not sent when one is set later."""
    with harness.Server(settings={"flows": "on"}) as server:
        rush(server)
        row = settled(server, state="kept")
        assert (row["attempts"], row["due"], row["error"]) == (0, None, None)
        assert notifications(server, "?state=pending") == [] and len(notifications(server, "?state=kept")) == 1
        with dispatcher.Dispatcher() as told:
            server.settings.update(told.settings())
            server.variables.update(told.variables())
            server.restart()
            case = rush(server)
            assert told.next().json["detail"]["caseId"] == case and told.came.empty()
            server.stop()
            server.settings = {name: value for name, value in server.settings.items() if not name.startswith("notify")}
            server.start()


def test_a_dead_letter_is_told():
    """What the flows give up is told with its reason, and whom to call."""
    with dispatcher.Dispatcher() as told, serving(told) as server:
        detail = {"pickupId": "P-1", "clinicId": "CLI-404", "windowStart": "2026-01-20T13:00:00Z", "windowEnd": "2026-01-20T15:00:00Z",
                  "requestedBy": {"name": "Quentin Madeup-Caller", "phone": "555-0199"}}
        answer = server.api("POST", "/v1/events", {"source": "crm.portal", "detailType": "PickupRequested", "detail": detail})
        assert answer.status == 201
        dead = next(one for one in iter(lambda: told.next().json, None) if one["kind"] == "dead_letter")
        assert dead["detail"]["eventId"] == answer.json["eventId"] and "CLI-404" in dead["detail"]["reason"]
        assert (dead["detail"]["contactName"], dead["detail"]["contactPhone"]) == ("Quentin Madeup-Caller", "555-0199")


def test_orgs_are_apart():
    """Another organization's notices do not exist."""
    with lab.Server(settings={"flows": "on"}) as server:
        rush(server)
        settled(server, state="kept")
        assert server.get("/v1/notifications", token="other")["notifications"] == []


def test_reloaded():
    """A reload changes nothing about whom to tell."""
    with dispatcher.Dispatcher() as told, serving(told) as server:
        for _ in range(2):
            server.process.send_signal(signal.SIGHUP)
            server.log.wait_for("configuration reloaded")
            rush(server)
            assert told.next().is_genuine


def test_over_tls(tmp_path):
    """Over TLS only one that somebody vouches for is told."""
    subprocess.run([*CERTIFICATE, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with dispatcher.Dispatcher(context=context) as told, serving(told) as server:
        rush(server)
        assert settled(server, state="pending", attempts=1)["error"] == "SSL peer certificate or SSH remote key was not OK"
        server.settings["notify_ca_file"] = tmp_path / "cert.pem"
        server.restart()
        assert told.next().is_genuine
        assert settled(server, state="sent")["attempts"] == 2


@pytest.mark.parametrize("settings, secret, reason", [
    ({"notify_url": "http://127.0.0.1/x"}, None, "notify_url needs a secret: set PICKUPD_NOTIFY_SECRET"),
    ({"notify_url": "http://127.0.0.1/x"}, "short", "the secret of notify_url: is not Base64"),
    ({"notify_url": "http://127.0.0.1/x"}, "whsec_AAAA", "the secret of notify_url: stands for 3 bytes, but must for 24 to 64"),
    ({"notify_url": "127.0.0.1/x"}, dispatcher.SECRET, "notify_url must be a whole http or https URL"),
    ({"notify_url": "https://127.0.0.1/x", "notify_ca_file": "/nowhere/ca.pem"}, dispatcher.SECRET, "/nowhere/ca.pem: No such file or directory"),
    ({"notify_url": "ftp://127.0.0.1/x"}, dispatcher.SECRET, "notify_url must be a whole http or https URL"),
])
def test_a_mistake_in_the_config(settings, secret, reason):
    """What can't work is said before anything is served."""
    server = harness.Server(settings=settings)
    if secret:
        server.variables["PICKUPD_NOTIFY_SECRET"] = secret
    result = server.cli("check")
    assert result.code == 1 and reason in result.err + result.out
    assert secret is None or secret == "short" or secret not in result.err + result.out
