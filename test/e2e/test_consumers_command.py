"""`pickupd consumers`: it shows what the API shows and does what the API does, by the running server or by itself, and each change is audited."""
import fcntl
import json
import os
import pwd
import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import disk
import harness
import lab
import process
import pytest
import wire
from test_consumers import Consumer, add, claim_bytes, ids
from test_flows import settled
from test_store_fault import set_limit

ME = f"uid {os.getuid()} ({pwd.getpwuid(os.getuid()).pw_name})"
PRIVATE = "Zz-Madeup Patient"
BUILT_IN = "flows is built in: it has no workers, and can't be changed"
HUNG_UP = "the running server hung up before it said whether all was done"
NOBODY = "no such consumer in the organization default"


@pytest.fixture(scope="module")
def api():
    """A server whose log every test adds to."""
    with lab.Server() as running:
        yield running


class Desk:
    """Somebody at a terminal, with a server running or not, and what was audited since he was asked last."""

    def __init__(self, server, via):
        self.server, self.via = server, via
        self.seen = server.query("SELECT ifnull(max(seq), 0) AS seq FROM audit")[0]["seq"]

    def __call__(self, *arguments):
        """Run the command."""
        if self.via == "control socket":
            return self.server.cli("consumers", *arguments)
        self.server.stop()
        try:
            return self.server.cli("consumers", *arguments)
        finally:
            self.server.start()

    def rows(self):
        """The rows of the audit that the command has made since then."""
        rows = self.server.query("SELECT seq, who, org, via, action, what, status FROM audit WHERE seq > ? ORDER BY seq", self.seen)
        self.seen = rows[-1]["seq"] if rows else self.seen
        return [(row["action"], row["org"], json.loads(row["what"])) for row in rows if self.is_mine(row)]

    def is_mine(self, row):
        """Whether it is a command's; then it must be in the right name."""
        assert row["via"] == "127.0.0.1" or (row["who"], row["via"], row["status"]) == (ME, self.via, 200), row
        return row["via"] != "127.0.0.1"

    def api_rows(self, action):
        """What the API's rows of an action tell."""
        return [json.loads(row["what"]) for row in self.server.query("SELECT what FROM audit WHERE action = ? ORDER BY seq", action)]


@pytest.fixture(params=["control socket", "command"])
def desk(api, request):
    """Both ways; how the audit has them."""
    return Desk(api, request.param)


def letters(server, count=2, error=PRIVATE, **settings):
    """A consumer that has given up some events, and the events' ids."""
    consumer = Consumer(server, **settings)
    events = add(server, count)
    assert set(consumer.results("nack", consumer.claim(), error=error, permanent=True)) == {"dead"}
    return consumer, events


def tell(consumer, verb):
    """Post to one of the API's verbs that take no body."""
    assert consumer.server.api("POST", f"/v1/consumers/{consumer.name}/{verb}").status == 200


def lines(result):
    """What a command has printed in JSON."""
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def api_list(server, token="admin"):
    """What the API lists, as the command does: with the organization."""
    rows = server.get("/v1/consumers", token)["consumers"]
    return [{"org": "" if row["name"] == "flows" else {"admin": "default"}.get(token, token), **row} for row in rows]


def test_list(desk):
    """All that the API lists is there, with the same names and the organization; of another organization its own."""
    consumer, _ = letters(desk.server, detailTypes=["PickupRequested"], maxAttempts=3, leaseSeconds=90)
    desk.server.api("PUT", "/v1/consumers/theirs", {}, "other")
    found = lines(desk("list", "--json"))
    assert found == api_list(desk.server) and {"flows", consumer.name} <= {row["name"] for row in found} and found[0]["name"] == "flows"
    theirs = lines(desk("list", "--json", "--org", "other"))
    assert theirs == api_list(desk.server, "other") and [row["name"] for row in theirs] == ["flows", "theirs"]
    assert [row["name"] for row in lines(desk("list", "--json", "--org", "nobody"))] == ["flows"]
    assert desk.rows() == []


