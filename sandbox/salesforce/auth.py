"""Token, revoke, introspect and identity routes: who may call, for how long, and what a refused client reads."""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.x509 import load_pem_x509_certificate
from jwt.types import Options

from sandbox.kit import Request, Response
from sandbox.salesforce.errors import OAuthError, SalesforceError
from sandbox.salesforce.org import Org
from sandbox.salesforce.wire import JSON_TYPE

__all__ = ["Auth", "ConnectedApp", "Session"]

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
_JWT_MAX_S = 300
_SKEW_S = 5
_UNCHECKED: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_aud": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_sub": False,
}


@dataclass(frozen=True)
class ConnectedApp:
    """A client as the admin registered it; `certificate` is its X.509 certificate or public key in PEM."""

    consumer_key: str
    consumer_secret: str
    username: str
    certificate: str
    scopes: tuple[str, ...] = ("api", "id")
    name: str = "Tieline"


@dataclass
class Session:
    """A signed-in user of a client; idle time ends it."""

    app: ConnectedApp
    user_id: str
    last_used: float


class Auth:
    """The org's sign-in. Tokens end after idle time, on revocation, or when a test ends them all."""

    def __init__(self, org: Org, app: ConnectedApp) -> None:
        """Start with one registered client and no session."""
        self._org = org
        self._apps = {app.consumer_key: app}
        self._sessions: dict[str, Session] = {}

    def register(self, app: ConnectedApp) -> None:
        """Register one more client."""
        self._apps[app.consumer_key] = app

    def expire_all(self) -> int:
        """End all sessions; returns how many there were."""
        count = len(self._sessions)
        self._sessions.clear()
        return count

    def session(self, headers: Mapping[str, str]) -> Session:
        """Return the caller's live session, or raise the 401 that tells a client to sign in again."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        found = self._live(token.strip()) if scheme in {"Bearer", "OAuth"} else None
        if found is None:
            raise SalesforceError("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        found.last_used = self._org.world.clock.epoch_s()
        return found

    def handle(self, request: Request) -> Response:
        """Answer a call under /services/oauth2/."""
        action = request.path.removeprefix("/services/oauth2/").strip("/")
        try:
            if action == "token" and request.method == "POST":
                return _json(200, self._token(request))
            if action == "revoke":
                return self._revoke(request)
            if action == "introspect" and request.method == "POST":
                return _json(200, self._introspect(request))
            if action == "userinfo":
                return _json(200, self.identity(request))
        except OAuthError as error:
            body = {"error": error.error}
            if error.description is not None:
                body["error_description"] = error.description
            return _json(error.status, body)
        return _json(404, {"error": "invalid_request", "error_description": f"there is no OAuth action {action}"})

    def identity(self, request: Request) -> dict[str, Any]:
        """Return who the caller is."""
        given = request.headers
        if "oauth_token" in request.query:
            given = {"authorization": f"Bearer {request.query['oauth_token']}"}
        session = self.session(given)
        user = self._org.get(session.user_id) or {}
        base = request.base_url
        return {
            "id": f"{base}/id/{self._org.organization_id}/{session.user_id}",
            "sub": f"{base}/id/{self._org.organization_id}/{session.user_id}",
            "asserted_user": True,
            "user_id": session.user_id,
            "organization_id": self._org.organization_id,
            "username": user.get("Username"),
            "preferred_username": user.get("Username"),
            "display_name": user.get("Name"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "active": bool(user.get("IsActive")),
            "urls": {
                "rest": f"{base}/services/data/v{{version}}/",
                "query": f"{base}/services/data/v{{version}}/query/",
            },
        }

    def _live(self, token: str) -> Session | None:
        found = self._sessions.get(token)
        idle_s = self._org.world.number("token_idle_s")
        if found is not None and self._org.world.clock.epoch_s() - found.last_used > idle_s:
            del self._sessions[token]
            return None
        return found

    def _token(self, request: Request) -> dict[str, Any]:
        form = request.form
        grant = form.get("grant_type", "")
        if grant == _JWT_GRANT:
            app = self._by_assertion(form.get("assertion", ""), request)
        elif grant == "client_credentials":
            app = self._by_secret(form, request)
        elif grant == "refresh_token":
            raise OAuthError("invalid_grant", "expired access/refresh token")
        else:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return self._granted(app, request, with_signature=grant != _JWT_GRANT)

    def _granted(self, app: ConnectedApp, request: Request, *, with_signature: bool) -> dict[str, Any]:
        user_id = self._user(app.username)
        usable = [scope for scope in app.scopes if scope not in {"full", "refresh_token", "offline_access"}]
        if with_signature and not usable:
            raise OAuthError("invalid_grant", "no valid scopes defined")
        token = f"{self._org.organization_id[:15]}!AQ{secrets.token_urlsafe(48).replace('-', '_')}"
        now = self._org.world.clock.epoch_s()
        self._sessions[token] = Session(app, user_id, now)
        instance = self._org.world.text("instance_url") or request.base_url
        answer = {
            "access_token": token,
            "scope": " ".join(usable or app.scopes),
            "instance_url": instance,
            "id": f"{instance}/id/{self._org.organization_id}/{user_id}",
            "token_type": "Bearer",
        }
        if with_signature:
            answer["issued_at"] = str(int(now * 1000))
            answer["signature"] = base64.b64encode(secrets.token_bytes(32)).decode()
        return answer

    def _user(self, username: str) -> str:
        found = [
            key for key, row in self._org.store.rows("User") if str(row.get("Username")).lower() == username.lower()
        ]
        user = self._org.get(found[0]) if found else None
        if user is None or not user.get("IsActive"):
            raise OAuthError("invalid_grant", "authentication failure")
        if not self._org.world.flag("preauthorized"):
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"])

    def _by_secret(self, form: Mapping[str, str], request: Request) -> ConnectedApp:
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, encoded = request.header("authorization").partition(" ")
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise OAuthError("invalid_client", "invalid client credentials") from error
        if self._org.world.flag("check_token_host") and request.header("host").startswith(("login.", "test.")):
            raise OAuthError("invalid_grant", "request not supported on this domain")
        app = self._app(key)
        if not secrets.compare_digest(secret.encode(), app.consumer_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def _by_assertion(self, assertion: str, request: Request) -> ConnectedApp:
        try:
            claims = jwt.decode(assertion, options={**_UNCHECKED, "verify_signature": False})
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        app = self._app(str(claims.get("iss", "")))
        try:
            claims = jwt.decode(assertion, _public_key(app.certificate), algorithms=["RS256"], options=_UNCHECKED)
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        audiences = {
            *_LOGIN_HOSTS,
            request.base_url,
            self._org.world.text("instance_url"),
            self._org.world.text("my_domain"),
        }
        if str(claims.get("aud", "")).rstrip("/") not in audiences - {""}:
            raise OAuthError("invalid_grant", "audience is invalid")
        self._check_expiry(claims.get("exp"))
        if str(claims.get("sub", "")).lower() != app.username.lower():
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return app

    def _check_expiry(self, raw: Any) -> None:
        # Judged by the machine's clock: a client signs with its own, which a test cannot move forward.
        now = time.time()
        try:
            left = float(str(raw)) - now
        except ValueError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        if not -_SKEW_S < left <= _JWT_MAX_S + _SKEW_S:
            raise OAuthError("invalid_grant", "expired authorization code")

    def _app(self, key: str) -> ConnectedApp:
        if (app := self._apps.get(key)) is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        return app

    def _revoke(self, request: Request) -> Response:
        token = (request.form if request.method == "POST" else request.query).get("token", "")
        if self._sessions.pop(token, None) is None:
            raise OAuthError("unsupported_token_type", "this token is not known")
        return Response(200)

    def _introspect(self, request: Request) -> dict[str, Any]:
        form = request.form
        self._by_secret(form, request)
        found = self._live(form.get("token", ""))
        if found is None:
            return {"active": False}
        expires = int(found.last_used + self._org.world.number("token_idle_s"))
        return {
            "active": True,
            "scope": " ".join(found.app.scopes),
            "client_id": found.app.consumer_key,
            "username": found.app.username,
            "sub": found.user_id,
            "token_type": "access_token",
            "exp": expires,
            "iat": int(found.last_used),
            "nbf": int(found.last_used),
        }


def _public_key(pem: str) -> Any:
    if "BEGIN CERTIFICATE" in pem:
        return load_pem_x509_certificate(pem.encode()).public_key()
    return pem


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response.of_json(status, body, [("Cache-Control", "no-store")], content_type=JSON_TYPE)
