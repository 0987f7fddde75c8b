"""GET /v1/openapi.json: a whole and valid description, of which no answer is outside, whatever is asked."""
import json
import re

import described
import harness
import lab
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_flows import settled

TABLE = re.findall(r'^API\(\w+, (\w+), "([^"]+)"', (harness.ROOT / "include/tbl/api.h").read_text(), re.M)
PROBES = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
OPERATION = {"type": "object", "required": ["operationId", "summary", "responses"], "additionalProperties": False, "properties": {
    "operationId": {"type": "string"}, "summary": {"type": "string", "minLength": 1}, "security": {"const": []},
    "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
    "requestBody": {"type": "object", "required": ["content"], "properties": {"content": {"$ref": "#/$defs/content"}}},
    "responses": {"type": "object", "minProperties": 1, "additionalProperties": False, "patternProperties": {"^[1-5][0-9][0-9]$": {
        "type": "object", "required": ["description"], "properties": {"content": {"$ref": "#/$defs/content"}}}}}}}
DOCUMENT = {  # What OpenAPI 3.1 asks of the parts that are used.
    "type": "object", "required": ["openapi", "info", "paths", "components", "security"], "additionalProperties": False, "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {"type": "object", "required": ["title", "version"], "properties": {"title": {"type": "string"}, "version": {"type": "string"}}},
        "security": {"const": [{"token": []}]},
        "paths": {"type": "object", "patternProperties": {"^/": {
            "type": "object", "minProperties": 1, "additionalProperties": False, "patternProperties": {"^(get|put|post|delete)$": OPERATION}}},
            "additionalProperties": False},
        "components": {"type": "object", "required": ["schemas", "securitySchemes"], "properties": {
            "securitySchemes": {"const": {"token": {"type": "http", "scheme": "bearer"}}},
            "schemas": {"propertyNames": {"pattern": r"^[A-Za-z0-9._-]+$"}}}}},
    "$defs": {
        "content": {"type": "object", "propertyNames": {"pattern": "^[a-z]+/[a-z0-9.+-]+$"}, "additionalProperties": {"required": ["schema"]}},
        "parameter": {"type": "object", "required": ["name", "in", "required", "schema"], "properties": {
            "in": {"enum": ["path", "query", "header"]}, "required": {"type": "boolean"}, "description": {"type": "string"}}}}}


@pytest.fixture(scope="module")
def api():
    """A server with a token of each role."""
    with lab.Server() as running:
        yield running


@pytest.fixture(scope="module")
def document(api):
    """What it says of itself."""
    return api.get("/v1/openapi.json")


