"""Killed at any moment, again and again, the server has on disk what it answered 200 to, once."""
import json
import os
import random
import threading

import harness
import load
import oracle

ROUNDS = 20


def external_ids(server):
    """The vendor's own ids of all rows."""
    return [json.loads(row["detail"])["metadata"]["externalId"] for row in server.events()]


def test_kill_under_load():
    """Twenty times: every id answered 200 is in the database, none twice, and the file is sound; the senders send again what was
    not answered, as real ones do, so that in the end everything sent is there once."""
    seed = int(os.environ.get("PICKUPD_SEED", random.randrange(2**32)))
    print(f"PICKUPD_SEED={seed}")
    chance, pause = random.Random(seed), threading.Event()
    server, accepted, unanswered = harness.Server(), {}, []
    for _ in range(ROUNDS):
        server.start()
        senders = load.Load(server, unanswered)
        senders.wait_accepted(chance.randrange(1, 1000))
        pause.wait(chance.random() / 100)  # Not to wait for anything, but to hit any moment.
        server.kill()
        senders.end()
        accepted.update(senders.accepted)
        unanswered = senders.unanswered + senders.refused + senders.resend
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        assert accepted.keys() <= {row["id"] for row in server.events()}
    with server:
        for body in unanswered:
            answer = server.post("dentrix", body).json
            assert accepted.setdefault(answer["eventId"], answer)
        stored = external_ids(server)
        assert len(stored) == len(set(stored)) == len(server.events())
        assert {row["id"] for row in server.events()} == accepted.keys()
        assert {oracle.pickup_id(server.sources["dentrix"], name) for name in stored} == \
            {answer["pickupId"] for answer in accepted.values()}
        assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
