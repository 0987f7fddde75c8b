"""explain: it agrees with what the server does, names what would make a request pass, and gives nothing away."""
import hmac
import json
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

import harness
import ledger
import oracle
from test_schemes import (ALL, BODY, CASES, CLOCKS, DENTRIX, DOTTED, QUERY, SCHEMES, SLACK, STAMPS, TOLERANCE, TWILIO_URL, UNIX, URL, YEAR, Draft,
                          SchemeServer, as_base64, as_base64url, body, by_hmac, dotted, edit, hmac_keys, judge, remember, timed)

CONTRIB = harness.ROOT / "contrib/vendors"
SECRET_NAMES = ("first", "next", "wrong", "old", "early")
WRONG = "most likely the sender has another secret"
HEADER = {"header": "X-Signature", "encoding": "hex"}


# Running it.


def put(name, content):
    """Write a file in a directory of its own, and return its path."""
    path = Path(tempfile.mkdtemp(dir=ledger.SUITE)) / name
    path.write_bytes(content)
    return path


def head(headers):
    """Write headers as they are captured."""
    return "".join(f"{name}: {value}\n" for name, value in headers).encode("latin-1")


def texts(value):
    """All values below a JSON value that are long enough to be looked for."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = {text for member in below for text in texts(member)}
    return found | ({str(value)} if isinstance(value, (str, int, float)) and len(str(value)) >= ledger.SHORTEST else set())


def payload_texts(content):
    """The values of a payload."""
    try:
        return texts(json.loads(content)) - {"True", "False"}
    except ValueError:
        return set()


def forms(data):
    """The ways to write bytes, each cut so that a part of it is found, too."""
    return {write(data)[:16] for write in (bytes.hex, lambda data: data.hex().upper(), as_base64, as_base64url)}


def run(server, name, headers=(), content=b"", *more, private=(), lines=None):
    """Explain a captured request; nothing private may be said."""
    result = server.cli("explain", name, "--headers", put("headers", head(headers) if lines is None else lines), "--body",
                        put("body", content), *more)
    said = result.out + result.err
    hidden = set(private) | ledger.SECRETS | (set() if "--show-phi" in more else payload_texts(content))
    assert not {word for word in hidden if word in said}, said
    return result


def signatures(draft):
    """The signatures that are right for a draft, as it is and as it is altered; and what it gives instead."""
    found = {value for value in draft.values() if len(value) >= 8}
    for which in SECRET_NAMES[:3]:
        try:
            found |= forms(draft.scheme.secret(draft.name, which).sign(draft.scheme.text(draft)))
        except IndexError:  # What is to be signed was taken away.
            pass
    return found


def explain(server, draft, *more):
    """Explain a draft."""
    return run(server, draft.name, draft.headers(), draft.body, "--url", draft.path(), *more, private=signatures(draft))


def hints(result):
    """What it advises."""
    return [line.strip()[3:] for line in result.out.splitlines() if line.strip().startswith("-> ")]


def line_of(result, start):
    """The one line with this start, without it."""
    found = [line[len(start):].strip() for line in result.out.splitlines() if line.startswith(start)]
    assert len(found) == 1, result.out
    return found[0]


def answered(result):
    """The status that it says the server answers."""
    return int(re.search(r"answered (\d{3})", line_of(result, "verdict"))[1])


def check_hint(result, *wanted):
    """It advises these things and no others, and fails."""
    found = hints(result)
    assert len(found) == len(wanted) and all(part in hint for part, hint in zip(wanted, found)), result.out
    assert result.code == 1 and answered(result) == 401


def ask(server, name, headers, content, *more, path=None, method="POST"):
    """Send a request and explain it: both must say the same; return the explanation and the answer."""
    path = path or f"/webhooks/ehr/{name}"
    answer = server.ask(method, path, content, headers)
    result = run(server, name, headers, content, "--url", path, "--method", method, *more)
    assert (answered(result), result.code == 0) == (answer.status, 200 <= answer.status <= 299), (answer, result.out)
    return result, answer


# All schemes.

PLAIN = {  # Further sources for single hints.
    "url": by_hmac(HEADER, "{url}{body}", lambda draft: f"{URL}{draft.asked}".encode() + draft.body, config=f"public_url = {URL}"),
    "key-one": by_hmac({"header": "X-Signature", "pair": "=", "keys": ["v1"], "encoding": "hex"}, BODY, body, show="v1={}"),
    "stripped": by_hmac(HEADER, BODY, body, hmac_keys(write=lambda data: "whsec_" + as_base64(data)),
                        secret={"strip": "whsec_", "encoding": "base64"}),
    "texts": by_hmac(HEADER, BODY, body),
    "milliseconds": by_hmac(HEADER, DOTTED, dotted, timestamp={"header": "X-Time", "format": "unix_ms"}),
    "iso": by_hmac(HEADER, DOTTED, dotted, timestamp={"header": "X-Time", "format": "iso8601"}),
    "seconds": by_hmac(HEADER, DOTTED, dotted, timestamp={"header": "X-Time", **UNIX}),
    "json": by_hmac({"json": "proof.sig", "encoding": "hex"}, "{json:event.type}", lambda draft: draft.kind.encode()),
    "open": replace(SCHEMES["github"], config="allow_from = 192.0.2.0/24"),
}


@pytest.fixture(scope="module")
def server():
    """A running server with a source for each scheme; each has a second secret, and two that are not live."""
    ALL.update(PLAIN)  # Where drafts look for their scheme.
    running = SchemeServer({**ALL})
    for name, scheme in running.schemes.items():
        running.sources[name] = replace(running.sources[name], zone=None)  # Which every command would have to load.
        running.add_secret(name, "next", scheme.secret(name, "next").text)
    for name, bound in (("old", "not_after = 2020-01-01T00:00:00Z"), ("early", "not_before = 2099-01-01T00:00:00Z")):
        running.add_secret("github", name, ALL["github"].secret("github", name).text)
        running.more += bound + "\n"
    with running:
        yield running
    for name in PLAIN:
        del ALL[name]


@pytest.fixture(scope="module")
def builtin():
    """A running server with the three vendors."""
    with harness.Server() as running:
        yield running


def changes(scheme):
    """All ways to spoil a draft of a scheme, and some that do not."""
    yield from (change for _, applies, change in CASES.values() if applies(scheme))
    if timed(scheme):
        yield from (lambda draft, stamp=stamp: draft.dated(stamp.format(draft.stamp)) for stamp in STAMPS[::4])
        yield from (lambda draft, age=age: draft.aged(age) for age in (TOLERANCE - SLACK, 3600 - SLACK, 7201, -100, -3600 - SLACK, YEAR))


@pytest.mark.parametrize("name", ALL)
def test_agrees_with_the_server(server, name):
    """Whatever is changed about a webhook of any scheme, it is good exactly if the server takes it, and authentic exactly if it is."""
    for change in changes(ALL[name]):
        draft = Draft(name)
        change(draft)
        answer = server.ask("POST", draft.path(), draft.body, draft.headers())
        result = explain(server, draft)
        authentic = judge(server, name, draft.body, answer, 400 if draft.scheme.form else 200, draft.asked)
        assert result.code == (0 if answer.status == 200 else 1), result.out
        assert (answered(result), line_of(result, "signature").startswith("good")) == (answer.status, authentic), result.out


@pytest.mark.parametrize("vendor, path", harness.fixtures("good") + harness.fixtures("fault"), ids=harness.fixture_name)
def test_agrees_on_fixtures(builtin, vendor, path):
    """Each fixture is what the server makes of it, under the same id, with the same faults."""
    content = ledger.encode(path.read_bytes())
    headers = builtin.headers(vendor, content)
    result, answer = ask(builtin, vendor, headers, content)
    assert line_of(result, "verdict").split("; ")[0].endswith(oracle.event_id(vendor, content))
    assert hints(result) == answer.json.get("errors", [])
    forged = [headers[0], builtin.signature(vendor, content, harness.WRONG_SECRET)]
    result, _ = ask(builtin, vendor, forged, content)
    check_hint(result, WRONG)


# What would make it pass.

HINTS = {  # name of a case in CASES -> schemes, and the hint
    "hexadecimal": (("shopify", "square", "twilio", "standard-webhooks", "zocdoc", "ed25519", "ecdsa", "base64url"), "written in hex"),
    "base64": (("github", "stripe", "slack", "dixa", "nexhealth", "list", "sha512", "pandadoc", "signwell"), "written in base64"),
    "prefix missing": (("github", "slack", "bearer"), "lacks the prefix"),
    "wrong secret": (("github", "stripe", "slack", "twilio", "docusign", "pandadoc", "signwell", "static", "basic", "ed25519", "ecdsa"), WRONG),
    "bad ones only": (("list", "docusign", "stripe"), WRONG),
    "unknown version only": (("stripe", "standard-webhooks", "zocdoc", "dixa"), "key is none of the"),
    "past, just outside": (("slack", "stripe", "nexhealth", "query-time", "json-time", "ecdsa"), "only its time is not"),
    "future, just outside": (("slack", "dixa"), "only its time is not"),
    "time in another unit": (("slack", "stripe", "dixa", "nexhealth", "query-time", "json-time"), "but its time is"),
}


@pytest.mark.parametrize("case, name", [(case, name) for case, (names, _) in HINTS.items() for name in names], ids=str)
def test_hints(server, case, name):
    """One thing is wrong, and that thing alone is named."""
    draft = Draft(name)
    CASES[case][2](draft)
    check_hint(explain(server, draft), HINTS[case][1])


WRITE = {"hex": bytes.hex, "base64": as_base64, "base64url": as_base64url}


@pytest.mark.parametrize("asked", WRITE)
@pytest.mark.parametrize("given", WRITE)
def test_encodings(asked, given):
    """Every pair of encodings: another one than is asked for is named by what the definition has to say."""
    scheme = by_hmac({"header": "X-Signature", "encoding": asked}, BODY, body)
    bench = SchemeServer({"pair": scheme})
    for number in range(300):
        content = f"[{number}]".encode()
        signature = scheme.secret("pair", "first").sign(content)
        if set("+/") & set(as_base64(signature)):
            break
    result = run(bench, "pair", [("X-Signature", remember(WRITE[given](signature), signature))], content, private=forms(signature))
    if asked == given:
        assert line_of(result, "signature").startswith("good") and len(hints(result)) == 1
    else:
        check_hint(result, f'"encoding": "{given}"')
        assert f"in {asked}" in result.out


def test_base64_is_named_once(server):
    """A signature in which base64 and that for URLs do not differ is called base64."""
    draft = Draft("github")
    while True:
        signature = as_base64(bytes.fromhex(draft.sign()))
        if not set("+/") & set(signature):
            break
        draft = Draft("github")
    draft.elements = ["sha256=" + signature]
    check_hint(explain(server, draft), '"encoding": "base64" in')


def test_unexpected_prefix(server):
    """A prefix that the definition does not name is."""
    for name in ("texts", "pandadoc", "static"):
        for prefix in ("sha256=", "sha1=", "sha512=", "v0=", "v1=", "Bearer "):
            draft = Draft(name)
            draft.change(lambda text, prefix=prefix: prefix + text)
            check_hint(explain(server, draft), f"does not name: {prefix}".strip())
    draft = Draft("slack")
    draft.elements = ["v1=" + draft.sign()]
    check_hint(explain(server, draft), "does not name: v1=")


OTHER_HEADERS = ["X-Hub-Signature", "x-hub-signature-256-old", "X-Plain-Hmac", "X-Sha1", "Digest", "Authorization", "X-Api-Token", "X-Secret",
                 "X-Api-Key"]


@pytest.mark.parametrize("other", OTHER_HEADERS)
def test_missing_header(server, other):
    """Where the header is missing, one that may be meant instead is named; it is said so if it is right."""
    draft = Draft("github")
    draft.place()
    check_hint(run(server, "github", [("X-Plain", "1"), (other, "abc")], draft.body), f"a header {other}: is that")
    right = run(server, "github", [("X-Plain", "1"), (other, f"sha256={draft.sign()}")], draft.body, private=signatures(draft))
    check_hint(right, f"a header {other}: is that", f"another header than the definition says: {other}")
    assert line_of(right, "signature") == "refused: header X-Hub-Signature-256: missing"


def test_missing_time(server):
    """Where the time is missing, a header that may hold it is named, and no signature."""
    draft = Draft("slack")
    result = run(server, "slack", [("X-Sent-Time", draft.stamp), ("Date", "today"), *draft.headers()[2:]], draft.body)
    check_hint(result, "a header X-Sent-Time: is that the sender's time?", "a header Date: is that the sender's time?")
    assert line_of(result, "signature") == "refused: header X-Slack-Request-Timestamp: missing"


def test_nothing_like_it(server):
    """No header is named that does not look like it."""
    for name in ("github", "pandadoc", "docusign", "signwell"):
        result = run(server, name, [("Content-Type", "application/json"), ("X-Event", "1")], b'{"event":{"hash":""}}')
        assert hints(result) == [] and "missing" in line_of(result, "signature") and result.code == 1
    draft = Draft("docusign")
    assert explain(server, draft).code == 0
    draft.signed_by("wrong")
    check_hint(explain(server, draft), WRONG)


def test_doubled(server):
    """What is there twice is said to be, wherever it stands."""
    for name, place in (("github", "header X-Hub-Signature-256"), ("pandadoc", "query signature"), ("static-query", "query token")):
        draft = Draft(name)
        draft.double()
        result = explain(server, draft)
        assert line_of(result, "signature") == f"refused: {place}: repeated" and "only once" in result.out and hints(result) == []
    for name, place in (("slack", "header X-Slack-Request-Timestamp"), ("stripe", "key t"), ("query-time", "query at")):
        draft = Draft(name)
        draft.stamps *= 2
        assert line_of(explain(server, draft), "signature") == f"refused: {place}: repeated"


PLACES = {"pandadoc": "query signature", "signwell": "body's event.hash", "docusign": "headers X-DocuSign-Signature-*", "static-query": "query token",
          "basic": "header Authorization", "stripe": "header Stripe-Signature"}


@pytest.mark.parametrize("name", PLACES)
def test_places(server, name):
    """The refusal names where the signature stands, and of which kind that is."""
    for case, reason in (("wrong secret", "wrong"), ("signature missing", "missing")):
        draft = Draft(name)
        CASES[case][2](draft)
        assert line_of(explain(server, draft), "signature") == f"refused: {PLACES[name]}: {reason}", case


def test_looks(server):
    """How a signature looks is said, and what is asked for; not what it is."""
    looks = {"a1B2" * 16: "64 characters of hex behind its prefix", "zz+/" * 16: "64 characters of base64 behind", "zz-_" * 4: "16 characters of base64url",
             "?!": "2 characters of other text", "": "empty behind its prefix"}
    for text, said in looks.items():
        result = run(server, "github", [("X-Hub-Signature-256", "sha256=" + text)], b"{}", private={text} - {""})
        assert said in result.out, result.out
    assert 'asks for 32 bytes in hex behind "sha256="' in result.out
    result = run(server, "zocdoc", [("webhook-signature", "v9:abc")], b"{}")
    assert "asks for 32 bytes in base64 under the key v1 or v2" in result.out
    assert "asks for 20 bytes in base64\n" in run(server, "twilio", [("X-Twilio-Signature", "?")], b"").out


def test_several(server):
    """One of several, one under another key, and one without a key."""
    draft = Draft("texts")
    for between, name in ((",", ","), (";", ";"), (" ", "a blank"), (", ", ",")):
        draft.lines = [between.join(["0" * 64, draft.sign()])]
        check_hint(explain(server, draft), f"which is {name}")
    draft = Draft("key-one")
    draft.lines = [draft.sign()]
    check_hint(explain(server, draft), 'leave "pair" and "keys" out')
    draft.lines = [f"v2={draft.sign()}"]
    check_hint(explain(server, draft), 'none of the "keys" in the definition\'s signature: v2')
    draft = Draft("stripe")
    draft.lines = [f"t={draft.stamp},v0={'0' * 64},v7={draft.sign()}"]
    check_hint(explain(server, draft), "signature: v7")
    draft.signed_by(*["wrong"] * 17)
    draft.lines = None
    assert "at most 16 signatures" in explain(server, draft).out


SENT = '{"b": {"d": [1, 2.5, "x, y: \\"z\\""], "c": null}, "a": "caf\u00e9 \U0001f600", "pi": 3.0}'
SIGNED = {  # what the sender signed, what was captured, and the hint
    "newline added": (b'{"a":1}', b'{"a":1}\n', "without its final newline"),
    "CR LF added": (b'{"a":1}', b'{"a":1}\r\n', "without its final newline"),
    "newline lost": (b'{"a": 1}\n', b'{"a": 1}', "with a newline (\\n) behind it"),
    "CR LF lost": (b'{"a": 1}\r\n', b'{"a": 1}', "with \\r\\n behind it"),
    "lines in CR LF": (b'{\r\n"a":\r\n1}', b'{\n"a":\n1}', "with \\r\\n at the end of each line"),
    "lines in LF": (b'{\n"a":\n1}', b'{\r\n"a":\r\n1}', "with \\n at the end of each line"),
    "mark added": (b"[1, 2]", b"\xef\xbb\xbf[1, 2]", "without its byte order mark"),
    "mark lost": (b"\xef\xbb\xbf[1, 2]", b"[1, 2]", "with a byte order mark in front"),
    "compact": (json.dumps(json.loads(SENT), separators=(",", ":"), ensure_ascii=False).encode(), SENT.encode(), "as compact JSON"),
    "sorted": (json.dumps(json.loads(SENT), separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode(), SENT.encode(), "sorted keys"),
    "blanks": (SENT.encode(), json.dumps(json.loads(SENT), indent=2, ensure_ascii=False).encode(), "as JSON with blanks:"),
    "escapes": (json.dumps(json.loads(SENT)).encode(), SENT.encode(), "as JSON with blanks and \\u escapes"),
    "another body": (b'{"a":1}', b'{"a":2}', WRONG),
    "the wrong end": (b'{"a":1}', b' {"a":1}', "as compact JSON"),
}


@pytest.mark.parametrize("name", ["texts", "shopify", "slack", "ed25519"])
@pytest.mark.parametrize("case", SIGNED)
def test_changed_bodies(server, case, name):
    """What a body must be changed to is named; nothing of it is shown."""
    signed, captured, hint = SIGNED[case]
    draft = Draft(name)
    draft.payload = signed
    draft.signed_by("first")
    draft.payload = captured
    check_hint(explain(server, draft), hint)


# Secrets.


def test_another_source(server):
    """A right secret of another source is named by that source, and by no name of a secret."""
    for which in ("first", "next"):
        draft = Draft("texts")
        signature = ALL["list"].secret("list", which).sign(draft.body)
        draft.elements = [remember(signature.hex(), signature)]
        check_hint(explain(server, draft), "a secret of another source: list")
    draft = Draft("static")
    draft.lines = [ALL["static-query"].secret("static-query", "first").text]
    check_hint(explain(server, draft), "a secret of another source: static-query")
    draft = Draft("ed25519")
    draft.elements = [as_base64(ALL["ed25519-pem"].secret("ed25519-pem", "first").sign(draft.body))]
    check_hint(explain(server, draft), "a secret of another source: ed25519-pem")
    draft = Draft("sha512")  # A key for another hash is no key for this one.
    draft.elements = [ALL["texts"].secret("texts", "first").sign(draft.body).hex()]
    assert "another source" not in explain(server, draft).out


@pytest.mark.parametrize("which", ["old", "early"])
def test_secret_that_is_not_live(server, which):
    """A secret that is over or not yet live is named, and is right at its time."""
    draft = Draft("github")
    draft.signed_by(which)
    check_hint(explain(server, draft), f"not live at that time (see its not_before and not_after): {which}")
    at = {"old": "2019-12-31T23:59:59Z", "early": "2099-01-01T00:00:00Z"}[which]
    assert explain(server, draft, "--at", at).code == 0
    if which == "old":
        assert explain(server, draft, "--at", "2020-01-01T00:00:00Z").code == 1


WORD = b"form-test-secret-not-real-0123"  # 30 bytes, so that its base64 has no padding.
SECRET_FORMS = {  # the scheme's secret, its text, the key that the sender uses, its hash, and what has to be said
    "as it is, not base64": ({"encoding": "base64"}, as_base64(WORD), as_base64(WORD).encode(), "sha256", '"encoding": "text"}'),
    "base64, not as it is": (None, as_base64(WORD), WORD, "sha256", '"encoding": "base64"}'),
    "hex, not as it is": (None, WORD.hex(), WORD, "sha256", '"encoding": "hex"}'),
    "as it is, not hex": ({"encoding": "hex"}, WORD.hex(), WORD.hex().encode(), "sha256", '"encoding": "text"}'),
    "with its prefix": ({"strip": "whsec_", "encoding": "base64"}, "whsec_" + as_base64(WORD), b"whsec_" + as_base64(WORD).encode(), "sha256",
                        '{"encoding": "text"}'),
    "without its prefix": ({"strip": "whsec_", "encoding": "base64"}, "whsec_" + as_base64(WORD), as_base64(WORD).encode(), "sha256",
                           '{"encoding": "text", "strip": "whsec_"}'),
    "its prefix stripped": (None, "whsec_" + as_base64(WORD), WORD, "sha256", '{"encoding": "base64", "strip": "whsec_"}'),
    "another hash": (None, WORD.decode(), WORD, "sha1", '"hash": "sha1", "secret": {"encoding": "text"}'),
    "another long hash": (None, WORD.decode(), WORD, "sha512", '"hash": "sha512"'),
    "hash and encoding": (None, WORD.hex(), WORD, "sha512", '"hash": "sha512", "secret": {"encoding": "hex"}'),
    "white space": (None, WORD.decode() + "\t", WORD, "sha256", "without the white space at its ends"),
}


@pytest.mark.parametrize("kept", ["variable", "file", "second"])
@pytest.mark.parametrize("case", SECRET_FORMS)
def test_secret_in_another_form(case, kept):
    """The right secret, used otherwise than the definition says, is known wherever it is kept; and is not shown in any form."""
    secret, text, key, hash_name, hint = SECRET_FORMS[case]
    ledger.SECRETS.update({text, WORD.decode()})
    scheme = by_hmac(HEADER, BODY, body, lambda _: replace(hmac_keys()("other"), text=as_base64(b"other-test-secret-not-real")), secret=secret)
    bench = SchemeServer({"form": scheme})
    name = "form"
    own = text if kept == "variable" else bytes.hex(b"another-test-secret-not-real-!")
    bench.sources["form"] = replace(bench.sources["form"], secret=own)
    if kept == "second":
        bench.add_secret("form", "spare", text)
        name = "spare"
    bench.write_config()
    if kept == "file":
        path = put("secret", text.encode() + b"\n")
        bench.config.write_text(bench.config.read_text().replace("secret_env = FORM_WEBHOOK_SECRET", f"secret_file = {path}"))
    content = b'{"a":1}'
    signature = hmac.digest(key, content, hash_name)
    result = run(bench, "form", [("X-Signature", signature.hex())], content, private={*forms(signature), WORD.hex(), as_base64(WORD), as_base64url(WORD)})
    check_hint(result, f"used otherwise than the definition says: {name} with ")
    assert hint in result.out, result.out
    wrong = run(bench, "form", [("X-Signature", "0" * 64)], content)
    check_hint(wrong, WRONG)


# Clocks.


@pytest.mark.parametrize("name", ["seconds", "milliseconds", "iso"])
@pytest.mark.parametrize("age, side", [(400, "before"), (-400, "after"), (10 * YEAR, "before"), (-YEAR, "after")])
def test_clock(server, name, age, side):
    """How far the clock is off is named, on which side, and that --at, the sender's clock and the tolerance are to be looked at."""
    draft = Draft(name)
    moment = int(time.time())
    draft.dated(CLOCKS[draft.scheme.timestamp["format"]](moment - age))
    now = CLOCKS["iso8601"](moment)
    result = explain(server, draft, "--at", now)
    check_hint(result, "only its time is not")
    assert f"it is {abs(age)} s {side} {now}" in result.out and "--at" in result.out
    assert line_of(result, "signature") == f"refused: header X-Time: {'too old' if age > 0 else 'too far ahead'}"
    assert explain(server, draft, "--at", CLOCKS["iso8601"](moment - age)).code == 0


