"""Every way to sign that a definition can describe, signed by other people's code: Python's hmac and base64, and openssl."""
import base64
import hmac
import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Callable
from urllib.parse import parse_qsl, quote

import pytest

import harness
import ledger
import oracle
import wire

DENTRIX = json.loads((harness.ROOT / "src/model/vendors/dentrix.json").read_text())
URL = "https://hooks.invented.example/in"
TWILIO_URL = "https://mycompany.com/myapp.php"  # That of Twilio's own example.
QUERY = "foo=1&bar=2"  # That of the same example; every request bears it.
TOLERANCE = 300  # Seconds, unless a definition says otherwise.
SLACK = 15  # Seconds that may pass between a test's clock and the server's.
YEAR = 365 * 86400
DELETE = object()  # As a change to a definition: leave the key out.


# Secrets and what is signed with them.


def run(*command, text=b""):
    """Run openssl and return what it writes."""
    return subprocess.run(["openssl", *map(str, command)], input=text, capture_output=True, check=True, timeout=wire.TIMEOUT).stdout


def put(data, name="text"):
    """Write a file in a directory of its own, for openssl to read."""
    path = Path(tempfile.mkdtemp(dir=ledger.SUITE)) / name
    path.write_bytes(data)
    return path


@dataclass(frozen=True)
class Secret:
    """What the source is given, and what the sender does with its part of it."""

    text: str
    sign: Callable[[bytes], bytes]


def as_text(data):
    """Write bytes as they are."""
    return data.decode()


def as_base64(data):
    """Write bytes in base64."""
    return base64.b64encode(data).decode()


def as_base64url(data):
    """Write bytes in base64 for URLs."""
    return base64.urlsafe_b64encode(data).decode()


def as_whsec(data):
    """Write bytes as Standard Webhooks writes a secret."""
    return "whsec_" + as_base64(data)


ENCODE = {"text": as_text, "hex": bytes.hex, "base64": as_base64, "base64url": as_base64url}


def hmac_keys(hash_name="sha256", write=as_text):
    """HMAC with a word as the key."""
    return lambda word: Secret(write(word.encode()), lambda text: hmac.digest(word.encode(), text, hash_name))


def static_keys(form="{}"):
    """A secret that is sent as it is."""
    return lambda word: Secret(form.format(word), lambda _: form.format(word).encode())


@cache
def key_pair(word, *algorithm):
    """Generate a private key; return its file."""
    return put(run("genpkey", "-algorithm", *algorithm), f"{word}.pem")


def public(key, form="DER"):
    """The public part of a private key."""
    return run("pkey", "-in", key, "-pubout", "-outform", form)


def ed25519_keys(write):
    """Ed25519 by openssl; `write` gives the secret of the source from the private key's file."""
    def make(word):
        key = key_pair(word, "ed25519")
        return Secret(write(key), lambda text: run("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", put(text)))
    return make


