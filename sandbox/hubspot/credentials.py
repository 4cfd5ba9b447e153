"""Who may call: static keys that never expire, the app's short-lived tokens, and what a refused caller reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from uuid import NAMESPACE_URL, uuid5

from sandbox.hubspot.errors import HubSpotError, OAuthError
from sandbox.hubspot.wire import Caller
from sandbox.kit import World

__all__ = ["ALL_SCOPES", "JOURNAL_SCOPES", "App", "Credentials", "Token"]

_TYPES = ("companies", "contacts", "deals", "line_items", "products", "quotes", "custom", "projects", "tickets")
ALL_SCOPES = frozenset(
    {"oauth", "crm.objects.owners.read"}
    | {
        f"crm.{area}.{name}.{right}"
        for area in ("objects", "schemas")
        for name in _TYPES
        for right in ("read", "write")
    }
)
JOURNAL_SCOPES = frozenset(
    f"developer.webhooks_journal.{name}"
    for name in ("read", "subscriptions.read", "subscriptions.write", "snapshots.read", "snapshots.write")
)
_USER_ID = 61234567


@dataclass(frozen=True)
class App:
    """The app a developer registered."""

    client_id: str = "6f1a2f0e-3c55-4a8e-9a77-sandboxclient"
    client_secret: str = "sandbox-client-secret-0001"
    app_id: int = 9912733
    refresh_token: str = "na1-sandbox-refresh-token"
    name: str = "tieline-app"


@dataclass
class Token:
    """A token of the app with the instant it ends."""

    value: str
    ends_at: float
    scopes: frozenset[str]
    journal: bool = False


class Credentials:
    """All credentials of the account. Times are the vendor's."""

    def __init__(self, world: World) -> None:
        """Start with a service key, a private app and an installed app."""
        self._world = world
        self.app = App()
        self.service_key = "sandbox-service-key-7d1b0c52"
        self.private_token = "pat-na1-sandbox-0001-private-app"
        self.developer_key = "sandbox-developer-key"
        self._static = {
            self.service_key: Caller("tieline", 3310001, ALL_SCOPES, user_id=_USER_ID),
            self.private_token: Caller("private-app", 3310002, ALL_SCOPES, user_id=_USER_ID),
        }
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, frozenset[str]] = {self.app.refresh_token: ALL_SCOPES}
        self._codes: dict[str, tuple[str, frozenset[str]]] = {}
        self._numbers = count(1)

    @property
    def lifetime_s(self) -> int:
        """Return the life of an access token."""
        return int(self._world.number("token_lifetime_s"))

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Return who calls, or refuse with 401."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() == "bearer" and value in self._static:
            return self._narrowed(self._static[value])
        token = self._tokens.get(value) if scheme.lower() == "bearer" else None
        if token is None:
            raise HubSpotError(
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
                status=401,
            )
        late_s = self._world.clock.epoch_s() - token.ends_at
        if late_s >= 0:
            message = f"The OAuth token used to make this call expired {int(late_s)} second(s) ago."
            raise HubSpotError("EXPIRED_AUTHENTICATION", message, status=401)
        return self._narrowed(Caller(self.app.name, self.app.app_id, token.scopes, is_oauth=True, user_id=_USER_ID))

    def app_id_of(self, name: str) -> int:
        """Return the number of the app or key that wrote under a name; events carry it."""
        keys = {caller.name: caller.app_id for caller in self._static.values()}
        return keys.get(name, self.app.app_id)

    def token(self, value: str) -> Token | None:
        """Return a token that has not ended."""
        found = self._tokens.get(value)
        return found if found is not None and found.ends_at > self._world.clock.epoch_s() else None

    def authorise(self, redirect_uri: str, scopes: frozenset[str]) -> str:
        """Return the code a person's consent gives the app."""
        code = f"na1-code-{self._random()}"
        self._codes[code] = (redirect_uri, scopes)
        return code

    def by_code(self, code: str, redirect_uri: str) -> tuple[Token, str]:
        """Return the first tokens of an installation; a code works once."""
        kept = self._codes.pop(code, None)
        if kept is None or kept[0] != redirect_uri:
            raise OAuthError("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code")
        refresh = f"na1-{self._random()}"
        self._refresh[refresh] = kept[1]
        return self.issue(kept[1]), refresh

    def by_refresh(self, refresh: str) -> Token:
        """Return a new access token; the refresh token stays the same."""
        scopes = self._refresh.get(refresh)
        if scopes is None:
            raise OAuthError("BAD_REFRESH_TOKEN", "invalid_grant", "missing or invalid refresh token")
        return self.issue(scopes)

    def issue(self, scopes: frozenset[str], *, journal: bool = False) -> Token:
        """Make an access token; they are longer than 300 characters, as the vendor warns."""
        value = f"CJ{self._random()}{'x' * 300}"
        token = Token(value, self._world.clock.epoch_s() + self.lifetime_s, scopes, journal)
        self._tokens[value] = token
        return token

    def refresh_scopes(self, refresh: str) -> frozenset[str] | None:
        """Return what a refresh token stands for."""
        return self._refresh.get(refresh)

    def revoke(self, value: str) -> bool:
        """End one token or key at once; tells whether there was one."""
        gone = (self._tokens.pop(value, None), self._static.pop(value, None), self._refresh.pop(value, None))
        return any(one is not None for one in gone)

    def expire_all(self) -> int:
        """Let every access token of the app end now; keys do not expire."""
        now = self._world.clock.epoch_s()
        live = [token for token in self._tokens.values() if token.ends_at > now]
        for token in live:
            token.ends_at = now
        return len(live)

    def _narrowed(self, caller: Caller) -> Caller:
        withheld = {scope.strip() for scope in self._world.text("withheld_scopes").split(",")}
        return Caller(caller.name, caller.app_id, caller.scopes - withheld, caller.is_oauth, caller.user_id)

    def _random(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self._world.folder}/{next(self._numbers)}"))
