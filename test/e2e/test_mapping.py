"""Every row of the mapping table, against the oracle: what is posted, what is answered, and what SQLite then holds."""
import json
import re
from contextlib import closing
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
import ledger
import oracle

ZONES = {"newyork": "America/New_York", "berlin": "Europe/Berlin", "sydney": "Australia/Sydney"}
ODD_ZONES = {  # Changes of half an hour; winter as the exception; changes that follow the moon; none; and a zone ahead of all.
    "lordhowe": "Australia/Lord_Howe", "dublin": "Europe/Dublin", "casablanca": "Africa/Casablanca", "kathmandu": "Asia/Kathmandu",
    "chatham": "Pacific/Chatham"}
LARGEST, SMALLEST = 2**63 - 1, -2**63


@pytest.fixture(scope="module")
def server():
    """The three vendors, a Dentrix source for each zone and one without, and one with every key of its own."""
    zoned = [oracle.source(name, "dentrix", zone=zone, id_prefix=name) for name, zone in {**ZONES, **ODD_ZONES}.items()]
    with harness.Server([*map(oracle.source, oracle.VENDORS), *zoned,
                         oracle.source("nowhere", "opendental", zone=None, id_prefix="nowhere"),
                         oracle.source("chain", "eaglesoft", lab="LAB-9", org="chain", id_prefix="ch", clinic_prefix="C9-"),
                         oracle.source("plain", "dentrix", lab=None, org="plain")]) as running:
        yield running


def check_stored(server, name, sent):
    """Post a payload, and compare the answer and the stored row with the oracle, to the order of the keys."""
    body, source = ledger.encode(sent), server.sources[name]
    before = harness.now()
    answer = server.post(name, body)
    after = harness.now()
    assert answer.refusal == (200, oracle.answer(source, body))
    row = server.event(answer.json["eventId"])
    assert (row["origin"], row["source"], row["detail_type"], row["org"]) == \
        (name, f"ehr.{source.vendor.name}", "PickupRequested", source.org or "default")
    assert before <= row["time"] <= after
    expected = oracle.detail(source, json.loads(body), datetime.fromtimestamp(row["time"] / 1000, timezone.utc))
    assert json.loads(row["detail"]) == expected
    assert json.dumps(json.loads(row["detail"])) == json.dumps(expected)
    return expected


def check_refused(server, name, sent):
    """Post a payload, and compare the faults in the answer and in the quarantine with the oracle."""
    body, source = ledger.encode(sent), server.sources[name]
    faults = oracle.faults(source.vendor, json.loads(body), source.zone)
    assert faults
    assert server.post(name, body).refusal == (400, {"error": "Invalid webhook data", "errors": faults})
    event_id = oracle.event_id(name, body)
    row = server.quarantined(event_id)
    assert (row["origin"], json.loads(row["faults"]), bytes(row["body"])) == (name, faults, body)
    assert server.event(event_id) is None
    return faults


def check(server, name, **changes):
    """Post a payload with these changes; the oracle decides which of the two checks applies."""
    source = server.sources[name]
    sent = oracle.payload(source.vendor, **{"id": harness.fresh(), **changes})
    return (check_refused if oracle.faults(source.vendor, sent, source.zone) else check_stored)(server, name, sent)


@pytest.mark.parametrize("name", [*oracle.VENDORS, *ZONES, "chain", "plain"])
def test_every_field(server, name):
    """A payload with every field fills every key of the detail."""
    check_stored(server, name, oracle.payload(server.sources[name].vendor, id=harness.fresh()))


@pytest.mark.parametrize("name", [*oracle.VENDORS, *ZONES, "chain", "plain"])
def test_required_fields_only(server, name):
    """Every other field has its default."""
    check_stored(server, name, oracle.minimal(server.sources[name].vendor, id=harness.fresh()))


