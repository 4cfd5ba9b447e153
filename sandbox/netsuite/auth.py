"""Who may call: certificate clients (OAuth 2.0) and token-signed clients (OAuth 1.0a), really verified."""

import hashlib
import hmac
import re
from base64 import b64encode, urlsafe_b64encode
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sandbox.kit import Request, Response, World
from sandbox.kit.wire_json import dumps
from sandbox.netsuite.errors import Detail, NsError

__all__ = ["TOKEN_PATH", "Auth"]

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
_ALGORITHMS = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPES = {"rest_webservices", "restlets", "suite_analytics"}
_MAX_ASSERTION_S = 3600
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Auth:
    """The account's integration record: its certificates, tokens and signing secrets."""

    def __init__(self, world: World, private_keys: dict[str, Path]) -> None:
        """Know the dev certificates; more are added with `add_certificate`."""
        self._world = world
        self._keys: dict[str, Any] = {}
        for kid, path in private_keys.items():
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
            self._keys[kid] = private.public_key()
        self._tokens: dict[str, float] = {}
        self._nonces: dict[tuple[str, str], float] = {}
        self._numbers = count(1)

    def add_certificate(self, kid: str, pem: str) -> None:
        """Map a certificate to the integration, as an administrator does on the setup page."""
        self._keys[kid] = x509.load_pem_x509_certificate(pem.encode()).public_key()

    def expire_tokens(self) -> int:
        """Make all access tokens invalid at once; returns how many there were."""
        expired = len(self._tokens)
        self._tokens.clear()
        return expired

    def token_response(self, request: Request) -> Response:
        """Answer the token endpoint."""
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type" if form.get("grant_type") else "invalid_request")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or not form.get("client_assertion"):
            return _refused("invalid_request")
        if error := self._assertion_error(form["client_assertion"], f"{request.base_url}{TOKEN_PATH}"):
            return _refused(error)
        token = self._issue()
        return Response.of_json(
            200,
            {"access_token": token, "expires_in": str(int(self._world.number("token_lifetime_s"))),
             "token_type": "bearer"},
        )  # fmt: skip

    def check(self, request: Request) -> None:
        """Raise NsError 401 unless the call is signed in."""
        header = request.header("authorization")
        scheme, _, rest = header.partition(" ")
        good = (scheme.lower() == "bearer" and self._tokens.get(rest.strip(), 0) > self._world.clock.epoch_s()) or (
            scheme.lower() == "oauth" and self._signed(request, rest)
        )
        if not good:
            raise _unauthorized()

    def _issue(self) -> str:
        now = self._world.clock.epoch_s()
        lifetime = self._world.number("token_lifetime_s")
        parts = ({"typ": "JWT", "alg": "RS256"},
                 {"iss": "https://system.netsuite.com", "sub": "3;88", "scope": ["rest_webservices"], "iat": int(now),
                  "exp": int(now + lifetime), "jti": f"{next(self._numbers)}-{now}"})  # fmt: skip
        head = ".".join(urlsafe_b64encode(dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        mark = hashlib.sha256(head.encode()).digest()
        token = f"{head}.{urlsafe_b64encode(mark).rstrip(b'=').decode()}"
        self._tokens[token] = now + lifetime
        return token

    def _assertion_error(self, assertion: str, own_url: str) -> str | None:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError:
            return "invalid_request"
        key = self._keys.get(str(header.get("kid")))
        if key is None or header.get("alg") not in _ALGORITHMS:
            return "invalid_client"
        unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False,
                     "verify_iss": False, "verify_sub": False, "verify_jti": False}  # fmt: skip
        try:
            claims = jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=unchecked)  # type: ignore[arg-type]
        except (jwt.InvalidTokenError, TypeError, ValueError):
            return "invalid_client"
        return self._claims_error(claims, own_url)

    def _claims_error(self, claims: dict[str, Any], own_url: str) -> str | None:
        if claims.get("iss") != self._world.text("client_id"):
            return "invalid_client"
        audience = self._world.text("audience") or own_url
        if self._world.flag("strict_aud") and claims.get("aud") not in (audience, [audience]):
            return "invalid_grant"
        try:
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (KeyError, TypeError, ValueError):
            return "invalid_grant"
        now, skew = self._world.clock.epoch_s(), self._world.number("clock_window_s")
        if not (issued <= now + skew and now < expires and expires - issued <= _MAX_ASSERTION_S):
            return "invalid_grant"
        scope = claims.get("scope", "")
        wanted = set(scope if isinstance(scope, list) else re.split(r"[,\s]+", str(scope)))
        return None if wanted and wanted <= _SCOPES and "rest_webservices" in wanted else "invalid_scope"

    def _signed(self, request: Request, header: str) -> bool:
        found = {name: unquote(value) for name, value in _PARAMETER.findall(header)}
        world = self._world
        secrets = (world.text("consumer_secret"), world.text("token_secret"))
        known = (
            found.get("realm") == world.text("account")
            and found.get("oauth_consumer_key") == world.text("consumer_key")
            and found.get("oauth_token") == world.text("token_id")
            and found.get("oauth_signature_method") == "HMAC-SHA256"
        )
        if not known or not self._fresh(found):
            return False
        expected = signature(request, found, secrets)
        if not hmac.compare_digest(expected, found.get("oauth_signature", "")):
            return False
        self._nonces[found["oauth_nonce"], found["oauth_timestamp"]] = world.clock.epoch_s()
        return True

    def _fresh(self, found: dict[str, str]) -> bool:
        stamp, nonce = found.get("oauth_timestamp", ""), found.get("oauth_nonce", "")
        if not stamp.isdigit() or not nonce or (nonce, stamp) in self._nonces:
            return False
        window = self._world.number("clock_window_s")
        return window == 0 or abs(Decimal(stamp) - Decimal(self._world.clock.epoch_s())) <= window


def signature(request: Request, oauth: dict[str, str], secrets: tuple[str, str]) -> str:
    """Return the HMAC-SHA256 signature of a call as RFC 5849 builds it, over the host and scheme as received."""
    pairs = [*request.query_pairs]
    pairs += [(name, value) for name, value in oauth.items() if name not in {"realm", "oauth_signature"}]
    normal = "&".join(f"{name}={value}" for name, value in sorted((_pct(a), _pct(b)) for a, b in pairs))
    parts = urlsplit(f"{request.base_url}{request.raw_path}")
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, default} else f":{parts.port}"
    address = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    base = "&".join(_pct(one) for one in (request.method, address, normal))
    key = "&".join(_pct(one) for one in secrets)
    return b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _pct(text: str) -> str:
    return quote(text, safe="~-._")


def _refused(error: str) -> Response:
    return Response.of_json(401 if error == "invalid_client" else 400, {"error": error})


def _unauthorized() -> NsError:
    text = (
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles "
        "> User Management > View Login Audit Trail."
    )
    return NsError(401, Detail(text, "INVALID_LOGIN"))
