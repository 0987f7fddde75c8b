"""The stream: what is committed is told at once, from where its reader left off, and who does not read is dropped."""
import contextlib
import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import sqlite3
import time
from contextlib import closing

import pytest

import disk
import harness
import lab
import oracle
import wire
from test_room import stuff

UNSENT_MAX, PAGE = 1 << 20, 1 << 18  # Bytes that may wait for a reader, and that are added to them at once.
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000  # As in the kernel's headers.
BIG = 100_000  # Bytes of a detail, so that a few fill whatever the kernel buffers.


class Stream:
    """A reader of the stream: takes the parts of its answer apart, and then the events."""

    def __init__(self, server, query="", last=None, token="read", window=None, awaited=True):
        self.sock = socket.socket()
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.sock.settimeout(wire.TIMEOUT)
        host, _, port = server.private.rpartition(":")
        self.sock.connect((host, int(port)))
        resume = "" if last is None else f"Last-Event-ID: {last}\r\n"
        self.sock.sendall(f"GET /v1/stream{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.tokens[token]}\r\n{resume}\r\n".encode())
        self.file = self.sock.makefile("rb")
        self.text, self.position = b"", None
        if awaited:
            self.head()

    def head(self):
        """Wait for the answer's head."""
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def close(self):
        """Hang up."""
        self.file.close()
        self.sock.close()

    def part(self):
        """One part of the answer; empty at its end."""
        size = int(self.file.readline(), 16)
        data = self.file.read(size)
        assert self.file.readline() == b"\r\n" and len(data) == size
        return data

    def block(self):
        """The lines up to the next empty one; None once the stream has ended."""
        while b"\n\n" not in self.text:
            data = self.part()
            if not data:
                return None
            self.text += data
        block, _, self.text = self.text.partition(b"\n\n")
        return block.decode().split("\n")

    def next(self):
        """The next event as (name, data); None once the stream has ended. What only moves the position is passed over, for a while."""
        deadline = time.monotonic() + wire.TIMEOUT
        while (lines := self.block()) is not None:
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            self.position = fields["id"]
            if "data" in fields:
                return fields.get("event", "message"), json.loads(fields["data"])
            assert time.monotonic() < deadline, f"nothing but positions, now {self.position}"
        return None

    def seqs(self, count):
        """The seqs of the next so many events, which are all there is until then."""
        got = [self.next() for _ in range(count)]
        assert all(name == "message" for name, _ in got), got
        return [data["seq"] for _, data in got]


@contextlib.contextmanager
def stream(server, *arguments, **more):
    """A stream for as long as the block."""
    with closing(Stream(server, *arguments, **more)) as one:
        assert (one.status, one.headers["content-type"]) == (200, "text/event-stream")
        yield one


def ready(one):
    """Read up to where the stream begins: from here on nothing is missed."""
    comment, position = one.block()
    assert comment == ":" and position.startswith("id: ")
    one.position = position[4:]


@pytest.fixture
def server():
    """A server with an empty log."""
    with lab.Server() as running:
        yield running


def test_as_it_is_committed(server):
    """Whatever is committed from now on is told, in the order of the log, as the API writes it."""
    server.publish(lab.envelope())
    with stream(server) as one:
        ready(one)
        server.publish(lab.envelope())
        assert server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())).status == 200
        got = [one.next(), one.next()]
        assert [name for name, _ in got] == ["message", "message"] and one.position == "3"
        assert [data for _, data in got] == server.get("/v1/events?order=oldest&cursor=1")["events"]


@contextlib.contextmanager
def held_thread(server, name):
    """Holds one thread of the server for as long as the block, as a debugger does."""
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
    thread, = (int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == name + "\n")
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    if trace(PTRACE_SEIZE, thread, None, None) != 0:
        pytest.skip(f"{os.strerror(ctypes.get_errno())}: no thread may be held here")
    assert trace(PTRACE_INTERRUPT, thread, None, None) == 0 and os.waitpid(thread, WALL)[0] == thread
    try:
        yield
    finally:
        assert trace(PTRACE_DETACH, thread, None, None) == 0


