"""A worker that is killed now and then: claims, acks, and writes down what it held and when. Arguments: address, token, consumer, log.

Each line of the log is one JSON object: {"seq", "lease", "from", "until", "acked"}, times by the machine's clock in seconds. `until` is
the ack's beginning, or the end of the lease if that was earlier: in between nobody else may hold the event. A line is written once a
claim is there, and again with `acked` once the server has said so.
"""
import http.client
import json
import sys
import time
from datetime import datetime

ADDRESS, TOKEN, CONSUMER, LOG = sys.argv[1:]


def ask(connection, verb, body):
    """Ask for one thing; the answer must be 200."""
    connection.request("POST", f"/v1/consumers/{CONSUMER}/{verb}", json.dumps(body),
                       {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{verb}: {answer.status} {text!r}")
    return json.loads(text)


def main():
    """Go on until killed."""
    connection = http.client.HTTPConnection(ADDRESS, timeout=60)
    with open(LOG, "a", encoding="utf-8", buffering=1) as log:
        while True:
            claims = ask(connection, "claim", {"worker": LOG, "max": 7, "waitSeconds": 2})["claims"]
            held = [{"seq": claim["event"]["seq"], "lease": claim["lease"], "from": time.time(),
                     "until": datetime.fromisoformat(claim["leaseUntil"].replace("Z", "+00:00")).timestamp()} for claim in claims]
            log.writelines(json.dumps(line) + "\n" for line in held)
            began = time.time()
            results = ask(connection, "ack", {"leases": [line["lease"] for line in held]})["results"] if held else []
            log.writelines(json.dumps({**line, "until": min(began, line["until"]), "acked": result["result"] == "acked"}) + "\n"
                           for line, result in zip(held, results))


main()
