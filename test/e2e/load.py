"""Senders that post as fast as they are answered, and note which webhooks were accepted."""
import collections
import json
import random
import threading
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException

import harness
import ledger
import oracle
import own
import wire

SENDERS = 4


class Load:
    """Threads that post distinct webhooks until the server is gone or they are told to stop."""

    source = "dentrix"
    per_connection = 10**9  # Webhooks.

    def __init__(self, server, resend=()):
        self.server = server
        self.resend = list(resend)  # Webhooks that went unanswered before; they go first.
        self.accepted, self.refused, self.unanswered = {}, [], []  # Event id -> answer, bodies told to come again, bodies without answer.
        self.failures = []  # What no sender should ever see.
        self.changed, self.done = threading.Condition(), False
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _next(self):
        """The next body to post."""
        with self.changed:
            if self.resend:
                return self.resend.pop()
        return self.make()

    def make(self):
        """A body unlike any other."""
        return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh(), notes="Under a fictional load"))

    def _send(self):
        """Post until the end, on a new connection whenever one breaks."""
        try:
            while not self.done:
                with closing(self.server.connect()) as connection:
                    connection.connect()
                    self._use(connection)
        except ConnectionError:
            pass  # The server is gone.
        except Exception as failure:  # noqa: BLE001
            self._note(self.failures, failure)

    def _use(self, connection):
        """Post on one connection until it breaks, has had its share, or the load ends."""
        for _ in range(self.per_connection):
            if self.done:
                return
            body = self._next()
            try:
                answer = self.post(body, connection)
            except (OSError, HTTPException):
                self._note(self.unanswered, body)
                return
            if answer.is_unavailable():
                self._note(self.refused, body)
            elif answer.status == self.status(body):
                with self.changed:
                    self.accepted[self.name(body, answer)] = answer.json
                    self.changed.notify_all()
            else:
                self._note(self.failures, answer)
                self.done = True  # It may be another server by now, that has the port of one that is gone.

    def post(self, body, connection):
        """Post a body to where it belongs."""
        return self.server.post(self.source, body, connection=connection)

    def status(self, body):
        """How a body is answered, if not told to come again."""
        return 200

    def name(self, body, answer):
        """What an answered webhook is remembered by."""
        return answer.json["eventId"]

    def _note(self, where, what):
        """Append to one of the lists and wake who waits."""
        with self.changed:
            where.append(what)
            self.changed.notify_all()

    def wait(self, condition):
        """Wait until a condition on the lists holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.failures or condition(), wire.TIMEOUT), "nothing happened"
        assert not self.failures, self.failures

    def wait_accepted(self, count):
        """Wait until this many more webhooks are accepted."""
        goal = len(self.accepted) + count
        self.wait(lambda: len(self.accepted) >= goal)

    def wait_refused(self, count):
        """Wait until this many more webhooks are told to come again."""
        goal = len(self.refused) + count
        self.wait(lambda: len(self.refused) >= goal)

    def end(self):
        """Stop sending, and wait for the last answers."""
        self.done = True
        for thread in self.threads:
            thread.join(wire.TIMEOUT)
            assert not thread.is_alive()
        assert not self.failures, self.failures


@dataclass(frozen=True)
class Webhook:
    """What must become of a body."""

    source: str
    status: int
    rows: dict  # What it leaves on disk: what can be told of each row, by id.
    secret: str | None = None  # It is signed with, if not with the source's.


def single():
    """A webhook that becomes an event."""
    name = harness.fresh()
    body = ledger.encode(oracle.minimal(oracle.DENTRIX, id=name, notes="Under a fictional load"))
    return body, Webhook("dentrix", 200, {oracle.event_id("dentrix", body): name})


def forged():
    """A webhook of somebody else, which leaves nothing."""
    body = ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh()))
    return body, Webhook("dentrix", 401, {}, harness.WRONG_SECRET)


def faulty():
    """A webhook that goes to quarantine for what it lacks."""
    body = ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh(), clinic=oracle.ABSENT))
    return body, Webhook("dentrix", 400, {oracle.event_id("dentrix", body): body})


def broken():
    """A webhook that goes to quarantine because it is no JSON."""
    body = ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh()))[:-1]
    return body, Webhook("dentrix", 400, {oracle.event_id("dentrix", body): body})


def batch():
    """A webhook that becomes events and rows of quarantine."""
    rows = [(own.bad_row if number % 7 == 3 else own.row)() for number in range(random.randrange(1, 40))]
    return ledger.encode(own.batch(*rows)), Webhook("own", 200, {oracle.row_id("own", row): row for row in rows})


KINDS = {single: 10, forged: 1, faulty: 1, broken: 1, batch: 3}  # And how often.
REPEATS = 0.2


def mixed_server(*sources):
    """A server that takes all kinds, and has these sources besides."""
    made = own.definition(each="rows", event=own.event({"whole": {"from": ".", "type": "any"}}))
    server = own.Server(made, quarantine_rows=1000000)
    server.sources.update((source.name, source) for source in (oracle.source("dentrix"), *sources))
    return server


class Mixed(Load):
    """Senders of all kinds, which also repeat what was sent before or is still on its way, and open new connections now and then."""

    per_connection = 50

    def __init__(self, server, before=None):
        self.sent = before.sent if before else {}  # Every body so far, and its webhook.
        self.bodies = list(self.sent)  # To choose from.
        self.new = before.new if before else collections.Counter()  # How many answers said that a body was new.
        self.answers = before.answers if before else collections.Counter()
        super().__init__(server, before.unfinished() if before else ())

    def make(self):
        """A body unlike any other, or one that was sent before."""
        if self.bodies and random.random() < REPEATS:
            return random.choice(self.bodies)
        body, webhook = random.choices(list(KINDS), KINDS.values())[0]()
        self.sent[body] = webhook
        self.bodies.append(body)
        return body

    def post(self, body, connection):
        """Post a body, signed by whom it is from."""
        source, secret = self.sent[body].source, self.sent[body].secret
        return self.server.post(source, body, [("Content-Type", "application/json"), self.server.signature(source, body, secret)], connection)

    def status(self, body):
        """As its kind is answered."""
        return self.sent[body].status

    def name(self, body, answer):
        """A webhook is known by its body; of one that was refused or is in quarantine, the sender does not learn whether it is new."""
        is_new = answer.status == 200 and "duplicate" not in answer.json and answer.json.get("stored") != 0
        self.new[body] += is_new
        self.answers["new" if is_new else "repeated" if answer.status == 200 else str(answer.status)] += 1
        return body

    def unfinished(self):
        """The bodies that must be sent again."""
        return self.unanswered + self.refused + self.resend

    def check(self):
        """Hold the answers and the database against all that was ever sent."""
        assert not self.unfinished()
        assert set(self.new.values()) <= {0, 1}
        assert mixed_rows(self.server) == {name: row for webhook in self.sent.values() for name, row in webhook.rows.items()}


def mixed_rows(server):
    """What is on disk of these webhooks, as they know it."""
    found = {}
    for row in server.query("SELECT lower(hex(id)) AS id, detail FROM events WHERE origin IN ('dentrix', 'own')"):
        detail = json.loads(row["detail"])
        found[row["id"]] = detail["whole"] if "whole" in detail else detail["metadata"]["externalId"]
    for row in server.query("SELECT lower(hex(id)) AS id, origin, body FROM quarantine"):
        assert row["id"] not in found
        found[row["id"]] = row["body"] if row["origin"] == "dentrix" else json.loads(row["body"])["rows"][0]
    return found
