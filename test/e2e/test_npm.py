"""The senders' own libraries for Node: what they sign is taken, and what `pickupd sign` signs they take as genuine."""
import json
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import dispatcher
import harness
import ledger
import oracle
from process import limited

PACKAGES = harness.ROOT / "test/npm"
# Without a network it should say so at once, and what was fetched once need not be fetched again.
INSTALL = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0",
           "--fetch-timeout=15000"]
INSTALL_TIMEOUT = 60
SECRETS = {"standard-webhooks": "whsec_bnBtLXRlc3Qtc2VjcmV0LW5vdC1yZWFs", "stripe": "whsec_npm-test-secret-not-real",
           "github": "npm test secret, not real"}
TYPES = {"standard-webhooks": "WebhookReceived", "stripe": "StripeEvent", "github": "GithubEvent"}
EVENT = '{"id":"%s","object":"event","type":"thing.made","created":1768921200,"data":{"object":%s}}'
OBJECTS = {
    "plain": '{"id":"thing-1","name":"Nobody Invented"}',
    "spaced": '{\n  "id": "thing-1",\t"list": [ 1, 2 ]\r\n}',
    "numbers": '{"id":9007199254740993,"a":1.0,"b":1e2,"c":-0.0}',
    "escapes": '{"id":"\\u0041\\/","a":"\\u2028\\ud83d\\ude00"}',
    "letters": '{"id":"\u00e9\u2028\U0001f600\u00df","a":"<&>\x7f"}',
    "long": '{"id":"thing-1","a":"%s"}' % ("long " * 20000),
}


class Libraries:
    """A Node process that signs and verifies with the senders' libraries."""

    def __init__(self, process):
        self.process = process

    def ask(self, sender, body, **job):
        """Send one job and return its result."""
        self.process.stdin.write(json.dumps({"sender": sender, "secret": SECRETS[sender], "body": body, **job}) + "\n")
        self.process.stdin.flush()
        with limited(self.process):
            return json.loads(self.process.stdout.readline())

    def sign(self, sender, body, age=0):
        """The headers of a body, as the library makes them."""
        headers = self.ask(sender, body, id=harness.fresh(), time=int(time.time()) - age)
        ledger.SIGNATURES.update(re.findall("[0-9a-f]{64}", str(headers)))
        return headers

    def verify(self, sender, body, headers):
        """Whether the library takes the headers and the body as genuine."""
        return self.ask(sender, body, headers=headers)


def missing():
    """Say what there is no npm for, or nothing."""
    if not shutil.which("npm") or not shutil.which("node"):
        return "npm is not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return "" if int(re.match(r"v(\d+)", version)[1]) >= 20 else f"Node is too old: {version.strip()}"


def install(directory):
    """Install the libraries; say why that can't be done, or nothing."""
    try:
        done = subprocess.run(INSTALL, cwd=directory, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"npm took more than {INSTALL_TIMEOUT} s to fetch the libraries"
    code = re.search(r"npm (?:error|ERR!) code (\w+)", done.stderr)
    return "" if done.returncode == 0 else f"npm can't fetch the libraries: {code[1] if code else done.stderr[-200:]}"


@contextmanager
def running(directory):
    """Run the script until its input ends."""
    with subprocess.Popen(["node", "sign.mjs"], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          encoding="utf-8") as process:
        yield Libraries(process)
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture(scope="module")
def libraries():
    """The libraries, installed in a directory of their own; without them the tests are skipped."""
    directory = Path(tempfile.mkdtemp(dir=ledger.SUITE))
    for file in PACKAGES.iterdir():
        shutil.copy(file, directory)
    if reason := missing() or install(directory):
        pytest.skip(reason)
    with running(directory) as started:
        yield started


@pytest.fixture(scope="module")
def server():
    """A source for each sender, with the definition that is shipped."""
    sources = [oracle.source(sender, secret=secret) for sender, secret in SECRETS.items()]
    with harness.Server(sources, {"vendor_dir": harness.VENDORS}) as started:
        yield started


def body_of(name):
    """An event's text that was not sent before."""
    return EVENT % (harness.fresh(), OBJECTS[name])


def post(server, sender, body, headers):
    """Post a body with the headers of its signature."""
    more = [("Content-Type", "application/json"), ("X-GitHub-Event", "issues")]
    return server.post(sender, body.encode(), more + list(headers.items()))


def signed_by_us(server, sender, body):
    """The headers that `pickupd sign` prints."""
    result = server.cli("sign", sender, input=body.encode())
    assert result.code == 0, result.err
    lines = [line.split(": ", 1) for line in result.out.splitlines()]
    return {name.lower(): value for name, value in lines}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("sender", SECRETS)
def test_theirs_is_taken(server, libraries, sender, name):
    """What the library signs is stored, byte for byte as it was meant."""
    body = body_of(name)
    answer = post(server, sender, body, libraries.sign(sender, body))
    assert answer.status == 200, answer.body
    row = server.event(answer.json["eventId"])
    assert row["detail_type"] == TYPES[sender]
    detail, sent = json.loads(row["detail"]), json.loads(body)
    assert detail.get("payload", {}).get("data", detail.get("data")) == sent["data"]


@pytest.mark.parametrize("sender", SECRETS)
def test_theirs_altered_is_refused(server, libraries, sender):
    """The library's signature of another body is refused, and so is the body with other white space."""
    body = body_of("plain")
    headers = libraries.sign(sender, body)
    assert post(server, sender, body_of("plain"), headers).status == 401
    assert post(server, sender, body + "\n", headers).status == 401
    assert post(server, sender, body, headers).status == 200


@pytest.mark.parametrize("sender", ["standard-webhooks", "stripe"])
def test_theirs_too_old_is_refused(server, libraries, sender):
    """What the library signed too long ago, or too far ahead, is refused."""
    body = body_of("plain")
    assert post(server, sender, body, libraries.sign(sender, body, age=310)).status == 401
    assert post(server, sender, body, libraries.sign(sender, body, age=-310)).status == 401
    assert post(server, sender, body, libraries.sign(sender, body, age=290)).status == 200


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("sender", SECRETS)
def test_ours_is_genuine(server, libraries, sender, name):
    """What `pickupd sign` signs the library takes as genuine, and nothing else with it."""
    body = body_of(name)
    headers = signed_by_us(server, sender, body)
    assert libraries.verify(sender, body, headers) is True
    assert libraries.verify(sender, body + " ", headers) is False


def test_what_the_dispatcher_is_told_is_genuine(libraries):
    """A notice is a webhook that the library takes as genuine, and nothing else with its signature."""
    with dispatcher.Dispatcher() as told:
        server = harness.Server(settings={"flows": "on", **told.settings()})
        server.variables.update({**told.variables(), "NOTIFY_SECRET": SECRETS["standard-webhooks"]})
        detail = {"caseId": "C-1", "labId": "LAB001", "clinicId": "CLI-\u00e9", "requestedDeliveryDate": "2026-01-21", "priority": "EMERGENCY"}
        with server:
            server.api("POST", "/v1/events", {"source": "cases.production", "detailType": "CaseReadyToShip", "detail": detail})
            notice = told.next()
        headers = {"webhook-id": notice.id, "webhook-timestamp": str(notice.time), "webhook-signature": notice.signature}
        assert libraries.verify("standard-webhooks", notice.body.decode(), headers) is True
        assert libraries.verify("standard-webhooks", notice.body.decode() + " ", headers) is False