def test_list_as_text(api):
    """A line each, 80 columns wide at most, with what it has to do, since when, and whether it is paused."""
    consumer, _ = letters(api, 3)
    add(api, 2)
    [held] = consumer.claim(max=1)
    assert consumer.results("nack", [held], retryAfterSeconds=3000) == ["retry"]
    consumer.claim(max=1)
    add(api)
    assert api.cli("consumers", "pause", consumer.name).code == 0
    head, *rows = api.cli("consumers", "list").out.splitlines()
    assert head.split() == "CONSUMER LAG IN FLIGHT WAITING DEAD OLDEST WAITING LAST SEEN".split()
    [line] = [row for row in rows if row.startswith(f"{consumer.name} ")]
    row = line.split()
    assert row[:5] == [consumer.name, "1", "1", "1", "3"] and row[6] == row[8] == "s" and row[9:] == ["paused"]
    assert [row.endswith("paused") for row in rows if row.startswith("flows ")] == [False]
    assert max(len(each) for each in (head, *rows)) <= 80 and len(head) == len(line) - len("  paused")


def test_show(desk):
    """One consumer, with its terms."""
    consumer, _ = letters(desk.server, sources=["ehr.dentrix", "crm.portal"], maxAttempts=3, leaseSeconds=90)
    [row] = [row for row in api_list(desk.server) if row["name"] == consumer.name]
    assert lines(desk("show", consumer.name, "--json")) == [row]
    shown = desk("show", consumer.name).out
    told = {line[:15].strip(): line[16:] for line in shown.splitlines()}
    assert (told["name"], told["organization"], told["state"], told["max attempts"], told["lease"]) == (consumer.name, "default", "active", "3", "90 s")
    assert (told["types"], told["sources"], told["origins"], told["dead"]) == ("all", "ehr.dentrix, crm.portal", "all", "2")
    assert told["oldest waiting"] == "-" and told["last seen"].startswith(row["seen"]) and told["last seen"].endswith(" ago)")
    assert lines(desk("show", "flows", "--json"))[0]["name"] == "flows" and "all" in desk("show", "flows").out
    assert desk.rows() == []


def test_dead(desk):
    """Dead letters are masked, in either form, and no look is told; who asks for all of it gets what the API gives, and the look is a row."""
    consumer, events = letters(desk.server)
    for form in ([], ["--json"]):
        masked = desk("dead", consumer.name, *form)
        assert masked.code == 0 and PRIVATE not in masked.out and all(event in masked.out and "***" in masked.out for event in events)
    assert desk.rows() == []
    seqs = [desk.server.event(event)["seq"] for event in events]
    row = ("consumers dead", "default", {"name": consumer.name, "count": 2, "first": seqs[0], "last": seqs[1]})
    whole = desk("dead", consumer.name, "--json", "--show-phi")
    assert lines(whole) == consumer.dead() and whole.out.count(PRIVATE) == 2 and desk.rows() == [row]
    head, *shown = desk("dead", consumer.name, "--show-phi").out.splitlines()
    assert head.split() == ["ID", "TYPE", "ATTEMPTS", "DIED", "LAST", "ERROR"]
    assert [line.split(maxsplit=4) for line in shown] == [[event, "PickupRequested", "1", letter["died"], PRIVATE]
                                                          for event, letter in zip(events, consumer.dead())]
    assert desk.rows() == [row]


def test_what_is_masked(api):
    """Of an attempt its number, time and worker are known to be harmless; of a detail what `events` shows."""
    consumer, [event] = letters(api, 1, maxAttempts=2)
    [letter] = lines(api.cli("consumers", "dead", consumer.name, "--json"))
    [clear] = consumer.dead()
    assert letter["history"] == [{**clear["history"][0], "error": "***"}] and letter["history"][0]["worker"] == "tester"
    assert letter["event"]["detail"] == api.list("events", "show", event)[0]["detail"] != clear["event"]["detail"]
    assert {**letter, "history": 0, "event": 0} == {**clear, "history": 0, "event": 0}


