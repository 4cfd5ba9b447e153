"""Signed amendments: each is a deal of its own under the contract's number. Shape only, no choice is made here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.fields import Row
from connectors.salesforce.mapping import BILLING_WORDS, TRIGGER_WORDS, currency_of, deal_id_of
from models.change_order import Amendment, ChangeKind, LineChange, RateChange, RowAction, RowChange, Termination
from models.errors import NeedsRepair
from models.ids import ContractNumber
from models.roles import Role
from models.values import SoldValues

__all__ = ["amendments_of", "is_in_force", "to_amendment"]

_LONGEST_NUMBER = 120
_BASE = "0"
"""A predecessor of this number is the contract itself."""
_CANCELLED, _NOT_YET = "Cancelled", frozenset({"Draft", "In Approval"})
_TOTALS = "Totals"
_KINDS = {
    "Scope": ChangeKind.SCOPE, "De-scope": ChangeKind.DE_SCOPE, "Rate": ChangeKind.RATE, "Date": ChangeKind.DATE,
    "Billing Rule": ChangeKind.BILLING_RULE, "Funding Only": ChangeKind.FUNDING_ONLY,
    "Option Exercised": ChangeKind.OPTION_EXERCISED, "Administrative": ChangeKind.ADMINISTRATIVE,
    "Close-out": ChangeKind.CLOSE_OUT, "Termination": ChangeKind.TERMINATION, "Name Change": ChangeKind.NAME_CHANGE,
    "Novation": ChangeKind.NOVATION,
}  # fmt: skip
_ACTIONS = {
    "Add": RowAction.ADD, "Amend": RowAction.AMEND, "Cancel": RowAction.CANCEL, "Split": RowAction.SPLIT,
    "Merge": RowAction.MERGE,
}  # fmt: skip


def amendments_of(contract: ContractNumber, config: SalesforceConfig) -> str:
    """Every won amendment of a contract with its lines, rows and rates: one query."""
    n = config.names
    columns = [
        "Id", "Name", "IsWon", "IsClosed", "OwnerId", "Owner.Name", "Owner.Email", "SystemModstamp", "AccountId",
        n.contract_number, n.amendment_number, n.amends_after, n.amendment_label, n.amendment_kind,
        n.amendment_replaces, n.amendment_values, n.unbilled_percent, n.work_stops_on, n.settlement,
        n.contract_status, n.customer_signed_on, n.company_signed_on, n.effective_on, n.end_on,
        n.value_with_options, n.value_exercised, n.value_funded, n.value_cap,
        *(["CurrencyIsoCode"] if config.multi_currency else []),
    ]  # fmt: skip
    lines = ["Id", "Description", "TotalPrice", "SortOrder", n.line_code, n.line_billing_type, n.line_start_on,
             n.line_end_on, n.line_exercises_option]  # fmt: skip
    rows = ["Id", "Name", n.milestone_code, n.milestone_amount, n.milestone_due_on, n.milestone_trigger,
            n.milestone_line_codes, n.milestone_change, n.milestone_parts, n.milestone_part_dates,
            n.milestone_merges]  # fmt: skip
    rates = ["Id", n.rate_role, n.rate_per_hour, n.rate_valid_from]
    return (
        f"SELECT {', '.join(columns)}, "  # noqa: S608 - names are checked identifiers, the number is quoted
        f"(SELECT {', '.join(lines)} FROM OpportunityLineItems ORDER BY SortOrder, Id), "
        f"(SELECT {', '.join(rows)} FROM {n.milestones} ORDER BY {n.milestone_sequence}, Id), "
        f"(SELECT {', '.join(rates)} FROM {n.rates} ORDER BY Id) "
        f"FROM Opportunity WHERE {n.contract_number} = '{_quoted(contract)}' AND {n.amendment_number} != null "
        f"AND {n.amendment_number} != '{_BASE}' AND IsWon = true ORDER BY Id"
    )


def is_in_force(record: dict[str, Any], config: SalesforceConfig) -> bool:
    """Signed, or voided after it was: what is still being drafted is no amendment yet."""
    return record.get(config.names.contract_status) not in _NOT_YET


def to_amendment(
    record: dict[str, Any],
    config: SalesforceConfig,
    *,
    lines: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    rates: Sequence[dict[str, Any]],
) -> Amendment:
    """The amendment in our words."""
    n = config.names
    name = f"{str(record.get('Name') or '')[:120]} ({record.get('Id', '')})"
    row = Row(record, deal=name)
    currency = currency_of(row, config)
    owner = row.inner("Owner")
    email = owner.text("Email").lower() if owner else ""
    values = SoldValues(
        with_options=row.money(n.value_with_options, currency),
        exercised=row.money(n.value_exercised, currency),
        funded=row.money(n.value_funded, currency),
        cap=row.money(n.value_cap, currency),
    )
    are_totals = row.text(n.amendment_values) == _TOTALS
    after = row.text(n.amends_after)
    return Amendment(
        deal_id=deal_id_of(row),
        deal_name=row.text("Name"),
        deal_url=f"{config.root_url}/{row.text('Id')}",
        owner_id=row.text("OwnerId"),
        owner_name=owner.text("Name") if owner else "",
        account_id=row.text("AccountId"),
        source_version=row.instant("SystemModstamp"),
        contract_number=ContractNumber(row.needed(n.contract_number, "contract number")),
        number=row.needed(n.amendment_number, "amendment number"),
        predecessor=None if not after else after.removeprefix(_BASE) if after == _BASE else after,
        label=row.text(n.amendment_label),
        labelled_kind=row.choice(n.amendment_kind, _KINDS),
        replaces=_listed(row.text(n.amendment_replaces)),
        is_voided=row.text(n.contract_status) == _CANCELLED,
        customer_signed_on=row.day(n.customer_signed_on),
        company_signed_on=row.day(n.company_signed_on),
        effective_on=row.day(n.effective_on),
        currency=currency,
        value_change=SoldValues() if are_totals else values,
        values_after=values if are_totals else SoldValues(),
        unbilled_percent=row.number(n.unbilled_percent),
        end_on=row.day(n.end_on),
        lines=tuple(
            _line(Row(item, deal=name, where=f"line {at} "), currency, config) for at, item in enumerate(lines, 1)
        ),
        rows=tuple(
            _row(Row(item, deal=name, where=f"milestone {at} "), currency, config) for at, item in enumerate(rows, 1)
        ),
        rates=tuple(_rate(Row(item, deal=name, where=f"rate {at} "), config) for at, item in enumerate(rates, 1)),
        termination=_termination(row, currency, config),
        requested_by=tuple(sorted({who for who in (email, row.text("OwnerId")) if who})),
    )


def _line(row: Row, currency: str, config: SalesforceConfig) -> LineChange:
    n = config.names
    amount = row.money("TotalPrice", currency)
    if amount is None:
        raise row.missing("TotalPrice", "price")
    return LineChange(
        code=row.needed(n.line_code, "line code"),
        description=row.text("Description"),
        billing_type=row.choice(n.line_billing_type, BILLING_WORDS),
        amount=amount,
        start_on=row.day(n.line_start_on),
        end_on=row.day(n.line_end_on),
        exercises_option=row.flag(n.line_exercises_option),
    )


def _row(row: Row, currency: str, config: SalesforceConfig) -> RowChange:
    n = config.names
    action = row.choice(n.milestone_change, _ACTIONS)
    if action is None:
        raise row.missing(n.milestone_change, "word for what changes (Add, Amend, Cancel, Split or Merge)")
    lines = _listed(row.text(n.milestone_line_codes))
    return RowChange(
        action=action,
        code=row.needed(n.milestone_code, "code"),
        name=row.text("Name"),
        amount=row.money(n.milestone_amount, currency),
        due_on=row.day(n.milestone_due_on),
        trigger=row.choice(n.milestone_trigger, TRIGGER_WORDS),
        line_code=lines[0] if lines else "",
        parts=row.count(n.milestone_parts) or 0,
        part_dates=tuple(_day(row, n.milestone_part_dates, part) for part in _listed(row.text(n.milestone_part_dates))),
        merges=_listed(row.text(n.milestone_merges)),
    )


def _rate(row: Row, config: SalesforceConfig) -> RateChange:
    n = config.names
    rate, valid_from = row.number(n.rate_per_hour), row.day(n.rate_valid_from)
    if rate is None:
        raise row.missing(n.rate_per_hour, "rate")
    if valid_from is None:
        raise row.missing(n.rate_valid_from, "first day")
    return RateChange(role=row.needed(n.rate_role, "role"), rate_per_hour=rate, valid_from=valid_from)


def _termination(row: Row, currency: str, config: SalesforceConfig) -> Termination | None:
    n = config.names
    stops_on = row.day(n.work_stops_on)
    if stops_on is None:
        return None
    settlement = row.money(n.settlement, currency)
    if settlement is None:
        raise row.missing(n.settlement, "settlement (0 if nothing is settled)")
    return Termination(stops_on=stops_on, settlement=settlement)


def _day(row: Row, field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise row.missing(field, f"readable date in '{text[:20]}' (write YYYY-MM-DD, divided by commas)") from wrong


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _quoted(contract: str) -> str:
    """The number as it may stand between quotes in a query."""
    if not contract or len(contract) > _LONGEST_NUMBER or not contract.isprintable():
        raise NeedsRepair(
            f"'{contract[:40]}' cannot be a contract number: it has characters that nobody can read, or more than "
            f"{_LONGEST_NUMBER}. Correct it on the deal in the CRM.",
            record=contract[:40],
            field="contract number",
            owner=Role.SALES_OPERATIONS,
        )
    return contract.replace("\\", "\\\\").replace("'", "\\'")
