"""The commands: what they print, what they hide, what they refuse, and with which exit code."""
import json
import re
import signal
import subprocess
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

import harness
import ledger
import oracle
import wire

COMMANDS = [["serve"], ["check"], ["sign"], ["events"], ["events", "list"], ["events", "show"], ["quarantine"], ["quarantine", "list"],
            ["quarantine", "show"], ["quarantine", "retry"], *(["consumers", form] for form in ("list", "show", "dead", "retry", "pause", "replay", "delete")),
            ["version"]]
PRIVATE = ["Jane Madeup-Doe", "Dr. Invented Johnson", "555-0100-4711", "Ring the imaginary bell"]


@pytest.fixture(scope="module")
def filled():
    """A server with two webhooks of each vendor, of which one arrived at each source after a pause, and one in quarantine."""
    with harness.Server() as server:
        for name, vendor in oracle.VENDORS.items():
            server.post(name, oracle.payload(vendor, id=harness.fresh()))
        harness.next_millisecond()
        for name, vendor in oracle.VENDORS.items():
            server.post(name, oracle.payload(vendor, id=harness.fresh()))
        server.post("dentrix", oracle.payload(oracle.DENTRIX, id=""))
        yield server


def record_of(row):
    """What `events list --json` prints for a row, but for the masked detail and the time's fraction."""
    return {"seq": row["seq"], "id": row["id"], "origin": row["origin"], "source": row["source"], "detailType": row["detail_type"],
            "org": row["org"]}


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_help(command):
    """Every command explains itself with an example."""
    result = harness.Server().cli(*command, "--help")
    assert result.code == 0, result.err
    assert re.search(r"example", result.out, re.IGNORECASE)
    assert "pickupd " + " ".join(command) in result.out
    for form in re.findall(r"^(?:usage:)? +(pickupd .*)$", result.out, re.MULTILINE):
        assert re.fullmatch(r"[^][]*(\[[^][]*\][^][]*)*", form), form


def test_version():
    """The version comes first, in one line."""
    result = harness.Server().cli("version")
    assert result.code == 0 and re.match(r"pickupd \d+\.\d+\.\d+\n", result.out)


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["--nonsense"], ["serve", "extra"], ["check", "--nonsense"], ["sign"], ["sign", "dentrix", "extra"], ["events"],
    ["events", "nonsense"], ["events", "show"], ["events", "list", "--limit"], ["events", "list", "--limit", "x"],
    ["events", "list", "--limit", "-1"], ["events", "list", "--limit", "99999999999999999999"], ["events", "list", "--since", "lately"],
    ["events", "list", "extra"], ["events", "show", "not-hex"], ["quarantine"], ["quarantine", "retry"], ["quarantine", "show"],
    ["quarantine", "retry", "0" * 32, "--all"], ["quarantine", "retry", "xyz"], ["-c"], ["version", "extra"]], ids=" ".join)
def test_wrong_use(filled, arguments):
    """A command that cannot be understood exits with 2 and says something on standard error."""
    result = filled.cli(*arguments)
    assert (result.code, result.out) == (2, "") and result.err


@pytest.mark.parametrize("arguments", [["-c", "{}", "check"], ["check", "-c", "{}"]], ids=" ".join)
def test_config_option(arguments):
    """The config can be named before or after the command, and what is named there counts more than the environment."""
    server = harness.Server([oracle.source("north", "dentrix")])
    result = server.cli(*(argument.format(server.config) for argument in arguments), config="/nonexistent")
    assert result.code == 0 and "north" in result.out


def test_config_that_is_missing():
    """A config that is named and missing is an error."""
    result = harness.Server().cli("check", config="/nonexistent/pickupd.conf")
    assert result.code == 1 and "/nonexistent/pickupd.conf" in result.err


