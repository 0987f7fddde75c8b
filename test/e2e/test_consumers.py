"""Consumers: what is claimed, acked, tried again and given up, over HTTP, across restarts and kills."""
import contextlib
import http.client
import json
import secrets
import signal
import threading
import time

import harness
import ledger
import oracle
import process
import pytest
import wire


@pytest.fixture(scope="module")
def api():
    """A server of its own: consumers see every event of the log, so tests must know what is in it."""
    with harness.Server() as running:
        yield running


def add(server, count=1, source="dentrix"):
    """Post webhooks, and return their events' ids in the order of the log."""
    vendor = oracle.VENDORS[source]
    return [server.post(source, oracle.minimal(vendor, id=harness.fresh())).json["eventId"] for _ in range(count)]


class Consumer:
    """One consumer, from now on unless it says otherwise."""

    def __init__(self, server, name=None, **settings):
        self.server, self.name = server, name or harness.fresh().lower()
        answer = self.put(**{"from": "now", **settings})
        assert answer.status in (200, 201), answer.body

    def put(self, **settings):
        """Create or change it."""
        return self.server.api("PUT", f"/v1/consumers/{self.name}", settings)

    def ask(self, verb, **body):
        """Post to one of its verbs; the answer must be good."""
        answer = self.server.api("POST", f"/v1/consumers/{self.name}/{verb}", body)
        assert answer.status == 200, answer.body
        return answer.json

    def claim(self, **body):
        """Claim, and return what was given."""
        return self.ask("claim", worker="tester", **{"max": 100, **body})["claims"]

    def results(self, verb, claims, **body):
        """Say something of claims, and return the word for each."""
        answer = self.ask(verb, leases=[claim["lease"] for claim in claims], **body)
        assert [row["lease"] for row in answer["results"]] == [claim["lease"] for claim in claims]
        return [row["result"] for row in answer["results"]]

    def look(self):
        """How it is."""
        [row] = [row for row in self.server.api("GET", "/v1/consumers").json["consumers"] if row["name"] == self.name]
        return row

    def dead(self):
        """Its dead letters."""
        return self.server.api("GET", f"/v1/consumers/{self.name}/dead").json["deadLetters"]


def ids(claims):
    """The events' ids."""
    return [claim["event"]["id"] for claim in claims]


def test_claim_and_ack(api):
    """Events come once, in the order of the log, with all that was stored; what is acked does not come again."""
    consumer = Consumer(api)
    events = add(api, 3)
    claims = consumer.claim(max=2)
    assert ids(claims) == events[:2] and [claim["attempt"] for claim in claims] == [1, 1]
    event = claims[0]["event"]
    stored = api.event(events[0])
    assert (event["source"], event["origin"], event["detailType"], event["seq"]) == ("ehr.dentrix", "dentrix", "PickupRequested", stored["seq"])
    assert event["detail"]["pickupId"].startswith("dentrix-T-") and event["time"].endswith("Z")
    assert consumer.results("ack", claims) == ["acked", "acked"]
    assert ids(consumer.claim()) == events[2:]
    assert consumer.claim() == []
    assert consumer.results("ack", claims) == ["expired", "expired"]


def test_from(api):
    """`from` counts at creation only: the start, now, or a seq."""
    add(api)
    now = api.query("SELECT max(seq) AS seq FROM events")[0]["seq"]
    start = Consumer(api, **{"from": "start"})
    assert [claim["event"]["seq"] for claim in start.claim(max=1)] == [1]
    assert start.put(**{"from": "now"}).status == 200
    assert [claim["event"]["seq"] for claim in start.claim(max=1)] == [2]
    assert [claim["event"]["seq"] for claim in Consumer(api, **{"from": now}).claim()] == [now]
    assert Consumer(api).claim() == []


def test_filters(api):
    """Types, sources and origins: an event must be let through by each list that is not empty."""
    by_source = Consumer(api, sources=["ehr.eaglesoft"])
    by_origin = Consumer(api, origins=["dentrix", "nobody"])
    by_type = Consumer(api, detailTypes=["CaseReadyToShip"])
    dentrix, eaglesoft = add(api), add(api, source="eaglesoft")
    assert ids(by_source.claim()) == eaglesoft
    assert ids(by_origin.claim()) == dentrix
    assert by_type.claim() == []
    more = add(api, source="eaglesoft")
    assert by_origin.put(sources=["ehr.eaglesoft"]).status == 200
    assert ids(by_origin.claim()) == more  # From the cursor on; what is not given is as at creation.


