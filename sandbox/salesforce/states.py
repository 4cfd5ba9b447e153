"""Which status a contract or an order may move to; activation is a second step and cannot be taken back."""

from sandbox.kit import Record
from sandbox.salesforce.errors import SalesforceError

__all__ = ["check_states"]

_CODES = {
    "Draft": "Draft",
    "In Approval Process": "InApproval",
    "Activated": "Activated",
    "Terminated": "Terminated",
    "Expired": "Expired",
}
_NEXT = {
    "Draft": {"Draft", "InApproval", "Activated"},
    "InApproval": {"Draft", "InApproval", "Activated"},
    "Activated": {"Activated", "Terminated", "Expired"},
    "Terminated": {"Terminated"},
    "Expired": {"Expired"},
}
_FIXED_ONCE_ACTIVE = ("AccountId", "StartDate", "ContractTerm")


def check_states(kind: str, record: Record, before: Record | None, *, items: int) -> None:
    """Set StatusCode from Status, or refuse the move; `items` is how many lines an order has."""
    if kind not in {"Contract", "Order"}:
        return
    code = _CODES.get(str(record.get("Status")))
    if code is None or (kind == "Order" and code not in {"Draft", "Activated"}):
        raise SalesforceError(
            "INVALID_STATUS", f"invalid {kind.lower()} status: {record.get('Status')}", fields=["Status"]
        )
    record["StatusCode"] = code
    if before is None:
        if code not in {"Draft", "InApproval"}:
            message = f"Choose a valid {kind.lower()} status and save your changes. Ask your admin for details."
            raise SalesforceError("FAILED_ACTIVATION", message, fields=["Status"])
        return
    if code not in _NEXT[before["StatusCode"]]:
        message = f"the status of this {kind.lower()} cannot go from {before['Status']} to {record['Status']}"
        raise SalesforceError("INVALID_STATUS", message, fields=["Status"])
    if before["StatusCode"] == "Activated":
        if changed := [name for name in _FIXED_ONCE_ACTIVE if record.get(name) != before.get(name)]:
            message = f"{', '.join(changed)} cannot be changed on an activated {kind.lower()}"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=changed)
    elif kind == "Order" and code == "Activated" and items == 0:
        message = "An order must have at least one product before it can be activated."
        raise SalesforceError("FAILED_ACTIVATION", message, fields=[])