FORMATS = {"seconds": "unix", "milliseconds": "unix_ms", "iso": "iso8601"}


@pytest.mark.parametrize("ago", [0, 86400, -86400])
@pytest.mark.parametrize("asked", FORMATS)
@pytest.mark.parametrize("given", FORMATS)
def test_units_of_time(server, asked, given, ago):
    """A time in another format is named by what the definition has to say, also in a request that was captured a day ago."""
    draft = Draft(asked)
    draft.dated(CLOCKS[FORMATS[given]](time.time() - ago))
    result = explain(server, draft)
    if asked != given:
        check_hint(result, f'"format": "{FORMATS[given]}"')
    elif ago:
        check_hint(result, "only its time is not")
    else:
        assert result.code == 0


def test_wrong_and_old(server):
    """What is too old and wrong besides is said to be both; and what would make the signature right is found at any age."""
    draft = Draft("seconds")
    draft.aged(3600)
    good = draft.elements
    draft.signed_by("wrong")
    check_hint(explain(server, draft), "its signature is wrong, too")
    draft.elements = good
    draft.payload += b"\n"
    check_hint(explain(server, draft), "without its final newline")


@pytest.mark.parametrize("name, kind", [("seconds", "seconds since 1970"), ("milliseconds", "milliseconds since 1970"), ("iso", "ISO 8601 time")])
def test_malformed_time(server, name, kind):
    """What is no time at all is said to be none."""
    draft = Draft(name)
    draft.dated("yesterday")
    result = explain(server, draft)
    assert line_of(result, "signature") == "refused: header X-Time: malformed time" and f"it is no " in result.out and kind in result.out
    assert result.code == 1 and "sender has another secret" not in result.out