def unbegun(server):
    """A stream that waits for the reader, which is held."""
    one = Stream(server, awaited=False)
    disk.wait_for(lambda: server.query("SELECT 1 FROM audit WHERE action = 'stream'"))
    return one


def test_nothing_is_missed_after_the_head(server):
    """Whoever has a stream's head has all that is committed from then on: it comes once the place in the log is known."""
    with contextlib.ExitStack() as ends:
        with held_thread(server, "reader"):
            one = ends.enter_context(closing(unbegun(server)))
            server.publish(lab.envelope())  # Its commit comes behind that of the stream's row in the audit.
            assert select.select([one.sock], [], [], 0)[0] == []
        one.head()
        server.publish(lab.envelope())
        ready(one)
        began = int(one.position)
        assert one.seqs(1) == [began + 1]


@pytest.mark.parametrize("how", ["reload", "stop"])
def test_it_is_over_before_the_head(server, how):
    """A stream that is ended before its place in the log is known is not promised anything: whoever asked for it asks anew."""
    with contextlib.ExitStack() as ends:
        with held_thread(server, "reader"):
            one = ends.enter_context(closing(unbegun(server)))
            server.publish(lab.envelope())
            server.process.send_signal({"reload": signal.SIGHUP, "stop": signal.SIGTERM}[how])
            server.log.wait_for({"reload": "configuration reloaded", "stop": "stopping"}[how])
            assert select.select([one.sock], [], [], 0)[0] == []
        one.head()
        assert one.status == 503 and one.headers["retry-after"]
    if how == "stop":
        server.end()
        server.start()
    assert [row["action"] for row in server.query("SELECT action FROM audit")] == ["stream", "publish"]


def test_who_leaves_before_the_head(server):
    """Whoever has gone before a stream's head could be sent makes room, and gives no trouble."""
    with held_thread(server, "reader"):
        for _ in range(64):
            Stream(server, awaited=False).close()
        disk.wait_for(lambda: server.query("SELECT count(*) AS rows FROM audit")[0]["rows"] == 64)
    with contextlib.ExitStack() as streams:
        for _ in range(64):
            disk.wait_for(lambda: streams.enter_context(closing(Stream(server))).status == 200)


def test_only_what_was_sent_was_given(server):
    """What a stream had read and not sent when it ended was given to nobody; and what was given is audited, however long the server took to stop."""
    with stream(server) as one:
        ready(one)
        server.publish(lab.envelope())
        assert one.seqs(1) == [1]
        with held_thread(server, "reader"):
            server.publish(lab.envelope())
            server.process.send_signal(signal.SIGTERM)
            server.log.wait_for("stopping")
            time.sleep(6)  # Longer than connections may take to end.
        server.end()
    assert [row["what"] for row in server.query("SELECT what FROM audit WHERE action = 'stream_end'")] == ['{"count":1,"first":1,"last":1}']
    server.start()


def test_what_is_sent_along_is_not_kept(server):
    """Whoever goes on sending while a stream goes on has as much taken as one request may be, and no more with every event."""
    with stream(server) as one:
        ready(one)
        assert stuff(one.sock) > 8 << 20
        for _ in range(3):
            server.publish(lab.envelope())
            assert stuff(one.sock) < 1 << 20
        one.sock.settimeout(wire.TIMEOUT)
        assert one.seqs(3) == [1, 2, 3]


