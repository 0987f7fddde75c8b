"""The private API's gate: who asks, what is checked before an operation runs and in which order, and its answers' form."""
import json
import re
import secrets
import signal
from contextlib import closing

import pytest

import harness
import ledger
import wire

BODY_MAX = 8 << 20
JSON = ("Content-Type", "application/json")
ROLES = ("read", "work", "publish", "admin")
MAY = {"READERS": {"read", "work", "admin"}, "WORKERS": {"work", "admin"}, "ADMINS": {"admin"}, "PUBLISH": {"publish", "admin"}, "ANYBODY": set(ROLES)}
TABLE = (harness.ROOT / "include/tbl/api.h").read_text()
OPERATIONS = re.findall(r'^API\((\w+), (\w+), "([^"]+)", (\w+), (\w+),', TABLE, re.MULTILINE)
CLAIM = "/v1/consumers/nobody/claim"


class Server(harness.Server):
    """A server with a token for each role, and one of another organization."""

    def __init__(self):
        super().__init__(more="".join(f"[token {name}]\nenv = TOKEN_{name.upper()}\nrole = {role}\norg = {org}\n"
                                      for name, role, org in [*((role, role, "default") for role in ROLES), ("other", "admin", "north")]))
        self.tokens = {name: f"token-{name}-{secrets.token_hex(16)}" for name in (*ROLES, "other")}
        self.variables = {f"TOKEN_{name.upper()}": token for name, token in self.tokens.items()}
        ledger.SECRETS.update(self.tokens.values())


@pytest.fixture(scope="module")
def api():
    """A server with all tokens."""
    with Server() as running:
        yield running


def bearer(token):
    """The header of a token."""
    return "Authorization", f"Bearer {token}"


def ask(server, method, path, body=None, *headers):
    """Ask the private face with exactly these headers."""
    return server.ask(method, path, body, headers, "private")


def whoami(server, *headers):
    """Ask who one is."""
    return ask(server, "GET", "/v1/whoami", None, *headers)


def faults(answer):
    """The errors of a 400."""
    assert (answer.status, answer.problem["title"]) == (400, "Bad request"), answer.body
    return answer.problem["errors"]


# Tokens.


def test_there_are_operations():
    """The table was read, and every row of it."""
    assert len(OPERATIONS) == len(re.findall(r"^API\(", TABLE, re.MULTILINE)) > 15


@pytest.mark.parametrize("name", ROLES)
def test_a_token_says_who_it_is(api, name):
    """Each token bears its name, role and organization."""
    assert whoami(api, bearer(api.tokens[name])).json == {"name": name, "role": name, "org": "default"}
    assert whoami(api, bearer(api.tokens["other"])).json == {"name": "other", "role": "admin", "org": "north"}
    assert whoami(api, bearer(api.token)).json == {"name": "default", "role": "admin", "org": "default"}


