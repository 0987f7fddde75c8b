"""Disks without room, that hang, or that fail to sync: shed before anything is promised, and lose nothing that was."""
import os
import sqlite3
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

import disk
import harness
import ledger
import load
import metrics
import oracle
import own
import process
import wire
from test_consumers import Consumer

MIB = 1 << 20
HALF = MIB  # Of the suite's reserve: so much is held, and so much must be free beside it.
FULL, READY = (503, {"error": "store is full"}), (200, {"status": "ready"})
BROKEN = "the disk failed to sync: stopping, what was answered 200 is safe"


def good():
    """A body unlike any other."""
    return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh()))


def readiness(server):
    """What /readyz says."""
    return server.ask("GET", "/readyz", face="private").refusal


def held(server):
    """Bytes of the disk that the reserve takes."""
    return server.database.with_name(server.database.name + ".reserve").stat().st_blocks * 512


def check_sound(server, accepted):
    """Everything that was answered 200 is there, once, and nothing else, also after a restart."""
    server.restart()
    assert sorted(row["id"] for row in server.events()) == sorted(accepted)
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


@contextmanager
def preloaded(made=harness.Server, **settings):
    """A running server and its disk."""
    server = made(settings=settings) if made is harness.Server else made
    its = disk.Disk(server)
    with server:
        yield server, its


# Full.

def test_reserve_is_held():
    """Half of the reserve is really taken from the disk, by a file for nobody else's eyes."""
    with harness.Server(settings={"disk_reserve": "4MiB"}) as server:
        disk.can_hold(server.directory)
        assert held(server) >= 2 * MIB
        assert server.database.with_name("pickupd.db.reserve").stat().st_mode & 0o777 == 0o600


def test_less_room_than_the_reserve():
    """With a page less than half the reserve free beside what is held, webhooks are shed, with just as much they are not."""
    with preloaded() as (server, its):
        disk.can_hold(server.directory)
        for _ in range(2):
            its.leave(HALF - 4096)
            disk.wait_for(lambda: readiness(server) == FULL)
            assert server.post("dentrix", good()).is_unavailable()
            assert server.ask("GET", "/healthz", face="private").status == 200
            its.leave(HALF)
            disk.wait_for(lambda: readiness(server) == READY)
            assert server.post("dentrix", good()).status == 200
        assert [server.log.wait_for("webhooks are answered 503")["reason"], server.log.wait_for("webhooks are taken again")["after"]] == \
            ["store is full"] * 2
        assert len(server.events()) == 2
        assert server.counted("dentrix") == {"accepted": 2, "shed": 2}


def test_workers_have_room():
    """While webhooks and what the lab publishes are shed, workers claim, ack and give up; and clinics wait."""
    with preloaded() as (server, its):
        disk.can_hold(server.directory)
        consumer = Consumer(server)
        assert [server.post("dentrix", good()).status for _ in range(4)] == [200] * 4
        its.leave(0)
        disk.wait_for(lambda: readiness(server) == FULL)
        claims = consumer.claim(max=3)
        assert consumer.results("ack", claims[:1]) == ["acked"] and consumer.results("nack", claims[1:], permanent=True) == ["dead"] * 2
        refused = [server.api("POST", "/v1/events", {"source": "lab.tests", "detailType": "Tested", "detail": {}}),
                   server.api("PUT", "/v1/clinics/C-1", {"clinicId": "C-1", "name": "Invented Dental", "timezone": "UTC"})]
        assert [(answer.status, answer.problem["title"], int(answer.headers["Retry-After"]) > 0) for answer in refused] == [(503, "store is full", True)] * 2
        its.leave(None)
        disk.wait_for(lambda: readiness(server) == READY)
        assert len(consumer.claim()) == 1 and len(consumer.dead()) == 2


def test_room_comes_and_goes_under_load():
    """Whatever a disk's room does under load, each webhook answered 200 is there once, and none that was answered 503."""
    with preloaded() as (server, its):
        senders = load.Load(server)
        for _ in range(3):
            senders.wait_accepted(50)
            its.leave(0)
            senders.wait_refused(50)
            disk.wait_for(lambda: readiness(server) == FULL)
            its.leave(None)
        senders.wait_accepted(50)
        senders.end()
        check_sound(server, senders.accepted)


def test_starts_without_room():
    """A server that finds less room than its reserve when it starts sheds from the first webhook on."""
    server = harness.Server()
    disk.Disk(server).leave(0)
    with server:
        assert server.post("dentrix", good()).is_unavailable()
        assert readiness(server) == FULL