def test_the_wall_and_the_filters(server):
    """A stream gives what its organization has and its filter lets through, and nothing else."""
    with stream(server, token="other") as other, stream(server, "?source=crm.kiosk,ehr.dentrix") as sources, stream(server, "?detailType=Other") as types, \
            stream(server, "?origin=crm.portal") as origins:
        for one in (other, sources, types, origins):
            ready(one)
        server.publish(lab.envelope(), lab.envelope(source="crm.kiosk"), lab.envelope(detailType="Other"))
        server.publish(lab.envelope(), token="other")
        server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh()))
        server.publish(lab.envelope(detailType="Other"), lab.envelope())
        assert other.seqs(1) == [4] and sources.seqs(2) == [2, 5] and types.seqs(2) == [3, 6] and origins.seqs(4) == [1, 3, 6, 7]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_resume(server, how):
    """A reader that was cut off says what it saw last and misses nothing, also after a restart or a kill."""
    server.publish(*(lab.envelope() for _ in range(3)))
    with stream(server, "?after=0") as one:
        assert one.seqs(2) == [1, 2]
        last = one.position
    getattr(server, how)()
    server.start()
    server.publish(lab.envelope())
    with stream(server, "?after=0", last=last) as one:
        assert one.seqs(2) == [3, 4]
    with stream(server, "?after=3") as one:
        assert one.seqs(1) == [4]


def test_who_comes_late_gets_all_of_it(server):
    """A long log is read in pages, while it grows, without a gap and without a repeat."""
    for _ in range(3):
        server.publish(*(lab.envelope() for _ in range(700)))
    with stream(server, "?after=0") as one:
        assert one.seqs(100) == list(range(1, 101))
        server.publish(*(lab.envelope() for _ in range(50)))
        assert one.seqs(2050) == list(range(101, 2151))


def purge(server, sql):
    """Do something to the log while nobody serves it."""
    server.stop()
    with closing(sqlite3.connect(server.database)) as db, db:
        db.execute(sql)
    server.start()


def test_purged(server):
    """What has been purged is told as a gap, once, and only if it was wanted."""
    server.publish(*(lab.envelope(detailType="Other" if number in (3, 4) else "Noted") for number in range(1, 9)))
    purge(server, "UPDATE events SET detail = NULL WHERE seq IN (2, 3, 4, 7, 8)")
    with stream(server, last=0) as one:
        assert one.seqs(1) == [1]
        assert (one.next(), one.position) == (("gap", {"after": 1, "next": 5}), "4")
        assert one.seqs(2) == [5, 6]
        assert (one.next(), one.position) == (("gap", {"after": 6, "next": 9}), "8")
        server.publish(lab.envelope())
        assert one.seqs(1) == [9]
    with stream(server, "?detailType=Other", last=3) as one:
        assert one.next() == ("gap", {"after": 3, "next": 5})
    with stream(server, "?detailType=Nothing", last=0) as one:
        ready(one)
        server.publish(lab.envelope(detailType="Nothing"))
        assert one.seqs(1) == [10]


def test_a_position_before_what_is_kept(server):
    """Where the start of the log is gone, whoever has not seen it is told so; whoever has, is not."""
    server.publish(*(lab.envelope() for _ in range(5)))
    purge(server, "DELETE FROM events WHERE seq <= 3")
    with stream(server, last=1) as one:
        assert one.next() == ("gap", {"after": 1, "next": 4}) and one.seqs(2) == [4, 5]
    with stream(server, last=3) as one:
        assert one.seqs(2) == [4, 5]


def test_a_position_of_another_log(server):
    """A position that this log never had, as after a backup was brought back, is a gap, and the stream goes on from now."""
    server.publish(lab.envelope())
    with stream(server, last=1000) as one:
        assert (one.next(), one.position) == (("gap", {"after": 1000, "next": 2}), "1")
        server.publish(lab.envelope())
        assert one.seqs(1) == [2]


@pytest.mark.parametrize("query,last,error", [("?after=-1", None, "Invalid after"), ("?colour=red", None, "Unknown parameter"), ("", "x", "Invalid Last-Event-ID"),
                                              ("", "-1", "Invalid Last-Event-ID"), ("", "9223372036854775808", "Invalid Last-Event-ID")])
def test_bad_requests(server, query, last, error):
    """What is no position is refused."""
    headers = [] if last is None else [("Last-Event-ID", last)]
    answer = server.api("GET", f"/v1/stream{query}", token="read", headers=headers)
    assert answer.status == 400 and answer.problem["errors"] == [error]


