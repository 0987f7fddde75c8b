"""Many workers, killed at random: every event is acked, none is held by two at once; the workers to copy do their work."""
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import harness
import load
import pytest
import wire
from test_consumers import Consumer, add, ids

HERE = Path(__file__).parent
WORKERS = 8
EVENTS = 600
CONTRIB = HERE.parents[1] / "contrib"


class Crew:
    """Processes that claim and ack, each with a log of its own."""

    def __init__(self, server, consumer):
        self.server, self.consumer = server, consumer
        self.processes, self.logs = [], []

    def hire(self):
        """Start one more."""
        log = self.server.directory / f"worker-{len(self.logs)}.log"
        self.logs.append(log)
        self.processes.append(subprocess.Popen([sys.executable, HERE / "claimer.py", self.server.private, self.server.token, self.consumer.name, log]))

    def dismiss(self, process):
        """Kill one, whatever it is doing."""
        process.kill()
        process.wait(wire.TIMEOUT)
        self.processes.remove(process)

    def lines(self):
        """All that was written down; a line that a kill has cut does not count."""
        for log in self.logs:
            for line in log.read_text().splitlines() if log.exists() else ():
                if line.endswith("}"):
                    yield json.loads(line)

    def acked(self):
        """The seqs that the server has confirmed."""
        return [line["seq"] for line in self.lines() if line.get("acked")]

    def held(self):
        """For each lease the time in which it was surely held."""
        spans = {}
        for line in self.lines():
            spans[line["seq"], line["lease"]] = (line["from"], line["until"])
        return spans


def check_leases(spans):
    """No two leases of one event overlap."""
    by_event = {}
    for (seq, lease), span in spans.items():
        by_event.setdefault(seq, []).append((*span, lease))
    for seq, held in by_event.items():
        held.sort()
        for (_, until, one), (start, _, other) in zip(held, held[1:]):
            assert until <= start, f"event {seq} was held by {one} until {until} and by {other} from {start}"


def test_killed_workers():
    """Workers die in the middle of their work, and so does the server; in the end every event was acked."""
    dice = random.Random(5)
    with harness.Server() as server:
        consumer = Consumer(server, leaseSeconds=2, maxAttempts=1000)
        crew = Crew(server, consumer)
        for _ in range(WORKERS):
            crew.hire()
        sending = load.Load(server)
        for _ in range(20):
            sending.wait_accepted(EVENTS // 20)
            crew.dismiss(dice.choice(crew.processes))
            crew.hire()
        sending.end()
        wanted = {row["seq"] for row in server.events()}
        for process in list(crew.processes):
            crew.dismiss(process)
        server.kill()
        server.start()
        crew.hire()
        deadline = time.monotonic() + 10 * wire.TIMEOUT
        while (row := consumer.look())["lag"] or row["inFlight"] or row["waiting"]:
            assert time.monotonic() < deadline and crew.processes[-1].poll() is None, row
            consumer.claim(max=1, waitSeconds=1)  # What this takes expires in two seconds, and the worker has it then.
        for process in list(crew.processes):
            crew.dismiss(process)
        left = {row["seq"] for row in server.query("SELECT seq FROM claims WHERE consumer <> 1")}
        assert not left and wanted >= set(crew.acked())
        check_leases(crew.held())


def test_order_with_one_worker():
    """One worker that acks what it claims gets the log in its order, without gaps."""
    with harness.Server() as server:
        consumer = Consumer(server)
        events = add(server, 50)
        seen = []
        while claims := consumer.claim(max=7):
            seen += ids(claims)
            consumer.results("ack", claims)
        assert seen == events


@pytest.mark.parametrize("script", ["worker.py", "worker.sh"])
def test_workers_to_copy(script):
    """They hand each event to a command; its exit code says what becomes of it."""
    with harness.Server() as server:
        consumer = Consumer(server)
        good, bad, never = add(server, 3)
        taken = server.directory / "taken"
        command = f'event=$(cat); printf "%s\\n" "$event" >>{taken}; case $event in *{bad}*) exit 1;; *{never}*) exit 65;; esac'
        done = subprocess.run([CONTRIB / script, "--until-empty", consumer.name, "sh", "-c", command], timeout=6 * wire.TIMEOUT, check=False,
                              capture_output=True, env={**os.environ, "PICKUPD_API": f"http://{server.private}", "PICKUPD_API_TOKEN": server.token})
        assert done.returncode == 0, done.stderr
        tried = [json.loads(line)["id"] for line in taken.read_text().splitlines()]
        assert list(dict.fromkeys(tried)) == [good, bad, never]  # On a slow machine `bad` may be due again before the end.
        [letter] = consumer.dead()
        assert (letter["event"]["id"], letter["history"][0]["error"]) == (never, "exit code 65")
        row = consumer.look()
        assert (row["waiting"], row["inFlight"], row["dead"], row["lag"]) == (1, 0, 1, 0)