def test_check():
    """The check prints each source with the number of its secrets, and no secret."""
    server = harness.Server([oracle.source("dentrix"), oracle.source("opendental", secret=None)])
    server.more = "[secret dentrix next]\nenv = NEXT_SECRET\n"
    server.variables["NEXT_SECRET"] = "next-test-secret-not-real"
    ledger.SECRETS.add("next-test-secret-not-real")
    server.write_config()
    result = server.cli("check")
    assert result.code == 0, result.err
    assert re.search(r"^dentrix\b.*\b2\b", result.out, re.MULTILINE)
    assert re.search(r"^opendental\b.*\b(0|disabled)\b", result.out, re.MULTILINE)
    assert not any(secret in result.out + result.err for secret in ledger.SECRETS)


def test_no_config():
    """Without a config file the three built-in sources exist, each with its variable."""
    server = harness.Server()
    environment = server.environment()
    done = subprocess.run([harness.BINARY, "check"], env=environment, capture_output=True, text=True, timeout=wire.TIMEOUT, cwd=server.directory)
    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"^{name}\b.*\b1\b", done.stdout, re.MULTILINE) for name in oracle.VENDORS)


@pytest.mark.parametrize("secret", [None, ""])
def test_no_enabled_source(secret):
    """With no source enabled the server does not start, and says which variables to set."""
    server = harness.Server([oracle.source(name, secret=secret) for name in oracle.VENDORS])
    result = server.cli("serve")
    assert result.code == 1
    assert all(source.variable in result.err for source in server.sources.values())


NO_NAME = "is not the name of a variable (A-Z, 0-9 and _)"


def test_a_secret_for_the_name_of_a_variable():
    """Who writes the secret itself there is told the source, the file and the line; no command, no start, no reload and no log shows what may be one."""
    secret = "feedfacecafe" * 4
    ledger.SECRETS.add(secret)
    server = harness.Server([oracle.source("dentrix")])
    server.write_config()
    line = len(server.config.read_text().splitlines()) + 1
    mistake = f"[source x]\nvendor = eaglesoft\nsecret_env = {secret}\n"
    reason = f"no secret: {server.config}:{line}: secret_env {NO_NAME}"
    server.more = mistake + f"[secret x next]\nenv = {secret}\n"
    with server:
        assert server.log.find("source disabled", source="x")["reason"] == reason
        looks = [server.cli("status"), server.cli("check"), server.cli("sign", "x")]
        assert all("x" in look.out and reason in look.out for look in looks[:2])
        server.config.write_text(server.config.read_text().replace("[source x]", "[source y]").replace("[secret x next]", "[secret y next]"))
        server.process.send_signal(signal.SIGHUP)
        assert server.log.wait_for("source disabled", source="y")["reason"] == reason
        logged = "".join(server.log.lines)
    alone = harness.Server([], more=mistake)
    alone.sources.clear()
    alone.write_config()
    looks += [alone.cli("serve"), alone.cli("check")]
    assert f"x: no secret: {alone.config}:" in looks[-2].err and NO_NAME in looks[-2].err
    for more, settings, told in ((f"[token t]\nenv = {secret}\n", {}, ": t: a token is 16 to 4096 bytes long"),
                                 ("", {"notify_url": "http://127.0.0.1/x", "notify_secret_env": secret}, f"notify_secret_env {NO_NAME}"),
                                 (f"[source x]\nvendor = eaglesoft\nsecret_env = whsec_{secret}/+=\n", {}, "secret_env must be a name of at most 100 letters, digits and _")):
        server = harness.Server([oracle.source("dentrix")], settings, more)
        server.write_config()
        looks += [server.cli("check"), server.cli("serve")]
        assert all(look.code == 1 and str(server.config) in look.err and told in look.err for look in looks[-2:])
    assert not any(secret in text for text in (logged, *(look.out + look.err for look in looks)))


