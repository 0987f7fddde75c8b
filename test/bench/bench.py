"""`make bench`: pickupd beside a bare evhttp server and others, in one run, taken in turns. Argument: the folder of the build.

Prints a table and writes bench.json beside it. Nothing here asserts a time: machines differ, and only ratios within one run count.
What it does assert is that every 200 has its row, and every row its 200. The variables are in the manual.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(sys.argv[1]).resolve()
WORK = BUILD / "bench" / "run"  # On the disk of the build: a file system in memory has nothing to sync.
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
CHOSEN = os.environ.get("BENCH_SERVERS", "abcde")
SECRET = "bench-secret-not-real"
WARM_UP = 200
COUNTED = (2_000, 12_000)  # Webhooks of the two runs under callgrind.
HOOK = "/webhooks/ehr/dentrix"
WRK = ["wrk", "-t1", "-c64", f"-d{SECONDS}", "-s", str(HERE / "post.lua")]


class Kind:
    """A server that is measured."""

    def __init__(self, title, command, path=HOOK, table=None, connections=(64,), most=120_000):
        self.title, self.command, self.path, self.table = title, command, path, table
        self.connections, self.most = connections, most  # `most`: webhooks to be signed for a second of load.


def pickupd(port, loops):
    """Write a configuration, and return the command that serves it."""
    config = WORK / "pickupd.ini"
    config.write_text(f"[server]\nlisten = 127.0.0.1:{port}\napi_listen = 127.0.0.1:0\ndatabase = {WORK}/bench.db\nloops = {loops}\n"
                      "[source dentrix]\nvendor = dentrix\nsecret_env = BENCH_SECRET\n")
    return [BUILD / "pickupd", "serve", "-c", config]


def gunicorn(port):
    """A process for each core, with one thread each: more threads were no faster, and one process was slower."""
    return ["gunicorn", "--bind", f"127.0.0.1:{port}", "--chdir", HERE, "--workers", str(os.cpu_count()), "--worker-class", "gthread",
            "--keep-alive", "60", "--log-level", "error", "app:app"]


ALL = (1, 64, 256)
KINDS = {
    "a": Kind("bare evhttp", lambda port: [BUILD / "bench/bare", str(port)], connections=ALL),
    "b": Kind("pickupd, 1 loop", lambda port: pickupd(port, 1), table="events", connections=ALL),
    "c": Kind("pickupd, loop a core", lambda port: pickupd(port, 0), table="events", connections=ALL),
    "d": Kind("webhook", lambda port: ["webhook", "-hooks", HERE / "hooks.json", "-template", "-ip", "127.0.0.1", "-port", str(port)],
              path="/hooks/dentrix"),
    "e": Kind("Flask, gunicorn", gunicorn, table="webhooks", most=20_000),
}


# What the kernel and SQLite tell of a running server.

def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tasks(pid):
    """The threads of a process and of its children, as folders of /proc."""
    found = list(Path(f"/proc/{pid}/task").iterdir())
    children = {child for task in found for child in (task / "children").read_text().split()}
    return found + [task for child in children for task in tasks(child)]


def cpu(pid):
    """Nanoseconds on a core, and those spent waiting for one, so far, by the name of the thread."""
    spent = {}
    for task in tasks(pid):
        name = (task / "comm").read_text().strip()
        ran, waited = map(int, (task / "schedstat").read_text().split()[:2])
        before = spent.get(name, (0, 0))
        spent[name] = before[0] + ran, before[1] + waited
    return spent


def memory(pid):
    """Anonymous memory now, and the highest of all memory, in MiB, with the children's."""
    total = dict.fromkeys(("RssAnon", "VmHWM"), 0.0)
    for process in {task.parent.parent for task in tasks(pid)}:
        status = (process / "status").read_text()
        for field in total:
            total[field] += int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024
    return total


def transactions():
    """How often the database has been committed to, modulo 2^32: a counter in the index of SQLite's log; None without one."""
    index = WORK / "bench.db-shm"
    return struct.unpack_from("=I", index.read_bytes(), 8)[0] if index.exists() else None


