"""The flows end to end: an event in, a pickup, a delivery or an invoice out, and what the dispatcher is told."""
import json
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import harness
import oracle
import process
import pytest
import wire

NEW_YORK = ZoneInfo("America/New_York")
TODAY = datetime.now(NEW_YORK).date()  # Also where the tests go on beyond midnight.
ALL_DAY = [{"open": "00:00", "close": "24:00"}]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def keep_off_midnight(*zones):
    """Return when no day begins soon: in the middle of a test, it and the server could be of two minds about what today is."""
    while any((datetime.now(zone) + timedelta(seconds=10)).date() != datetime.now(zone).date() for zone in zones):
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def same_day():
    """By the clocks of all clinics here."""
    keep_off_midnight(NEW_YORK)


@pytest.fixture(scope="module")
def flows():
    """A server whose flows are on, as by default."""
    with harness.Server(settings={"flows": "on"}) as running:
        yield running


def iso(when):
    """A time as the wire has it."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def at(days, hour, minute=0):
    """A time by New York's clocks, so many days from today."""
    day = TODAY + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


def clinic(server, hours=None, **more):
    """Put a clinic that is always open, or when it says, and return its id."""
    name = harness.fresh()
    document = {"clinicId": name, "name": "Invented Dental", "timezone": "America/New_York", **more}
    document["operatingHours"] = hours if hours is not None else {day: ALL_DAY for day in DAYS}
    answer = server.api("PUT", f"/v1/clinics/{name}", document)
    assert answer.status == 201, answer.body
    return name


def settled(server):
    """Wait until the flows have looked at every event, and have nothing left to try at once."""
    deadline = time.monotonic() + wire.TIMEOUT
    while True:
        [row] = [row for row in server.api("GET", "/v1/consumers").json["consumers"] if row["name"] == "flows"]
        if not row["lag"] and not row["inFlight"] and not row["waiting"]:
            return row
        assert time.monotonic() < deadline, row


def get(server, path):
    """Look at something that is there once the flows have settled."""
    settled(server)
    return server.api("GET", path)


def publish(server, source, kind, detail, **more):
    """Publish an event that must be stored."""
    answer = server.api("POST", "/v1/events", {"source": source, "detailType": kind, "detail": detail, **more})
    assert answer.status in (200, 201) and answer.json["result"] == "stored", answer.body
    return answer.json["eventId"]


def notifications(server, **detail):
    """What the dispatcher is told with these fields, once it is known what became of it."""
    settled(server)
    deadline = time.monotonic() + wire.TIMEOUT
    while server.api("GET", "/v1/notifications?state=pending").json["notifications"]:
        assert time.monotonic() < deadline
    rows = server.api("GET", "/v1/notifications?limit=1000").json["notifications"]
    return [row for row in rows if detail.items() <= row["detail"].items()]


def webhook(server, clinic_id, when, **more):
    """Post a webhook of Dentrix, and return its pickup's id."""
    answer = server.post("dentrix", oracle.payload(oracle.DENTRIX, **{"id": harness.fresh(), "clinic": clinic_id, "time": iso(when), "lab": "LAB001", **more}))
    assert answer.status == 200, answer.body
    return answer.json["pickupId"]


def test_a_webhook_becomes_a_pickup(flows):
    """Signed by a practice system, it is a Pending pickup with its window; a rush tells the dispatcher whom to call."""
    when = at(2, 14)
    pickup_id = webhook(flows, clinic(flows), when, priority=1, contact="Dr. Samplo Invented", phone="555-0199")
    pickup = get(flows, f"/v1/pickups/{pickup_id}").json
    assert (pickup["status"], pickup["priority"], pickup["origin"], pickup["labId"]) == ("Pending", "RUSH", "dentrix", "LAB001")
    assert pickup["window"] == {"start": iso(when - timedelta(hours=1)), "end": iso(when + timedelta(hours=1))}
    process.wait_until(lambda: notifications(flows, pickupId=pickup_id)[0]["state"] == "kept")
    [notice] = notifications(flows, pickupId=pickup_id)
    assert notice["kind"] == "pickup.rush"
    assert "Dr. Samplo Invented" in json.dumps(notice["detail"]) and "555-0199" in json.dumps(notice["detail"])


