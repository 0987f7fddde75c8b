"""`make bench`: pickupd beside a bare evhttp server and others, in one run, taken in turns. Argument: the folder of the build.

$BENCH names the parts to run, by default all. Each prints a table; bench.json has every measurement. Nothing here asserts a time:
machines differ, and only ratios within one run count. What it does assert is that every 200 has its row, and every row its 200.
The variables are in the manual.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import secrets
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
DISK = WORK / "disk.json"  # What disk.so has counted.
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
CHOSEN = os.environ.get("BENCH_SERVERS", "abcdef")
SECRET = "bench-secret-not-real"
EVENTS = int(os.environ.get("BENCH_EVENTS", 5_000_000))
OPEN = 1_000  # Connections whose memory is asked for.
WARM_UP = 200
CLAIMERS = 4  # Processes that claim and ack.
TOKEN = "bench-token-not-real"
COUNTED = (2_000, 12_000)  # Webhooks of the two runs under callgrind.
HOOK = "/webhooks/ehr/dentrix"
WRK = ["wrk", "-t1", "-c64", f"-d{SECONDS}", "-s", str(HERE / "post.lua")]


class Kind:
    """A server that is measured."""

    def __init__(self, title, command, path=HOOK, table=None, connections=(64,), most=120_000):
        self.title, self.command, self.path, self.table = title, command, path, table
        self.connections, self.most = connections, most  # `most`: webhooks to be signed for a second of load.


def pickupd(port, loops, sealed=False):
    """Write a configuration, and return the command that serves it."""
    config, keys = WORK / "pickupd.ini", WORK / "keys"
    keys.touch(0o600)
    keys.write_text(f"k1 {base64.b64encode(secrets.token_bytes(32)).decode()}\n")
    config.write_text(f"[server]\nlisten = 127.0.0.1:{port}\napi_listen = 127.0.0.1:0\ndatabase = {WORK}/bench.db\nloops = {loops}\n"
                      + (f"seal_key_file = {keys}\n" if sealed else "") +
                      "flows = off\n"  # What is measured is receiving, and handing on to others.
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
    "f": Kind("pickupd, 1 loop, sealed", lambda port: pickupd(port, 1, True), table="events"),
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
def serving(kind, launcher=(), database=None):
    """Run a server in a folder of its own, with a new database or one that is moved there and back; yield its process and port."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if database:
        database.rename(WORK / "bench.db")
    port = free_port()
    environment = {**os.environ, "BENCH_SECRET": SECRET, "PICKUPD_API_TOKEN": TOKEN, "BENCH_DATABASE": str(WORK / "bench.db")}
    if kind.table == "events":
        library = "slow.so" if launcher else "disk.so"
        environment |= {"LD_PRELOAD": str(BUILD / "bench" / library), "BENCH_DISK": str(DISK)}
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
        if database:
            (WORK / "bench.db").rename(database)


def load_command(kind, port, options):
    """The command of a load, whose bodies are signed for `serving`."""
    return ["env", f"BENCH_SECRET={SECRET}", BUILD / "bench/load", *(str(word) for option in options.items() for word in option),
            str(port), kind.path]


def load(kind, port, *, connections=64, seconds=SECONDS, most=None, rate=0, first=0):
    """Post webhooks, and return what came of it."""
    most = most or seconds * (rate + 1 if rate else kind.most if connections > 1 else 30_000)
    command = load_command(kind, port, {"-c": connections, "-s": seconds, "-n": most, "-r": rate, "-f": first})
    result = json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)
    if result["answers"] != result["ok"]:
        raise SystemExit(f"{kind.title}: {result['answers'] - result['ok']} answers were not 200:\n" + (WORK / "log").read_text()[-2000:])
    return result