def test_example_of_the_contract(server):
    """The one example that the contract spells out, written here without the oracle."""
    sent = {"externalId": "DX-54321", "practiceId": "CLI-001", "patientName": "Jane Doe", "preferredPickupTime": "2025-01-20T14:00:00Z",
            "priority": 1, "notes": "Please call upon arrival", "packageCount": 2, "contactName": "Dr. Johnson", "contactPhone": "555-1234"}
    detail = check_stored(server, "dentrix", sent)
    del detail["requestTime"]
    assert detail == {
        "pickupId": "dentrix-DX-54321", "clinicId": "CLI-001", "labId": "LAB001",
        "windowStart": "2025-01-20T13:00:00Z", "windowEnd": "2025-01-20T15:00:00Z", "isRush": True, "packageCount": 2,
        "notes": "Please call upon arrival",
        "requestedBy": {"name": "Dr. Johnson", "phone": "555-1234", "userId": "dentrix-user-CLI-001"},
        "metadata": {"source": "dentrix", "externalId": "DX-54321", "patientName": "Jane Doe",
                     "preferredTime": "2025-01-20T14:00:00Z", "originalPriority": 1}}


@pytest.mark.parametrize("vendor, path", harness.fixtures("good"), ids=harness.fixture_name)
def test_good_fixture(server, vendor, path):
    """Every good fixture is stored as the oracle says."""
    check_stored(server, vendor, path.read_bytes())


def faults_of(path):
    """The faults that the fixtures' own table lists for a file."""
    table = dict(line.split("\t") for line in (harness.FIXTURES / "faults.tsv").read_text().splitlines())
    return table[f"{path.parent.name}/{path.name}"].split("; ")


@pytest.mark.parametrize("vendor, path", harness.fixtures("fault"), ids=harness.fixture_name)
def test_faulty_fixture(server, vendor, path):
    """Every faulty fixture is refused as the fixtures' table says, and the oracle agrees where there is a payload to judge."""
    faults = faults_of(path)
    answer = server.post(vendor, path.read_bytes())
    assert (answer.status, [re.sub(r" at byte \d+$", "", fault) for fault in answer.json["errors"]]) == (400, faults)
    if faults[0].startswith(("Missing", "Invalid")):
        assert check_refused(server, vendor, path.read_bytes()) == faults


def test_fixtures_are_there(vendor):
    """Every vendor has the fixtures that are promised."""
    names = {path.stem for _, path in harness.fixtures("good") if _ == vendor}
    assert names >= {"normal", "rush", "minimal", "unicode", "zoneless"}
    assert any(name == vendor for name, _ in harness.fixtures("fault"))


@pytest.mark.parametrize("word", oracle.REQUIRED)
@pytest.mark.parametrize("value", [oracle.ABSENT, None, ""], ids=["absent", "null", "empty"])
def test_missing(server, vendor, word, value):
    """A required field that is absent, null or empty is missing."""
    assert check(server, vendor, **{word: value}) == [f"Missing {oracle.VENDORS[vendor].fields[word]}"]


@pytest.mark.parametrize("word", oracle.OPTIONAL)
def test_null(server, vendor, word):
    """An optional field that is null is as good as absent."""
    check_stored(server, vendor, oracle.payload(oracle.VENDORS[vendor], id=harness.fresh(), **{word: None}))


def test_all_null(server, vendor):
    """A payload whose optional fields are all null is a minimal one."""
    check_stored(server, vendor, oracle.payload(oracle.VENDORS[vendor], id=harness.fresh(), **dict.fromkeys(oracle.OPTIONAL)))


@pytest.mark.parametrize("value", [True, 1.5, [], ["x"], {}, {"x": 1}], ids=json.dumps)
@pytest.mark.parametrize("word", ["id", "clinic", "lab", "time", "packages", "notes", "contact", "phone", "patient", "priority"])
def test_wrong_type(server, vendor, word, value):
    """A value of a wrong type is a fault that names the field."""
    assert check(server, vendor, **{word: value}) == [f"Invalid {oracle.VENDORS[vendor].fields[word]}"]


