"""What /metrics says is Prometheus' text format, and counts what became of everything; its rules and its dashboard ask for what is there."""
import dataclasses
import json
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import harness
import ledger
import metrics
import oracle
import process
import pytest
import sender
import wire

ROWS = dict(re.findall(r"^METRIC\((\w+), (\w+),", (harness.ROOT / "include/tbl/metric.h").read_text(), re.MULTILINE))
RULES = harness.ROOT / "contrib/prometheus-alerts.yml"
DASHBOARD = harness.ROOT / "contrib/grafana-dashboard.json"
ODD_TYPE = 'Odd"Type\\n'
ALARM = "pickupd_signature_refusals_in_a_row"


def good():
    """A webhook that dentrix may send."""
    return ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))


def publish(server, kind):
    """Publish an event of a type."""
    answer = server.api("POST", "/v1/events", {"source": "lab.test", "detailType": kind, "detail": {}})
    assert answer.status == 201, answer.body


def kill_one(server, name):
    """Make a consumer that wants the odd type, and let it give up the one event of it."""
    server.api("PUT", f"/v1/consumers/{name}", {"from": "now", "detailTypes": [ODD_TYPE]})
    publish(server, ODD_TYPE)
    [claim] = server.api("POST", f"/v1/consumers/{name}/claim", {"worker": "tester", "max": 1}).json["claims"]
    answer = server.api("POST", f"/v1/consumers/{name}/nack", {"leases": [claim["lease"]], "error": "no use", "permanent": True})
    assert answer.status == 200, answer.body


@pytest.fixture(scope="module")
def busy():
    """A server to which everything has happened that is counted."""
    with harness.Server() as server:
        body = good()
        for each in (body, body, b"{"):
            server.post("dentrix", each)
        server.post("eaglesoft", body, [])
        for path in ("/webhooks/ehr/nobody", "/webhooks/ehr/", "/webhooks/nobody"):
            assert server.ask("POST", path, body).status == 404
        server.ask("POST", server.path("dentrix"), body, [("Content-Type", "text/html")])
        server.ask("POST", server.path("dentrix"), body, [("Content-Type", "application/json"), server.signature("dentrix", body, harness.WRONG_SECRET)])
        kill_one(server, "night")
        yield server


def test_format(busy):
    """promtool finds nothing; every row of the table is there with its type and help, and has a sample."""
    page = metrics.Page(busy)
    page.check()
    assert page.types == ROWS and page.helps.keys() == ROWS.keys()
    bare = {re.sub("_(bucket|sum|count)$", "", name) if ROWS.get(name) is None else name for name, _ in page.samples}
    assert bare == ROWS.keys() - {"pickupd_certificate_expiry_timestamp_seconds"}  # It speaks no TLS.


def test_webhooks_are_counted(busy):
    """Each by its source and what became of it, and each refusal by its reason."""
    page = metrics.Page(busy)
    counted = {tuple(sorted(dict(labels).values())): value for (name, labels), value in page.samples.items()
               if name in ("pickupd_webhooks_total", "pickupd_webhook_refusals_total") and value}
    assert counted == {("accepted", "dentrix"): 1, ("dentrix", "duplicate"): 1, ("dentrix", "quarantined"): 1, ("eaglesoft", "refused"): 1,
                       ("eaglesoft", "signature_missing"): 1, ("dentrix", "media_type"): 1, ("dentrix", "refused"): 1, ("dentrix", "signature_wrong"): 1}
    answers = {label: page.value("pickupd_webhook_answer_seconds_count", **{"class": label}) for label in ("2xx", "4xx", "5xx")}
    assert answers == {"2xx": 2, "4xx": 4, "5xx": 0}
    assert page.value("pickupd_unknown_source_requests_total") == 2
    assert page.of("pickupd_quarantine_webhooks", "source") == {"dentrix": 1, "opendental": 0, "eaglesoft": 0}
    matches = page.of("pickupd_secret_last_match_timestamp_seconds", "secret")
    assert set(matches) == set(oracle.VENDORS) and [name for name, last in matches.items() if last] == ["dentrix"]


LIMITS = """[source rated]
vendor = own
id_prefix = rated
secret_env = OWN_WEBHOOK_SECRET_2
rate = 1
[source ended]
vendor = own
id_prefix = ended
[secret ended past]
env = ENDED_PAST
not_after = 2020-01-01T00:00:00Z
"""