def rows_in(database, table):
    """How many rows a table has, while no server runs."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def check_rows(kind, oks, database=WORK / "bench.db"):
    """Hold the answers against the rows, once the server has stopped."""
    if kind.table is not None and (rows := rows_in(database, kind.table)) != oks:
        raise SystemExit(f"{kind.title}: there should be {oks} rows, one for each 200, but there are {rows}")


def measure(letter, connections=64, rate=0, database=None, first=0):
    """One measurement of one server, from its start to its end. A database that is given may be used again, with other bodies."""
    kind = KINDS[letter]
    before = rows_in(database, kind.table) if database else 0
    with serving(kind, database=database) as (process, port):
        warm_up = load(kind, port, connections=connections, most=WARM_UP, first=first)
        spent, commits = cpu(process.pid), transactions()
        result = load(kind, port, connections=connections, rate=rate, first=first + WARM_UP)
        threads = {name: [time - before for time, before in zip(times, spent.get(name, (0, 0)))]
                   for name, times in cpu(process.pid).items()}
        result |= memory(process.pid)
        if commits is not None:
            result["batch"] = result["ok"] / ((transactions() - commits) % 2**32)
    oks = warm_up["ok"] + result["ok"]
    check_rows(kind, before + oks, database or WORK / "bench.db")
    if DISK.exists():
        disk = json.loads(DISK.read_text())
        result["disk"] = disk | {field: disk[field] / oks for field in ("log_bytes", "database_bytes")}  # The bytes are a webhook's.
    result["cpu"] = {name: ran / 1000 / result["ok"] for name, (ran, _) in threads.items()}  # Microseconds a webhook, as
    result["waited"] = {name: waited / 1000 / result["ok"] for name, (_, waited) in threads.items()}  # is waiting for a core.
    return {"server": letter, "connections": connections, **result}


def by_wrk():
    """The bare server's rate under wrk, which says what our own load costs beside it."""
    with serving(KINDS["a"]) as (_, port):
        done = subprocess.run([*WRK, f"http://127.0.0.1:{port}{HOOK}"], stdout=subprocess.PIPE, text=True, check=True)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def instructions(letter):
    """User instructions a webhook, and webhooks a transaction: the differences of two runs under callgrind, so that start and end do not count."""
    totals, commits = [], []
    for count in COUNTED:
        out = BUILD / f"bench/callgrind.{letter}.{count}"
        with serving(KINDS[letter], ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]) as (_, port):
            result = load(KINDS[letter], port, most=count, seconds=600)
            commits.append(transactions())
        check_rows(KINDS[letter], result["ok"])
        totals.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1]))
    webhooks = COUNTED[1] - COUNTED[0]
    return {"instructions": (totals[1] - totals[0]) / webhooks, "batch": webhooks / (commits[1] - commits[0]) if commits[0] else None}


def private_address():
    """Where the running server's private face listens."""
    return re.search(r'"face":"private","address":"([^"]+)"', (WORK / "log").read_text())[1]


