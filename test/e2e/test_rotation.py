"""When each secret last proved a webhook: in `/metrics`, in `pickupd check`, across restarts and reloads."""
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import datetime, timezone

import pytest

import harness
import ledger
import oracle
import sender
import wire

NEXT = "next-test-secret-not-real"
THIRD = "third-test-secret-not-real"
WRONG = harness.WRONG_SECRET
STATES = {"next": "", "later": "not_before = 2099-01-01T00:00:00Z\n", "past": "not_after = 2020-01-01T00:00:00Z\n"}


def serve(*more):
    """A server with two sources of one sender, of which the first has a further secret; not yet started."""
    server = sender.serve(sender.define("own", handshakes=[{"when": {"kind": "challenge"}, "answer": {"body": "{id}"}}]), sender.define("other"), *more)
    server.add_secret("own", "next", NEXT)
    return server


def clock():
    """Now, in seconds, as exactly as the server writes it."""
    return harness.now() / 1000


def tell(server, secret=None, payload=None, source="own"):
    """Post a webhook signed with a secret; return its status and when it can have been received."""
    before = clock()
    answer = server.tell(source, payload or sender.order(), secret)
    return answer.status, before, clock()


def matched(server, secret="own", source="own"):
    """When a secret last matched, as /metrics has it."""
    return server.last_match(source, secret)


def noted(server):
    """What the database knows of matches, in seconds."""
    return {(row["origin"], row["secret"]): row["time"] / 1000 for row in server.query("SELECT * FROM secret_matches")}


def table(server):
    """The secrets as `check` prints them: (source, secret) to (state, last match)."""
    result = server.cli("check")
    assert result.code == 0, result.err
    _, _, rest = result.out.partition("SECRET           STATE    LAST MATCH\n")
    assert rest or "LAST MATCH" not in result.out
    rows = re.findall(r"^(\S+) +(\S+) +(live|over|not yet) +(.+)$", rest.partition("\n\n")[0], re.MULTILINE)
    return {(source, secret): (state, last) for source, secret, state, last in rows}


def written(moment):
    """A time as `check` prints it."""
    return oracle.iso(datetime.fromtimestamp(moment, timezone.utc)) if moment else "never"


def test_each_secret_has_its_time():
    """A secret's time is that of the last webhook it proved, and of no other secret's, source's or forger's."""
    with serve() as server:
        assert {matched(server), matched(server, "next"), matched(server, "other", "other")} == {0}
        status, before, after = tell(server)
        first = matched(server)
        assert status == 200 and before <= first <= after and matched(server, "next") == 0
        harness.next_millisecond()
        status, before, after = tell(server, NEXT)
        second = matched(server, "next")
        assert status == 200 and before <= second <= after and matched(server) == first
        assert tell(server, WRONG)[0] == 401
        assert (matched(server), matched(server, "next"), matched(server, "other", "other")) == (first, second, 0)
        harness.next_millisecond()
        status, before, after = tell(server)
        assert status == 200 and before <= matched(server) <= after and matched(server, "next") == second


def test_both_secrets_of_one_request():
    """A sender that signs with the old secret and the new one notes both, in whatever order; that one of them is wrong takes nothing away."""
    scheme = {**sender.HMAC, "signature": {**sender.HMAC["signature"], "list": " "}}
    server = sender.serve(sender.define("own", scheme=scheme))
    server.add_secret("own", "next", NEXT)
    server.add_secret("own", "third", THIRD)
    with server:
        for secrets in ((server.sources["own"].secret, NEXT), (NEXT, server.sources["own"].secret), (WRONG, NEXT)):
            body, before = sender.compact(sender.order()), clock()
            lines = [value for secret in secrets for _, value in sender.sign(sender.HMAC, secret, body)]
            answer = sender.Request(body, [sender.JSON, ("X-Test-Signature", " ".join(lines))]).send(server, "own")
            assert answer.status == 200 and before <= matched(server, "next") <= clock() and matched(server, "third") == 0
            assert (before <= matched(server)) == (WRONG not in secrets)


