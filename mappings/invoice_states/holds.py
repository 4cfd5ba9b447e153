from __future__ import annotations

from models.invoice import Flag, HoldReason

__all__ = ["STEPS", "hold_sentence"]

STEPS: dict[HoldReason, tuple[str, str]] = {
    HoldReason.PO_MISSING: ("the customer's PO is missing", "You: ask the customer for its PO number."),
    HoldReason.PO_USED_UP: ("the customer's PO{po} is used up", "You: ask for a PO increase."),
    HoldReason.TAX_NUMBER: ("the customer's tax number is missing or wrong", "You: ask the customer for it."),
    HoldReason.WRONG_BILL_TO: ("it is made out to the wrong party", "You: name the right bill-to on the account."),
    HoldReason.ACCEPTANCE_MISSING: ("the customer has not accepted the work", "You: get the acceptance."),
    HoldReason.RATE_OR_HOURS: ("a rate or hours are questioned", "The project manager checks them."),
    HoldReason.AMENDMENT_PENDING: ("an amendment is not signed yet", "You: get the amendment signed."),
    HoldReason.OVER_CAP_OR_FUNDING: ("it goes over the cap or the funding", "You: get it raised by amendment."),
    HoldReason.PORTAL_SET_UP: ("we are not set up in the customer's portal", "Billing registers us there."),
    HoldReason.CREDIT_HOLD: ("the customer is on credit hold", "Credit control decides."),
    HoldReason.DUPLICATE_SUSPECTED: ("it may have been billed already", "Billing compares the two."),
    HoldReason.PERIOD: ("its accounting period is closed", "Finance chooses the posting date."),
    HoldReason.OTHER: ("{text}", "Billing tells what is needed."),
}
"""Every reason of the closed list: why, and the next step. DOM-7.9."""


def hold_sentence(flag: Flag) -> str:
    """Why it is held and what to do, without codes."""
    if flag.reason is None:
        raise ValueError("only a hold has a reason of the closed list")
    why, step = STEPS[flag.reason]
    text = why.format(po=f" {flag.po_number}" if flag.po_number else "", text=flag.text.rstrip(". "))
    missing = f" ({flag.missing} missing)" if flag.missing is not None else ""
    return f"On hold: {text}{missing}. {step}"
