from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.fields import Row
from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ContractNumber, DealId
from models.party import Address, BuyerIdentity, ContactPerson, ContactRole
from models.roles import Role
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

__all__ = ["to_contract", "to_signed_terms"]

_STATUS = {
    "Draft": ContractStatus.DRAFT, "In Approval": ContractStatus.IN_APPROVAL, "Approved": ContractStatus.APPROVED,
    "Cancelled": ContractStatus.CANCELLED,
}  # fmt: skip
_BILLING = {
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
_TRIGGER = {"Acceptance": MilestoneTrigger.ACCEPTANCE, "Date": MilestoneTrigger.DATE}
_CONTACT_ROLES = {"Billing": ContactRole.BILLING, "Signer": ContactRole.SIGNER}


def to_contract(record: dict[str, Any], config: SalesforceConfig) -> ContractOfDeal:
    """Which contract a deal sells."""
    row = Row(record, deal=str(record.get("Id", "")))
    return ContractOfDeal(
        deal_id=DealId(row.text("Id")),
        contract_number=ContractNumber(row.text(config.names.contract_number)),
        amendment_number=row.text(config.names.amendment_number),
        is_won=row.flag("IsWon") and row.flag("IsClosed"),
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
    name = f"{record.get('Name', '')} ({record.get('Id', '')})"
    row = Row(record, deal=name)
    contract = row.text(n.contract_number)
    if not contract:
        raise NeedsRepair(
            f"Deal {name} has no contract number. Enter it on the deal in the CRM, then repair.",
            code="TL-CON-015",
            record=name,
            field=n.contract_number,
            owner=Role.SALES_OPERATIONS,
        )
    currency = row.text("CurrencyIsoCode") if config.multi_currency else config.default_currency
    owner = row.inner("Owner")
    return SignedTerms(
        deal_id=DealId(row.text("Id")),
        deal_name=row.text("Name"),
        deal_url=f"{config.root_url}/{row.text('Id')}",
        deal_state=_state(row),
        owner_id=row.text("OwnerId"),
        owner_name=owner.text("Name") if owner else "",
        owner_email=owner.text("Email") if owner else "",
        source_version=row.instant("SystemModstamp"),
        contract_number=ContractNumber(contract),
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
        header_discount_percent=row.number(n.header_discount_percent) or 0,
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
            country=_country(row.text(n.bill_to_country)),
        ),
        buyer=_buyer(row.inner("Account"), config),
        contacts=tuple(_person(Row(item, deal=name, where="contact ")) for item in people if item.get("Contact")),
        lines=tuple(
            _line(Row(item, deal=name, where=f"line {number} "), number, currency, config)
            for number, item in enumerate(lines, start=1)
        ),
        milestones=tuple(
            _milestone(Row(item, deal=name, where=f"milestone {number} "), number, currency)
            for number, item in enumerate(milestones, start=1)
        ),
        rates=tuple(_rate(Row(item, deal=name, where="rate ")) for item in rates),
        erp_project_id=row.text(n.deal_erp_project_id),
        erp_contract_number=row.text(n.deal_erp_contract_number),
    )


def _state(row: Row) -> DealState:
    """By the stage's own flags, never by its label (sheet 2.4)."""
    if not row.flag("IsClosed"):
        return DealState.OPEN
    return DealState.WON if row.flag("IsWon") else DealState.LOST


def _country(text: str) -> str:
    """A two-letter code or nothing: a country's name is not guessed at."""
    return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else ""  # noqa: PLR2004 - ISO alpha-2


def _buyer(account: Row | None, config: SalesforceConfig) -> BuyerIdentity | None:
    if account is None:
        return None
    n = config.names
    website = account.text("Website").removeprefix("https://").removeprefix("http://").removeprefix("www.")
    aliases = [item.strip() for item in account.text(n.account_aliases).replace("\n", ";").split(";")]
    return BuyerIdentity(
        account_id=account.text("Id"),
        name=account.text("Name"),
        legal_name=account.text(n.account_legal_name),
        aliases=tuple(item for item in aliases if item)[:20],
        address=Address(
            street=account.text("BillingStreet"),
            city=account.text("BillingCity"),
            region=account.text("BillingState"),
            postal_code=account.text("BillingPostalCode"),
            country=_country(account.text("BillingCountry")),
        ),
        tax_number=account.text(n.account_tax_number),
        registration_number=account.text(n.account_registration_number),
        duns=account.text(n.account_duns),
        lei=account.text(n.account_lei),
        domain=website.partition("/")[0].casefold(),
        invoice_email=account.text(n.account_invoice_email),
        is_government=account.flag(n.account_is_government),
        route_id=account.text(n.account_route_id),
        erp_customer_id=account.text(n.account_erp_id),
    )


def _person(row: Row) -> ContactPerson:
    contact = row.inner("Contact") or row
    return ContactPerson(
        code=row.text("ContactId"),
        first_name=contact.text("FirstName"),
        last_name=contact.text("LastName"),
        email=contact.text("Email"),
        phone=contact.text("Phone"),
        title=contact.text("Title"),
        role=_CONTACT_ROLES.get(row.text("Role"), ContactRole.OTHER),
    )


def _line(row: Row, number: int, currency: str, config: SalesforceConfig) -> SowLine:
    n = config.names
    product = row.inner("Product2")
    periods = row.number(n.line_periods)
    return SowLine(
        code=row.text(n.line_code) or f"L{number}",
        description=row.text("Description") or (product.text("Name") if product else ""),
        service_line=product.text("Family") if product else "",
        billing_type=row.choice(n.line_billing_type, _BILLING),
        net_price=row.money("TotalPrice", currency),
        quantity=row.number("Quantity") or 1,
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
        periods=int(periods) if periods is not None else None,
        indirect_rate_table=row.text(n.line_indirect_rates),
        is_option=row.flag(n.line_is_option),
    )


def _milestone(row: Row, number: int, currency: str) -> Milestone:
    return Milestone(
        code=row.text("Code__c") or f"M{number}",
        name=row.text("Name"),
        due_on=row.day("Due_On__c"),
        amount=row.money("Amount__c", currency),
        trigger=row.choice("Trigger__c", _TRIGGER),
        accepting_person=row.text("Accepting_Person__c"),
        line_codes=tuple(code.strip() for code in row.text("Line_Codes__c").split(",") if code.strip()),
    )


def _rate(row: Row) -> RateRow:
    return RateRow(
        role=row.text("Role__c"),
        person=row.text("Person__c"),
        rate_per_hour=row.number("Rate_Per_Hour__c"),
        currency=row.text("Currency__c"),
        valid_from=row.day("Valid_From__c"),
        valid_until=row.day("Valid_Until__c"),
        estimated_hours=row.number("Estimated_Hours__c"),
        line_code=row.text("Line_Code__c"),
    )
