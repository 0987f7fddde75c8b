"""A disk that takes no more: nothing is promised, and once it takes again, all is well without a hand being lifted.

The disk is "full" when the limit on file sizes of the running process is lowered below what the database already has.
"""
import resource

import pytest

import disk
import harness
import ledger
import load
import metrics
import oracle

NOT_READY = (503, {"error": "store is full"})


def set_limit(server, size):
    """Limit the size of files for the running server."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def good(vendor="dentrix"):
    """A body unlike any other."""
    return ledger.encode(oracle.payload(oracle.VENDORS[vendor], id=harness.fresh()))


@pytest.fixture
def full():
    """A server that has stored one webhook and then finds its disk full."""
    with harness.Server() as server:
        assert server.post("dentrix", good()).status == 200
        set_limit(server, 0)
        yield server


def test_nothing_is_promised(full, vendor):
    """While the disk is full no webhook gets a 200 or 400, for neither can be kept; who cannot sign learns nothing of it."""
    body = good(vendor)
    for _ in range(3):
        assert full.post(vendor, body).is_unavailable()
        assert full.post(vendor, b"{").is_unavailable()
    assert full.ask("GET", "/readyz", face="private").refusal == NOT_READY
    assert full.ask("GET", "/healthz", face="private").status == 200
    assert full.ask("GET", "/webhooks/health").status == 200
    assert len(full.events()) == 1
    page = metrics.Page(full)
    assert {reason: count for reason, count in page.of("pickupd_private_shed_total", "reason").items() if count} == {"disk_full": 1}
    assert page.value("pickupd_webhook_refusals_total", source=vendor, reason="disk_full") >= 5
    set_limit(full, resource.RLIM_INFINITY)


def test_recovers_by_itself(full, vendor):
    """As soon as the disk has room webhooks are taken again, and those refused before are new."""
    bodies = [good(vendor) for _ in range(3)]
    assert all(full.post(vendor, body).is_unavailable() for body in bodies)
    set_limit(full, resource.RLIM_INFINITY)
    disk.wait_for(lambda: full.post("dentrix", good()).status == 200)
    for body in bodies:
        assert full.post(vendor, body).json == oracle.answer(full.sources[vendor], body)
    assert full.ask("GET", "/readyz", face="private").refusal == (200, {"status": "ready"})


def test_becomes_ready_by_itself(full):
    """Whoever watches only /readyz sees it come back, too."""
    assert full.ask("GET", "/readyz", face="private").refusal == NOT_READY
    set_limit(full, resource.RLIM_INFINITY)
    disk.wait_for(lambda: full.ask("GET", "/readyz", face="private").status == 200)
    assert full.post("dentrix", good()).status == 200


@pytest.mark.parametrize("room", [0, 40_000])
def test_under_load(room):
    """Whatever the disk does under load, each webhook answered 200 is there once, and none that was answered 503."""
    with harness.Server() as server:
        senders = load.Load(server)
        senders.wait_accepted(50)
        for _ in range(3):
            set_limit(server, room)
            senders.wait_refused(10)
            set_limit(server, resource.RLIM_INFINITY)
            senders.wait_accepted(50)
        senders.end()
        refused = {oracle.event_id("dentrix", body) for body in senders.refused}
        assert not senders.unanswered
        assert {row["id"] for row in server.events()} == senders.accepted.keys()
        for body in senders.refused[:20]:
            assert server.post("dentrix", body).json == oracle.answer(server.sources["dentrix"], body)
        assert not refused & senders.accepted.keys()
        server.restart()
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