NAMED = {PRIVATE: 1, PRIVATE.upper(): {"name": "x"}}
BY = {"userId": "U-1", "name": PRIVATE}
HIDDEN = {"***": "***"}


@pytest.mark.parametrize("source,kind,detail,shown", [
    ("crm.kiosk", "Noted", {"pickupId": "P-1", "notes": PRIVATE, "requestedBy": {**BY, **NAMED}, "metadata": {"externalId": "X-1", **NAMED}, **NAMED},
     {"pickupId": "P-1", "notes": "***", "requestedBy": {"userId": "U-1", "name": "***", **HIDDEN}, "metadata": {"externalId": "X-1", **HIDDEN}, **HIDDEN}),
    ("crm.kiosk", "Noted", {"pickupId": [NAMED], "clinicId": NAMED}, {"pickupId": "***", "clinicId": HIDDEN}),
    ("cases.production", "CaseReadyToShip", {"caseId": "C-1", "labId": "L-1", "clinicId": "K-1", "requestedDeliveryDate": "2026-01-22", "packageSpecs": NAMED, **NAMED},
     {"caseId": "***", "labId": "L-1", "clinicId": "K-1", "requestedDeliveryDate": "***", "packageSpecs": HIDDEN, **HIDDEN})],
    ids=["as a pickup's", "no text", "a kind of its own"])
def test_a_name_made_a_key(api, source, kind, detail, shown):
    """Of what is published, names of members that nobody knows are hidden as their values are, in every form, as they may be a patient's; asked for, all is there."""
    consumer = Consumer(api, sources=[source])
    [event] = [row["eventId"] for row in api.publish(lab.envelope(source=source, detailType=kind, detail=detail), token="admin")]
    consumer.results("nack", consumer.claim(), permanent=True)
    looks = [("events", "list"), ("events", "show", event), ("consumers", "dead", consumer.name)]
    for look in (*looks, *((*look, "--json") for look in looks)):
        printed = api.cli(*look)
        assert printed.code == 0 and event in printed.out and PRIVATE.lower() not in printed.out.lower()
    assert api.list("events", "show", event)[0]["detail"] == shown
    assert lines(api.cli("consumers", "dead", consumer.name, "--json"))[0]["event"]["detail"] == shown
    assert json.loads(api.cli("events", "show", event, "--show-phi", "--json").out)["detail"] == detail


def test_the_last_error(api):
    """Of several attempts it is the last one's that a line shows; JSON has them all."""
    consumer = Consumer(api, maxAttempts=2)
    add(api)
    for error in ("no driver", "no road"):
        consumer.results("nack", consumer.claim(waitSeconds=5), error=error, retryAfterSeconds=0)
    line = api.cli("consumers", "dead", consumer.name, "--show-phi").out.splitlines()[1]
    assert line.split(maxsplit=4)[2] == "2" and line.endswith(" no road")
    [letter] = lines(api.cli("consumers", "dead", consumer.name, "--show-phi", "--json"))
    assert [attempt["error"] for attempt in letter["history"]] == ["no driver", "no road"]


def test_dead_of_many(api):
    """--limit takes the first of them; the look tells how many it was. Of none there is nothing to look at."""
    consumer, events = letters(api, 3, error="\x1b[31mred\n")
    desk = Desk(api, "control socket")
    shown = desk("dead", consumer.name, "--limit", "2", "--show-phi")
    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == events[:2] and "\x1b" not in shown.out and "?[31mred?" in shown.out
    assert desk.rows()[0][2]["count"] == 2
    none = desk("dead", Consumer(api).name, "--json", "--show-phi")
    assert (none.code, none.out, desk.rows()) == (0, "", [])


