"""A source of one's own: servers whose definition the test has written, and the invented rows that are sent to it."""
import json
import re
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import harness
import ledger
import oracle
import wire

SCHEME = json.loads((harness.ROOT / "src/model/vendors/dentrix.json").read_text())["scheme"]
STATE = {"from": "state", "type": "string"}
DETAIL = {"rowId": {"from": "id", "type": "id", "required": True}, "patient": {"from": "patientName", "type": "string"}, "state": STATE,
          "requestTime": {"text": "{received}"}}
CLINIC = {"clinic": {"from": "$.clinic", "type": "string"}}  # What stands beside the rows.
EVENT = {"source": "ehr.invented", "type": "AppointmentChanged", "detail": DETAIL}
MENDED = {**EVENT, "detail": {**DETAIL, "state": {**STATE, "type": "scalar"}}}  # A state that is no text is no fault any more.
UNAVAILABLE = 503, {"error": "Service unavailable"}
METRIC = re.compile(r'^pickupd_webhooks_total\{source="([^"]+)",outcome="([^"]+)"\} (\d+)$', re.M)


def definition(**keys):
    """A definition with these top-level keys; one that is None is left out."""
    whole = {"vendor": "mine", "scheme": SCHEME, **({} if "events" in keys else {"event": EVENT}), **keys}
    return {key: value for key, value in whole.items() if value is not None}


def event(detail=None, **keys):
    """An event that differs from the usual one in these keys."""
    return {**EVENT, "detail": {**DETAIL, **(detail or {})}, **keys}


def row(**changes):
    """A good row unlike any other."""
    return {"id": harness.fresh(), "patientName": "Rowena Madeup-Batchley", "state": "booked", **changes}


def bad_row(**changes):
    """A row that is a fault until the definition is mended."""
    return row(state=7, **changes)


def batch(*rows, **more):
    """A payload that holds these rows."""
    return {"clinic": "CLI-001", "rows": list(rows), **more}


def counts(stored=0, duplicates=0, quarantined=0, ignored=0):
    """The whole answer to a batch."""
    return 200, {"success": True, "stored": stored, "duplicates": duplicates, "quarantined": quarantined, "ignored": ignored}


def faults(*errors):
    """The whole answer to a webhook that is kept in quarantine."""
    return 400, {"error": "Invalid webhook data", "errors": list(errors)}


def ids(*rows, origin="own"):
    """The ids of rows without a key, sorted."""
    return sorted(oracle.row_id(origin, one) for one in rows)


class Server(harness.Server):
    """A server whose sources, usually one, speak the definition that the test has written."""

    def __init__(self, made, *names, **settings):
        super().__init__([oracle.source(name, "mine", id_prefix=name) for name in names or ("own",)], settings)
        self.settings["vendor_dir"] = self.directory
        self.define(made)

    def define(self, made):
        """Write the definition; the server does not know it before it starts or is told to look."""
        (self.directory / "mine.json").write_text(json.dumps(made, indent=1))

    def mend(self, made):
        """Write another definition, and have the running server take it."""
        def reloads():
            return sum('"configuration reloaded"' in line for line in self.log.lines)
        self.define(made)
        before = reloads()
        self.process.send_signal(signal.SIGHUP)
        with self.log.changed:
            assert self.log.changed.wait_for(lambda: self.log.ended or reloads() > before, wire.TIMEOUT), "".join(self.log.lines)

    def send(self, payload, headers=(), query="", name="own", connection=None):
        """Post a payload, signed, with further headers and a query; return the status and the answer."""
        body = ledger.encode(payload)
        ask = connection.ask if connection else self.ask
        return ask("POST", self.path(name) + (f"?{query}" if query else ""), body, [*self.headers(name, body), *headers]).refusal

    def send_at_once(self, payloads):
        """Post each payload on a connection of its own, all in one moment; return the answers in the same order."""
        start = threading.Barrier(len(payloads), timeout=wire.TIMEOUT)

        def post(payload):
            with closing(self.connect()) as connection:
                connection.connect()
                start.wait()
                return self.send(payload, connection=connection)
        with ThreadPoolExecutor(len(payloads)) as pool:
            return list(pool.map(post, payloads))

    def details(self):
        """What the events have become, in order."""
        return [json.loads(one["detail"]) for one in self.events()]

    def kept(self):
        """Every row of quarantine by its id."""
        rows = self.query("SELECT lower(hex(id)) AS id, origin, org, first_seen, last_seen, count, faults, body, head FROM quarantine")
        return {one.pop("id"): one for one in rows}

    def age(self, hours=1):
        """Make everything in quarantine older, with the server stopped meanwhile, so that times written in seconds differ."""
        self.stop()
        with closing(sqlite3.connect(self.database)) as db, db:
            db.execute("UPDATE quarantine SET first_seen = first_seen - ?1, last_seen = last_seen - ?1", [hours * 3_600_000])
        self.start()

    def bodies(self):
        """The bodies in quarantine as JSON, by id."""
        return {key: json.loads(one["body"]) for key, one in self.kept().items()}

    def retry(self, *arguments):
        """Retry what is in quarantine; return the exit code and the lines."""
        result = self.cli("quarantine", "retry", *arguments)
        assert not result.err, result.err
        return result.code, sorted(result.out.splitlines())

    def outcomes(self, name="own"):
        """What became of the webhooks of a source, as far as anything did."""
        page = self.ask("GET", "/metrics", face="private").body.decode()
        found = {outcome: int(number) for source, outcome, number in METRIC.findall(page) if source == name}
        assert found, page
        return {outcome: number for outcome, number in found.items() if number}
