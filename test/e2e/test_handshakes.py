"""Challenges: each shipped definition answers its sender's exactly, stores nothing of it, and answers nobody else's."""
import hmac
import json
from dataclasses import dataclass, replace
from typing import Callable
from urllib.parse import quote

import pytest

import harness
import ledger
import oracle
import sender

REFUSED = (401, {"error": "Invalid signature"})
VENDORS = ["slack", "zoom", "redox", "fhir-subscription", "google-calendar"]
OWN = sender.define("own", handshakes=[
    {"method": "GET", "when": {"query:mode": "subscribe"}, "answer": {"status": 202, "type": "text/html", "body": "<b>{query:challenge}</b>"}},
    {"when": {"kind": "twice"}, "answer": {"body": {"say \"it\"\n": "\"{challenge}\" is\t{hmac:challenge}, {challenge}"}}},
    {"when": {"kind": "fixed"}, "answer": {"status": 204}},
    {"when": {"kind": "plain"}, "answer": {"body": "{hmac:challenge}"}}])
SECRETS = {"first": "-test-secret-not-real", "next": "-next-secret-not-real", "wrong": "-wrong-secret-not-real"}
ODD = {"quotes": '"; "x": "', "newline": "one\ntwo\r\n", "backslash": "\\\" \\n \\", "control": "\x01\x1f\x7f", "umlaut": "Zoë", "emoji": "🦷 李",
       "separators": "\u2028\u2029\u200b", "markup": "<script>&amp;</script>", "braces": "{challenge} {hmac:challenge}", "space": " ",
       "percent": "%41+%2B", "long": "x" * 6000, "long and odd": "\"é\n" * 500}


@pytest.fixture(scope="module")
def server():
    """A running server with the shipped definitions that have handshakes; each source has two secrets that count."""
    running = sender.Server([oracle.source(name) for name in [*VENDORS, "own"]], [OWN])
    for name in [*VENDORS, "own"]:
        running.add_secret(name, "next", name + SECRETS["next"])
    with running:
        yield running


# How each sender asks, with a secret, or with None for no secret at all.


def zoom_body(token):
    """Zoom's body."""
    return sender.compact({"payload": {"plainToken": token}, "event_ts": 1768921198302, "event": "endpoint.url_validation"})


def by_hmac(name, body):
    """A request of a sender that signs."""
    return lambda secret: sender.signed(sender.load(name), secret, body) if secret else sender.Request(body, [sender.JSON])


def slack(token):
    """Slack: url_verification."""
    return by_hmac("slack", sender.compact({"token": "not-used", "challenge": token, "type": "url_verification"}))


def zoom(token):
    """Zoom: endpoint.url_validation."""
    return by_hmac("zoom", zoom_body(token))


def redox_post(token):
    """Redox: by POST."""
    return lambda secret: sender.Request(
        sender.compact({**({"verification-token": secret} if secret else {}), "challenge": token}), [sender.JSON])


def redox_get(token):
    """Redox: by GET."""
    return lambda secret: sender.Request(method="GET", query=f"challenge={quote(token)}" + (f"&verification-token={secret}" if secret else ""))


def fhir(example):
    """FHIR: the body of an example, with the bearer's token."""
    body, = (row["body"] for row in sender.load("fhir-subscription")["examples"] if row["name"] == example)
    return lambda secret: sender.Request(sender.compact(body), [("Content-Type", "application/fhir+json"),
                                                                *([("Authorization", f"Bearer {secret}")] if secret else [])])


def google(state):
    """Google: the first message of a channel, which has no body."""
    return lambda secret: sender.Request(headers=[
        ("X-Goog-Channel-ID", harness.fresh()), ("X-Goog-Message-Number", "1"), ("X-Goog-Resource-ID", "invented"),
        *([("X-Goog-Resource-State", state)] if state else []), *([("X-Goog-Channel-Token", secret)] if secret else [])])


def zoom_answer(token, secret):
    """What Zoom wants to read."""
    return sender.compact({"plainToken": token, "encryptedToken": hmac.digest(secret.encode(), token.encode(), "sha256").hex()})