def make_consumer(address):
    """A consumer that begins with the first event."""
    connection = http.client.HTTPConnection(address)
    connection.request("PUT", "/v1/consumers/bench", '{"from":"start"}', {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    if connection.getresponse().status != 201:
        raise SystemExit("the consumer could not be made")


def hand_on(rate, backlog):
    """Claims and acks of a backlog while webhooks come at that rate; and the same statements alone, on the same events."""
    kind = KINDS["c"]
    with serving(kind) as (_, port):
        filled = load(kind, port, most=backlog, seconds=600)
        address = private_address()
        make_consumer(address)
        claimer = [sys.executable, HERE / "claimer.py", address, str(SECONDS)]
        crew = [subprocess.Popen(claimer, stdout=subprocess.PIPE, env={**os.environ, "PICKUPD_API_TOKEN": TOKEN}) for _ in range(CLAIMERS)]
        posted = load(kind, port, rate=rate, first=backlog)
        acked = sum(int(worker.communicate()[0]) for worker in crew)
    check_rows(kind, filled["ok"] + posted["ok"])
    ceiling = json.loads(subprocess.run([BUILD / "bench/claims", WORK / "bench.db"], stdout=subprocess.PIPE, check=True).stdout)
    return {"acked": acked / SECONDS, "ceiling": ceiling["rate"], "p99": posted["p99"], "webhooks": posted["rate"]}


def rotated(letters, number):
    """The order of a round: another begins each time."""
    return letters[number % len(letters):] + letters[:number % len(letters)]


def rounds_of(one_round):
    """The results of all rounds."""
    results = []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", flush=True)
        results.append(one_round(number))
    return results


# What is printed.

def spread(values, form="{:,.0f}"):
    """A median with the lowest and the highest."""
    return f"{form} ({form}..{form})".format(statistics.median(values), min(values), max(values))


def middle(takings, *path):
    """The median of a field; None if the measurements have none."""
    values = []
    for taking in takings:
        for name in path:
            taking = taking.get(name, {})
        if taking != {}:
            values.append(taking)
    return statistics.median(values) if values else None


def threads_of(takings):
    """The share of a core that each thread had, and behind the + what it waited for one; loops are counted together, and so is the load."""
    def share(field, name):
        return statistics.median(taking[field].get(name, 0) * taking["rate"] / 1e4 for taking in takings)
    names = sorted(takings[0]["cpu"], key=lambda name: -share("cpu", name))
    shares = [f"{name} {share('cpu', name):.0f}+{share('waited', name):.0f}" for name in names if share("cpu", name) >= 1]
    return ", ".join([*shares, f"load {100 * middle(takings, 'load'):.0f}"])


def print_table(lines):
    """Columns side by side; the first line is the head."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def cell(form, value):
    """A number, or nothing."""
    return "" if value is None else form.format(value)


def disk_cells(takings):
    """What a transaction and the disk say, of a server that has them."""
    return (cell("{:.1f}", middle(takings, "batch")), cell("{:,.0f}", middle(takings, "disk", "log_bytes")),
            cell("{:,.0f}", middle(takings, "disk", "database_bytes")), cell("{:.2f}", middle(takings, "disk", "sync_p50")),
            cell("{:.2f}", middle(takings, "disk", "sync_p99")))


DISK_HEAD = ("batch", "log B", "file B", "sync ms", "p99")


# The parts.

def throughput():
    """Every server with each number of connections."""
    letters = [letter for letter in KINDS if letter in "a" + CHOSEN]

    def one_round(number):
        taken = [measure(letter, connections) for connections in ALL for letter in rotated(letters, number)
                 if connections in KINDS[letter].connections]
        return {"taken": taken, "wrk": by_wrk(), "sync_ms": sync_time()}

    rounds = rounds_of(one_round)
    lines = [("connections", "server", "webhooks/s", "of (a)", "p50 ms", "p99", "p99.9", "CPU us", *DISK_HEAD, "RssAnon", "VmHWM MiB", "threads, % of a core")]
    for connections in ALL:
        of_bare = [taking["rate"] for one in rounds for taking in one["taken"] if (taking["server"], taking["connections"]) == ("a", connections)]
        for letter in letters:
            takings = [taking for one in rounds for taking in one["taken"] if (taking["server"], taking["connections"]) == (letter, connections)]
            if takings:
                lines.append((
                    str(connections), f"({letter}) {KINDS[letter].title}", spread([taking["rate"] for taking in takings]),
                    spread([taking["rate"] / bare for taking, bare in zip(takings, of_bare)], "{:.3f}"),
                    *(f"{middle(takings, field):.2f}" for field in ("p50", "p99", "p999")),
                    f"{statistics.median(sum(taking['cpu'].values()) for taking in takings):.1f}", *disk_cells(takings),
                    f"{middle(takings, 'RssAnon'):.1f}", f"{middle(takings, 'VmHWM'):.1f}", threads_of(takings)))
    print_table(lines)
    print("webhook stores nothing. (a) at 64 under wrk:", spread([one["wrk"] for one in rounds]), "requests/s. A sync of 4 KiB:",
          spread([one["sync_ms"]["p50"] for one in rounds], "{:.2f}"), "ms, p99", spread([one["sync_ms"]["p99"] for one in rounds], "{:.2f}"))
    return {"rounds": rounds}


def half():
    """(a) and (b) at half of what (b) takes in the same round, each webhook at its time."""
    def one_round(number):
        peak = measure("b")["rate"]
        return {"peak": peak, "taken": [measure(letter, rate=int(peak / 2)) for letter in rotated("ab", number)]}

    rounds = rounds_of(one_round)
    lines = [("server", "webhooks/s", "p50 ms", "p99", "p99.9", "longest", "checkpoints", "longest ms", "threads, % of a core")]
    by_letter = {letter: [taking for one in rounds for taking in one["taken"] if taking["server"] == letter] for letter in "ab"}
    for letter, takings in by_letter.items():
        lines.append((f"({letter}) {KINDS[letter].title}", spread([taking["rate"] for taking in takings]),
                      *(spread([taking[field] for taking in takings], "{:.2f}") for field in ("p50", "p99", "p999", "max")),
                      cell("{:.0f}", middle(takings, "disk", "checkpoints")), cell("{:.1f}", middle(takings, "disk", "checkpoint_max")),
                      threads_of(takings)))
    print_table(lines)
    print("p99 of (b) to that of (a) in the same round:",
          spread([taking["p99"] / bare["p99"] for taking, bare in zip(by_letter["b"], by_letter["a"])], "{:.2f}"))
    return {"rounds": rounds}


def open_connections():
    """Anonymous memory before and while OPEN connections are open that have posted a webhook each."""
    kind = KINDS["c"]
    with serving(kind) as (process, port):
        idle = memory(process.pid)
        command = load_command(kind, port, {"-c": OPEN, "-n": OPEN})
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as posting:
            posted = json.loads(posting.stdout.readline())
            held = memory(process.pid)
    check_rows(kind, OPEN)
    return {"idle": idle["RssAnon"], "open": held["RssAnon"], "ok": posted["ok"]}


def connections():
    """What open connections cost in memory."""
    rounds = rounds_of(lambda _: open_connections())
    print(f"RssAnon of pickupd: {spread([one['idle'] for one in rounds], '{:.1f}')} MiB at first, {spread([one['open'] for one in rounds], '{:.1f}')}"
          f" MiB with {OPEN:,} connections open, each of which has posted a webhook")
    return {"rounds": rounds}


def grow(database):
    """A database of EVENTS events, kept for the next run. Its index of ids has grown in random order, as it does in service.

    So it is 90 % full; one that is built afterwards is 99.7 % full, and its first inserts split pages.
    """
    with serving(KINDS["b"]) as (_, port):
        load(KINDS["b"], port, most=1)
    growing = database.with_suffix(".growing")
    shutil.move(WORK / "bench.db", growing)
    with contextlib.closing(sqlite3.connect(growing, isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("INSERT INTO events (id, origin, source, detail_type, org, time, detail)"
                   " WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                   " SELECT randomblob(16), origin, source, detail_type, org, time + i, detail FROM n, (SELECT * FROM events WHERE seq = 1)",
                   (EVENTS - 1,))
        db.execute("PRAGMA journal_mode = WAL")
    growing.rename(database)


def big():
    """(b) and (c) with $BENCH_EVENTS events in the database beside an empty one. It is copied once: what a run adds is little."""
    database, copy = BUILD / f"bench/{EVENTS}.db", BUILD / "bench/copy/bench.db"
    if not database.exists():
        print(f"growing a database of {EVENTS:,} events", flush=True)
        grow(database)
    copy.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "--reflink=auto", database, copy], check=True)
    os.sync()

    def one_round(number):
        taken = []
        for letter in "bc":
            for filled in rotated([False, True], number):
                first = 10**6 * (1 + 2 * number + (letter == "c"))
                taken.append(measure(letter, database=copy if filled else None, first=first) | {"filled": filled})
        return {"taken": taken}

    rounds = rounds_of(one_round)
    shutil.rmtree(copy.parent)
    lines = [("server", "events", "webhooks/s", "of the empty one", "p99 ms", "p99.9", *DISK_HEAD, "checkpoint ms", "RssAnon", "threads, % of a core")]
    for letter in "bc":
        by_fill = [[taking for one in rounds for taking in one["taken"] if (taking["server"], taking["filled"]) == (letter, filled)]
                   for filled in (False, True)]
        for filled, takings in enumerate(by_fill):
            lines.append((f"({letter}) {KINDS[letter].title}", f"{EVENTS * filled:,}", spread([taking["rate"] for taking in takings]),
                          spread([taking["rate"] / empty["rate"] for taking, empty in zip(takings, by_fill[0])], "{:.3f}"),
                          f"{middle(takings, 'p99'):.2f}", f"{middle(takings, 'p999'):.2f}", *disk_cells(takings),
                          f"{middle(takings, 'disk', 'checkpoint_max'):.1f}", f"{middle(takings, 'RssAnon'):.1f}", threads_of(takings)))
    print_table(lines)
    return {"events": EVENTS, "rounds": rounds}


def count_instructions():
    """User instructions a webhook of (a) and (b)."""
    counted = {letter: instructions(letter) for letter in "ab"}
    bare, ours = (counted[letter]["instructions"] for letter in "ab")
    print(f"user instructions a webhook: (a) {bare:,.0f}, (b) {ours:,.0f} in batches of {counted['b']['batch']:.1f}, ratio {ours / bare:.2f}")
    return counted


def claims():
    """Claims and acks in batches of 100 by several workers, while webhooks come at a quarter of the peak of the same round."""
    rounds = rounds_of(lambda _: hand_on(int(measure("c")["rate"] / 4), 100_000 + 40_000 * SECONDS))
    print_table([("events/s", "of the statements alone", "webhooks/s beside", "their p99 ms"),
                 (spread([one["acked"] for one in rounds]), spread([one["acked"] / one["ceiling"] for one in rounds], "{:.3f}"),
                  spread([one["webhooks"] for one in rounds]), spread([one["p99"] for one in rounds], "{:.2f}"))])
    print("the statements alone, without HTTP, JSON and other threads:", spread([one["ceiling"] for one in rounds]), "events/s")
    return {"rounds": rounds}


PARTS = {"throughput": throughput, "half": half, "memory": connections, "big": big, "instructions": count_instructions, "claims": claims}


def main():
    """Measure, print, write."""
    names = os.environ.get("BENCH", "").split() or list(PARTS)
    if unknown := set(names) - set(PARTS):
        raise SystemExit(f"BENCH: there is no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    results = {}
    for name in names:
        print(f"\n{name}: {PARTS[name].__doc__}", flush=True)
        results[name] = PARTS[name]()
    print(f"\nMedians of {ROUNDS} rounds of {SECONDS} s (lowest..highest). Every 200 had its row, and every row its 200.",
          f"Load average of the last 15 minutes, with our own of about 2: {os.getloadavg()[2]:.1f}.")
    machine = {"cores": os.cpu_count(), "system": " ".join(os.uname()[i] for i in (0, 2, 4)), "sqlite": sqlite3.sqlite_version}
    (BUILD / "bench.json").write_text(json.dumps({"machine": machine, "seconds": SECONDS, **results}, indent=1) + "\n")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