@pytest.mark.parametrize("spelling", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_a_scheme_in_any_case(api, spelling):
    """The scheme's case does not matter, nor does the space around the token."""
    assert whoami(api, ("Authorization", spelling.format(api.token))).status == 200


STRANGERS = {
    "no header": lambda token: [],
    "empty": lambda token: [("Authorization", "")],
    "scheme alone": lambda token: [("Authorization", "Bearer")],
    "scheme and space": lambda token: [("Authorization", "Bearer ")],
    "unknown": lambda token: [bearer("token-of-nobody-at-all")],
    "one letter more": lambda token: [bearer(token + "a")],
    "one letter less": lambda token: [bearer(token[:-1])],
    "another case": lambda token: [bearer(token.upper())],
    "no scheme": lambda token: [("Authorization", token)],
    "wrong scheme": lambda token: [("Authorization", f"Basic {token}")],
    "scheme run together": lambda token: [("Authorization", f"Bearer{token}")],
    "two in one": lambda token: [("Authorization", f"Bearer {token}, Bearer {token}")],
    "twice": lambda token: [bearer(token), bearer(token)],
    "right, then wrong": lambda token: [bearer(token), bearer("token-of-nobody-at-all")],
    "wrong header": lambda token: [("X-Authorization", f"Bearer {token}")],
    "in the cookie": lambda token: [("Cookie", f"token={token}")],
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers(api, stranger):
    """Whoever does not bear exactly one known token is refused, and told how to bear one."""
    answer = whoami(api, *STRANGERS[stranger](api.token))
    assert (answer.status, answer.headers["WWW-Authenticate"], answer.problem["title"]) == (401, "Bearer", "Unauthorized")
    assert answer.problem["detail"] == "The request needs a known token: Authorization: Bearer TOKEN"


def test_a_token_in_the_query_is_none(api):
    """A token in a URL would be written to logs, so it does not count there."""
    assert ask(api, "GET", f"/v1/whoami?access_token={api.token}").status == 401


def test_without_a_token_nobody_may():
    """Where no token is configured, every operation is refused, and the detail says what to set."""
    server = harness.Server()
    server.variables = {"PICKUPD_API_TOKEN": ""}
    with server:
        for method, path in {(method, path) for _, method, path, *_ in OPERATIONS}:
            answer = ask(server, method, path, None, bearer(server.token))
            assert answer.status == 401, (method, path)
            assert answer.problem["detail"] == "No token is configured: set api_token_env, api_token_file or [token NAME]"
        assert ask(server, "GET", "/healthz").status == 200


@pytest.mark.parametrize("role", ROLES)
def test_roles(api, role):
    """A role may run the operations of its row in the table, and gets 403 for all others, before anything else of the request is looked at."""
    for name, method, path, roles, _ in OPERATIONS:
        if name == "stream":
            continue  # Its answer does not end.
        answer = ask(api, method, re.sub(r"\{\w+\}", "nothing", path) + "?unknown=1", b"{", bearer(api.tokens[role]))
        assert answer.status == (400 if role in MAY[roles] else 403), (name, role, answer.body)
        assert answer.status == 400 or answer.problem["detail"] == "The token's role does not allow this"


def test_organizations_are_apart(api):
    """A consumer exists for its own organization alone, and another may have one of the same name."""
    path = "/v1/consumers/" + harness.fresh().lower()
    assert api.api("PUT", path, {"maxAttempts": 3}).status == 201
    other = api.tokens["other"]
    listed = api.api("GET", "/v1/consumers", token=other).json["consumers"]
    assert path.rpartition("/")[2] not in {row["name"] for row in listed}
    for verb in ("pause", "resume", "dead/retry"):
        assert api.api("POST", f"{path}/{verb}", token=other).status == 404
    assert api.api("POST", f"{path}/claim", {"worker": "w"}, other).status == 404
    assert api.api("POST", f"{path}/ack", {"leases": ["1.1"]}, other).status in (400, 404)
    assert api.api("GET", f"{path}/dead", token=other).status == 404
    assert api.api("DELETE", path, token=other).status == 404
    assert api.api("PUT", path, {"maxAttempts": 7}, other).status == 201
    assert api.api("PUT", path, {"maxAttempts": 3}).json["maxAttempts"] == 3
    assert api.api("DELETE", path, token=other).status == 204
    assert api.api("POST", f"{path}/pause").status == 200


def reload(server):
    """Ask for a reload, and wait until the log says that it went well."""
    server.write_config()
    server.process.send_signal(signal.SIGHUP)
    server.log.wait_for("configuration reloaded")


def test_reload_adds_and_removes(tmp_path):
    """SIGHUP adds a token and takes one away, on open connections too."""
    first, second = (f"token-{secrets.token_hex(16)}" for _ in range(2))
    ledger.SECRETS.update((first, second))
    for name, token in (("first", first), ("second", second)):
        (tmp_path / name).write_text(token + "\n")
    with harness.Server(more=f"[token first]\nfile = {tmp_path}/first\nrole = work\n") as server, closing(server.connect("private")) as connection:
        def name(token):
            answer = connection.ask("GET", "/v1/whoami", None, [bearer(token)])
            return answer.json["name"] if answer.status == 200 else answer.status

        assert (name(first), name(second)) == ("first", 401)
        server.more = f"[token second]\nfile = {tmp_path}/second\n"
        reload(server)
        assert (name(first), name(second), name(server.token)) == (401, "second", "default")


@pytest.mark.parametrize("text", ["x" * 15, "", "x" * 4097], ids=["short", "empty", "long"])
def test_token_lengths(tmp_path, text):
    """A token that is too short to be one, or too long, is a mistake of the configuration; at the edges it is taken."""
    fault = "a token is 16 to 4096 bytes long"
    (tmp_path / "token").write_text(text)
    server = harness.Server(more=f"[token one]\nfile = {tmp_path}/token\n")
    result = server.cli("check", "-c", server.config)
    assert result.code == 1 and fault in result.out + result.err
    for edge in ("x" * 16, "y" * 4096):
        (tmp_path / "token").write_text(edge)
        assert fault not in server.cli("check", "-c", server.config).err


def test_a_token_is_used_once(tmp_path):
    """Two tokens are never alike, or nobody could say who has asked."""
    (tmp_path / "token").write_text("the-same-token-for-both")
    server = harness.Server(more="".join(f"[token {name}]\nfile = {tmp_path}/token\n" for name in ("one", "two")))
    result = server.cli("check", "-c", server.config)
    assert result.code == 1 and "two: this token is used twice" in result.out + result.err


# Paths and methods.


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/whoami/", "/v1//whoami", "//v1/whoami", "/v1/whoami/x", "/V1/whoami", "/v2/whoami",
                                  "/v1/consumers/", "/v1/consumers/a/", "/v1/consumers/a/claim/", "/v1/consumers//claim", "/v1/consumers/a/nothing",
                                  "/v1/consumers/a/dead/b/retry/c", "/v1/%77hoami", "/v1/../v1/whoami"])
