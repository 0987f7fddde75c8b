"""The package under systemd itself: started as its README says, and upgraded under load without refusing anybody."""
import hashlib
import hmac
import http.client
import itertools
import json
import re
import shutil
import socket
import threading
from pathlib import Path

import pytest

from machine import Machine
from root import own

TOP = Path(__file__).resolve().parents[2]
SECRET = "machine-test-secret-not-real"
OTHERS = re.compile(r"^\[source (?:opendental|eaglesoft)\]\n(?:[^\n;\[].*\n|; .*\n)*", re.M)


@pytest.fixture(name="machine")
def own_machine():
    """A machine that forgets what was done to it."""
    yield from own(Machine)


class Senders:
    """Post webhooks one after the other, each over a connection of its own, and count the answers."""

    def __init__(self, path):
        self.path, self.number, self.said, self.is_over = str(path), itertools.count(1), {}, threading.Event()
        self.threads = [threading.Thread(target=self.send) for _ in range(4)]

    def post(self):
        """One webhook."""
        body = json.dumps({"externalId": f"M-{next(self.number)}", "practiceId": "P-1", "preferredPickupTime": "2030-01-02T10:00:00Z"}).encode()
        connection = http.client.HTTPConnection("pickupd")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        try:
            connection.sock.connect(self.path)
            connection.request("POST", "/webhooks/ehr/dentrix", body, {"Content-Type": "application/json", "X-Dentrix-Signature":
                                                                       hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})
            return connection.getresponse().status
        finally:
            connection.close()

    def send(self):
        """As many as there is time for."""
        while not self.is_over.is_set():
            try:
                said = self.post()
            except OSError as error:
                said = repr(error)
            self.said[said] = self.said.get(said, 0) + 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def main_process(machine):
    """The number of the process that serves."""
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "pickupd.service").strip()


def test_upgraded_under_load(machine):
    """Started with the credentials that README.Debian names, it is reloaded, restarted and upgraded under load: another process serves, and nobody was refused."""
    [deb] = (TOP / "build/deb").glob("pickupd_*.deb")
    shutil.copy(deb, machine.path("/tmp/pickupd.deb"))
    install = ("dpkg", "--no-triggers", "-i", "/tmp/pickupd.deb")
    machine.run(*install)
    assert machine.call("systemctl", "is-active", "pickupd.service", "pickupd.socket").stdout == "inactive\ninactive\n"
    readme = (TOP / "contrib/debian/README.Debian").read_text()
    [drop_in] = re.findall(r"^    \[Service\]\n(?:    .+\n)+", readme, re.M)
    override = machine.path("/etc/systemd/system/pickupd.service.d/override.conf")
    override.parent.mkdir()
    override.write_text(drop_in.replace("    ", ""))
    machine.path("/etc/pickupd/secrets/dentrix").write_text(f"{SECRET}\n")
    config = machine.path("/etc/pickupd/pickupd.ini")
    config.write_text(OTHERS.sub("", config.read_text()))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "pickupd.service")
    with Senders(machine.path("/run/pickupd/hooks.sock")) as senders:
        machine.run("systemctl", "reload", "pickupd.service")
        for command in (("systemctl", "restart", "pickupd.service"), install):
            before = main_process(machine)
            machine.run(*command)
            assert main_process(machine) != before
        assert senders.post() == 200
    assert senders.said.keys() == {200}, senders.said
    assert "\nSeccomp:\t2\n" in machine.run("cat", f"/proc/{main_process(machine)}/status")
    machine.run("dpkg", "--no-triggers", "-P", "pickupd")
    assert not machine.path("/run/pickupd/hooks.sock").exists()
