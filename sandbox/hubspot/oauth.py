"""The token interfaces v1, v3 and dated: the same grants, with different answers and refusals."""

from typing import Any
from urllib.parse import urlencode

from sandbox.hubspot.catalog import PORTAL_ID
from sandbox.hubspot.credentials import ALL_SCOPES, JOURNAL_SCOPES, Credentials, Token
from sandbox.hubspot.errors import OAuthError, missing
from sandbox.hubspot.paths import Place
from sandbox.hubspot.wire import Answer
from sandbox.kit import Request, World

__all__ = ["OAuth"]

Json = dict[str, Any]
_USER_ID = 61234567


class OAuth:
    """Gives, describes and revokes tokens."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        """Serve these credentials."""
        self._world = world
        self._credentials = credentials

    def consent(self, request: Request) -> Answer:
        """Answer the browser page as if the person agreed at once: back to the app, with a code."""
        query = request.query
        asked = query.get("scope", "").split(" ") + query.get("optional_scope", "").split(" ")
        scopes = frozenset(scope for scope in asked if scope in ALL_SCOPES)
        code = self._credentials.authorise(query["redirect_uri"], scopes)
        back = {"code": code, **({"state": query["state"]} if "state" in query else {})}
        return Answer(302, None, {"Location": f"{query['redirect_uri']}?{urlencode(back)}"})

    def handle(self, request: Request, place: Place, correlation_id: str) -> Answer:
        """Answer a call of a token interface."""
        action = (request.method, *place.segments)
        try:
            if action == ("POST", "token"):
                return Answer(200, self._token(request, place.version))
            if action == ("POST", "token", "introspect"):
                return Answer(200, self._introspect(self._facts(request, place.version)))
            if action == ("POST", "token", "revoke"):
                self._credentials.revoke(self._facts(request, place.version).get("token", ""))
                return Answer(200, {})
            if place.version == "v1" and len(place.segments) == 2:  # noqa: PLR2004 - a kind and a token
                return self._described(request.method, *place.segments)
        except OAuthError as error:
            return Answer(400, _refusal(error, place.version, correlation_id))
        raise missing()

    def _facts(self, request: Request, version: str) -> dict[str, str]:
        # Known clients send JSON though the interface wants a form; v1 also took the query string.
        if "json" in request.header("content-type"):
            facts = {name: str(value) for name, value in request.json().items()}
        else:
            facts = request.form
        if version == "v1":
            facts = {**request.query, **facts}
        app = self._credentials.app
        if facts.get("client_id") != app.client_id:
            raise OAuthError("BAD_CLIENT_ID", "invalid_client", "missing or invalid client id")
        if facts.get("client_secret") != app.client_secret:
            raise OAuthError("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret")
        return facts

    def _token(self, request: Request, version: str) -> Json:
        facts = self._facts(request, version)
        grant = facts.get("grant_type", "")
        if grant == "refresh_token":
            refresh = facts.get("refresh_token", "")
            return self._granted(self._credentials.by_refresh(refresh), refresh, version)
        if grant == "authorization_code":
            token, refresh = self._credentials.by_code(facts.get("code", ""), facts.get("redirect_uri", ""))
            return self._granted(token, refresh, version)
        if grant == "client_credentials" and version in self._world.text("client_credentials_versions").split(","):
            asked = frozenset(facts.get("scope", "").split()) or JOURNAL_SCOPES
            token = self._credentials.issue(asked & JOURNAL_SCOPES, journal=True)
            return {**self._granted(token, "", version), "refresh_token": None}
        raise OAuthError("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type")

    def _granted(self, token: Token, refresh: str, version: str) -> Json:
        answer: Json = {
            "access_token": token.value,
            "refresh_token": refresh,
            "expires_in": self._credentials.lifetime_s,
            "token_type": "bearer",
        }
        if version == "v1":
            return answer
        return {**answer, "token_use": "access_token", "hub_id": PORTAL_ID, "user_id": _USER_ID,
                "scopes": sorted(token.scopes)}  # fmt: skip

    def _introspect(self, facts: dict[str, str]) -> Json:
        value = facts.get("token", "")
        token = self._credentials.token(value)
        scopes = token.scopes if token else self._credentials.refresh_scopes(value)
        if scopes is None:
            return {"active": False}
        left = int(token.ends_at - self._world.clock.epoch_s()) if token else None
        use = "access_token" if token else "refresh_token"
        shared = {"hub_id": PORTAL_ID, "app_id": self._credentials.app.app_id, "user_id": _USER_ID}
        return {"active": True, "token_use": use, **shared, "scopes": sorted(scopes), "expires_in": left}

    def _described(self, method: str, kind: str, value: str) -> Answer:
        if kind == "access-tokens" and method == "GET":
            token = self._credentials.token(value)
            if token is None:
                raise missing()
            left = int(token.ends_at - self._world.clock.epoch_s())
            more: Json = {"app_id": self._credentials.app.app_id, "expires_in": left, "token_type": "access"}
            return Answer(200, _description(value, token.scopes, more))
        if kind == "refresh-tokens":
            scopes = self._credentials.refresh_scopes(value)
            if scopes is None:
                raise missing()
            if method == "DELETE":
                self._credentials.revoke(value)
                return Answer(204)
            more = {"client_id": self._credentials.app.client_id, "token_type": "refresh"}
            return Answer(200, _description(value, scopes, more))
        raise missing()


def _description(value: str, scopes: frozenset[str], more: Json) -> Json:
    person = {"user": "integration@harbourfinch.example.com", "user_id": _USER_ID}
    return {"token": value, **person, "hub_domain": "harbourfinch.example.com", "hub_id": PORTAL_ID,
            "scopes": sorted(scopes), **more}  # fmt: skip


def _refusal(error: OAuthError, version: str, correlation_id: str) -> Json:
    body = {"status": error.code, "message": error.message, "correlationId": correlation_id}
    # From memory of the vendor: the dated interface adds the standard's own two members.
    return body if version == "v1" else {"error": error.error, "error_description": error.message, **body}