def test_no_such_path(api, path):
    """What is no path of the table is not found, whoever asks; one with a slash more is another path."""
    for method in ("GET", "POST"):
        for headers in ([], [bearer(api.token)]):
            assert ask(api, method, path, None, *headers).refusal == (404, {"error": "Not found"})


def test_only_the_private_face(api):
    """The public face has nothing of it."""
    for _, method, path, *_ in OPERATIONS:
        assert api.ask(method, path, None, [bearer(api.token)]).refusal == (404, {"error": "Not found"})


def test_wrong_methods(api):
    """A path that has other methods says which; whoever asks need not be known for that."""
    for path in {re.sub(r"\{\w+\}", "x", path) for _, _, path, *_ in OPERATIONS}:
        allowed = {method for _, method, template, *_ in OPERATIONS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - allowed:
            answer = ask(api, method, path)
            assert (answer.status, set(answer.headers["Allow"].split(", "))) == (405, allowed), (method, path)
            assert method == "HEAD" or answer.problem["title"] == "Method not allowed"


def test_head(api):
    """HEAD is GET without the body."""
    for path in ("/v1/whoami", "/v1/openapi.json", "/v1/consumers"):
        with closing(api.connect("private")) as connection:
            got, head = (connection.ask(method, path, None, [bearer(api.token)]) for method in ("GET", "HEAD"))
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", got.headers["Content-Length"])
    answer = ask(api, "HEAD", "/v1/whoami")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (401, b"", "application/problem+json")


def test_percent_encoded_names(api):
    """A name in a path may be percent-encoded; a malformed one, an empty one and one too long are none."""
    name = harness.fresh().lower()
    assert api.api("PUT", f"/v1/consumers/{name}", {}).status == 201
    assert api.api("POST", "/v1/consumers/" + "".join(f"%{ord(letter):02x}" for letter in name) + "/pause").json["name"] == name
    for malformed in ("%", "%4", "%zz", "%00", "%ff", "%C3%28", "a" * 301, "%61" * 301):
        assert faults(api.api("POST", f"/v1/consumers/{malformed}/pause")) == ["Invalid path"]
    for decoded in ("a%2Fb", "a%20b", "%2e%2e", "A", "%C3%A4", "a" * 300):
        assert api.api("POST", f"/v1/consumers/{decoded}/pause").status == 404
        assert faults(api.api("PUT", f"/v1/consumers/{decoded}", {})) == ["Invalid name: 1 to 64 of a-z, 0-9, _ and -"]


# Parameters.


def test_parameters(api):
    """Parameters that are unknown, repeated or malformed are refused, all of them at once, and without their values."""
    path = "/v1/consumers/flows/dead"
    assert api.api("GET", f"{path}?limit=5&cursor=0").status == 200
    assert api.api("GET", f"{path}?limit=%35").status == 200
    assert faults(api.api("GET", f"{path}?limit=0&secret=1&cursor=x")) == ["Invalid limit", "Unknown parameter", "Invalid cursor"]
    assert faults(api.api("GET", f"{path}?limit=1&limit=1")) == ["Repeated limit"]
    for value in ("", "0", "1001", "-1", "1.0", "1e2", "%2B1", "0x1", "1%20", "%31%", "99999999999999999999", "a" * 300):
        assert faults(api.api("GET", f"{path}?limit={value}")) == ["Invalid limit"], value
    for value in ("1", "1000"):
        assert api.api("GET", f"{path}?limit={value}").status == 200
    assert faults(api.api("GET", f"{path}?limit")) == ["Invalid limit"]
    assert faults(api.api("GET", f"{path}?Limit=1")) == ["Unknown parameter"]
    assert faults(api.api("GET", "/v1/whoami?x")) == ["Unknown parameter"]
    assert api.api("GET", "/v1/whoami?").status == 200


# Bodies.


def padded(size):
    """A claim of exactly so many bytes."""
    return json.dumps({"worker": "w"}).encode().ljust(size)


def test_body_limit(api):
    """A body of exactly the limit is read, and one byte more is not."""
    headers = [JSON, bearer(api.token)]
    assert ask(api, "POST", CLAIM, padded(BODY_MAX), *headers).refusal == (404, {"error": "Not found"})
    for size in (BODY_MAX + 1, BODY_MAX + 60 * 1024):
        assert ask(api, "POST", CLAIM, padded(size), *headers).refusal == (413, {"error": "Body too large"})


@pytest.mark.parametrize("headers, status", [
    ([], 404), ([("Content-Type", "application/json; charset=utf-8")], 404), ([("Content-Type", "APPLICATION/JSON")], 404),
    ([("Content-Type", "application/vnd.lab+json")], 404), ([("Content-Type", "text/plain")], 415), ([("Content-Type", "application/x-www-form-urlencoded")], 415),
    ([("Content-Type", "application/jsonx")], 415), ([("Content-Type", "")], 415), ([JSON, JSON], 415), ([JSON, ("Content-Encoding", "gzip")], 415)], ids=str)
def test_media_types(api, headers, status):
    """JSON under its own name, a dialect's or none is read, and nothing else."""
    assert ask(api, "POST", CLAIM, b'{"worker":"w"}', bearer(api.token), *headers).status == status


def test_bodies(api):
    """A body must be an object as described; where nothing in it is needed, it may be left out; where there is none, none is taken."""
    def said(body, path=CLAIM, method="POST"):
        return faults(ask(api, method, path, body, JSON, bearer(api.token)))

    assert said(None) == said(b"") == said(b"{}") == said(b'{"worker":""}') == said(b'{"worker":null}') == ["Missing worker"]
    assert said(b"[]") == said(b'"worker"') == said(b"1") == ["Not an object"]
    assert said(b'{"worker":1,"max":0,"secret":2}') == ["Invalid worker", "Invalid max", "Unknown secret"]
    assert len(said(b"{")) == len(said(b'{"worker":"w","worker":"w"}')) == len(said(b"{}{}")) == 1
    assert said(b"{}", "/v1/consumers/a/pause") == ["Takes no body"]
    assert said(b"{}", "/v1/whoami", "GET") == ["Takes no body"]
    assert ask(api, "GET", "/v1/whoami", None, ("Content-Type", "text/plain"), bearer(api.token)).status == 200
    path = "/v1/consumers/" + harness.fresh().lower()
    assert ask(api, "PUT", path, None, bearer(api.token)).status == 201


def test_order_of_checks(api):
    """Path, method, token, role, size, media type, content: the first that is wrong decides."""
    large, plain, path = padded(BODY_MAX + 1), ("Content-Type", "text/plain"), f"{CLAIM}?unknown=1"
    reader, worker = bearer(api.tokens["read"]), bearer(api.tokens["work"])
    assert ask(api, "POST", "/v1/nothing", large, plain).status == 404
    assert ask(api, "PUT", path, large, plain).status == 405
    assert ask(api, "POST", path, large, plain).status == 401
    assert ask(api, "POST", path, large, plain, reader).status == 403
    assert ask(api, "POST", path, large, plain, worker).status == 413
    assert ask(api, "POST", path, b"{", plain, worker).status == 415
    assert ask(api, "POST", path, b"{", JSON, worker).status == 400
    assert ask(api, "POST", CLAIM, b'{"worker":"w"}', JSON, worker).status == 404


def test_problem_documents_hold_no_values(api):
    """What was sent is never sent back in a refusal."""
    secret = harness.fresh()
    for answer in (api.api("POST", f"/v1/consumers/{secret}/claim?{secret}={secret}", {"worker": {"a": secret}, "max": secret}),
                   api.api("GET", f"/v1/{secret}"), api.api("PUT", f"/v1/consumers/{secret}", {}), api.api("GET", "/v1/whoami", token=secret)):
        assert answer.status >= 400 and secret.encode() not in answer.body, answer.body


def test_faults_have_an_end(api):
    """Of a thousand faults a hundred are told."""
    assert len(faults(api.api("POST", "/v1/consumers/nobody/ack", {"leases": [1] * 1000}))) == 100