@dataclass(frozen=True)
class Challenge:
    """A sender's question, and the answer it wants: the type of the content and its bytes."""

    source: str
    ask: Callable
    type: str | None = None
    body: Callable = lambda secret: b""


TOKEN = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
CHALLENGES = {
    "slack": Challenge("slack", slack(TOKEN), "text/plain", lambda secret: TOKEN.encode()),
    "zoom": Challenge("zoom", zoom(TOKEN), "application/json", lambda secret: zoom_answer(TOKEN, secret)),
    "redox by POST": Challenge("redox", redox_post(TOKEN), "text/plain", lambda secret: TOKEN.encode()),
    "redox by GET": Challenge("redox", redox_get(TOKEN), "text/plain", lambda secret: TOKEN.encode()),
    "fhir R5": Challenge("fhir-subscription", fhir("R5 handshake")),
    "fhir R4": Challenge("fhir-subscription", fhir("R4 handshake, HL7's example")),
    "google": Challenge("google-calendar", google("sync")),
}


def secret_of(source, which):
    """A secret by its name, known to the privacy test."""
    ledger.SECRETS.add(source + SECRETS[which])
    return source + SECRETS[which]


def look(server, source):
    """What must not change, and what must be counted."""
    return server.kept(), server.counted(source)


def check_answered(server, source, request, expected):
    """The answer is this one, to the byte; nothing is stored, and one handshake is counted."""
    kept, before = look(server, source)
    answer = request.send(server, source)
    assert (answer.status, answer.headers["Content-Type"], answer.body) == expected
    assert answer.headers["Content-Length"] == (None if expected[0] == 204 else str(len(expected[2])))
    assert (server.kept(), server.counted(source, before)) == (kept, {"handshake": 1})


def check_refused(server, source, request):
    """The answer says nothing; nothing is stored, and one refusal is counted."""
    kept, before = look(server, source)
    assert request.send(server, source).refusal == REFUSED
    assert (server.kept(), server.counted(source, before)) == (kept, {"refused": 1})


@pytest.mark.parametrize("which", ["first", "next"])
@pytest.mark.parametrize("name", CHALLENGES)
def test_answered(server, name, which):
    """A challenge is answered as its sender wants, whichever secret vouches for it; what is signed in return is signed with that one."""
    challenge = CHALLENGES[name]
    secret = secret_of(challenge.source, which)
    check_answered(server, challenge.source, challenge.ask(secret), (200, challenge.type, challenge.body(secret)))


@pytest.mark.parametrize("name", CHALLENGES)
def test_asked_again(server, name):
    """A challenge is no event: the second is answered as the first."""
    challenge = CHALLENGES[name]
    secret = secret_of(challenge.source, "first")
    request = challenge.ask(secret)
    answers = {request.send(server, challenge.source).body for _ in range(3)}
    assert answers == {challenge.body(secret)}


@pytest.mark.parametrize("which", ["wrong", None, "of another"])
@pytest.mark.parametrize("name", CHALLENGES)
def test_refused(server, name, which):
    """A challenge with a wrong secret, none, or that of another source is refused like any forgery."""
    challenge = CHALLENGES[name]
    other = "zoom" if challenge.source == "slack" else "slack"
    secret = secret_of(other, "first") if which == "of another" else which and secret_of(challenge.source, which)
    check_refused(server, challenge.source, challenge.ask(secret))


@pytest.mark.parametrize("name", ["slack", "zoom"])
@pytest.mark.parametrize("age", [301, -315])
def test_too_old(server, name, age):
    """A signed challenge has a time, which counts."""
    body = CHALLENGES[name].ask("any").body
    check_refused(server, name, sender.signed(sender.load(name), secret_of(name, "first"), body, age=age))


# Methods.


