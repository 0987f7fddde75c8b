"""HTTP as a sender speaks it: connections to either kind of socket, whole answers, and raw bytes."""
import contextlib
import errno
import http.client
import io
import json
import os
import socket
import ssl
from dataclasses import dataclass

PATIENCE = int(os.environ.get("PICKUPD_PATIENCE", 1))  # How many times longer everything may take, as under valgrind.
TIMEOUT = 30 * PATIENCE  # Seconds until a test gives up on an answer; whoever gets one does not wait for them, however busy the machine.
GONE = errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN  # What sending says once the server has closed; the last is shutdown's word.


def dial(address):
    """Connect to `host:port` or `unix:/path`."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT)
        sock.connect(address[5:])
        return sock
    host, _, port = address.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        """The body, which must say that it is JSON."""
        assert self.headers["Content-Type"] == "application/json", (self.status, self.headers.items(), self.body)
        return json.loads(self.body)

    @property
    def problem(self):
        """The problem document in the body; its status is the answer's."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.headers.items(), self.body)
        problem = json.loads(self.body)
        assert problem["status"] == self.status and problem["type"] == "about:blank" and problem["title"]
        return problem

    @property
    def refusal(self):
        """The status and the JSON body, to compare in one line; of a problem document its title as the error."""
        is_problem = self.headers["Content-Type"] == "application/problem+json"
        return self.status, {"error": self.problem["title"]} if is_problem else self.json

    def is_unavailable(self):
        """Tell whether this is a 503; one that is not as promised fails the test."""
        if self.status != 503:
            return False
        assert self.refusal == (503, {"error": "Service unavailable"})
        assert int(self.headers["Retry-After"]) >= 1
        return True


class Connection(http.client.HTTPConnection):
    """A keep-alive connection that sends exactly the headers it is given, and Host."""

    def __init__(self, address):
        super().__init__("localhost", timeout=TIMEOUT)
        self.address = address

    def connect(self):
        """Open the socket."""
        self.sock = dial(self.address)

    def ask(self, method, path, body=None, headers=()):
        """Send one request and read its answer."""
        self.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        if body is not None:
            self.putheader("Content-Length", str(len(body)))
        self.endheaders(body)
        response = self.getresponse()
        return Answer(response.status, response.headers, response.read())


def parse_answers(data):
    """Split raw bytes into the answers they hold."""
    answers = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
        status = int(line.split()[1])
        length = int(headers["Content-Length"] or (0 if status < 200 else len(rest)))  # Without a length the body goes on to the end.
        answers.append(Answer(status, headers, rest[:length]))
        data = rest[length:]
    return answers


def compose(path, headers, body=b"", method="POST", version="1.1", host=True):
    """Write a request as raw bytes; Content-Length is only there if it is among the headers."""
    lines = [f"{method} {path} HTTP/{version}", *(["Host: localhost"] if host else []),
             *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def exchange(address, data, half_close=False):
    """Send raw bytes and return the answers until the server closes; a connection left open fails the test."""
    with dial(address) as sock:
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError as failure:  # The server may close on what it has not read, and its answers are there all the same.
            if failure.errno not in GONE:
                raise
        return parse_answers(rest(sock))


def rest(sock):
    """Whatever still comes until the server closes or cuts the connection off."""
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := sock.recv(65536):
            received += chunk
    return received


def is_cut_off(sock, drips):
    """Whether the server closes while a byte comes now and then."""
    sock.settimeout(0.2)
    for byte in drips[:5 * TIMEOUT]:
        try:
            sock.sendall(bytes([byte]))
            if not sock.recv(65536):
                return True
        except TimeoutError:
            pass
        except ConnectionError:
            return True
    return False