class Senders(load.Load):
    """Senders of one's own definition."""

    source = "own"

    def make(self):
        """A body unlike any other."""
        return ledger.encode(own.row())


@contextmanager
def reading(server):
    """Somebody reads what is there now, and goes on reading."""
    with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        yield


def log_bytes(server):
    """The length of the log."""
    return server.database.with_name("pickupd.db-wal").stat().st_size


def log_pages(index):
    """How many pages the log's index says it has; a file that is kept open, since closing it would undo this process's locks on it."""
    return struct.unpack("=I", os.pread(index.fileno(), 4, 16))[0]


@contextmanager
def on_small_disk(megabytes=24):
    """A server with a reserve of 8 MiB on a small disk."""
    server = own.Server(own.definition(), disk_reserve="8MiB")
    with disk.small(server.directory / "small", megabytes) as directory:
        server.database = server.settings["database"] = directory / "pickupd.db"
        yield server


def test_full_to_the_last_byte():
    """While another program has filled the disk, webhooks are shed and what is in quarantine can still be stored: the reserve is given
    up for it. When there is room again it is taken back, and all goes on."""
    with on_small_disk() as server, server:
        rows = [own.bad_row(patientName=f"Rowena {'Madeup' * 100_000}") for _ in range(6)]  # More than the log holds before it is moved.
        assert [server.send(row)[0] for row in rows] == [400] * 6
        assert held(server) >= 4 * MIB
        senders = Senders(server)
        senders.wait_accepted(20)
        hog = server.database.with_name("hog")
        disk.fill(hog)
        senders.wait_refused(50)
        assert readiness(server) == FULL
        server.mend(own.definition(event=own.MENDED))
        code, lines = server.retry("--all")
        assert code == 0 and [line.split()[1] for line in lines] == ["stored"] * 6
        disk.wait_for(lambda: held(server) == 0)  # At the latest when the log is moved into the file, which must grow.
        senders.wait_refused(50)
        hog.unlink()
        disk.wait_for(lambda: readiness(server) == READY)
        senders.wait_accepted(50)
        senders.end()
        assert held(server) >= 4 * MIB
        check_sound(server, [*senders.accepted, *(line.split()[0] for line in lines)])


def test_killed_on_a_full_disk():
    """A server that was killed on a full disk starts on it, since it gives up its reserve first; and takes webhooks once there is room."""
    with on_small_disk() as server, server:
        senders = Senders(server)
        senders.wait_accepted(500)
        hog = server.database.with_name("hog")
        disk.fill(hog)
        senders.wait_refused(10)
        server.kill()
        senders.end()
        server.start()
        assert server.send(own.row()) == own.UNAVAILABLE
        assert readiness(server) == FULL
        hog.unlink()
        disk.wait_for(lambda: readiness(server) == READY)
        accepted = {server.send(own.row())[1]["eventId"], *senders.accepted}
        assert accepted <= {row["id"] for row in server.events()}
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_checkpoint_on_a_full_disk():
    """Where the disk is full the reserve is given up for a checkpoint, too, or the log would go on growing."""
    with on_small_disk(48) as server, server, server.database.with_name("pickupd.db-shm").open("rb") as index:
        senders = Senders(server)
        with reading(server):
            disk.wait_for(lambda: log_bytes(server) > 15 * MIB)
        disk.wait_for(lambda: log_pages(index) < 500)  # It has begun anew, and is as long as it was: no write into it needs room.
        with reading(server):
            disk.wait_for(lambda: log_pages(index) > 2000)
            senders.end()
            disk.fill(server.database.with_name("hog"))
            disk.wait_for(lambda: readiness(server) == FULL)
            assert held(server) >= 4 * MIB
            before = server.database.stat().st_size
        disk.wait_for(lambda: server.database.stat().st_size > before)
        assert held(server) == 0
        check_sound(server, senders.accepted)


# Slow.

def test_disk_hangs():
    """While a sync hangs, new webhooks are soon shed and /readyz still answers; what waits gets its true answer in the end."""
    with preloaded(queue_wait="1s") as (server, its), ThreadPoolExecutor() as pool:
        assert server.post("dentrix", good()).status == 200
        with its.hanging():
            body = good()
            waiting = pool.submit(server.post, "dentrix", body)
            its.wait_hung()
            assert readiness(server) == own.UNAVAILABLE
            assert server.post("dentrix", good()).is_unavailable()
            assert server.post("dentrix", b"{}", headers=[]).is_unavailable()
            assert readiness(server) == own.UNAVAILABLE
            assert server.ask("GET", "/healthz", face="private").status == 200
            assert server.ask("GET", "/webhooks/health").status == 200
            assert not waiting.done()
        assert waiting.result().refusal == (200, oracle.answer(server.sources["dentrix"], body))
        disk.wait_for(lambda: readiness(server) == READY)
        assert server.post("dentrix", good()).status == 200
        assert len(server.events()) == 3


