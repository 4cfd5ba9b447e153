from __future__ import annotations

from datetime import date

from pydantic import Field

from models.base import Canonical
from models.change_order import CreditProposal, WorkAdjustment
from models.contract_standing import (
    AppliedAmendment,
    ContractStanding,
    CreditRef,
    InvoiceRef,
    RowEffect,
    StandingLine,
    StandingRate,
    StandingRow,
)
from models.money import Money
from models.terms import BillingType
from models.values import SoldValues

__all__ = ["SCHEDULED", "Position", "effects", "standing_after", "start_from", "total"]

SCHEDULED = frozenset({BillingType.MILESTONES, BillingType.RETAINER})
"""Billing types whose lines, contract value and schedule must agree. DOM-0.8."""


class Position(Canonical):
    """The contract while amendments are folded into it, one after the other. Billed rows never change in it."""

    currency: str
    values: SoldValues
    lines: tuple[StandingLine, ...]
    rows: tuple[StandingRow, ...]
    invoices: tuple[InvoiceRef, ...]
    rates: tuple[StandingRate, ...]
    start_on: date | None = None
    end_on: date | None = None
    applied: tuple[AppliedAmendment, ...] = ()
    """What was there before and what was folded in since."""
    credits: tuple[CreditProposal, ...] = ()
    adjustments: tuple[WorkAdjustment, ...] = ()
    affected_work: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)
    closes_on: date | None = None
    """No time after this day."""
    to_do: tuple[str, ...] = ()

    @property
    def billed(self) -> Money:
        """Billed rows less the credit notes on their invoices, also those this change proposes. DOM-6.4."""
        done = [row for row in self.rows if row.is_billed]
        named = {row.invoice for row in done}
        credited = [invoice.credited for invoice in self.invoices if done and (invoice.number in named or "" in named)]
        proposed = [credit.amount for credit in self.credits]
        return total([row.amount for row in done], self.currency) - total([*credited, *proposed], self.currency)

    @property
    def unbilled(self) -> tuple[StandingRow, ...]:
        """Rows that may still change."""
        return tuple(row for row in self.rows if row.is_unbilled)

    @property
    def still_to_bill(self) -> Money:
        """Sum of the rows that may still change."""
        return total([row.amount for row in self.unbilled], self.currency)

    @property
    def scheduled(self) -> Money:
        """What the schedule comes to: billed and still to bill."""
        return self.billed + self.still_to_bill

    def with_rows(self, rows: tuple[StandingRow, ...]) -> Position:
        """The same contract with other rows."""
        return self.model_copy(update={"rows": rows})


def start_from(standing: ContractStanding) -> Position:
    """Where folding begins: the contract as it stands in the ERP."""
    return Position(
        currency=standing.currency,
        values=standing.values,
        lines=standing.lines,
        rows=standing.rows,
        invoices=standing.invoices,
        rates=standing.rates,
        start_on=standing.start_on,
        end_on=standing.end_on,
        applied=standing.applied,
    )


def standing_after(standing: ContractStanding, position: Position, version: str) -> ContractStanding:
    """How the contract stands once the changes are in the ERP: what a read-back is compared with."""
    invoices = tuple(
        invoice.model_copy(
            update={
                "credits": (
                    *invoice.credits,
                    *(
                        CreditRef(
                            number=f"proposed-{credit.amendment}",
                            amount=credit.amount,
                            is_posted=False,
                            amendment=credit.amendment,
                        )
                        for credit in position.credits
                        if credit.invoice == invoice.number
                    ),
                )
            }
        )
        for invoice in standing.invoices
    )
    return standing.model_copy(
        update={
            "values": position.values,
            "lines": position.lines,
            "rows": position.rows,
            "rates": position.rates,
            "end_on": position.end_on,
            "applied": position.applied,
            "invoices": invoices,
            "version": version,
        }
    )


def effects(before: dict[str, Money], after: dict[str, Money]) -> tuple[RowEffect, ...]:
    """What changed between two tables of code -> amount, in the order of first appearance."""
    codes = dict.fromkeys([*before, *after])
    return tuple(
        RowEffect(code=code, before=before.get(code), after=after.get(code))
        for code in codes
        if before.get(code) != after.get(code)
    )


def total(amounts: list[Money], currency: str) -> Money:
    """Sum, also of nothing."""
    return Money.total(amounts, currency)