@pytest.mark.parametrize("source", ["slack", "zoom", "fhir-subscription", "google-calendar"])
def test_no_get(server, source):
    """Where no challenge comes by GET, GET is no method of the source, whoever asks."""
    for name, challenge in CHALLENGES.items():
        request = replace(challenge.ask(secret_of(source, "first")), method="GET", query=f"challenge={TOKEN}")
        if challenge.source != source:
            continue
        kept, before = look(server, source)
        answer = request.send(server, source)
        assert (answer.refusal, answer.headers["Allow"]) == ((405, {"error": "Method not allowed"}), "POST"), name
        assert look(server, source) == (kept, before)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("source, allowed", [("redox", "POST, GET"), ("own", "POST, GET"), ("slack", "POST")])
def test_other_methods(server, method, source, allowed):
    """Where one does, no other method does."""
    query = f"challenge={TOKEN}&verification-token={secret_of(source, 'first')}&mode=subscribe"
    answer = server.ask(method, f"{server.path(source)}?{query}")
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("name", ["nobody", "redox-", "red"])
def test_get_of_an_unknown_source(server, name):
    """A source that is not there is not there by GET either."""
    assert server.ask("GET", f"{server.path(name)}?challenge={TOKEN}").status == 404


REDOX_QUERIES = {  # with the right token: what is no challenge
    "no challenge": "verification-token={}", "empty": "challenge=&verification-token={}", "no value": "challenge&verification-token={}",
    "twice": "challenge=a&challenge=b&verification-token={}", "token twice": "challenge=a&verification-token={0}&verification-token={0}",
    "no UTF-8": "challenge=%ff%fe&verification-token={}", "NUL": "challenge=a%00b&verification-token={}",
    "half an escape": "challenge=%4&verification-token={}", "token of a wrong name": "challenge=a&verification_token={}",
    "token in capitals": "challenge=a&Verification-Token={}", "nothing": ""}


@pytest.mark.parametrize("case", REDOX_QUERIES)
def test_get_that_is_no_challenge(server, case):
    """A GET that asks nothing is refused, also if its token is right."""
    check_refused(server, "redox", sender.Request(method="GET", query=REDOX_QUERIES[case].format(secret_of("redox", "first"))))


def test_what_else_is_in_the_query(server):
    """A parameter that is given twice is absent, and the others are there."""
    secret = secret_of("redox", "first")
    query = f"x=1&x=2&%78=3&challenge=a&y&verification-token={secret}&z=%ff"
    check_answered(server, "redox", sender.Request(method="GET", query=query), (200, "text/plain", b"a"))
    headers = [("X-Odd", "1"), ("x-odd", "2")]
    check_answered(server, "redox", sender.Request(method="GET", query=query, headers=headers), (200, "text/plain", b"a"))


@pytest.mark.parametrize("query", ["", "challenge=a", "challenge=a&verification-token=wrong"])
def test_authentic_get_that_is_no_handshake(server, query):
    """A GET that the scheme itself vouches for is no webhook: refused, and the log says why."""
    request = sender.Request(method="GET", query=query, headers=[("verification-token", secret_of("redox", "first"))])
    check_refused(server, "redox", request)
    server.log.wait_for("signature refused", source="redox")


def test_get_with_a_signature(server):
    """A GET whose empty body is signed is answered if it asks, and refused if it doesn't."""
    headers = sender.sign(sender.HMAC, secret_of("own", "first"), b"")
    request = sender.Request(method="GET", headers=headers, query="mode=subscribe&challenge=a%22b%3Cc")
    check_answered(server, "own", request, (202, "text/html", b'<b>a"b<c</b>'))
    check_refused(server, "own", replace(request, query="mode=unsubscribe&challenge=a"))
    check_refused(server, "own", replace(request, query="mode=subscribe"))
    check_refused(server, "own", replace(request, headers=[]))


# What is in a challenge.


@pytest.mark.parametrize("case", ODD)
def test_odd_text_in_json(server, case):
    """Whatever the token holds, Zoom's answer is JSON that holds it, and the HMAC is of its own bytes."""
    secret = secret_of("zoom", "next")
    answer = zoom(ODD[case])(secret).send(server, "zoom")
    assert (answer.status, answer.json) == (200, json.loads(zoom_answer(ODD[case], secret)))
    assert list(answer.json) == ["plainToken", "encryptedToken"]