def sync_time():
    """Milliseconds that this disk takes to append and sync 4 KiB: median and 99th percentile."""
    took = []
    with (WORK / "sync").open("wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return {"p50": statistics.median(took), "p99": sorted(took)[197]}


# Measurements.

@contextlib.contextmanager
def serving(kind, launcher=()):
    """Run a server in a folder of its own and with a database of its own; yield its process and port."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    port = free_port()
    environment = {**os.environ, "BENCH_SECRET": SECRET, "BENCH_DATABASE": str(WORK / "bench.db")}
    with (WORK / "log").open("wb") as log:
        process = subprocess.Popen([*launcher, *kind.command(port)], stdout=log, stderr=log, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{kind.title} does not serve:\n" + (WORK / "log").read_text())
            time.sleep(0.02)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def load(kind, port, *, connections=64, seconds=SECONDS, most=None, rate=0, first=0):
    """Post webhooks, and return what came of it."""
    most = most or seconds * (rate + 1 if rate else kind.most if connections > 1 else 30_000)
    options = {"-c": connections, "-s": seconds, "-n": most, "-r": rate, "-f": first}
    command = [BUILD / "bench/load", *(str(word) for option in options.items() for word in option), str(port), kind.path]
    done = subprocess.run(command, env={**os.environ, "BENCH_SECRET": SECRET}, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    if result["answers"] != result["ok"]:
        raise SystemExit(f"{kind.title}: {result['answers'] - result['ok']} answers were not 200:\n" + (WORK / "log").read_text()[-2000:])
    return result


def check_rows(kind, oks):
    """Hold the answers against the rows, once the server has stopped."""
    if kind.table is None:
        return
    with contextlib.closing(sqlite3.connect(f"file:{WORK}/bench.db?mode=ro", uri=True)) as db:
        rows = db.execute(f"SELECT count(*) FROM {kind.table}").fetchone()[0]
    if rows != oks:
        raise SystemExit(f"{kind.title}: {oks} answers were 200, but there are {rows} rows")


def measure(letter, connections, rate=0):
    """One measurement of one server, from its start to its end."""
    kind = KINDS[letter]
    with serving(kind) as (process, port):
        warm_up = load(kind, port, connections=connections, most=WARM_UP)
        spent, commits = cpu(process.pid), transactions()
        result = load(kind, port, connections=connections, rate=rate, first=WARM_UP)
        threads = {name: [time - before for time, before in zip(times, spent.get(name, (0, 0)))]
                   for name, times in cpu(process.pid).items()}
        result |= memory(process.pid)
        if commits is not None:
            result["batch"] = result["ok"] / ((transactions() - commits) % 2**32)
    check_rows(kind, warm_up["ok"] + result["ok"])
    result["cpu"] = {name: ran / 1000 / result["ok"] for name, (ran, _) in threads.items()}  # Microseconds a webhook, as
    result["waited"] = {name: waited / 1000 / result["ok"] for name, (_, waited) in threads.items()}  # is waiting for a core.
    return {"server": letter, "connections": connections, "half": bool(rate), **result}


def by_wrk():
    """The bare server's rate under wrk, which says what our own load costs beside it."""
    with serving(KINDS["a"]) as (_, port):
        done = subprocess.run([*WRK, f"http://127.0.0.1:{port}{HOOK}"], stdout=subprocess.PIPE, text=True, check=True)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def instructions(letter):
    """User instructions a webhook: the difference of two runs under callgrind, so that start and end do not count."""
    totals = []
    for count in COUNTED:
        out = BUILD / f"bench/callgrind.{letter}.{count}"
        with serving(KINDS[letter], ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]) as (_, port):
            result = load(KINDS[letter], port, most=count, seconds=600)
        check_rows(KINDS[letter], result["ok"])
        totals.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1]))
    return (totals[1] - totals[0]) / (COUNTED[1] - COUNTED[0])


