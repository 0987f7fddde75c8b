"""`pickupd check`: every mistake with the path of its key and its line, every example that fails, and every secret's last match."""
import json
import re
from dataclasses import replace

import pytest

import harness
import lab
import oracle
import sender

DELETE = object()  # As a change: leave the key out.
AT, SECRET = "2026-03-04T14:30:06Z", "example-secret-not-real"


def signed_headers(body):
    """The headers of an example."""
    return {name: value for name, value in sender.sign(sender.HMAC, SECRET, sender.compact(body))}


def example(name, body, expect, **more):
    """An example that is signed rightly."""
    return {"name": name, "at": AT, "secret": SECRET, "headers": signed_headers(body), "body": body, "expect": expect, **more}


def became(ident, **more):
    """What an order of the definition below becomes."""
    return {"type": "OrderPlaced", "source": "ehr.test", "detail": {"orderId": ident, "rush": False, "requestTime": AT, **more}}


GOOD = {
    "vendor": "own",
    "about": ["For people."],
    "scheme": {"kind": "hmac", "hash": "sha256", "secret": {"encoding": "text"}, "signature": {"header": "X-Test-Signature", "encoding": "hex"},
               "signed": "{body}"},
    "request": {"body": "json", "empty": False, "media_types": ["text/json", "text/x-test"], "max_body": "2MiB"},
    "each": ["rows", "$"],
    "events": [
        {"when": {"$.kind": ["noise", "ping"]}, "ignore": True},
        {"when": {"$.kind": "order", "id": "*", "gone": None}, "source": "ehr.test", "type": "OrderPlaced", "key": ["id", ["number", "$.number"]],
         "detail": {"orderId": {"from": "id", "type": "id", "required": True, "prefix": ""},
                    "due": {"from": ["due", "until"], "type": "time", "format": "%m/%d/%Y", "zone": "America/Chicago", "offset": "-1h"},
                    "count": {"from": "count", "type": "whole", "min": 1, "max": 9, "nulls": ["", 0]},
                    "rush": {"from": "rush", "type": "table", "table": [["no", False], ["yes", True]], "ignore_case": True, "default": False},
                    "who": {"fields": {"name": {"from": "who.name", "type": "string"}, "tag": {"from": "tag", "type": "string"}}},
                    "requestTime": {"text": "{received}"}}},
        {"when": {"$.kind": "pickup"}, "source": "ehr.test", "type": "PickupRequested",
         "detail": {"pickupId": {"from": "id", "type": "id", "required": True}}}],
    "confirmation": {"number": "{pickupId}", "times": {"start": "{windowStart}"}},
    "handshakes": [
        {"when": {"$.kind": "challenge"}, "answer": {"status": 200, "type": "application/json", "body": {"token": "{$.token}", "proof": "{hmac:$.token}"}}},
        {"method": "GET", "when": {"query:mode": "on"}, "answer": {"body": "{query:mode}"}}],
    "answers": {"accepted": {"status": 200, "body": "ok"}, "quarantined": {"status": 422}},
    "examples": [
        example("an order", {"kind": "order", "id": "7", "number": 1}, {"events": [became("7", who={})]}),
        example("noise", {"kind": "noise"}, {"ignored": True}, source={"timezone": "Europe/Berlin", "lab": "LAB009"}),
        example("a challenge", {"kind": "challenge", "token": "t"}, {"answer": {"token": "t", "proof": sender.hmac.digest(
            SECRET.encode(), b"t", "sha256").hex()}}),
        example("a fault", {"kind": "order", "id": "8", "count": 10, "number": 1}, {"errors": ["Invalid count"]}),
        example("forged", {"kind": "noise"}, {"refused": True}, headers={"X-Test-Signature": "00"})],
}


def lay_out(value, path=(), line=1):
    """Write JSON with every member and element on a line of its own; return its text and the line of each path."""
    if not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False), {path: line}
    lines, parts, at = {path: line}, [], line
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        at += 1
        text, below = lay_out(member, (*path, key), at)
        lines.update({**below, (*path, key): at})
        parts.append((json.dumps(key, ensure_ascii=False) + ":\t" if isinstance(value, dict) else "  ") + text)
        at += text.count("\n")
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n" + ",\n".join(parts) + f"\n{closed}", lines


