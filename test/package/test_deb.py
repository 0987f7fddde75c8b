"""The Debian package: without fault for lintian; installed, used, installed over and purged in a root of its own."""
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from root import Root, line_of, own

TOP = Path(__file__).resolve().parents[2]
SECRET = "deb-test-secret-not-real"
BODY = TOP / "fixtures/dentrix/rush.json"
DPKG = re.compile(r"/var/(lib/dpkg/|log/dpkg\.log|log/alternatives\.log|cache/ldconfig/|lib/systemd/deb-systemd-helper)|/etc/(ld\.so\.cache|\.pwd\.lock)")
ACCOUNTS = {f"/etc/{name}{suffix}" for name in ("passwd", "group", "shadow", "gshadow") for suffix in ("", "-")}


@pytest.fixture(name="deb", scope="module")
def built_package():
    """The package that make has built."""
    [found] = [path for path in (TOP / "build/deb").glob("pickupd_*.deb")]
    return found


@pytest.fixture(name="root")
def own_root():
    """A root that forgets what was done in it."""
    yield from own(Root)


def install(root, deb):
    """Install the package, or install it over itself, without other packages' triggers."""
    shutil.copy(deb, root.path("/tmp/pickupd.deb"))
    said = root.run("dpkg", "--no-triggers", "-i", "/tmp/pickupd.deb")
    assert root.run("dpkg-query", "-W", "-f", "${Status}", "pickupd") == "install ok installed"
    assert root.run("dpkg", "--verify", "pickupd") in ("", "??5?????? c /etc/pickupd/pickupd.ini\n")
    return said


def purge(root):
    """Purge it."""
    said = root.run("dpkg", "--no-triggers", "-P", "pickupd")
    assert "pickupd" not in root.run("dpkg", "--get-selections").split()
    return said


def modes(root, *names):
    """The owners and modes of files."""
    return root.run("stat", "-c", "%n %U:%G %a", *names).splitlines()


def unit(root, name):
    """The settings of a unit, as {name: [values]}."""
    found = {}
    for line in root.path(f"/lib/systemd/system/{name}").read_text().splitlines():
        if setting := re.match(r"(\w+)=(.*)", line):
            found.setdefault(setting[1], []).append(setting[2])
    return found


class Service:
    """What systemd would make of the units: the socket, the credentials, the directory, the user."""

    def __init__(self, root):
        self.root, self.service, self.socket_unit = root, unit(root, "pickupd.service"), unit(root, "pickupd.socket")
        [self.address] = self.socket_unit["ListenStream"]
        [self.user] = self.service["User"]
        root.run("install", "-d", Path(self.address).parent)
        [state] = self.service["StateDirectory"]
        root.run("install", "-d", "-m", self.service["StateDirectoryMode"][0], "-o", self.user, "-g", self.user, f"/var/lib/{state}")
        root.run("install", "-d", "-m", "500", "-o", self.user, "/run/credentials/pickupd.service")
        for credential in self.service["LoadCredential"]:
            name, path = credential.split(":")
            root.run("install", "-m", "400", "-o", self.user, path, f"/run/credentials/pickupd.service/{name}")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(root.path(self.address)))
        self.listener.listen(16)
        self.process = None

    def start(self):
        """Start what ExecStart says, and wait until it says that it is ready."""
        [start] = self.service["ExecStart"]
        [name] = self.socket_unit["FileDescriptorName"]
        handed = f"exec 3<&{self.listener.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; exec \"$@\""
        self.process = subprocess.Popen(["bash", "-c", handed, "bash", *self.root.command(*start.split(), user=self.user)],
                                        pass_fds=[self.listener.fileno()], stderr=subprocess.PIPE, text=True)
        lines = []
        while line := line_of(self.process, self.process.stderr):
            lines.append(line)
            if '"ready"' in line:
                return
        raise AssertionError("it never was ready:\n" + "".join(lines))

    def stop(self):
        """Stop it as systemd does."""
        self.process.terminate()
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0

    def post(self):
        """Begin to post a signed webhook with curl, over the socket."""
        signed = self.root.run("/usr/bin/pickupd", "sign", "dentrix", "-c", "/etc/pickupd/pickupd.ini", user=self.user, stdin=BODY.open())
        self.root.path("/tmp/headers").write_text(signed)
        self.root.path("/tmp/body").write_bytes(BODY.read_bytes())
        return subprocess.Popen(self.root.command("curl", "-sS", "--unix-socket", self.address, "-H", "@/tmp/headers", "-H", "Content-Type: application/json",
                                                  "--data-binary", "@/tmp/body", "-w", "\n%{http_code}", "http://pickupd/webhooks/ehr/dentrix"),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def answer(curl):
    """What became of such a post."""
    said, _ = curl.communicate(timeout=60)
    body, code = said.rsplit("\n", 1)
    assert code == "200", said
    return json.loads(body)


def configure(root):
    """What README.Debian asks of the administrator; and a port of no consequence."""
    for name in ("dentrix", "opendental", "eaglesoft"):
        root.path(f"/etc/pickupd/secrets/{name}").write_text(f"{SECRET}-{name}\n")
    config = root.path("/etc/pickupd/pickupd.ini")
    config.write_text(config.read_text().replace("api_listen = 127.0.0.1:8081", "api_listen = 127.0.0.1:0"))


def test_lintian():
    """lintian finds no error and nothing to warn of, in the package and in its source."""
    made = [str(path) for suffix in ("dsc", "changes") for path in (TOP / "build/deb").glob(f"*.{suffix}")]
    assert len(made) == 2
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *made], capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_comes_and_goes(root, deb):
    """Installed, it has its user, and nothing that others may read or that starts; purged, nothing is left but the user."""
    before = root.changed()
    install(root, deb)
    assert root.run("id", "-Gn", "pickupd") == "pickupd\n"
    assert root.run("getent", "passwd", "pickupd").strip().endswith(":/var/lib/pickupd:/usr/sbin/nologin")
    assert modes(root, "/etc/pickupd", "/etc/pickupd/vendors", "/etc/pickupd/secrets", "/etc/pickupd/pickupd.ini") == [
        "/etc/pickupd root:pickupd 750", "/etc/pickupd/vendors root:pickupd 750", "/etc/pickupd/secrets root:root 700",
        "/etc/pickupd/pickupd.ini root:pickupd 640"]
    assert not [name for name in root.changed() if ".wants/" in name]
    assert root.run("man", "-w", "pickupd", "pickupd.conf", "pickupd-definition").count("/usr/share/man/") == 3
    assert "is not empty" not in purge(root)
    left = {name for name in root.changed() - before - ACCOUNTS if not DPKG.match(name)}
    assert left == set()
    assert not root.path("/etc/pickupd").exists() and not root.path("/var/lib/pickupd").exists()