def test_malformed_id(server):
    """An id that could be cut elsewhere is explained."""
    for name, place in (("standard-webhooks", "header webhook-id"), ("tokens", "header X-Nonce")):
        draft = Draft(name)
        draft.idents, draft.nonces = ["msg.1"], ["a b"]
        draft.signed_by("first")
        result = explain(server, draft)
        assert line_of(result, "signature") == f"refused: {place}: malformed id" and "could be cut elsewhere" in result.out


# URLs.


def signed_url(url):
    """A draft of which another URL was signed."""
    draft = Draft("url")
    signature = ALL["url"].secret("url", "first").sign(url.encode() + draft.body)
    draft.elements = [remember(signature.hex(), signature)]
    return draft


@pytest.mark.parametrize("url, hint", [
    (f"{URL}/?{QUERY}", "with, or without, a slash"), (f"{URL.replace('https', 'http')}?{QUERY}", "the other of http and https"),
    (URL, "without its query"), (f"{URL}?{QUERY}&more=1", WRONG)])
def test_urls(server, url, hint):
    """What differs in the signed URL is named."""
    check_hint(explain(server, signed_url(url)), hint)


def test_body_alone(server):
    """A sender that signs the body alone is found out."""
    for name in ("url", "slack", "stripe", "standard-webhooks"):
        draft = Draft(name)
        signature = draft.scheme.secret(name, "first").sign(draft.body)
        written = bytes.hex(signature) if draft.scheme.encoding == "hex" else as_base64(signature)
        draft.elements = [draft.scheme.show.format(remember(written, signature))]
        check_hint(explain(server, draft), "right for the body alone")


