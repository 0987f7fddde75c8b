"""What pickupd ought to make of a payload, written a second time in Python so that the tests compare two implementations.

Tests name the fields of a payload in neutral words (`id`, `clinic`, `time` …); a Vendor row says how each vendor spells them.
"""
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ABSENT = object()  # As a field's value: leave the field out.
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Vendor:
    """How one vendor signs, spells its fields, and wants to be answered."""

    name: str
    header: str
    fields: dict  # neutral word -> dotted path, in the order of the mapping
    rush: dict  # priority as sent -> is it a rush
    any_case: bool  # may the priority be written in any case
    normal: object  # the priority if none is sent
    original: str  # the key of the priority in the metadata
    user: str  # the contact's name if none is sent
    patient: str | None  # the patient's name if none is sent
    confirmation: dict  # key of the answer's confirmation -> id, pickup, status, start, or None


DENTRIX = Vendor(
    "dentrix", "X-Dentrix-Signature",
    {"id": "externalId", "clinic": "practiceId", "lab": "labId", "time": "preferredPickupTime", "priority": "priority",
     "packages": "packageCount", "notes": "notes", "contact": "contactName", "phone": "contactPhone", "patient": "patientName"},
    {0: False, 1: True, 2: True}, False, 0, "originalPriority", "Dentrix User", None,
    {"externalId": "id", "confirmationNumber": "pickup", "status": "status", "scheduledTime": "start",
     "estimatedArrival": None, "driverInfo": None})

OPENDENTAL = Vendor(
    "opendental", "X-OpenDental-Signature",
    {"id": "LabCaseNum", "clinic": "ClinicNum", "lab": "LabNum", "time": "DateTimeScheduled", "priority": "Priority",
     "packages": "NumPackages", "notes": "Note", "contact": "ContactName", "phone": "ContactPhone", "patient": "PatName"},
    {"Normal": False, "High": True, "Urgent": True, "Emergency": True}, False, "Normal", "originalPriority", "OpenDental User", None,
    {"LabCaseNum": "id", "ConfirmationNum": "pickup", "Status": "status", "ScheduledDateTime": "start",
     "EstimatedArrival": None, "DriverName": None, "DriverPhone": None})

EAGLESOFT = Vendor(
    "eaglesoft", "X-Eaglesoft-Signature",
    {"id": "caseId", "clinic": "practiceId", "lab": "labId", "time": "scheduledPickup", "priority": "urgency",
     "packages": "itemCount", "notes": "comments", "contact": "contact.name", "phone": "contact.phone", "patient": "patientInfo.name"},
    {"routine": False, "urgent": True, "stat": True, "emergency": True}, True, "routine", "originalUrgency", "Eaglesoft User", "Unknown",
    {"caseId": "id", "confirmationId": "pickup", "status": "status", "scheduledPickup": "start", "eta": None, "driver": None})

VENDORS = {vendor.name: vendor for vendor in (DENTRIX, OPENDENTAL, EAGLESOFT)}
REQUIRED = ("id", "clinic", "time")
OPTIONAL = ("lab", "priority", "packages", "notes", "contact", "phone", "patient")


@dataclass(frozen=True)
class Source:
    """One configured sender; `secret` None means that its variable is not set."""

    name: str
    definition: str
    secret: str | None
    lab: str | None = "LAB001"
    zone: str | None = "America/New_York"
    org: str | None = None
    id_prefix: str | None = None
    clinic_prefix: str | None = None
    enabled: str | None = None
    allow_from: str | None = None
    public_url: str | None = None
    tolerance: str | None = None

    @property
    def vendor(self):
        """The vendor whose words the source speaks; definitions made by tests are copies of Dentrix."""
        return VENDORS.get(self.definition, DENTRIX)

    @property
    def variable(self):
        """The name of the environment variable that holds the secret."""
        return self.name.upper().replace("-", "_") + "_WEBHOOK_SECRET"


def source(name, definition=None, **keys):
    """Make a source with an obviously invented secret."""
    return Source(name, definition or name, keys.pop("secret", f"{name}-test-secret-not-real"), **keys)


def payload(vendor, **changes):
    """Make a payload that uses every field; `id` must be given, and any field can be changed or left out."""
    values = {"clinic": "CLI-001", "lab": "LAB-77", "time": "2025-01-20T14:00:00Z", "priority": list(vendor.rush)[1], "packages": 2,
              "notes": "Ring the imaginary bell", "contact": "Dr. Invented Johnson", "phone": "555-0100-4711",
              "patient": "Jane Madeup-Doe", **changes}
    result = {}
    for word, path in vendor.fields.items():
        if values[word] is not ABSENT:
            *parents, leaf = path.split(".")
            place = result
            for parent in parents:
                place = place.setdefault(parent, {})
            place[leaf] = values[word]
    return result


def minimal(vendor, **changes):
    """Make a payload of the required fields only, and of those that are given."""
    return payload(vendor, **{**dict.fromkeys(OPTIONAL, ABSENT), **changes})


def take(vendor, sent, word):
    """Read a field from a payload; null and absent are the same."""
    for key in vendor.fields[word].split("."):
        sent = sent.get(key) if isinstance(sent, dict) else None
    return sent