def test_many_are_listed(api):
    """A hundred unless it is said how many."""
    consumer = Consumer(api)
    api.publish(*(lab.envelope() for _ in range(101)), token="admin")
    consumer.results("nack", consumer.claim(max=1000), permanent=True)
    assert len(lines(api.cli("consumers", "dead", consumer.name, "--json"))) == 100
    assert len(lines(api.cli("consumers", "dead", consumer.name, "--json", "--limit", "1000"))) == 101


def test_pause_and_resume(desk):
    """A paused consumer claims nothing; resumed it does. Told as the API tells it."""
    consumer, twin = Consumer(desk.server), Consumer(desk.server)
    events = add(desk.server, 2)
    result = desk("pause", consumer.name)
    assert (result.code, result.out) == (0, f"{consumer.name} paused\n") and consumer.look()["paused"] is True
    assert consumer.claim() == []
    result = desk("resume", consumer.name)
    assert (result.code, result.out) == (0, f"{consumer.name} resumed\n") and consumer.look()["paused"] is False
    assert ids(consumer.claim()) == events
    assert desk.rows() == [(f"consumers {verb}", "default", {"name": consumer.name}) for verb in ("pause", "resume")]
    tell(twin, "pause")
    assert desk.api_rows("consumer_pause")[-1] == {"name": twin.name}


def test_replay(desk):
    """It begins again at a seq, at the start or now; what it had claimed or given up is forgotten."""
    consumer, events = letters(desk.server, 3)
    seq = desk.server.event(events[1])["seq"]
    result = desk("replay", consumer.name, "--from", str(seq))
    assert (result.code, result.out) == (0, f"{consumer.name} replays from {seq}\n") and consumer.look()["dead"] == 0
    claims = consumer.claim()
    assert ids(claims) == events[1:]
    assert desk("replay", consumer.name, "--from", "start").out == f"{consumer.name} replays from 1\n"
    assert consumer.results("ack", claims) == ["expired"] * 2 and consumer.claim(max=1)[0]["event"]["seq"] == 1
    last = desk.server.query("SELECT max(seq) AS seq FROM events")[0]["seq"]
    assert desk("replay", consumer.name, "--from", "now").out == f"{consumer.name} replays from {last + 1}\n" and consumer.claim() == []
    assert desk.rows() == [("consumers replay", "default", {"name": consumer.name, "after": after}) for after in (seq - 1, 0, last)]
    consumer.ask("replay", **{"from": seq})
    assert desk.api_rows("consumer_replay")[-1] == {"name": consumer.name, "after": seq - 1}


def test_retry(desk):
    """One dead letter goes again, or all of them."""
    consumer, events = letters(desk.server, 3)
    result = desk("retry", consumer.name, events[1])
    assert (result.code, result.out) == (0, f"{consumer.name} retries 1\n")
    claims = consumer.claim()
    assert ids(claims) == [events[1]] and claims[0]["attempt"] == 1
    assert desk("retry", consumer.name, "--all").out == f"{consumer.name} retries 2\n"
    assert ids(consumer.claim()) == [events[0], events[2]] and consumer.dead() == []
    assert desk("retry", consumer.name, "--all").out == f"{consumer.name} retries 0\n"
    whats = [{"name": consumer.name, "id": events[1], "count": 1}, {"name": consumer.name, "count": 2}, {"name": consumer.name, "count": 0}]
    assert desk.rows() == [("consumers retry", "default", what) for what in whats]
    other, [event] = letters(desk.server, 1)
    for path in (f"dead/{event}/retry", "dead/retry"):
        tell(other, path)
    assert desk.api_rows("dead_retry")[-1] == {"name": other.name, "id": event, "count": 1}
    assert desk.api_rows("dead_retry_all")[-1] == {"name": other.name, "count": 0}


def test_delete(desk):
    """It is gone, with what it held."""
    consumer, _ = letters(desk.server)
    result = desk("delete", consumer.name)
    assert (result.code, result.out) == (0, f"{consumer.name} deleted\n")
    assert consumer.name not in {row["name"] for row in api_list(desk.server)}
    assert desk.server.query("SELECT count(*) AS n FROM claims WHERE consumer NOT IN (SELECT id FROM consumers)")[0]["n"] == 0
    assert desk("delete", consumer.name).err == f"{consumer.name}: {NOBODY}\n"
    assert desk.rows() == [("consumers delete", "default", {"name": consumer.name})]