@pytest.mark.parametrize("name", ["url", "no-url"])
@pytest.mark.parametrize("where", ["Host", "X-Forwarded-Host", "--url"])
@pytest.mark.parametrize("protocol", ["http", "https"])
def test_url_as_sent(server, name, where, protocol):
    """A public_url that is another, or is not set, is found in the request."""
    draft, url = Draft(name), f"{protocol}://lab.invented.example:8443/elsewhere"
    signature = draft.scheme.secret(name, "first").sign(f"{url}?{QUERY}".encode() + draft.body)
    line = (draft.scheme.signature["header"], as_base64(signature) if name == "no-url" else signature.hex())
    headers = [line] if where == "--url" else [line, (where, "lab.invented.example:8443")]
    target = f"{url}?{QUERY}" if where == "--url" else f"/elsewhere?{QUERY}"
    result = run(server, name, headers, draft.body, "--url", target, private=forms(signature))
    check_hint(result, f"set public_url to {url}")
    if name == "no-url":
        assert "public_url is not set" in line_of(result, "signature") and "set public_url in the source's section" in result.out


def test_twilio_slash(server):
    """Forms, too, are tried with another URL."""
    draft = Draft("twilio")
    text = draft.scheme.text(draft).replace(TWILIO_URL.encode(), TWILIO_URL.encode() + b"/")
    draft.elements = [as_base64(draft.scheme.secret("twilio", "first").sign(text))]
    check_hint(explain(server, draft), "slash")
    draft.payload = b"a=%zz"
    result = explain(server, draft)
    assert "malformed form" in line_of(result, "signature") and "is no form" in result.out


def test_allow_from(server):
    """A list of clients is mentioned, as nothing is known of the client."""
    result = explain(server, Draft("open"))
    assert (result.code, line_of(result, "client")) == (0, "not looked at here, but the source has an allow_from")
    assert "\nclient" not in explain(server, Draft("github")).out


# The request.


@pytest.fixture(scope="module")
def bench():
    """A running server with definitions of all that may become of a webhook."""
    running = harness.Server([oracle.source(name, zone=None) for name in DEFINITIONS], settings={"max_body": "4KiB"})
    running.settings["vendor_dir"] = running.directory
    for name, definition in DEFINITIONS.items():
        (running.directory / f"{name}.json").write_text(json.dumps({"vendor": name, "scheme": DENTRIX["scheme"], **definition}))
    with running:
        yield running


def event(detail, **more):
    """An event that is no pickup."""
    return {"source": "ehr.invented", "type": "Made", "detail": detail, **more}


EVERY = {
    "text": {"from": "text", "type": "string", "required": True},
    "id": {"from": ["id", "old.id"], "type": "id"},
    "whole": {"from": "whole", "type": "whole", "min": -5, "max": 5},
    "least": {"from": "least", "type": "whole", "min": 1},
    "number": {"from": "number", "type": "number"},
    "bool": {"from": "bool", "type": "bool"},
    "table": {"from": "table", "type": "table", "table": [["low", "L"], [1, "ONE"]]},
    "anyCase": {"from": "anyCase", "type": "table", "table": [["low", "L"]], "ignore_case": True},
    "sent": {"from": "table", "type": "scalar"},
    "any": {"from": "any", "type": "any"},
    "iso": {"from": "iso", "type": "time"},
    "zoned": {"from": "zoned", "type": "time", "zone": "America/New_York"},
    "unix": {"from": "unix", "type": "time", "format": "unix"},
    "ms": {"from": "ms", "type": "time", "format": "unix_ms"},
    "pattern": {"from": "pattern", "type": "time", "format": "%m/%d/%Y %H:%M %z"},
    "default": {"from": "default", "type": "string", "default": "the default"},
    "deep": {"from": "deep.er.value", "type": "string"},
    "nulls": {"from": "nulls", "type": "string", "nulls": ["none at all"]},
    "again": {"from": "id", "type": "any"},
}
DEFINITIONS = {
    "every": {"event": event(EVERY)},
    "batch": {"each": "list.rows", "events": [{"when": {"skip": True}, "ignore": True},
                                              event({"n": {"from": "n", "type": "whole", "required": True}}, when={"kind": ["row", 7]})]},
    "keyed": {"event": event({"n": {"from": "n", "type": "whole"}}, key=["key", ["deep.key", "other"]])},
    "choice": {"events": [{"when": {"type": "ping"}, "ignore": True}, event({}, when={"type": ["invented", 5, True], "header:X-Kind": "*"}),
                          event({}, when={"type": "none", "gone": None})]},
    "form": {"request": {"body": "form"}, "event": event({"n": {"from": "n", "type": "whole", "required": True}})},
    "media": {"request": {"media_types": ["text/json"], "empty": True, "max_body": "8KiB"}, "event": event({}, key=["header:X-Number"])} | {
        "scheme": {"kind": "static", "signature": {"header": "X-Dentrix-Signature"}}},
    "shakes": {"event": event({"a": {"from": "a", "type": "string", "required": True}}), "handshakes": [
        {"when": {"type": "challenge"}, "answer": {"body": "{challenge}"}},
        {"method": "GET", "when": {"query:mode": "subscribe"}, "answer": {"status": 202, "body": "{query:word}"}}]},
    "polite": {"event": event({"a": {"from": "a", "type": "string", "required": True}}),
               "answers": {"quarantined": {"status": 200, "body": "fine"}, "accepted": {"status": 202, "body": "taken"}}},
}