def edit(definition, *changes):
    """Copy a definition with changes, each a path and a value."""
    result = json.loads(json.dumps(definition))
    for path, value in changes:
        place = result
        for step in path[:-1]:
            place = place[step]
        if value is DELETE:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return result


def put(server, definition, name="own"):
    """Write a definition to a file; return the file and the lines of its paths."""
    text, lines = lay_out(definition)
    assert json.loads(text) == definition
    return sender.write(server.directory, f"{name}.json", text), lines


def line_of(lines, path):
    """The line of a path; of one that is not there, the line of what should hold it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def run(definition):
    """Check one definition; return the result, the file, and the lines."""
    server = harness.Server()
    path, lines = put(server, definition)
    return server.cli("check", path), path, lines


def test_the_good_one():
    """The definition into which mistakes are put below has none, and does what its examples say."""
    result, path, _ = run(GOOD)
    assert (result.code, result.out, result.err) == (0, f"{path}: 5 examples become what they should\n", "")


EVENT, DETAIL, SHAKE, EXAMPLE = ("events", 1), ("events", 1, "detail"), ("handshakes", 0), ("examples", 0)
MISTAKES = [  # path, value, a word of what is said, and the path that is named if it is another
    # unknown keys, in every object whose keys are fixed
    *[((*place, "colour"), "red", "unknown key") for place in [
        (), ("scheme",), ("scheme", "secret"), ("scheme", "signature"), ("request",), ("events", 0), EVENT, (*DETAIL, "orderId"), (*DETAIL, "who"),
        (*DETAIL, "requestTime"), SHAKE, (*SHAKE, "answer"), ("answers",), ("answers", "accepted"), EXAMPLE, ("examples", 1, "source"),
        (*EXAMPLE, "expect"), (*EXAMPLE, "expect", "events", 0)]],
    # what is missing
    (("vendor",), DELETE, "is missing"), (("scheme",), DELETE, "is missing"), (("events",), DELETE, "is missing", ("event",)),
    ((*EVENT, "source"), DELETE, "is missing"), ((*EVENT, "type"), DELETE, "is missing"), (DETAIL, DELETE, "is missing"),
    ((*DETAIL, "orderId", "from"), DELETE, "is missing"), ((*DETAIL, "orderId", "type"), DELETE, "must be one of"),
    ((*SHAKE, "when"), DELETE, "is missing"), ((*SHAKE, "answer"), DELETE, "is missing"),
    *[((*EXAMPLE, key), DELETE, "is missing") for key in ("name", "at", "secret", "expect")],
    ((*EXAMPLE, "expect", "events", 0, "type"), DELETE, "is missing"), ((*EXAMPLE, "expect", "events", 0, "detail"), DELETE, "is missing"),
    # the top
    (("vendor",), 7, "must be a text"), (("vendor",), "", "must be a text"), (("vendor",), "other", "the file's name"),
    (("vendor",), "own/er", "letters, digits"),
    (("events",), {}, "must be a list"), (("events",), [], "must be a list"), (("event",), {}, "not both", ("events",)),
    # scheme
    (("scheme",), "hmac", "must be an object"), (("scheme", "kind"), "rsa", "must be one of"), (("scheme", "hash"), "md5", "must be one of"),
    (("scheme", "signature", "encoding"), "base32", "must be"), (("scheme", "secret", "encoding"), 7, "must be"),
    (("scheme", "body"), "unsigned", "does not go with what is signed"), (("scheme", "hash"), DELETE, "must be one of"),
    (("scheme", "signed"), "{boddy}", "word"), (("scheme", "signature", "list"), "  ", "one character"),
    (("scheme", "timestamp"), {"header": "X-Time", "format": "unix", "past": "soon"}, "duration", ("scheme", "timestamp", "past")),
    # request
    (("request",), [], "must be an object"), (("request", "body"), "xml", "must be one of"), (("request", "empty"), "yes", "true or false"),
    (("request", "media_types"), [], "must be a list"), (("request", "media_types", 1), 7, "must be a text"),
    (("request", "media_types", 0), "json", "no media type"), (("request", "media_types", 1), "text/x-test; v=1", "no parameters"),
    (("request", "body"), "form", "no lists", ("each",)),
    (("request", "max_body"), "17MiB", "16MiB"), (("request", "empty"), True, "empty bodies", ("events", 2, "key")),
    # each
    (("each",), 7, "must be a text"), (("each",), [], "must be a list"), (("each", 0), "a..b", "is no path"),
    (("each", 1), "a.b.c.d.e.f.g.h.i", "at most 8"), (("each", 0), "header:", "is no path"), (("each", 0), "query:rows", "into the payload", ("each",)), (("each", 1), "$x.", "is no path"),
    # events.N.when
    (("events", 0, "when"), {}, "must say something"), (("events", 0, "when"), ["x"], "must be an object"),
    (("events", 0, "when", "$.kind"), [], "must be a list"), (("events", 0, "when", "$.kind"), 1.5, "must be a text"),
    (("events", 0, "when", "$.kind"), {"a": 1}, "must be a text"), (("events", 0, "when", "$.kind", 1), None, "must be a text"),
    (("events", 0, "when", "$.kind", 0), [1], "must be a text"), ((*EVENT, "when", "a..b"), "x", "its key is no path"),
    (("events", 0, "ignore"), 1, "true or false"), (("events", 0, "type"), "Noise", "unknown key"), (("events", 0, "key"), ["id"], "unknown key"),
    (("events", 2), "pickup", "must be an object"), ((*EVENT, "when"), DELETE, "is never reached", ("events", 2)),
    ((*EVENT, "when", "id"), ["7", "*"], "must be a text", (*EVENT, "when", "id", 1)),
    ((*EVENT, "when", "header:X-Kind"), 7, "nothing else in a request's head"),
    ((*EVENT, "when", "query:kind"), ["a", True], "nothing else in a request's head", (*EVENT, "when", "query:kind", 1)),
    ((*EVENT, "when", "header:Authorization"), "*", "may hold a secret"),
    # detail
    (DETAIL, [], "must be an object"), ((*DETAIL, "orderId"), "id", "must be an object"), ((*DETAIL, "orderId", "from"), "a.", "is no path"),
    ((*DETAIL, "due", "from", 1), "query:api_key", "may hold a secret"), ((*DETAIL, "due", "format"), "unix", "seconds", (*DETAIL, "due", "zone")),
    ((*DETAIL, "count", "default"), "1", "must be a whole number"), ((*DETAIL, "who", "fields", "tag", "default"), False, "must be a text or null"),
    ((*DETAIL, "due", "from", 1), 7, "must be a text"), ((*DETAIL, "due", "from"), [], "must be a list"),
    ((*DETAIL, "orderId", "type"), "identity", "must be one of"), ((*DETAIL, "orderId", "required"), "yes", "true or false"),
    ((*DETAIL, "orderId", "default"), "none", "has no default"), ((*DETAIL, "orderId", "prefix"), "{nobody}", "word in braces"),
    ((*DETAIL, "orderId", "prefix"), "{lab", "without a }"), ((*DETAIL, "orderId", "min"), 1, "does not go with"),
    ((*DETAIL, "due", "format"), "%q", "must be iso8601"), ((*DETAIL, "due", "zone"), "Mars/Olympus", "no time zone"),
    ((*DETAIL, "due", "offset"), "1h", "must be a sign"), ((*DETAIL, "due", "table"), [], "does not go with"),
    ((*DETAIL, "count", "min"), 10, "more than max"), ((*DETAIL, "count", "max"), "9", "whole number"),
    ((*DETAIL, "count", "nulls"), [], "must be a list"), ((*DETAIL, "count", "nulls", 1), 1.5, "must be a text"),
    ((*DETAIL, "count", "format"), "unix", "does not go with"), ((*DETAIL, "rush", "table"), [], "list of pairs"),
    ((*DETAIL, "rush", "table", 1), ["yes"], "must be a pair"), ((*DETAIL, "rush", "table", 0), [None, 1], "must be a pair"),
    ((*DETAIL, "rush", "default"), {}, "must be a text"), ((*DETAIL, "rush", "ignore_case"), 1, "true or false"),
    ((*DETAIL, "who", "fields"), [], "must be an object"), ((*DETAIL, "who", "fields", "tag"), 7, "must be an object"),
    ((*DETAIL, "who", "fields", "tag", "type"), "strings", "must be one of"), ((*DETAIL, "requestTime", "text"), 7, "must be a text"),
    ((*DETAIL, "requestTime", "text"), "{requestTime}", "word in braces"),
    (("events", 2, "detail", "pickupId", "required"), False, "required id", ("events", 2, "detail", "pickupId")),
    (("events", 2, "detail", "pickupId"), DELETE, "required id"),
    # key
    ((*EVENT, "key"), "id", "list of paths"), ((*EVENT, "key"), [], "must be a list"), ((*EVENT, "key", 0), 7, "must be a text"),
    ((*EVENT, "key", 0), "header:X-Id", "is not signed"), ((*EVENT, "key", 1, 0), "query:id", "is not signed", (*EVENT, "key", 1)),
    ((*EVENT, "key", 0), ".", "no text or number"), ((*EVENT, "key", 1, 0), "$", "no text or number", (*EVENT, "key", 1)),
    ((*EVENT, "when", "header:X-Kind"), "x", "chosen by what is not signed", (*EVENT, "key")),
    (("events", 0, "when", "query:kind"), "x", "chosen by what is not signed", (*EVENT, "key")),
    (("scheme", "signed"), "{form_sorted}", "is not signed", (*EVENT, "key", 0)),
    ((*EVENT, "key", 1, 1), "$..", "is no path"), ((*EVENT, "key", 1), [], "must be a list"),
    # confirmation
    (("confirmation",), "x", "must be an object"), (("confirmation", "number"), "{pickup}", "must be a term"),
    (("confirmation", "times", "start"), {"deep": "{eta}"}, "must be a term"),
    # handshakes
    (("handshakes",), {}, "must be a list"), (("handshakes", 1), "x", "must be an object"), (("handshakes", 1, "method"), "PUT", "must be one of"),
    ((*SHAKE, "when"), {}, "must say something"), ((*SHAKE, "secret"), {"json": "token"}, "static scheme"),
    ((*SHAKE, "answer", "status"), 302, "200 to 299"), ((*SHAKE, "answer", "type"), "", "must be a text"),
    ((*SHAKE, "answer", "body"), [], "text or an object"), ((*SHAKE, "answer", "body", "token"), 7, "must be a text"),
    ((*SHAKE, "answer", "body", "token"), "{token", "without a }"), ((*SHAKE, "answer", "body", "proof"), "{hmac:}", "no path"),
    ((*SHAKE, "answer", "body", "proof"), "{}", "no path"), (("handshakes", 1, "answer", "body"), "{a..b}", "no path"),
    ((*SHAKE, "answer", "status"), 204, "has none", (*SHAKE, "answer", "body")), ((*SHAKE, "answer", "type"), "json", "no media type"),
    (("handshakes", 1, "answer", "body"), "{query:token}", "may hold a secret"),
    (("handshakes", 1, "answer", "body"), "{hmac:query:mode}", "what nobody has signed"),
    ((*SHAKE, "answer", "body", "proof"), "{hmac:header:X-Token-Like}", "may hold a secret"),
    ((*SHAKE, "answer", "body", "proof"), "{hmac:header:X-Text}", "what nobody has signed"),
    # answers
    (("answers",), [], "must be an object"), (("answers", "accepted"), "ok", "must be an object"), (("answers", "accepted", "status"), 400, "200 to 299"),
    (("answers", "accepted", "status"), 205, "has none", ("answers", "accepted", "body")), (("answers", "accepted", "type"), "text/", "no media type"),
    (("answers", "quarantined", "status"), 500, "400 to 499"), (("answers", "accepted", "body"), 7, "text or an object"),
    # examples
    (("examples",), {}, "must be a list"), (("examples",), [], "must be a list"), (("examples", 2), "x", "must be an object"),
    ((*EXAMPLE, "at"), "yesterday", "must be a time"), ((*EXAMPLE, "at"), "2026-03-04T14:30:06", "must be a time"),
    ((*EXAMPLE, "secret"), 7, "must be a text"), ((*EXAMPLE, "headers"), [], "must be an object"),
    ((*EXAMPLE, "headers", "X-Other"), 7, "must be a text"), ((*EXAMPLE, "headers", "X-Other"), ["a", 7], "must be a text", (*EXAMPLE, "headers", "X-Other", 1)),
    (("examples", 1, "source", "timezone"), "Mars/Olympus", "no time zone"), ((*EXAMPLE, "method"), 7, "must be a text"),
    ((*EXAMPLE, "expect"), {}, "must be one of"), ((*EXAMPLE, "expect", "refused"), True, "must be one of", (*EXAMPLE, "expect")),
    ((*EXAMPLE, "expect", "events"), {}, "must be a list"), ((*EXAMPLE, "expect", "events", 0), "x", "must be an object"),
    (("examples", 3, "expect", "errors", 0), 7, "must be a text"), (("examples", 1, "expect", "ignored"), 1, "true or false"),
]


def name_of(path):
    """A path as messages name it."""
    return ".".join(map(str, path))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{name_of(mistake[0])}={'' if mistake[1] is DELETE else json.dumps(mistake[1])}")
def test_mistake(mistake):
    """A mistake is named with its file, its line and its path, and nothing is said of other lines."""
    path, value, word, *other = mistake
    result, file, lines = run(edit(GOOD, (path, value)))
    named = other[0] if other else path
    assert (result.code, result.out) == (1, "")
    expected = f"{file}:{line_of(lines, named)}: {name_of(named)}: "
    assert any(line.startswith(expected) and word in line for line in result.err.splitlines()), (expected, result.err)
    assert all(re.match(rf"{re.escape(str(file))}:\d+: ", line) for line in result.err.splitlines())


def test_every_section_at_once():
    """All mistakes of a file are named in one go."""
    changes = [(("scheme", "kind"), "rsa"), (("request", "body"), "xml"), (("each", 0), ".."), ((*EVENT, "when", "id"), {}), ((*DETAIL, "due", "zone"), "X"),
               ((*EVENT, "key", 0), 7), (("confirmation", "number"), "x"), ((*SHAKE, "answer", "status"), 1), (("answers", "accepted", "status"), 1),
               ((*EXAMPLE, "at"), "x"), (("colour",), "red")]
    result, file, lines = run(edit(GOOD, *changes))
    for path, _ in changes:
        assert f"{file}:{lines[path]}: {name_of(path)}: " in result.err


@pytest.mark.parametrize("text, line, word", [
    ("", 1, "Malformed"), ("{\n\n\"vendor\": x}", 3, "Malformed"), ("{\"vendor\":\"own\",\n\"vendor\":\n\"own\"}", 2, "Duplicate"), ("[]\n", 1, "must be an object"),
    ("{}\n}", 2, "Malformed"), ("{\n\"a\": 1" + "0" * 400 + "}", 2, "out of range")])
def test_no_definition(text, line, word):
    """A file that is no JSON is named with the line where that was noticed."""
    server = harness.Server()
    path = sender.write(server.directory, "own.json", text)
    result = server.cli("check", path)
    assert result.code == 1 and re.match(rf"{path}:{line}: .*{word}", result.err), result.err


def test_a_mistake_stops_serving():
    """The same line is in what `serve` and `check` say of a configuration that uses the file."""
    server = sender.Server([oracle.source("own")], [sender.define("own")])
    wrong = edit(GOOD, ((*DETAIL, "due", "zone"), "Mars/Olympus"))
    text, lines = lay_out(wrong)
    (server.shelf / "own.json").write_text(text)
    for command in ("serve", "check"):
        result = server.cli(command)
        assert result.code == 1
        assert f"{server.shelf}/own.json:{lines[*DETAIL, 'due', 'zone']}: events.1.detail.due.zone: is no time zone\n" in result.err


# Examples.

FAILURES = [  # which example, what is changed within it, and what is said
    (0, ("expect",), {"ignored": True}, "was kept"), (0, ("expect",), {"refused": True}, "was kept"), (0, ("expect",), {"answer": "x"}, "was kept"),
    (0, ("body", "id"), "9", "was refused: "), (0, ("secret",), "another-secret-not-real", "was refused: "),
    (0, ("headers",), {}, "was refused: "), (0, ("expect", "events", 0, "type"), "OrderLost", "became a OrderPlaced"),
    (0, ("expect", "events", 0, "source"), "ehr.other", "has the source ehr.test"),
    (0, ("expect", "events", 0, "detail", "orderId"), 7, 'became {"orderId":"7"'),
    (0, ("expect", "events", 0, "detail", "more"), None, "became {"), (0, ("expect", "events", 0, "detail", "rush"), DELETE, "became {"),
    (0, ("expect", "events", 0, "detail", "requestTime"), "2026-03-04T14:30:07Z", "became {"),
    (0, ("expect", "events"), [became("7", who={}), became("8", who={})], "another number of events"),
    (0, ("expect",), {"errors": ["Missing id"]}, "another number of events"), (0, ("expect", "errors"), ["Missing id"], "lacks the fault Missing id"),
    (1, ("expect",), {"refused": True}, "was ignored"), (1, ("expect",), {"errors": ["No event fits"]}, "was ignored"),
    (2, ("expect", "answer", "proof"), "x", "was answered {"), (2, ("expect",), {"answer": "t"}, "was answered {"),
    (2, ("expect",), {"ignored": True}, "was taken for a handshake"), (3, ("expect", "errors", 0), "Missing count", "has the fault Invalid count"),
    (3, ("expect", "errors"), ["Invalid count", "Invalid due"], "lacks the fault Invalid due"),
    (3, ("expect",), {"events": [became("8", who={})]}, "has the fault Invalid count"),
    (0, ("headers", "Content-Type"), "text/plain", "would be answered 415"), (0, ("headers", "Content-Type"), ["text/json"] * 2, "would be answered 415"),
    (0, ("method",), "PUT", "would be answered 405 for its method PUT"),
    (4, ("expect",), {"ignored": True}, "was refused: "), (4, ("headers",), signed_headers({"kind": "noise"}), "was ignored"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"{failure[0]}-{name_of(failure[1])}-{failure[3]}")
def test_example_that_fails(failure):
    """An example that becomes something else is named with its line, and what became of it; the others are not."""
    number, path, value, word = failure
    definition = edit(GOOD, (("examples", number, *path), value))
    result, file, lines = run(definition)
    assert (result.code, result.out) == (1, "")
    expected = f'{file}:{lines["examples", number]}: example "{definition["examples"][number]["name"]}": '
    assert result.err.startswith(expected) and word in result.err, result.err
    assert all(line.startswith(expected) for line in result.err.splitlines())


def test_example_that_is_too_long():
    """An example that the definition's own limit would refuse fails; the limit counts the body's bytes."""
    size = len(sender.compact(GOOD["examples"][0]["body"]))
    for limit, good in ((size, True), (size - 1, False)):
        result, file, lines = run(edit(GOOD, (("request", "max_body"), str(limit)), (("examples",), GOOD["examples"][:2])))
        said = "" if good else f'{file}:{lines["examples", 0]}: example "an order": would be answered 413: it is longer than max_body\n'
        assert (result.code, result.err) == (0 if good else 1, said)


def test_example_whose_secret_is_none():
    """A secret that the scheme can't read is said of the example, and not shown."""
    definition = edit(GOOD, (("scheme", "secret", "encoding"), "hex"))
    result, file, lines = run(definition)
    assert result.code == 1
    for number, row in enumerate(definition["examples"]):
        assert f'{file}:{lines["examples", number]}: example "{row["name"]}": its secret ' in result.err
    assert SECRET not in result.err


