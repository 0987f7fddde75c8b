"""The private API's own description (OpenAPI 3.1): what an answer may be, and requests made up from it."""
import json
import re
import string
from urllib.parse import quote

import hypothesis.strategies as st
import jsonschema

DIALECT = jsonschema.Draft202012Validator
FORMATS = jsonschema.FormatChecker(())
METHODS = {"get", "put", "post", "delete"}


@FORMATS.checks("date-time")
def _is_time(value):
    """Tell whether a text is a time with a zone; what is no text is of no format."""
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


@FORMATS.checks("date")
def _is_date(value):
    """Tell whether a text is a date."""
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


class Description:
    """One such document."""

    def __init__(self, document):
        self.document = document
        self.paths = document["paths"]
        self.validators = {}
        self.known = {}  # Values that a test wants to see in members of these names, and in paths.

    def find(self, path):
        """The template of a path, or None; one without a name in that place goes before one with it."""
        fitting = [template for template in self.paths
                   if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path.partition("?")[0])]
        return min(fitting, key=lambda template: template.count("{"), default=None)

    def operations(self):
        """All as (method, template, operation)."""
        return [(method.upper(), template, operation) for template, methods in self.paths.items() for method, operation in methods.items()]

    def faults(self, schema, value):
        """What is wrong with a value, as texts."""
        key = json.dumps(schema)
        if key not in self.validators:  # References lead into the document, so that goes with the schema.
            self.validators[key] = DIALECT({"allOf": [schema], "components": self.document["components"]}, format_checker=FORMATS)
        return [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}" for fault in self.validators[key].iter_errors(value)]

    def check(self, method, path, body, answer):
        """Fail unless this answer to this request is one that the document has."""
        where = f"{method} {path} -> {answer.status} {answer.body[:300]}"
        methods = self.paths.get(self.find(path), {})
        operation = methods.get({"HEAD": "get"}.get(method, method.lower()))
        if not methods:
            assert answer.status == 404, f"{where}: no such path"
        elif operation is None:
            assert answer.status == 405, f"{where}: no such method"
        else:
            assert str(answer.status) in operation["responses"], f"{where}: no such status"
            if method != "HEAD":
                self._check_body(operation["responses"][str(answer.status)], answer, where)
            if answer.status < 300 and body and b'"rejected"' not in answer.body:  # What stands or falls alone need not fit.
                self._check_request(operation, body, where)
        if answer.status >= 400 and method != "HEAD":
            assert not self.faults({"$ref": "#/components/schemas/Problem"}, answer.problem), where

    def _check_body(self, response, answer, where):
        """The body is of one of the media types, as that one's schema says."""
        if not response.get("content"):
            assert answer.body == b"", f"{where}: a body"
            return
        form = answer.headers["Content-Type"].partition(";")[0]
        assert form in response["content"], f"{where}: {form}"
        if form.endswith("json"):
            faults = self.faults(response["content"][form]["schema"], json.loads(answer.body))
            assert not faults, f"{where}: {faults}"

    def _check_request(self, operation, body, where):
        """What was taken is what may be asked."""
        faults = self.faults(operation["requestBody"]["content"]["application/json"]["schema"], body if not isinstance(body, bytes) else json.loads(body))
        assert not faults, f"{where}: taken, and yet {faults}"

    # Requests made up.

    def values(self, schema, depth=0):
        """Values that fit a schema, as far as the types go that the document uses."""
        if "$ref" in schema:
            return self.values(self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return st.one_of([self.values(one, depth) for one in schema[several]])
        if "allOf" in schema:
            return st.one_of([self.values(schema["allOf"][0], depth), *(self._case(schema["allOf"][0], one, depth) for one in schema["allOf"][1:])])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            return st.one_of([self.values({**schema, "type": one}, depth) for one in kind])
        return getattr(self, f"_{kind}", self._any)(schema, depth)

    def _case(self, schema, case, depth):
        """Values of a schema to which one of its conditions applies."""
        fixed = {name: field["const"] for name, field in case["if"]["properties"].items()}
        then = {name: self.values(field, depth + 1) for name, field in case["then"]["properties"].items()}
        return st.builds(lambda whole, part: {**whole, **fixed, **part}, self.values(schema, depth), st.fixed_dictionaries(then))

    def _any(self, *_):
        """Any JSON, not deep."""
        return st.one_of(st.none(), st.booleans(), st.integers(-2**63, 2**63 - 1), TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2), st.lists(TEXTS, max_size=2))

    def _null(self, *_):
        return st.none()

    def _boolean(self, *_):
        return st.booleans()

    def _integer(self, schema, _):
        return st.integers(schema.get("minimum", -2**63), schema.get("maximum", 2**63 - 1))

    def _number(self, schema, _):
        return st.floats(schema.get("minimum", -1e9), schema.get("maximum", 1e9), allow_nan=False)

    def _string(self, schema, _):
        if "pattern" in schema:
            return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        if schema.get("format") == "date-time":
            return st.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))
        if schema.get("format") == "date":
            return st.dates().map(str)
        least, most = schema.get("minLength", 0), min(schema.get("maxLength", 40), 40)
        return st.one_of(st.text(string.ascii_lowercase + "-.", min_size=least, max_size=most), st.text(min_size=least, max_size=most))

    def _array(self, schema, depth):
        most = 1 if depth > 3 else 3
        return st.lists(self.values(schema.get("items", {}), depth + 1), min_size=schema.get("minItems", 0), max_size=max(most, schema.get("minItems", 0)))

    def _object(self, schema, depth):
        fields = {name: mostly(self.known.get(name), self.values(field, depth + 1)) for name, field in schema.get("properties", {}).items()}
        needed = {name: fields[name] for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional={name: field for name, field in fields.items() if name not in needed})


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8)