def refusing():
    """A server that refuses for every reason that a sender can give it, and what it takes for each of its sources."""
    own = sender.define("own", handshakes=[{"method": "GET", "when": {"query:mode": "subscribe"}, "answer": {"body": "yes"}}])
    sources = [oracle.source("slack"), oracle.source("own"), oracle.source("walled", "own", id_prefix="walled", allow_from="192.0.2.1")]
    server = sender.Server(sources, [own], settings={"quarantine_rows": "1"}, more=LIMITS)
    server.variables.update(OWN_WEBHOOK_SECRET_2="rated-secret-not-real", ENDED_PAST="ended-secret-not-real")
    return server


def refuse_all(server):
    """Have a webhook refused for each of these reasons, once."""
    path, body = server.path("slack"), sender.compact({})
    good = server.request_headers("slack", body)
    signature, stamp = (good[at] for at in (1, 2))
    assert server.raw(wire.compose(path, [("Content-Length", "+0")]))[0].status == 400
    asked = [("PUT", body, good, 405), ("POST", b"x" * (2**20 + 1), good, 413), ("POST", body, [("Content-Type", "text/html")], 415),
             ("POST", body, [good[0], stamp], 401), ("POST", body, [*good, signature], 401), ("POST", body, [good[0], (signature[0], "v0=zz"), stamp], 401),
             ("POST", body, [good[0], (signature[0], "v0=" + "0" * 64), stamp], 401), ("POST", body, [*good[:2], (stamp[0], "soon")], 401)]
    for method, text, headers, status in asked:
        assert server.ask(method, path, text, headers).status == status, headers
    for age in (1000, -1000):
        assert server.tell("slack", {}, age=age).status == 401
    assert [server.tell("own", {}).status, server.tell("own", {"more": 1}).status] == [400, 503]
    assert server.ask("GET", server.path("own"), None, server.request_headers("own", b"")).status == 401
    assert server.tell("walled", {}).status == 401
    assert sender.signed(server.definitions["own"], "ended-secret-not-real", {}).send(server, "ended").status == 401


def test_every_reason():
    """Each reason for which a sender is refused is counted as itself, and as the outcome it is."""
    with refusing() as server:
        refuse_all(server)
        answers = [sender.signed(server.definitions["own"], "rated-secret-not-real", {"kind": "noise"}).send(server, "rated").status for _ in range(9)]
        page = metrics.Page(server)
        refused = {dict(labels)["source"] + " " + dict(labels)["reason"]: value for (name, labels), value in page.samples.items()
                   if name == "pickupd_webhook_refusals_total" and value}
        assert refused.pop("rated source_limit") == answers.count(429) == page.value("pickupd_webhooks_total", source="rated", outcome="limited") > 0
        of_slack = ["framing", "method", "too_large", "media_type", "signature_missing", "signature_repeated", "signature_malformed", "signature_wrong",
                    "time_malformed", "time_too_old", "time_ahead"]
        assert refused == dict.fromkeys([*(f"slack {reason}" for reason in of_slack), "own quarantine_full", "own no_handshake", "walled not_allowed",
                                         "ended no_live_secret"], 1)
        assert page.value("pickupd_webhooks_total", source="slack", outcome="refused") == 7
        assert page.value("pickupd_webhooks_total", source="own", outcome="shed") == 1
    with harness.Server(settings={"address_rate": "1", "address_burst": "1"}) as server:
        answers = [server.post("dentrix", good()).status for _ in range(9)]
        page = metrics.Page(server)
        assert answers.count(429) == page.value("pickupd_webhook_refusals_total", source="dentrix", reason="address_limit") > 0


def test_store_is_measured(busy):
    """Commits and syncs with their times and sizes; the files as they are; events by type, quoted as they must be."""
    page = metrics.Page(busy)
    types = page.of("pickupd_events_total", "type")
    assert (types["PickupRequested"], types[ODD_TYPE]) == (1, 1)
    assert page.value("pickupd_commit_seconds_count") == page.value("pickupd_commit_jobs_count") >= 7
    assert page.value("pickupd_sync_bytes_sum") >= 4096 * page.value("pickupd_sync_seconds_count") >= 4096 * 6
    assert page.value("pickupd_commit_seconds_sum") > 0
    assert page.value("pickupd_store_bytes") == busy.database.stat().st_size
    assert page.value("pickupd_store_log_bytes") == (busy.directory / "pickupd.db-wal").stat().st_size
    assert page.value("pickupd_disk_bytes") > page.value("pickupd_disk_free_bytes") > 0
    assert page.value("pickupd_disk_reserve_bytes") == 2**21
    assert page.value("pickupd_last_event_seq") == len(busy.events()) == 2