def syncs(server):
    """How often the log was synced."""
    return metrics.Page(server).value("pickupd_sync_seconds_count")


def test_asked_often():
    """However often, and by however many, /readyz is asked, it writes once a second; who asks later hears of later. One that hangs is one, too."""
    with preloaded(queue_wait="1h") as (server, its), ThreadPoolExecutor(20) as pool:  # So that who is told that it hangs is told by /readyz.
        assert server.post("dentrix", good()).status == 200
        begun, before = time.monotonic(), syncs(server)
        with closing(server.connect("private")) as connection:
            while time.monotonic() - begun < 2:
                assert connection.ask("GET", "/readyz").refusal == READY
        assert set(map(repr, pool.map(readiness, [server] * 100))) == {repr(READY)}
        assert 1 <= syncs(server) - before <= 2 + int(time.monotonic() - begun)
        before = syncs(server)
        disk.wait_for(lambda: readiness(server) == READY and syncs(server) > before)
        with its.hanging():
            disk.wait_for(lambda: readiness(server) == own.UNAVAILABLE)
            assert set(map(repr, pool.map(readiness, [server] * 20))) == {repr(own.UNAVAILABLE)}
            assert metrics.Page(server).value("pickupd_mailbox_depth", mailbox="writer") <= 1
        disk.wait_for(lambda: readiness(server) == READY)
        assert metrics.Page(server).value("pickupd_sync_seconds_sum") > 1


# Broken.

@pytest.mark.parametrize("face", ["public", "private"])
def test_sync_fails(face):
    """When the disk fails to sync, what was not is answered 503, the process stops with exit code 1 and says why, and what was answered
    200 is there when it starts again; what was answered 503 is not."""
    with preloaded() as (server, its):
        assert server.post("dentrix", good()).status == 200
        first, body = server.events(), good()
        its.fail()
        if face == "public":
            probe = wire.compose("/readyz", [], method="GET")
            with closing(wire.dial(server.private)) as late:
                late.sendall(probe[:-2])
                process.wait_until(lambda: process.is_read(late))
                assert server.post("dentrix", body).is_unavailable()
                server.log.wait_for("stopping")
                late.sendall(probe[-2:])
                [answer] = wire.parse_answers(b"".join(iter(lambda: late.recv(65536), b"")))
            assert answer.refusal == (503, {"error": "store failed to sync"})  # Which is why it stops.
        else:
            assert readiness(server) == (503, {"error": "store failed to sync"})
        assert server.end() == 1
        assert server.log.find(BROKEN, level="error") and server.log.find("stopped")
        assert server.events() == first
        result = server.cli("serve")
        assert result.code == 1 and "Input/output error" in result.err
        its.fail(False)
        server.start()
        assert server.events() == first
        assert server.post("dentrix", body).json == oracle.answer(server.sources["dentrix"], body)


def test_sync_fails_under_load():
    """The same under load: each webhook answered 200 is there once, and none that was answered 503."""
    with preloaded() as (server, its):
        senders = load.Load(server)
        senders.wait_accepted(200)
        its.fail()
        assert server.end() == 1
        senders.end()
        its.fail(False)
        server.start()
        check_sound(server, senders.accepted)


# Read for long.

class LargeLoad(load.Load):
    """Webhooks of a dozen pages each, so that a slow disk has a long log soon, too."""

    def make(self):
        """A body unlike any other."""
        return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh(), notes="Under a fictional load. " * 2000))


def test_log_is_cut_when_a_reader_ends():
    """The log grows as long as somebody reads what was there before, and that is told; then it begins anew, and is cut."""
    with harness.Server() as server:
        with reading(server):
            senders = LargeLoad(server)
            server.log.wait_for("the log grows: somebody keeps reading the database, or the disk is full")
            assert log_bytes(server) > 16 * MIB
        disk.wait_for(lambda: log_bytes(server) <= 16 * MIB)
        senders.end()
        check_sound(server, senders.accepted)


def test_start_while_somebody_reads():
    """What a killed server left in the log can't be moved and synced while somebody reads on: it does not start, and says why."""
    with harness.Server() as server:
        assert server.post("dentrix", good()).status == 200
        with reading(server):
            server.kill()
            result = server.cli("serve")
            assert result.code == 1 and "another program has been reading it for too long" in result.err
        server.start()
        assert len(server.events()) == 1
