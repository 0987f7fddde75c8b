"""Programs of the lab publish events: each stands or falls alone, and what is answered is on disk."""
import json

import pytest

import harness
import lab
import oracle

PICKUP = {"pickupId": "P-1", "clinicId": "CLI-001", "windowStart": "2026-01-20T13:00:00Z", "windowEnd": "2026-01-20T15:00:00Z"}
CASE = {"caseId": "C-1", "labId": "LAB001", "clinicId": "CLI-001", "requestedDeliveryDate": "2026-01-20", "patientName": "Quentin Madeup-Publisher"}
DELIVERY = {"caseIds": ["C-1"], "clinicId": "CLI-001", "deliveredAt": "2026-01-20T13:00:00Z", "proofOfDelivery": {"signatureUrl": "https://proof.example/1"}}
OTHER_CONTENT = "Invalid id: known with other content"


@pytest.fixture(scope="module")
def server():
    """A server that nothing else publishes to."""
    with lab.Server() as running:
        yield running


def known_as(source, key, org="default"):
    """The id of an event that its publisher has given an id."""
    return oracle.event_id(source, f"{org}\n{key}".encode(), b"publish")


def test_names_that_a_terminal_would_act_upon(server):
    """Whoever looks at an event that somebody published has nothing in its names that his terminal acts upon."""
    [result] = server.publish(lab.envelope(detail={"a\x1b[31m": 1, "b\u009b31m": {"c\x7f": "d\x1b[2J"}}))
    for form in ([], ["--show-phi"]):
        shown = server.cli("events", "show", result["eventId"], *form)
        assert shown.code == 0 and shown.out.replace("\n", "").isprintable()
    assert "a?[31m " in shown.out and "b?31m.c? " in shown.out  # Asked for; else they are hidden.


def test_one_event(server):
    """A single envelope is answered 201, and stands in the log as it was published."""
    event = lab.envelope(detail={"b": 1, "a": {"c": None}}, time="2026-01-20T14:00:00.250+01:00")
    before = harness.now()
    answer = server.api("POST", "/v1/events", event, "publish")
    assert answer.status == 201, answer.body
    result = answer.json
    assert result == {"result": "stored", "eventId": result["eventId"], "seq": result["seq"]}
    row = server.event(result["eventId"])
    assert (row["seq"], row["origin"], row["source"], row["detail_type"], row["org"]) == (result["seq"], "crm.portal", "crm.portal", "Noted", "default")
    assert json.loads(row["detail"]) == event["detail"]
    assert row["time"] == 1768914000250 < before


def test_without_a_time_it_is_the_arrival(server):
    """An event whose envelope has no time bears the time of its arrival."""
    before = harness.now()
    [result] = server.publish(lab.envelope())
    assert before <= server.event(result["eventId"])["time"] <= harness.now()


def test_without_an_id_each_is_new(server):
    """The same event without an id is another one each time."""
    event = lab.envelope()
    results = server.publish(event, event)
    assert [one["result"] for one in results] == ["stored", "stored"]
    assert results[0]["eventId"] != results[1]["eventId"] and results[1]["seq"] == results[0]["seq"] + 1


def test_the_id_is_a_key(server):
    """With an id an event is known by org, source and id, however its JSON is written; other content is rejected."""
    event = lab.envelope(id=harness.fresh(), detail={"a": 1, "b": [1.5, "é"]})
    first, again, other, typed, timed = server.publish(
        event, {**event, "detail": {"b": [1.5, "é"], "a": 1}}, {**event, "detail": {"a": 2}}, {**event, "detailType": "Other"},
        {**event, "time": "2026-01-20T13:00:00Z"})
    assert (first["result"], first["eventId"]) == ("stored", known_as("crm.portal", event["id"]))
    assert again == {"result": "duplicate", "eventId": first["eventId"]}
    assert [other, typed, timed] == [{"result": "rejected", "errors": [OTHER_CONTENT]}] * 3
    assert json.loads(server.event(first["eventId"])["detail"]) == event["detail"]
    elsewhere, = server.publish({**event, "source": "crm.kiosk"})
    assert (elsewhere["result"], elsewhere["eventId"]) == ("stored", known_as("crm.kiosk", event["id"]))
    other_org, = server.publish({**event, "detail": {}}, token="other")
    assert (other_org["result"], other_org["eventId"]) == ("stored", known_as("crm.portal", event["id"], "other"))


def test_one_event_that_is_known(server):
    """A single envelope that is known is answered 200, or 422 if it says something else."""
    event = lab.envelope(id=harness.fresh())
    assert server.api("POST", "/v1/events", event, "publish").status == 201
    again = server.api("POST", "/v1/events", event, "publish")
    assert (again.status, again.json) == (200, {"result": "duplicate", "eventId": known_as("crm.portal", event["id"])})
    other = server.api("POST", "/v1/events", {**event, "detail": {}}, "publish")
    assert other.status == 422 and other.problem["errors"] == [OTHER_CONTENT]


def test_all_faults_at_once(server):
    """A single envelope that is rejected is answered 422 with all of its faults."""
    event = {"id": "", "source": "portal", "time": "yesterday", "detail": []}
    answer = server.api("POST", "/v1/events", event, "publish")
    assert answer.status == 422 and answer.problem["errors"] == ["Invalid id", "Invalid source", "Missing detailType", "Invalid time", "Invalid detail"]