def mostly(known, others):
    """Mostly one of these values, if there are any."""
    return st.one_of(st.sampled_from(known), st.sampled_from(known), others) if known else others


@st.composite
def spoilt(draw, value):
    """A value with one thing about it changed."""
    other = st.one_of(st.none(), st.integers(-2**63, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS, st.just({}), st.just([]))
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: field for name, field in value.items() if name != key}
        return draw(st.one_of(st.just(rest), st.builds(lambda new: {**rest, key: new}, spoilt(value[key])), st.builds(lambda name: {**value, name: 1}, TEXTS)))
    return draw(other)


@st.composite
def requests(draw, description, method, template, operation):
    """A request of an operation as (method, path, body): mostly as described, sometimes with a fault."""
    path, pairs = template, []
    for parameter in operation["parameters"]:
        name, made_up = parameter["name"], description.values(parameter["schema"]).map(str)
        if parameter["in"] == "path":
            known = description.known.get(template) if name == "id" else description.known.get(name)
            path = path.replace(f"{{{name}}}", quote(draw(mostly(known, made_up)), safe="") or "x")
        elif parameter["in"] == "query" and draw(st.booleans()):
            pairs.append(f"{name}={quote(draw(st.one_of(mostly(description.known.get(name), made_up), TEXTS)), safe='')}")
    body = None
    if "requestBody" in operation:
        body = draw(description.values(operation["requestBody"]["content"]["application/json"]["schema"]))
        body = draw(st.one_of(st.just(body), st.just(body), spoilt(body)))
    return method, path + ("?" + "&".join(pairs) if pairs else ""), body


_known = []  # The document is the same for every server of a binary.


def of(server):
    """The description that a server gives, or None if its token is not known there."""
    if not _known:
        answer = server.ask("GET", "/v1/openapi.json", None, [("Authorization", f"Bearer {server.token}")], "private")
        if answer.status != 200:
            return None
        _known.append(Description(answer.json))
    return _known[0]