@pytest.mark.parametrize("word", ["notes", "contact", "phone", "patient", "time"])
def test_number_for_text(server, vendor, word):
    """Only ids may be numbers."""
    assert check(server, vendor, **{word: 5550100})


@pytest.mark.parametrize("key", ["contact", "patientInfo"])
@pytest.mark.parametrize("value", [None, {}, "text", 1, [], True], ids=json.dumps)
def test_eaglesoft_object(server, key, value):
    """What Eaglesoft nests may be null or empty, and is a fault if it is no object."""
    sent = {**oracle.minimal(oracle.EAGLESOFT, id=harness.fresh()), key: value}
    if value in (None, {}):
        check_stored(server, "eaglesoft", sent)
        return
    answer = server.post("eaglesoft", sent)
    assert answer.status == 400
    assert all(fault.startswith(f"Invalid {key}") for fault in answer.json["errors"]) and answer.json["errors"]


@pytest.mark.parametrize("value", [0, 1, -1, 54321, 2**31, 2**53 + 1, LARGEST, SMALLEST])
def test_numeric_ids(server, vendor, value):
    """A whole number of up to 64 bits is an id, kept to the last digit."""
    sent = oracle.payload(oracle.VENDORS[vendor], id=value, clinic=value, lab=value, notes=f"Invented {harness.fresh()}")
    assert check_stored(server, vendor, sent)["metadata"]["externalId"] == str(value)


@pytest.mark.parametrize("word", ["id", "clinic", "lab"])
@pytest.mark.parametrize("value", ["x", "y" * 200, "é" * 100, "🦷" * 50, "z" * 201, "é" * 101, "w" * 10000],
                         ids=["1", "200", "200 in 100", "200 in 50", "201", "202 in 101", "10000"])
def test_id_length(server, vendor, word, value):
    """An id has 1 to 200 bytes, however many characters these are."""
    faults = check(server, vendor, **{word: value, "notes": f"Invented {harness.fresh()}"})
    assert (faults == [f"Invalid {oracle.VENDORS[vendor].fields[word]}"]) == (len(value.encode()) > 200)


def test_empty_lab(server, vendor):
    """An empty lab is no lab, so the source's counts."""
    assert check(server, vendor, lab="")["labId"] == "LAB001"
    assert check(server, "chain", lab="")["labId"] == "LAB-9"


@pytest.mark.parametrize("value, good", [(1, True), (10000, True), (0, False), (10001, False), (-1, False), ("2", False), (True, False),
                                         (2.0, False), (2.5, False), (LARGEST, False)])
def test_package_count(server, vendor, value, good):
    """A package count is a whole number from 1 to 10,000."""
    result = check(server, vendor, packages=value)
    assert result["packageCount"] == value if good else result == [f"Invalid {oracle.VENDORS[vendor].fields['packages']}"]


PRIORITIES = {
    "dentrix": {0: False, 1: True, 2: True, 3: None, -1: None, "0": None, "1": None, "": None, "Normal": None, LARGEST: None},
    "opendental": {"Normal": False, "High": True, "Urgent": True, "Emergency": True, "normal": None, "HIGH": None, "Low": None, "": None,
                   "Normal ": None, "Norm": None, 0: None, 1: None},
    "eaglesoft": {"routine": False, "urgent": True, "stat": True, "emergency": True, "ROUTINE": False, "Urgent": True, "STAT": True,
                  "eMeRgEnCy": True, "asap": None, "": None, "stat ": None, "ſtat": None, 0: None, 1: None},
}


@pytest.mark.parametrize("vendor, value, rush", [(vendor, value, rush) for vendor, rows in PRIORITIES.items() for value, rush in rows.items()])
def test_priority(server, vendor, value, rush):
    """Each priority is a rush or not and is kept as it was sent; any other is a fault that names the field."""
    words = oracle.VENDORS[vendor]
    result = check(server, vendor, priority=value)
    if rush is None:
        assert result == [f"Invalid {words.fields['priority']}"]
    else:
        assert (result["isRush"], result["metadata"][words.original]) == (rush, value)


