"""Senders that post as fast as they are answered, and note which webhooks were accepted."""
import threading
from contextlib import closing
from http.client import HTTPException

import harness
import ledger
import oracle
import wire

SENDERS = 4


class Load:
    """Threads that post distinct webhooks to Dentrix until the server is gone or they are told to stop."""

    source = "dentrix"

    def __init__(self, server, resend=()):
        self.server = server
        self.resend = list(resend)  # Webhooks that went unanswered before; they go first.
        self.accepted, self.refused, self.unanswered = {}, [], []  # Event id -> answer, bodies told to come again, bodies without answer.
        self.failures = []  # What no sender should ever see.
        self.changed, self.done = threading.Condition(), False
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _next(self):
        """The next body to post."""
        with self.changed:
            if self.resend:
                return self.resend.pop()
        return self.make()

    def make(self):
        """A body unlike any other."""
        return ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh(), notes="Under a fictional load"))

    def _send(self):
        """Post until the end, on a new connection whenever one breaks."""
        try:
            while not self.done:
                with closing(self.server.connect()) as connection:
                    connection.connect()
                    self._use(connection)
        except ConnectionError:
            pass  # The server is gone.
        except Exception as failure:  # noqa: BLE001
            self._note(self.failures, failure)

    def _use(self, connection):
        """Post on one connection until it breaks or the load ends."""
        while not self.done:
            body = self._next()
            try:
                answer = self.server.post(self.source, body, connection=connection)
            except (OSError, HTTPException):
                self._note(self.unanswered, body)
                return
            if answer.is_unavailable():
                self._note(self.refused, body)
            elif answer.status == 200:
                with self.changed:
                    self.accepted[self.name(body, answer)] = answer.json
                    self.changed.notify_all()
            else:
                self._note(self.failures, answer)

    def name(self, body, answer):
        """What an accepted webhook is remembered by."""
        return answer.json["eventId"]

    def _note(self, where, what):
        """Append to one of the lists and wake who waits."""
        with self.changed:
            where.append(what)
            self.changed.notify_all()

    def wait(self, condition):
        """Wait until a condition on the lists holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.failures or condition(), wire.TIMEOUT), "nothing happened"
        assert not self.failures, self.failures

    def wait_accepted(self, count):
        """Wait until this many more webhooks are accepted."""
        goal = len(self.accepted) + count
        self.wait(lambda: len(self.accepted) >= goal)

    def wait_refused(self, count):
        """Wait until this many more webhooks are told to come again."""
        goal = len(self.refused) + count
        self.wait(lambda: len(self.refused) >= goal)

    def end(self):
        """Stop sending, and wait for the last answers."""
        self.done = True
        for thread in self.threads:
            thread.join(wire.TIMEOUT)
            assert not thread.is_alive()
        assert not self.failures, self.failures