def test_refused(desk):
    """What the API refuses is refused, by name: nothing is changed, and nothing told."""
    consumer, [event] = letters(desk.server, 1)
    desk.server.api("PUT", "/v1/consumers/theirs", {}, "other")
    changes = [["pause"], ["resume"], ["replay", "--from", "1"], ["delete"]]
    looks = [["show"], ["dead"], ["dead", "--json", "--show-phi"]]
    before = desk.server.query("SELECT * FROM consumers ORDER BY id")
    for verb, *options in changes:
        result = desk(verb, "flows", *options)
        assert (result.code, result.out, result.err) == (1, "", f"flows: {BUILT_IN}\n"), verb
        assert desk.server.api("DELETE", "/v1/consumers/flows").problem["detail"] == BUILT_IN
    for verb, *options in [*changes, *looks, ["retry", event], ["retry", "--all"]]:
        for name in ("theirs", "No Such Name", "x" * 65, "\udcff"):
            result = desk(verb, name, *options)
            assert (result.code, result.out) == (1, "") and NOBODY in result.err, (verb, name, result.err)
    for wrong in ("0" * 32, add(desk.server)[0]):
        result = desk("retry", consumer.name, wrong)
        assert (result.code, result.out, result.err) == (1, "", f"{consumer.name}: no such dead letter\n")
    assert desk.server.query("SELECT * FROM consumers ORDER BY id") == before and desk.rows() == []
    assert desk("show", "theirs", "--org", "other").code == desk("pause", "theirs", "--org", "other").code == 0
    assert desk.rows() == [("consumers pause", "other", {"name": "theirs"})]


WRONG = [[], ["nonsense"], ["list", "extra"], ["show"], ["dead"], ["retry"], ["retry", "a"], ["pause"], ["resume"], ["delete"], ["replay"], ["replay", "a"],
         ["show", "a", "b"], ["pause", "a", "b"], ["delete", "a", "b"], ["dead", "a", "b"], ["replay", "a", "b", "--from", "1"],
         ["retry", "a", "not-hex"], ["retry", "a", "0" * 31], ["retry", "a", "0" * 32, "--all"], ["retry", "a", "0" * 32, "b"],
         ["replay", "a", "--from"], ["replay", "a", "--from", "0"], ["replay", "a", "--from", "-1"], ["replay", "a", "--from", "yesterday"],
         ["replay", "a", "--from", ""], ["replay", "a", "--from", "1.5"], ["replay", "a", "--from", "99999999999999999999"], ["replay", "a", "--from", "\udcff"],
         ["dead", "a", "--limit", "0"], ["dead", "a", "--limit", "x"], ["list", "--org"], ["list", "--org", ""], ["list", "--org", "\udcff"],
         ["list", "--org", "a\x1b[31m"], ["pause", "a", "--org", "a\x7f"], ["dead", "a", "--org", "a\u009b31m"], ["list", "--org", "a" * 65],
         ["list", "--limit", "1"], ["list", "--show-phi"], ["list", "--all"], ["show", "a", "--show-phi"], ["show", "a", "--from", "1"],
         ["pause", "a", "--json"], ["pause", "a", "--all"], ["delete", "a", "--all"], ["retry", "a", "--all", "--json"], ["dead", "a", "--all"],
         ["replay", "a", "--from", "1", "--limit", "1"], ["list", "--source", "dentrix"]]


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: ascii(" ".join(arguments)))
def test_wrong_use(api, arguments):
    """What can't be understood exits with 2, says why and how, and changes nothing."""
    before = api.query("SELECT * FROM audit")
    result = api.cli("consumers", *arguments)
    assert (result.code, result.out) == (2, "") and "usage: pickupd consumers" in result.err
    assert api.query("SELECT * FROM audit") == before


