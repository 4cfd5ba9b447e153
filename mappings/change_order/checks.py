from __future__ import annotations

from collections.abc import Iterator

from mappings.change_order.case import ChangeCase
from mappings.change_order.effective import Timing
from mappings.change_order.endings import EarnedNotBilled, earned_not_billed
from mappings.change_order.fold import Folded
from mappings.change_order.kinds import KindReading
from mappings.change_order.position import Position
from mappings.findings import Finding
from models.blocker import Choice
from models.change_order import Amendment, ChangeKind
from models.contract_standing import ContractStanding, ContractState, StandingRow
from models.money import Money

__all__ = [
    "CREDIT_AND_REBILL",
    "LEAVE",
    "billing_answer",
    "credit_findings",
    "folded_findings",
    "label_findings",
    "money_limits",
    "question",
    "refusals",
    "timing_findings",
]

CREDIT_AND_REBILL, LEAVE = "credit-and-rebill", "leave"
REFUND, ON_ACCOUNT = "refund", "on-account"
_LATE_KINDS = frozenset({ChangeKind.CLOSE_OUT, ChangeKind.ADMINISTRATIVE, ChangeKind.NAME_CHANGE})


def question(
    case: ChangeCase, number: str, code: str, message: str, *, field: str, answer_field: str = "",
    choices: tuple[Choice, ...] = (), stake: Money | None = None,
) -> Finding:  # fmt: skip
    """A stop of one amendment; the sentence starts with contract and amendment."""
    return Finding(
        code=code, record=f"{case.contract_number} amendment {number}", field=field,
        message=f"Contract {case.contract_number}, amendment {number}{message}",
        choices=choices, answer_field=answer_field, stake=stake,
    )  # fmt: skip


def refusals(
    case: ChangeCase, amendment: Amendment, reading: KindReading, standing: ContractStanding
) -> Iterator[Finding]:
    """What no plan can do as it is signed. DOM-6 X14, 6.7."""
    number = amendment.number
    if amendment.currency != standing.currency:
        yield question(
            case, number, "TL-CHG-004",
            f" is in {amendment.currency}, the contract in {standing.currency}. Another currency is a new contract: "
            "sign one, and take this amendment back in the CRM.", field="currency",
        )  # fmt: skip
    effective, start = amendment.effective_on, standing.start_on
    if effective is not None and start is not None and effective < start:
        yield question(
            case, number, "TL-CHG-004",
            f" counts from {effective:%d %b %Y}, before the contract starts on {start:%d %b %Y}. Correct the effective "
            "date in the CRM, then repair.", field="effective date",
        )  # fmt: skip
    if standing.state is ContractState.CLOSED and not _LATE_KINDS & set(reading.kinds):
        yield question(
            case, number, "TL-CHG-004",
            " changes a contract that is closed in the ERP. Reopen it there, or take the amendment back; then repair.",
            field="contract",
        )  # fmt: skip
    if ChangeKind.NOVATION in reading.kinds:
        yield question(
            case, number, "TL-CHG-012",
            " moves the contract to another customer. Set up a new contract with that customer, close this one, and "
            "take the amendment back in the CRM.", field="customer",
        )  # fmt: skip


def label_findings(case: ChangeCase, amendment: Amendment, reading: KindReading) -> Iterator[Finding]:
    """The label says one thing, the content another: a person chooses the kind. DOM-6.1."""
    answer_field = f"kind:{amendment.number}"
    label = amendment.labelled_kind
    if not reading.disagreement or label is None or case.said.value(answer_field):
        return
    named = amendment.label or label.value
    kinds = dict.fromkeys((reading.main, label))
    choices = tuple(Choice(value=kind.value, label=f"It is: {kind.value.replace('-', ' ')}") for kind in kinds)
    yield question(
        case, amendment.number, "TL-CHG-005", f" is labelled '{named}'{reading.disagreement}. Choose what it is.",
        field="kind", answer_field=answer_field, choices=choices, stake=reading.stake,
    )  # fmt: skip


def folded_findings(case: ChangeCase, amendment: Amendment, folded: Folded) -> Iterator[Finding]:
    """What the contract as it stands does not let the amendment do."""
    number = amendment.number
    if folded.unknown:
        yield question(
            case, number, "TL-CHG-009",
            f" names {', '.join(folded.unknown)}, which the contract in the ERP does not have. Correct the code in the "
            "CRM, then repair.", field="rows",
        )  # fmt: skip
    if folded.gap is not None:
        more = "more" if folded.gap.amount > 0 else "less"
        amount = _unsigned(folded.gap)
        yield question(
            case, number, "TL-CHG-009",
            f": its rows come to {amount} {more} than its stated value. Correct one of them in the CRM, then repair.",
            field="rows", stake=amount,
        )  # fmt: skip
    if folded.uncredited is not None:
        yield question(
            case, number, "TL-CHG-004",
            f" takes {folded.uncredited} more away than there is left to bill and to credit. Correct the value in the "
            "CRM, then repair.", field="value", stake=folded.uncredited,
        )  # fmt: skip
    answer_field = f"billed_row:{number}"
    if folded.billed and not case.said.value(answer_field):
        yield _billed(case, number, folded.billed, answer_field)


