from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from connectors.hubspot.client import HubSpotClient, is_record_id
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.errors import NoSuchRecord
from connectors.hubspot.fields import Row
from connectors.hubspot.mapping import deal_name
from connectors.hubspot.properties import DEALS, contract_properties
from connectors.hubspot.reading import DealReading
from connectors.hubspot.schemas import Record, SearchPage
from connectors.hubspot.writing import Writing
from models.errors import Fatal, NeedsRepair, Retryable
from models.events import ContractOfDeal
from models.ids import ConnectionId, ContractNumber, DealId
from models.operations import WriteBackDeal
from models.records import Effect, Guard, Links, RecordKind, RecordRef
from models.roles import Role
from models.terms import DealState, SignedTerms

__all__ = ["HubSpotDeals"]

_STAGES_PER_SEARCH = 50
"""A search may have 3,000 characters, and stage ids have up to 36."""
_DEAL_TYPE = "0-3"


class HubSpotDeals:
    """Deals, signed terms and write-back of one account."""

    def __init__(
        self,
        client: HubSpotClient,
        config: HubSpotConfig,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._config = config
        self._reading = DealReading(client, config)
        self._writing = Writing(client, config, now)

    @property
    def connection(self) -> ConnectionId:
        """The account this adapter speaks to."""
        return self._config.connection

    async def check_access(self) -> None:
        """Read the account's own record; one that has another number than `portal_id` says is the wrong account."""
        try:
            account = await self._client.account()
        except NoSuchRecord as gone:
            raise Fatal(
                f"HubSpot has no interface of version {self._config.api_version} at {self._config.root_url}. Set "
                "`api_version` to one that it serves.",
                record="the account",
            ) from gone
        if self._config.portal_id and account.portal_id != self._config.portal_id:
            raise NeedsRepair(
                f"The token belongs to HubSpot account {account.portal_id}, but `portal_id` says "
                f"{self._config.portal_id}. Correct the one that is wrong.",
                record="the account",
                field="portal_id",
                owner=Role.INTEGRATION,
            )

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        """Which contract each deal sells; one call for each 100. What cannot be a deal's id does not exist.

        Archived deals are missing, and so is one that was merged: the deal it went into answers under its own id.
        """
        possible = [deal for deal in dict.fromkeys(deals) if is_record_id(deal)]
        if not possible:
            return ()
        found = await self._client.read_many(DEALS, possible, contract_properties(self._config), record="deals")
        records = [found[deal] for deal in possible if deal in found]
        states = await self._reading.states(records) if records else []
        return tuple(self._contract(record, state) for record, state in zip(records, states, strict=True))

    async def list_won_deals(self) -> tuple[ContractOfDeal, ...]:
        """Every deal that is closed-won now, as far as the search index knows.

        The search only finds ids, in their order and page after page above the last one, so that no list is too long
        for it and none shows twice. Each deal is then read itself: what is returned is won now. A deal that was won in
        the last minute or so may be missing, because the index lags (sheet 5); its event or the next look finds it.
        """
        won: list[ContractOfDeal] = []
        stages = await self._reading.stages.won()
        for start in range(0, len(stages), _STAGES_PER_SEARCH):
            last, is_more = 0, True
            while is_more:
                page = await self._won_after(last, stages[start : start + _STAGES_PER_SEARCH])
                ids = [int(record.id) for record in page.results]
                if any(one >= other for one, other in pairwise([last, *ids])) or (page.after and not ids):
                    raise Retryable("HubSpot's search does not go on as it should. It is asked again.")
                last, is_more = (ids or [last])[-1], bool(page.after)
                won += [one for one in await self.find_contracts([DealId(str(item)) for item in ids]) if one.is_won]
        return tuple(won)

    async def _won_after(self, last: int, stages: Sequence[str]) -> SearchPage:
        return await self._client.search(
            DEALS,
            [
                {"propertyName": "dealstage", "operator": "IN", "values": list(stages)},
                {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
            ],
            ["hs_object_id"],
        )

    async def get_signed_terms(self, deal: DealId) -> SignedTerms:
        """The deal with everything around it: one call for it, one for each kind of record around it."""
        if not is_record_id(deal):
            raise NeedsRepair(
                f"'{deal[:40]}' is no CRM id of a deal: such an id is a number. Check it.",
                record=deal[:40],
                field="id of a deal",
                owner=Role.SALES_OPERATIONS,
            )
        return await self._reading.terms(deal)

    def guard_of_write_back(self) -> Guard:
        """Guarded, because of the note; see `write_back.PART_GUARDS` for each part."""
        return self._writing.guard()

    async def find_write_back(self, request: WriteBackDeal, links: Links) -> Effect | None:
        """The record under our key is written last: when it says this very write-back, all the rest landed before."""
        del links
        landed = await self._writing.has_landed(request)
        return self._effect(request, created=False, changed=False) if landed else None

    async def ensure_write_back(self, request: WriteBackDeal, links: Links) -> Effect:
        """Company, deal, note, and last our record: each part takes what an earlier attempt has done."""
        created = await self._writing.write(request, links)
        return self._effect(request, created=bool(created), changed=created is not None)

    def _contract(self, record: Record, state: DealState) -> ContractOfDeal:
        name, n = deal_name(record), self._config.names
        row = Row(record.properties, deal=name)
        return ContractOfDeal(
            crm=self.connection,
            deal_id=DealId(record.id),
            contract_number=ContractNumber(row.text(n.contract_number)),
            amendment_number=row.text(n.amendment_number),
            is_won=state is DealState.WON,
            source_version=Row({"updatedAt": record.updated_at}, deal=name).instant("updatedAt"),
        )

    def _effect(self, request: WriteBackDeal, *, created: bool, changed: bool) -> Effect:
        ref = RecordRef(
            connection=self.connection,
            kind=RecordKind.DEAL,
            record_id=request.deal_id,
            url=self._config.link(_DEAL_TYPE, request.deal_id),
        )
        return Effect(ref=ref, created=created, changed=changed)
