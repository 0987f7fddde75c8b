#!/usr/bin/python3
"""A worker to copy: hands each event of a consumer to a command, and reports back what became of it.

    PICKUPD_API_TOKEN=... contrib/worker.py [--until-empty] CONSUMER COMMAND [ARGUMENT ...]

The command gets the event as JSON on its standard input. Exit code 0: done. 65 (EX_DATAERR): it will never work, so
the event becomes a dead letter at once. Any other: it is tried again later. An event can come more than once; keep
its "id" with what you make of it, in one transaction, to do that once. With --until-empty it ends once nothing can be
claimed just now; what waits for another attempt is left. $PICKUPD_API is where pickupd's private listener is
(http://127.0.0.1:8081 unless set).
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

API = os.environ.get("PICKUPD_API", "http://127.0.0.1:8081")
TOKEN = os.environ.get("PICKUPD_API_TOKEN", "")
WORKER = f"{socket.gethostname()}-{os.getpid()}"
WAIT, BATCH, NEVER = 30, 20, 65


def post(consumer, verb, body):
    """Ask the private API; for as long as pickupd is busy or away, ask again."""
    request = urllib.request.Request(f"{API}/v1/consumers/{consumer}/{verb}", json.dumps(body).encode(),
                                     {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=WAIT + 30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                sys.exit(f"{verb} of {consumer}: {error.code} {error.read().decode()}")
            pause = int(error.headers.get("Retry-After") or 1)
        except (OSError, ValueError):
            pause = 1
        time.sleep(pause)


def handle(event, command):
    """Run the command on one event; its exit code says what becomes of it."""
    return subprocess.run(command, input=json.dumps(event).encode() + b"\n", check=False).returncode


def report(consumer, lease, code):
    """Ack what is done, nack what is not."""
    if code == 0:
        return post(consumer, "ack", {"leases": [lease]})
    return post(consumer, "nack", {"leases": [lease], "error": f"exit code {code}", "permanent": code == NEVER})


def main(arguments):
    """Claim, handle, report, for ever; with --until-empty, until nothing is left to claim."""
    until_empty = arguments[:1] == ["--until-empty"]
    consumer, *command = arguments[until_empty:] or [""]
    if not consumer or not command:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    if not shutil.which(command[0]):
        print(f"{command[0]}: there is no such command", file=sys.stderr)
        sys.exit(2)
    while True:
        claims = post(consumer, "claim", {"worker": WORKER, "max": BATCH, "waitSeconds": 0 if until_empty else WAIT})["claims"]
        for claim in claims:
            report(consumer, claim["lease"], handle(claim["event"], command))
        if until_empty and not claims:
            return


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        pass
