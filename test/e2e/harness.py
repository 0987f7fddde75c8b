"""A pickupd to talk to: runs the real binary in a directory of its own and reads its database with Python's own SQLite."""
import atexit
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import described
import ledger
import oracle
import sealed
import wire

ROOT = Path(__file__).resolve().parents[2]
BINARY = str(ROOT / os.environ.get("PICKUPD", "build/pickupd"))
FIXTURES = ROOT / "fixtures"
VENDORS = Path(shutil.copytree(ROOT / "contrib/vendors", ledger.SUITE / "vendors"))  # Ours, whoever owns the sources.
SEALED = {"k1": sealed.new_key()} if os.environ.get("PICKUPD_E2E_SEALED") else {}  # With it every server seals what it keeps.
STOP_TIMEOUT = 10 * wire.PATIENCE  # Seconds in which pickupd promises to stop.
LOG_PIPE = 1 << 20  # Bytes, the most that anybody may have: pickupd leaves out lines that would have to wait.
WRONG_SECRET = "wrong-test-secret-not-real"
PROTECTED = ("_WEBHOOK_SECRET", "PICKUPD_CONFIG", "PICKUPD_API_TOKEN", "PICKUPD_NOTIFY_SECRET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
             "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY")
_numbers = itertools.count(1)


def fresh():
    """Make an id that no other test uses."""
    return f"T-{next(_numbers):06d}"


def fixtures(kind):
    """List the fixture files of every vendor as (vendor, path): the good ones, or those with a fault."""
    return [(vendor, path) for vendor in oracle.VENDORS for path in sorted((FIXTURES / vendor).glob("*.json"))
            if path.name.startswith("fault-") == (kind == "fault")]


def fixture_name(value):
    """Name a test's parameter after its fixture."""
    return value.stem if isinstance(value, Path) else str(value)


