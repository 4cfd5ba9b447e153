from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from connector_kit import Effectful, Reply, VendorSession
from connectors.hubspot.complaints import fault_of
from connectors.hubspot.config import HubSpotConfig, OAuthLogin
from connectors.hubspot.errors import SIGN_IN, login_error
from connectors.hubspot.schemas import TokenGranted
from models.errors import Fatal, NotSent, Retryable

__all__ = ["TokenSource"]

_OK = 200
_USED_OF_LIFE = 0.8
"""The vendor wants tokens renewed before they end, not after a refusal (sheet 1)."""


class TokenSource:
    """The token of one account: a static one, or one that is made from a refresh token, once for all who wait."""

    def __init__(
        self, session: VendorSession, config: HubSpotConfig, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._token = ""
        self._good_until = 0.0
        self._refresh_token = ""
        self._renewing = asyncio.Lock()

    async def token(self, *, refused: str = "") -> str:
        """The token to use. `refused` is one that was called expired: whoever comes first makes a new one, once.

        Raises Fatal when the sign-in is refused, NotSent when there is no answer: what was to be sent did not leave.
        """
        login = self._config.login
        if not isinstance(login, OAuthLogin):
            if refused:
                raise Fatal(
                    "HubSpot says that our token has expired. Rotate the key in HubSpot and set `access_token` anew.",
                    code=SIGN_IN,
                )
            return login.access_token.get_secret_value()
        async with self._renewing:
            if not self._token or self._token == refused or self._clock() >= self._good_until:
                await self._renew(login)
            return self._token

    async def _renew(self, login: OAuthLogin) -> None:
        started = self._clock()
        try:
            granted = self._granted(await self._ask(login))
        except NotSent:
            raise
        except Retryable as lost:
            raise NotSent(f"HubSpot gives no token now; nothing was sent. {lost.message}") from lost
        self._token = granted.access_token.get_secret_value()
        self._good_until = started + granted.expires_in * _USED_OF_LIFE
        # Refresh tokens are said to stay the same; whatever comes back is the one to use next.
        self._refresh_token = granted.refresh_token.get_secret_value()

    async def _ask(self, login: OAuthLogin) -> Reply:
        return await self._session.send(
            "POST",
            f"{self._config.root_url}/oauth/{self._config.api_version}/token",
            effect=Effectful.READ,
            headers={"Accept": "application/json"},
            # In the body, never in the address: since v3 the vendor takes secrets nowhere else.
            form={
                "grant_type": "refresh_token",
                "client_id": login.client_id,
                "client_secret": login.client_secret.get_secret_value(),
                "refresh_token": self._refresh_token or login.refresh_token.get_secret_value(),
            },
        )

    def _granted(self, reply: Reply) -> TokenGranted:
        if reply.status == _OK and reply.is_json:
            try:
                return TokenGranted.model_validate(reply.document())
            except ValueError:  # ValidationError is one
                raise NotSent("HubSpot's sign-in does not answer properly; it is tried again.") from None
        raise login_error(fault_of(reply, record="the sign-in"))