def post(bench, name, payload, *more, headers=(), path=None, method="POST"):
    """Send and explain a signed webhook of the bench."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    secret = bench.sources[name].secret
    line = ("X-Dentrix-Signature", secret if name == "media" else ledger.sign(secret, content))
    return ask(bench, name, [line, *headers], content, *more, path=path, method=method)


def check_faults(result, answer):
    """The faults at the end are those of the answer."""
    assert hints(result) == answer.json["errors"], result.out


GOOD = {"text": "Wonderland", "id": "ident-44", "whole": 5, "least": 998877, "number": 1234.5, "bool": True, "table": "low", "anyCase": "LOW",
        "any": {"x": ["nested-value"]}, "iso": "2025-07-20T14:00:00Z", "zoned": "2025-07-21T14:00:00", "unix": 1753020001, "ms": 1753020001002,
        "pattern": "07/22/2025 14:00 +0000", "default": "given-text", "deep": {"er": {"value": "deep-value"}}, "nulls": "something"}
ISO = "must be a time such as 2026-01-31T14:00:00Z"
ZONELESS = "; one without a zone needs the source's timezone"
BAD = {  # field -> what is sent and what is said of it
    "text": [(7, "a whole number: FAULT: must be a text"), (None, "nothing: FAULT: it is required"), ("", "a text of 0 bytes: FAULT: it is required"),
             ([1, 2], "a list of 2: FAULT: must be a text")],
    "id": [("x" * 201, "a text of 201 bytes: FAULT: must be a text of 1 to 200 bytes, or a whole number"),
           (1.5, "a number with a point or an exponent: FAULT: must be a text of 1 to 200 bytes, or a whole number")],
    "whole": [(6, "a whole number: FAULT: must be a whole number, at least -5, at most 5"), ("5", "a text of 1 byte: FAULT: must be a whole")],
    "least": [(0, "a whole number: FAULT: must be a whole number, at least 1")],
    "number": [("1", "a text of 1 byte: FAULT: must be a number")],
    "bool": [("TRUE", "a text of 4 bytes: FAULT: must be true or false"), (1, "a whole number: FAULT: must be true or false")],
    "table": [("LOW", "a text of 3 bytes: FAULT: is in no row of its table (texts in the same case, and numbers as numbers)"),
              ("1", "a text of 1 byte: FAULT: is in no row")],
    "anyCase": [("high", "a text of 4 bytes: FAULT: is in no row of its table")],
    "iso": [("2025-07-20", f"a text of 10 bytes: FAULT: {ISO}{ZONELESS}"), (5, "a whole number: FAULT: must be a time such as")],
    "zoned": [("soon", f"a text of 4 bytes: FAULT: {ISO}")],
    "unix": [("1", "a text of 1 byte: FAULT: must be a number of seconds since 1970"), (-1, "a whole number: FAULT: must be a number of seconds")],
    "ms": [(2**62, "a whole number: FAULT: must be a number of milliseconds since 1970")],
    "pattern": [("2025-07-22", f"a text of 10 bytes: FAULT: must be a time that is written as %m/%d/%Y %H:%M %z{ZONELESS}")],
    "default": [(False, "true or false: FAULT: must be a text")],
    "deep": [({"er": "x"}, "nothing: FAULT: deep.er can't be looked into"), ("x", "nothing: FAULT: deep can't be looked into")],
    "nulls": [({}, "an object of 0: FAULT: must be a text")],
}


def field(result, name):
    """What is said of a field."""
    return line_of(result, f"  {name} ")


@pytest.mark.parametrize("name, sent, said", [(name, sent, said) for name, cases in BAD.items() for sent, said in cases], ids=lambda value: str(value)[:20])
def test_faults_of_fields(bench, name, sent, said):
    """A field with a fault says what is there, without its value, and what has to be; the others are fine."""
    result, answer = post(bench, "every", {**GOOD, name: sent})
    check_faults(result, answer)
    assert result.out.count("FAULT") == 1
    told = field(result, name)
    assert told.startswith("<- " + EVERY[name]["from"][0] if name == "id" else f"<- {EVERY[name]['from']} ")
    assert f" {said}" in told and (told.endswith(said) or said.endswith(("whole", "row", "seconds", "such as"))), told
    assert line_of(result, "verdict").startswith("authentic, but not mappable: kept in quarantine as ")


def test_good_fields(bench):
    """What is good says what is there: a kind, a length; and whether a default stood in."""
    result, _ = post(bench, "every", GOOD)
    assert (result.code, "FAULT" in result.out, hints(result)) == (0, False, [])
    kinds = {"text": "a text of 10 bytes", "whole": "a whole number", "number": "a number with a point or an exponent", "bool": "true or false",
             "any": "an object of 1", "unix": "a whole number", "sent": "a text of 3 bytes"}
    assert {name: field(result, name).split(None, 2)[2] for name in kinds} == kinds
    assert line_of(result, "payload") == f"an object of {len(GOOD)}" and line_of(result, "event") == "1 fits: Made"
    result, _ = post(bench, "every", {"text": "only-text", "old": {"id": 5}, "nulls": "none at all"})
    said = {"default": "<- default                    nothing: its default", "whole": "<- whole                      nothing: left out",
            "id": "<- old.id                     a whole number", "nulls": "<- nulls                      a text of 11 bytes: left out"}
    assert {name: field(result, name) for name in said} == said
    result, _ = post(bench, "every", {"text": "only-text", "id": "", "old": {"id": 6}})
    assert field(result, "id") == said["id"]  # An empty id counts as absent.


def test_values_are_shown_if_asked_for(bench):
    """With --show-phi the values stand beside, cut where they are long."""
    result, _ = post(bench, "every", {**GOOD, "text": "long" * 100}, "--show-phi")
    assert all(value in result.out for value in texts(GOOD) - {"Wonderland", "True"})
    assert '"' + "long" * 49 in result.out and "long" * 60 not in result.out
    assert field(result, "whole") == "<- whole                      a whole number 5"
    result, _ = post(bench, "every", {**GOOD, "text": "a\nb\x1b[31m"}, "--show-phi")
    assert "\x1b" not in result.out and "\\n" in result.out


def test_no_json(bench):
    """A body that is none is said to be none, and where it ends being one."""
    for content, said in ((b"", "the body is empty: FAULT"), (b'{"a": ', "is no JSON: FAULT"), (b"[1,]", "is no JSON: FAULT")):
        result, answer = post(bench, "every", content)
        assert line_of(result, "payload") == said
        check_faults(result, answer)
    result, answer = post(bench, "form", b"a=%zz")
    assert line_of(result, "payload") == "is no form: FAULT"
    check_faults(result, answer)
    for content in (b"[]", b"5", b'"words alone"'):
        result, answer = post(bench, "every", content)
        check_faults(result, answer)
        assert "<-" not in result.out  # There are no fields to speak of.


def test_forms(bench):
    """The fields of a form are texts, and may be numbers."""
    result, _ = post(bench, "form", b"n=5", headers=[("Content-Type", "application/x-www-form-urlencoded")])
    assert field(result, "n") == "<- n                          a text of 1 byte"
    result, _ = post(bench, "form", b"n=5", headers=[("Content-Type", "application/json")])
    assert answered(result) == 415 and "the definition reads forms" in result.out
    result, answer = post(bench, "form", b"n=x")
    check_faults(result, answer)


def test_batches(bench):
    """Every row is walked; of a long batch the first, and those with a fault; the exit code is the server's answer's."""
    rows = [{"kind": "row", "n": 1}, {"skip": True}, {"kind": 7, "n": "bad"}, {"kind": "what"}, 5]
    result, answer = post(bench, "batch", {"list": {"rows": rows}})
    assert (line_of(result, "rows"), answer.json["stored"], answer.json["quarantined"], answer.json["ignored"]) == ("5", 1, 3, 1)
    assert line_of(result, "verdict") == "a batch: 1 kept as events, 3 kept in quarantine, 1 ignored; answered 200"
    parts = re.split(r"^row +\d\n", result.out, flags=re.MULTILINE)
    assert len(parts) == 6
    assert "FAULT" not in parts[1] + parts[2] and "1 fits, and says to ignore it" in parts[2]
    assert "-> Invalid n" in parts[3] and "a text of 3 bytes: FAULT: must be a whole number\n" in parts[3]
    assert '2 does not fit: kind must be "row" or 7\n' in parts[4] and "none fits: FAULT" in parts[4] and "-> No event fits" in parts[4]
    many = [{"kind": "row", "n": number} for number in range(100)] + [{"kind": "row"}]
    result, _ = post(bench, "batch", {"list": {"rows": many}})
    shown = [int(number) for number in re.findall(r"^row +(\d+)$", result.out, re.MULTILINE)]
    assert shown == [*range(20), 100] and "(80 more rows are not shown)" in result.out
    result, _ = post(bench, "batch", {"list": {"rows": many[:20]}})
    assert result.code == 0 and "not shown" not in result.out
    result, _ = post(bench, "batch", {"list": {"rows": []}})
    assert line_of(result, "verdict") == "a batch: 0 kept as events, 0 kept in quarantine, 0 ignored; answered 200"
    result, _ = post(bench, "batch", {"list": {"rows": {"kind": "row", "n": 1}}})  # No list: the one row.
    assert line_of(result, "verdict").startswith("good: kept as the event")


def test_batch_that_can_not_be_read(bench):
    """No rows where they should be, or too many, are faults of the whole."""
    for payload in ({"list": {}}, {"list": {"rows": None}}, {}, [], {"list": 5}):
        result, answer = post(bench, "batch", payload)
        assert line_of(result, "rows") == "nothing at list.rows, where the definition's \"each\" looks: FAULT"
        check_faults(result, answer)
    result, answer = post(bench, "batch", {"list": {"rows": [1] * 1001}})
    assert line_of(result, "rows") == "1001: FAULT" and "none fits" not in result.out
    check_faults(result, answer)


def test_keys(bench):
    """The parts of a key are shown by their kind, and what is missing of it is a fault."""
    result, _ = post(bench, "keyed", {"key": "key-of-it", "other": 5})
    assert [line.split() for line in result.out.splitlines() if "(key)" in line] == [
        "(key) <- key a text of 9 bytes".split(), "(key) <- deep.key a whole number".split()]
    for payload in ({"key": "", "other": 5}, {"other": 5}, {"key": 1.5, "other": 5}):
        result, answer = post(bench, "keyed", payload)
        check_faults(result, answer)
        assert re.search(r"\(key\) +<- key .*: FAULT: must be a text that is not empty, or a whole number", result.out)
    result, answer = post(bench, "keyed", {"key": "key-of-it"})
    check_faults(result, answer)
    assert re.search(r"\(key\) +<- deep.key +nothing: FAULT", result.out)


def test_choice(bench):
    """Which event fits is said, and what each of the others wants that is not so, in the definition's words."""
    result, _ = post(bench, "choice", {"type": "ping"})
    assert line_of(result, "verdict") == "good: ignored, and kept nowhere; answered 200" and line_of(result, "event") == "1 fits, and says to ignore it"
    result, _ = post(bench, "choice", {"type": 5}, headers=[("X-Kind", "some-kind")])
    assert result.code == 0 and '1 does not fit: type must be "ping"\n' in result.out and "2 fits: Made" in result.out
    result, answer = post(bench, "choice", {"type": "invented"})
    assert "event       2 does not fit: header:X-Kind must be there\n" in result.out
    result, answer = post(bench, "choice", {"type": "invented-other", "gone": 1})
    check_faults(result, answer)
    said = re.findall(r"^event +(.*)$", result.out, re.MULTILINE)
    assert said == ['1 does not fit: type must be "ping"', '2 does not fit: type must be "invented" or 5 or true and header:X-Kind must be there',
                    '3 does not fit: type must be "none" and gone must be absent', "none fits: FAULT"]


