"""Whoever is told: a server that takes what is signed as Standard Webhooks say, checked here for itself."""
import base64
import hmac
import json
import queue
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ledger
import wire

SECRET = "whsec_" + base64.b64encode(b"dispatcher test secret, not real").decode()


@dataclass
class Notice:
    """One webhook that came."""

    id: str
    time: int
    signature: str
    body: bytes

    @property
    def is_genuine(self):
        """Whether the one who knows the secret has signed it just now."""
        text = f"{self.id}.{self.time}.".encode() + self.body
        want = base64.b64encode(hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), text, "sha256")).decode()
        return hmac.compare_digest(self.signature, f"v1,{want}") and abs(time.time() - self.time) < 60

    @property
    def json(self):
        """What it says."""
        return json.loads(self.body)


class Dispatcher:
    """Answers with `status`, or with nothing at all while that is None."""

    def __init__(self, status=200, context=None):
        self.status, self.came, self.released = status, queue.Queue(), threading.Event()
        self.scheme = "https" if context else "http"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """One connection."""

            def do_POST(self):
                """Note it, and answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                notice = Notice(self.headers["webhook-id"], int(self.headers["webhook-timestamp"]), self.headers["webhook-signature"], body)
                ledger.SIGNATURES.add(notice.signature)
                outer.came.put(notice)
                if outer.status is None:
                    outer.released.wait(wire.TIMEOUT)
                    return
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            """Does not tell of clients that leave, or trust it not."""

            def handle_error(self, request, client_address):
                """Say nothing."""

        ledger.SECRETS.add(SECRET)
        self.server = Server(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/told"

    def settings(self):
        """What a server's config needs to tell it."""
        return {"notify_url": self.url, "notify_secret_env": "NOTIFY_SECRET"}

    def variables(self):
        """The same of its environment."""
        return {"NOTIFY_SECRET": SECRET, "no_proxy": "*"}

    def next(self):
        """The next one that comes."""
        return self.came.get(timeout=wire.TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
