from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from connectors.hubspot import write_back as said
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.errors import DuplicateValue
from connectors.hubspot.notes import Notes
from connectors.hubspot.properties import COMPANIES, DEALS, project_properties
from connectors.hubspot.schemas import Record
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown
from models.operations import WriteBackDeal
from models.records import Guard, Links

__all__ = ["Writing"]


class Writing:
    """A write-back in parts, because the vendor has no transaction.

    The order makes a cut harmless. First what an administrator's rules may refuse (company, deal), then the note, then
    the record under our key, which is the evidence: whoever finds it knows that everything before it landed, whoever
    does not starts again, and each part takes what is there.
    """

    def __init__(self, client: HubSpotClient, config: HubSpotConfig, now: Callable[[], datetime]) -> None:
        self._client = client
        self._config = config
        self._now = now
        self._notes = Notes(client, config)

    def guard(self) -> Guard:
        """That of the weakest part."""
        guards = dict(said.PART_GUARDS)
        if self._config.names.task_key:
            guards["note"] = Guard.PROOF
        return Guard.PROOF if set(guards.values()) == {Guard.PROOF} else Guard.GUARDED

    async def has_landed(self, request: WriteBackDeal) -> bool:
        """Whether the evidence says this very write-back. One call, and never through the search index."""
        if self._config.custom_objects:
            return said.landed_on_project(await self._project(request), request, self._config)
        return said.landed_on_deal(await self._deal(request), request, self._config)

    async def write(self, request: WriteBackDeal, links: Links) -> bool | None:
        """Write what is missing. None when nothing was, else whether our record is new."""
        said.checked(request, links)
        if self._config.custom_objects:
            project = await self._project(request)
            if said.landed_on_project(project, request, self._config):
                return None
        else:
            project = None
            if await self.has_landed(request):
                return None
        done: list[str] = []
        await self._parts_before(request, links, done)
        async with _after(done):
            if self._config.custom_objects:
                return await self._write_project(request, links, project)
            values = said.deal_evidence(request, links, self._config)
            await self._client.update(DEALS, request.deal_id, values, record=f"deal {request.deal_id}")
            return False

    async def _parts_before(self, request: WriteBackDeal, links: Links, done: list[str]) -> None:
        if values := said.company_values(request, links, self._config):
            record = f"company {request.account_id} of deal {request.deal_id}"
            try:
                await self._client.update(COMPANIES, request.account_id, values, record=record)
            except DuplicateValue:
                # Two companies of one customer (DOM-3): the other one holds its id.
                values = said.company_values(request, links, self._config, leads=False)
                await self._client.update(COMPANIES, request.account_id, values, record=record)
            done.append("company")
        async with _after(done):
            values = said.deal_values(request, links, self._config, self._now())
            await self._client.update(DEALS, request.deal_id, values, record=f"deal {request.deal_id}")
        done.append("deal")
        if request.notify_subject:
            async with _after(done):
                await self._notes.ensure(request, self._now())
            done.append("note")

    async def _write_project(self, request: WriteBackDeal, links: Links, known: Record | None) -> bool:
        n, record = self._config.names, f"project record {request.key}"
        values = said.project_values(request, links, self._config)
        try:
            made = await self._client.upsert(n.project_object, request.key, n.project_key, values, record=record)
        except DuplicateValue:
            # Two upserts of a new key at the same moment: one is refused and finds the record now (sheet 4).
            if await self._project(request) is None:
                raise
            made = await self._client.upsert(n.project_object, request.key, n.project_key, values, record=record)
        if known is None or known.id != made.id or not said.is_linked(known, request):
            await self._client.associate(n.project_object, made.id, DEALS, request.deal_id, record=record)
        return made.new

    async def _project(self, request: WriteBackDeal) -> Record | None:
        n = self._config.names
        return await self._client.find(
            n.project_object,
            said.key_text(request.key),
            id_property=n.project_key,
            properties=project_properties(self._config),
            associations=[DEALS],
            record=f"project record {request.key}",
        )

    async def _deal(self, request: WriteBackDeal) -> Record | None:
        n = self._config.names
        names = (n.deal_project_key, n.deal_project_status, n.deal_project_digest)
        return await self._client.find(DEALS, request.deal_id, properties=names, record=f"deal {request.deal_id}")


@asynccontextmanager
async def _after(done: list[str]) -> AsyncIterator[None]:
    """What stops a later part must not claim that nothing was written: earlier parts were."""
    try:
        yield
    except (NotSent, NeedsRepair, Fatal) as stopped:
        if not done:
            raise
        message = f"{stopped.message} Written already: {', '.join(done)}; the rest follows."
        if isinstance(stopped, NotSent):
            raise OutcomeUnknown(
                message, retry_after_s=stopped.retry_after_s, record=stopped.record, field=stopped.field
            ) from stopped
        kind = Fatal if isinstance(stopped, Fatal) else NeedsRepair
        raise kind(
            message, code=stopped.code, record=stopped.record, field=stopped.field, owner=stopped.owner
        ) from stopped
