"""`pickupd status` says what /metrics says, first what needs attention, also of a file that nobody serves."""
import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import harness
import ledger
import metrics
import oracle
import process
import pytest
import wire

RED, GREEN = "\x1b[1;31m", "\x1b[1;32m"
NEXT = """[secret dentrix next]
env = PICKUPD_TEST_NEXT
not_before = 2026-01-01T00:00:00Z
[secret opendental last]
env = PICKUPD_TEST_LAST
not_after = 2027-01-01T00:00:00Z
"""


def good(**fields):
    """A webhook that dentrix may send."""
    return ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh(), **fields))


def status(server):
    """What --json prints, and the exit code."""
    result = server.cli("status", "--json")
    [line] = result.out.splitlines()
    return json.loads(line), result.code


def sees(told):
    """The entries of the runbook that are named."""
    return [one["see"] for one in told["attention"]]


def on_terminal(server, **variables):
    """What the command prints on a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb") as terminal:
        done = subprocess.Popen([harness.BINARY, "status", "-c", server.config], stdout=slave, env={**server.environment(), "TERM": "xterm", **variables})
        os.close(slave)
        text = b""
        try:
            while part := terminal.read1(65536):
                text += part
        except OSError:  # The other end is closed.
            pass
        assert done.wait(harness.STOP_TIMEOUT) in (0, 1)
    return text.decode()


@pytest.fixture(scope="module")
def lab():
    """A server whose flows are on, with a second secret here and there."""
    server = harness.Server(settings={"flows": "yes"}, more=NEXT)
    server.variables.update(PICKUPD_TEST_NEXT="next-secret-not-real-1", PICKUPD_TEST_LAST="last-secret-not-real-1")
    with server:
        yield server


def test_all_is_well(lab):
    """Nothing needs attention: it says so, in green on a terminal alone, and exits 0."""
    result = lab.cli("status")
    assert (result.code, result.err) == (0, "") and "All is well.\n" in result.out and "\x1b" not in result.out
    assert GREEN in on_terminal(lab) and RED not in on_terminal(lab)
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(lab, **variables)
    assert status(lab)[0]["attention"] == []


def store_of(page):
    """What a page has of the store's files and of what is done with them."""
    return {key: value for key, value in page.samples.items() if re.match("pickupd_(store|commit|sync|checkpoint)_", key[0])}


def status_and_metrics(server):
    """Both, and the exit code, between which the server did nothing to the store by itself: kept what became of a notice, say, or moved the log on."""
    deadline = time.monotonic() + wire.TIMEOUT
    while time.monotonic() < deadline:
        before = store_of(metrics.Page(server))
        told, code = status(server)
        page = metrics.Page(server)
        if store_of(page) == before:
            return told, code, page
    raise AssertionError("The store never rested.")


def test_it_agrees_with_metrics(lab):
    """Number for number, whatever has happened."""
    body = good()
    for each in (body, body, b"{"):
        lab.post("dentrix", each)
    for _ in range(11):
        lab.post("dentrix", body, [])
    lab.post("eaglesoft", body, [])
    lab.api("PUT", "/v1/consumers/night", {"from": "start"})
    process.wait_until(lambda: metrics.Page(lab).value("pickupd_consumer_dead_letters", org="", consumer="flows"))  # Its clinic is not known.
    process.wait_until(lambda: len(lab.events()) == 2)  # The dispatcher is told.
    assert len(lab.api("POST", "/v1/consumers/night/claim", {"worker": "tester", "max": 2}).json["claims"]) == 2
    told, code, page = status_and_metrics(lab)
    assert code == 1 and told["serving"] and told["takesWebhooks"]
    for source in told["sources"]:
        name = source["name"]
        assert source["webhooks"] == {label: page.value("pickupd_webhooks_total", source=name, outcome=label) for label in source["webhooks"]}
        assert source["refusals"] == {label: page.value("pickupd_webhook_refusals_total", source=name, reason=label) for label in source["refusals"]}
        assert source["refusedInARow"] == page.value("pickupd_signature_refusals_in_a_row", source=name)
        assert source["quarantine"] == {what: page.value(f"pickupd_quarantine_{what}", source=name) for what in ("webhooks", "bytes")}
        secrets = {secret["name"]: secret for secret in source["secrets"]}
        assert set(secrets) == {dict(labels)["secret"] for (metric, labels) in page.samples
                                if metric == "pickupd_secret_expiry_timestamp_seconds" and ("source", name) in labels}
    assert [face["name"] for face in told["faces"]] == ["public", "private"]
    for face in told["faces"]:
        name = face["name"]
        assert face["cutOff"] == {label: page.value("pickupd_connections_cut_off_total", face=name, reason=label) for label in face["cutOff"]}
        for key, metric in (("connectionsMax", "connections_max"), ("handshakeFailures", "tls_handshake_failures_total")):
            assert face[key] == page.value(f"pickupd_{metric}", face=name)
    for consumer in told["consumers"]:
        named = {"org": consumer["org"], "consumer": consumer["name"]}
        for key, metric in (("lag", "lag_events"), ("open", "open_claims"), ("dead", "dead_letters"), ("missed", "missed_events_total")):
            assert consumer[key] == page.value(f"pickupd_consumer_{metric}", **named), (named, key)
        assert consumer["oldestWaitingSeconds"] <= page.value("pickupd_consumer_oldest_waiting_seconds", **named)
    assert {consumer["name"] for consumer in told["consumers"]} == {"flows", "night"} and told["allConsumers"] == page.value("pickupd_consumers") == 2
    numbers = {"store_bytes": told["store"]["bytes"], "store_log_bytes": told["store"]["logBytes"], "last_event_seq": told["store"]["lastSeq"],
               "commit_seconds_count": told["store"]["commits"], "sync_seconds_count": told["store"]["syncs"],
               "commit_failures_total": told["store"]["failures"], "disk_bytes": told["disk"]["sizeBytes"],
               "disk_reserve_bytes": told["disk"]["reserveBytes"], "notices_pending": told["notices"]["pending"]}
    assert numbers == {name: page.value(f"pickupd_{name}") for name in numbers}
    assert {kind: count for kind, count in page.of("pickupd_events_total", "type").items() if count} == told["events"]
    assert (told["quarantine"]["webhooks"], told["deadLetters"]) == (1, 1)


