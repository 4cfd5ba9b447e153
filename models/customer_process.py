from __future__ import annotations

from models.base import Canonical
from models.ids import ContractNumber, EngagementId, FirmId
from models.process import Carried, Outcome

__all__ = ["ChangedAccount", "CustomerSyncResult", "account_of", "customer_sync_id", "number_of_account", "sync_of"]

_ACCOUNT = "account-"


def number_of_account(account_id: str) -> ContractNumber:
    """Under this number people find an account's customer on the desk and in commands, as they find a contract."""
    return ContractNumber(f"{_ACCOUNT}{account_id}")


def account_of(number: str) -> str | None:
    """The account behind such a number; None when it is a contract's."""
    return number.removeprefix(_ACCOUNT) if number.startswith(_ACCOUNT) else None


def sync_of(firm: FirmId, account_id: str) -> EngagementId:
    """What the sync of an account is known by on the desk and in the audit trail."""
    return EngagementId(f"{firm}/{number_of_account(account_id)}")


def customer_sync_id(firm: FirmId, account_id: str) -> str:
    """Workflow id of an account's sync: `customer-sync/{firm}/account-{id}`."""
    return f"customer-sync/{sync_of(firm, account_id)}"


class ChangedAccount(Canonical):
    """Start of customer sync: an account changed, or its customer. Both are read anew, nothing is believed."""

    firm: FirmId
    account_id: str
    carried: Carried | None = None


class CustomerSyncResult(Canonical):
    """What became of the account's customer."""

    outcome: Outcome
    sentence: str
