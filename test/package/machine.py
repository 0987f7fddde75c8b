"""A machine of one's own, as far as systemd is concerned: it is the first process there, and what this machine has is what that one has."""
import subprocess
import time
from pathlib import Path

from root import WAIT_SECONDS, why_not

# Of all that a machine starts, only the journal is; what the kernel has for both of them is read alone.
BOOT = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$0"
mkdir "$0/new" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/new,workdir=$0/work" "$0/root"
cd "$0/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for own in run tmp dev; do mount -t tmpfs tmpfs "$own"; done
chmod 1777 tmp
for device in null zero full random urandom tty; do : >"dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mkdir dev/pts dev/shm tmp/old
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
rm -rf etc/systemd/system/*.wants lib/systemd/system/*.wants usr/sbin/policy-rc.d
mkdir lib/systemd/system/sockets.target.wants
ln -s ../systemd-journald.socket lib/systemd/system/sockets.target.wants/
: >etc/machine-id
ip link set lo up
pivot_root . tmp/old
umount -l /tmp/old
mount --make-rshared /
echo ready
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no
"""


class Machine:
    """Lives in namespaces that systemd holds open; where they can't be had, or it does not start in them, `why` says so."""

    def __init__(self, directory):
        self.holder = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc", "--net", "sh", "-c", BOOT, directory],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.why = why_not(self.holder)
        self.first = None if self.why else Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().strip()
        end = time.monotonic() + WAIT_SECONDS
        while not self.why and self.call("systemctl", "is-system-running").stdout not in ("running\n", "degraded\n"):
            if time.monotonic() > end or self.holder.poll() is not None:
                self.why = "systemd does not start there"
            time.sleep(0.1)

    def close(self):
        """Turn it off."""
        self.holder.kill()
        self.holder.communicate(timeout=WAIT_SECONDS)

    def path(self, name):
        """Where a file of it is for whoever is outside."""
        return Path(f"/proc/{self.first}/root{name}")

    def call(self, *words):
        """Run a command in it."""
        inside = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        return subprocess.run([*inside, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT_SECONDS, check=False)

    def run(self, *words):
        """Run a command in it, which must go well, and return what it printed."""
        done = self.call(*words)
        assert done.returncode == 0, (words, done.returncode, done.stdout, self.call("journalctl", "-o", "cat", "-n", "50").stdout)
        return done.stdout