@pytest.mark.parametrize("vendor", oracle.VENDORS.values(), ids=oracle.VENDORS)
def test_confirmation_in_the_vendors_words(flows, vendor):
    """A pickup's state in the words of its practice system; with a driver once there is one."""
    name = clinic(flows)
    when = at(3, 10)
    sent = when.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S") if vendor is oracle.OPENDENTAL else iso(when)
    number = harness.fresh()
    pickup_id = flows.post(vendor.name, oracle.payload(vendor, id=number, clinic=name, time=sent)).json["pickupId"]
    settled(flows)
    moved = flows.api("POST", f"/v1/pickups/{pickup_id}/status", {"status": "Assigned", "eta": iso(when),
                                                                 "driver": {"name": "Testa Driver", "phone": "555-0111"}})
    assert moved.status == 200, moved.body
    said = flows.api("GET", f"/v1/pickups/{pickup_id}?as={vendor.name}").json
    words = {"dentrix": ("externalId", "confirmationNumber", "status", "scheduledTime", "estimatedArrival"),
             "opendental": ("LabCaseNum", "ConfirmationNum", "Status", "ScheduledDateTime", "EstimatedArrival"),
             "eaglesoft": ("caseId", "confirmationId", "status", "scheduledPickup", "eta")}[vendor.name]
    assert [said[word] for word in words] == [number, pickup_id, "Assigned", iso(when - timedelta(hours=1)), iso(when)]
    driver = {"dentrix": {"driverInfo": {"name": "Testa Driver", "phone": "555-0111"}},
              "opendental": {"DriverName": "Testa Driver", "DriverPhone": "555-0111"},
              "eaglesoft": {"driver": {"name": "Testa Driver", "contact": "555-0111"}}}[vendor.name]
    assert driver.items() <= said.items()


def test_an_unknown_clinic_then_added(flows):
    """Dead at once, and the dispatcher is told; saving the clinic retries it by itself."""
    name = harness.fresh()
    pickup_id = webhook(flows, name, at(2, 9))
    settled(flows)
    assert flows.api("GET", f"/v1/pickups/{pickup_id}").status == 404
    letters = flows.api("GET", "/v1/consumers/flows/dead?limit=1000").json["deadLetters"]
    [letter] = [letter for letter in letters if letter["event"]["detail"]["pickupId"] == pickup_id]
    assert letter["attempts"] == 1
    assert notifications(flows, eventId=letter["event"]["id"])[0]["kind"] == "dead_letter"
    flows.api("PUT", f"/v1/clinics/{name}", {"clinicId": name, "name": "Late Dental", "timezone": "America/New_York"})
    assert get(flows, f"/v1/pickups/{pickup_id}").json["status"] == "Pending"


def test_outside_the_hours(flows):
    """A time outside the clinic's hours makes no pickup; the reason and the next window that fits are kept."""
    hours = {day: [{"open": "09:00", "close": "17:00"}] for day in DAYS}
    name = clinic(flows, hours)
    pickup_id = webhook(flows, name, at(2, 20))
    settled(flows)
    letters = flows.api("GET", "/v1/consumers/flows/dead?limit=1000").json["deadLetters"]
    [letter] = [letter for letter in letters if letter["event"]["detail"]["pickupId"] == pickup_id]
    assert iso(at(3, 9)) in json.dumps(letter["history"][-1]["more"])
    clipped = webhook(flows, name, at(2, 16, 30))
    window = get(flows, f"/v1/pickups/{clipped}").json["window"]
    assert window == {"start": iso(at(2, 15, 30)), "end": iso(at(2, 17))}


def test_status_moves(flows):
    """A pickup goes its way step by step; a jump is refused, and every step is an event."""
    pickup_id = webhook(flows, clinic(flows), at(1, 12))
    settled(flows)
    path = f"/v1/pickups/{pickup_id}/status"
    assert flows.api("POST", path, {"status": "Completed"}).status == 409
    for status in ("Assigned", "EnRoute", "Arrived", "Completed"):
        assert flows.api("POST", path, {"status": status}).json["status"] == status
    assert flows.api("POST", path, {"status": "Cancelled"}).status == 409
    moved = [row for row in flows.api("GET", "/v1/events?detailType=PickupStatusChanged&limit=1000").json["events"] if row["detail"]["id"] == pickup_id]
    assert [(row["detail"]["from"], row["detail"]["to"]) for row in reversed(moved)] == [
        ("Pending", "Assigned"), ("Assigned", "EnRoute"), ("EnRoute", "Arrived"), ("Arrived", "Completed")]
    assert {row["source"] for row in moved} == {"logistics.pickups"} and {row["detail"]["by"] for row in moved} == {"default"}