@pytest.mark.parametrize("payload, status", [(sender.order, 200), (sender.noise, 200), (sender.faulty, 400), (lambda: b"{", 400),
                                             (lambda: {"kind": "challenge", "id": "x"}, 200)], ids=["event", "noise", "fault", "garbage", "challenge"])
def test_whatever_is_proved_counts(payload, status):
    """A match is one whatever becomes of the webhook: a sender of noise has the new secret, too."""
    with serve() as server:
        answered, before, after = tell(server, NEXT, payload())
        assert answered == status and before <= matched(server, "next") <= after and matched(server) == 0


def test_a_challenge_in_its_own_place_counts():
    """So is a handshake whose secret stands elsewhere than the scheme says."""
    server = sender.Server([oracle.source("redox")])
    server.add_secret("redox", "next", NEXT)
    ledger.SECRETS.add(NEXT)
    with server:
        before = clock()
        request = sender.Request(method="GET", query=f"challenge=a&verification-token={NEXT}")
        assert request.send(server, "redox").body == b"a"
        assert before <= server.last_match("redox", "next") <= clock() and server.last_match("redox", "redox") == 0


def test_duplicates_count():
    """A repeat proves that its secret is in use."""
    with serve() as server:
        payload = sender.order()
        tell(server, None, payload)
        first = matched(server)
        harness.next_millisecond()
        tell(server, None, payload)
        assert matched(server) > first


def test_noted_at_a_stop():
    """A stop writes what is known, exactly; a restart shows it, and counts on from there."""
    with serve() as server:
        tell(server)
        first = matched(server)
        server.stop()
        assert noted(server) == {("own", "own"): first}
        server.start()
        assert (matched(server), matched(server, "next")) == (first, 0)
        assert server.counted("own") == {}
        tell(server, NEXT)
        second = matched(server, "next")
        server.restart()
        assert (matched(server), matched(server, "next")) == (first, second)
        server.restart()
        assert noted(server) == {("own", "own"): first, ("own", "next"): second}
        harness.next_millisecond()
        tell(server)
        third = matched(server)
        server.stop()
        assert noted(server) == {("own", "own"): third, ("own", "next"): second} and third > first
        server.start()


def test_a_crash_loses_a_minute_at_most():
    """What was noted before a crash is known after it; what was not is lost, and nothing else."""
    with serve() as server:
        tell(server)
        first = matched(server)
        server.restart()
        tell(server, NEXT)
        server.kill()
        server.start()
        assert (matched(server), matched(server, "next")) == (first, 0)