@pytest.mark.parametrize("case", ODD)
def test_odd_text_as_it_is(server, case):
    """In an answer that is a text, the challenge is repeated to the byte, however it was written."""
    expected = (200, "text/plain", ODD[case].encode())
    for source, ask in (("slack", slack), ("redox", redox_post), ("redox", redox_get)):
        check_answered(server, source, ask(ODD[case])(secret_of(source, "first")), expected)
    escaped = json.dumps({"challenge": ODD[case], "type": "url_verification"}, ensure_ascii=True).encode()
    check_answered(server, "slack", by_hmac("slack", escaped)(secret_of("slack", "first")), expected)


@pytest.mark.parametrize("case", ODD)
def test_odd_text_among_others(server, case):
    """Keys and texts around the words are escaped, too; a word may stand twice."""
    secret = secret_of("own", "first")
    digest = hmac.digest(secret.encode(), ODD[case].encode(), "sha256").hex()
    answer = server.tell("own", {"kind": "twice", "challenge": ODD[case]}, secret)
    assert (answer.status, answer.json) == (200, {'say "it"\n': f'"{ODD[case]}" is\t{digest}, {ODD[case]}'})
    check_answered(server, "own", sender.signed(OWN, secret, {"kind": "plain", "challenge": ODD[case]}), (200, "text/plain", digest.encode()))


def test_answer_without_a_body(server):
    """A status may be all that is wanted."""
    check_answered(server, "own", sender.signed(OWN, secret_of("own", "first"), {"kind": "fixed"}), (204, None, b""))


LACKING = {"absent": {}, "null": {"challenge": None}, "empty": {"challenge": ""}, "a number": {"challenge": 7}, "true": {"challenge": True},
           "an object": {"challenge": {"challenge": "x"}}, "a list": {"challenge": ["x"]}, "elsewhere": {"data": {"challenge": "x"}}}


@pytest.mark.parametrize("case", LACKING)
def test_challenge_without_its_text(server, case):
    """What looks like a challenge and asks nothing is an ordinary webhook: Slack's fits no event, and is kept in quarantine."""
    kept, before = look(server, "slack")
    body = sender.compact({"type": "url_verification", "unique": harness.fresh(), **LACKING[case]})
    answer = by_hmac("slack", body)(secret_of("slack", "first")).send(server, "slack")
    assert answer.refusal == (400, {"error": "Invalid webhook data", "errors": ["No event fits"]})
    assert server.quarantined(oracle.event_id("slack", body))
    assert (server.kept(), server.counted("slack", before)) == ((kept[0], kept[1] + 1), {"quarantined": 1})


def test_challenge_without_its_token_is_an_event(server):
    """Zoom's becomes an event like any that has no rule of its own."""
    body = sender.compact({"event": "endpoint.url_validation", "event_ts": 1768921198302, "payload": {"object": {"id": harness.fresh()}}})
    answer = by_hmac("zoom", body)(secret_of("zoom", "first")).send(server, "zoom")
    assert (answer.status, server.event(oracle.event_id("zoom", body))["detail_type"]) == (200, "ZoomEvent")


def test_other_messages_are_webhooks(server):
    """What is no challenge is stored by the same sources."""
    changed = google("exists")(secret_of("google-calendar", "first"))
    before = server.counted("google-calendar")
    assert changed.send(server, "google-calendar").status == 200
    assert server.counted("google-calendar", before) == {"accepted": 1}
    before = server.counted("google-calendar")
    assert google(None)(secret_of("google-calendar", "first")).send(server, "google-calendar").status == 400
    assert server.counted("google-calendar", before) == {"quarantined": 1}


# Who vouches.


def redox_body(secret, **more):
    """A body with the token where Redox's challenge has it."""
    return sender.Request(sender.compact({"verification-token": secret, **more}), [sender.JSON])


