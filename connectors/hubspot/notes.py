from __future__ import annotations

from datetime import datetime

from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.errors import DuplicateValue
from connectors.hubspot.properties import DEALS, TASKS
from connectors.hubspot.write_back import note_token, note_values
from models.operations import WriteBackDeal

__all__ = ["Notes"]

_TASK_TO_DEAL = 216
_MOST_TASKS = 2000
_SUBJECT = "hs_task_subject"


class Notes:
    """One note to the owner for each write-back.

    A task has no key of its own. So the tasks that hang on the deal are read first (by association: that does not go
    through the search index, which lags), and again afterwards: of two that were written at the same moment the older
    one stays. In an account whose tasks have a unique property (`names.task_key`) the vendor itself keeps it to one.
    """

    def __init__(self, client: HubSpotClient, config: HubSpotConfig) -> None:
        self._client = client
        self._config = config

    async def ensure(self, request: WriteBackDeal, now: datetime) -> None:
        """Write the note unless it is there."""
        if self._config.names.task_key:
            try:
                await self._write(request, now)
            except DuplicateValue:
                return
            return
        before = await self._at(request)
        if ours := await self._ours(request, before):
            await self._keep_one(request, ours)
            return
        made = await self._write(request, now)
        if newcomers := await self._at(request) - before - {made}:
            await self._keep_one(request, await self._ours(request, newcomers) | {made})

    async def _write(self, request: WriteBackDeal, now: datetime) -> str:
        values = note_values(request, self._config, now)
        linked = {str(request.deal_id): _TASK_TO_DEAL}
        record = f"note on deal {request.deal_id}"
        return (await self._client.create(TASKS, values, linked_to=linked, record=record)).id

    async def _at(self, request: WriteBackDeal) -> set[str]:
        record = f"deal {request.deal_id}"
        links = await self._client.associated(DEALS, request.deal_id, TASKS, most=_MOST_TASKS, record=record)
        return {link.id for link in links}

    async def _ours(self, request: WriteBackDeal, tasks: set[str]) -> set[str]:
        token, record = note_token(request), f"tasks of deal {request.deal_id}"
        found = await self._client.read_many(TASKS, sorted(tasks), [_SUBJECT], record=record)
        return {task for task, one in found.items() if str(one.properties.get(_SUBJECT) or "").endswith(token)}

    async def _keep_one(self, request: WriteBackDeal, ours: set[str]) -> None:
        for double in sorted(ours, key=int)[1:]:
            await self._client.archive(TASKS, double, record=f"second note on deal {request.deal_id}")
