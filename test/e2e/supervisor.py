"""A service manager to pickupd: keeps its sockets, hears what it says of itself, and starts it anew, as systemd does."""
import fcntl
import os
import socket
import threading

import harness
import wire

# What systemd does between fork and exec: the sockets are descriptors 3 and 4, and the process id is known only now.
ACTIVATE = 'export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@" 3<&{hooks} 4<&{api} {hooks}<&- {api}<&-'
HIGH = 20  # Descriptors from here on do not get in the way of 3 and 4.


class Service(harness.Server):
    """A server whose sockets outlive it. What it has said is in `told`, one dict a datagram."""

    def __init__(self, watchdog=None, abstract=False, **keys):
        super().__init__(**keys)
        self.settings.update(listen="127.0.0.1:1", api_listen="127.0.0.1:1")  # Nobody may listen there.
        self.hooks, self.api_socket = socket.socket(socket.AF_UNIX), socket.create_server(("127.0.0.1", 0))
        self.hooks.bind(str(self.directory / "hooks.sock"))
        self.hooks.listen(4096)
        notify = f"@pickupd-{self.directory.name}" if abstract else str(self.directory / "notify")
        self.box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.box.bind(notify.replace("@", "\0"))
        numbers = [fcntl.fcntl(sock, fcntl.F_DUPFD, HIGH) for sock in (self.hooks, self.api_socket)]
        self.launcher = ["bash", "-c", ACTIVATE.format(hooks=numbers[0], api=numbers[1]), "activate"]
        self.descriptors = numbers
        self.variables = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "hooks:api", "NOTIFY_SOCKET": notify}
        if watchdog is not None:
            self.variables["WATCHDOG_USEC"] = str(watchdog)
        self.told, self.changed = [], threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        """Note every datagram."""
        while True:
            fields = dict(line.split("=", 1) for line in self.box.recv(4096).decode().split("\n"))
            with self.changed:
                self.told.append(fields)
                self.changed.notify_all()

    def wait_told(self, name, value, after=0):
        """Wait for a datagram with this field behind the first `after`, and return its place among all."""
        def find():
            return next((i for i, fields in enumerate(self.told[after:], after) if fields.get(name) == value), None)
        with self.changed:
            assert self.changed.wait_for(lambda: find() is not None, wire.TIMEOUT), f"{name}={value} was never told: {self.told}"
            return find()

    def close(self):
        """Let go of the sockets, as a service that was stopped for good."""
        for number in self.descriptors:
            os.close(number)
        self.hooks.close()
        self.api_socket.close()

    def __exit__(self, failure, *rest):
        super().__exit__(failure, *rest)
        self.close()
