"""`make soak`: what a day does to a server, in ten minutes. Arguments: the load of `make bench`, and for how many seconds.

The load posts at half the rate that it reached at first; beside it come repeats, forged, faulty and broken webhooks and batches, on
connections that come and go, a reload every ten seconds, and somebody who looks at /metrics and /readyz. Memory, descriptors, threads and
SQLite's log must not grow, and everything that was answered must be there once.
"""
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing

sys.dont_write_bytecode = True

import harness  # noqa: E402
import ledger  # noqa: E402
import load  # noqa: E402
import oracle  # noqa: E402
import wire  # noqa: E402

LOAD, SECONDS = sys.argv[1], int(sys.argv[2])
CONNECTIONS = 64
TURN = 10  # Seconds for which the load keeps its connections, and of a reload.
PAUSE = 0.02  # Seconds that each of the other senders waits after an answer.
PEAK_SECONDS, PEAK_MOST = 5, 600_000
WARM_UP = 0.2  # Of the time.
GROWTH = 2.0  # MiB that the last third may take more than the first one.
LOG_MAX = 16.0  # MiB of SQLite's log, which is to begin anew every thousand pages.
STEADY = oracle.source("steady", "dentrix", id_prefix="steady")


class Paced(load.Mixed):
    """Senders that take their time."""

    pause = threading.Event()

    def make(self):
        """A body, after a while."""
        self.pause.wait(PAUSE)
        return super().make()


class Steady:
    """The load of `make bench`, turn by turn: how many webhooks it has sent, all of which must be answered 200."""

    def __init__(self, server):
        self.server, self.sent = server, 0

    def run(self, seconds, most, rate=0):
        """Post for a while, and return how many webhooks a second were answered."""
        command = [LOAD, "-c", CONNECTIONS, "-s", seconds, "-n", most, "-r", rate, "-f", self.sent, self.server.public.rpartition(":")[2],
                   self.server.path(STEADY.name)]
        done = subprocess.run([str(word) for word in command], env={**os.environ, "BENCH_SECRET": STEADY.secret}, stdout=subprocess.PIPE, check=True)
        result = json.loads(done.stdout)
        assert result["ok"] == result["answers"], result
        self.sent += result["ok"]
        return result["rate"]

    def check(self):
        """Find each number that was sent once."""
        seen = bytearray(self.sent)
        with closing(sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True)) as db:
            for (name,) in db.execute("SELECT json_extract(detail, '$.metadata.externalId') FROM events WHERE origin = ?", [STEADY.name]):
                seen[int(name.removeprefix("DX-"))] += 1
        assert seen == b"\1" * self.sent


def descriptors(server):
    """How many files, sockets and so on are open."""
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def sample(server):
    """What the server takes now: MiB of anonymous memory, descriptors, threads, MiB of SQLite's log and of its file."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    log, database = (os.path.getsize(f"{server.database}{end}") / 2**20 for end in ("-wal", ""))
    return {"RssAnon": int(status["RssAnon"].split()[0]) / 1024, "open": descriptors(server), "threads": int(status["Threads"]),
            "log": log, "database": database}


def check_closed(server, idle):
    """Wait until the server, which nobody talks to any more, has no more open than when nobody had."""
    deadline = time.monotonic() + wire.TIMEOUT
    while descriptors(server) > idle and time.monotonic() < deadline:
        time.sleep(0.1)
    assert descriptors(server) == idle


def look(server):
    """Ask as a monitor would."""
    assert server.ask("GET", "/readyz", face="private").status == 200
    server.metrics()


def soak(server, steady, rate):
    """Run the load, turn by turn, and sample the server in the middle of each."""
    samples, failures, over = [], [], threading.Event()

    def watch():
        try:
            while not over.wait(TURN / 4):
                look(server)
                samples.append({"seconds": time.monotonic() - began, "webhooks": steady.sent, **sample(server)})
                print_row(samples[-1])
        except Exception as failure:  # noqa: BLE001
            failures.append(failure)

    began, reloads = time.monotonic(), 0
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        while time.monotonic() - began < SECONDS and not failures:
            server.process.send_signal(signal.SIGHUP)
            reloads += 1
            steady.run(TURN, rate * TURN + 1, rate)
    finally:
        over.set()
        watcher.join()
    assert not failures, failures
    return samples, reloads


def check_level(samples):
    """Compare the last third with the first, once the caches are full."""
    samples = samples[int(len(samples) * WARM_UP):]
    third = len(samples) // 3
    for field, growth in (("RssAnon", GROWTH), ("open", load.SENDERS), ("threads", 0), ("log", 1)):
        first, last = (statistics.median(row[field] for row in rows) for rows in (samples[:third], samples[-third:]))
        print(f"{field}: median {first:.1f} in the first third, {last:.1f} in the last, at most {max(row[field] for row in samples):.1f}")
        assert last <= first + growth, field
    assert max(row["log"] for row in samples) <= LOG_MAX


def print_row(row=None):
    """A line of the table, or its head."""
    heads = ("seconds", "webhooks", "RssAnon", "open", "threads", "log", "database")
    print("".join(f"{(head if row is None else format(row[head], '.1f' if isinstance(row[head], float) else 'd')):>10}" for head in heads), flush=True)


def main():
    """Soak, print, check."""
    with load.mixed_server(STEADY) as server:
        steady = Steady(server)
        idle = descriptors(server)
        peak = steady.run(PEAK_SECONDS, PEAK_MOST)
        rate = int(peak / 2)
        print(f"peak {peak:,.0f} webhooks/s; half of it for {SECONDS} s; memory, log and database in MiB")
        print_row()
        others = Paced(server)
        samples, reloads = soak(server, steady, rate)
        others.end()
        check_closed(server, idle)
        reloaded = sum('"configuration reloaded"' in line for line in server.log.lines)
        server.restart()
        others.check()
        steady.check()
        check_level(samples)
        print(f"{steady.sent:,} webhooks of the load, {len(others.sent):,} others: {dict(others.answers)}; {reloads} reloads asked, {reloaded} done")
        print("Everything that was answered is there, once.")
    shutil.rmtree(ledger.SUITE)


if __name__ == "__main__":
    main()