@pytest.mark.parametrize("more", [{}, {"challenge": ""}, {"challenge": 7}, {"challenge": TOKEN, "Meta": {"DataModel": "Scheduling"}},
                                  {"Meta": {"DataModel": "Scheduling", "EventType": "New", "Message": {"ID": 1}},
                                   "Visit": {"VisitNumber": "1", "VisitDateTime": "2026-03-05T14:30:00Z"}}], ids=sender.compact)
def test_a_token_in_the_body_is_for_challenges_only(server, more):
    """What is no challenge is authentic by its header only, whatever its body says."""
    request = redox_body(secret_of("redox", "first"), **more)
    check_refused(server, "redox", request)
    check_refused(server, "redox", replace(request, query=f"challenge=a&verification-token={secret_of('redox', 'first')}"))


@pytest.mark.parametrize("size, good", [(16384, True), (16385, False)])
def test_a_token_is_looked_for_in_short_bodies(server, size, good):
    """Nothing vouches for a body before its token is found in it, so a long one is not read for that."""
    request = redox_post(TOKEN)(secret_of("redox", "first"))
    request = replace(request, body=request.body.ljust(size))
    if good:
        check_answered(server, "redox", request, (200, "text/plain", TOKEN.encode()))
    else:
        check_refused(server, "redox", request)


def test_a_long_challenge_in_a_signed_body(server):
    """What is proven before it is read may be as long as any webhook."""
    request = sender.signed(sender.load("slack"), secret_of("slack", "first"), slack(TOKEN)("").body.ljust(100_000))
    check_answered(server, "slack", request, (200, "text/plain", TOKEN.encode()))


def test_a_challenge_is_vouched_for_in_its_own_place(server):
    """The header's token does not vouch for a challenge: with a wrong token in its body it is a webhook that nothing fits."""
    kept, before = look(server, "redox")
    request = redox_body(secret_of("redox", "wrong"), challenge=harness.fresh())
    answer = replace(request, headers=[sender.JSON, ("verification-token", secret_of("redox", "first"))]).send(server, "redox")
    assert (answer.status, answer.body) == (200, b"")
    assert (server.kept(), server.counted("redox", before)) == ((kept[0], kept[1] + 1), {"quarantined": 1})


def test_a_challenge_with_the_token_in_both_places(server):
    """With the right token in the body it is answered, whatever the header says."""
    for header in ("first", "next", "wrong"):
        request = replace(redox_post(TOKEN)(secret_of("redox", "first")), headers=[sender.JSON, ("verification-token", secret_of("redox", header))])
        check_answered(server, "redox", request, (200, "text/plain", TOKEN.encode()))


GARBAGE = {"no JSON": b"{", "nothing": b"", "no UTF-8": b'{"challenge":"\xff"}', "deep": b"[" * 100_000, "twice": b'{"challenge":"a","challenge":"b"}',
           "a text": b'"challenge"', "null": b"null", "a huge number": b'{"challenge":' + b"9" * 1000 + b"}"}


@pytest.mark.parametrize("case", GARBAGE)
@pytest.mark.parametrize("source", [*VENDORS, "own"])
def test_nobody_vouches_for_garbage(server, source, case):
    """Without a secret garbage is refused as anything is: it is neither kept nor told apart."""
    check_refused(server, source, sender.Request(GARBAGE[case], [sender.JSON]))


def test_garbage_with_the_token_inside(server):
    """A token within a body that is no JSON vouches for nothing."""
    body = redox_post(TOKEN)(secret_of("redox", "first")).body
    for spoilt in (body[:-1], body + b"}", body[:-1] + b',"challenge":"b"}', b"[" + body + b"]"):
        check_refused(server, "redox", sender.Request(spoilt, [sender.JSON]))


def test_wrong_media_type(server):
    """A challenge is a webhook's body: its type is looked at first."""
    request = slack(TOKEN)(secret_of("slack", "first"))
    headers = [("Content-Type", "text/plain"), *request.headers[1:]]
    assert replace(request, headers=headers).send(server, "slack").status == 415