RESERVED = "Invalid source: nobody but pickupd publishes as that"


@pytest.mark.parametrize("source", ["ehr.dentrix", "ehr.new", "logistics.pickups", "logistics.deliveries", "finance.billing",
                                    "pickupd.dispatch"])
def test_our_own_sources(server, source):
    """Nobody else publishes as the vendors or as we do."""
    assert server.publish(lab.envelope(source=source), token="admin") == [{"result": "rejected", "errors": [RESERVED]}]


@pytest.mark.parametrize("source,kind,detail", [("crm.portal", "PickupRequested", PICKUP), ("cases.production", "CaseReadyToShip", CASE),
                                                ("logistics.driver", "DeliveryCompleted", DELIVERY)])
def test_checked_by_their_types(server, source, kind, detail):
    """What the flows act on is checked; the same detail of another source or type is none of their business."""
    good = lab.envelope(source=source, detailType=kind, detail=detail)
    missing = {**good, "detail": {name: value for name, value in detail.items() if name != "clinicId"}}
    wrong = {**good, "time": 1, "detail": {**detail, "clinicId": 7}}
    results = server.publish(good, missing, wrong, {**missing, "detailType": "Other"}, {**missing, "source": "other.place"})
    assert [one["result"] for one in results] == ["stored", "rejected", "rejected", "stored", "stored"]
    assert results[1]["errors"] == ["Missing detail.clinicId"]
    assert results[2]["errors"] == ["Invalid time", "Invalid detail.clinicId"]


def test_roles_and_sources(server):
    """Only publishers and administrators publish, and those with a list of sources only as one of them."""
    for token, status in (("read", 403), ("work", 403), ("nobody", 401), ("publish", 201), ("admin", 201)):
        assert server.api("POST", "/v1/events", lab.envelope(), token).status == status, token
    results = server.publish(*(lab.envelope(source=source) for source in ("crm.portal", "crm.kiosk", "crm.other")), token="portal")
    assert [one["result"] for one in results] == ["stored", "stored", "rejected"]
    assert results[2]["errors"] == ["Invalid source: none that the token may publish as"]


def test_bodies(server):
    """A batch has at most 1,000 events; what is neither an object nor a list is no event."""
    count = len(server.events())
    many = server.api("POST", "/v1/events", [lab.envelope()] * 1001, "publish")
    assert many.status == 422 and many.problem["detail"] == "The list has more than 1000 events"
    text = server.api("POST", "/v1/events", "text", "publish")
    assert text.status == 422 and text.problem["errors"] == ["Invalid event: is no object"]
    assert server.api("POST", "/v1/events", [], "publish").json["results"] == []
    assert server.publish(7, None, []) == [{"result": "rejected", "errors": ["Invalid event: is no object"]}] * 3
    assert len(server.events()) == count


def batch():
    """1,000 events, of which each tenth is rejected, and each of the ninth is one of those before; and what must become of them."""
    events, wanted = [], []
    for number in range(1000):
        if number % 10 == 9:
            events.append(lab.envelope(detailType=None))
            wanted.append("rejected")
        elif number % 10 == 8:
            events.append(events[-3])
            wanted.append("duplicate")
        else:
            events.append(lab.envelope(id=harness.fresh(), detail={"number": number}))
            wanted.append("stored")
    return events, wanted


def check_batch(server, events, wanted, results):
    """Each has its own result, in its place, and what is stored is in the log in the same order."""
    assert [one["result"] for one in results] == wanted
    assert all(one["errors"] == ["Missing detailType"] for one in results if one["result"] == "rejected")
    stored = [(one["eventId"], one["seq"], event["detail"]) for one, event in zip(results, events) if one["result"] == "stored"]
    rows = [(row["id"], row["seq"], json.loads(row["detail"])) for row in server.events()][-len(stored):]
    assert rows == stored


def test_a_batch_with_mixed_results():
    """A batch is one transaction, and is still known after a kill and after a restart."""
    events, wanted = batch()
    with lab.Server() as server:
        answer = server.api("POST", "/v1/events", events, "publish").json
        assert {name: answer[name] for name in ("stored", "duplicates", "rejected")} == {"stored": 800, "duplicates": 100, "rejected": 100}
        check_batch(server, events, wanted, answer["results"])
        again = ["rejected" if one == "rejected" else "duplicate" for one in wanted]
        server.kill()
        server.start()
        assert [one["result"] for one in server.publish(*events)] == again
        server.restart()
        assert [one["result"] for one in server.publish(*events)] == again
        assert len(server.events()) == 800
        changed = {**events[0], "detail": {}}
        assert server.publish(changed) == [{"result": "rejected", "errors": [OTHER_CONTENT]}]


def test_nothing_reaches_the_log(server):
    """Neither what is in a detail nor a token is logged, whether it was stored or not."""
    server.publish(lab.envelope(detail={"patientName": "Wilhelmina Madeup-Logged"}), lab.envelope(detailType=None, detail={"patientName": "Wilhelmina Madeup-Logged"}))
    text = "".join(server.log.lines)
    assert "Wilhelmina" not in text and not any(token in text for token in server.tokens.values())