def test_handshakes(bench):
    """A challenge is said to be one; what is neither that nor a POST is refused, though its signature is right."""
    result, answer = post(bench, "shakes", {"type": "challenge", "challenge": "word-to-say"})
    assert line_of(result, "verdict") == "good: a handshake, for which there are 11 bytes of text/plain; answered 200" and answer.body == b"word-to-say"
    path = "/webhooks/ehr/shakes?mode=subscribe&word=secret-word"
    result, answer = post(bench, "shakes", b"", path=path, method="GET")
    assert (result.code, answer.status, answer.body) == (0, 202, b"secret-word") and "secret-word" not in result.out
    result, _ = post(bench, "shakes", b"", path="/webhooks/ehr/shakes?mode=other", method="GET")
    assert line_of(result, "signature").startswith("good") and hints(result) == []
    assert '2 is none: it takes a GET, where query:mode must be "subscribe"' in result.out and answered(result) == 401
    result, _ = post(bench, "shakes", b"", method="PUT")
    assert answered(result) == 405 and line_of(result, "method") == "refused: this source takes POST and GET"
    result, _ = post(bench, "every", GOOD, method="PUT")
    assert answered(result) == 405 and line_of(result, "method") == "refused: this source takes POST alone"


def test_answers_of_the_definition(bench):
    """What the definition answers counts."""
    result, answer = post(bench, "polite", {"a": "good-one"})
    assert (result.code, answer.status) == (0, 202)
    result, answer = post(bench, "polite", {"b": "bad-one"})
    assert (result.code, answer.status, answered(result)) == (0, 200, 200) and "kept in quarantine" in result.out and "-> Missing a" in result.out


MEDIA = {  # headers -> the status, and what is said
    (("Content-Type", "application/json"),): (200, "application/json: taken"),
    (("content-type", "Application/FHIR+JSON; charset=utf-8"),): (200, "taken"),
    (("Content-Type", "text/json"),): (200, "text/json: taken"),
    (): (200, "none: taken"),
    (("Content-Type", "text/plain"),): (415, "text/plain: refused"),
    (("Content-Type", ""),): (415, "refused"),
    (("Content-Type", "application/json"), ("Content-Type", "application/json")): (415, "and more than one: refused"),
    (("Content-Encoding", "gzip"),): (415, "none: taken"),
    (("Content-Encoding", "identity"), ("Content-Type", "application/json")): (415, "taken"),
}


@pytest.mark.parametrize("headers", MEDIA, ids=str)
def test_media_types(bench, headers):
    """What the server answers 415 to is said to be, with what it would be else; right or wrong."""
    status, said = MEDIA[headers]
    result, _ = post(bench, "media", b"", headers=[("X-Number", harness.fresh()), *headers])
    assert answered(result) == status and line_of(result, "media type").endswith(said)
    assert ("Content-Encoding: refused" in result.out) is ("Content-Encoding" in dict(headers))
    assert ('the definition reads JSON: see "media_types"' in result.out) is (status == 415 and len(headers) == 1 and "Content-Type" in dict(headers))
    if status == 415:
        assert "but for that: good: kept as the event" in line_of(result, "verdict")
        wrong, _ = ask(bench, "media", [*headers, ("X-Dentrix-Signature", "0")], b"")
        assert "but for that: refused; answered 401" in line_of(wrong, "verdict")