@pytest.mark.parametrize("text", ["Zoë Erfunden-Müller", "李虚构 🦷", "Anführung \"und\" \\ Strich", "Zeile\neins\ttab", "\u2028\u200b", "<script>&amp;"])
def test_text_is_kept(server, vendor, text):
    """Text comes back as it was sent, whether it was escaped or not."""
    sent = oracle.payload(oracle.VENDORS[vendor], id=harness.fresh(), notes=text, contact=text, phone=text, patient=text)
    check_stored(server, vendor, sent)
    check_stored(server, vendor, json.dumps({**sent, "more": 1}).encode())


def test_unknown_fields(server, vendor):
    """What the mapping does not name is ignored, also if it looks like one of ours."""
    sent = oracle.payload(oracle.VENDORS[vendor], id=harness.fresh())
    check_stored(server, vendor, {**sent, "pickupId": "mine", "org": "other", "metadata": {"source": "me"}, "x": [1, {"y": None}]})


@pytest.mark.parametrize("text", ["2025-01-20T14:00:00Z", "2025-01-20T14:00:00+05:30", "2025-01-20T14:00:00-08:00", "2025-01-20T23:30:00-01:00",
                                  "2025-01-20T00:30:00+14:00", "2025-01-20T14:00:00.5Z", "2025-01-20T14:00:00.999Z",
                                  "2025-01-20T14:00:00.123456+00:00", "2024-02-29T23:59:59Z", "2025-12-31T23:30:00Z", "1999-01-01T00:00:00Z"])
@pytest.mark.parametrize("name", ["dentrix", "opendental", "eaglesoft", "nowhere"])
def test_time_with_zone(server, name, text):
    """A time with its zone is that moment, in whole seconds, whatever the source's zone."""
    expected = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).replace(microsecond=0)
    detail = check(server, name, time=text)
    assert detail["metadata"]["preferredTime"] == expected.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("text", ["2025-02-30T10:00:00Z", "2025-02-29T10:00:00", "2025-13-01T10:00:00Z", "2025-00-01T10:00:00Z",
                                  "2025-01-00T10:00:00Z", "2025-01-20T24:00:01Z", "2025-01-20T25:00:00Z", "2025-01-20T14:60:00Z",
                                  "2025-01-20T14:00:61Z", "2025-01-20", "14:00:00", "tomorrow", " ", "2025-01-20T14:00:00Zx",
                                  "x2025-01-20T14:00:00Z", "2025-01-20T14:00:00 Z ", "2025-1-20T14:00:00Z", "20/01/2025 14:00", "1737381600",
                                  "2025-01-20T14:00:00+25:00", "2025-01-20T14:00:00+05:60", "+2025-01-20T14:00:00Z", "２０２５-01-20T14:00:00Z",
                                  "2025-01-20T14:00:00.Z", "-025-01-20T14:00:00Z"])
def test_no_time(server, vendor, text):
    """What is no time on the calendar and the clock is a fault."""
    assert check(server, vendor, time=text) == [f"Invalid {oracle.VENDORS[vendor].fields['time']}"]


def test_open_dentals_unset_time(server):
    """Open Dental writes its year 1 for a time that is not set."""
    assert check(server, "opendental", time="0001-01-01 00:00:00") == ["Missing DateTimeScheduled"]


@pytest.mark.parametrize("text", ["2025-01-20 14:00:00", "2025-07-20T14:00:00"])
def test_zoneless_time_without_a_zone(server, text):
    """A time without zone at a source without zone is a fault, never UTC."""
    assert check(server, "nowhere", time=text) == ["Invalid DateTimeScheduled"]


