from __future__ import annotations

from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.names import CustomNames

__all__ = [
    "COMPANIES",
    "CONTACTS",
    "CONTACT_PROPERTIES",
    "DEALS",
    "LINES",
    "TASKS",
    "company_properties",
    "contract_properties",
    "deal_properties",
    "line_properties",
    "milestone_properties",
    "project_properties",
    "rate_properties",
]

DEALS, COMPANIES, CONTACTS, LINES, TASKS = "deals", "companies", "contacts", "line_items", "tasks"
CONTACT_PROPERTIES = ("firstname", "lastname", "email", "phone", "jobtitle")
_PLACE = ("dealname", "pipeline", "dealstage")
_COMPANY = ("name", "domain", "website", "address", "address2", "city", "state", "zip", "country")
_LINE = ("name", "description", "quantity", "amount", "hs_line_item_currency_code", "hs_position_on_quote")
_NOT_SOLD = ("company_", "line_", "milestone_", "rate_", "project_", "deal_", "task_")
_IN_TEXT = ("deal_milestones", "deal_rates")


def contract_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """What tells which contract a deal sells, and where it stands."""
    return (*_PLACE, config.names.contract_number, config.names.amendment_number)


def deal_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """Everything that is read of a deal: the sold terms, and the ERP ids that stand on it already."""
    n = config.names
    # The day on which our own company signed is named like the properties of the customer's company.
    sold = [name for field, name in n if not field.startswith(_NOT_SOLD) or field == "company_signed_on"]
    in_text = [] if config.custom_objects else [getattr(n, field) for field in _IN_TEXT]
    return (
        *_PLACE, "deal_currency_code", "hubspot_owner_id", *sold, n.deal_erp_project_id, n.deal_erp_contract_number,
        *in_text,
    )  # fmt: skip


def company_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """Who buys."""
    return (*_COMPANY, *_of(config.names, "company_", but=("company_signed_on", "company_erp_number")))


def line_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """What was sold, line by line."""
    return (*_LINE, *_of(config.names, "line_"))


def milestone_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """When we may invoice."""
    return _of(config.names, "milestone_", but=("milestone_object",))


def rate_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """What an hour costs."""
    return _of(config.names, "rate_", but=("rate_object",))


def project_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """What tells which write-back landed last."""
    return (config.names.project_key, config.names.project_status, config.names.project_digest)


def _of(names: CustomNames, prefix: str, *, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(name for field, name in names if field.startswith(prefix) and field not in but)