def test_histograms_add_up(busy):
    """Buckets hold all below them, the last one all there is."""
    page = metrics.Page(busy)
    buckets = {}
    for (name, labels), value in page.samples.items():
        if name.endswith("_bucket"):
            series = name, frozenset(label for label in labels if label[0] != "le")
            buckets.setdefault(series, []).append((float(dict(labels)["le"]), value))
    assert len(buckets) == list(ROWS.values()).count("histogram") + 2  # The three classes of answers.
    for (name, labels), found in buckets.items():
        values = [value for _, value in sorted(found)]
        assert values == sorted(values) and len(values) == 17
        assert values[-1] == page.samples[name.replace("_bucket", "_count"), labels]


def test_consumers_are_looked_at(busy):
    """A dead letter, what waits and for how long, and the lag; the flows, which are off, are left out."""
    before = metrics.Page(busy)
    assert before.of("pickupd_consumer_dead_letters", "consumer") == {"night": 1}
    assert before.value("pickupd_consumers") == 1
    assert before.value("pickupd_consumer_oldest_waiting_seconds", org="default", consumer="night") == 0
    publish(busy, ODD_TYPE)
    harness.next_millisecond()
    waiting = metrics.Page(busy)
    assert waiting.value("pickupd_consumer_lag_events", org="default", consumer="night") == 1
    assert waiting.value("pickupd_consumer_oldest_waiting_seconds", org="default", consumer="night") > 0
    [claim] = busy.api("POST", "/v1/consumers/night/claim", {"worker": "tester", "max": 1}).json["claims"]
    claimed = metrics.Page(busy)
    assert claimed.value("pickupd_consumer_open_claims", org="default", consumer="night") == 1
    assert claimed.value("pickupd_consumer_oldest_waiting_seconds", org="default", consumer="night") > 0
    busy.api("POST", "/v1/consumers/night/ack", {"leases": [claim["lease"]]})
    done = metrics.Page(busy)
    assert [done.value(f"pickupd_consumer_{what}", org="default", consumer="night") for what in ("open_claims", "lag_events", "dead_letters")] == [0, 0, 1]


def test_process_is_measured(busy):
    """Under the names that every program uses, what /proc tells, too."""
    page = metrics.Page(busy)
    status = Path(f"/proc/{busy.process.pid}/status").read_text()
    rss, threads = (int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1]) for name in ("VmRSS", "Threads"))
    assert 0.5 < page.value("process_resident_memory_bytes") / (1024 * rss) < 2
    assert page.value("process_cpu_seconds_total") > 0
    assert abs(page.value("process_open_fds") - process.files(busy)) <= 3 < page.value("process_max_fds")
    assert abs(page.value("process_start_time_seconds") - harness.now() / 1000) < 600
    assert page.value("process_threads") == threads


def test_alarm():
    """Signatures refused in a row are told of a source that used to work, until it works again; restarts keep what used to work."""
    with harness.Server() as server:
        for name in ("dentrix", "eaglesoft"):
            server.post(name, good(), [])
        assert metrics.Page(server).of(ALARM, "source") == {"dentrix": 0, "opendental": 0, "eaglesoft": 0}
        assert server.post("dentrix", good()).status == 200
        for _ in range(3):
            server.post("dentrix", good(), [])
        assert metrics.Page(server).of(ALARM, "source") == {"dentrix": 3, "opendental": 0, "eaglesoft": 0}
        assert server.post("dentrix", b"{").status == 400
        assert metrics.Page(server).value(ALARM, source="dentrix") == 0
        server.restart()
        for name in ("dentrix", "eaglesoft"):
            server.post(name, good(), [])
        assert metrics.Page(server).of(ALARM, "source") == {"dentrix": 1, "opendental": 0, "eaglesoft": 0}