def test_two_positions(server):
    """Which of two positions counts nobody can know."""
    answer = server.api("GET", "/v1/stream", token="read", headers=[("Last-Event-ID", "1"), ("Last-Event-ID", "2")])
    assert answer.status == 400 and answer.problem["errors"] == ["Invalid Last-Event-ID"]


def test_who_does_not_read_is_dropped():
    """A reader that takes nothing is cut off within request_timeout, and little waits for it until then; others go on."""
    with lab.Server(settings={"request_timeout": "2s"}) as server:
        with stream(server, window=4096) as slow, stream(server) as quick:
            ready(quick)
            ready(slow)
            number = 0
            while server.log.find("a stream was dropped: it takes too long to read") is None or number * BIG <= 3 * UNSENT_MAX:
                results = server.publish(*(lab.envelope(detail={"big": "x" * BIG}) for _ in range(10)))
                assert quick.seqs(10) == [one["seq"] for one in results]
                number += 10
                assert number < 5000
                if number * BIG > 16 * UNSENT_MAX:  # By now the kernel takes no more, and all that is missing is time.
                    with server.log.changed:
                        server.log.changed.wait(0.1)
            dropped = server.log.find("a stream was dropped: it takes too long to read")
            assert dropped["unsent"] < UNSENT_MAX + PAGE + BIG and len(dropped["request"]) == 16
            server.publish(lab.envelope())
            assert quick.seqs(1) == [number + 1]
            with pytest.raises((ConnectionError, ValueError, AssertionError)):
                while slow.part():
                    pass
        with stream(server, "?after=0") as again:
            assert again.seqs(number + 1) == list(range(1, number + 2))


def test_silence_is_no_reason(server):
    """A stream on which nothing happens outlives the time limits, and then shows that it is there and how far it is."""
    server.stop()
    server.settings["request_timeout"] = "1s"
    server.start()
    with stream(server, "?detailType=Other") as one:
        ready(one)
        server.publish(lab.envelope())
        began = time.monotonic()
        assert one.block() == [":", "id: 1"]
        assert time.monotonic() - began > 5


def test_too_many(server):
    """There are 64 streams at once; who leaves makes room for another."""
    streams = [Stream(server) for _ in range(64)]
    assert {one.status for one in streams} == {200}
    for one in streams:
        ready(one)
    answer = server.api("GET", "/v1/stream", token="read")
    assert answer.status == 503 and answer.headers["Retry-After"]
    streams.pop().close()
    deadline = time.monotonic() + wire.TIMEOUT
    while (fresh := Stream(server)).status == 503:
        fresh.close()
        assert time.monotonic() < deadline
    server.publish(lab.envelope())
    for one in (*streams, fresh):
        assert one.seqs(1) == [1]
        one.close()


def test_a_token_that_is_gone(server):
    """When the configuration is loaded anew, streams end; whose token is still there comes back, and nobody else."""
    with stream(server) as one, stream(server, token="other") as other:
        ready(one)
        ready(other)
        server.more = server.more.replace("[token other]\nenv = TOKEN_OTHER\nrole = admin\norg = other\n", "")
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        assert other.next() is None and one.next() is None
        server.publish(lab.envelope())
        with stream(server, last=one.position) as again:
            assert again.seqs(1) == [1]
        assert server.api("GET", "/v1/stream", token="other").status == 401


def test_a_stop_does_not_wait_for_who_does_not_read(server):
    """A reader that takes nothing keeps nobody from stopping."""
    with stream(server, "?after=0", window=4096) as slow:
        ready(slow)
        for _ in range(10):
            server.publish(*(lab.envelope(detail={"big": "x" * BIG}) for _ in range(10)))
        server.stop()
    server.start()


def test_a_stop_ends_it(server):
    """When the server stops, streams come to an end that their readers can tell from a cut."""
    with stream(server) as one:
        ready(one)
        server.stop()
        assert one.next() is None
    server.start()
