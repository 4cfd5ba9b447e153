from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.fields import Row
from connectors.hubspot.mapping import DealParts, deal_name, listed_in_text, rows_in_order, to_signed_terms
from connectors.hubspot.owners import Owners
from connectors.hubspot.parties import buying_company, to_buyer, to_contacts
from connectors.hubspot.properties import (
    COMPANIES,
    CONTACT_PROPERTIES,
    CONTACTS,
    DEALS,
    LINES,
    company_properties,
    deal_properties,
    line_properties,
    milestone_properties,
    rate_properties,
)
from connectors.hubspot.schemas import Linked, Record
from connectors.hubspot.stages import Stages
from models.errors import NeedsRepair
from models.roles import Role
from models.terms import DealState, SignedTerms

__all__ = ["DealReading"]

_MOST_ROWS = 2000
_MOST_PEOPLE = 200
Value = TypeVar("Value")


class DealReading:
    """Deals with everything around them: one call for the deal, then one at once for each kind of record around it."""

    def __init__(self, client: HubSpotClient, config: HubSpotConfig) -> None:
        self._client = client
        self._stages = Stages(client)
        self._owners = Owners(client)
        self._config = config

    @property
    def stages(self) -> Stages:
        """What the account's stages mean."""
        return self._stages

    async def terms(self, deal_id: str) -> SignedTerms:
        """What was sold and signed, as it is now. Raises NeedsRepair when the deal does not exist."""
        names = self._config.names
        kinds = [COMPANIES, CONTACTS, LINES]
        if self._config.custom_objects:
            kinds += [names.milestone_object, names.rate_object]
        deal = await self._client.find(
            DEALS, deal_id, properties=deal_properties(self._config), associations=kinds, record=f"deal {deal_id}"
        )
        if deal is None:
            raise NeedsRepair(
                f"Deal {deal_id} does not exist in the CRM, was archived, or is hidden from our app. Check the id.",
                code="TL-INT-040",
                record=deal_id,
                field="deal id",
                owner=Role.SALES_OPERATIONS,
            )
        return to_signed_terms(deal, await self._parts(deal), self._config)

    async def states(self, deals: Sequence[Record]) -> list[DealState]:
        """Won, lost or open, by the stage's own metadata, with at most one look at the pipelines."""
        places = [
            (Row(one.properties, deal=deal_name(one)).text("pipeline"),
             Row(one.properties, deal=deal_name(one)).text("dealstage"))
            for one in deals
        ]  # fmt: skip
        state_of = await self._stages.known(*places)
        found: list[DealState] = []
        for deal, place in zip(deals, places, strict=True):
            if (state := state_of(*place)) is None:
                raise Row(deal.properties, deal=deal_name(deal)).unreadable("dealstage", "a stage of its pipeline")
            found.append(state)
        return found

    async def _parts(self, deal: Record) -> DealParts:
        name, config = deal_name(deal), self._config
        row = Row(deal.properties, deal=name)
        company = buying_company(await self._links(deal, COMPANIES, _MOST_PEOPLE), name)
        people = await self._links(deal, CONTACTS, _MOST_PEOPLE)
        states, owner, read = await asyncio.gather(
            self.states([deal]),
            self._owners.of(row.text("hubspot_owner_id"), name),
            asyncio.gather(
                self._records(COMPANIES, [company], company_properties(config), name),
                self._records(CONTACTS, [one.id for one in people], CONTACT_PROPERTIES, name),
                self._children(deal, LINES, line_properties(config)),
                self._children(deal, config.names.milestone_object, milestone_properties(config)),
                self._children(deal, config.names.rate_object, rate_properties(config)),
                return_exceptions=True,
            ),
            return_exceptions=True,
        )
        companies, contacts, lines, milestones, rates = [_value(one) for one in _value(read)]
        n = config.names
        return DealParts(
            state=_value(states)[0],
            owner=_value(owner),
            buyer=to_buyer(companies.get(company), company, name, config),
            contacts=to_contacts(people, contacts, name, config),
            lines=rows_in_order(lines, "hs_position_on_quote"),
            milestones=rows_in_order(milestones, n.milestone_sequence)
            if config.custom_objects
            else listed_in_text(row, n.deal_milestones),
            rates=rows_in_order(rates, "") if config.custom_objects else listed_in_text(row, n.deal_rates),
        )

    async def _links(self, deal: Record, kind: str, most: int) -> list[Linked]:
        """What came along with the deal; a list that is longer than that is read on its own (sheet 3.1)."""
        page = deal.linked(kind)
        if not page.after:
            return page.results
        record = f"deal {deal_name(deal)}"
        return await self._client.associated(DEALS, deal.id, kind, most=most, record=record)

    async def _children(self, deal: Record, kind: str, properties: Sequence[str]) -> dict[str, Record]:
        links = await self._links(deal, kind, _MOST_ROWS)
        return await self._records(kind, [one.id for one in links], properties, deal_name(deal))

    async def _records(self, kind: str, ids: Sequence[str], properties: Sequence[str], deal: str) -> dict[str, Record]:
        return await self._client.read_many(kind, ids, properties, record=f"{kind} of deal {deal}")


def _value(result: Value | BaseException) -> Value:
    """The first thing that went wrong, after all calls have ended."""
    if isinstance(result, BaseException):
        raise result
    return result