def test_nack_and_dead_letters(api):
    """A nack comes back after its time, with one attempt more; the last one makes a dead letter with its history, which can be retried."""
    consumer = Consumer(api, maxAttempts=2)
    [event] = add(api)
    assert consumer.results("nack", consumer.claim(), error="no driver", retryAfterSeconds=0) == ["retry"]
    [claim] = consumer.claim(waitSeconds=5)
    assert claim["attempt"] == 2
    assert consumer.results("nack", [claim], error="still none", retryAfterSeconds=0) == ["dead"]
    assert consumer.claim() == []
    [letter] = consumer.dead()
    assert letter["event"]["id"] == event and letter["attempts"] == 2
    assert [(row["attempt"], row["worker"], row["error"]) for row in letter["history"]] == [(1, "tester", "no driver"), (2, "tester", "still none")]
    assert api.api("POST", f"/v1/consumers/{consumer.name}/dead/{event}/retry").json == {"retried": 1}
    assert ids(consumer.claim()) == [event]


def test_permanent(api):
    """What will never work is dead at once; all dead letters can be retried together."""
    consumer = Consumer(api)
    events = add(api, 3)
    assert consumer.results("nack", consumer.claim(), error="no such clinic", permanent=True) == ["dead"] * 3
    assert [letter["event"]["id"] for letter in consumer.dead()] == events
    assert consumer.look()["dead"] == 3
    assert api.api("POST", f"/v1/consumers/{consumer.name}/dead/retry").json == {"retried": 3}
    assert ids(consumer.claim()) == events


def test_many_dead_letters():
    """All are retried together, in transactions of a thousand at most."""
    with harness.Server() as server:
        consumer = Consumer(server)
        for count in (1000, 1):
            events = [{"source": "lab.tests", "detailType": "Tested", "detail": {"number": number}} for number in range(count)]
            assert server.api("POST", "/v1/events", events).json["stored"] == count
            assert set(consumer.results("nack", consumer.claim(max=1000), permanent=True)) == {"dead"}
        assert server.api("POST", f"/v1/consumers/{consumer.name}/dead/retry").json == {"retried": 1001}
        assert consumer.look()["dead"] == 0 and len(consumer.claim(max=1000)) == 1000 and len(consumer.claim()) == 1


def test_backoff(api):
    """Without a time of its own a nack comes back later and later; how late, the row says."""
    consumer = Consumer(api)
    add(api)
    before = harness.now()
    assert consumer.results("nack", consumer.claim()) == ["retry"]
    [row] = api.query("SELECT due FROM claims JOIN consumers ON consumers.id = consumer WHERE name = ?", consumer.name)
    assert before + 500 <= row["due"] <= harness.now() + 1000
    early = consumer.claim()
    assert not early or harness.now() >= row["due"]
    assert early or len(consumer.claim(waitSeconds=5)) == 1  # Woken when it falls due.


def test_leases_end(api):
    """A lease that is over acks nothing, and says so; the next claim has the event."""
    consumer = Consumer(api, leaseSeconds=1)
    add(api)
    [first] = consumer.claim()
    assert consumer.put(leaseSeconds=60).status == 200  # Of the next one, which is not to end meanwhile.
    [second] = consumer.claim(waitSeconds=5)
    assert second["attempt"] == 2 and second["lease"] != first["lease"]
    for verb in ("ack", "nack", "extend"):
        assert consumer.results(verb, [first]) == ["expired"]
    assert consumer.results("ack", [second]) == ["acked"]


def test_extend(api):
    """A lease can be made to last; the new end counts."""
    consumer = Consumer(api, leaseSeconds=1)
    add(api)
    for _ in range(10):  # On a busy machine a second may be over before the lease is extended.
        claims = consumer.claim(waitSeconds=5)
        if consumer.results("extend", claims, leaseSeconds=60) == ["extended"]:
            break
    assert consumer.claim(waitSeconds=2) == []
    assert consumer.results("ack", claims) == ["acked"]


def test_a_poll_is_woken_by_the_commit(api):
    """A claim that waits has the event as soon as it is stored."""
    consumer = Consumer(api)
    began, got = time.monotonic(), []
    waiting = threading.Thread(target=lambda: got.extend(consumer.claim(waitSeconds=10)))
    waiting.start()
    [event] = add(api)
    waiting.join(10)
    assert ids(got) == [event] and time.monotonic() - began < 9