def ecdsa_keys(write):
    """ECDSA over P-256 by openssl."""
    def make(word):
        key = key_pair(word, "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        return Secret(write(key), lambda text: run("dgst", "-sha256", "-sign", key, text=text))
    return make


def raw_key(key):
    """The 32 bytes of an Ed25519 public key, which are the last of its DER form."""
    return as_base64(public(key)[-32:])


def der_key(key):
    """A public key in DER form, in base64."""
    return as_base64(public(key))


def pem_key(key):
    """A public key in PEM form."""
    return public(key, "PEM").decode()


# Clocks.


def unix(moment):
    """Write a time as seconds."""
    return str(int(moment))


def unix_ms(moment):
    """Write a time as milliseconds."""
    return str(int(moment * 1000))


def iso8601(moment):
    """Write a time as ISO 8601."""
    return oracle.iso(datetime.fromtimestamp(moment, timezone.utc))


CLOCKS = {"unix": unix, "unix_ms": unix_ms, "iso8601": iso8601}
WRONG_CLOCKS = {"unix": unix_ms, "unix_ms": unix, "iso8601": unix}


# The schemes.


@dataclass(frozen=True)
class Scheme:
    """The definition that pickupd reads, and the same thing said in Python."""

    definition: dict
    keys: Callable[[str], Secret]
    text: Callable[["Draft"], bytes] = lambda draft: b""  # what is signed
    show: str = "{}"  # one signature as it stands in its place
    other: str | None = None  # one of a version that does not count
    form: bool = False  # whether the body is a form, which is authentic, and no JSON
    config: str = ""  # further keys of the source

    @property
    def signature(self):
        """Where and how the signature stands."""
        return self.definition["signature"]

    @property
    def timestamp(self):
        """Where and how the time stands."""
        return self.definition.get("timestamp", {})

    @property
    def encoding(self):
        """How signatures are written."""
        return self.signature.get("encoding", "base64" if self.definition["kind"] == "basic" else "text")

    @property
    def is_signed(self):
        """Whether anything is signed at all."""
        return self.definition["kind"] not in ("static", "basic")

    @property
    def is_encoded(self):
        """Whether signatures are written in digits."""
        return self.encoding != "text"

    @property
    def takes_many(self):
        """Whether one request may carry several signatures."""
        return "list" in self.signature or "header_pattern" in self.signature

    def secret(self, name, which):
        """One of the secrets of a source of this scheme."""
        secret = self.keys(f"{name}-{which}-test-secret-not-real")
        ledger.SECRETS.add(secret.text)
        return secret


def glue(*parts):
    """Join texts and bytes."""
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def by_hmac(signature, signed, text, keys=None, hash_name="sha256", secret=None, timestamp=None, ident=None, **more):
    """Make a scheme of kind hmac."""
    definition = {"kind": "hmac", "hash": hash_name, "secret": secret, "signature": signature, "timestamp": timestamp, "id": ident,
                  "signed": signed, "body": None if "{body" in signed or "{form" in signed else "unsigned"}
    return Scheme({key: value for key, value in definition.items() if value}, keys or hmac_keys(hash_name), text, **more)


def by_key(kind, signature, signed, text, keys, secret=None, timestamp=None, ident=None, **more):
    """Make a scheme with the sender's public key."""
    scheme = by_hmac(signature, signed, text, keys, None, secret, timestamp, ident, **more)
    return replace(scheme, definition={**scheme.definition, "kind": kind})


def by_secret(kind, signature, keys, **more):
    """Make a scheme where the request holds the secret."""
    return Scheme({"kind": kind, "signature": signature}, keys, **more)


def vary(scheme, timestamp=None, **more):
    """Copy a scheme with another timestamp or other words."""
    definition = {**scheme.definition, "timestamp": {**scheme.timestamp, **timestamp}} if timestamp else scheme.definition
    return replace(scheme, definition=definition, **more)


def body(draft):
    """What most senders sign."""
    return draft.body


def dotted(draft):
    """What senders with a clock sign."""
    return glue(draft.stamp, ".", draft.body)


def form_sorted(body):
    """A form's names and values, sorted by name, as Twilio signs them."""
    fields = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")  # Each byte is one letter.
    return "".join(name + value for name, value in sorted(fields, key=lambda field: field[0])).encode("latin-1")


BODY = "{body}"
DOTTED = "{timestamp}.{body}"
UNIX = {"format": "unix"}
STANDARD_SIGNATURE = {"header": "webhook-signature", "list": " ", "pair": ",", "keys": ["v1"], "encoding": "base64"}
STANDARD = by_hmac(
    STANDARD_SIGNATURE, "{id}.{timestamp}.{body}", lambda draft: glue(draft.ident, ".", draft.stamp, ".", draft.body),
    hmac_keys(write=as_whsec), secret={"strip": "whsec_", "encoding": "base64"}, timestamp={"header": "webhook-timestamp", **UNIX},
    ident={"header": "webhook-id"}, show="v1,{}", other="v1a,{}")
STRIPE = by_hmac({"header": "Stripe-Signature", "list": ",", "pair": "=", "keys": ["v1"], "encoding": "hex"}, DOTTED, dotted,
                 timestamp={"key": "t", **UNIX}, show="v1={}", other="v0={}")
SLACK_V0 = by_hmac({"header": "X-Slack-Signature", "prefix": "v0=", "encoding": "hex"}, "v0:{timestamp}:{body}",
                   lambda draft: glue("v0:", draft.stamp, ":", draft.body), timestamp={"header": "X-Slack-Request-Timestamp", **UNIX},
                   show="v0={}")
PANDADOC = by_hmac({"query": "signature", "encoding": "hex"}, BODY, body)
SIGNWELL = by_hmac({"json": "event.hash", "encoding": "hex"}, "{json:event.type}@{json:event.time}",
                   lambda draft: glue(draft.kind, "@", draft.stamp))
ED25519 = by_key("ed25519", {"header": "El8-Ed25519-Signature", "encoding": "base64"}, BODY, body, ed25519_keys(raw_key),
                 {"encoding": "base64"})
ECDSA = by_key("ecdsa", {"header": "X-Twilio-Email-Event-Webhook-Signature", "encoding": "base64"}, "{timestamp}{body}",
               lambda draft: glue(draft.stamp, draft.body), ecdsa_keys(der_key), {"encoding": "base64"},
               {"header": "X-Twilio-Email-Event-Webhook-Timestamp", **UNIX})

SCHEMES = {
    "github": by_hmac({"header": "X-Hub-Signature-256", "prefix": "sha256=", "encoding": "hex"}, BODY, body, show="sha256={}"),
    "stripe": STRIPE,
    "slack": SLACK_V0,
    "shopify": by_hmac({"header": "X-Shopify-Hmac-SHA256", "encoding": "base64"}, BODY, body),
    "square": by_hmac({"header": "x-square-hmacsha256-signature", "encoding": "base64"}, "{url}{body}",
                      lambda draft: glue(URL, draft.asked, draft.body), config=f"public_url = {URL}"),
    "twilio": by_hmac({"header": "X-Twilio-Signature", "encoding": "base64"}, "{url}{form_sorted}",
                      lambda draft: glue(TWILIO_URL, draft.asked, form_sorted(draft.body)), hash_name="sha1", form=True,
                      config=f"public_url = {TWILIO_URL}"),
    "standard-webhooks": STANDARD,
    "nexhealth": by_hmac({"header": "signature", "encoding": "hex"}, "{timestamp}.{body_base64}",
                         lambda draft: glue(draft.stamp, ".", as_base64(draft.body)),
                         timestamp={"header": "timestamp", "format": "iso8601"}),
    "zocdoc": by_hmac({"header": "webhook-signature", "list": ";", "pair": ":", "keys": ["v1", "v2"], "encoding": "base64"}, DOTTED, dotted,
                      hmac_keys(write=as_base64), secret={"encoding": "base64"}, timestamp={"header": "webhook-timestamp", **UNIX},
                      show="v2:{}", other="v3:{}"),
    "dixa": by_hmac({"header": "X-DIXA-SIGNATURE", "list": ",", "pair": "=", "keys": ["v1"], "encoding": "hex"}, DOTTED, dotted,
                    hmac_keys(write=bytes.hex), secret={"encoding": "hex"}, timestamp={"key": "t", "format": "unix_ms"}, show="v1={}",
                    other="v2={}"),
    "docusign": by_hmac({"header_pattern": "X-DocuSign-Signature-*", "encoding": "base64"}, BODY, body),
    "pandadoc": PANDADOC,
    "signwell": SIGNWELL,
    "tokens": by_hmac({"header": "X-Signature", "encoding": "hex"}, "{method} {path} {header:X-Nonce} {body}",
                      lambda draft: glue("POST /webhooks/ehr/", draft.name, " ", draft.nonce, " ", draft.body)),
    "sha512": by_hmac({"header": "X-Signature", "encoding": "hex"}, BODY, body, hash_name="sha512"),
    "base64url": by_hmac({"header": "X-Signature", "encoding": "base64url"}, BODY, body, hmac_keys(write=as_base64url),
                         secret={"encoding": "base64url"}),
    "list": by_hmac({"header": "X-Signature", "list": ",", "encoding": "hex"}, BODY, body),
    "static": by_secret("static", {"header": "Authorization"}, static_keys()),
    "bearer": by_secret("static", {"header": "Authorization", "prefix": "Bearer "}, static_keys(), show="Bearer {}"),
    "static-query": by_secret("static", {"query": "token"}, static_keys()),
    "basic": by_secret("basic", {"header": "Authorization"}, static_keys("lab:{}"), show="Basic {}"),
    "ed25519": ED25519,
    "ed25519-der": replace(ED25519, keys=ed25519_keys(der_key)),
    "ed25519-pem": by_key("ed25519", ED25519.signature, BODY, body, ed25519_keys(pem_key)),
    "standard-v1a": by_key("ed25519", {**STANDARD_SIGNATURE, "keys": ["v1a"]}, STANDARD.definition["signed"], STANDARD.text,
                           ed25519_keys(lambda key: "whpk_" + raw_key(key)), {"strip": "whpk_", "encoding": "base64"},
                           STANDARD.timestamp, STANDARD.definition["id"], show="v1a,{}", other="v1,{}"),
    "ecdsa": ECDSA,
    "ecdsa-pem": by_key("ecdsa", ECDSA.signature, ECDSA.definition["signed"], ECDSA.text, ecdsa_keys(pem_key), None, ECDSA.timestamp),
    "query-time": by_hmac(PANDADOC.signature, DOTTED, dotted, timestamp={"query": "at", **UNIX}),
    "json-time": by_hmac(SIGNWELL.signature, "{json:event.type}@{timestamp}", SIGNWELL.text, timestamp={"json": "event.time", **UNIX}),
}
VARIANTS = {  # Other bounds of the time, and the sources that set their own.
    "past-any": vary(SLACK_V0, {"past": "any"}),
    "past-any-short": vary(SLACK_V0, {"past": "any"}, config="tolerance = 20s"),
    "future-any": vary(SLACK_V0, {"future": "any"}),
    "uneven": vary(SLACK_V0, {"past": "2h", "future": "60s"}),
    "wide": vary(SLACK_V0, config="tolerance = 1h"),
    "narrow": vary(SLACK_V0, config="tolerance = 20s"),
    "standard-any": vary(STANDARD, {"past": "any"}),
    "no-url": replace(SCHEMES["square"], config=""),
}
ALL = {**SCHEMES, **VARIANTS}


# A request on its way.


class Draft:
    """A good webhook, to be spoilt before it is sent; every part that may be missing or doubled is a list."""

    kind = "pickup_requested"

    def __init__(self, name):
        self.name, self.scheme = name, ALL[name]
        self.payload = ledger.encode(oracle.payload(oracle.DENTRIX, id=harness.fresh()))
        if self.scheme.form:
            self.payload = f"Order={harness.fresh()}&Empty=&Note=caf%C3%A9+au+lait%21&Clinic=CLI-001&A=%26%3D".encode()
        self.nonces, self.idents, self.query = [harness.fresh()], ["msg_" + harness.fresh()], QUERY
        self.lines = None  # What stands in the signature's place, if not the elements.
        self.dated(CLOCKS[self.scheme.timestamp.get("format", "unix")](time.time()))

    # What the signer sees.

    @property
    def nonce(self):
        """The header that is signed."""
        return self.nonces[0]

    @property
    def ident(self):
        """The delivery id."""
        return self.idents[0]

    @property
    def stamp(self):
        """The time."""
        return self.stamps[0]

    @property
    def asked(self):
        """The query with its question mark."""
        return f"?{self.query}" if self.query else ""

    @property
    def body(self):
        """The payload, in which some senders put the time and the signature."""
        if "json" not in self.scheme.signature:
            return self.payload
        members = [("type", self.kind), *(("time", stamp) for stamp in self.stamps), *(("hash", line) for line in self.values())]
        event = ",".join(f'"{key}":{value if value.isdigit() else json.dumps(value)}' for key, value in members)
        return glue(self.payload[:-1], ',"event":{', event, "}}")

    def sign(self, which="first"):
        """Sign with one of the source's secrets; return the signature as written."""
        signature = self.scheme.secret(self.name, which).sign(self.scheme.text(self))
        return remember(ENCODE[self.scheme.encoding](signature), signature)

    # Changes.

    def signed_by(self, *secrets):
        """Sign anew with these secrets."""
        self.elements = [self.scheme.show.format(self.sign(which)) for which in secrets]

    def dated(self, stamp):
        """Sign anew with this time."""
        self.stamps, self.elements = [stamp], []
        self.signed_by("first")

    def aged(self, seconds):
        """Sign anew at a time that is so long ago, or still to come."""
        self.dated(CLOCKS[self.scheme.timestamp["format"]](time.time() - seconds))

    def misdated(self):
        """Sign anew with the time in another unit."""
        self.dated(WRONG_CLOCKS[self.scheme.timestamp["format"]](time.time()))

    def named(self, ident):
        """Sign anew with this delivery id."""
        self.idents = [ident]
        self.signed_by("first")

    def change(self, function):
        """Rewrite each signature."""
        self.elements = [self.scheme.show.format(function(self.sign()))]

    def add_other(self, which="wrong"):
        """Put a signature of a version that does not count before the others."""
        self.elements.insert(0, self.scheme.other.format(self.sign(which)))

    def only_other(self):
        """Sign with the right secret, but give the signature another version."""
        self.elements = []
        self.add_other("first")

    def flip(self):
        """Change one byte of the body."""
        self.payload = self.payload.replace(b"CLI-001", b"CLI-002")

    def place(self, *lines):
        """Let these stand where the signature does."""
        self.lines = list(lines)

    def double(self):
        """Give the signature twice."""
        self.lines = self.values() * 2

    # Sending.

    def values(self):
        """What stands in the signature's place, once for every time it is given."""
        if self.lines is not None:
            return self.lines
        key = self.scheme.timestamp.get("key")
        elements = [*(f"{key}={stamp}" for stamp in self.stamps if key), *self.elements]
        return [self.scheme.signature["list"].join(elements)] if "list" in self.scheme.signature else elements

    def headers(self):
        """Every header of the request."""
        scheme, result = self.scheme, [("X-Nonce", nonce) for nonce in self.nonces]
        pattern = scheme.signature.get("header_pattern", scheme.signature.get("header", ""))
        named = [(scheme.definition.get("id", {}).get("header"), self.idents), (scheme.timestamp.get("header"), self.stamps)]
        result += [(name, value) for name, values in named if name for value in values]
        return result + [(pattern.replace("*", str(number)), value) for number, value in enumerate(self.values(), 1) if pattern]

    def path(self):
        """The path and the query, in which some senders put the time and the signature."""
        named = [(self.scheme.timestamp.get("query"), self.stamps), (self.scheme.signature.get("query"), self.values())]
        pairs = [f"{name}={quote(value)}" for name, values in named if name for value in values]
        query = "&".join(filter(None, [self.query, *pairs]))
        return f"/webhooks/ehr/{self.name}?{query}".rstrip("?")

    def send(self, server):
        """Post it, and tell whether it was taken: an authentic one is on disk, and of a forged one nothing is."""
        answer = server.ask("POST", self.path(), self.body, self.headers())
        return judge(server, self.name, self.body, answer, 400 if self.scheme.form else 200, self.asked)


def remember(written, signature):
    """Let the privacy test look for a signature, and return it."""
    ledger.SIGNATURES.add(signature.hex())
    if written != signature.hex():
        ledger.WORDS.add(written)
    return written


def judge(server, name, content, answer, good, asked=f"?{QUERY}"):
    """Tell whether a webhook was taken; the answer and what is on disk must say the same."""
    event_id, scheme = oracle.event_id(name, content), server.schemes[name]
    if "{url}" in scheme.definition.get("signed", ""):  # One text may stand for several requests, so it is what counts.
        event_id = oracle.event_id(name, scheme.text(SimpleNamespace(asked=asked, body=content)), b"signed")
    stored, kept = server.event(event_id), server.quarantined(event_id)
    if answer.status == 401:
        assert (answer.json, stored, kept) == ({"error": "Invalid signature"}, None, None)
        return False
    assert (answer.status, stored is not None, kept is not None) == (good, good == 200, good == 400), answer.body
    return True


# The server.


class SchemeServer(harness.Server):
    """A server with definitions of its own."""

    def __init__(self, schemes, more=""):
        sources = [oracle.source(name, secret=scheme.secret(name, "first").text) for name, scheme in schemes.items()]
        self.schemes = schemes
        super().__init__(sources, more=more)
        for name, scheme in schemes.items():
            self.define(name, scheme.definition)

    def define(self, name, scheme):
        """Write a vendor's definition: Dentrix's with another scheme."""
        self.settings["vendor_dir"] = self.directory
        (self.directory / f"{name}.json").write_text(json.dumps({**DENTRIX, "vendor": name, "scheme": scheme}))
        self.write_config()

    def write_config(self):
        """Write the config with the further keys of the sources."""
        super().write_config()
        text = self.config.read_text()
        for name, scheme in self.schemes.items():
            text = text.replace(f"[source {name}]\n", f"[source {name}]\n{scheme.config}\n")
        self.config.write_text(text)

    def add_secret(self, source, name, text):
        """Give a source a further secret."""
        variable = f"{source}_{name}".upper().replace("-", "_")
        self.more += f"[secret {source} {name}]\nenv = {variable}\n"
        self.variables[variable] = text


@pytest.fixture(scope="module")
def server():
    """A running server with a source for each scheme; each source has a second secret, and some a published one."""
    running = SchemeServer(ALL)
    for name, scheme in ALL.items():
        running.add_secret(name, "next", scheme.secret(name, "next").text)
    for vector in VECTORS.values():  # Published, and partly so short that any log holds them by accident: not for the ledger.
        running.add_secret(vector.source, "published", vector.secret)
    with running:
        yield running


# The matrix.


def always(_):
    """For every scheme."""
    return True


def has(key, within="signature"):
    """For schemes whose definition has this key."""
    return lambda scheme: key in scheme.definition.get(within, {})


def signed(scheme):
    """For schemes that sign the body."""
    return "{body" in scheme.definition.get("signed", "") or scheme.form


def timed(scheme):
    """For schemes with a signed time."""
    return bool(scheme.timestamp)


def identified(scheme):
    """For schemes with a delivery id."""
    return "id" in scheme.definition


def many(scheme):
    """For schemes that take several signatures."""
    return scheme.takes_many


def encoded(scheme):
    """For schemes that write signatures in digits."""
    return scheme.is_encoded


def written_in(*encodings):
    """For schemes that write signatures so."""
    return lambda scheme: scheme.encoding in encodings


def versioned(scheme):
    """For schemes that name each signature's version."""
    return scheme.other is not None


def plain(scheme):
    """For schemes with a single place of a fixed name."""
    return "header_pattern" not in scheme.signature


def alter(text):
    """Give the last digit of a signature that is not padding another value."""
    at = len(text.rstrip("=")) - 2
    return text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1:]