def test_empty_bodies(bench):
    """An empty body is an object if the definition says so."""
    result, _ = post(bench, "media", b"", headers=[("X-Number", harness.fresh())])
    assert (result.code, line_of(result, "payload")) == (0, "an object of 0") and "a body of 0 bytes" in line_of(result, "request")
    result, answer = post(bench, "media", b"")
    check_faults(result, answer)


def test_body_over_the_limit(bench):
    """A body that the server would not read is not explained, whatever other sources may send."""
    for name, size, taken in (("every", 4096, True), ("every", 4097, False), ("media", 8192, True), ("media", 8193, False)):
        content = json.dumps({**GOOD, "filler": ""}).encode()
        content = content[:-2] + b"z" * (size - len(content)) + content[-2:]
        secret = bench.sources[name].secret
        headers = [("X-Dentrix-Signature", secret if name == "media" else ledger.sign(secret, content)), ("X-Number", harness.fresh())]
        result = run(bench, name, headers, content)
        assert (result.code == 0, bench.ask("POST", bench.path(name), content, headers).status) == (taken, 200 if taken else 413)
        assert taken or (result.out == "" and re.search(r"/body: is longer than (4096|8192) bytes\n", result.err))


# Files and options.


@pytest.fixture(scope="module")
def idle():
    """A server that need not run."""
    stopped = SchemeServer({"texts": SCHEMES["tokens"], "plain": by_hmac(HEADER, BODY, body)})
    yield stopped


@pytest.mark.parametrize("arguments", [
    [], ["plain", "extra"], ["--quarantine"], ["--quarantine", "xyz"], ["--quarantine", "0" * 31], ["plain", "--quarantine", "0" * 32],
    ["--quarantine", "0" * 32, "--at", "2026-01-31T00:00:00Z"], ["--quarantine", "0" * 32, "--body", "x"], ["plain", "--at"], ["plain", "--json"],
    ["plain", "--at", "lately"], ["plain", "--at", "2026-01-31"], ["plain", "--limit", "1"], ["--headers", "x"]], ids=" ".join)
def test_usage(idle, arguments):
    """What can't be understood exits with 2, and says how it is used."""
    result = idle.cli("explain", *arguments)
    assert (result.code, result.out) == (2, "") and "usage: pickupd explain SOURCE" in result.err


def test_help(idle):
    """It explains itself with an example."""
    result = idle.cli("explain", "--help")
    assert result.code == 0 and "example: pickupd explain dentrix" in result.out and "--quarantine ID" in result.out


def test_unknown_source(idle):
    """A source that is not there, or is disabled, is an error."""
    for name in ("nobody", "off"):
        idle.sources["off"] = oracle.source("off", "dentrix", secret=None)
        idle.write_config()
        result = idle.cli("explain", name)
        assert (result.code, result.out, result.err) == (1, "", f"{name}: no such source, or it is disabled; see pickupd check\n")
    del idle.sources["off"]
    idle.write_config()


def test_unreadable_files(idle):
    """Files that can't be read are named, both of them."""
    result = idle.cli("explain", "plain", "--headers", "/nonexistent/headers", "--body", "/nonexistent/body")
    assert (result.code, result.out) == (1, "")
    assert result.err == "/nonexistent/headers: No such file or directory\n/nonexistent/body: No such file or directory\n"
    assert idle.cli("explain", "plain", "--body", idle.directory).code == 1
    broken = idle.cli("explain", "plain", config="/nonexistent")
    assert broken.code == 1 and "/nonexistent" in broken.err


def test_nothing_given(idle):
    """Without files it is a request without headers and without a body."""
    result = idle.cli("explain", "plain")
    assert result.code == 1 and line_of(result, "request") == "POST /webhooks/ehr/plain, 0 headers, a body of 0 bytes"


def plain_signature(content):
    """The signature of a body for the plain source."""
    signature = by_hmac(HEADER, BODY, body).secret("plain", "first").sign(content)
    return remember(signature.hex(), signature)


@pytest.mark.parametrize("form", [
    "X-Signature: {}\n", "x-signature:{}", "X-Signature: {}\r\n", "\n\nX-Signature:   {}  \r\n\r\n", "POST /webhooks/ehr/plain HTTP/1.1\nX-Signature: {}\n",
    "POST /webhooks/ehr/plain HTTP/1.1\r\nHost: x\r\nX-Signature: {}\r\n\r\n", "POST https://host:8080/webhooks/ehr/plain?a=b HTTP/2\nX-Signature: {}",
    "X-Empty:\nX-Signature: {}\nX-Colons: a:b:c\n"], ids=ascii)
def test_forms_of_headers(idle, form):
    """Headers are read as curl, a browser, a proxy and a log write them."""
    result = run(idle, "plain", lines=form.format(plain_signature(b"{}")).encode(), content=b"{}")
    assert line_of(result, "signature") == "good: made with the secret plain", result.out
    assert line_of(result, "request").startswith("POST /webhooks/ehr/plain, ")


def test_junk_lines(idle):
    """Lines that are no headers are named by file and line, and not shown."""
    junk = b"X-Good: 1\nsecret-looking junk\r\n: nothing\nX Bad: 2\n\nX-Fine: 3\n{\"a\": 1}\nPOST /x HTTP/1.1\n"
    path = put("headers", junk)
    result = idle.cli("explain", "plain", "--headers", path)
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [f'{path}:{line}: is no line "Name: value"' for line in (2, 3, 4, 7, 8)]
    for first in (b"POST /x", b"hello", b"\xef\xbb\xbfX-A: 1", b"HTTP/1.1 200 OK"):
        path = put("headers", first + b"\nX-A: 1\n")
        assert idle.cli("explain", "plain", "--headers", path).err == f'{path}:1: is no line "Name: value"\n'


def test_long_headers(idle):
    """Headers that the server would not read are not read, and as many as it may get are."""
    path = put("headers", b"X-A: " + b"1" * 70000)
    result = idle.cli("explain", "plain", "--headers", path)
    assert result.code == 1 and f"{path}: is longer than " in result.err
    path = put("headers", b"A:1\n" * 1001)
    assert idle.cli("explain", "plain", "--headers", path).err == f'{path}:1001: is no line "Name: value"\n'


URLS = {  # --url -> the path and the query that are taken
    "https://hooks.invented.example/in?a=b": ("/in", "a=b"), "http://127.0.0.1:8080/in": ("/in", ""), "HTTPS://host/in?a=b#part": ("/in", "a=b"),
    "/in?a=b": ("/in", "a=b"), "/in": ("/in", ""), "?a=b": ("/webhooks/ehr/texts", "a=b"), "": ("/webhooks/ehr/texts", ""), "https://host": ("/", ""),
    "https://host?a=b": ("/", "a=b"), "/in?next=https://other.invented.example/out?x": ("/in", "next=https://other.invented.example/out?x"),
    "/a:b//c": ("/a:b//c", ""), "http:in": ("http:in", ""),
}


@pytest.mark.parametrize("url", URLS)
def test_url_option(idle, url):
    """A URL is taken with and without its host and its query; it counts more than the request line."""
    path, query = URLS[url]
    content = b"{}"
    bench = SchemeServer({"texts": by_hmac(HEADER, "{path}|{url}|{body}", body, config="public_url = https://x")})
    text = f"{path}|https://x{'?' + query if query else ''}|".encode() + content
    signature = bench.schemes["texts"].secret("texts", "first").sign(text)
    result = run(bench, "texts", [("X-Signature", signature.hex())], content, "--url", url)
    assert line_of(result, "signature").startswith("good"), result.out
    assert line_of(result, "request").startswith(f"POST {path}, ")
    if path != "/webhooks/ehr/texts":
        lines = b"PUT /other?c=d HTTP/1.1\nX-Signature: " + signature.hex().encode()
        result = run(bench, "texts", [], content, "--url", url, "--method", "POST", lines=lines)
        assert line_of(result, "signature").startswith("good"), result.out