def one_round(number):
    """Every server once with each number of connections, and (a) and (b) at half of what (b) could take; the order is turned each time."""
    letters = [letter for letter in KINDS if letter in "ab" + CHOSEN]
    letters = letters[number % len(letters):] + letters[:number % len(letters)]
    taken = [measure(letter, connections) for connections in ALL for letter in letters if connections in KINDS[letter].connections]
    peak = next(taking["rate"] for taking in taken if (taking["server"], taking["connections"]) == ("b", 64))
    taken += [measure(letter, 64, rate=int(peak / 2)) for letter in letters if letter in "ab"]
    return {"taken": taken, "wrk": by_wrk(), "sync_ms": sync_time()}


# The report.

def spread(values, form="{:,.0f}"):
    """A median with the lowest and the highest."""
    return f"{form} ({form}..{form})".format(statistics.median(values), min(values), max(values))


def rows_of(rounds):
    """For each server and load: its measurements, and the ratio of each to the bare server's of the same round."""
    rows = {}
    for taken in (one["taken"] for one in rounds):
        bare = {(taking["connections"], taking["half"]): taking["rate"] for taking in taken if taking["server"] == "a"}
        for taking in taken:
            key = taking["half"], taking["connections"], taking["server"]
            rows.setdefault(key, []).append({**taking, "ratio": taking["rate"] / bare[key[1], key[0]]})
    return dict(sorted(rows.items()))


def print_table(rows):
    """A line for each server and load; medians, and in brackets the lowest and the highest."""
    head = ("connections", "server", "webhooks/s", "of (a)", "p50 ms", "p99 ms", "p99.9 ms", "CPU us", "batch", "RssAnon", "VmHWM MiB")
    lines = [head]
    for (half, connections, letter), takings in rows.items():
        def middle(field):
            return statistics.median(taking[field] for taking in takings)
        lines.append((
            f"{connections}{' at a rate' if half else ''}", f"({letter}) {KINDS[letter].title}",
            spread([taking["rate"] for taking in takings]), spread([taking["ratio"] for taking in takings], "{:.3f}"),
            *(f"{middle(field):.2f}" for field in ("p50", "p99", "p999")),
            f"{statistics.median(sum(taking['cpu'].values()) for taking in takings):.1f}",
            f"{middle('batch'):.1f}" if "batch" in takings[0] else "", f"{middle('RssAnon'):.1f}", f"{middle('VmHWM'):.1f}"))
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def print_threads(takings):
    """What the threads of (b) do: a loop that is not busy waits for the load, the disk or a core."""
    for name in takings[0]["cpu"]:
        def share(field):
            return spread([taking[field].get(name, 0) * taking["rate"] / 1e4 for taking in takings])
        print(f"(b) at 64, thread {name}:", spread([taking["cpu"].get(name, 0) for taking in takings], "{:.1f}"), "us a webhook; on a core for",
              share("cpu"), "% of the time, waiting for one", share("waited"), "%")


def main():
    """Measure, print, write."""
    rounds = []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", flush=True)
        rounds.append(one_round(number))
    print("callgrind", flush=True)
    counted = {letter: instructions(letter) for letter in "ab"}
    rows = rows_of(rounds)
    print()
    print_table(rows)
    print("\nMedians of", ROUNDS, "rounds of", SECONDS, "s (lowest..highest); webhook stores nothing; \"at a rate\" is half of what (b) took at 64.")
    print_threads(rows[False, 64, "b"])
    print("(a) at 64 under wrk:", spread([one["wrk"] for one in rounds]), "requests/s")
    print("a sync of 4 KiB:", spread([one["sync_ms"]["p50"] for one in rounds], "{:.2f}"), "ms, p99",
          spread([one["sync_ms"]["p99"] for one in rounds], "{:.2f}"), "ms")
    print(f"user instructions a webhook: (a) {counted['a']:,.0f}, (b) {counted['b']:,.0f}, ratio {counted['b'] / counted['a']:.2f}")
    print("Every 200 had its row, and every row its 200.")
    machine = {"cores": os.cpu_count(), "system": " ".join(os.uname()[i] for i in (0, 2, 4)), "sqlite": sqlite3.sqlite_version}
    text = json.dumps({"machine": machine, "seconds": SECONDS, "instructions": counted, "rounds": rounds}, indent=1)
    (BUILD / "bench.json").write_text(text + "\n")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