def test_what_needs_attention_comes_first(lab):
    """In words, with the entry of the runbook; then sources with their secrets' ages, consumers and the store."""
    told, _ = status(lab)
    assert sees(told) == ["Signatures fail", "Quarantine grows", "Dead letters"]
    assert told["attention"][0]["text"].startswith("dentrix: 11 signatures in a row were refused, and it used to work, last at 20")
    assert lab.api("POST", "/v1/consumers/night/pause").status == 200
    lines = lab.cli("status").out.splitlines()
    assert lab.api("POST", "/v1/consumers/night/resume").status == 200
    assert max(len(line) for line in lines[5:]) <= 80 and any(line.endswith("  paused") for line in lines)
    assert lines[1] == "3 things need attention:" and lines[2].startswith("! dentrix: 11 signatures") and lines[2].endswith("(manual, 28: Signatures fail)")
    assert lines[3].startswith("! dentrix: 1 webhook in quarantine") and lines[4].startswith("! consumer flows: 1 dead letter ")
    assert any(line.startswith("quarantine    1 webhook, ") for line in lines)
    heads = [line.split()[0] for line in lines[5:] if line and line.split()[0].isupper()]
    assert heads == ["SOURCE", "CONSUMER", "STORE"]
    [following] = [line for line in lines if line.startswith("    secret next")]
    assert " live " in following and " for " in following and following.endswith("never proved a webhook")
    [ending] = [line for line in lines if line.startswith("    secret last")]
    assert ("ends in" in ending) == (harness.now() < 1798761600000)
    assert RED in on_terminal(lab)


def test_nobody_serves(lab):
    """It says so, and tells what the file knows; without a file it says that."""
    before, _ = status(lab)
    lab.stop()
    told, code = status(lab)
    assert code == 1 and not told["serving"] and sees(told) == ["pickupd is down", "Quarantine grows", "Dead letters"]
    assert [source["lastWebhook"] for source in told["sources"]] == [source["lastWebhook"] for source in before["sources"]]
    for key in ("deadLetters", "notices"):
        assert told[key] == before[key]
    assert [secret["name"] for source in told["sources"] for secret in source["secrets"]] == [secret["name"] for source in before["sources"] for secret in source["secrets"]]
    text = lab.cli("status")
    assert text.code == 1 and "! no server is running: nobody takes webhooks" in text.out
    names = [path.name for path in lab.directory.glob("pickupd.db*")]
    kept = {name: (lab.directory / name).read_bytes() for name in names}
    status(lab)
    assert {name: (lab.directory / name).read_bytes() for name in names} == kept
    lab.database.rename(lab.directory / "aside")
    result = lab.cli("status", "--json")
    assert (result.code, result.out) == (1, "") and "no server answers, and the database can't be read" in result.err
    (lab.directory / "aside").rename(lab.database)
    lab.start()
    assert lab.cli("status", "now").code == 2


def catches_alarm(pid):
    """Whether a process has set itself an alarm."""
    caught = re.search(r"^SigCgt:\s+(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]
    return int(caught, 16) >> signal.SIGALRM - 1 & 1


def test_a_server_that_hangs(lab):
    """Is not waited for once the alarm goes off, which the test need not wait for either."""
    lab.process.send_signal(signal.SIGSTOP)
    try:
        asking = subprocess.Popen([harness.BINARY, "status", "-c", lab.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=lab.environment())
        process.wait_until(lambda: catches_alarm(asking.pid))
        asking.send_signal(signal.SIGALRM)
        out, err = asking.communicate(timeout=harness.STOP_TIMEOUT)
    finally:
        lab.process.send_signal(signal.SIGCONT)
    assert (asking.returncode, out, err) == (1, b"", b"the running server does not answer\n")
