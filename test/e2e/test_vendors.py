"""The shipped definitions: each passes its own check, and does on a running server what its examples say."""
import json
from datetime import datetime, timezone

import pytest

import harness
import ledger
import oracle
import sender

DEFINITIONS = {name: sender.load(name) for name in sender.NAMES}
CASES = [pytest.param(name, example, id=f"{name}-{example['name']}") for name in sender.NAMES for example in DEFINITIONS[name]["examples"]]
SETTINGS = {"timezone": "zone", "lab": "lab", "public_url": "public_url", "id_prefix": "id_prefix", "clinic_prefix": "clinic_prefix"}
INVENTED = "-not-real"  # Secrets that vendors have published are words such as any log holds by accident.


def test_they_are_there():
    """No definition is missed by the tests below because of its name."""
    assert len(sender.NAMES) >= 19 and {path.name for path in sender.SHELF.iterdir()} == {f"{name}.json" for name in sender.NAMES}


@pytest.mark.parametrize("name", sender.NAMES)
def test_check(name):
    """It passes its check, which says how many examples it has; of these at least three, and one that is refused."""
    path, examples = sender.SHELF / f"{name}.json", DEFINITIONS[name]["examples"]
    result = harness.Server().cli("check", path)
    assert (result.code, result.out, result.err) == (0, f"{path}: {len(examples)} examples become what they should\n", "")
    assert len(examples) >= 3 and any("refused" in example["expect"] for example in examples)
    assert any("events" in example["expect"] for example in examples)
    assert len({example["name"] for example in examples}) == len(examples)


@pytest.mark.parametrize("name", sender.NAMES)
def test_about(name):
    """It bears its file's name, and says against what it was checked; the template, which is nobody's, asks for that."""
    definition = DEFINITIONS[name]
    assert definition["vendor"] == name
    wanted = "which facts you have checked and how." if name == "template" else "Checked against "
    assert [line for line in definition["about"] if wanted in line]


@pytest.mark.parametrize("name", sender.NAMES)
def test_every_kind_of_event_has_an_example(name):
    """No rule, no handshake and no answer is shipped that no example has tried."""
    definition = DEFINITIONS[name]
    expected = [example["expect"] for example in definition["examples"]]
    kinds = {event["type"] for expect in expected for event in expect.get("events", [])}
    rules = definition.get("events") or [definition["event"]]
    assert kinds == {rule["type"] for rule in rules if not rule.get("ignore")}
    assert any("ignored" in expect for expect in expected) or not any(rule.get("ignore") for rule in rules)
    assert sum("answer" in expect for expect in expected) >= len(definition.get("handshakes", []))


# On a running server.


def body_of(example):
    """The bytes of an example's body."""
    body = example.get("body", "")
    return body.encode() if isinstance(body, str) else sender.compact(body)


def follow(path, value):
    """Where a path of names and numbers leads; None if nowhere."""
    for step in [] if path == "$" else path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def is_batch(definition, example):
    """Whether an example's body holds a list of rows."""
    each = definition.get("each", [])
    rows = [follow(path, example.get("body")) for path in ([each] if isinstance(each, str) else each)]
    return isinstance(next((row for row in rows if row is not None), None), list)


def has_clock(definition):
    """Whether its requests are good for a while only."""
    return "timestamp" in definition["scheme"]


def url_of(example):
    """The URL that some schemes sign."""
    query = example.get("query", "")
    return example.get("source", {}).get("public_url", "") + (f"?{query}" if query else "")


def headers_of(definition, example):
    """An example's headers; signed anew where the scheme has a clock and the example is good."""
    headers = [(key, value) for key, values in example.get("headers", {}).items()
               for value in (values if isinstance(values, list) else [values])]
    scheme = definition["scheme"]
    if not has_clock(definition) or "refused" in example["expect"]:
        return headers
    ident = example["headers"].get(scheme.get("id", {}).get("header"), "msg_1")
    fresh = sender.sign(scheme, example["secret"], body_of(example), ident=ident, url=url_of(example))
    names = {key.lower() for key, _ in fresh}
    return [(key, value) for key, value in headers if key.lower() not in names] + fresh


def source_of(name, example):
    """A source with an example's settings; its secret comes apart from it, as some are too short to be looked for in logs."""
    settings = {SETTINGS[key]: value for key, value in example.get("source", {}).items()}
    return oracle.source(name, secret=None, **{"zone": None, **settings})


def status_of(definition, example):
    """What an example is answered with."""
    expect, answers = example["expect"], definition.get("answers", {})
    if "refused" in expect:
        return 401
    if "errors" in expect and not is_batch(definition, example):
        return answers.get("quarantined", {}).get("status", 400)
    return 200


def counts_of(definition, example, counted, held):
    """What is counted of an example; how many rows of a batch are ignored is not said there."""
    expect = example["expect"]
    ignored = counted.get("ignored", 0) if is_batch(definition, example) else "ignored" in expect
    counts = {"accepted": len(expect.get("events", [])), "quarantined": held, "ignored": ignored, "handshake": "answer" in expect,
              "refused": "refused" in expect}
    return {outcome: int(count) for outcome, count in counts.items() if count}


def same(one, other):
    """Whether two JSON values are the same; in Python 1 is 1.0 and True, too."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def check_events(server, example, before, after):
    """The log holds what the example says, and the time of its receipt is now."""
    expected, rows = example["expect"].get("events", []), server.events()
    assert len(rows) == len(expected)
    for row, event in zip(rows, expected):
        assert row["detail_type"] == event["type"] and row["source"] == event.get("source", row["source"])
        assert before <= row["time"] <= after
        received = oracle.iso(datetime.fromtimestamp(row["time"] / 1000, timezone.utc))
        assert same(json.loads(row["detail"]), {**event["detail"], "requestTime": received})
        assert event["detail"]["requestTime"] == example["at"]


@pytest.mark.parametrize("name, example", CASES)
def test_example(name, example):
    """What an example says becomes of a request becomes of it on a server, too."""
    definition = DEFINITIONS[name]
    if has_clock(definition) and definition["scheme"]["kind"] != "hmac" and "refused" not in example["expect"]:
        pytest.skip("its time has passed, and nobody but its sender could sign it anew")
    server = sender.Server([source_of(name, example)])
    server.add_secret(name, "example", example["secret"])
    if example["secret"].endswith(INVENTED):
        ledger.SECRETS.add(example["secret"])
    request = sender.Request(body_of(example), headers_of(definition, example), example.get("method", "POST"), example.get("query", ""))
    expect = example["expect"]
    with server:
        before = harness.now()
        answer = request.send(server, name)
        assert answer.status == status_of(definition, example), answer.body
        check_events(server, example, before, harness.now())
        held = server.query("SELECT faults, body FROM quarantine ORDER BY rowid")
        assert [fault for row in held for fault in json.loads(row["faults"])] == expect.get("errors", [])
        assert server.counted(name) == counts_of(definition, example, server.counted(name), len(held))
        if "answer" in expect:
            assert answer.body == expect["answer"].encode() if isinstance(expect["answer"], str) else same(answer.json, expect["answer"])
        if "events" in expect and "errors" not in expect:
            again = request.send(server, name)
            assert again.status == answer.status and len(server.events()) == len(expect["events"])
            assert server.counted(name)["duplicate"] == len(expect["events"])


def test_most_examples_run_here():
    """Only those whose time nobody can sign anew are skipped above, and these are of one vendor."""
    skipped = {name for name, definition in DEFINITIONS.items() if has_clock(definition) and definition["scheme"]["kind"] != "hmac"}
    assert skipped == {"sendgrid"}
