"""Recurring schedules end to end: which dates they make, in which zone, and what a change does to them."""
import json
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import harness
import pytest
from test_flows import DAYS, clinic, iso, keep_off_midnight, publish, settled

HORIZON = 90  # days, today among them
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Honolulu", "Africa/Cairo"]


@pytest.fixture(autouse=True)
def same_day():
    """By the clocks of all clinics here."""
    keep_off_midnight(*map(ZoneInfo, ZONES))


@pytest.fixture(scope="module")
def flows():
    """A server whose flows are on, as by default."""
    with harness.Server(settings={"flows": "on"}) as running:
        yield running


def weekday(day):
    """0 is Sunday."""
    return day.isoweekday() % 7


def sunday(day):
    """The first day of its week."""
    return day - timedelta(days=weekday(day))


def expect(zone, schedule, first, closed=()):
    """The pickups' dates and windows, by an account of our own: day by day, in weeks that begin on Sunday."""
    days = schedule.get("daysOfWeek") or range(7)
    start, end = (time.fromisoformat(schedule["timeWindow"][name]) for name in ("start", "end"))
    while weekday(first) not in days:
        first += timedelta(days=1)
    today = datetime.now(zone).date()
    made = {}
    for day in (today + timedelta(days=number) for number in range(HORIZON)):
        weeks = (sunday(day) - sunday(first)).days // 7
        if day < first or weekday(day) not in days or weekday(day) in closed:
            continue
        if schedule["frequency"] == "BIWEEKLY" and weeks % 2:
            continue
        window = [datetime.combine(day, clock, zone) for clock in (start, end)]
        if window[1] > datetime.now(zone):
            made[day.strftime("%Y%m%d")] = {"start": iso(window[0]), "end": iso(window[1])}
    return made


def request(name, zone, first, schedule, **more):
    """A schedule of the portal's, whose first window is on that date."""
    start = datetime.combine(first, time(9), zone)
    detail = {"pickupId": harness.fresh(), "clinicId": name, "windowStart": iso(start), "windowEnd": iso(start + timedelta(hours=1))}
    return {**detail, "recurringSchedule": schedule, **more}


def made(server, name, pickup_id, status="Pending"):
    """The windows of a series, by date."""
    settled(server)
    rows = server.api("GET", f"/v1/pickups?clinicId={name}&status={status}&limit=1000").json["pickups"]
    start = f"{pickup_id}-"
    return {row["pickupId"][len(start):]: row["window"] for row in rows if row["pickupId"].startswith(start)}


def schedule(frequency, days=None, start="09:00", end="11:00"):
    """A recurringSchedule."""
    days = {"daysOfWeek": days} if days else {}
    return {"frequency": frequency, **days, "timeWindow": {"start": start, "end": end}}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("rule", [schedule("DAILY"), schedule("WEEKLY", [1, 4]), schedule("BIWEEKLY", [0, 3, 6]), schedule("DAILY", [2])],
                         ids=["daily", "weekly", "biweekly", "tuesdays"])
def test_dates(flows, zone, rule):
    """From tomorrow, whichever day of the week that is, by the clocks of the clinic."""
    name = clinic(flows, timezone=zone)
    zone = ZoneInfo(zone)
    first = datetime.now(zone).date() + timedelta(days=1)
    detail = request(name, zone, first, rule)
    publish(flows, "crm.portal", "PickupRequested", detail)
    got = made(flows, name, detail["pickupId"])
    assert got == expect(zone, rule, first) and got


@pytest.mark.parametrize("number", range(7))
def test_biweekly_from_any_day(flows, number):
    """The first week is the one of the first date, however little is left of it."""
    zone = ZoneInfo("America/New_York")
    name = clinic(flows)
    first = datetime.now(zone).date() + timedelta(days=7 + number)
    rule = schedule("BIWEEKLY", [1, 5])
    detail = request(name, zone, first, rule)
    publish(flows, "crm.portal", "PickupRequested", detail)
    assert made(flows, name, detail["pickupId"]) == expect(zone, rule, first)