def below(value):
    """Every object within a value, itself included."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from below(one)


def test_is_valid(document):
    """The document is one of OpenAPI 3.1, and each schema in it one of JSON Schema 2020-12."""
    assert not [fault.message for fault in described.DIALECT(DOCUMENT).iter_errors(document)]
    for schema in document["components"]["schemas"].values():
        described.DIALECT.check_schema(schema)
        assert schema["description"]


def test_references(document):
    """What is referred to is there, and what is there is referred to."""
    used = {one["$ref"] for one in below(document) if "$ref" in one}
    assert used == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_parameters(document):
    """Each name in a path is a parameter, and none is there twice."""
    for _, path, operation in described.Description(document).operations():
        parameters = operation.get("parameters", [])
        assert re.findall(r"{(\w+)}", path) == [one["name"] for one in parameters if one["in"] == "path"]
        assert all(one["required"] == (one["in"] == "path") for one in parameters)
        assert len({(one["in"], one["name"]) for one in parameters}) == len(parameters)


def test_is_complete(document):
    """It has every operation of the table and the probes, and nothing else."""
    operations = described.Description(document).operations()
    assert {(method, path) for method, path, _ in operations} == {*TABLE, *PROBES}
    assert len({operation["operationId"] for *_, operation in operations}) == len(operations)


def test_refusals(document):
    """Whatever is 400 or above is a problem document, and what can befall every operation is there for each."""
    for method, path, operation in described.Description(document).operations():
        refusals = {status: response for status, response in operation["responses"].items() if status >= "400"}
        for response in refusals.values():
            assert response["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        if path.startswith("/v1/"):
            assert {"400", "401", "403", "413", "503"} <= set(refusals)
            assert ("415" in refusals) == ("requestBody" in operation), (method, path)


@pytest.mark.parametrize("method, path", [*TABLE, *sorted(PROBES)])
def test_every_operation_answers(api, document, method, path):
    """Without a token all but the probes are 401; with every token the answer is one of those described."""
    path = re.sub(r"{\w+}", "nothing", path)
    answer = api.ask(method, path, face="private")
    assert answer.status == (401 if path.startswith("/v1/") else 200)
    if path.startswith("/v1/"):
        assert answer.problem and answer.headers["WWW-Authenticate"] == "Bearer"
    described.Description(document).check(method, path, None, answer)
    for token in api.tokens if "stream" not in path else ("publish",):  # A stream would not end.
        api.api(method, path, token=token)


def ask(api, method, path, body):
    """Ask as an admin; the words of the body are made up, and may stand in the log by accident."""
    headers = [("Authorization", f"Bearer {api.token}"), ("Content-Type", "application/json")]
    return api.ask(method, path, body, headers if body is not None else headers[:1], "private")


@pytest.fixture(scope="module")
def busy(document):
    """A server that has one or two of everything, and a description that knows their names."""
    with lab.Server(settings={"flows": "on"}) as server:
        clinic = {"clinicId": "a", "name": "Invented Dental", "timezone": "America/New_York"}
        assert server.api("PUT", "/v1/clinics/a", clinic).status == 201
        webhooks = [server.post("dentrix", oracle.minimal(oracle.DENTRIX, id=harness.fresh())) for _ in range(9)]
        server.post("dentrix", {"practiceId": "9"})
        case = {"caseId": "a", "labId": "LAB001", "clinicId": "a", "requestedDeliveryDate": "2030-01-02"}
        request = {"pickupId": "a", "clinicId": "a", "windowStart": "2030-01-02T10:00:00Z", "windowEnd": "2030-01-02T11:00:00Z"}
        server.publish(lab.envelope(source="cases.production", detailType="CaseReadyToShip", detail=case),
                       lab.envelope(detailType="PickupRequested", detail=request), token="admin")
        assert server.api("PUT", "/v1/consumers/a", {"from": "start"}).status == 201
        claims = server.api("POST", "/v1/consumers/a/claim", {"worker": "w", "max": 6}).json["claims"]
        leases = [claim["lease"] for claim in claims]
        assert server.api("POST", "/v1/consumers/a/nack", {"leases": leases[:2], "permanent": True}).status == 200
        settled(server)
        events, dead = [webhook.json["eventId"] for webhook in webhooks], [claim["event"]["id"] for claim in claims[:2]]
        [faulty] = server.get("/v1/quarantine")["quarantine"]
        description = described.Description(document)
        names = {"clinics": ["a", "b"], "pickups": [row["pickupId"] for row in server.get("/v1/pickups")["pickups"]],
                 "deliveries": [row["deliveryId"] for row in server.get("/v1/deliveries")["deliveries"]], "invoices": ["a", "b"],
                 "events": events, "quarantine": [faulty["id"]], "consumers": dead}
        description.known = {"name": ["a", "b"], "clinicId": ["a", "b"], "caseId": ["a", "b"], "timezone": ["Europe/Paris", "America/New_York"],
                             "open": ["08:00"], "close": ["18:00"], "leases": [leases], "source": ["crm.portal", "cases.production"],
                             "currency": ["USD"], **{path: names[path.split("/")[2]] for _, path in TABLE if "{id}" in path}}
        yield server, description


@pytest.mark.parametrize("method, path", sorted((row for row in TABLE if row != ("GET", "/v1/stream")), key=lambda row: row[0] == "DELETE"))
@settings(max_examples=30)
@given(data=st.data())
def test_any_request(busy, method, path, data):
    """No request that is made up from the description, nor one with a fault, brings an answer outside of it."""
    api, description = busy
    method, path, body = data.draw(described.requests(description, method, path, description.paths[path][method.lower()]))
    if isinstance(body, dict):
        body.pop("waitSeconds", None)  # Nothing comes.
    answer = ask(api, method, path, None if body is None else json.dumps(body).encode())
    description.check(method, path, body, answer)
    assert answer.status != 503, (method, path, answer.body)


@settings(max_examples=100)
@given(body=st.binary(max_size=60), path=st.sampled_from(sorted({path for method, path in TABLE if method in {"PUT", "POST"}})))
def test_any_bytes(api, body, path):
    """What is no JSON is refused, never a fault of ours."""
    method = next(method for method, one in TABLE if one == path and method in {"PUT", "POST"})
    answer = ask(api, method, path.replace("{name}", "a").replace("{id}", "a"), body)
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        assert answer.status == 400 or not body.strip(), answer.body
