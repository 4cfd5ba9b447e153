from __future__ import annotations

from datetime import date

from mappings.line_prices import sold_lines
from mappings.rulebook import BillingRule, LegalEntityRule, RuleBook, ServiceLineRule, TermsRule
from models.base import Canonical
from models.ids import ConnectionId, CustomerKey, FirmId, OperationKey, Step, operation_key
from models.money import Money
from models.operations import OperationRequest
from models.party import BuyerIdentity
from models.plan import PlannedOperation, RuleRef
from models.records import Guard, RecordRef
from models.survey import ErpTraits
from models.terms import BillingType, SignedTerms, SowLine

__all__ = ["PROCESS", "Booking", "Operations", "Sides"]

PROCESS = "quote-to-project"


class Booking(Canonical):
    """Sold facts with the firm's choices made: what the operations are built from."""

    firm: FirmId
    terms: SignedTerms
    buyer: BuyerIdentity
    customer_key: CustomerKey
    adopt: RecordRef | None
    is_ours: bool = True
    """The adopted customer carries our key: it is the one that an earlier contract of this buyer made."""
    entity: LegalEntityRule
    payment_terms: TermsRule
    services: dict[str, ServiceLineRule]
    """By line code."""
    billing: dict[str, BillingRule]
    """By line code."""
    prices: dict[str, Money]
    """By line code, header discount spread."""
    signed_on: date
    start_on: date
    billing_hold: str = ""
    missing_cost_centres: tuple[str, ...] = ()
    at_risk_project: RecordRef | None = None
    """Opened by hand before the signature: taken on, never doubled (DOM-1.5)."""

    @property
    def customer_slot(self) -> str:
        """What writes about this customer are known by, shared by all contracts that book on the same record.

        A buyer whose customer was merged, or named anew by a person, books on another record than its earlier
        contracts: what was written for the old one must not pass for it.
        """
        if self.adopt is None or self.is_ours:
            return self.customer_key
        return f"{self.customer_key}/{self.adopt.record_id}"

    @property
    def lines(self) -> tuple[SowLine, ...]:
        """Sold lines that have a price; lines of nothing are left out (the plan says so)."""
        return tuple(line for line in sold_lines(self.terms) if not self.price(line).is_zero)

    @property
    def billing_types(self) -> tuple[BillingType, ...]:
        """Billing types of this contract, in the order of its lines."""
        return tuple(dict.fromkeys(line.billing_type for line in self.lines if line.billing_type is not None))

    def lines_of(self, billing_type: BillingType | None) -> tuple[SowLine, ...]:
        """Lines of that type."""
        return tuple(line for line in self.lines if line.billing_type is billing_type)

    def price(self, line: SowLine) -> Money:
        """What the line is sold or estimated for."""
        return self.prices[line.code]

    def total(self, lines: tuple[SowLine, ...]) -> Money:
        """Sum of lines."""
        return Money.total((self.price(line) for line in lines), self.terms.currency)

    def centre_steps(self, *codes: str) -> tuple[str, ...]:
        """Steps that make those of the cost centres that the ERP lacks."""
        return tuple(f"cost-centre:{code}" for code in codes if code in self.missing_cost_centres)


class Sides(Canonical):
    """The two connections a plan writes to."""

    crm: ConnectionId
    erp: ConnectionId
    is_first_erp: bool = True
    """The one whose ids of customers stand on CRM accounts: an account has one place for them."""
    traits: ErpTraits
    write_back: Guard


class Operations:
    """Collects operations in the order of their needs."""

    def __init__(self, booking: Booking, sides: Sides, book: RuleBook) -> None:
        self.booking = booking
        self.sides = sides
        self.book = book
        self.planned: list[PlannedOperation] = []

    def add(
        self, step: str, request: OperationRequest, *, guard: Guard, summary: str, needs: tuple[str, ...] = (),
        action: str = "create", amount: Money | None = None, rules: tuple[RuleRef, ...] = (),
        key: str = "", connection: ConnectionId | None = None,
    ) -> None:  # fmt: skip
        """One more write. `key` is given for records that several engagements share."""
        terms = self.booking.terms
        own = operation_key(self.booking.firm, PROCESS, terms.contract_number, terms.amendment_number, step)
        self.planned.append(
            PlannedOperation(
                step=Step(step),
                connection=connection or self.sides.erp,
                action=action,
                guard=guard,
                request=request,
                needs=tuple(Step(need) for need in dict.fromkeys(needs)),
                summary=summary,
                amount=amount,
                rules=rules,
                key=OperationKey(key) if key else own,
            )
        )
