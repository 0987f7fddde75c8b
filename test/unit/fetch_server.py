"""The other end of test_fetch.c: a server whose answers the path names. Prints its ports, ends with its input."""
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HUGE = 8 << 20
CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
               "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]


class Answers(BaseHTTPRequestHandler):
    """Keeps connections open, and counts them."""

    protocol_version = "HTTP/1.1"
    connections = 0
    waiting, changed = 0, threading.Condition()  # Clients that /never has not seen leave.

    def setup(self):
        """A new connection."""
        super().setup()
        type(self).connections += 1

    def log_message(self, *_):
        """Say nothing."""

    def say(self, status, body, headers=()):
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def wait(self, more):
        """One more client waits, or one less."""
        with self.changed:
            type(self).waiting += more
            self.changed.notify_all()

    def answer(self):
        """Do what the path says."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        if name.isdigit():
            self.say(int(name), f"this is {name}".encode(), [("Location", "/200")])
        elif name == "echo":
            self.say(200, json.dumps([self.command, self.headers.items(), sent.decode()]).encode())
        elif name == "connections":
            self.say(200, str(self.connections).encode())
        elif name == "never":
            self.wait(1)
            self.rfile.read(1)
            self.wait(-1)
            self.close_connection = True
        elif name == "gone":
            with self.changed:
                self.changed.wait_for(lambda: self.waiting == 0)
            self.say(200, b"")
        elif name == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            self.close_connection = True
        elif name == "nothing":
            self.close_connection = True
        elif name == "noise":
            self.wfile.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
            self.close_connection = True
        elif name == "huge":
            try:
                self.say(200, b"x" * HUGE)
            except OSError:
                self.close_connection = True

    do_GET = do_HEAD = do_POST = do_DELETE = answer


class Server(ThreadingHTTPServer):
    """Does not tell of clients that leave or distrust it: they are meant to."""

    def handle_error(self, request, client_address):
        """Say nothing."""


def serve(server):
    """Serve in a thread of its own, and return the port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    """A server, one with TLS, and a port where nobody listens."""
    plain, secure = (Server(("127.0.0.1", 0), Answers) for _ in range(2))
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(CERTIFICATE, cwd=directory, check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(directory, "cert.pem"), Path(directory, "key.pem"))
        secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        print(serve(plain), serve(secure), nobody.getsockname()[1], Path(directory, "cert.pem"), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
