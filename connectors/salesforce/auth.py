from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import jwt

from connector_kit import Effectful, Fault, VendorSession
from connectors.salesforce.config import ClientCredentialsLogin, JwtLogin, SalesforceConfig
from connectors.salesforce.errors import SIGN_IN, AssertionTooOld, login_error
from connectors.salesforce.schemas import LoginFailed, TokenGranted
from models.errors import Fatal, NotSent, Retryable

__all__ = ["TokenSource"]

_ASSERTION_LIFE_S = 180
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_OK = 200


class TokenSource:
    """One access token per org and user, kept until the org refuses it. No expiry is ever told (sheet 1.4)."""

    def __init__(
        self, session: VendorSession, config: SalesforceConfig, *, epoch: Callable[[], float] = time.time
    ) -> None:
        self._session = session
        self._config = config
        self._epoch = epoch
        self._token = ""
        self._minting = asyncio.Lock()

    async def token(self, *, refused: str = "") -> str:
        """The token to use. `refused` is one the org did not take: whoever comes first makes a new one, once.

        Raises Fatal when the sign-in is refused, NotSent when there is no answer: what was to be sent did not leave.
        """
        async with self._minting:
            if not self._token or self._token == refused:
                self._token = await self._minted()
            return self._token

    async def _minted(self) -> str:
        try:
            return await self._mint()
        except AssertionTooOld:
            # Perhaps it was only slow on its way; a clock that is wrong says the same again.
            return await self._mint()
        except NotSent:
            raise
        except Retryable as lost:
            raise NotSent(f"Salesforce gives no token now; nothing was sent. {lost.message}") from lost

    async def _mint(self) -> str:
        reply = await self._session.send(
            "POST",
            f"{self._config.root_url}/services/oauth2/token",
            effect=Effectful.READ,
            headers={"Accept": "application/json"},
            form=self._form(),
        )
        try:
            if reply.status == _OK and reply.is_json:
                return TokenGranted.model_validate(reply.document()).access_token.get_secret_value()
            failed = LoginFailed.model_validate(reply.document()) if reply.is_json else LoginFailed()
        except ValueError:  # ValidationError is one
            failed = LoginFailed()
        raise login_error(Fault(code=failed.error, status=reply.status, message=failed.error_description))

    def _form(self) -> dict[str, str]:
        login = self._config.login
        if isinstance(login, JwtLogin):
            return {"grant_type": _JWT_GRANT, "assertion": self._assertion(login)}
        return _secret_form(login)

    def _assertion(self, login: JwtLogin) -> str:
        claims = {
            "iss": login.consumer_key,
            "sub": login.username,
            "aud": login.audience,
            "exp": int(self._epoch()) + _ASSERTION_LIFE_S,
        }
        try:
            return jwt.encode(claims, login.private_key_pem.get_secret_value(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as wrong:
            raise Fatal(
                "The private key of the Salesforce connection is no RSA key in PEM form. Correct `private_key_pem`.",
                code=SIGN_IN,
            ) from wrong


def _secret_form(login: ClientCredentialsLogin) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": login.consumer_key,
        "client_secret": login.consumer_secret.get_secret_value(),
    }