def test_two_examples_that_fail():
    """Every one is named."""
    result, file, lines = run(edit(GOOD, (("examples", 1, "expect"), {"refused": True}), (("examples", 4, "expect"), {"ignored": True})))
    assert result.err == (f'{file}:{lines["examples", 1]}: example "noise": was ignored\n'
                          f'{file}:{lines["examples", 4]}: example "forged": was refused: X-Test-Signature: {result.err.strip().rsplit(": ")[-1]}\n')


def test_no_examples():
    """A definition without examples is good, and that is said."""
    result, file, _ = run(edit(GOOD, (("examples",), DELETE)))
    assert (result.code, result.out, result.err) == (0, f"{file}: no mistakes; it has no examples\n", "")


def test_several_files():
    """All files are looked at, in their order, whatever is wrong with one of them."""
    server = harness.Server()
    good, _ = put(server, GOOD)
    wrong, lines = put(server, edit(GOOD, (("vendor",), "wrong"), (("each", 0), "..")), "wrong")
    missing = server.directory / "missing.json"
    assert server.cli("check", good, good).code == 0
    for files in ((good, wrong, missing), (missing, wrong, good)):
        result = server.cli("check", *files)
        said = {good: None, wrong: f"{wrong}:{lines['each', 0]}: each.0: ", missing: f"{missing}: No such file"}
        assert (result.code, result.out) == (1, f"{good}: 5 examples become what they should\n")
        for line, begins in zip(result.err.splitlines(), [said[file] for file in files if said[file]], strict=True):
            assert line.startswith(begins)


