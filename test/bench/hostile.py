"""How honest webhooks fare while others misbehave, in one run. Argument: the folder of the build, with bench/load in it.

    python3 test/bench/hostile.py build

Prints a table: the latency of webhooks at a quarter of the peak rate, calm and during each attack. Every 200 is held against its row.
Needs slowhttptest and ab (apache2-utils) beside what `make bench` needs.
"""

import contextlib
import os
import resource
import socket
import subprocess
import tempfile

import bench

IDLE = 10_000
SLOW = 1_000
STRANGER = "127.0.0.2"  # Another address than that of the honest load.
SETTINGS = {"max_connections": IDLE + SLOW, "request_timeout": "60s"}
STRICT = {**SETTINGS, "address_rate": 10, "trusted_proxies": "127.0.0.1"}  # Whoever comes from there is not known, and has no limit.
PICKUPD = bench.KINDS["c"]


def kind(settings):
    """pickupd with a loop for each core and further settings."""
    def command(port):
        words = bench.pickupd(port, 0)
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        words[-1].write_text(words[-1].read_text().replace("[source", lines + "[source", 1))
        return words
    return bench.Kind("pickupd", command, table=PICKUPD.table)


@contextlib.contextmanager
def running(*command):
    """Another program beside the load, for as long as that takes."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        if process.poll() not in (None, 0):
            raise SystemExit(f"{command[0]} failed")
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def calm(_port):
    """Nobody else."""
    yield


@contextlib.contextmanager
def slow_heads(port):
    """slowhttptest, whose connections each send a header now and then."""
    with running("slowhttptest", "-H", "-c", SLOW, "-r", SLOW, "-i", 1, "-l", 10 * bench.SECONDS, "-u", f"http://127.0.0.1:{port}{bench.HOOK}"):
        yield


@contextlib.contextmanager
def idle(port):
    """Connections that say nothing, from many addresses."""
    with contextlib.ExitStack() as crowd:
        for number in range(IDLE):
            crowd.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", port), 10, (f"127.0.0.{2 + number % 50}", 0))))
        yield


@contextlib.contextmanager
def forged(port):
    """Webhooks with a wrong signature, as fast as they are refused."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"{}".ljust(300))
        body.flush()
        with running("ab", "-q", "-r", "-k", "-B", STRANGER, "-c", 64, "-t", 10 * bench.SECONDS, "-n", 2_000_000, "-p", body.name, "-T", "application/json",
                     "-H", "X-Dentrix-Signature: " + "00" * 32, f"http://127.0.0.1:{port}{bench.HOOK}"):
            yield


ATTACKS = {"calm": (calm, SETTINGS), f"{SLOW:,} slow heads": (slow_heads, SETTINGS), f"{IDLE:,} idle connections": (idle, SETTINGS),
           "flood of forged webhooks": (forged, SETTINGS), "the same, 10 a second allowed": (forged, STRICT)}


def measure(attack, settings, rate):
    """One attack on a server of its own."""
    served = kind(settings)
    with bench.serving(served) as (process, port):
        warm_up = bench.load(served, port, most=bench.WARM_UP)
        with attack(port):
            result = bench.load(served, port, rate=rate, first=bench.WARM_UP)
            result |= bench.memory(process.pid)
    bench.check_rows(served, warm_up["ok"] + result["ok"])
    return result


def main():
    """Measure and print."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < IDLE + 2 * SLOW:
        raise SystemExit(f"the hard limit of open files is {hard}: raise it above {IDLE + 2 * SLOW}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rate = int(measure(calm, SETTINGS, 0)["rate"] / 4)
    rows = {title: [] for title in ATTACKS}
    for number in range(bench.ROUNDS):
        print(f"round {number + 1} of {bench.ROUNDS}", flush=True)
        for title, (attack, settings) in ATTACKS.items():
            rows[title].append(measure(attack, settings, rate))
    print(f"\nMedians of {bench.ROUNDS} rounds (lowest..highest); {rate:,} honest webhooks a second; {os.cpu_count()} cores.")
    print(f"{'':30}  {'p50 ms':22}  {'p99 ms':22}  {'p99.9 ms':22}  RssAnon MiB")
    for title, results in rows.items():
        cells = [bench.spread([result[field] for result in results], "{:.2f}").ljust(22) for field in ("p50", "p99", "p999")]
        print(f"{title:30}  {'  '.join(cells)}  {max(result['RssAnon'] for result in results):.1f}")
    print("Every 200 had its row, and every row its 200.")


if __name__ == "__main__":
    main()
