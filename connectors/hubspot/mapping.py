from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.fields import Row
from connectors.hubspot.schemas import Owner, Record
from models.ids import ContractNumber, DealId
from models.party import Address, BuyerIdentity, ContactPerson
from models.terms import (
    BilledIn,
    BillingType,
    CapScope,
    ContractStatus,
    DealState,
    Milestone,
    MilestoneTrigger,
    PeriodAnchor,
    RateRow,
    SignedTerms,
    SowLine,
)
from models.values import SoldValues

__all__ = ["DealParts", "deal_name", "listed_in_text", "rows_in_order", "to_signed_terms"]

_STATUS = {item.value: item for item in ContractStatus}
_BILLING = {item.value: item for item in BillingType}
_CAP_SCOPE = {item.value: item for item in CapScope}
_BILLED_IN = {item.value: item for item in BilledIn}
_ANCHOR = {item.value: item for item in PeriodAnchor}
_TRIGGER = {item.value: item for item in MilestoneTrigger}
_MOST_ROWS = 2000
Values = Mapping[str, Any]


@dataclass(frozen=True)
class DealParts:
    """Everything that belongs to one deal, as it was read."""

    state: DealState
    owner: Owner | None
    buyer: BuyerIdentity
    contacts: tuple[ContactPerson, ...]
    lines: Sequence[Values]
    milestones: Sequence[Values]
    rates: Sequence[Values]


def deal_name(deal: Record) -> str:
    """How messages name a deal."""
    return f"{deal.properties.get('dealname') or ''} ({deal.id})".strip()


def rows_in_order(records: Mapping[str, Record], by: str) -> list[Values]:
    """Child records by their own number, then by age: a list of associations has no order (DOM-0.6)."""

    def place(record: Record) -> tuple[Decimal, int]:
        number = Row(record.properties, deal=record.id).number(by) if by else None
        return Decimal("Infinity") if number is None else number, int(record.id)

    return [record.properties for record in sorted(records.values(), key=place)]


def listed_in_text(row: Row, name: str) -> list[Values]:
    """Child rows of an edition without custom objects: a JSON list of tables of texts, in one property of the deal."""
    text = row.text(name)
    if not text:
        return []
    try:
        rows = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as wrong:
        raise row.unreadable(name, "a JSON list") from wrong
    if not isinstance(rows, list) or len(rows) > _MOST_ROWS or not all(isinstance(item, dict) for item in rows):
        raise row.unreadable(name, f"a JSON list of at most {_MOST_ROWS} tables")
    return [dict(item) for item in rows]


def to_signed_terms(deal: Record, parts: DealParts, config: HubSpotConfig) -> SignedTerms:
    """The deal in our words: shape only, no choice is made here."""
    n, name = config.names, deal_name(deal)
    row = Row(deal.properties, deal=name)
    currency = _currency(row, config)
    owner = parts.owner
    return SignedTerms(
        deal_id=DealId(deal.id),
        deal_name=row.text("dealname"),
        deal_url=config.link("0-3", deal.id),
        deal_state=parts.state,
        owner_id=row.text("hubspot_owner_id"),
        owner_name=f"{owner.first_name} {owner.last_name}".strip() if owner else "",
        owner_email=owner.email if owner else "",
        source_version=Row({"updatedAt": deal.updated_at}, deal=name).instant("updatedAt"),
        contract_number=ContractNumber(row.needed(n.contract_number, "contract number")),
        amendment_number=row.text(n.amendment_number),
        contract_status=row.choice(n.contract_status, _STATUS),
        is_framework=row.flag(n.is_framework),
        is_at_risk=row.flag(n.at_risk),
        signing_entity=row.text(n.signing_entity),
        customer_legal_name=row.text(n.customer_legal_name),
        customer_signed_on=row.day(n.customer_signed_on),
        company_signed_on=row.day(n.company_signed_on),
        effective_on=row.day(n.effective_on),
        start_on=row.day(n.start_on),
        end_on=row.day(n.end_on),
        end_with_options_on=row.day(n.end_with_options_on),
        notice_clause=row.text(n.notice_clause),
        currency=currency,
        signed_total=row.money(n.signed_total, currency),
        values=SoldValues(
            with_options=row.money(n.value_with_options, currency),
            exercised=row.money(n.value_exercised, currency),
            funded=row.money(n.value_funded, currency),
            cap=row.money(n.value_cap, currency),
        ),
        cap_scope=row.choice(n.cap_scope, _CAP_SCOPE),
        header_discount_percent=row.number(n.header_discount_percent) or Decimal(0),
        estimated_cost=row.money(n.estimated_cost, currency),
        payment_terms=row.text(n.payment_terms),
        po_required=row.flag(n.po_required),
        po_number=row.text(n.po_number),
        po_limit=row.money(n.po_limit, currency),
        expense_policy=row.text(n.expense_policy),
        acceptance_person=row.text(n.acceptance_person),
        region=row.text(n.region),
        bill_to_name=row.text(n.bill_to_name),
        bill_to=_bill_to(row, config),
        buyer=parts.buyer,
        contacts=parts.contacts,
        lines=tuple(
            _line(Row(item, deal=name, where=f"line {number} "), number, currency, config)
            for number, item in enumerate(parts.lines, start=1)
        ),
        milestones=tuple(
            _milestone(Row(item, deal=name, where=f"milestone {number} "), number, currency, config)
            for number, item in enumerate(parts.milestones, start=1)
        ),
        rates=tuple(
            _rate(Row(item, deal=name, where=f"rate {number} "), config)
            for number, item in enumerate(parts.rates, start=1)
        ),
        erp_project_id=row.text(n.deal_erp_project_id),
        erp_contract_number=row.text(n.deal_erp_contract_number),
    )