def case(clinic_id, case_id=None, days=3, **more):
    """A case that is ready."""
    day = TODAY + timedelta(days=days)
    return {"caseId": case_id or harness.fresh(), "labId": "LAB001", "clinicId": clinic_id, "requestedDeliveryDate": day.isoformat(), **more}


def deliveries(server, clinic_id):
    """A clinic's deliveries, with their cases."""
    rows = get(server, f"/v1/deliveries?clinicId={clinic_id}").json["deliveries"]
    return [server.api("GET", f"/v1/deliveries/{row['deliveryId']}").json for row in rows]


def test_cases_race_for_one_delivery(flows):
    """Cases for one lab, clinic and date share a delivery, also in one batch; the highest priority counts."""
    name = clinic(flows)
    batch = [{"source": "cases.production", "detailType": "CaseReadyToShip", "detail": case(name, priority=priority, notes=f"note {priority}",
                                                                                          packageSpecs={"weight": 0.5, "fragile": True})}
             for priority in ("STANDARD", "RUSH")]
    assert flows.api("POST", "/v1/events", batch).json["stored"] == 2
    [delivery] = deliveries(flows, name)
    assert delivery["priority"] == "RUSH" and delivery["status"] == "Pending"
    assert [row["caseId"] for row in delivery["cases"]] == [one["detail"]["caseId"] for one in batch]
    assert get(flows, f"/v1/deliveries?clinicId={name}").json["deliveries"][0]["caseIds"] == [one["detail"]["caseId"] for one in batch]
    assert delivery["notes"].split("\n") == ["note STANDARD", "note RUSH"]
    assert delivery["cases"][0]["detail"]["packageSpecs"] == {"weight": 0.5, "fragile": True}
    assert [row["kind"] for row in notifications(flows, deliveryId=delivery["deliveryId"])] == ["delivery.rush"]
    publish(flows, "cases.production", "CaseReadyToShip", batch[0]["detail"])
    assert len(deliveries(flows, name)[0]["cases"]) == 2


def test_many_cases(flows):
    """A delivery takes 200 cases and 32 KiB of notes; further cases go with another. What a driver leaves goes on in one that takes it."""
    name = clinic(flows)
    details = [case(name, notes="n" * 1000) for _ in range(201)]
    batch = [{"source": "cases.production", "detailType": "CaseReadyToShip", "detail": detail} for detail in details]
    assert flows.api("POST", "/v1/events", batch).json["stored"] == 201
    first, second = deliveries(flows, name)
    assert [len(one["cases"]) for one in (first, second)] == [200, 1]
    assert len(first["notes"]) == 32 * 1001 - 1 and first["cases"][199]["detail"]["notes"] == "n" * 1000
    publish(flows, "logistics.driver", "DeliveryCompleted", delivered(name, [details[0]["caseId"]]))
    cases = {one["status"]: [] for one in deliveries(flows, name)}
    for one in deliveries(flows, name):
        cases[one["status"]].append(len(one["cases"]))
    assert cases == {"Delivered": [1], "Pending": [200]} and len(deliveries(flows, name)) == 2


def delivered(clinic_id, cases, **more):
    """What a driver reports."""
    return {"stopId": "S-1", "routeId": "R-1", "caseIds": cases, "clinicId": clinic_id, "deliveredAt": iso(datetime.now(timezone.utc)),
            "deliveredBy": {"driverId": "D-1", "driverName": "Testa Driver"}, "receivedBy": {"name": "Rita Invented", "title": "Desk"},
            "proofOfDelivery": {"signatureUrl": "https://example.com/signature", **more}}


def test_a_delivery_is_completed(flows):
    """Its deliveries and invoices become Delivered, billing is triggered once, and a case without an invoice is reported."""
    name = clinic(flows)
    first, second, bare = (harness.fresh() for _ in range(3))
    for one in (first, second, bare):
        publish(flows, "cases.production", "CaseReadyToShip", case(name, one))
    invoice = {"clinicId": name, "amountMinor": 12500, "currency": "USD"}
    for number, cases, status in (("I-" + first, [first], "Issued"), ("I-" + second, [second], "Paid")):
        assert flows.api("PUT", f"/v1/invoices/{number}", {**invoice, "caseIds": cases, "status": status}).status == 201
    event = publish(flows, "logistics.driver", "DeliveryCompleted", delivered(name, [first, second, bare]))
    [delivery] = deliveries(flows, name)
    assert delivery["status"] == "Delivered" and delivery["proof"]
    issued, paid = (flows.api("GET", f"/v1/invoices/I-{one}").json for one in (first, second))
    assert (issued["status"], paid["status"]) == ("Delivered", "Paid")
    assert "https://example.com/signature" in json.dumps(issued["delivered"]) and "Rita Invented" in json.dumps(paid["delivered"])
    billing = [row for row in flows.api("GET", "/v1/events?detailType=BillingTriggered&limit=1000").json["events"] if "I-" + first in json.dumps(row["detail"])]
    assert len(billing) == 1 and billing[0]["source"] == "finance.billing"
    missing = [row for row in notifications(flows) if row["kind"] == "invoices.missing" and bare in json.dumps(row["detail"])]
    assert len(missing) == 1
    way = {step["consumer"]: step["state"] for step in flows.api("GET", f"/v1/events/{event}").json["consumers"]}
    assert way["flows"] == "done"


