from __future__ import annotations

from mappings.change_order.bring_in import BroughtIn
from mappings.change_order.case import ChangeCase
from mappings.change_order.effective import Timing
from mappings.change_order.funding import Release, billing_limit, release_parked
from mappings.change_order.position import Position
from mappings.change_order.rates import effect_of_rates
from models.change_order import ChangeKind, ChangePlan, ChangeRow, CreditProposal
from models.contract_standing import ContractStanding, StandingRow
from models.money import Money
from models.roles import Role

__all__ = ["outcome_of", "released_work", "with_work"]


def with_work(position: Position, brought: BroughtIn, standing: ContractStanding) -> Position:
    """What new rates do to work that is there: other amounts, correcting lines, or a credit. DOM-6.8."""
    if not any(item.rates for item in brought.amendments):
        return position
    effect = effect_of_rates(standing.work, standing.rates, position.rates)
    number = brought.amendments[-1].number
    lower: dict[str, Money] = {}
    for item in effect.adjustments:
        if item.amount.amount < 0:
            lower[item.invoice] = lower.get(item.invoice, Money.zero(position.currency)) - item.amount
    paid = {invoice.number for invoice in standing.invoices if invoice.balance.is_zero}
    credits_ = tuple(
        CreditProposal(invoice=invoice, amount=amount, amendment=number, is_paid=invoice in paid)
        for invoice, amount in lower.items()
    )
    by_hand: tuple[str, ...] = ()
    if effect.unrated:
        named = ", ".join(effect.unrated)
        by_hand = (f"Billing: correct billed work by hand, the ERP does not tell its old rate: {named}.",)
    return position.model_copy(
        update={
            "to_do": (*position.to_do, *by_hand),
            "adjustments": tuple(item for item in effect.adjustments if item.amount.amount > 0),
            "affected_work": effect.affected,
            "credits": (*position.credits, *credits_),
        }
    )


def released_work(standing: ContractStanding, position: Position) -> Release:
    """Parked work that may be billed now: only what the change itself lets go."""
    return release_parked(position.values, standing.invoiced_net, standing.work)


def outcome_of(
    case: ChangeCase, standing: ContractStanding, brought: BroughtIn, position: Position, timing: Timing
) -> ChangePlan:
    """What people read and decide on, row by row and to the minor unit. DOM-6.9."""
    zero = Money.zero(position.currency)
    release = released_work(standing, position) if _limit_moved(standing, position) else None
    skipped = tuple(item.number for item in position.applied if item.skipped)
    known = {item.number for item in standing.applied}
    return ChangePlan(
        amendments=tuple(item.number for item in brought.amendments),
        skipped=tuple(number for number in skipped if number not in known),
        kinds=brought.kinds,
        effective_on=timing.effective_on,
        posting_on=timing.posting_on,
        apply_on=timing.apply_on,
        rows=tuple(_rows(standing, position)),
        values_before=standing.values,
        values_after=position.values,
        invoiced=standing.invoiced_net,
        still_to_bill=position.still_to_bill,
        to_credit=Money.total((credit.amount for credit in position.credits), position.currency),
        to_release=release.amount if release is not None else zero,
        credits=position.credits,
        adjustments=position.adjustments,
        affected_work=position.affected_work,
        told=_told(brought, position),
        to_do=(*position.to_do, *_unfunded(standing, position), *_refunds(case, position)),
    )


def _limit_moved(standing: ContractStanding, position: Position) -> bool:
    return billing_limit(standing.values) != billing_limit(position.values)


def _rows(standing: ContractStanding, position: Position) -> list[ChangeRow]:
    """Every row that was or will be there; rows that were cancelled before are left out."""
    before = {row.code: row for row in standing.rows}
    after = {row.code: row for row in position.rows}
    found = []
    for code in dict.fromkeys([*before, *after]):
        was, row = before.get(code), after.get(code) or before[code]
        if was is not None and not (was.is_unbilled or was.is_billed):
            continue
        found.append(_row(was, row))
    return found


def _row(was: StandingRow | None, row: StandingRow) -> ChangeRow:
    zero = Money.zero(row.amount.currency)
    amount = was.amount if was is not None else zero
    return ChangeRow(
        code=row.code,
        name=row.name,
        due_on=row.due_on,
        before=amount,
        invoiced=row.amount if row.is_billed else zero,
        after=row.amount,
        difference=row.amount - amount,
        state=row.state,
    )


def _told(brought: BroughtIn, position: Position) -> tuple[Role, ...]:
    """Who hears of it: contracts and sales always, the others when it is their work that changes."""
    kinds = set(brought.kinds)
    work = kinds & {ChangeKind.SCOPE, ChangeKind.DE_SCOPE, ChangeKind.DATE, ChangeKind.RATE, ChangeKind.TERMINATION,
                    ChangeKind.BILLING_RULE, ChangeKind.OPTION_EXERCISED}  # fmt: skip
    value = kinds - {ChangeKind.ADMINISTRATIVE, ChangeKind.NAME_CHANGE, ChangeKind.FUNDING_ONLY, ChangeKind.DATE}
    told = [Role.SALES, Role.CONTRACTS]
    told += [Role.PMO] if work else []
    told += [Role.BILLING] if value or ChangeKind.FUNDING_ONLY in kinds else []
    told += [Role.REVENUE] if value else []
    told += [Role.FINANCE_OPERATIONS] if position.credits else []
    return tuple(told)


def _unfunded(standing: ContractStanding, position: Position) -> list[str]:
    """What is sold and may not be billed before it is funded. DOM-0.7, X15."""
    funded, sold = position.values.funded, position.values.exercised
    if funded is None or sold is None or sold <= funded:
        return []
    if position.values == standing.values:
        return []
    return [f"Contracts: sold {sold}, funded {funded}; {sold - funded} may not be invoiced until it is funded."]


def _refunds(case: ChangeCase, position: Position) -> list[str]:
    words = {"refund": "pay it back", "on-account": "keep it on account"}
    found = []
    for credit in position.credits:
        said = case.said.value(f"refund:{credit.amendment}:{credit.invoice}")
        how = f", {words[said]}" if said in words else ""
        found.append(f"Finance: issue the credit note of {credit.amount} on invoice {credit.invoice}{how}.")
    return found
