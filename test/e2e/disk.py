"""Disks that are full, slow or broken at a test's word."""
import fcntl
import os
import subprocess
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

import ledger
import wire



def wait_for(condition):
    """Ask again and again until something holds; the server sends no word when a disk has room again."""
    deadline = time.monotonic() + wire.TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "It never came."
        time.sleep(0.02)


@cache
def _library():
    """Compile what stands between the server and the disk."""
    library = ledger.SUITE / "disk.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", library, Path(__file__).with_suffix(".c"), "-ldl"], check=True, timeout=wire.TIMEOUT)
    return str(library)


class Disk:
    """The disk of a server that has not been started yet."""

    def __init__(self, server):
        self.words = server.directory / "disk"
        self.words.mkdir(exist_ok=True)
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        server.variables.update(LD_PRELOAD=_library(), PICKUPD_DISK=str(self.words), ASAN_OPTIONS=options)

    @contextmanager
    def hanging(self):
        """No sync returns meanwhile."""
        (self.words / "hung").unlink(missing_ok=True)
        with (self.words / "hang").open("w") as word:
            fcntl.flock(word, fcntl.LOCK_EX)
            yield

    def wait_hung(self):
        """Wait until a sync hangs."""
        wait_for((self.words / "hung").exists)

    def pause(self):
        """The process stops itself in the middle of what it writes next, once."""
        (self.words / "pause").touch()

    def fail(self, fails=True):
        """Every sync fails from now on, or no longer."""
        if fails:
            (self.words / "fail").touch()
        else:
            (self.words / "fail").unlink()

    def leave(self, room):
        """So many bytes are free; None for what is true."""
        if room is None:
            (self.words / "free").unlink()
            return
        (self.words / "free.new").write_text(str(room))
        (self.words / "free.new").rename(self.words / "free")


@contextmanager
def small(directory, megabytes):
    """Mount a file system of that size on a directory; skip the test where that is not allowed."""
    directory.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", directory], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"This user may not mount a file system: {mount.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def can_hold(directory):
    """Skip the test where the file system can hold no room back."""
    if subprocess.run(["fallocate", "-l", "4096", directory / "held"], capture_output=True).returncode != 0:
        pytest.skip("This file system can't hold room back.")


def fill(path):
    """Take all that is left of a file system, to the last byte."""
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                pass