def test_without_a_database():
    """Where there never was a server there is no consumer, and none of it makes a database."""
    server = harness.Server()
    for arguments in (["list"], ["show", "a"], ["dead", "a"], ["pause", "a"], ["retry", "a", "--all"], ["delete", "a"]):
        result = server.cli("consumers", *arguments)
        assert (result.code, result.out) == (1, "") and str(server.database) in result.err
    assert not server.database.exists()


def give_up(consumer, count):
    """Publish so many events, which the consumer gives up."""
    for some in range(0, count, 1000):
        consumer.server.publish(*(lab.envelope() for _ in range(min(1000, count - some))), token="admin")
    while claims := consumer.claim(max=1000):
        assert set(consumer.results("nack", claims, permanent=True)) == {"dead"}


def test_of_many_letters():
    """All go again, in transactions of a thousand at most, each with its row; the last, which finds nothing, is told by none. So with the API."""
    with lab.Server() as server:
        consumer = Consumer(server)
        for via, count in (("control socket", 1001), ("command", 1001), ("control socket", 1000), ("command", 1000), ("127.0.0.1", 1000)):
            give_up(consumer, count)
            desk = Desk(server, via)
            if via == "127.0.0.1":
                tell(consumer, "dead/retry")
                assert desk.api_rows("dead_retry_all") == [{"name": consumer.name, "count": count}]
            else:
                assert desk("retry", consumer.name, "--all").out == f"{consumer.name} retries {count}\n"
                assert [what["count"] for _, _, what in desk.rows()] == [1000, 1][:1 + count % 1000]
            assert consumer.look()["dead"] == 0
            while claims := consumer.claim(max=1000):
                assert set(consumer.results("ack", claims)) == {"acked"}


def answers(consumer, act, count):
    """What so many claims are answered that wait when something is done."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(wire.dial(consumer.server.private)) for _ in range(count)]
        for line in waiting:
            line.sendall(claim_bytes(consumer.server, consumer, 20))
            process.wait_until(lambda line=line: process.is_read(line))
        assert consumer.claim() == []  # By now they wait: all go through the same thread, and through the writer.
        begun = time.monotonic()
        act()
        got = [read_answer(line) for line in waiting]
        assert time.monotonic() - begun < 20
        return got


def read_answer(line):
    """The answer that comes next."""
    answer = b""
    while not is_whole(answer):
        part = line.recv(65536)
        assert part, answer
        answer += part
    return wire.parse_answers(answer)[0]


def polled(consumer, act):
    """The events that a claim has which waits when something is done."""
    return ids(answers(consumer, act, 1)[0].json["claims"])


def is_whole(answer):
    """Whether all of an answer is there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return end and len(body) >= int(head.lower().split(b"content-length:")[1].split()[0])


def by_command(consumer, verb, *options):
    """Run the command."""
    result = consumer.server.cli("consumers", verb, consumer.name, *options)
    assert result.code == 0, result.err


def by_api(consumer, verb, *options):
    """Ask the API for the same."""
    if verb == "replay":
        consumer.ask("replay", **{"from": int(options[1])})
    else:
        tell(consumer, {"retry": "dead/retry" if options == ("--all",) else f"dead/{'/'.join(options)}/retry"}.get(verb, verb))


@pytest.mark.parametrize("do", [by_command, by_api])
def test_a_held_poll_is_woken(api, do):
    """Who waits has what a resume, a replay or a retry gives him, at once."""
    consumer, [event] = letters(api, 1)
    assert polled(consumer, lambda: do(consumer, "retry", event)) == [event]
    assert polled(consumer, lambda: do(consumer, "replay", "--from", str(api.event(event)["seq"]))) == [event]
    consumer.ask("replay", **{"from": "now"})
    do(consumer, "pause")
    [event] = add(api)
    assert polled(consumer, lambda: do(consumer, "resume")) == [event]
    many, events = letters(api, 2)
    assert polled(many, lambda: do(many, "retry", "--all")) == events