def test_request_line(idle):
    """The request line's method, path and query count where no option says otherwise."""
    text = b"POST /there {header:X-Nonce} {}"
    signature = SCHEMES["tokens"].secret("texts", "first").sign(text.replace(b"{header:X-Nonce}", b"nonce"))
    lines = b"POST https://host/there?x HTTP/1.1\nX-Nonce: nonce\nX-Signature: " + signature.hex().encode()
    result = run(idle, "texts", lines=lines, content=b"{}")
    assert line_of(result, "signature").startswith("good") and "POST /there, 3 headers" in result.out  # With the URL's host.
    result = run(idle, "texts", lines=lines.replace(b"POST", b"PUT"), content=b"{}")
    assert "PUT /there" in result.out and answered(result) == 405


def test_control_characters(idle):
    """A terminal is not spoken to by what was captured."""
    result = run(idle, "plain", [("Content-Type", "text/\x1b[31mred")], b"{}", "--method", "\x1b[1mP", "--url", "/\x1b[2J")
    assert "\x1b" not in result.out and result.code == 1


# Quarantine.


def quarantined(server, name, payload, headers=()):
    """Post what goes to quarantine; return the ids of all that is there."""
    content = json.dumps(payload).encode()
    server.ask("POST", server.path(name), content, [*server.headers(name, content), *headers])
    return [row["id"] for row in server.query("SELECT lower(hex(id)) AS id FROM quarantine ORDER BY first_seen, id")]


def explain_kept(server, event_id, *more, payload=None):
    """Explain what is in quarantine."""
    result = server.cli("explain", "--quarantine", event_id, *more)
    hidden = ledger.SECRETS | (texts(payload) if payload and not more else set())
    assert not {word for word in hidden if word in result.out + result.err}
    return result


def write(server, name, definition):
    """Write a definition."""
    server.settings["vendor_dir"] = server.directory
    (server.directory / f"{name}.json").write_text(json.dumps({"vendor": name, "scheme": DENTRIX["scheme"], **definition}))


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_quarantine(running):
    """Before the definition is mended the fault is named, and afterwards it is good; the server may run, and need have no secret here."""
    payload = {"text": 998877, "id": "ident-44"}
    kept = harness.Server([oracle.source("every", zone=None)])
    write(kept, "every", DEFINITIONS["every"])
    with kept:
        event_id, = quarantined(kept, "every", payload)
        if not running:
            kept.stop()
        result = explain_kept(kept, event_id, payload=payload)
        assert (result.code, hints(result)) == (1, ["Invalid text"]) and "a whole number: FAULT: must be a text" in field(result, "text")
        assert line_of(result, "verdict") == "still faulty: it stays in quarantine"
        assert "998877" in explain_kept(kept, event_id, "--show-phi").out
        write(kept, "every", edit(DEFINITIONS["every"], {"event.detail.text.type": "id"}))
        kept.sources["every"] = replace(kept.sources["every"], secret=None)
        result = explain_kept(kept, event_id, payload=payload)
        assert (result.code, hints(result), line_of(result, "verdict")) == (0, [], "good, once the server has reloaded (SIGHUP): pickupd quarantine retry takes it")
        kept.sources["every"] = oracle.source("every", zone=None)
        if not running:
            kept.start()
        kept.restart()
        assert kept.cli("quarantine", "retry", event_id).out == f"{event_id} stored\n"
        assert explain_kept(kept, event_id).code == 1  # It is gone.


def test_quarantined_rows():
    """A bad row of a batch is explained by itself, and is good once mended; or ignored."""
    kept = harness.Server([oracle.source("batch")])
    write(kept, "batch", DEFINITIONS["batch"])
    with kept:
        rows = [{"kind": "row", "n": 1}, {"kind": "row", "n": "no-number"}, {"kind": "odd-kind", "n": 2}]
        ids = quarantined(kept, "batch", {"list": {"rows": rows}})
        said = {tuple(hints(explain_kept(kept, event_id, payload=rows[1:]))) for event_id in ids}
        assert len(ids) == 2 and said == {("Invalid n",), ("No event fits",)}
        for event_id in ids:
            assert line_of(explain_kept(kept, event_id), "rows") == "1"
        write(kept, "batch", edit(DEFINITIONS["batch"], {"events": [
            {"when": {"kind": "odd-kind"}, "ignore": True}, event({"n": {"from": "n", "type": "string"}})]}))
        results = [explain_kept(kept, event_id) for event_id in ids]
        assert [result.code for result in results] == [0, 0]
        assert {line_of(result, "verdict") for result in results} == {"good: it is ignored now", "good, once the server has reloaded (SIGHUP): pickupd quarantine retry takes it"}


def test_quarantined_head():
    """What a definition reads of the head is there for a body in quarantine, too."""
    kept = harness.Server([oracle.source("head")])
    write(kept, "head", {"event": event({"kind": {"from": "header:X-Kind", "type": "whole", "required": True}})})
    with kept:
        event_id, = quarantined(kept, "head", {}, [("X-Kind", "kind-of-head")])
        result = explain_kept(kept, event_id)
        assert "a text of 12 bytes: FAULT" in field(result, "kind") and "kind-of-head" not in result.out
        write(kept, "head", {"event": event({"kind": {"from": "header:X-Kind", "type": "string", "required": True}})})
        assert explain_kept(kept, event_id).code == 0


def test_quarantine_in_vain():
    """An id that is not there, a source that is gone or disabled, and a database that is missing are errors."""
    kept = harness.Server([oracle.source("dentrix"), oracle.source("opendental")])
    assert kept.cli("explain", "--quarantine", "0" * 32).code == 1
    with kept:
        event_id, = quarantined(kept, "dentrix", {"externalId": ""})
        result = explain_kept(kept, "0" * 32)
        assert (result.code, result.out, result.err) == (1, "", f"{'0' * 32}: not in quarantine\n")
        assert explain_kept(kept, event_id.upper()).code == 1
        gone = kept.sources.pop("dentrix")
        for source in (None, replace(gone, enabled="no")):
            kept.sources.update({"dentrix": source} if source else {})
            kept.write_config()
            result = kept.cli("explain", "--quarantine", event_id)
            assert (result.code, result.out, result.err) == (1, "", "dentrix: no such source, or it is disabled\n")


# The definitions that come with it.

EXAMPLES = [(path.stem, number) for path in sorted(CONTRIB.glob("*.json")) for number in range(len(json.loads(path.read_text()).get("examples", [])))]


def captured(vendor, number):
    """An example of a definition as a request: its headers, its body, and the options that say the rest."""
    example = json.loads((CONTRIB / f"{vendor}.json").read_text())["examples"][number]
    pairs = [(name, value) for name, values in example.get("headers", {}).items() for value in (values if isinstance(values, list) else [values])]
    content = example.get("body", "")
    content = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    options = ["--at", example["at"], "--method", example.get("method", "POST"), "--url", "?" + example.get("query", "")]
    return example, pairs, content.encode(), options


@pytest.mark.parametrize("vendor, number", EXAMPLES, ids=str)
def test_agrees_with_examples(vendor, number):
    """Every example of every definition is explained as what it is an example of."""
    example, headers, content, options = captured(vendor, number)
    bench = harness.Server([])
    keys = {"secret_env": "EXAMPLE_SECRET", "vendor": vendor, "timezone": None, **example.get("source", {})}
    bench.config.write_text(f"[server]\ndatabase = {bench.database}\nvendor_dir = {harness.VENDORS}\n[source {vendor}]\n"
                            + "".join(f"{key} = {value}\n" for key, value in keys.items() if value))
    bench.variables["EXAMPLE_SECRET"] = example["secret"]
    said = bench.cli("explain", vendor, "--headers", put("headers", "".join(f"{n}: {v}\n" for n, v in headers).encode()), "--body",
                     put("body", content), *options)
    expect, verdict = example["expect"], line_of(said, "verdict")
    assert example["secret"] not in said.out
    status = answered(said)
    assert said.code == (0 if 200 <= status <= 299 else 1)
    if expect.get("refused"):
        assert status in (401, 405)
    elif expect.get("ignored"):
        assert "ignored" in verdict and status // 100 == 2
    elif "answer" in expect:
        assert "a handshake" in verdict and status // 100 == 2
    else:
        assert hints(said) == expect.get("errors", []) and ("FAULT" in said.out) is bool(expect.get("errors"))
        assert verdict.startswith(("a batch: ", "authentic, but not mappable" if expect.get("errors") else "good: kept as the event"))
