from __future__ import annotations

import time
from collections.abc import Callable

from connectors.hubspot.client import HubSpotClient, is_record_id
from connectors.hubspot.schemas import Owner
from models.errors import NeedsRepair
from models.roles import Role

__all__ = ["Owners"]

_KEPT_S = 3600.0
_MOST = 10_000


class Owners:
    """Who looks after deals; a deal only carries an owner's id. Kept for an hour, because people rarely change."""

    def __init__(self, client: HubSpotClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, Owner]] = {}

    async def of(self, owner_id: str, deal: str) -> Owner | None:
        """The owner, even one who has left: without the address nobody could tell a seller from an approver.

        None when the deal has no owner. Raises NeedsRepair when the account does not know the id.
        """
        if not owner_id:
            return None
        until, owner = self._known.get(owner_id, (0.0, None))
        if owner is not None and self._clock() < until:
            return owner
        if is_record_id(owner_id):
            owner = await self._client.owner(owner_id, archived=False)
            owner = owner or await self._client.owner(owner_id, archived=True)
        if owner is None:
            raise NeedsRepair(
                f"Deal {deal} belongs to owner {owner_id[:40]}, whom HubSpot does not know. Give the deal another "
                "owner, then press Retry.",
                code="TL-CON-015",
                record=deal,
                field="hubspot_owner_id",
                owner=Role.SALES_OPERATIONS,
            )
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[owner_id] = (self._clock() + _KEPT_S, owner)
        return owner
