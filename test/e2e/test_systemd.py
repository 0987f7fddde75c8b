"""Under a service manager: what it is told, the watchdog, restarts that refuse nobody, and the unit itself."""
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

import disk
import harness
import ledger
import oracle
import supervisor
import wire

UNITS = [harness.ROOT / "contrib" / name for name in ("pickupd.service", "pickupd.socket", "pickupd-api.socket")]
EXPOSURE_MAX = 15  # Tenths of what systemd-analyze calls the exposure.
SERVING = "Serving 3 sources"
RESTARTS = 4


def good():
    """A body unlike any other."""
    return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh()))


def test_told():
    """It says when it is ready, that it reloads and when it is through with it, even if in vain, and that it stops."""
    with supervisor.Service(abstract=True) as service:
        ready = service.wait_told("READY", "1")
        assert not any({"STOPPING", "RELOADING", "WATCHDOG"} & fields.keys() for fields in service.told)
        service.wait_told("STATUS", SERVING)
        for damage in ("", "[nonsense"):
            service.more = damage
            service.write_config()
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            service.process.send_signal(signal.SIGHUP)
            reloading = service.wait_told("RELOADING", "1", ready + 1)
            assert before <= int(service.told[reloading]["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            ready = service.wait_told("READY", "1", reloading)
        service.stop()
        service.wait_told("STOPPING", "1", ready)
        assert service.told[-1] == {"STOPPING": "1"}


def test_watchdog_and_a_disk_that_hangs():
    """The watchdog is fed, also while the disk does not answer, which the status says; it is meant for one process only."""
    service = supervisor.Service(watchdog=200_000, settings={"queue_wait": "1s"})
    slow = disk.Disk(service)
    with service:
        service.wait_told("STATUS", SERVING)
        fed = service.wait_told("WATCHDOG", "1")
        with slow.hanging():
            threading.Thread(target=service.post, args=("dentrix", good()), daemon=True).start()
            hanging = service.wait_told("STATUS", f"{SERVING}, but webhooks are answered 503: Service unavailable", fed)
            for _ in range(8):  # Together as long as the watchdog waits.
                hanging = service.wait_told("WATCHDOG", "1", hanging + 1)
        service.wait_told("STATUS", SERVING, hanging)
    service = supervisor.Service(watchdog=200_000)
    service.launcher[2] = service.launcher[2].replace("WATCHDOG_PID=$$", "WATCHDOG_PID=1")
    with service:
        service.wait_told("STATUS", SERVING)
    assert not any("WATCHDOG" in fields for fields in service.told)


class Client(threading.Thread):
    """Sends webhooks over connections it keeps, some of them idle for a moment, and counts what went wrong with each."""

    def __init__(self, service, seed, keeps):
        super().__init__(daemon=True)
        self.service, self.random, self.keeps = service, random.Random(seed), keeps
        self.done, self.accepted = False, {}
        self.counts = {"refused": 0, "reset": 0, "cut": 0, "ended": 0, "odd": 0}
        self.failure = None

    def run(self):
        """Until told to stop; a webhook goes on being sent until it is answered."""
        try:
            while not self.done:
                body = good()
                while body not in self.accepted:
                    self.send(body)
        except BaseException as failure:  # noqa: BLE001
            self.failure = failure
        finally:
            self.hang_up()

    sock = None

    def hang_up(self):
        """Let go of the connection."""
        if self.sock:
            self.sock.close()
        self.sock = None

    def send(self, body):
        """Try once."""
        answer = b""
        try:
            self.sock = self.sock or wire.dial(self.service.public)
            self.sock.sendall(wire.compose("/webhooks/ehr/dentrix", [*self.service.headers("dentrix", body), ("Content-Length", len(body))], body))
            while b"\r\n\r\n" not in answer or len(answer) < self.whole(answer):
                part = self.sock.recv(65536)
                if not part:
                    return self.missed("cut" if answer else "ended")
                answer += part
        except ConnectionRefusedError:
            return self.missed("refused")
        except BrokenPipeError:  # Whoever was away for all of the farewell: the server was gone before it could have had a byte of this.
            return self.missed("ended")
        except ConnectionResetError:
            return self.missed("reset")
        [parsed] = wire.parse_answers(answer)
        if parsed.status != 200:
            return self.missed("odd")
        self.accepted[body] = parsed.json["eventId"]
        if not self.keeps or parsed.headers["Connection"] == "close":
            self.hang_up()
        elif self.keeps == "idle":
            time.sleep(self.random.random() / 50)

    @staticmethod
    def whole(answer):
        """How long the answer is that begins like this."""
        head, _, _ = answer.partition(b"\r\n\r\n")
        length = next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return len(head) + 4 + int(length)

    def missed(self, how):
        """Count it, and try again on a new connection."""
        self.counts[how] += 1
        self.hang_up()


def test_restarts_refuse_nobody(capsys):
    """Restarted again and again under load with its sockets kept, it refuses no connection, resets none, and loses nothing it accepted."""
    with supervisor.Service() as service:
        service.wait_told("READY", "1")
        clients = [Client(service, seed, keeps) for seed, keeps in enumerate(["", "", "always", "always", "idle", "idle", "idle"])]
        for client in clients:
            client.start()
        for _ in range(RESTARTS):
            seen = [len(client.accepted) for client in clients]
            disk.wait_for(lambda: all(client.failure or len(client.accepted) > count + 3 for client, count in zip(clients, seen)))
            told = len(service.told)
            service.stop()
            service.start()
            service.wait_told("READY", "1", told)
        for client in clients:
            client.done = True
        for client in clients:
            client.join(wire.TIMEOUT)
        assert not [client.failure for client in clients if client.failure or client.is_alive()]
        counts = {key: sum(client.counts[key] for client in clients) for key in clients[0].counts}
        ids = {event for client in clients for event in client.accepted.values()}
        with capsys.disabled():
            print(f"\n{RESTARTS} restarts, {len(ids)} webhooks: {counts}")
        assert {**counts, "ended": 0} == {"refused": 0, "reset": 0, "cut": 0, "ended": 0, "odd": 0}
        assert ids == {row["id"] for row in service.events()}


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as they are installed, but for the place of the binary."""
    directory = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        (directory / unit.name).write_text(unit.read_text().replace("/usr/local/bin/pickupd", harness.BINARY))
    return [directory / unit.name for unit in UNITS]


def analyze(*arguments):
    """Run systemd-analyze, which needs no systemd that runs, and return its output and exit code."""
    done = subprocess.run(["systemd-analyze", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=wire.TIMEOUT * 3)
    return done.stdout, done.returncode


def test_units_are_well_formed(units):
    """systemd finds nothing to say against the units."""
    assert analyze("verify", *units) == ("", 0)


def test_unit_is_closed():
    """systemd scores what the unit leaves open with no more than 1.5 of 10."""
    report, code = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", UNITS[0])
    assert code == 0 and "Overall exposure level" in report, report


@pytest.mark.skipif(not harness.BINARY.endswith("/build/pickupd"), reason="A sanitizer makes system calls of its own.")
def test_filter_lets_it_serve():
    """Under the unit's filter of system calls it serves, answers the API, tells a dispatcher, reloads and stops: no call that it makes is forbidden."""
    service = supervisor.Service(settings={"flows": "on", "notify_url": "http://localhost:9/"})
    service.launcher += [sys.executable, str(harness.ROOT / "test/e2e/confined.py"), str(UNITS[0])]
    service.variables["PICKUPD_NOTIFY_SECRET"] = "whsec_bm90IGEgcmVhbCBzZWNyZXQsIG5vdCBhdCBhbGw="
    with service:
        told = service.wait_told("STATUS", SERVING)
        status = open(f"/proc/{service.process.pid}/status", encoding="ascii").read()
        assert "Seccomp:\t2" in status
        body = good()
        assert service.post("dentrix", body).status == 200
        assert service.api("GET", "/v1/events").status == 200
        assert service.ask("GET", "/metrics", face="private").status == 200
        assert service.cli("quarantine", "list").code == 0
        service.process.send_signal(signal.SIGHUP)
        service.wait_told("READY", "1", service.wait_told("RELOADING", "1", told))