def test_closed_days(flows):
    """Are left out, and made once the clinic is open and asked again."""
    zone = ZoneInfo("America/New_York")
    hours = {day: [{"open": "08:00", "close": "17:00"}] for day in DAYS[:5]}
    name = clinic(flows, hours)
    first = datetime.now(zone).date() + timedelta(days=1)
    detail = request(name, zone, first, schedule("DAILY"))
    publish(flows, "crm.portal", "PickupRequested", detail)
    assert made(flows, name, detail["pickupId"]) == expect(zone, schedule("DAILY"), first, closed=(0, 6))
    [row] = flows.query(f"SELECT skipped FROM schedules WHERE pickup_id = '{detail['pickupId']}'")
    skipped = json.loads(row["skipped"])
    assert skipped and all(date.fromisoformat(day).isoweekday() >= 6 for day in skipped)
    opened = {"clinicId": name, "name": "Invented Dental", "timezone": "America/New_York"}
    assert flows.api("PUT", f"/v1/clinics/{name}", opened).status == 200
    publish(flows, "crm.portal", "PickupRequested", detail)
    assert made(flows, name, detail["pickupId"]) == expect(zone, schedule("DAILY"), first)


def test_changed_and_removed(flows):
    """What no longer matches is cancelled, each as an event; what was assigned is left; a cancelled date stays so."""
    zone = ZoneInfo("America/New_York")
    name = clinic(flows)
    first = datetime.now(zone).date() + timedelta(days=1)
    before, after = schedule("WEEKLY", [1, 3]), schedule("WEEKLY", [3, 5], "10:00", "12:00")
    detail = request(name, zone, first, before)
    series = detail["pickupId"]
    publish(flows, "crm.portal", "PickupRequested", detail)
    dates = sorted(made(flows, name, series))
    monday = next(day for day in dates if datetime.strptime(day, "%Y%m%d").isoweekday() == 1)
    assert flows.api("POST", f"/v1/pickups/{series}-{monday}/status", {"status": "Assigned"}).status == 200

    publish(flows, "crm.portal", "PickupRequested", {**detail, "recurringSchedule": after})
    assert made(flows, name, series) == expect(zone, after, first)
    assert list(made(flows, name, series, "Assigned")) == [monday]
    cancelled = made(flows, name, series, "Cancelled")
    assert sorted([*cancelled, monday]) == [day for day in dates if datetime.strptime(day, "%Y%m%d").isoweekday() == 1]
    events = flows.api("GET", "/v1/events?detailType=PickupStatusChanged&limit=1000").json["events"]
    told = [event["detail"]["id"] for event in events if event["detail"]["to"] == "Cancelled" and event["detail"]["id"].startswith(series)]
    assert sorted(told) == sorted(f"{series}-{day}" for day in cancelled)

    publish(flows, "crm.portal", "PickupRequested", detail)
    assert made(flows, name, series) == {day: window for day, window in expect(zone, before, first).items() if day not in cancelled and day != monday}

    del detail["recurringSchedule"]
    publish(flows, "crm.portal", "PickupRequested", detail)
    assert made(flows, name, series) == {} and list(made(flows, name, series, "Assigned")) == [monday]
    assert flows.api("GET", f"/v1/pickups/{series}").json["status"] == "Pending"


def test_killed_while_making():
    """However often it is killed, every date is made once."""
    with harness.Server(settings={"flows": "on"}) as server:
        zone = ZoneInfo("America/New_York")
        name = clinic(server)
        first = datetime.now(zone).date() + timedelta(days=1)
        wanted = [request(name, zone, first, schedule("DAILY")) for _ in range(20)]
        for number, detail in enumerate(wanted):
            publish(server, "crm.portal", "PickupRequested", detail)
            if number % 5 == 4:
                server.kill()
                server.start()
        settled(server)
        [row] = server.query("SELECT count(*) AS pickups, count(DISTINCT pickup_id) AS ids FROM pickups")
        assert row["pickups"] == row["ids"] == 20 * len(expect(zone, schedule("DAILY"), first))