LOCAL_TIMES = [
    ("newyork", "2025-01-20 14:00:00", "2025-01-20T19:00:00Z"), ("newyork", "2025-07-20 14:00:00", "2025-07-20T18:00:00Z"),
    ("newyork", "2025-03-09 01:59:59", "2025-03-09T06:59:59Z"), ("newyork", "2025-03-09 03:00:00", "2025-03-09T07:00:00Z"),
    ("newyork", "2025-11-02 00:59:59", "2025-11-02T04:59:59Z"), ("newyork", "2025-11-02 02:00:00", "2025-11-02T07:00:00Z"),
    ("berlin", "2025-03-30 01:59:59", "2025-03-30T00:59:59Z"), ("berlin", "2025-03-30 03:00:00", "2025-03-30T01:00:00Z"),
    ("berlin", "2025-10-26 01:59:59", "2025-10-25T23:59:59Z"), ("berlin", "2025-10-26 03:00:00", "2025-10-26T02:00:00Z"),
    ("sydney", "2025-01-20 14:00:00", "2025-01-20T03:00:00Z"), ("sydney", "2025-07-20 14:00:00", "2025-07-20T04:00:00Z"),
    ("sydney", "2025-04-06 01:59:59", "2025-04-05T14:59:59Z"), ("sydney", "2025-10-05 03:00:00", "2025-10-04T16:00:00Z"),
    # In the gap the offset before it counts, and in the overlap the first.
    ("newyork", "2025-03-09 02:30:00", "2025-03-09T07:30:00Z"), ("newyork", "2025-11-02 01:30:00", "2025-11-02T05:30:00Z"),
    ("berlin", "2025-03-30 02:30:00", "2025-03-30T01:30:00Z"), ("berlin", "2025-10-26 02:30:00", "2025-10-26T00:30:00Z"),
    ("sydney", "2025-10-05 02:30:00", "2025-10-04T16:30:00Z"), ("sydney", "2025-04-06 02:30:00", "2025-04-05T15:30:00Z"),
]


@pytest.mark.parametrize("name, text, expected", LOCAL_TIMES)
@pytest.mark.parametrize("separator", ["T", " "])
def test_local_time(server, name, text, expected, separator):
    """A time without zone is local to the source, on either side of a change, in the gap, and in the overlap."""
    assert check(server, name, time=text.replace(" ", separator))["metadata"]["preferredTime"] == expected


# From 2020 to 2037. Later, libical is off near some changes in some zones; the manual says which.
DAYS = 365 * 18


def days_of_change(zone):
    """List the local midnights before each change of the clock from 2020 to 2037."""
    midnights = [datetime(2020, 1, 1) + timedelta(days=day) for day in range(DAYS)]
    offsets = [midnight.replace(tzinfo=ZoneInfo(zone)).utcoffset() for midnight in midnights]
    return [midnights[i] for i in range(len(midnights) - 1) if offsets[i] != offsets[i + 1]]


@pytest.mark.parametrize("name, zone", [*ZONES.items(), *ODD_ZONES.items()])
def test_any_local_time(server, name, zone):
    """Eighteen years of local times, half of them on days when the clock changes, agree with Python's zones."""
    seconds = st.integers(0, 86399)
    anywhen = st.builds(lambda day, second: datetime(2020, 1, 1) + timedelta(days=day, seconds=second), st.integers(0, DAYS - 1), seconds)
    days = days_of_change(zone) or [datetime(2020, 1, 1)]
    near = st.builds(lambda day, second: day + timedelta(seconds=second % 14400), st.sampled_from(days), seconds)
    with closing(server.connect()) as connection:

        @given(st.one_of(anywhen, near))
        def agrees(local):
            body = ledger.encode(oracle.minimal(oracle.DENTRIX, id=harness.fresh(), time=local.isoformat()))
            answer = server.post(name, body, connection=connection)
            start = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(timezone.utc) - timedelta(hours=1)
            assert answer.json["confirmation"]["scheduledTime"] == start.strftime("%Y-%m-%dT%H:%M:%SZ")

        agrees()