def mixed_case(text):
    """Write every other digit in upper case."""
    return "".join(digit.upper() if at % 2 else digit for at, digit in enumerate(text))


CASES = {  # name -> is it taken, for which schemes, and what is changed
    "good": (True, always, lambda draft: None),
    "second secret": (True, always, lambda draft: draft.signed_by("next")),
    "wrong secret": (False, always, lambda draft: draft.signed_by("wrong")),
    "byte changed": (False, signed, lambda draft: draft.flip()),
    "signature missing": (False, always, lambda draft: draft.place()),
    "signature empty": (False, always, lambda draft: draft.place("")),
    "signature doubled": (False, plain, lambda draft: draft.double()),
    "signature altered": (False, always, lambda draft: draft.change(alter)),
    "signature short": (False, always, lambda draft: draft.change(lambda text: text.rstrip("=")[:-1])),
    "signature long": (False, encoded, lambda draft: draft.change(lambda text: text + "00")),
    "signature half": (False, encoded, lambda draft: draft.change(lambda text: text[:len(text) // 8 * 4])),
    "signature in spaces": (False, encoded, lambda draft: draft.change(lambda text: text[:8] + " " + text[8:])),
    "signature with a tail": (False, encoded, lambda draft: draft.change(lambda text: text + "!")),
    "padding missing": (False, written_in("base64"), lambda draft: draft.change(
        lambda text: text.rstrip("=") if "=" in text else text + "=")),  # ECDSA's are of any length.
    "padding missing for URLs": (True, written_in("base64url"), lambda draft: draft.change(lambda text: text.rstrip("="))),
    "padding in excess": (False, written_in("base64", "base64url"), lambda draft: draft.change(lambda text: text + "=")),
    "hexadecimal": (False, written_in("base64", "base64url"), lambda draft: draft.change(lambda text: base64.urlsafe_b64decode(
        text.replace("+", "-").replace("/", "_")).hex())),
    "base64": (False, written_in("hex"), lambda draft: draft.change(lambda text: as_base64(bytes.fromhex(text)))),
    "upper case": (True, written_in("hex"), lambda draft: draft.change(str.upper)),
    "mixed case": (True, written_in("hex"), lambda draft: draft.change(mixed_case)),
    "prefix missing": (False, lambda scheme: scheme.show != "{}", lambda draft: draft.place(draft.sign())),
    "prefix alone": (False, lambda scheme: scheme.show != "{}", lambda draft: draft.change(lambda text: "")),
    "bad one first": (True, many, lambda draft: draft.signed_by("wrong", "first")),
    "bad one last": (True, many, lambda draft: draft.signed_by("first", "wrong")),
    "bad ones only": (False, many, lambda draft: draft.signed_by("wrong", "wrong")),
    "sixteen": (True, many, lambda draft: draft.signed_by(*["wrong"] * 15, "first")),
    "seventeen": (False, many, lambda draft: draft.signed_by(*["wrong"] * 16, "first")),
    "seventeen, good one first": (False, many, lambda draft: draft.signed_by("first", *["wrong"] * 16)),
    "unknown version first": (True, versioned, lambda draft: draft.add_other()),
    "unknown version only": (False, versioned, lambda draft: draft.only_other()),
    "past, just inside": (True, timed, lambda draft: draft.aged(TOLERANCE - SLACK)),
    "past, just outside": (False, timed, lambda draft: draft.aged(TOLERANCE + 1)),
    "future, just inside": (True, timed, lambda draft: draft.aged(1 - TOLERANCE)),
    "future, just outside": (False, timed, lambda draft: draft.aged(-TOLERANCE - SLACK)),
    "long ago": (False, timed, lambda draft: draft.aged(10 * YEAR)),
    "far ahead": (False, timed, lambda draft: draft.aged(-10 * YEAR)),
    "time in another unit": (False, timed, lambda draft: draft.misdated()),
    "time missing": (False, timed, lambda draft: draft.stamps.clear()),
    "time doubled": (False, timed, lambda draft: draft.stamps.append(draft.stamp)),
    "another time": (False, timed, lambda draft: draft.stamps.__setitem__(0, draft.stamp.replace("20", "19", 1) if "-" in draft.stamp
                                                                          else str(int(draft.stamp) + 1))),
    "id missing": (False, identified, lambda draft: draft.idents.clear()),
    "id doubled": (False, identified, lambda draft: draft.idents.append(draft.ident)),
    "id empty": (False, identified, lambda draft: draft.named("")),
    "id with a dot": (False, identified, lambda draft: draft.named("msg.1")),
    "id of a dot": (False, identified, lambda draft: draft.named(".")),
    "another id": (False, identified, lambda draft: draft.idents.__setitem__(0, "msg_another")),
}
MATRIX = [(name, case) for name, scheme in SCHEMES.items() for case, (_, applies, _) in CASES.items() if applies(scheme)]


@pytest.mark.parametrize("name, case", MATRIX, ids=str)
def test_matrix(server, name, case):
    """Each scheme takes what is right, and refuses all that is wrong."""
    taken, _, change = CASES[case]
    draft = Draft(name)
    change(draft)
    assert draft.send(server) is taken


STAMPS = ["", "yesterday", "-{}", "+{}", "{}x", "x{}", "{},", "{}.5", "0x7f", "1e9", "0", "-1", "9" * 19, "9" * 20, "9" * 40, "{0}{0}",
          "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"]


@pytest.mark.parametrize("stamp", STAMPS, ids=ascii)
@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if timed(scheme)])
def test_garbage_as_time(server, name, stamp):
    """What is no time, or none of this century, is refused however well it is signed."""
    draft = Draft(name)
    draft.dated(stamp.format(draft.stamp))
    assert draft.send(server) is False


BOUNDS = [  # source, age in seconds, is it taken
    ("past-any", 10 * YEAR, True), ("past-any", 1 - TOLERANCE, True), ("past-any", -TOLERANCE - SLACK, False),
    ("past-any-short", 10 * YEAR, True), ("past-any-short", -10, True), ("past-any-short", -20 - SLACK, False),
    ("future-any", -10 * YEAR, True), ("future-any", TOLERANCE - SLACK, True), ("future-any", TOLERANCE + 1, False),
    ("uneven", 7200 - SLACK, True), ("uneven", 7201, False), ("uneven", -59, True), ("uneven", -60 - SLACK, False),
    ("wide", 3600 - SLACK, True), ("wide", 3601, False), ("wide", -3599, True), ("wide", -3600 - SLACK, False),
    ("narrow", 20 - SLACK, True), ("narrow", 21, False), ("narrow", -19, True), ("narrow", -20 - SLACK, False)]


@pytest.mark.parametrize("name, age, taken", BOUNDS, ids=str)
def test_bounds_of_time(server, name, age, taken):
    """A definition sets each bound or lifts it, and a source's tolerance counts instead of both, but not instead of `any`."""
    draft = Draft(name)
    draft.aged(age)
    assert draft.send(server) is taken


def test_any_past_is_still_a_time(server):
    """No bound does not mean no time."""
    for stamp in ("", "yesterday", "-1"):
        draft = Draft("past-any")
        draft.dated(stamp)
        assert draft.send(server) is False


def test_either_key_counts(server):
    """Where a definition lists several keys, each of them counts."""
    draft = Draft("zocdoc")
    draft.elements = [f"v1:{draft.sign()}"]
    assert draft.send(server) is True


@pytest.mark.parametrize("change", [lambda nonces: nonces.clear(), lambda nonces: nonces.append(nonces[0]),
                                    lambda nonces: nonces.__setitem__(0, ""), lambda nonces: nonces.__setitem__(0, "another")],
                         ids=["missing", "doubled", "empty", "another"])
def test_signed_header(server, change):
    """A header that is signed must be there once, and be the one that was signed."""
    draft = Draft("tokens")
    change(draft.nonces)
    assert draft.send(server) is False


def test_empty_signed_header(server):
    """A header that is signed may not be empty, however well it is signed."""
    draft = Draft("tokens")
    draft.nonces = [""]
    draft.signed_by("first")
    assert draft.send(server) is False


@pytest.mark.parametrize("end, taken", [("1", True), ("2", True), ("100", True), ("", False), ("x", False), ("1x", False), ("-1", False)])
def test_header_pattern(server, end, taken):
    """The star of a pattern stands for digits, and any case will do."""
    draft = Draft("docusign")
    answer = server.ask("POST", draft.path(), draft.body, [(f"x-docusign-SIGNATURE-{end}", draft.sign())])
    assert judge(server, draft.name, draft.body, answer, 200) is taken


def test_header_pattern_twice(server):
    """A numbered header may be there once, like any other that counts."""
    draft = Draft("docusign")
    header = ("X-DocuSign-Signature-1", draft.sign())
    answer = server.ask("POST", draft.path(), draft.body, [header, header])
    assert judge(server, draft.name, draft.body, answer, 200) is False


def test_signed_header_that_could_be_cut_elsewhere(server):
    """A nonce that holds the character behind it is refused, however well it is signed."""
    draft = Draft("tokens")
    draft.nonces = ["a b"]
    draft.signed_by("first")
    assert draft.send(server) is False


@pytest.mark.parametrize("name, word", [("basic", "bAsIc"), ("bearer", "BEARER")])
def test_scheme_word_in_any_case(server, name, word):
    """What HTTP calls an authentication scheme is one in any case."""
    draft = Draft(name)
    (header, value), = [pair for pair in draft.headers() if pair[0] == "Authorization"]
    answer = server.ask("POST", draft.path(), draft.body, [(header, f"{word} {value.split(' ', 1)[1]}")])
    assert judge(server, draft.name, draft.body, answer, 200) is True


@pytest.mark.parametrize("name", ["square", "twilio"])
def test_signed_query(server, name):
    """The query is part of a signed URL, as it was sent."""
    for query in ("", "foo=1", "bar=2&foo=1", "foo=1&bar=%32"):
        draft = Draft(name)
        draft.query = query
        assert draft.send(server) is False
        draft.signed_by("first")
        assert draft.send(server) is True


def test_forms(server):
    """What is signed of a form is every name and value, decoded and sorted by name, whatever their order and spelling."""
    for text in ("b=2&a=1&id={}", "a={}&a%62=x&A=%2b+%20", "=&x=&{}", "a=1=2&b={}"):
        draft = Draft("twilio")
        draft.payload = text.format(harness.fresh()).encode()
        draft.signed_by("first")
        assert draft.send(server) is True, text
    for text in ("a=%", "a=%4", "a=%zz", "a=" + "&" * 5000):
        draft = Draft("twilio")
        draft.payload = text.encode()
        draft.signed_by("first")
        assert draft.send(server) is False, text[:10]


@pytest.mark.parametrize("count, taken", [(1000, True), (1001, False)])
def test_fields_of_a_form(server, count, taken):
    """A form that is signed has at most 1,000 fields."""
    draft = Draft("twilio")
    draft.payload = "&".join(f"{harness.fresh()}=1" for _ in range(count)).encode()
    draft.signed_by("first")
    assert draft.send(server) is taken


def test_no_public_url(server):
    """A URL that is not configured is never made up from the request."""
    for url in (URL, f"http://localhost/webhooks/ehr/no-url?{QUERY}", ""):
        draft = Draft("no-url")
        signature = hmac.digest(b"no-url-first-test-secret-not-real", glue(url, draft.asked, draft.body), "sha256")
        draft.elements = [remember(as_base64(signature), signature)]
        assert draft.send(server) is False


@pytest.mark.parametrize("name", ["square", "twilio"])
def test_letters_moved_between_url_and_body(server, name):
    """Nothing ends a URL that is signed, so whatever its letters are moved to is the same webhook under the same signature."""
    draft = Draft(name)
    assert draft.send(server) is True
    held = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM quarantine) AS rows"
    before = server.query(held)
    fields = form_sorted(draft.body) if name == "twilio" else draft.body
    for cut in (0, len(draft.asked) - 3):
        content = draft.asked[cut:].encode() + fields
        content = quote(content, safe="").encode() if name == "twilio" else content
        answer = server.ask("POST", f"/webhooks/ehr/{name}{draft.asked[:cut]}", content, draft.headers())
        assert answer.status in (200, 400), answer.body  # It is authentic.
    assert server.query(held) == before