@pytest.mark.parametrize("kind", ["missing", "a directory", "too long"])
def test_file_that_cannot_be_read(kind):
    """A file that can't be read is named with the reason."""
    server = harness.Server()
    path = server.directory / "own.json"
    if kind == "a directory":
        path.mkdir()
    elif kind == "too long":
        path.write_text(" " * 1024 * 1024 + "{}")
    result = server.cli("check", path)
    assert (result.code, result.out) == (1, "") and result.err.startswith(f"{path}: ") and result.err.count("\n") == 1


def test_files_need_no_configuration():
    """Files are checked without the configuration, which may be broken or missing."""
    server = harness.Server()
    path, _ = put(server, GOOD)
    assert server.cli("check", path, config="/nonexistent").code == 0


def test_examples_of_the_configuration():
    """`check` runs the examples of the definitions that are used; one that fails is named, and makes it fail."""
    server = sender.Server([oracle.source("own"), oracle.source("slack")], [GOOD])
    result = server.cli("check")
    assert (result.code, result.err) == (0, "")
    assert f"{server.shelf}/own.json: 5 examples become what they should\n" in result.out
    assert f"{server.shelf}/slack.json: 9 examples become what they should\n" in result.out
    text, lines = lay_out(edit(GOOD, (("examples", 1, "expect"), {"refused": True})))
    (server.shelf / "own.json").write_text(text)
    result = server.cli("check")
    assert (result.code, result.err) == (1, f'{server.shelf}/own.json:{lines["examples", 1]}: example "noise": was ignored\n')