@pytest.mark.parametrize("act", [lambda consumer: by_command(consumer, "delete"),
                                 lambda consumer: consumer.server.api("DELETE", f"/v1/consumers/{consumer.name}")], ids=["by_command", "by_api"])
def test_whose_consumer_is_deleted(api, act):
    """All who wait for it are told at once that it is not there."""
    consumer = Consumer(api)
    assert [answer.status for answer in answers(consumer, lambda: act(consumer), 3)] == [404, 404, 404]


def test_the_flows_are_woken():
    """Their dead letters are anybody's to try again, and they do so at once."""
    with harness.Server(settings={"flows": "on"}) as server:
        [event] = add(server)
        assert settled(server)["dead"] == 1
        [letter] = lines(server.cli("consumers", "dead", "flows", "--json", "--show-phi"))
        assert letter["event"]["id"] == event and len(letter["history"]) == 1 and letter["history"][0]["worker"] == "flows"
        assert server.cli("consumers", "dead", "flows", "--org", "other", "--json").out == ""
        assert server.cli("consumers", "retry", "flows", "--all", "--org", "other").out == "flows retries 0\n"
        assert server.cli("consumers", "retry", "flows", event, "--org", "other").err == "flows: no such dead letter\n"
        for count, which in ((2, event), (3, "--all")):
            assert server.cli("consumers", "retry", "flows", which).out == "flows retries 1\n"
            process.wait_until(lambda: [len(one["history"]) for one in lines(server.cli("consumers", "dead", "flows", "--json"))] == [count])


