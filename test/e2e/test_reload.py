"""SIGHUP: sources, secrets and definitions change while serving, and no webhook is lost over it."""
import json
import os
import signal
import threading
from contextlib import ExitStack, closing

import pytest

import harness
import ledger
import oracle
import process
import wire

DENTRIX = oracle.DENTRIX
NEXT_SECRET = "next-secret-not-real"


def good():
    """A webhook unlike any other."""
    return ledger.encode(oracle.payload(DENTRIX, id=harness.fresh()))


def reload(server, event="configuration reloaded"):
    """Ask for a reload and wait until the log says how it went."""
    server.write_config()
    server.process.send_signal(signal.SIGHUP)
    return server.log.wait_for(event)


def post_with(server, secret, connection=None):
    """Post a good webhook signed with a secret, and return the status."""
    body = good()
    headers = [("Content-Type", "application/json"), server.signature("dentrix", body, secret)]
    return server.post("dentrix", body, headers, connection).status


def secret_file(server, name, secret):
    """A file with a secret, which the privacy test then looks for in the log."""
    path = server.directory / name
    path.write_text(secret + "\n")
    ledger.SECRETS.add(secret)
    return path


def test_rotation_under_load():
    """A secret is added while webhooks come in; every one of them is answered 200 and stored once."""
    server = harness.Server()
    path = secret_file(server, "next", NEXT_SECRET)
    with server:
        done, statuses = threading.Event(), []

        def send():
            with closing(server.connect()) as connection:
                while not done.is_set():
                    statuses.append(post_with(server, None, connection))

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        assert post_with(server, NEXT_SECRET) == 401
        server.more = f"[secret dentrix next]\nfile = {path}\n"
        reload(server)
        assert post_with(server, NEXT_SECRET) == 200
        done.set()
        for sender in senders:
            sender.join(wire.TIMEOUT)
        assert set(statuses) == {200}
        assert len(server.events()) == len(statuses) + 1


def test_a_new_vendor_is_one_file():
    """A definition is written, a source names it, and after SIGHUP its webhooks are stored."""
    definition = json.loads((harness.ROOT / "src/model/vendors/dentrix.json").read_text())
    definition["vendor"] = "newvendor"
    definition["event"]["source"] = "ehr.newvendor"
    definition["scheme"]["signature"]["header"] = "X-New-Signature"
    server = harness.Server()
    vendors = server.directory / "vendors"
    vendors.mkdir()
    server.settings["vendor_dir"] = vendors
    with server:
        body = good()
        header = ("X-New-Signature", ledger.sign(NEXT_SECRET, body))
        assert server.ask("POST", "/webhooks/ehr/newcomer", body, [header]).status == 404
        (vendors / "newvendor.json").write_text(json.dumps(definition))
        server.more = f"[source newcomer]\nvendor = newvendor\nsecret_file = {secret_file(server, 'new', NEXT_SECRET)}\n"
        reload(server)
        answer = server.ask("POST", "/webhooks/ehr/newcomer", body, [header])
        assert (answer.status, answer.json["pickupId"][:10]) == (200, "newvendor-")
        assert server.event(answer.json["eventId"])["source"] == "ehr.newvendor"


def test_a_source_is_taken_away():
    """A source that is gone from the configuration answers 404, and the others go on."""
    with harness.Server() as server:
        del server.sources["eaglesoft"]
        reload(server)
        assert server.ask("POST", "/webhooks/ehr/eaglesoft", b"{}").status == 404
        assert post_with(server, None) == 200


@pytest.mark.parametrize("more", ["[source x]\nvendor = nobody\n", "[source x\n", "[server]\nnonsense = 1\n",
                                  "[secret dentrix gone]\nfile = /nonexistent/secret\n"], ids=["vendor", "section", "key", "file"])
def test_a_bad_file_changes_nothing(more):
    """A configuration with a fault is refused with a reason, and the old one is served on."""
    with harness.Server() as server:
        server.more = more
        kept = server.sources.pop("eaglesoft")
        refusal = reload(server, "configuration not reloaded")
        assert str(server.config) in refusal["reason"]
        for _ in range(20):
            assert server.ask("POST", server.path(kept.name), b"{}").status == 401  # It is still there.
            assert post_with(server, None) == 200


IS_A_PIPE = "is a pipe, which is read at a start only"


@pytest.mark.parametrize("writes", [False, True], ids=["nobody", "somebody"])
def test_a_secret_in_a_pipe(writes):
    """It is read at the start; a reload, which would be deaf to everything else while it waits for who writes, refuses it whether anybody does or not."""
    server = harness.Server()
    path = server.directory / "pipe"
    os.mkfifo(path, 0o600)
    server.more = f"[secret dentrix next]\nfile = {path}\n"
    threading.Thread(target=path.write_text, args=(NEXT_SECRET,), daemon=True).start()
    with server, ExitStack() as end:
        assert post_with(server, NEXT_SECRET) == 200
        if writes:
            end.callback(os.close, ours := os.open(path, os.O_RDWR))
            os.write(ours, NEXT_SECRET.encode())
        assert reload(server, "configuration not reloaded")["reason"].endswith(f"{path}: {IS_A_PIPE}")
        assert post_with(server, NEXT_SECRET) == 200


def test_a_configuration_in_a_pipe():
    """Is served; a reload refuses it, and so it does where the file has become a pipe."""
    server = harness.Server()
    server.launcher = ["bash", "-c", 'exec "$0" serve -c <(cat "$3")']
    with server:
        assert reload(server, "configuration not reloaded")["reason"].startswith("/dev/fd/")
        assert server.log.find("configuration not reloaded")["reason"].endswith(IS_A_PIPE) and post_with(server, None) == 200
    server.launcher = []
    with server:
        server.config.unlink()
        os.mkfifo(server.config, 0o600)
        server.process.send_signal(signal.SIGHUP)
        assert server.log.wait_for("configuration not reloaded")["reason"] == f"{server.config}: {IS_A_PIPE}" and post_with(server, None) == 200


def test_many_reloads():
    """Reloads that come faster than they can be carried out end with the last configuration, and lose nothing."""
    server = harness.Server()
    path = secret_file(server, "next", NEXT_SECRET)
    with server:
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
            assert post_with(server, None) == 200
        server.more = f"[secret dentrix next]\nfile = {path}\n"
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        server.log.wait_for("source enabled", source="dentrix", secrets=2)
        process.wait_until(lambda: post_with(server, NEXT_SECRET) == 200)


def test_stop_while_reloading():
    """A stop that comes in the middle of reloads ends like any other."""
    for _ in range(10):
        with harness.Server() as server, closing(server.connect()) as connection:
            assert post_with(server, None, connection) == 200
            for _ in range(3):
                server.process.send_signal(signal.SIGHUP)
            server.stop()


def test_server_keys_need_a_restart():
    """A changed [server] key is not taken over in silence."""
    with harness.Server() as server:
        server.settings["max_body"] = "1KiB"
        reload(server, "[server] has changed; that needs a restart")
        assert server.log.find("[server] has changed; that needs a restart")["keys"]
        assert post_with(server, None) == 200
