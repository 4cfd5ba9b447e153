from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.fields import Row
from connectors.salesforce.parties import to_buyer, to_contacts
from connectors.salesforce.queries import DEAL, record_id
from models.events import ContractOfDeal
from models.ids import ContractNumber, DealId
from models.party import Address
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

__all__ = ["BILLING_WORDS", "TRIGGER_WORDS", "currency_of", "deal_id_of", "to_contract", "to_signed_terms"]

_LONGEST_NAME = 120
"""So much of a deal's name fits the vendor's field; what is longer must not push the id out of our sentences."""
_STATUS = {
    "Draft": ContractStatus.DRAFT, "In Approval": ContractStatus.IN_APPROVAL, "Approved": ContractStatus.APPROVED,
    "Cancelled": ContractStatus.CANCELLED,
}  # fmt: skip
BILLING_WORDS = {
    "Milestones": BillingType.MILESTONES,
    "Percent Complete": BillingType.PERCENT_COMPLETE,
    "Time and Materials": BillingType.TIME_AND_MATERIALS,
    "Time and Materials Capped": BillingType.TIME_AND_MATERIALS_CAPPED,
    "Retainer": BillingType.RETAINER,
    "Cost Plus Fixed Fee": BillingType.COST_PLUS_FIXED_FEE,
}
_CAP_SCOPE = {"Labour": CapScope.LABOUR, "All": CapScope.ALL}
_BILLED_IN = {"Advance": BilledIn.ADVANCE, "Arrears": BilledIn.ARREARS}
_ANCHOR = {"Anniversary": PeriodAnchor.ANNIVERSARY, "Calendar": PeriodAnchor.CALENDAR}
TRIGGER_WORDS = {"Acceptance": MilestoneTrigger.ACCEPTANCE, "Date": MilestoneTrigger.DATE}


def to_contract(record: dict[str, Any], config: SalesforceConfig) -> ContractOfDeal:
    """Which contract a deal sells."""
    row = Row(record, deal=str(record.get("Id", "")))
    return ContractOfDeal(
        crm=config.connection,
        deal_id=deal_id_of(row),
        contract_number=ContractNumber(row.text(config.names.contract_number)),
        amendment_number=row.text(config.names.amendment_number),
        is_won=_state(row) is DealState.WON,
        source_version=row.instant("SystemModstamp"),
    )


def to_signed_terms(
    record: dict[str, Any],
    config: SalesforceConfig,
    *,
    lines: Sequence[dict[str, Any]],
    milestones: Sequence[dict[str, Any]],
    rates: Sequence[dict[str, Any]],
    people: Sequence[dict[str, Any]],
) -> SignedTerms:
    """The deal in our words: shape only, no choice is made here."""
    n = config.names
    name = f"{str(record.get('Name') or '')[:_LONGEST_NAME]} ({record.get('Id', '')})"
    row = Row(record, deal=name)
    currency = currency_of(row, config)
    owner = row.inner("Owner")
    return SignedTerms(
        deal_id=deal_id_of(row),
        deal_name=row.text("Name"),
        deal_url=f"{config.root_url}/{row.text('Id')}",
        deal_state=_state(row),
        owner_id=row.text("OwnerId"),
        owner_name=owner.text("Name") if owner else "",
        owner_email=owner.text("Email") if owner else "",
        source_version=row.instant("SystemModstamp"),
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
        bill_to=Address(
            street=row.text(n.bill_to_street),
            city=row.text(n.bill_to_city),
            region=row.text(n.bill_to_state),
            postal_code=row.text(n.bill_to_postal_code),
            country=row.country(n.bill_to_country, config.countries),
        ),
        buyer=to_buyer(row, config),
        contacts=to_contacts(people, name),
        lines=tuple(
            _line(Row(item, deal=name, where=f"line {number} "), number, currency, config)
            for number, item in enumerate(lines, start=1)
        ),
        milestones=tuple(
            _milestone(Row(item, deal=name, where=f"milestone {number} "), number, currency, config)
            for number, item in enumerate(milestones, start=1)
        ),
        rates=tuple(
            _rate(Row(item, deal=name, where=f"rate {number} "), config) for number, item in enumerate(rates, start=1)
        ),
        erp_project_id=row.text(n.deal_erp_project_id),
        erp_contract_number=row.text(n.deal_erp_contract_number),
    )


def _state(row: Row) -> DealState:
    """By the stage's own flags, never by its label (sheet 2.4)."""
    closed, won = row.known_flag("IsClosed"), row.known_flag("IsWon")
    if not closed:
        return DealState.OPEN
    return DealState.WON if won else DealState.LOST


def deal_id_of(row: Row) -> DealId:
    """The deal's id, in its long form."""
    return DealId(record_id(row.text("Id"), "a deal", DEAL))


def currency_of(row: Row, config: SalesforceConfig) -> str:
    """Every amount of the deal is in it, so without it no amount means anything."""
    if not config.multi_currency:
        return config.default_currency
    currency = row.needed("CurrencyIsoCode", "currency")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise row.missing("CurrencyIsoCode", "readable currency")
    return currency


def _line(row: Row, number: int, currency: str, config: SalesforceConfig) -> SowLine:
    n = config.names
    product = row.inner("Product2")
    quantity = row.number("Quantity")
    return SowLine(
        code=row.text(n.line_code) or f"L{number}",
        description=row.text("Description") or (product.text("Name") if product else ""),
        service_line=product.text("Family") if product else "",
        billing_type=row.choice(n.line_billing_type, BILLING_WORDS),
        net_price=row.money("TotalPrice", currency),
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


def _milestone(row: Row, number: int, currency: str, config: SalesforceConfig) -> Milestone:
    n = config.names
    codes = row.text(n.milestone_line_codes).split(",")
    return Milestone(
        code=row.text(n.milestone_code) or f"M{number}",
        name=row.text("Name"),
        due_on=row.day(n.milestone_due_on),
        amount=row.money(n.milestone_amount, currency),
        trigger=row.choice(n.milestone_trigger, TRIGGER_WORDS),
        accepting_person=row.text(n.milestone_accepting_person),
        line_codes=tuple(code.strip() for code in codes if code.strip()),
    )


def _rate(row: Row, config: SalesforceConfig) -> RateRow:
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
