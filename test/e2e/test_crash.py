"""Killed at any moment, again and again, the server has on disk what it answered, once, and nothing in part."""
import collections
import os
import random
import struct
import threading
from pathlib import Path

import load

ROUNDS = int(os.environ.get("CRASH_ROUNDS", 10))
COME, TO_COME = slice(96, 100), slice(128, 132)  # Where the index of SQLite's log has how far the last checkpoint came, and was to.


def stored_ids(server):
    """The ids of all that is on disk."""
    rows = server.query("SELECT id FROM events UNION ALL SELECT id FROM quarantine")
    ids = {row["id"].hex() for row in rows}
    assert len(ids) == len(rows)
    return ids


def moment(server):
    """What the kill came into the middle of, as far as the log tells: frames without a commit, or a checkpoint that was not done."""
    log, index = (Path(f"{server.database}{end}").read_bytes() for end in ("-wal", "-shm"))
    page, salt, committed = struct.unpack_from(">I", log, 8)[0], log[16:24], True
    for frame in range(32, len(log) - page - 23, page + 24):
        if log[frame + 8:frame + 16] != salt:
            break
        committed = log[frame + 4:frame + 8] != bytes(4)
    return "in a checkpoint" if index[COME] != index[TO_COME] else "elsewhere" if committed else "in a transaction"


def check_round(server, senders, answered):
    """Hold the database against the answers, as the kill left it; tell whether it holds something that was never answered."""
    stored = stored_ids(server)
    assert answered <= stored
    unfinished = [senders.sent[body].rows.keys() for body in senders.unfinished()]
    assert all(ids <= stored or not ids & stored for ids in unfinished)
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    return any(ids & stored - answered for ids in unfinished)


def test_kill_under_load():
    """Every webhook that was answered is there whole and once, none is there in part, and the file is sound. The senders send again
    what was not answered, as real ones do, so that in the end everything sent is there once, as it was sent."""
    seed = int(os.environ.get("PICKUPD_SEED", random.randrange(2**32)))
    print(f"PICKUPD_SEED={seed}")
    chance, pause = random.Random(seed), threading.Event()
    server, senders, answered, kills = load.mixed_server(), None, set(), collections.Counter()
    for _ in range(ROUNDS):
        server.start()
        senders = load.Mixed(server, senders)
        senders.wait_accepted(chance.randrange(1, 1000))
        pause.wait(chance.random() / 100)  # Not to wait for anything, but to hit any moment.
        server.kill()
        senders.end()
        for body in senders.accepted:
            answered.update(senders.sent[body].rows)
        kills[moment(server)] += 1
        kills["between commit and answer"] += check_round(server, senders, answered)
    with server:
        senders = load.Mixed(server, senders)
        senders.wait(lambda: not senders.resend)
        senders.end()
        senders.check()
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    print(f"{ROUNDS} kills: {dict(kills)}; {len(senders.sent)} webhooks, answers: {dict(senders.answers)}; rows: {len(stored_ids(server))}")
