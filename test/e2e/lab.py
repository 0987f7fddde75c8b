"""Programs of the lab: several tokens for the private API, and what is published with them."""
import json
import secrets

import harness
import ledger

ROLES = ("read", "work", "publish")


class Server(harness.Server):
    """A server with a token of each role, an admin of another organization, and a publisher that may be two sources only."""

    def __init__(self, sources=None, settings=None, more=""):
        self.tokens = {name: f"{name}-{secrets.token_hex(16)}" for name in (*ROLES, "other", "portal")}
        sections = [f"[token {name}]\nenv = TOKEN_{name.upper()}\nrole = {name}\n" for name in ROLES]
        sections.append("[token other]\nenv = TOKEN_OTHER\nrole = admin\norg = other\n")
        sections.append("[token portal]\nenv = TOKEN_PORTAL\nrole = publish\nsources = crm.portal, crm.kiosk\n")
        super().__init__(sources, settings, "".join(sections) + more)
        self.variables.update({f"TOKEN_{name.upper()}": token for name, token in self.tokens.items()})
        self.tokens["admin"] = self.token
        ledger.SECRETS.update(self.tokens.values())

    def api(self, method, path, payload=None, token="admin", headers=()):
        """Ask the private API as the bearer of a token, which is known by its name."""
        return super().api(method, path, payload, self.tokens.get(token, token), headers)

    def get(self, path, token="read", headers=()):
        """Get something that is there."""
        answer = self.api("GET", path, token=token, headers=headers)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)

    def publish(self, *envelopes, token="publish"):
        """Publish a list of events, and return the results."""
        answer = self.api("POST", "/v1/events", list(envelopes), token)
        assert answer.status == 200, (answer.status, answer.body)
        assert len(answer.json["results"]) == len(envelopes)
        return answer.json["results"]


def envelope(**changes):
    """An event that no flow minds; a member that is None is left out."""
    whole = {"source": "crm.portal", "detailType": "Noted", "detail": {"note": harness.fresh()}, **changes}
    return {name: value for name, value in whole.items() if value is not None}
