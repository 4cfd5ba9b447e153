from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.salesforce.config import CustomNames, SalesforceConfig
from connectors.salesforce.ids import is_record_id, to_18
from models.errors import Fatal, NeedsRepair
from models.ids import DealId, ExternalKey
from models.roles import Role

__all__ = [
    "DEAL",
    "contracts_of",
    "is_deal_id",
    "key_text",
    "not_yet_written",
    "record_id",
    "signed_terms",
    "won_deals",
    "written_back",
]

DEAL = "006"
"""How the id of a deal begins."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PLAIN = re.compile(r"[A-Za-z0-9 :_-]{1,120}")


def is_deal_id(text: str) -> bool:
    """Whether this can be a deal's id at all."""
    return is_record_id(text, DEAL)


def record_id(text: str, what: str, prefix: str = "") -> str:
    """The id in its long form, if it is one: only checked ids, keys and words ever stand in a query or an address."""
    if not is_record_id(text, prefix):
        raise NeedsRepair(
            f"'{text[:40]}' is no CRM id of {what}: such an id has 15 or 18 letters and digits"
            f"{f' and starts with {prefix}' if prefix else ''}. Check it.",
            record=text[:40],
            field=f"id of {what}",
            owner=Role.SALES_OPERATIONS,
        )
    return to_18(text)


def key_text(key: ExternalKey) -> str:
    """Our key, if it has the shape our keys have."""
    if not _KEY.fullmatch(key):
        raise Fatal("A key of ours has characters that must not stand in an address.", record=key[:60])
    return key


def _word(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise Fatal("A status or digest of ours has characters that must not stand in a query.", record=text[:60])
    return text


def _contract_columns(names: CustomNames) -> str:
    return f"Id, IsWon, IsClosed, SystemModstamp, {names.contract_number}, {names.amendment_number}"


def contracts_of(deals: Sequence[DealId], config: SalesforceConfig) -> str:
    """Which contracts these deals sell."""
    listed = ",".join(f"'{record_id(deal, 'a deal', DEAL)}'" for deal in deals)
    return f"SELECT {_contract_columns(config.names)} FROM Opportunity WHERE Id IN ({listed})"  # noqa: S608 - checked ids


def won_deals(config: SalesforceConfig) -> str:
    """Every deal that is closed-won now."""
    columns = _contract_columns(config.names)
    return f"SELECT {columns} FROM Opportunity WHERE IsWon = true AND IsClosed = true ORDER BY Id"  # noqa: S608


def written_back(key: ExternalKey, config: SalesforceConfig) -> str:
    """The one record of ours under that key, with what tells one write-back from another."""
    n = config.names
    return (
        f"SELECT Id, {n.project_deal}, {n.project_status}, {n.project_digest} "  # noqa: S608 - checked key
        f"FROM {n.project_object} WHERE {n.project_key} = '{key_text(key)}'"
    )


def not_yet_written(key: ExternalKey, status: str, digest: str, config: SalesforceConfig) -> str:
    """The record under that key, unless it says already what is about to be written."""
    n = config.names
    return (
        f"SELECT Id FROM {n.project_object} WHERE {n.project_key} = '{key_text(key)}' "  # noqa: S608 - checked words
        f"AND ({n.project_status} != '{_word(status)}' OR {n.project_digest} != '{_word(digest)}')"
    )


def signed_terms(deal: DealId, config: SalesforceConfig) -> str:
    """The whole deal in one query: account, lines, milestones, rates and people."""
    n = config.names
    columns = ", ".join([*_own_columns(config), *(f"Account.{name}" for name in _account_columns(n))])
    return (
        f"SELECT {columns}, "  # noqa: S608 - names are checked identifiers, the id is checked
        f"(SELECT {', '.join(_line_columns(n))} FROM OpportunityLineItems ORDER BY SortOrder, Id), "
        f"(SELECT {', '.join(_milestone_columns(n))} FROM {n.milestones} ORDER BY {n.milestone_sequence}, Id), "
        f"(SELECT {', '.join(_rate_columns(n))} FROM {n.rates} ORDER BY Id), "
        "(SELECT ContactId, Role, Contact.FirstName, Contact.LastName, Contact.Email, Contact.Phone, Contact.Title "
        "FROM OpportunityContactRoles ORDER BY Id) "
        f"FROM Opportunity WHERE Id = '{record_id(deal, 'a deal', DEAL)}'"
    )


def _own_columns(config: SalesforceConfig) -> list[str]:
    n = config.names
    return [
        "Id", "Name", "IsWon", "IsClosed", "OwnerId", "Owner.Name", "Owner.Email", "SystemModstamp", "AccountId",
        n.contract_number, n.amendment_number, n.contract_status, n.signing_entity, n.customer_legal_name,
        n.customer_signed_on, n.company_signed_on, n.effective_on, n.start_on, n.end_on, n.end_with_options_on,
        n.signed_total, n.value_with_options, n.value_exercised, n.value_funded, n.value_cap, n.cap_scope,
        n.header_discount_percent, n.estimated_cost, n.payment_terms, n.po_required, n.po_number, n.po_limit,
        n.is_framework, n.at_risk, n.expense_policy, n.acceptance_person, n.region, n.notice_clause, n.bill_to_name,
        n.bill_to_street, n.bill_to_city, n.bill_to_state, n.bill_to_postal_code, n.bill_to_country,
        n.deal_erp_project_id, n.deal_erp_contract_number, *(["CurrencyIsoCode"] if config.multi_currency else []),
    ]  # fmt: skip


def _account_columns(n: CustomNames) -> list[str]:
    return [
        "Id", "Name", "Website", "BillingStreet", "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry",
        n.account_erp_id, n.account_legal_name, n.account_aliases, n.account_tax_number,
        n.account_registration_number, n.account_duns, n.account_lei, n.account_invoice_email,
        n.account_is_government, n.account_route_id,
    ]  # fmt: skip


def _line_columns(n: CustomNames) -> list[str]:
    return [
        "Id", "Product2.Name", "Product2.Family", "Quantity", "UnitPrice", "TotalPrice", "Description", "SortOrder",
        n.line_code, n.line_billing_type, n.line_start_on, n.line_end_on, n.line_cap, n.line_cap_scope,
        n.line_cost_budget, n.line_fixed_fee, n.line_measure, n.line_frequency, n.line_billed_in, n.line_anchor,
        n.line_fee_per_period, n.line_periods, n.line_indirect_rates, n.line_is_option,
    ]  # fmt: skip


def _milestone_columns(n: CustomNames) -> list[str]:
    return [
        "Id", "Name", n.milestone_code, n.milestone_amount, n.milestone_due_on, n.milestone_trigger,
        n.milestone_line_codes, n.milestone_accepting_person,
    ]  # fmt: skip


def _rate_columns(n: CustomNames) -> list[str]:
    return [
        "Id", n.rate_role, n.rate_person, n.rate_per_hour, n.rate_currency, n.rate_valid_from, n.rate_valid_until,
        n.rate_estimated_hours, n.rate_line_code,
    ]  # fmt: skip