def test_bodies_that_hide_the_signature(server):
    """A signature inside the body is not found where the body is no JSON object, or holds something else there."""
    draft = Draft("signwell")
    for text in (b"", b"{", b"[]", b"{}", b'{"event":[]}', b'{"event":{"hash":{}}}', b'{"event":{"hash":null}}', b'{"event":"hash"}'):
        answer = server.ask("POST", draft.path(), text)
        assert judge(server, draft.name, text, answer, 200) is False


# Published answers, and those of openssl.


@dataclass(frozen=True)
class Vector:
    """A request whose signature somebody else has published; no body is a pickup, so an authentic one is kept in quarantine."""

    source: str
    secret: str
    body: bytes
    headers: dict


SLACK_BODY = (b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
              b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
              b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
              b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
TWILIO_BODY = b"To=%2B18005551212&From=%2B14158675309&Digits=1234&Caller=%2B14158675309&CallSid=CA1234567890ABCDE"
VECTORS = {
    "GitHub": Vector("github", "It's a Secret to Everybody", b"Hello, World!", {
        "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}),
    "Standard Webhooks": Vector("standard-any", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}', {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}),
    "Slack": Vector("past-any", "8f742231b10e8888abcd99yyyzzz85a5", SLACK_BODY, {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}),
    "Twilio": Vector("twilio", "12345", TWILIO_BODY, {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}),
    "RFC 4231, case 2": Vector("sha512", "Jefe", b"what do ya want for nothing?", {
        "X-Signature": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}),
    "RFC 8032, test 2": Vector("ed25519", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=", b"r", {
        "El8-Ed25519-Signature":
            "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA=="}),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published(server, name):
    """What a vendor or a standard has published as signed is authentic, and is not with one more byte."""
    vector = VECTORS[name]
    path = f"/webhooks/ehr/{vector.source}?{QUERY}"
    for content, taken in ((vector.body, True), (vector.body + b"0", False)):
        answer = server.ask("POST", path, content, vector.headers.items())
        assert judge(server, vector.source, content, answer, 400) is taken


@pytest.mark.parametrize("name", ["github", "sha512", "twilio", "dixa"])
def test_openssl_agrees(server, name):
    """HMAC by openssl is as good as HMAC by Python."""
    draft = Draft(name)
    key = f"{name}-first-test-secret-not-real".encode().hex()
    digest = run("dgst", f"-{draft.scheme.definition['hash']}", "-mac", "HMAC", "-macopt", f"hexkey:{key}", "-binary",
                 text=draft.scheme.text(draft))
    draft.elements = [draft.scheme.show.format(ENCODE[draft.scheme.encoding](digest))]
    assert draft.send(server) is True


# The commands.

UNSIGNABLE = {"tokens": "", "docusign": "header", "pandadoc": "header", "query-time": "header", "static-query": "header",
              "signwell": "header", "json-time": "header",
              "ed25519": "private key", "ed25519-der": "private key", "ed25519-pem": "private key",
              "standard-v1a": "private key", "ecdsa": "private key", "ecdsa-pem": "private key", "no-url": "public_url"}


@pytest.mark.parametrize("name", [name for name in ALL if name not in UNSIGNABLE])
def test_sign(server, name):
    """What `sign` prints are headers that the server accepts."""
    draft = Draft(name)
    result = server.cli("sign", name, input=draft.body)
    assert result.code == 0, result.err
    headers = [tuple(line.split(": ", 1)) for line in result.out.splitlines()]
    ledger.WORDS.add(headers[-1][1])
    answer = server.ask("POST", f"/webhooks/ehr/{name}", draft.body, headers)
    assert judge(server, name, draft.body, answer, 400 if draft.scheme.form else 200, asked="") is True


@pytest.mark.parametrize("name", UNSIGNABLE)
def test_sign_in_vain(server, name):
    """`sign` says why it can't make headers for a scheme, and prints none."""
    result = server.cli("sign", name, input=Draft(name).body)
    assert (result.code, result.out) == (1, "") and UNSIGNABLE[name] in result.err


MISTAKES = {  # what is wrong -> the scheme, changes by path, and the path that is named
    "unknown kind": ("github", {"kind": "rsa"}, "scheme.kind"),
    "no kind": ("github", {"kind": DELETE}, "scheme.kind"),
    "unknown hash": ("github", {"hash": "md5"}, "scheme.hash"),
    "no hash": ("github", {"hash": DELETE}, "scheme.hash"),
    "unknown key": ("github", {"signatures": "X"}, "scheme.signatures"),
    "unknown key of the signature": ("github", {"signature.name": "X"}, "scheme.signature.name"),
    "unknown key of the secret": ("standard-webhooks", {"secret.prefix": "X"}, "scheme.secret.prefix"),
    "unknown key of the time": ("slack", {"timestamp.tolerance": "5m"}, "scheme.timestamp.tolerance"),
    "unknown key of the id": ("standard-webhooks", {"id.query": "id"}, "scheme.id.query"),
    "no signature": ("github", {"signature": DELETE}, "scheme.signature"),
    "a text as the signature": ("github", {"signature": "X-Signature"}, "scheme.signature"),
    "no place": ("github", {"signature.header": DELETE}, "scheme.signature"),
    "two places": ("github", {"signature.query": "sig"}, "scheme.signature.query"),
    "two places of the time": ("slack", {"timestamp.query": "t"}, "scheme.timestamp.query"),
    "no place of the time": ("slack", {"timestamp.header": DELETE}, "scheme.timestamp"),
    "no place of the id": ("standard-webhooks", {"id": {}}, "scheme.id"),
    "empty header": ("github", {"signature.header": ""}, "scheme.signature.header"),
    "text for hmac": ("github", {"signature.encoding": "text"}, "scheme.signature.encoding"),
    "no encoding for hmac": ("github", {"signature.encoding": DELETE}, "scheme.signature.encoding"),
    "no encoding for ed25519": ("ed25519", {"signature.encoding": DELETE}, "scheme.signature.encoding"),
    "unknown encoding": ("github", {"signature.encoding": "base32"}, "scheme.signature.encoding"),
    "unknown encoding of the secret": ("dixa", {"secret.encoding": "base32"}, "scheme.secret.encoding"),
    "pair without keys": ("stripe", {"signature.keys": DELETE}, "scheme.signature.keys"),
    "pair with no keys": ("stripe", {"signature.keys": []}, "scheme.signature.keys"),
    "keys without pair": ("github", {"signature.keys": ["v1"]}, "scheme.signature.keys"),
    "long pair": ("stripe", {"signature.pair": "=="}, "scheme.signature.pair"),
    "long list": ("stripe", {"signature.list": ", "}, "scheme.signature.list"),
    "key without pair": ("slack", {"timestamp": {"key": "t", **UNIX}}, "scheme.timestamp.key"),
    "no format": ("slack", {"timestamp.format": DELETE}, "scheme.timestamp.format"),
    "unknown format": ("slack", {"timestamp.format": "rfc822"}, "scheme.timestamp.format"),
    "unsigned time": ("slack", {"signed": BODY}, "scheme"),
    "time of no place": ("github", {"signed": DOTTED}, "scheme"),
    "unsigned id": ("standard-webhooks", {"signed": DOTTED}, "scheme"),
    "id of no place": ("github", {"signed": "{id}.{body}"}, "scheme"),
    "nothing signed": ("github", {"signed": DELETE}, "scheme.signed"),
    "empty text signed": ("github", {"signed": ""}, "scheme.signed"),
    "unknown word": ("github", {"signed": "{boddy}"}, "scheme.signed"),
    "header without a name": ("github", {"signed": "{header:}{body}"}, "scheme.signed"),
    "json without a path": ("github", {"signed": "{json:}{body}"}, "scheme.signed"),
    "open brace": ("github", {"signed": "{body"}, "scheme.signed"),
    "signed with static": ("static", {"signed": BODY}, "scheme.signed"),
    "hash with basic": ("basic", {"hash": "sha256"}, "scheme.hash"),
    "time with static": ("static", {"timestamp": {"header": "X-Time", **UNIX}}, "scheme.timestamp"),
    "id with static": ("static", {"id": {"header": "X-Id"}}, "scheme.id"),
    **{f"{bound} of {value!r}": ("slack", {f"timestamp.{bound}": value}, f"scheme.timestamp.{bound}")
       for bound in ("past", "future") for value in ("", "0s", "-1s", "300x", "soon", "367d", "never", 300)},
}


def edit(definition, changes):
    """Copy a definition with changes by path."""
    result = json.loads(json.dumps(definition))
    for path, value in changes.items():
        *parents, leaf = path.split(".")
        place = result
        for parent in parents:
            place = place[parent]
        place.pop(leaf, None)
        if value is not DELETE:
            place[leaf] = value
    return result


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_definition(mistake):
    """A definition with a mistake is refused, and the path of the mistake is named."""
    name, changes, path = MISTAKES[mistake]
    wrong = SchemeServer({name: SCHEMES[name]})
    wrong.define(name, edit(SCHEMES[name].definition, changes))
    result = wrong.cli("check")
    assert result.code == 1
    assert re.search(rf"/{name}\.json:\d+: {re.escape(path)}: ", result.err), result.err


BAD_SECRETS = {  # what is wrong -> the scheme and the secret
    "no base64": ("zocdoc", "not*base64*not-real"),
    "base64 without padding": ("zocdoc", "bm90LXJlYWw"),
    "odd hexadecimal": ("dixa", "abcdef0"),
    "no hexadecimal": ("dixa", "not-real-hex"),
    "nothing behind what is stripped": ("standard-webhooks", "whsec_"),
    "short Ed25519 key": ("ed25519", as_base64(b"thirty-one bytes, and not a key")),
    "ECDSA key for Ed25519": ("ed25519", lambda: der_key(key_pair("stranger", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))),
    "Ed25519 key for ECDSA": ("ecdsa", lambda: der_key(key_pair("stranger", "ed25519"))),
    "key of another curve": ("ecdsa", lambda: der_key(key_pair("curve", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"))),
    "key with a tail": ("ecdsa", lambda: as_base64(public(key_pair("tail", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")) + b"0")),
    "private key": ("ed25519-pem", lambda: key_pair("private", "ed25519").read_text()),
}


@pytest.mark.parametrize("case", BAD_SECRETS)
def test_secret_that_is_none(case):
    """A secret that is not what the scheme wants is refused by its variable's line, and not shown."""
    name, text = BAD_SECRETS[case]
    text = text() if callable(text) else text
    wrong = SchemeServer({name: SCHEMES[name]})
    wrong.sources[name] = replace(wrong.sources[name], secret=text)
    result = wrong.cli("check")
    assert result.code == 1 and f"{name}: its secret is" in result.err
    assert text.strip() not in result.out + result.err