SHIM = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, clock, now);
    if ((clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) && access(LATER, F_OK) == 0)
        now->tv_sec += AHEAD;
    return (int)result;
}
"""


def test_noted_once_a_minute():
    """A minute later what is known is on disk while the server runs; the minute is made by a clock that jumps."""
    server = serve()
    later, library = server.directory / "later", server.directory / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", f'-DLATER="{later}"', "-DAHEAD=61", "-x", "c", "-", "-o", library], input=SHIM.encode(),
                   check=True, timeout=wire.TIMEOUT)
    server.launcher = ["env", f"LD_PRELOAD={library}", "ASAN_OPTIONS=verify_asan_link_order=0"]
    with server:
        tell(server)
        first = matched(server)
        assert noted(server) == {}
        later.touch()
        deadline = time.monotonic() + wire.TIMEOUT
        while noted(server) == {} and time.monotonic() < deadline:
            matched(server)
        assert noted(server) == {("own", "own"): first}
        assert table(server)["own", "own"] == ("live", written(first))
        server.kill()
        server.start()
        assert matched(server) == first


# Reloads.


def reload(server):
    """Reload, and wait until it is over."""
    server.write_config()
    server.log.forget()
    server.process.send_signal(signal.SIGHUP)
    server.log.wait_for("configuration reloaded")


def test_a_reload_keeps_counts_and_times():
    """Neither counters nor times begin anew; a new secret begins at never, and one that comes back has its time."""
    with serve() as server:
        for _ in range(3):
            tell(server, NEXT)
        tell(server, WRONG)
        second, more = matched(server, "next"), server.more
        reload(server)
        assert (matched(server, "next"), server.counted("own")) == (second, {"accepted": 3, "refused": 1})
        server.more += f"[secret own third]\nfile = {sender.write(server.directory, 'third', THIRD)}\n"
        reload(server)
        assert matched(server, "third") == 0 and matched(server, "next") == second
        tell(server, THIRD)
        assert matched(server, "third") > 0
        server.more = ""
        reload(server)
        assert tell(server, NEXT)[0] == 401
        server.more = more
        reload(server)
        assert matched(server, "next") == second
        harness.next_millisecond()
        assert tell(server, NEXT)[0] == 200 and matched(server, "next") > second
        assert server.counted("own") == {"accepted": 5, "refused": 2}


def test_a_reload_under_webhooks():
    """Counts of webhooks that come while the configuration is swapped are not lost."""
    with serve() as server, closing(server.connect()) as connection:
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
            body = sender.compact(sender.order())
            assert connection.ask("POST", server.path("own"), body, server.request_headers("own", body)).status == 200
        assert server.counted("own") == {"accepted": 20}


def test_a_source_that_comes_back():
    """A source that is gone for a while keeps its counts and times."""
    with serve() as server:
        tell(server, source="other")
        last, gone = matched(server, "other", "other"), server.sources.pop("other")
        reload(server)
        assert server.ask("POST", server.path("other"), b"{}").status == 404
        server.sources["other"] = gone
        reload(server)
        assert (matched(server, "other", "other"), server.counted("other")) == (last, {"accepted": 1})


# The command.


def test_check_prints_every_secret():
    """`check` lists each secret with its state and its last match, and shows none."""
    server = sender.serve(sender.define("own"), sender.define("other"))
    for name, limits in STATES.items():
        server.add_secret("own", name, f"{name}-test-secret-not-real", limits)
    assert table(server) == {}  # There is no database yet.
    with server:
        assert set(table(server)) == {("own", "own"), *(("own", name) for name in STATES), ("other", "other")}
        assert {last for _, last in table(server).values()} == {"never"}
        tell(server, NEXT)
        second = matched(server, "next")
        server.stop()
        states = {secret: state for (source, secret), (state, _) in table(server).items() if source == "own"}
        assert states == {"own": "live", "next": "live", "later": "not yet", "past": "over"}
        assert table(server)["own", "next"] == ("live", written(second))
        assert table(server)["own", "own"] == ("live", "never") and table(server)["other", "other"] == ("live", "never")
        shown = server.cli("check")
        assert not any(secret in shown.out + shown.err for secret in [*server.variables.values(), server.sources["own"].secret])
        server.start()


def test_check_of_a_damaged_database():
    """What can't be read of the database is no reason to fail, or to say anything of secrets."""
    server = serve()
    for content in (b"", b"no database", b"SQLite format 3\0" + b"\xff" * 200):
        server.database.write_bytes(content)
        assert table(server) == {}
        server.database.unlink()
    with server:
        server.stop()
        with closing(sqlite3.connect(server.database)) as db, db:
            db.execute("INSERT INTO secret_matches VALUES ('own', 'own', 9223372036854775807), ('own', 'next', -1), ('gone', 'x', 7)")
        assert set(table(server)) == {("own", "own"), ("own", "next"), ("other", "other")}
        server.start()


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_secret_called_as_its_source(command):
    """The source's own secret has the source's name: a further one of that name could not be told from it."""
    server = sender.serve(sender.define("own"))
    server.add_secret("own", "own", NEXT)
    line = server.config.read_text().splitlines().index("[secret own own]") + 1
    result = server.cli(command)
    assert result.code == 1 and f"{server.config}:{line}: " in result.err