def test_while_another_has_it(api):
    """While another command has the database, a change waits for its turn, and is not made if that does not come."""
    with lab.Server() as server:
        consumer, _ = letters(server)
        server.stop()
        with open(f"{server.database}.lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            paused = server.cli("consumers", "pause", consumer.name)
            shown = server.cli("consumers", "dead", consumer.name, "--show-phi")
        for refused in (paused, shown):
            assert refused.code == 1 and not refused.out and "another command has the database" in refused.err
        assert "nothing was changed" in paused.err
        server.start()
        assert consumer.look()["paused"] is False


@pytest.mark.parametrize("answer,out,err", [
    ({"total": 1000, "after": 0, "error": "store is full"}, "a retries 1000\n", "a: store is full\n"),
    ({"error": "unknown command"}, "", "the running server did not do it: nothing was changed"), (None, "", HUNG_UP)],
    ids=["some", "an earlier server", "nothing"])
def test_what_a_server_answers(answer, out, err):
    """What some goes have done is told beside why the next one failed; who does not know the command has done nothing, who says nothing maybe all."""
    server = harness.Server()
    server.database.touch()
    with open(f"{server.database}.lock", "w", encoding="ascii") as lock, socket.socket(socket.AF_UNIX) as listening:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listening.settimeout(wire.TIMEOUT)
        listening.bind(f"{server.database}.control")
        listening.listen()
        with ThreadPoolExecutor() as pool:
            command = pool.submit(server.cli, "consumers", "retry", "a", "--all")
            with listening.accept()[0] as line:
                assert json.loads(line.makefile().readline())["verb"] == "retry"
                line.sendall(json.dumps(answer).encode() + b"\n" if answer else b"")
            result = command.result()
    assert (result.code, result.out) == (1, out) and err in result.err


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_meanwhile(how):
    """A stop brings the answer still; of a kill nobody says that nothing was changed."""
    server = lab.Server()
    its = disk.Disk(server)
    with server, ThreadPoolExecutor() as pool:
        consumer = Consumer(server)
        with its.hanging():
            command = pool.submit(server.cli, "consumers", "pause", consumer.name)
            its.wait_hung()
            server.process.send_signal(how)
            if how == signal.SIGTERM:
                server.log.wait_for("stopping")
        server.end()
        result = command.result()
        if how == signal.SIGTERM:
            assert (result.code, result.out, result.err) == (0, f"{consumer.name} paused\n", "")
        else:
            assert (result.code, result.out) == (1, "") and HUNG_UP in result.err and "nothing was changed" not in result.err
        server.start()


@pytest.mark.parametrize("how", ["gone", "stop"])
def test_a_retry_of_many_that_is_left(how):
    """It goes on without its client; a stop ends it between two goes, each of which is told, and says how far it came."""
    server = lab.Server()
    its = disk.Disk(server)
    with server:
        consumer = Consumer(server)
        give_up(consumer, 1001)
        desk = Desk(server, "control socket")
        with wire.dial(server.public) as begun:  # Half a request, which a stop waits for: so it is not the end of the loop that ends the retry.
            begun.sendall(b"POST ")
            process.wait_until(lambda: process.is_read(begun))
            with its.hanging(), wire.dial(f"unix:{server.database}.control") as line:
                line.sendall(json.dumps({"command": "consumer", "verb": "retry", "org": "default", "name": consumer.name, "all": True}).encode() + b"\n")
                its.wait_hung()
                if how == "stop":
                    server.process.send_signal(signal.SIGTERM)
                    server.log.wait_for("stopping")
                    said = line.makefile()
            if how == "stop":
                assert json.loads(said.read()) == {"total": 1000, "after": 0, "error": "Service unavailable"}
        if how == "stop":
            server.end()
            server.start()
        else:
            process.wait_until(lambda: consumer.look()["dead"] == 0)
        assert consumer.look()["dead"] == (1 if how == "stop" else 0)
        assert [what["count"] for _, _, what in desk.rows()] == ([1000] if how == "stop" else [1000, 1])


def test_a_full_disk():
    """Where the disk takes nothing, nothing is changed or shown, and the command says why."""
    with lab.Server() as server:
        consumer, [event] = letters(server, 1)
        set_limit(server, 0)
        before = [server.query(f"SELECT * FROM {table}") for table in ("consumers", "claims", "audit")]
        for arguments in (["pause"], ["delete"], ["retry", "--all"], ["retry", event], ["replay", "--from", "1"]):
            result = server.cli("consumers", arguments[0], consumer.name, *arguments[1:])
            assert (result.code, result.out, result.err) == (1, "", f"{consumer.name}: store is full\n"), arguments
        looked = server.cli("consumers", "dead", consumer.name, "--show-phi")
        assert (looked.code, looked.out) == (1, "") and "not audited" in looked.err
        assert PRIVATE not in server.cli("consumers", "dead", consumer.name).out
        assert before == [server.query(f"SELECT * FROM {table}") for table in ("consumers", "claims", "audit")]
        set_limit(server, resource.RLIM_INFINITY)
        assert server.cli("consumers", "retry", consumer.name, event).out == f"{consumer.name} retries 1\n"


def test_what_the_server_cannot_read(api):
    """A request that lacks something changes nothing."""
    consumer, [event] = letters(api, 1)
    before = api.query("SELECT * FROM consumers"), api.query("SELECT * FROM audit"), api.query("SELECT * FROM claims")
    good = {"command": "consumer", "org": "default", "name": consumer.name}
    for wrong in ({}, {"verb": "nonsense"}, {"verb": "replay"}, {"verb": "replay", "body": {"from": 0}}, {"verb": "replay", "body": {"from": "later"}},
                  {"verb": "replay", "body": {}}, {"verb": "retry"}, {"verb": "retry", "id": event[1:]},
                  *({"verb": "pause", "org": org} for org in ("", 7, "a\x1b[31m", "a" * 65))):
        with wire.dial(f"unix:{api.database}.control") as line:
            line.sendall(json.dumps({**good, **wrong}).encode() + b"\n")
            assert json.loads(line.makefile().read()) == {"error": "unknown command"}, wrong
    assert before == (api.query("SELECT * FROM consumers"), api.query("SELECT * FROM audit"), api.query("SELECT * FROM claims"))
