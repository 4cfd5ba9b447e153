from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from models.base import Canonical
from models.ids import PersonId

__all__ = ["Delegation", "Person", "Role"]


class Role(StrEnum):
    """Who acts. A closed list without an "unknown" (DOM-9, DOM-11)."""

    SALES_OPERATIONS = "sales-operations"
    CONTRACTS = "contracts"
    FINANCE_OPERATIONS = "finance-operations"
    TAX = "tax"
    MASTER_DATA = "master-data"
    CREDIT_CONTROL = "credit-control"
    BILLING = "billing"
    REVENUE = "revenue"
    PMO = "pmo"
    PRACTICE_LEAD = "practice-lead"
    CONTROLLER = "controller"
    CFO = "cfo"
    INTEGRATION = "integration"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SALES = "sales"


class Delegation(Canonical):
    """Somebody acts for a colleague between two instants (ISO dates, inclusive), at most 30 days. DOM-9.2."""

    delegate: PersonId
    from_on: str
    until_on: str


class Person(Canonical):
    """A colleague who may decide: roles, limit and how to recognise their signature."""

    person: PersonId
    name: str
    email: str
    roles: frozenset[Role]
    limit_usd: Decimal | None = None
    """Highest deal value this person may decide on, in USD at the plan's rate; None means no limit."""
    public_key_pem: str = ""
    """Ed25519 public key that checks this person's decisions; empty for people who never decide."""
    is_service_account: bool = False
    reports_to: PersonId | None = None
    delegations: tuple[Delegation, ...] = ()