def _bill_to(row: Row, config: HubSpotConfig) -> Address:
    n = config.names
    return Address(
        street=row.text(n.bill_to_street),
        city=row.text(n.bill_to_city),
        region=row.text(n.bill_to_state),
        postal_code=row.text(n.bill_to_postal_code),
        country=row.country(n.bill_to_country, config.countries),
    )


def _currency(row: Row, config: HubSpotConfig) -> str:
    """Every amount of the deal is in it (not in the company's currency), so without it no amount means anything."""
    currency = row.text("deal_currency_code") or config.default_currency
    if not currency:
        raise row.missing("deal_currency_code", "currency")
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():  # noqa: PLR2004 - ISO 4217
        raise row.unreadable("deal_currency_code", "a currency code such as USD")
    return currency


def _line(row: Row, number: int, currency: str, config: HubSpotConfig) -> SowLine:
    n = config.names
    # A line has a currency of its own; one that differs from its deal's would be read as the deal's.
    if row.text("hs_line_item_currency_code") not in {"", currency}:
        raise row.unreadable("hs_line_item_currency_code", f"the deal's currency, {currency}")
    quantity = row.number("quantity")
    return SowLine(
        code=row.text(n.line_code) or f"L{number}",
        description=row.text("description") or row.text("name"),
        service_line=row.text(n.line_service_line),
        billing_type=row.choice(n.line_billing_type, _BILLING),
        net_price=row.money("amount", currency),
        quantity=Decimal(1) if quantity is None else quantity,
        start_on=row.day(n.line_start_on),
        end_on=row.day(n.line_end_on),
        cap=row.money(n.line_cap, currency),
        cap_scope=row.choice(n.line_cap_scope, _CAP_SCOPE),
        cost_budget=row.money(n.line_cost_budget, currency),
        fixed_fee=row.money(n.line_fixed_fee, currency),
        progress_measure=row.text(n.line_measure),
        bill_frequency=row.text(n.line_frequency),
        billed_in=row.choice(n.line_billed_in, _BILLED_IN),
        period_anchor=row.choice(n.line_anchor, _ANCHOR),
        fee_per_period=row.money(n.line_fee_per_period, currency),
        periods=row.count(n.line_periods),
        indirect_rate_table=row.text(n.line_indirect_rates),
        is_option=row.flag(n.line_is_option),
    )


def _milestone(row: Row, number: int, currency: str, config: HubSpotConfig) -> Milestone:
    n = config.names
    codes = row.text(n.milestone_line_codes).split(",")
    return Milestone(
        code=row.text(n.milestone_code) or f"M{number}",
        name=row.text(n.milestone_name),
        due_on=row.day(n.milestone_due_on),
        amount=row.money(n.milestone_amount, currency),
        trigger=row.choice(n.milestone_trigger, _TRIGGER),
        accepting_person=row.text(n.milestone_accepting_person),
        line_codes=tuple(code.strip() for code in codes if code.strip()),
    )


def _rate(row: Row, config: HubSpotConfig) -> RateRow:
    n = config.names
    return RateRow(
        role=row.text(n.rate_role),
        person=row.text(n.rate_person),
        rate_per_hour=row.number(n.rate_per_hour),
        currency=row.text(n.rate_currency),
        valid_from=row.day(n.rate_valid_from),
        valid_until=row.day(n.rate_valid_until),
        estimated_hours=row.number(n.rate_estimated_hours),
        line_code=row.text(n.rate_line_code),
    )