def test_what_is_switched_off_wakes_nobody():
    """A source that is disabled keeps its history; what the rules take for a source that should work, it has not."""
    with harness.Server() as server:
        assert server.post("dentrix", good()).status == 200
        server.stop()
        server.sources["dentrix"] = dataclasses.replace(server.sources["dentrix"], enabled="no")
        server.write_config()
        with server:
            page = metrics.Page(server)
            assert page.value("pickupd_secret_last_match_timestamp_seconds", source="dentrix", secret="dentrix") > 0
            assert set(page.of("pickupd_secret_expiry_timestamp_seconds", "source")) == {"opendental", "eaglesoft"}
            server.stop()
        server.start()


def test_sources_that_lack_something():
    """One without its secret is told of, and not one that was turned off."""
    sources = [oracle.source("dentrix"), oracle.source("eaglesoft", secret=None), oracle.source("opendental", enabled="no")]
    with harness.Server(sources) as server:
        assert metrics.Page(server).of("pickupd_source_enabled", "source") == {"dentrix": 1, "eaglesoft": 0}


def test_types_are_bounded(server):
    """However many types are published, so many are counted by their names, and the rest together, also one that is called as the rest is."""
    with closing(server.connect("private")) as connection:
        for kind in ("other", *(f"Kind{number}" for number in range(40))):
            body = ledger.encode({"source": "lab.test", "detailType": kind, "detail": {}})
            headers = [("Authorization", f"Bearer {server.token}"), ("Content-Type", "application/json")]
            assert connection.ask("POST", "/v1/events", body, headers).status == 201
    types = metrics.Page(server).of("pickupd_events_total", "type")
    assert len(types) == 33 and (types["Kind0"], types["Kind25"], types["other"]) == (1, 1, 15) and "Kind26" not in types


def names_in(expression):
    """The metrics of an expression that are ours to have."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"\b(?:pickupd|process)_\w+", bare)}


def test_rules(tmp_path):
    """promtool takes the rules, and each fires when it should; each has a summary and an entry of the runbook, and asks for what is there."""
    shutil.copy(RULES, tmp_path)
    tests = [Path(shutil.copy(path, tmp_path)) for path in (harness.ROOT / "test/e2e").glob("alerts*_test.yml")]
    for verb, file in [("check", RULES.name), *(("test", path) for path in tests)]:
        done = subprocess.run(["promtool", verb, "rules", file], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=wire.TIMEOUT)
        assert done.returncode == 0, done.stdout + done.stderr
    alerts = RULES.read_text().split("- alert: ")[1:]
    fired = re.findall(r"alertname: (\w+)\n +exp_alerts:", "".join(path.read_text() for path in tests))
    manual = (harness.ROOT / "contrib/manual.md").read_text()
    for alert in alerts:
        name, severity = alert.split()[0], re.search(r"severity: (critical|warning)", alert)[1]
        assert "summary: " in alert and "runbook: \"manual.md, section 28: " in alert, name
        assert f"| `{name}` | {severity} |" in manual
        assert names_in(alert.partition("annotations")[0]) <= ROWS.keys(), name
        assert name in fired, name
    assert len(re.findall(r"^\| `Pickupd\w+` \|", manual, re.MULTILINE)) == len(alerts)


def labels_of(page):
    """The labels of each metric."""
    found = {}
    for name, labels in page.samples:
        found.setdefault(re.sub("_(bucket|sum|count)$", "", name), set()).update(label for label, _ in labels)
    return found


def test_dashboard(tmp_path, busy):
    """Every panel asks for metrics that are there, in words that promtool takes, by labels that they have; no two lie on each other, and all that is counted of connections and of refusals is shown."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(names_in(expression) and names_in(expression) <= ROWS.keys() for expression in asked)
    labels = labels_of(metrics.Page(busy))
    for target in (target for panel in panels for target in panel["targets"]):
        used = set(re.findall(r"{{(\w+)}}", target["legendFormat"])).union(*(by.split(", ") for by in re.findall(r"by \(([^)]*)\)", target["expr"])))
        assert all(used <= labels[name] | {"instance"} for name in names_in(target["expr"])), target
    places = [(x, y) for at in (panel["gridPos"] for panel in panels) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24
    assert {name for name in ROWS if re.search("connections|handshake|refus|unknown_source", name)} <= set().union(*map(names_in, asked))
    rules = [{"record": f"panel:{number}", "expr": expression.replace("$instance", ".*")} for number, expression in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", "panels.yml"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=wire.TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