class LogReader(threading.Thread):
    """Reads a server's log as it is written, and lets tests wait for a line."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.lines, self.records, self.ended = pipe, [], [], False
        self.changed = threading.Condition()
        self.start()

    def run(self):
        """Copy the lines until the server ends."""
        for line in self.pipe:
            text = line.decode("utf-8", "replace")
            ledger.write(text)
            with self.changed:
                self.lines.append(text)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def find(self, message, **fields):
        """Return the first record with this message and these fields, or None."""
        with self.changed:  # Each line is taken apart once: who waits for one of thousands must not keep them from being read.
            self.records += [json.loads(line) if line.startswith("{") else {} for line in self.lines[len(self.records):]]
        return next((record for record in self.records if record.get("msg") == message and fields.items() <= record.items()), None)

    def forget(self):
        """From now on only what comes is found."""
        with self.changed:
            self.lines.clear()
            self.records.clear()

    def wait_for_text(self, part):
        """Wait for a line that holds a text, where the log is for a person."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or any(part in line for line in self.lines), wire.TIMEOUT)
            assert any(part in line for line in self.lines), f"The log never held {part!r}:\n" + "".join(self.lines)

    def wait_for(self, message, **fields):
        """Wait for a record; fail with the whole log if the server ends or is silent."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.find(message, **fields), wire.TIMEOUT)
            record = self.find(message, **fields)
        assert record, f"The log never said {message!r}:\n" + "".join(self.lines)
        return record


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Server:
    """A directory with a config and a database, and the pickupd that may run on it."""

    def __init__(self, sources=None, settings=None, more=""):
        self.directory = Path(tempfile.mkdtemp(dir=ledger.SUITE))
        self.config, self.database = self.directory / "pickupd.conf", self.directory / "pickupd.db"
        self.sources = {source.name: source for source in sources or map(oracle.source, oracle.VENDORS)}
        # The log is checkpointed when a quarter of the reserve waits in it, which must be more than a first start writes (70 pages of 128):
        # else the first webhook's checkpoint would meet whatever a test does to the disk next.
        # And a disk that is slow for a while, because others use it, too, sheds nothing.
        self.settings = {"listen": "127.0.0.1:0", "api_listen": "127.0.0.1:0", "database": self.database, "disk_reserve": "2MiB", "flows": "off",
                         "queue_wait": f"{wire.TIMEOUT}s", **(settings or {})}
        self.more = more  # Text put at the end of the config, such as further secrets.
        self.token = f"token-{secrets.token_hex(16)}"  # Of the role admin.
        self.variables = {}  # Further environment, such as those secrets' values.
        self.launcher, self.descriptors = [], ()
        self.keys, self.made = {}, dict(SEALED)  # That seal what is kept, {id: Base64}, the first one now; and all that ever did.
        self.process = self.log = self.public = self.private = None
        if SEALED:
            self.seal(*SEALED)
        self.write_config()

    def seal(self, *ids):
        """Write the file of keys, the first of which seals; an id that was never used has a new one."""
        self.keys = {name: self.made.setdefault(name, sealed.new_key()) for name in ids}
        ledger.SECRETS.update(self.keys.values())
        path = self.settings["seal_key_file"] = self.directory / "keys"
        path.touch(0o600)
        path.write_text("".join(f"{name} {key}\n" for name, key in self.keys.items()))

    def write_config(self):
        """Write the config; call it again when a source or setting has changed."""
        keys = (("lab", "lab"), ("zone", "timezone"), ("org", "org"), ("id_prefix", "id_prefix"), ("clinic_prefix", "clinic_prefix"),
                ("enabled", "enabled"), ("allow_from", "allow_from"), ("public_url", "public_url"), ("tolerance", "tolerance"))
        lines = ["[server]", *(f"{key} = {value}" for key, value in self.settings.items())]
        for source in self.sources.values():
            lines += [f"[source {source.name}]", f"vendor = {source.definition}", f"secret_env = {source.variable}"]
            lines += [f"{key} = {getattr(source, name)}" for name, key in keys if getattr(source, name) is not None]
        self.config.write_text("\n".join(lines) + "\n" + self.more)

    def environment(self):
        """The environment of every process: the sources' secrets, and nothing of the same kind from outside."""
        inherited = {key: value for key, value in os.environ.items() if not key.endswith(PROTECTED)}
        from_sources = {source.variable: source.secret for source in self.sources.values() if source.secret is not None}
        ledger.SECRETS.update(filter(None, [*from_sources.values(), self.token]))
        return {**inherited, **from_sources, "PICKUPD_API_TOKEN": self.token, **self.variables}

    # The process.

    def start(self):
        """Start the server and wait until it listens."""
        self.write_config()
        with ledger.LOG.open("ab") as output:
            self.process = subprocess.Popen([*self.launcher, BINARY, "serve", "-c", self.config], stdout=output, stderr=subprocess.PIPE,
                                            pipesize=LOG_PIPE, env=self.environment(), pass_fds=self.descriptors)
        atexit.register(self.process.kill)  # Should a test fail that would have stopped it; one that has ended is left alone.
        self.log = LogReader(self.process.stderr)
        try:
            self.log.wait_for("ready")
            self.public = self.log.wait_for("listening", face="public")["address"]
            self.private = self.log.wait_for("listening", face="private")["address"]
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, how=signal.SIGTERM):
        """Ask the server to stop, and hold it to its promise of 10 seconds and exit code 0."""
        self.process.send_signal(how)
        code = self._end(STOP_TIMEOUT)
        assert code == 0, "".join(self.log.lines)

    def kill(self):
        """Kill the server as a power cut would."""
        self.process.kill()
        self._end(STOP_TIMEOUT)

    def end(self):
        """Wait until the server has stopped by itself, and return its exit code."""
        return self._end(STOP_TIMEOUT)

    def restart(self):
        """Stop and start; ports change."""
        self.stop()
        return self.start()

    def _end(self, timeout):
        """Wait for the process and the last line of its log, and return its exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()  # So that it is in nobody's way.
            raise
        self.log.join(timeout)
        assert not self.log.is_alive(), "Somebody still has its log open, and closing it would wait for them."
        self.process.stderr.close()
        self.process = None
        ledger.check_sanitizers("".join(self.log.lines))
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *_):
        if self.process and failure:
            print("".join(self.log.lines[-50:]))  # pytest shows this with the failure.
            self.kill()
        elif self.process:
            self.stop()

    # HTTP.

    def connect(self, face="public"):
        """Open a keep-alive connection to one of the listeners."""
        return wire.Connection(getattr(self, face))

    def ask(self, method, path, body=None, headers=(), face="public"):
        """Send one request on a connection of its own."""
        with closing(self.connect(face)) as connection:
            return connection.ask(method, path, body, headers)

    def path(self, name):
        """The path of a source."""
        return f"/webhooks/ehr/{name}"

    def signature(self, name, body, secret=None):
        """The signature header of a source as (name, value), made with the source's secret or another."""
        source = self.sources[name]
        return source.vendor.header, ledger.sign(secret or source.secret, body)

    def headers(self, name, body):
        """The headers of a good webhook."""
        return [("Content-Type", "application/json"), self.signature(name, body)]

    def post(self, name, payload, headers=None, connection=None):
        """Post a payload to a source, signed unless other headers are given."""
        body = ledger.encode(payload)
        ask = connection.ask if connection else self.ask
        return ask("POST", self.path(name), body, self.headers(name, body) if headers is None else headers)

    def raw(self, data, face="public", half_close=False):
        """Send raw bytes and return the answers until the server closes."""
        return wire.exchange(getattr(self, face), data, half_close)

    def api(self, method, path, payload=None, token=None, headers=()):
        """Ask the private API as the bearer of a token; the answer must be one that the API's description has."""
        body = None if payload is None else ledger.encode(payload)
        typed = [("Content-Type", "application/json")] if payload is not None else []
        answer = self.ask(method, path, body, [("Authorization", f"Bearer {token or self.token}"), *typed, *headers], "private")
        if description := described.of(self):
            description.check(method, path, body, answer)
        return answer

    def metrics(self):
        """Every counter and gauge as {(name, source, outcome or secret): value}."""
        text = self.ask("GET", "/metrics", face="private").body.decode()
        rows = re.findall(r'^(\w+)\{source="([^"]*)",\w+="([^"]*)"\} (\S+)$', text, re.MULTILINE)
        return {tuple(names): float(value) for *names, value in rows}

    def counted(self, source, before=()):
        """How many webhooks of a source had each outcome, since `before` if that is given; outcomes that nothing had are left out."""
        rows = {outcome: int(value) for (name, of, outcome), value in self.metrics().items() if (name, of) == ("pickupd_webhooks_total", source)}
        since = {outcome: count - dict(before).get(outcome, 0) for outcome, count in rows.items()}
        return {outcome: count for outcome, count in since.items() if count}

    def last_match(self, source, secret):
        """When a secret last proved a webhook, in seconds since 1970; 0 for never."""
        return self.metrics()["pickupd_secret_last_match_timestamp_seconds", source, secret]

    # The database.

    def query(self, sql, *values):
        """Read the database as it lies on disk, without ever writing to it, and unseal what is sealed."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            if self.keys:
                sealed.show(db, self.keys, ROOT)
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]

    def events(self):
        """Every row of the event log, in order."""
        return self.query("SELECT seq, lower(hex(id)) AS id, origin, source, detail_type, org, time, detail FROM events ORDER BY seq")

    def event(self, event_id):
        """The one event with this id, or None."""
        rows = self.query("SELECT seq, origin, source, detail_type, org, time, detail FROM events WHERE id = ?", bytes.fromhex(event_id))
        return rows[0] if rows else None

    def quarantined(self, event_id):
        """The one quarantined webhook with this id, or None."""
        rows = self.query("SELECT origin, org, first_seen, last_seen, count, faults, body FROM quarantine WHERE id = ?",
                          bytes.fromhex(event_id))
        return rows[0] if rows else None

    # The commands.

    def cli(self, *arguments, input=b"", config=None):
        """Run a subcommand on this server's config."""
        done = subprocess.run([BINARY, *map(str, arguments)], input=input, capture_output=True, timeout=wire.TIMEOUT,
                              env={**self.environment(), "PICKUPD_CONFIG": str(config or self.config)})
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        ledger.write(result.err)
        if not {"sign", "--show-phi"} & set(arguments):
            ledger.write(result.out)
        ledger.check_sanitizers(result.err)
        return result

    def list(self, *arguments):
        """Run a command with --json and return the records it prints."""
        result = self.cli(*arguments, "--json")
        assert result.code == 0, result.err
        return [json.loads(line) for line in result.out.splitlines()]


def now():
    """The time in milliseconds, as the database keeps it."""
    return time.time_ns() // 1_000_000


def next_millisecond():
    """Return once the clock shows a later millisecond."""
    start = now()
    while now() == start:
        pass