SYSTEMCTL = """#!/bin/sh
[ "$1" = --version ] || [ "$1" = --quiet ] || echo "$@" >>/tmp/systemctl.log
[ "$1" != show ] || echo LoadState=loaded
"""


def asked(root):
    """What systemctl was asked to do about the units since this was asked last."""
    log = root.path("/tmp/systemctl.log")
    lines = [re.sub(r"--\S+ ", "", line) for line in log.read_text().splitlines() if "pickupd" in line] if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_what_systemd_is_asked(root, deb):
    """Installing starts nothing; an upgrade restarts the service and leaves the sockets open, so that nobody is refused; a removal stops them, too."""
    root.path("/run/systemd/system").mkdir(parents=True)
    root.path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    for path in {root.path("/bin/systemctl"), root.path("/usr/bin/systemctl")}:
        path.unlink(missing_ok=True)
        path.write_text(SYSTEMCTL)
        path.chmod(0o755)
    install(root, deb)
    assert asked(root) == []
    install(root, deb)
    assert [line for line in asked(root) if not line.startswith(("show ", "is-"))] == ["try-restart pickupd.service"]
    purge(root)
    assert {line for line in asked(root) if line.startswith("stop ")} == {f"stop {unit}" for unit in ("pickupd.socket", "pickupd-api.socket", "pickupd.service")}


def test_restores_before_the_first_start(root, deb):
    """On a new machine the user has the database's directory at once, and what he restores into it is served."""
    install(root, deb)
    root.run("install", "-d", "-o", "pickupd", "-g", "pickupd", "/tmp/old")
    root.path("/tmp/old.ini").write_text("[server]\ndatabase = /tmp/old/pickupd.db\n")
    root.path("/tmp/clinic.json").write_text('{"clinicId": "C-1", "name": "Invented Dental", "timezone": "America/New_York"}')
    for words in (("clinics", "import", "/tmp/clinic.json"), ("backup", "/tmp/old/copy.db")):
        root.run("/usr/bin/pickupd", *words, "-c", "/tmp/old.ini", user="pickupd")
    assert "restored from /tmp/old/copy.db" in root.run("/usr/bin/pickupd", "restore", "/tmp/old/copy.db", "-c", "/etc/pickupd/pickupd.ini", user="pickupd")
    assert modes(root, "/var/lib/pickupd", "/var/lib/pickupd/pickupd.db") == ["/var/lib/pickupd pickupd:pickupd 700", "/var/lib/pickupd/pickupd.db pickupd:pickupd 600"]
    configure(root)
    service = Service(root)
    service.start()
    assert not answer(service.post()).get("duplicate")
    service.stop()


def test_serves(root, deb):
    """By the unit's own ExecStart and user it takes a webhook; an upgrade keeps what was changed, and a purge what can't be had again."""
    install(root, deb)
    configure(root)
    service = Service(root)
    assert "dentrix" in root.run("/usr/bin/pickupd", "check", "-c", "/etc/pickupd/pickupd.ini", user=service.user)
    service.start()
    first = answer(service.post())
    service.stop()
    waits = service.post()  # The socket is open, though nobody serves: the webhook waits for what is being installed.
    install(root, deb)
    assert "api_listen = 127.0.0.1:0\n" in root.path("/etc/pickupd/pickupd.ini").read_text()
    assert modes(root, "/etc/pickupd/pickupd.ini") == ["/etc/pickupd/pickupd.ini root:pickupd 640"]
    service.start()
    again = answer(waits)
    assert again.pop("duplicate") and not first.pop("duplicate", False)
    listed = root.run("/usr/bin/pickupd", "events", "list", "--json", "-c", "/etc/pickupd/pickupd.ini", user=service.user)
    assert '"PickupRequested"' in listed
    service.stop()
    assert modes(root, "/var/lib/pickupd", "/var/lib/pickupd/pickupd.db") == ["/var/lib/pickupd pickupd:pickupd 700", "/var/lib/pickupd/pickupd.db pickupd:pickupd 600"]
    said = purge(root)
    assert "/etc/pickupd is not empty" in said and "/var/lib/pickupd is not empty" in said
    assert root.path("/var/lib/pickupd/pickupd.db").exists() and root.path("/etc/pickupd/secrets/dentrix").exists()
    assert not root.path("/etc/pickupd/pickupd.ini").exists() and not root.path("/usr/bin/pickupd").exists()