def test_polls_share(api):
    """Of several that wait each event wakes one, and all events are given."""
    consumer = Consumer(api)
    got = []
    waiting = [threading.Thread(target=lambda: got.extend(consumer.claim(max=1, waitSeconds=10))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    events = add(api, 4)
    for thread in waiting:
        thread.join(12)
    assert sorted(ids(got)) == sorted(events)


def test_max_bytes(api):
    """A claim ends before it holds more bytes than it may; one event alone may be larger."""
    consumer = Consumer(api)
    events = add(api, 3)
    one = len(api.event(events[0])["detail"])
    assert ids(consumer.claim(maxBytes=2 * one + 10)) == events[:2]
    assert ids(consumer.claim(maxBytes=1)) == events[2:]


def test_pause_and_resume(api):
    """A paused consumer gives nothing, but takes acks."""
    consumer = Consumer(api)
    add(api, 2)
    claims = consumer.claim(max=1)
    assert api.api("POST", f"/v1/consumers/{consumer.name}/pause").status == 200
    assert consumer.look()["paused"] is True and consumer.claim() == []
    assert consumer.results("ack", claims) == ["acked"]
    assert api.api("POST", f"/v1/consumers/{consumer.name}/resume").status == 200
    assert len(consumer.claim()) == 1


def test_replay(api):
    """A replay gives everything from a seq on again, and takes back what was claimed."""
    consumer = Consumer(api)
    events = add(api, 3)
    claims = consumer.claim()
    assert api.api("POST", f"/v1/consumers/{consumer.name}/replay", {"from": claims[1]["event"]["seq"]}).status == 200
    assert consumer.results("ack", claims) == ["expired"] * 3
    assert ids(consumer.claim()) == events[1:]


def test_look(api):
    """The list says how far each consumer is."""
    consumer = Consumer(api)
    add(api, 4)
    claims = consumer.claim(max=3)
    consumer.results("ack", claims[:1])
    consumer.results("nack", claims[1:2], permanent=True)
    row = consumer.look()
    assert (row["inFlight"], row["dead"], row["waiting"], row["lag"]) == (1, 1, 0, 1)
    assert row["cursor"] == claims[2]["event"]["seq"] and row["oldestWaiting"] == claims[2]["event"]["time"]
    assert row["maxAttempts"] == 10 and row["leaseSeconds"] == 60


def test_delete(api):
    """A consumer that was deleted is gone, with what it held."""
    consumer = Consumer(api)
    add(api)
    consumer.claim()
    assert api.api("DELETE", f"/v1/consumers/{consumer.name}").status == 204
    for method, path in (("DELETE", ""), ("POST", "/pause"), ("GET", "/dead")):
        assert api.api(method, f"/v1/consumers/{consumer.name}{path}").status == 404
    assert api.query("SELECT count(*) AS n FROM claims WHERE consumer NOT IN (SELECT id FROM consumers)")[0]["n"] == 0


def test_bad_requests(api):
    """Every mistake is named; nothing is changed."""
    consumer = Consumer(api)
    bad = [("claim", {"worker": "w", "max": 0}), ("claim", {"worker": "w", "max": 1001}), ("claim", {"worker": "w", "waitSeconds": 61}),
           ("claim", {}), ("claim", {"worker": "", "max": 1}), ("ack", {"leases": ["nonsense"]}), ("ack", {"leases": []}), ("ack", {}),
           ("nack", {"leases": ["1.1"], "retryAfterSeconds": -1}), ("extend", {"leases": ["1.1"], "leaseSeconds": 0})]
    for verb, body in bad:
        answer = api.api("POST", f"/v1/consumers/{consumer.name}/{verb}", body)
        assert answer.status == 400 and answer.problem["errors"], (verb, body, answer.body)
    for settings in ({"maxAttempts": 0}, {"leaseSeconds": 0}, {"from": "yesterday"}, {"from": -1}, {"sources": "ehr.dentrix"}, {"unknown": 1}):
        assert consumer.put(**settings).status == 400, settings
    assert api.api("PUT", "/v1/consumers/Bad%20Name", {}).status == 400
    assert api.api("PUT", "/v1/consumers/flows", {}).status == 409
    assert api.api("DELETE", "/v1/consumers/flows").status == 409


def test_restart_and_kill():
    """Leases, retries and dead letters are there after a restart, and after kill -9."""
    with harness.Server() as server:
        consumer = Consumer(server, leaseSeconds=600)
        events = add(server, 4)
        claims = consumer.claim(max=3)
        consumer.results("nack", claims[1:2], retryAfterSeconds=0)
        consumer.results("nack", claims[2:3], permanent=True)
        server.restart()
        assert consumer.results("ack", claims[:1]) == ["acked"]
        server.kill()
        server.start()
        assert ids(consumer.claim()) == [events[1], events[3]]
        assert [letter["event"]["id"] for letter in consumer.dead()] == [events[2]]


def claim_bytes(server, consumer, seconds, token=None):
    """A claim that waits, as raw bytes."""
    body = b'{"worker":"patient","max":10,"waitSeconds":%d}' % seconds
    headers = [("Authorization", f"Bearer {token or server.token}"), ("Content-Type", "application/json"), ("Content-Length", len(body))]
    return wire.compose(f"/v1/consumers/{consumer.name}/claim", headers, body)


def test_polls_outlive_the_time_limits():
    """A claim may wait for longer than a request may take; the connection is a usual one afterwards, also for what was sent ahead."""
    with harness.Server(settings={"request_timeout": "1s"}) as server:
        claim = claim_bytes(server, Consumer(server), 3)
        began = time.monotonic()
        answers = server.raw(claim + wire.compose("/healthz", [], method="GET"), face="private")
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].json == {"claims": [], "more": False} and answers[1].json == {"status": "ok"}
        assert time.monotonic() - began >= 3  # Silent after the second answer, the connection is closed.


def test_stopping_ends_polls():
    """Who waits when the server stops is answered at once."""
    with harness.Server() as server:
        consumer = Consumer(server)
        with wire.dial(server.private) as waiting:
            waiting.sendall(claim_bytes(server, consumer, 60))
            consumer.claim()  # By now the other one has been read: both go through the same thread.
            server.stop()
            [answer] = wire.parse_answers(waiting.makefile("rb").read())
        assert answer.json == {"claims": [], "more": False}
        server.start()


@pytest.mark.parametrize("now", ["", "role = read\norg = default\n", "role = work\norg = north\n"], ids=["gone", "reads only", "another's"])
def test_a_token_that_is_gone_gets_nothing(now):
    """Who waits with a token that may no longer is given no event once the configuration was loaded anew: it is the next one's."""
    token = f"token-{secrets.token_hex(16)}"
    ledger.SECRETS.add(token)
    server = harness.Server(more="[token leaving]\nenv = TOKEN_LEAVING\nrole = work\n")
    server.variables["TOKEN_LEAVING"] = token
    with server:
        consumer = Consumer(server)
        with wire.dial(server.private) as leaving, wire.dial(server.private) as staying:
            for waiting, bearer in (leaving, token), (staying, server.token):
                waiting.sendall(claim_bytes(server, consumer, 20, bearer))
                consumer.claim()  # By now the other one has been read: both go through the same thread.
            server.more = f"[token leaving]\nenv = TOKEN_LEAVING\n{now}" if now else ""
            server.write_config()
            server.process.send_signal(signal.SIGHUP)
            server.log.wait_for("configuration reloaded")
            [event] = add(server)
            answers = [http.client.HTTPResponse(waiting) for waiting in (leaving, staying)]
            for answer in answers:
                answer.begin()
            assert [answer.status for answer in answers] == [401, 200]
            assert ids(json.load(answers[1])["claims"]) == [event]


def test_a_client_that_left_gets_nothing(api):
    """A claim whose client has hung up takes no event away from others."""
    consumer = Consumer(api)
    with wire.dial(api.private) as leaving:
        leaving.sendall(claim_bytes(api, consumer, 60))
        consumer.claim()
        ends = leaving.getsockname(), leaving.getpeername()
    process.wait_until(lambda: process.is_let_go(*ends))
    events = add(api)
    assert ids(consumer.claim(waitSeconds=5)) == events


def patiently(server, consumer):
    """Claim, as often as it takes while the writer's queue is full; return the events' ids."""
    while (answer := server.api("POST", f"/v1/consumers/{consumer.name}/claim", {"worker": "tester", "max": 100})).is_unavailable():
        pass
    return ids(answer.json["claims"])


def test_more_wait_than_the_writer_takes():
    """Of many that wait for one event most find the queue of the writer full: each is answered, and may have the event afterwards."""
    with harness.Server(settings={"queue_rows": 1}) as server, contextlib.ExitStack() as waiting:
        consumers = [Consumer(server) for _ in range(30)]
        sockets = [waiting.enter_context(wire.dial(server.private)) for _ in consumers]
        for sock, consumer in zip(sockets, consumers):
            sock.sendall(claim_bytes(server, consumer, 60).replace(b"Host: ", b"Connection: close\r\nHost: "))
            assert patiently(server, consumer) == []  # By now the other one waits: both go through the same queue.
        events = add(server)
        answers = [wire.parse_answers(sock.makefile("rb").read())[0] for sock in sockets]
        refused = [consumer for answer, consumer in zip(answers, consumers) if answer.is_unavailable()]
        assert refused and len(refused) < len(consumers)
        assert all(ids(answer.json["claims"]) == events for answer in answers if answer.status == 200)
        assert [patiently(server, consumer) for consumer in refused] == [events] * len(refused)
        more = add(server)
        assert [patiently(server, consumer) for consumer in consumers] == [more] * len(consumers)
