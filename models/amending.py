from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from models.base import Canonical
from models.contract_standing import AppliedAmendment, StandingLine, StandingRate, StandingRow
from models.ids import ContractNumber, ExternalKey
from models.money import Money
from models.records import RecordRef
from models.values import SoldValues

__all__ = [
    "AdjustmentLine",
    "AmendContract",
    "AmendSchedule",
    "CloseForTime",
    "ProposeAdjustments",
    "ProposeCreditNote",
    "ReleaseParked",
]


class _Amending(Canonical):
    """What every change of a contract in force carries."""

    key: ExternalKey
    """Of firm, contract, amendment and step: the same change has one effect however often it is asked for."""
    contract_number: ContractNumber
    contract: RecordRef
    amendment: str
    """Number of the last amendment it brings in."""
    expected_version: str
    """`ContractStanding.version` the plan was made from; another one in the ERP makes the plan stale."""


class AmendSchedule(_Amending):
    """Bring one billing schedule to these rows. Billed rows are listed as they are and must not be touched."""

    kind: Literal["amend-schedule"] = "amend-schedule"
    schedule: str
    """Record id of the schedule; empty: open one for these rows."""
    name: str
    rows: tuple[StandingRow, ...] = Field(max_length=2000)
    """Every row of the schedule as it shall stand, cancelled ones included."""


class AmendContract(_Amending):
    """Bring the contract's lines, values, dates and rates to what the amendments say."""

    kind: Literal["amend-contract"] = "amend-contract"
    lines: tuple[StandingLine, ...] = Field(max_length=2000)
    """Every line as it shall stand; a line of nothing is closed."""
    values: SoldValues
    end_on: date | None = None
    rates: tuple[StandingRate, ...] = Field(default=(), max_length=2000)
    fields: dict[str, str] = Field(default_factory=dict)
    """Texts that change: `po_number`, `bill_to`, `customer_name`..."""
    billing_hold: str = ""
    """Plain reason why nothing more may be invoiced; empty: no hold by this change."""
    applied: tuple[AppliedAmendment, ...] = Field(max_length=100)
    """What this change brings in, in order; the ERP record names at least the numbers."""


class ProposeCreditNote(_Amending):
    """Propose a credit note against one invoice, with its tax code and rate; finance issues it. DOM-6.5."""

    kind: Literal["propose-credit-note"] = "propose-credit-note"
    invoice: str
    invoice_record: RecordRef | None = None
    amount: Money
    """Net of tax, above zero."""
    reason: str
    posting_on: date


class AdjustmentLine(Canonical):
    """One correcting line; negative when the customer gets money back."""

    code: str
    invoice: str
    amount: Money
    text: str


class ProposeAdjustments(_Amending):
    """Add correcting lines for billed work to the next invoice, each naming the invoice it corrects. DOM-6.8."""

    kind: Literal["propose-adjustments"] = "propose-adjustments"
    lines: tuple[AdjustmentLine, ...] = Field(max_length=2000)
    posting_on: date


class ReleaseParked(_Amending):
    """Let work that waited over the cap or the funding go to the next invoice, once, at its own work dates. X5, X9."""

    kind: Literal["release-parked"] = "release-parked"
    work: tuple[str, ...] = Field(max_length=5000)
    amount: Money


class CloseForTime(_Amending):
    """No time on the project after a day. DOM-6 X12."""

    kind: Literal["close-for-time"] = "close-for-time"
    project: RecordRef
    after: date
    reason: str