# Warnings.

STATIC = {**sender.define("static"), "scheme": {"kind": "static", "signature": {"header": "X-Token"}}}
BASIC = {**sender.define("basic"), "scheme": {"kind": "basic", "signature": {"header": "Authorization"}}}


def test_sources_that_sign_nothing_and_are_open():
    """Where no byte of the body is authentic and anybody may send, `check` says so; it is no mistake."""
    definitions = [sender.define("signed"), STATIC, BASIC, {**STATIC, "vendor": "third"}]
    server = sender.serve(*definitions)
    server.sources["basic"] = replace(server.sources["basic"], secret="lab:basic-test-secret-not-real")
    server.write_config()
    result = server.cli("check")
    warned = re.findall(r"^warning: (\S+) authenticates no byte of the body; set allow_from$", result.out, re.MULTILINE)
    assert (result.code, result.err) == (0, "") and warned == ["static", "basic", "third"]
    for name, change in (("static", {"allow_from": "192.0.2.0/24"}), ("basic", {"enabled": "no"})):
        server.sources[name] = replace(server.sources[name], **change)
    server.write_config()
    assert re.findall(r"^warning: (\S+) ", server.cli("check").out, re.MULTILINE) == ["third"]


def test_lists_tokens():
    """Every token is there with its role, its organization and what it may publish as, and without its text; so is that there is none."""
    server = lab.Server()
    listed = server.cli("check")
    rows = [line.split(maxsplit=3) for line in listed.out.partition("TOKEN ")[2].partition("\n\n")[0].splitlines()[1:]]
    assert rows == [["default", "admin", "default", "any but our own"], ["read", "read", "default", "-"], ["work", "work", "default", "-"],
                    ["publish", "publish", "default", "any but our own"], ["other", "admin", "other", "any but our own"],
                    ["portal", "publish", "default", "crm.portal, crm.kiosk"]]
    assert not [token for token in server.tokens.values() if token in listed.out + listed.err]
    bare = harness.Server()
    bare.variables["PICKUPD_API_TOKEN"] = ""
    assert "The private API has no token, and answers 401.\n" in bare.cli("check").out
