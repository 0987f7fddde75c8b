"""What the kernel tells of a running server, and of the connections to it."""
import re
import resource
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import harness
import wire

SANITIZED = any(mark in Path(harness.BINARY).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))  # Its memory is not the program's own.


def memory(server):
    """Bytes of anonymous memory in use."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())[1]) * 1024


def files(server):
    """How many descriptors are open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def wait_until(condition):
    """Look again and again until something holds, and return it; for what nobody tells us."""
    end = time.monotonic() + wire.TIMEOUT
    while not (found := condition()):
        assert time.monotonic() < end, "It never came to be."
        time.sleep(0.01)
    return found


@contextmanager
def limited(child):
    """Kill a child that lets us wait for too long meanwhile: whoever reads what it says then comes to an end."""
    limit = threading.Timer(wire.TIMEOUT, child.kill)
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _hex(address):
    """An IPv4 address and port as the kernel's table writes them."""
    host, port = address
    return "".join(f"{int(part):02X}" for part in reversed(host.split("."))) + f":{port:04X}"


def is_read(sock):
    """Whether the server has read all that was sent over an IPv4 connection."""
    ours, theirs = _hex(sock.getsockname()), _hex(sock.getpeername())
    waiting = {(row[1], row[2]): row[4] for row in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])}
    return all(waiting.get(pair, "0:0").split(":")[i] == "00000000" for i, pair in enumerate([(ours, theirs), (theirs, ours)]))


def is_let_go(ours, theirs):
    """Whether the server has closed its end of an IPv4 connection that had these ends."""
    pair = _hex(theirs), _hex(ours)
    return pair not in {tuple(row.split()[1:3]) for row in Path("/proc/net/tcp").read_text().splitlines()[1:]}


def allow_files(count):
    """Let this process, and those it starts, have so many files open; False if it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        return False
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return True
