"""The other end of test_notify.c: takes webhooks that are signed with the secret, its first word.

/do/drop/500/200 breaks the connection at the first attempt of each webhook, answers the second 500, and answers all others 200; /do/all waits
until as many as may be in flight are there. /seen lists what was taken or refused as "id attempt status", /most says how many were there at once.
"""
import base64
import hmac
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(sys.argv[1].removeprefix("whsec_"))
IN_FLIGHT = 8


class Dispatcher(BaseHTTPRequestHandler):
    """Checks every webhook as the standard says."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    meeting = threading.Barrier(IN_FLIGHT, timeout=20)
    attempts, bodies, seen = {}, {}, []
    here = most = 0

    def log_message(self, *_):
        """Say nothing."""

    def say(self, status, text=""):
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        """Tell what there was."""
        with self.lock:
            self.say(200, "; ".join(self.seen) if self.path == "/seen" else str(type(self).most))

    def is_genuine(self, body):
        """Whether the signature and its time are right, and the text is that of the first attempt."""
        id_, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        want = base64.b64encode(hmac.digest(KEY, f"{id_}.{stamp}.".encode() + body, "sha256")).decode()
        return (self.headers["webhook-signature"] == f"v1,{want}" and abs(time.time() - int(stamp)) < 60
                and self.headers["Content-Type"] == "application/json" and self.bodies.setdefault(id_, body) == body)

    def do_POST(self):
        """Do what the path says for this attempt."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        id_, plan = self.headers["webhook-id"], self.path.split("/")[2:]
        with self.lock:
            type(self).here += 1
            type(self).most = max(self.here, self.most)
            attempt = self.attempts[id_] = self.attempts.get(id_, 0) + 1
            what = plan[min(attempt, len(plan)) - 1] if self.is_genuine(body) else "401"
            self.seen.append(f"{id_[:4]} {attempt} {what}")
        if what == "all":
            self.meeting.wait()
        with self.lock:
            type(self).here -= 1
        if what == "drop":
            self.close_connection = True
        else:
            self.say(200 if what == "all" else int(what))


def main():
    """Serve until the input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dispatcher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