SERVER = "[server]\nlisten = 127.0.0.1:0\napi_listen = 127.0.0.1:0\ndatabase = {database}\n"
DENTRIX = "[source dentrix]\nvendor = dentrix\nsecret_env = DENTRIX_WEBHOOK_SECRET\n"
BAD_CONFIGS = {  # name -> text, the line of the fault or of its section, and a word that the message must contain
    "unknown key of the server": (SERVER + "colour = red\n" + DENTRIX, 5, "colour"),
    "unknown key of a source": (SERVER + DENTRIX + "color = red\n", 8, "color"),
    "unknown section": (SERVER + "[sauce dentrix]\n" + DENTRIX, 5, "section"),
    "key twice": (SERVER + DENTRIX + "lab = A\nlab = B\n", 9, "lab"),
    "section twice": (SERVER + DENTRIX + DENTRIX, 8, "already"),
    "no number": (SERVER + "loops = many\n" + DENTRIX, 5, "loops"),
    "number too large": (SERVER + "loops = 65\n" + DENTRIX, 5, "loops"),
    "number with a tail": (SERVER + "queue_rows = 10x\n" + DENTRIX, 5, "queue_rows"),
    "no rows": (SERVER + "queue_rows = 0\n" + DENTRIX, 5, "queue_rows"),
    "no size": (SERVER + "max_body = 1MB\n" + DENTRIX, 5, "max_body"),
    "negative size": (SERVER + "max_body = -1\n" + DENTRIX, 5, "max_body"),
    "no duration": (SERVER + "request_timeout = soon\n" + DENTRIX, 5, "request_timeout"),
    "no address": (SERVER.replace("listen = 127.0.0.1:0", "listen = here", 1) + DENTRIX, 2, "listen"),
    "no port": (SERVER.replace("listen = 127.0.0.1:0", "listen = 127.0.0.1:65536", 1) + DENTRIX, 2, "listen"),
    "unknown zone": (SERVER + DENTRIX + "timezone = Mars/Olympus\n", 5, "timezone"),
    "zone by a path": (SERVER + DENTRIX + "timezone = ../../etc/passwd\n", 5, "timezone"),
    "neither yes nor no": (SERVER + DENTRIX + "enabled = perhaps\n", 8, "enabled"),
    "name of a source": (SERVER + DENTRIX.replace("source dentrix", "source Dentrix!"), 5, "name"),
    "unknown vendor": (SERVER + DENTRIX.replace("vendor = dentrix", "vendor = dentricks"), 5, "dentricks"),
    "secret of no source": (SERVER + DENTRIX + "[secret nobody next]\nenv = X\n", 8, "secret"),
    "secret with no time": (SERVER + DENTRIX + "[secret dentrix next]\nenv = X\nnot_after = never\n", 10, "not_after"),
    "no key at all": (SERVER + "what is this\n" + DENTRIX, 5, ""),
    "long line": (SERVER + "vendor_dir = /" + "v" * 200 + "\n" + DENTRIX, 5, ""),
    "long section": (SERVER + "[source " + "s" * 50 + "]\n", 5, ""),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_bad_config(case, command):
    """A fault of the config is an error that names the file, the line and the key."""
    server = harness.Server()
    text, line, word = BAD_CONFIGS[case]
    server.config.write_text(text.format(database=server.database))
    result = server.cli(command)
    assert result.code == 1
    assert re.search(rf"^{re.escape(str(server.config))}:{line}: .*{re.escape(word)}", result.err, re.MULTILINE), result.err
    assert not server.database.exists()


def test_secret_written_into_the_config():
    """A secret that somebody writes into the config is refused without being repeated."""
    server, secret = harness.Server(), "typed-by-mistake-not-real"
    ledger.SECRETS.add(secret)
    server.config.write_text(SERVER.format(database=server.database) + DENTRIX + f"secret = {secret}\n")
    result = server.cli("check")
    assert result.code == 1 and f"{server.config}:8: " in result.err
    assert secret not in result.out + result.err


CLASHES = {
    "a secret used twice": [oracle.source("dentrix"), oracle.source("eaglesoft", secret="dentrix-test-secret-not-real")],
    "two sources of one vendor": [oracle.source("dentrix"), oracle.source("annex", "dentrix")],
    "two sources with one prefix": [oracle.source("dentrix", id_prefix="same"), oracle.source("annex", "dentrix", id_prefix="same")],
}


@pytest.mark.parametrize("case", CLASHES)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_clash(case, command):
    """Sources that could be taken for one another are refused at the line of the second, without the secret."""
    server = harness.Server(CLASHES[case])
    result = server.cli(command)
    second = server.config.read_text().splitlines().index(f"[source {CLASHES[case][1].name}]") + 1
    assert result.code == 1
    assert f"{server.config}:{second}: {CLASHES[case][1].name}: " in result.err
    assert not any(source.secret in result.out + result.err for source in server.sources.values())


@pytest.mark.parametrize("change", [{"id_prefix": "annex"}, {"org": "elsewhere"}, {"enabled": "no"}], ids=str)
def test_no_clash(change):
    """Two sources of one vendor are fine with distinct prefixes, in distinct organizations, or if one is disabled."""
    result = harness.Server([oracle.source("dentrix"), oracle.source("annex", "dentrix", **change)]).cli("check")
    assert result.code == 0, result.err


def test_secret_used_twice_with_and_without_its_prefix():
    """What a scheme strips from a secret makes no other secret of it."""
    secret = "c2VjcmV0LXRoYXQtaXMtbm90LXJlYWw="
    sources = [oracle.source("svix", secret=f"whsec_{secret}"), oracle.source("github", secret=secret)]
    server = harness.Server(sources, {"vendor_dir": harness.VENDORS})
    result = server.cli("check")
    assert result.code == 1 and result.err.endswith(": github: this secret is used twice\n")


def test_secret_used_twice_within_a_source():
    """The same secret twice is refused within one source, too."""
    server = harness.Server(more="[secret dentrix next]\nenv = NEXT_SECRET\n")
    server.variables["NEXT_SECRET"] = server.sources["dentrix"].secret
    assert server.cli("check").code == 1


def secret_file(server, name, content):
    """Write a secret to a file and return its path."""
    path = server.directory / name
    path.write_bytes(content)
    return path


def test_rotation():
    """Each of a source's secrets counts within its time, and no other."""
    now, secrets = "2020-01-01T00:00:00Z", {name: f"{name}-test-secret-not-real" for name in ("next", "past", "future", "open")}
    server = harness.Server([oracle.source("dentrix")])
    limits = {"next": f"not_before = {now}", "past": f"not_after = {now}", "future": "not_before = 2099-01-01T00:00:00Z",
              "open": f"not_before = {now}\nnot_after = 2099-01-01T00:00:00Z"}
    for name, limit in limits.items():
        server.more += f"[secret dentrix {name}]\nenv = {name.upper()}_SECRET\n{limit}\n"
        server.variables[f"{name.upper()}_SECRET"] = secrets[name]
    with server:
        expected = {"next": 200, "past": 401, "future": 401, "open": 200}
        for name, status in expected.items():
            body = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
            headers = [("Content-Type", "application/json"), server.signature("dentrix", body, secrets[name])]
            assert server.post("dentrix", body, headers).status == status, name
        assert server.post("dentrix", oracle.payload(oracle.DENTRIX, id=harness.fresh())).status == 200


@pytest.mark.parametrize("content, good", [(b"file-test-secret-not-real", True), (b"file-test-secret-not-real\n", True),
                                           (b"file-test-secret-not-real\n\n", False), (b"file-test-secret-not-real ", False)], ids=repr)
def test_secret_in_a_file(content, good):
    """A secret in a file is the file's content but for one newline at its end."""
    server = harness.Server()
    path = secret_file(server, "secret", content)
    server.config.write_text(SERVER.format(database=server.database) + DENTRIX.replace("secret_env = DENTRIX_WEBHOOK_SECRET", f"secret_file = {path}"))
    body = b"{}"
    result = server.cli("sign", "dentrix", input=body)
    right = f"X-Dentrix-Signature: {ledger.sign('file-test-secret-not-real', body)}\n"
    assert result.code == 0 and (result.out == right) is good


@pytest.mark.parametrize("path, more", [("/nonexistent", ""), ("/run/credentials/none.service/dentrix",
                                                               "; it is there while the service runs whose unit has a LoadCredential= for it")])
def test_secret_file_that_is_missing(path, more):
    """A secret file that cannot be read is an error of the config, with its line; of a credential it says when it is there."""
    server = harness.Server()
    server.config.write_text(SERVER.format(database=server.database) + DENTRIX.replace("secret_env = DENTRIX_WEBHOOK_SECRET", f"secret_file = {path}"))
    result = server.cli("check")
    assert (result.code, result.err) == (1, f"{server.config}:5: dentrix: {path}: No such file or directory{more}\n")


def test_token_file_that_is_missing():
    """That of [server] has no section of its own, and so no line."""
    server = harness.Server(settings={"api_token_file": "/nonexistent"})
    assert f"{server.config}: default: /nonexistent: No such file" in server.cli("check").err


@pytest.mark.parametrize("text, mode, why", [(None, 0o600, "No such file"), ("short", 0o600, "at least 32 bytes"), ("k" * 32, 0o644, "chmod 600")])
def test_key_of_the_audit_that_is_no_good(text, mode, why):
    """A key that is named and can't be used: serve does not start, and check says the same."""
    server = harness.Server()
    path = server.directory / "audit-key"
    server.settings["audit_key_file"] = path
    server.write_config()
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    for command in ("check", "serve"):
        result = server.cli(command)
        assert result.code == 1 and str(path) in result.err and why in result.err, (command, result)


def test_queue_holds_a_whole_body():
    """A queue too small for one body is refused, because it could never take it."""
    result = harness.Server(settings={"queue_bytes": "1KiB", "max_body": "2KiB"}).cli("check")
    assert result.code == 1 and "queue_bytes" in result.err
    assert harness.Server(settings={"queue_bytes": "2KiB", "max_body": "2KiB"}).cli("check").code == 0


def test_second_server():
    """A second server on one database does not start, and the first goes on; the lock alone sees to it."""
    with harness.Server() as server:
        Path(f"{server.database}.control").unlink()
        result = server.cli("serve")
        assert result.code == 1 and f"{server.database}.lock" in result.err
        assert server.post("dentrix", oracle.payload(oracle.DENTRIX, id=harness.fresh())).status == 200


@pytest.mark.parametrize("name", oracle.VENDORS)
def test_sign_for_curl(filled, name, tmp_path):
    """What `sign` prints are headers that curl can send, and the server accepts them."""
    body = tmp_path / "body.json"
    body.write_bytes(ledger.encode(oracle.payload(oracle.VENDORS[name], id=harness.fresh())))
    result = filled.cli("sign", name, input=body.read_bytes())
    header, signature = filled.signature(name, body.read_bytes())
    assert (result.code, result.out) == (0, f"{header}: {signature}\n")
    headers = tmp_path / "headers"
    headers.write_text(result.out)
    curl = subprocess.run(["curl", "-sS", "-H", "Content-Type: application/json", "-H", f"@{headers}", "--data-binary", f"@{body}",
                           f"http://{filled.public}{filled.path(name)}"], capture_output=True, timeout=wire.TIMEOUT, check=True)
    assert json.loads(curl.stdout) == oracle.answer(filled.sources[name], body.read_bytes())


def test_sign_for_nobody():
    """An unknown source cannot sign."""
    result = harness.Server().cli("sign", "nobody", input=b"{}")
    assert result.code == 1 and "nobody" in result.err and not result.out


def test_sign_without_a_secret():
    """Nor can a source without a secret."""
    result = harness.Server([oracle.source("dentrix", secret=None)]).cli("sign", "dentrix", input=b"{}")
    assert result.code == 1 and "dentrix" in result.err and not result.out


def test_events_list(filled):
    """The list has every event, in order, as the database has it."""
    records, rows = filled.list("events", "list"), filled.events()
    assert [record["seq"] for record in records] == [row["seq"] for row in rows]
    for record, row in zip(records, rows):
        assert record_of(row).items() <= record.items()
        assert record["time"][:19] == oracle.iso(datetime.fromtimestamp(row["time"] / 1000, timezone.utc))[:19]
    text = filled.cli("events", "list")
    assert text.code == 0 and all(row["id"] in text.out for row in rows)


def ids(server, *filters):
    """The ids that a filtered list prints."""
    return [record["id"] for record in server.list("events", "list", *filters)]


def test_events_list_filters(filled):
    """The list can be cut by source, type, time and number, and by several at once."""
    rows = filled.events()
    assert ids(filled, "--source", "eaglesoft") == [row["id"] for row in rows if row["origin"] == "eaglesoft"]
    assert ids(filled, "--source", "nobody") == []
    assert ids(filled, "--type", "PickupRequested") == [row["id"] for row in rows]
    assert ids(filled, "--type", "CaseReadyToShip") == []
    moment = datetime.fromtimestamp(rows[3]["time"] / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert ids(filled, "--since", moment) == [row["id"] for row in rows if row["time"] >= rows[3]["time"]]
    assert ids(filled, "--since", "2020-01-01T00:00:00Z") == [row["id"] for row in rows]
    assert ids(filled, "--since", "2099-01-01T00:00:00Z") == []
    assert len(ids(filled, "--limit", "2")) == 2
    assert set(ids(filled, "--source", "dentrix", "--since", moment)) == \
        {row["id"] for row in rows if row["origin"] == "dentrix" and row["time"] >= rows[3]["time"]}


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_masks(filled, form):
    """Names, phones and notes are hidden in every form, and shown only if asked for."""
    row = filled.events()[0]
    hidden = [filled.cli("events", "list", *form), filled.cli("events", "show", row["id"], *form),
              filled.cli("quarantine", "list", *form), filled.cli("quarantine", "show", filled.list("quarantine", "list")[0]["id"], *form)]
    for result in hidden:
        assert result.code == 0
        assert not [word for word in PRIVATE if word in result.out + result.err]
    shown = filled.cli("events", "show", row["id"], "--show-phi", *form)
    assert shown.code == 0 and all(word in shown.out for word in PRIVATE)


def test_events_show(filled):
    """One event is shown whole: what is harmless in clear, the rest as stars, and all of it if asked for."""
    row = filled.events()[0]
    stored = json.loads(row["detail"])
    clear, = filled.list("events", "show", row["id"], "--show-phi")
    assert clear["detail"] == stored
    masked, = filled.list("events", "show", row["id"])
    assert record_of(row).items() <= masked.items()
    expected = {**stored, "notes": "***", "requestedBy": {**stored["requestedBy"], "name": "***", "phone": "***"},
                "metadata": {**stored["metadata"], "patientName": "***"}}
    assert masked["detail"] == expected


def test_show_of_nothing(filled):
    """An id that is not there is an error."""
    result = filled.cli("events", "show", "0" * 32)
    assert result.code == 1 and result.err and not result.out


def test_events_while_stopped():
    """The list can be read while no server runs."""
    with harness.Server() as server:
        server.post("dentrix", oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        running = server.list("events", "list")
        server.stop()
        assert server.list("events", "list") == running and len(running) == 1


def test_events_without_a_database():
    """Where there never was a server there is nothing to list, and listing makes no database."""
    server = harness.Server()
    server.cli("events", "list")
    assert not server.database.exists()


def test_files_are_private():
    """The database, its companions, the lock and the control socket are for the owner only."""
    with harness.Server() as server:
        server.post("dentrix", oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        modes = {path.name: oct(path.stat().st_mode & 0o077) for path in server.directory.glob("pickupd.db*")}
        assert {"pickupd.db", "pickupd.db.lock", "pickupd.db.control"} <= modes.keys()
        assert set(modes.values()) == {"0o0"}