def test_a_pickup_that_was_a_schedule_for_a_while(flows):
    """The schedule cancels the pickup of its id; without it again, the dispatcher is told, as nothing that was accepted may vanish."""
    start = at(1, 9)
    detail = {"pickupId": harness.fresh(), "clinicId": clinic(flows), "windowStart": iso(start), "windowEnd": iso(start + timedelta(hours=2))}
    schedule = {"frequency": "DAILY", "timeWindow": {"start": "09:00", "end": "11:00"}}
    for one in (detail, {**detail, "recurringSchedule": schedule}, detail):
        publish(flows, "crm.portal", "PickupRequested", one)
    assert [row["kind"] for row in notifications(flows, pickupId=detail["pickupId"])] == ["pickup.refused"]


def test_saving_what_is_there_tries_nothing_again(flows):
    """A clinic that is put as it is revives no dead letter, so nobody is told twice; with other hours it does."""
    hours = {day: [{"open": "09:00", "close": "17:00"}] for day in DAYS}
    name = clinic(flows, hours)
    pickup_id = webhook(flows, name, at(2, 20))
    settled(flows)
    document = flows.api("GET", f"/v1/clinics/{name}").json
    assert flows.api("PUT", f"/v1/clinics/{name}", document).status == 200
    assert len([row for row in notifications(flows) if row["kind"] == "dead_letter" and name in json.dumps(row["detail"])]) == 1
    assert flows.api("PUT", f"/v1/clinics/{name}", {**document, "operatingHours": None}).status == 200
    assert get(flows, f"/v1/pickups/{pickup_id}").json["status"] == "Pending"


def test_everything_survives_a_kill():
    """Schedules, dead letters and notifications are there after kill -9; nothing is made twice."""
    with harness.Server(settings={"flows": "on"}) as server:
        name = clinic(server)
        start = at(1, 9)
        schedule = {"frequency": "DAILY", "timeWindow": {"start": "09:00", "end": "11:00"}}
        detail = {"pickupId": "P-1", "clinicId": name, "labId": "LAB001", "windowStart": iso(start), "windowEnd": iso(start + timedelta(hours=2)),
                  "isRush": True, "requestedBy": {"name": "Dr. Samplo Invented", "phone": "555-0199"}, "recurringSchedule": schedule}
        publish(server, "crm.portal", "PickupRequested", detail, id="key-1")
        webhook(server, "nobody", at(2, 9))
        settled(server)
        before = server.query("SELECT pickup_id, window_start, status FROM pickups ORDER BY pickup_id")
        told = server.query("SELECT kind, key FROM notices ORDER BY key")
        assert len(before) >= 89 and told
        for row in before[1:]:  # By local clocks it is always nine, on either side of a change.
            assert datetime.fromtimestamp(row["window_start"] / 1000, NEW_YORK).strftime("%H:%M") == "09:00"
        server.kill()
        server.start()
        settled(server)
        assert server.query("SELECT pickup_id, window_start, status FROM pickups ORDER BY pickup_id") == before
        assert server.query("SELECT kind, key FROM notices ORDER BY key") == told
        assert len(server.api("GET", "/v1/consumers/flows/dead").json["deadLetters"]) == 1


def test_flows_off():
    """Off, they leave all events to others, and go on from there when they are on again."""
    with harness.Server(settings={"flows": "off"}) as server:
        name = clinic(server)
        pickup_id = webhook(server, name, at(2, 9))
        assert server.query("SELECT cursor FROM consumers WHERE name = 'flows'")[0]["cursor"] == 0
        server.settings["flows"] = "on"
        server.restart()
        assert get(server, f"/v1/pickups/{pickup_id}").json["status"] == "Pending"
