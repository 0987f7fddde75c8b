"""A worker for `make bench BENCH=claims`: claims and acks in batches of 100 for so many seconds, and prints how many events it acked.

It takes the leases out of the answers by a pattern and reads nothing else of them: on two cores it must not cost more than the server.
Arguments: address, seconds. The token is in $PICKUPD_API_TOKEN.
"""
import http.client
import os
import re
import sys
import time

LEASE = re.compile(rb'"lease":("[^"]+")')
HEADERS = {"Authorization": f"Bearer {os.environ['PICKUPD_API_TOKEN']}", "Content-Type": "application/json"}
CLAIM = b'{"worker":"bench","max":100,"waitSeconds":1}'


def ask(connection, verb, body):
    """Post to the consumer; the answer must be 200."""
    connection.request("POST", f"/v1/consumers/bench/{verb}", body, HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{verb}: {answer.status} {text!r}")
    return text


def main(address, seconds):
    """Claim and ack until the time is over."""
    connection, acked, end = http.client.HTTPConnection(address, timeout=60), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        leases = LEASE.findall(ask(connection, "claim", CLAIM))
        if leases:
            acked += ask(connection, "ack", b'{"leases":[' + b",".join(leases) + b"]}").count(b'"acked"')
    print(acked)


main(sys.argv[1], float(sys.argv[2]))
