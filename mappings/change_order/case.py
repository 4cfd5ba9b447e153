from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from mappings.answers import Answers
from models.base import Canonical
from models.change_order import Amendment
from models.contract_standing import ContractStanding
from models.desk import GivenAnswer
from models.ids import ConnectionId, ContractNumber, CustomerKey, EngagementId, FirmId
from models.records import Guard

__all__ = ["PROCESS", "ChangeCase"]

PROCESS = "change-order"


class ChangeCase(Canonical):
    """All that the plan of a change order is made from. The same case gives the same plan, on every machine."""

    firm: FirmId
    engagement: EngagementId
    contract_number: ContractNumber
    amendments: tuple[Amendment, ...] = Field(max_length=2000)
    """Everything the CRM knows of this contract, in any order, also what was applied before."""
    standing: ContractStanding | None
    """The contract as it stands in the ERP now; None: it is not known there."""
    answers: tuple[GivenAnswer, ...] = ()
    customer_key: CustomerKey = CustomerKey("")
    crm_connection: ConnectionId
    erp_connection: ConnectionId
    write_back_guard: Guard = Guard.PROOF
    guards: dict[str, Guard] = Field(default_factory=dict)
    """How the ERP keeps a change to one effect, by the request's kind; `manual`: a person does it."""
    erp_dates_changes: bool = True
    """Rows and rates carry their own day in this ERP, so a change with a day ahead is written now (DOM-6.7)."""
    received: dict[str, datetime] = Field(default_factory=dict)
    """Amendment number -> when it was first heard of; else its change stamp in the CRM counts."""
    now: datetime

    @property
    def today(self) -> date:
        """The day the plan is made."""
        return self.now.date()

    @property
    def said(self) -> Answers:
        """What people answered for this engagement."""
        return Answers(self.answers)
