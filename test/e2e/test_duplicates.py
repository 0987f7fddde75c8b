"""The same webhook is one event: again, at once, after a restart, and after a crash."""
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import harness
import ledger
import oracle
import wire


def good(vendor="dentrix"):
    """A body unlike any other."""
    return ledger.encode(oracle.payload(oracle.VENDORS[vendor], id=harness.fresh()))


def rows_of(server, event_id):
    """How many rows of the log bear this id."""
    return sum(row["id"] == event_id for row in server.events())


def test_one_after_another(server, vendor):
    """Only the first is new; all bear the id that Python computes; one row is stored."""
    body = good(vendor)
    answers = [server.post(vendor, body).json for _ in range(5)]
    assert {answer["eventId"] for answer in answers} == {oracle.event_id(vendor, body)}
    assert ["duplicate" in answer for answer in answers] == [False, True, True, True, True]
    assert rows_of(server, answers[0]["eventId"]) == 1


def test_fifty_at_once(server, vendor):
    """Fifty connections post the same webhook at one moment: exactly one is told that it was new."""
    body, start = good(vendor), threading.Barrier(50, timeout=wire.TIMEOUT)

    def post(_):
        """Connect, wait for the others, post."""
        with closing(server.connect()) as connection:
            connection.connect()
            start.wait()
            return server.post(vendor, body, connection=connection)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    assert [answer.status for answer in answers] == [200] * 50
    assert sum("duplicate" not in answer.json for answer in answers) == 1
    assert all(answer.json["duplicate"] is True for answer in answers if "duplicate" in answer.json)
    assert {answer.json["eventId"] for answer in answers} == {oracle.event_id(vendor, body)}
    assert rows_of(server, answers[0].json["eventId"]) == 1


def test_restart_in_between():
    """Neither a restart nor a crash makes the server forget."""
    with harness.Server() as server:
        body = good()
        event_id = server.post("dentrix", body).json["eventId"]
        server.restart()
        assert server.post("dentrix", body).json["duplicate"] is True
        server.kill()
        server.start()
        assert server.post("dentrix", body).json == oracle.answer(server.sources["dentrix"], body, duplicate=True)
        assert rows_of(server, event_id) == 1


def test_one_byte_differs(server, vendor):
    """The key is the raw body: another space makes another event."""
    body = good(vendor)
    first, second = (server.post(vendor, text).json for text in (body, body + b" "))
    assert first["pickupId"] == second["pickupId"] and first["eventId"] != second["eventId"]
    assert "duplicate" not in second


def test_same_bytes_to_two_sources():
    """Two sources may send the same bytes; each has its event."""
    with harness.Server([oracle.source("dentrix"), oracle.source("annex", "dentrix", id_prefix="annex")]) as server:
        body = good()
        answers = {name: server.post(name, body).json for name in ("dentrix", "annex")}
        for name, answer in answers.items():
            assert answer == oracle.answer(server.sources[name], body)
        assert [row["origin"] for row in server.events()] == ["dentrix", "annex"]


def test_sequence_survives_a_purge():
    """No sequence number is given twice, not even after every row was deleted."""
    with harness.Server() as server:
        for _ in range(3):
            server.post("dentrix", good())
        highest = server.events()[-1]["seq"]
        server.stop()
        with closing(sqlite3.connect(server.database)) as db, db:
            db.execute("DELETE FROM events")
        server.start()
        server.post("dentrix", good())
        assert [row["seq"] > highest for row in server.events()] == [True]
