"""A root directory of one's own: all that this machine has, and whatever is changed in it goes with it."""
import os
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

WAIT_SECONDS = 120  # For whatever is done in it.

MOUNTS = """set -e
mount -t tmpfs tmpfs "$0"
mkdir "$0/new" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/new,workdir=$0/work" "$0/root"
for kept in proc dev; do mount --rbind "/$kept" "$0/root/$kept"; done
for own in run tmp; do mount -t tmpfs tmpfs "$0/root/$own"; done
chmod 1777 "$0/root/tmp"
echo ready
read -r end
"""


def line_of(child, pipe):
    """The next line a child says, or nothing if it ends; it is killed if it lets us wait for too long."""
    limit = threading.Timer(WAIT_SECONDS, child.kill)
    limit.start()
    line = pipe.readline()
    limit.cancel()
    return line


def why_not(holder):
    """Why what a process was to make ready is not; None if it is."""
    if line_of(holder, holder.stdout) == "ready\n":
        return None
    return holder.stderr.read().strip() or "it was not ready in time"


class Root:
    """Lives in a mount namespace that a shell holds open; without the rights for that, `why` says so."""

    def __init__(self, directory):
        self.directory = directory
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", MOUNTS, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        self.why = why_not(self.holder)

    def close(self):
        """Let go of it."""
        self.holder.communicate(timeout=WAIT_SECONDS)

    def path(self, name):
        """Where a file of this root is for whoever is outside."""
        return Path(f"/proc/{self.holder.pid}/root{self.directory}/root{name}")

    def command(self, *words, user=None):
        """A command line that runs in this root, as root or as another user without any privilege."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "chroot", f"{self.directory}/root", *(as_user if user else []), *map(str, words)]

    def run(self, *words, user=None, code=0, **more):
        """Run a command in it, and return what it printed, on both outputs."""
        done = subprocess.run(self.command(*words, user=user), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT_SECONDS, **more)
        assert done.returncode == code, (words, done.returncode, done.stdout)
        return done.stdout

    def changed(self):
        """The files that differ from the machine's, without directories."""
        new = Path(f"/proc/{self.holder.pid}/root{self.directory}/new")
        return {f"/{path.relative_to(new)}" for path in new.rglob("*") if not path.is_dir()}


def own(kind):
    """A root or a machine for a test, with all that was done in it forgotten behind it; where there can't be one, the test is skipped."""
    if os.geteuid() != 0:
        pytest.skip("only root can have one")
    directory = tempfile.mkdtemp()
    made = kind(directory)
    try:
        if made.why:
            pytest.skip(f"none of our own to install in: {made.why}")
        yield made
    finally:
        made.close()
        Path(directory).rmdir()
