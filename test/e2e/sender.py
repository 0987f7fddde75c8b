"""Senders as the shipped definitions describe them: requests made and signed with Python's hmac, and servers that know those definitions."""
import base64
import hmac
import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qsl

import harness
import ledger
import oracle

SHELF = harness.ROOT / "contrib/vendors"
NAMES = sorted(path.stem for path in SHELF.glob("*.json"))
JSON = ("Content-Type", "application/json")
DECODE = {"text": str.encode, "hex": bytes.fromhex, "base64": base64.b64decode, "base64url": base64.urlsafe_b64decode}
ENCODE = {"hex": bytes.hex, "base64": lambda data: base64.b64encode(data).decode()}
CLOCKS = {"unix": lambda moment: str(int(moment)), "unix_ms": lambda moment: str(int(moment * 1000)),
          "iso8601": lambda moment: oracle.iso(datetime.fromtimestamp(moment, timezone.utc))}
HMAC = {"kind": "hmac", "hash": "sha256", "signature": {"header": "X-Test-Signature", "encoding": "hex"}, "signed": "{body}"}
DETAIL = {"orderId": {"from": "id", "type": "id", "required": True}, "requestTime": {"text": "{received}"}}
NOISE = {"when": {"kind": "noise"}, "ignore": True}
ORDER = {"when": {"kind": "order"}, "source": "ehr.test", "type": "OrderPlaced", "detail": DETAIL}


def load(name):
    """Read a shipped definition."""
    return json.loads((SHELF / f"{name}.json").read_text())


def define(name, **more):
    """Make a definition of a sender that signs the body, and whose orders are kept and noise is ignored."""
    return {"vendor": name, "scheme": HMAC, "events": [NOISE, ORDER], **more}


def compact(value):
    """Write JSON without a space, in the order of its members."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Request:
    """All that a sender sends."""

    body: bytes = b""
    headers: list = field(default_factory=list)
    method: str = "POST"
    query: str = ""

    def send(self, server, source):
        """Send it to a source and return the answer."""
        path = server.path(source) + (f"?{self.query}" if self.query else "")
        return server.ask(self.method, path, self.body if self.method == "POST" else None, self.headers)


def template(scheme, body, stamp, ident, url):
    """Fill in what a scheme signs."""
    form = sorted(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1"), key=lambda pair: pair[0])
    words = {"body": body, "body_base64": base64.b64encode(body), "timestamp": stamp.encode(), "id": ident.encode(), "url": url.encode(),
             "form_sorted": "".join(name + value for name, value in form).encode("latin-1")}
    return re.sub(rb"\{(\w+)\}", lambda match: words[match[1].decode()], scheme["signed"].encode())


def sign(scheme, secret, body, ident="msg_1", url="", age=0):
    """Make the headers that an hmac scheme asks for, with a time so many seconds ago."""
    key = DECODE[scheme.get("secret", {}).get("encoding", "text")](secret.removeprefix(scheme.get("secret", {}).get("strip", "")))
    clock, place = scheme.get("timestamp", {}), scheme["signature"]
    stamp = CLOCKS[clock.get("format", "unix")](time.time() - age)
    digest = hmac.digest(key, template(scheme, body, stamp, ident, url), scheme["hash"])
    ledger.SIGNATURES.add(digest.hex())
    line = place.get("prefix", "") + ENCODE[place["encoding"]](digest)
    if "pair" in place:
        line = place["keys"][0] + place["pair"] + line
    if "key" in clock:
        line = f"{clock['key']}{place['pair']}{stamp}{place['list']}{line}"
    headers = [(place["header"], line)]
    headers += [(clock["header"], stamp)] if "header" in clock else []
    return headers + ([(scheme["id"]["header"], ident)] if "id" in scheme else [])


def signed(definition, secret, payload, **more):
    """Make a request of an hmac sender; the payload is bytes, or becomes compact JSON."""
    body = payload if isinstance(payload, bytes) else compact(payload)
    kind = "application/x-www-form-urlencoded" if definition.get("request", {}).get("body") == "form" else "application/json"
    return Request(body, [("Content-Type", kind), *sign(definition["scheme"], secret, body, **more)])


class Server(harness.Server):
    """A server with copies of the shipped definitions, and with those that a test makes."""

    def __init__(self, sources, definitions=(), **keys):
        super().__init__(sources, **keys)
        self.shelf = self.directory / "vendors"
        self.shelf.mkdir()
        self.settings["vendor_dir"] = self.shelf
        self.definitions = {definition["vendor"]: definition for definition in definitions}
        for definition in definitions:
            self.put(definition)
        for name in {source.definition for source in sources} & set(NAMES) - set(self.definitions):
            (self.shelf / f"{name}.json").write_bytes((SHELF / f"{name}.json").read_bytes())
            self.definitions[name] = load(name)
        self.write_config()

    def put(self, definition):
        """Write a definition, or write it anew."""
        self.definitions[definition["vendor"]] = definition
        (self.shelf / f"{definition['vendor']}.json").write_text(json.dumps(definition, indent=1))

    def add_secret(self, source, name, text, limits=""):
        """Give a source a further secret."""
        variable = f"{source}_{name}".upper().replace("-", "_")
        self.more += f"[secret {source} {name}]\nenv = {variable}\n{limits}"
        self.variables[variable] = text
        self.write_config()

    def tell(self, source, payload, secret=None, **more):
        """Post a payload as an hmac sender does, and return the answer."""
        row = self.sources[source]
        return signed(self.definitions[row.definition], secret or row.secret, payload, **more).send(self, source)

    def request_headers(self, source, body):
        """The headers of a good request of an hmac sender."""
        row = self.sources[source]
        return signed(self.definitions[row.definition], row.secret, body).headers

    def kept(self):
        """How many rows the log and the quarantine hold."""
        return tuple(self.query(f"SELECT count(*) AS rows FROM {table}")[0]["rows"] for table in ("events", "quarantine"))


def serve(*definitions, **keys):
    """A server with a source for each of these definitions, named as the definition; not yet started."""
    return Server([oracle.source(definition["vendor"]) for definition in definitions], definitions, **keys)


def order(**more):
    """A payload of an order unlike any other."""
    return {"kind": "order", "id": harness.fresh(), **more}


def noise():
    """A payload that is ignored."""
    return {"kind": "noise", "id": harness.fresh()}


def faulty():
    """A payload that goes to quarantine."""
    return {"kind": "order", "note": harness.fresh()}


def write(directory, name, text):
    """Write a file and return its path."""
    path = Path(directory) / name
    path.write_text(text)
    return path