def _billed(case: ChangeCase, number: str, rows: tuple[StandingRow, ...], answer_field: str) -> Finding:
    named = ", ".join(f"{row.code} ({row.amount}, {row.state.value})" for row in rows)
    choices = (
        Choice(value=CREDIT_AND_REBILL, label="Finance credits the invoice and bills it anew; nothing else changes"),
        Choice(value=LEAVE, label="Leave the rows as they are; the value counts as signed"),
    )
    return question(
        case, number, "TL-CHG-002",
        f" changes {named}. What is billed stays: choose whether finance credits and rebills it, or leave it.",
        field="rows", answer_field=answer_field, choices=choices, stake=rows[0].amount,
    )  # fmt: skip


def billing_answer(case: ChangeCase, amendment: Amendment) -> EarnedNotBilled | None:
    """What a person said about earned value when the billing rule changes."""
    said = case.said.value(f"earned:{amendment.number}")
    return EarnedNotBilled(said) if said in set(EarnedNotBilled) else None


def money_limits(case: ChangeCase, amendment: Amendment, before: Position, after: Position) -> Iterator[Finding]:
    """A cap below what is billed, and earned value that a new billing rule leaves between two stools. X11, X14."""
    number, cap = amendment.number, after.values.cap
    yield from _without_total(case, amendment, before)
    below_zero = [line.amount for line in after.lines if line.amount.amount < 0]
    if below_zero:
        yield question(
            case, number, "TL-CHG-004",
            f" takes {-min(below_zero)} more away than the lines of the contract hold. Correct the value in the CRM, "
            "then repair.", field="value", stake=-min(below_zero),
        )  # fmt: skip
    invoiced = Money.total((item.net - item.credited for item in before.invoices), before.currency)
    if amendment.billing is None and cap is not None and cap != before.values.cap and cap < invoiced:
        yield question(
            case, number, "TL-CHG-004",
            f" sets the cap to {cap}, below the {invoiced} that is invoiced. Correct the cap in the CRM, or credit an "
            "invoice first; then repair.", field="cap", stake=invoiced - cap,
        )  # fmt: skip
    if amendment.billing is None or billing_answer(case, amendment) is not None:
        return
    earned = earned_not_billed(before, amendment.billing)
    if earned.is_zero and amendment.billing.earned is not None:
        return
    what = f"{earned} is earned and not billed" if not earned.is_zero else "nobody measured what is earned"
    choices = (
        Choice(value=EarnedNotBilled.FINAL_ROW.value, label="Bill it as the last fixed row"),
        Choice(value=EarnedNotBilled.INTO_TIME.value, label="Move it into the new way of billing"),
        Choice(value=EarnedNotBilled.GIVE_UP.value, label="Give it up"),
    )
    yield question(
        case, number, "TL-CHG-010", f" changes how the rest is billed, and {what}. Choose what happens to it.",
        field="billing rule", answer_field=f"earned:{number}", choices=choices, stake=earned,
    )  # fmt: skip


def _without_total(case: ChangeCase, amendment: Amendment, before: Position) -> Iterator[Finding]:
    """A difference to a limit that the contract does not have: only the paper can tell the new total."""
    stated = amendment.value_change
    for name, change, now, total in (
        ("funding", stated.funded, before.values.funded, amendment.values_after.funded),
        ("cap", stated.cap, before.values.cap, amendment.values_after.cap),
    ):
        if change is not None and not change.is_zero and now is None and total is None:
            yield question(
                case, amendment.number, "TL-CHG-009",
                f" changes the {name} by {change}, but the contract in the ERP has none. Enter the total after the "
                "amendment on the deal in the CRM, then repair.", field=name, stake=_unsigned(change),
            )  # fmt: skip


def _unsigned(amount: Money) -> Money:
    """The amount without its sign."""
    return amount if amount.amount >= 0 else -amount


def credit_findings(case: ChangeCase, position: Position) -> Iterator[Finding]:
    """A paid invoice is credited: refund or on account is a person's choice. DOM-6.4, X3."""
    for credit in position.credits:
        answer_field = f"refund:{credit.amendment}:{credit.invoice}"
        if not credit.is_paid or case.said.value(answer_field):
            continue
        choices = (
            Choice(value=REFUND, label="Credit it and pay the money back"),
            Choice(value=ON_ACCOUNT, label="Credit it and keep the money on account"),
        )
        yield question(
            case, credit.amendment, "TL-CHG-003",
            f": the new price is {credit.amount} below what we invoiced, and invoice {credit.invoice} is paid. Choose "
            "whether the customer gets the money back.", field=f"invoice {credit.invoice}",
            answer_field=answer_field, choices=choices, stake=credit.amount,
        )  # fmt: skip


def timing_findings(case: ChangeCase, last: Amendment, timing: Timing, standing: ContractStanding) -> Iterator[Finding]:
    """The effective date is too far back for the posting to move by itself. DOM-5.5, 6.7."""
    first_open = standing.first_open_day
    if not timing.asks_for_posting_day or first_open is None:
        return
    yield question(
        case, last.number, "TL-CHG-006",
        f" counts from {timing.effective_on:%d %b %Y}, which is closed. The first open day is {first_open:%d %b %Y}. "
        "Choose the posting day.", field="posting day", answer_field=f"posting:{last.number}",
        choices=(Choice(value=first_open.isoformat(), label=f"Post on {first_open:%d %b %Y}"),),
    )  # fmt: skip
