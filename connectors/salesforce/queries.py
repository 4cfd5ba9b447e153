from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.salesforce.config import CustomNames, SalesforceConfig
from models.errors import NeedsRepair
from models.ids import DealId
from models.roles import Role

__all__ = ["contracts_of", "record_id", "signed_terms", "won_deals"]

_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")


def record_id(deal: str) -> str:
    """The id, if it is one: ids are the only values that ever stand in a query's text, and only in this shape."""
    if not _ID.fullmatch(deal):
        raise NeedsRepair(
            f"'{deal[:40]}' is no id of a CRM record: ids have 15 or 18 letters and digits. Check it.",
            record=deal[:40],
            field="deal id",
            owner=Role.SALES_OPERATIONS,
        )
    return deal


def _contract_columns(names: CustomNames) -> str:
    return f"Id, IsWon, IsClosed, SystemModstamp, {names.contract_number}, {names.amendment_number}"


def contracts_of(deals: Sequence[DealId], config: SalesforceConfig) -> str:
    """Which contracts these deals sell."""
    listed = ",".join(f"'{record_id(deal)}'" for deal in deals)
    return f"SELECT {_contract_columns(config.names)} FROM Opportunity WHERE Id IN ({listed})"  # noqa: S608 - checked ids


def won_deals(config: SalesforceConfig) -> str:
    """Every deal that is closed-won now."""
    columns = _contract_columns(config.names)
    return f"SELECT {columns} FROM Opportunity WHERE IsWon = true AND IsClosed = true ORDER BY Id"  # noqa: S608


def signed_terms(deal: DealId, config: SalesforceConfig) -> str:
    """The whole deal in one query: account, lines, milestones, rates and people."""
    n = config.names
    currency = ["CurrencyIsoCode"] if config.multi_currency else []
    own = [
        "Id", "Name", "IsWon", "IsClosed", "OwnerId", "Owner.Name", "Owner.Email", "SystemModstamp", "AccountId",
        n.contract_number, n.amendment_number, n.contract_status, n.signing_entity, n.customer_legal_name,
        n.customer_signed_on, n.company_signed_on, n.effective_on, n.start_on, n.end_on, n.end_with_options_on,
        n.signed_total, n.value_with_options, n.value_exercised, n.value_funded, n.value_cap, n.cap_scope,
        n.header_discount_percent, n.estimated_cost, n.payment_terms, n.po_required, n.po_number, n.po_limit,
        n.is_framework, n.at_risk, n.expense_policy, n.acceptance_person, n.region, n.notice_clause, n.bill_to_name,
        n.bill_to_street, n.bill_to_city, n.bill_to_state, n.bill_to_postal_code, n.bill_to_country,
        n.deal_erp_project_id, n.deal_erp_contract_number, *currency,
    ]  # fmt: skip
    account = [
        "Id", "Name", "Website", "BillingStreet", "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry",
        n.account_erp_id, n.account_legal_name, n.account_aliases, n.account_tax_number,
        n.account_registration_number, n.account_duns, n.account_lei, n.account_invoice_email,
        n.account_is_government, n.account_route_id,
    ]  # fmt: skip
    lines = [
        "Id", "Product2.Name", "Product2.Family", "Quantity", "UnitPrice", "TotalPrice", "Description", "SortOrder",
        n.line_code, n.line_billing_type, n.line_start_on, n.line_end_on, n.line_cap, n.line_cap_scope,
        n.line_cost_budget, n.line_fixed_fee, n.line_measure, n.line_frequency, n.line_billed_in, n.line_anchor,
        n.line_fee_per_period, n.line_periods, n.line_indirect_rates, n.line_is_option,
    ]  # fmt: skip
    milestones = ["Code__c", "Name", "Amount__c", "Due_On__c", "Trigger__c", "Line_Codes__c", "Accepting_Person__c"]
    rates = [
        "Role__c", "Person__c", "Rate_Per_Hour__c", "Currency__c", "Valid_From__c", "Valid_Until__c",
        "Estimated_Hours__c", "Line_Code__c",
    ]  # fmt: skip
    people = [
        "ContactId",
        "Role",
        "Contact.FirstName",
        "Contact.LastName",
        "Contact.Email",
        "Contact.Phone",
        "Contact.Title",
    ]
    columns = ", ".join([*own, *(f"Account.{name}" for name in account)])
    return (
        f"SELECT {columns}, "  # noqa: S608 - names are checked identifiers, the id is checked
        f"(SELECT {', '.join(lines)} FROM OpportunityLineItems ORDER BY SortOrder, Id), "
        f"(SELECT {', '.join(milestones)} FROM {n.milestones} ORDER BY Sequence__c, Id), "
        f"(SELECT {', '.join(rates)} FROM {n.rates} ORDER BY Id), "
        f"(SELECT {', '.join(people)} FROM OpportunityContactRoles ORDER BY Id) "
        f"FROM Opportunity WHERE Id = '{record_id(deal)}'"
    )