def iso(moment):
    """Write a time as pickupd does: UTC, whole seconds."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text, zone):
    """Read a time, or return None if it is none; without an offset it is local to the zone, the first of two in an overlap."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:[0-5]\d)?", text, re.ASCII)
    if not match:
        return None
    day, clock, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(offset or '').replace('Z', '+00:00')}")
    except ValueError:
        return None
    if offset is None:
        if zone is None:
            return None
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(timezone.utc)


def is_whole(value):
    """Tell whether a JSON value is a whole number; Python counts its booleans as numbers, JSON does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_id(value):
    """Tell whether a JSON value may be an id."""
    return -2**63 <= value < 2**63 if is_whole(value) else isinstance(value, str) and len(value.encode()) <= 200


def is_priority(vendor, value):
    """Tell whether the vendor knows this priority."""
    if isinstance(value, bool) or not isinstance(value, type(vendor.normal)):
        return False
    return (value.lower() if vendor.any_case else value) in vendor.rush


def is_time(vendor, value, zone):
    """Tell whether a JSON value may be a time."""
    return isinstance(value, str) and parse_time(value, zone) is not None


def is_good(vendor, word, value, zone):
    """Tell whether a value that is present is right for its field."""
    if word in ("id", "clinic", "lab"):
        return is_id(value)
    if word == "time":
        return is_time(vendor, value, zone)
    if word == "priority":
        return is_priority(vendor, value)
    if word == "packages":
        return is_whole(value) and 1 <= value <= 10000
    return isinstance(value, str)


def is_missing(vendor, word, value):
    """Tell whether a required field counts as missing."""
    unset = vendor is OPENDENTAL and word == "time" and value == "0001-01-01 00:00:00"
    return value is None or value == "" or unset


def faults(vendor, sent, zone="America/New_York"):
    """List the faults of a payload in the order of the mapping."""
    found = []
    for word, path in vendor.fields.items():
        value = take(vendor, sent, word)
        if word in REQUIRED and is_missing(vendor, word, value):
            found.append(f"Missing {path}")
        elif value is not None and not is_good(vendor, word, value, zone):
            found.append(f"Invalid {path}")
    return found


def detail(from_source, sent, received):
    """Make the detail of the event; `received` is the first arrival."""
    vendor = from_source.vendor
    value = {word: take(vendor, sent, word) for word in vendor.fields}
    moment = parse_time(value["time"], from_source.zone)
    clinic = (from_source.clinic_prefix or "") + str(value["clinic"])
    priority = vendor.normal if value["priority"] is None else value["priority"]
    patient = vendor.patient if value["patient"] is None else value["patient"]
    metadata = {"source": vendor.name, "externalId": str(value["id"]), "patientName": patient, "preferredTime": iso(moment),
                vendor.original: priority}
    if patient is None:
        del metadata["patientName"]
    return {
        "pickupId": pickup_id(from_source, value["id"]), "clinicId": clinic,
        "labId": str(value["lab"]) if value["lab"] not in (None, "") else from_source.lab or "LAB001",
        "windowStart": iso(moment - HOUR), "windowEnd": iso(moment + HOUR),
        "isRush": vendor.rush[priority.lower() if vendor.any_case else priority],
        "packageCount": value["packages"] or 1, "notes": value["notes"] or "",
        "requestedBy": {"name": value["contact"] or vendor.user, "phone": value["phone"] or "", "userId": f"{vendor.name}-user-{clinic}"},
        "requestTime": iso(received), "metadata": metadata}


def pickup_id(from_source, external):
    """Prefix a vendor's id as the source asks."""
    return f"{from_source.id_prefix or from_source.definition}-{external}"


def answer(from_source, body, duplicate=False):
    """Make the whole answer to a good webhook."""
    vendor, sent = from_source.vendor, json.loads(body)
    external = take(vendor, sent, "id")
    start = parse_time(take(vendor, sent, "time"), from_source.zone) - HOUR
    facts = {"id": str(external), "pickup": pickup_id(from_source, external), "status": "Pending", "start": iso(start), None: None}
    result = {"success": True, "pickupId": facts["pickup"], "eventId": event_id(from_source.name, body),
              "message": "Pickup request received",
              "confirmation": {key: facts[fact] for key, fact in vendor.confirmation.items()}}
    return {**result, "duplicate": True} if duplicate else result


def event_id(origin, key, kind=b"body"):
    """Compute an event's id as the design says, in hex."""
    digest = hashlib.sha256()
    for part in (b"pickupd1", origin.encode(), kind, key):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]


def compact(value):
    """Write JSON as short as can be, in the order in which it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def canonical(value):
    """Write JSON in its canonical form: as short as can be, the members sorted."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def key_id(origin, *values, kind="AppointmentChanged"):
    """Compute the id of an event that has a key, of which the event's type is the first part."""
    return event_id(origin, compact([kind, *values]), b"key")


def head_id(origin, head):
    """Compute the id of an empty webhook without a key; `head` is the text that is kept of its headers and query."""
    return event_id(origin, head.encode(), b"head")


def row_id(origin, row, *values):
    """Compute the id of a batch's row, behind the event's type and the values of its key if it has one."""
    return event_id(origin, compact([*values, hashlib.sha256(canonical(row)).hexdigest()]), b"row")
