from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappings.change_order.case import PROCESS, ChangeCase
from mappings.change_order.outcome import released_work
from mappings.change_order.position import Position
from models.amending import (
    AdjustmentLine,
    AmendContract,
    AmendSchedule,
    CloseForTime,
    ProposeAdjustments,
    ProposeCreditNote,
    ReleaseParked,
)
from models.base import digest_of
from models.change_order import Amendment, ChangePlan
from models.contract_standing import ContractStanding, StandingRow
from models.ids import Step, external_key, operation_key
from models.money import Money
from models.operations import OperationRequest, WriteBackDeal
from models.plan import FieldDiff, PlannedOperation
from models.records import Guard

__all__ = ["writes_of"]


def writes_of(
    case: ChangeCase, standing: ContractStanding, position: Position, change: ChangePlan,
    amendments: tuple[Amendment, ...],
) -> tuple[PlannedOperation, ...]:  # fmt: skip
    """The few writes that bring the contract to where the amendments put it; nothing changes, nothing is written."""
    writes = _Writes(case, standing, position, change)
    writes.schedules()
    writes.credit_notes()
    writes.work()
    writes.closing()
    # Last: with it the contract says that it holds the amendments, so nothing of them may be left to do after it.
    writes.contract()
    for amendment in amendments:
        writes.show_on_deal(amendment)
    return tuple(writes.planned)


class _Writes:
    """Collects the writes of one change in the order in which they are applied."""

    def __init__(self, case: ChangeCase, standing: ContractStanding, position: Position, change: ChangePlan) -> None:
        if standing.contract is None:
            raise AssertionError("a contract without a record in the ERP is waited for, never changed")
        self.case, self.standing, self.position, self.change = case, standing, position, change
        self.record = standing.contract
        self.number = change.amendments[-1]
        self.planned: list[PlannedOperation] = []

    def schedules(self) -> None:
        """One write per billing schedule whose rows change."""
        before = dict(_by_schedule(self.standing.rows))
        for name, rows in _by_schedule(self.position.rows):
            if rows == before.get(name):
                continue
            step = f"schedule:{name}" if name else "schedule"
            request = AmendSchedule(
                **self._facts(step), schedule=name, name=f"{self.case.contract_number} change {self.number}", rows=rows
            )
            diffs = tuple(_row_diffs(before.get(name, ()), rows))
            live = [row.amount for row in rows if row.is_unbilled]
            unbilled = Money.total(live, self.position.currency)
            self._add(step, request, f"Change the billing schedule: {unbilled} is still to bill", diffs, unbilled)

    def contract(self) -> None:
        """Lines, values, end, rates and texts; it also notes which amendments are in."""
        known = {item.number for item in self.standing.applied}
        new = tuple(item for item in self.position.applied if item.number not in known)
        request = AmendContract(
            **self._facts("contract"),
            lines=self.position.lines,
            values=self.position.values,
            end_on=self.position.end_on,
            rates=self.position.rates if self.position.rates != self.standing.rates else (),
            fields=self.position.fields,
            billing_hold=self._hold(),
            applied=new,
        )
        now, then = self.position.values.exercised, self.standing.values.exercised
        numbers = ", ".join(self.change.amendments)
        value = f"; the value is {now}, it was {then}" if now is not None and now != then else ""
        self._add(
            "contract", request, f"Bring amendment {numbers} into the contract{value}", self._contract_diffs(), now
        )

    def credit_notes(self) -> None:
        """One proposal per invoice; finance issues it."""
        records = {invoice.number: invoice.record for invoice in self.standing.invoices}
        totals: dict[str, Money] = {}
        for credit in self.position.credits:
            totals[credit.invoice] = totals.get(credit.invoice, Money.zero(self.position.currency)) + credit.amount
        for invoice, amount in totals.items():
            step = f"credit:{invoice}"
            # Another amount is another note: a plan that is made anew counts the first one as there.
            request = ProposeCreditNote(
                **self._facts(f"{step}:{amount}"),
                invoice=invoice,
                invoice_record=records.get(invoice),
                amount=amount,
                reason=f"Amendment {self.number} of contract {self.case.contract_number}",
                posting_on=self.change.posting_on,
            )
            self._add(step, request, f"Propose a credit note of {amount} on invoice {invoice}", (), amount)

    def work(self) -> None:
        """Correcting lines for billed work, and parked work that may go now."""
        if self.position.adjustments:
            lines = tuple(
                AdjustmentLine(
                    code=item.work, invoice=item.invoice, amount=item.amount,
                    text=f"Rate change for {item.hours} h on {item.worked_on:%d %b %Y}, invoice {item.invoice}",
                )
                for item in self.position.adjustments
            )  # fmt: skip
            total = Money.total((item.amount for item in lines), self.position.currency)
            adjust = ProposeAdjustments(**self._facts("adjustments"), lines=lines, posting_on=self.change.posting_on)
            self._add("adjustments", adjust, f"Add {total} of corrections to the next invoice", (), total)
        if not self.change.to_release.is_zero:
            release = released_work(self.standing, self.position)
            parked = ReleaseParked(**self._facts("release"), work=release.work, amount=release.amount)
            self._add(
                "release", parked, f"Let {release.amount} of waiting work go to the next invoice", (), release.amount
            )

    def closing(self) -> None:
        """No time after the day on which work stops."""
        day, project = self.position.closes_on, self.standing.project
        if day is None or project is None:
            return
        request = CloseForTime(
            **self._facts("close-time"), project=project, after=day, reason=f"Amendment {self.number}: work stops"
        )
        self._add("close-time", request, f"Close the project for time after {day:%d %b %Y}", (), None)

    def show_on_deal(self, amendment: Amendment) -> None:
        """The salesperson sees on the amendment's own deal that it is in force."""
        value = self.position.values.exercised
        told = f"Amendment {amendment.number} of contract {self.case.contract_number} is in force in the ERP."
        worth = f" The contract is now worth {value}; {self.change.still_to_bill} is still to bill." if value else ""
        request = WriteBackDeal(
            key=external_key(f"{self.case.firm}/{self.case.contract_number}", "deal", amendment.number),
            deal_id=amendment.deal_id,
            account_id=amendment.account_id,
            owner_id=amendment.owner_id,
            contract_number=self.case.contract_number,
            status="active",
            message=f"{told}{worth}",
            notify_subject=f"Contract {self.case.contract_number}: amendment {amendment.number} is in force",
            notify_text=" ".join((f"{told}{worth}", *self.change.to_do)),
        )
        step = f"write-back:{amendment.number}"
        needs = tuple(item.step for item in self.planned if item.connection == self.case.erp_connection)
        summary = f"Show on the deal of amendment {amendment.number} that it is in force, and tell its owner"
        self._plan(step, request, summary, needs=needs, is_crm=True)

    def _facts(self, step: str) -> dict[str, Any]:
        return {
            "key": external_key(f"{self.case.firm}/{self.case.contract_number}", "change", self.number, step),
            "contract_number": self.case.contract_number,
            "contract": self.record,
            "amendment": self.number,
            "expected_version": self.standing.version,
        }

    def _add(
        self, step: str, request: OperationRequest, summary: str, diffs: tuple[FieldDiff, ...], amount: Money | None
    ) -> None:
        needs = tuple(item.step for item in self.planned[-1:])
        self._plan(step, request, summary, needs=needs, diffs=diffs, amount=amount)

    def _plan(
        self, step: str, request: OperationRequest, summary: str, *, needs: tuple[Step, ...] = (),
        diffs: tuple[FieldDiff, ...] = (), amount: Money | None = None, is_crm: bool = False,
    ) -> None:  # fmt: skip
        case = self.case
        self.planned.append(
            PlannedOperation(
                step=Step(step),
                connection=case.crm_connection if is_crm else case.erp_connection,
                action="amend",
                guard=case.write_back_guard if is_crm else case.guards.get(request.kind, Guard.GUARDED),
                request=request,
                needs=needs,
                summary=summary,
                diffs=diffs,
                amount=amount,
                key=operation_key(
                    case.firm, PROCESS, case.contract_number, self.number, step if is_crm else self._from(step)
                ),
            )
        )

    def _from(self, step: str) -> str:
        """The step as made from this standing: planned anew from another one, it is another change."""
        return f"{step}@{digest_of(self.standing.version)[:12]}"

    def _hold(self) -> str:
        """Sold and nothing funded beyond what is invoiced: nothing more may be billed yet. DOM-6 X15."""
        funded = self.position.values.funded
        moved = self.position.values != self.standing.values
        if not moved or funded is None or self.standing.invoiced_net < funded:
            return ""
        return f"Funded {funded} is used up; nothing more may be invoiced until it is raised."

    def _contract_diffs(self) -> tuple[FieldDiff, ...]:
        before, after = self.standing, self.position
        pairs: list[tuple[str, object, object]] = [
            ("value", before.values.exercised, after.values.exercised),
            ("value with options", before.values.with_options, after.values.with_options),
            ("funded", before.values.funded, after.values.funded),
            ("cap", before.values.cap, after.values.cap),
            ("end", before.end_on, after.end_on),
        ]
        lines = {line.code: line.amount for line in before.lines}
        pairs += [(f"line {line.code}", lines.get(line.code), line.amount) for line in after.lines]
        rates = {(rate.role, rate.valid_from): rate.rate_per_hour for rate in before.rates}
        pairs += [
            (f"rate of {rate.role} from {rate.valid_from}", rates.get((rate.role, rate.valid_from)), rate.rate_per_hour)
            for rate in after.rates
        ]
        pairs += [(field, None, value) for field, value in after.fields.items()]
        return tuple(
            FieldDiff(field=field, before=_text(was), after=_text(now)) for field, was, now in pairs if was != now
        )


def _by_schedule(rows: tuple[StandingRow, ...]) -> Iterator[tuple[str, tuple[StandingRow, ...]]]:
    for name in dict.fromkeys(row.schedule for row in rows):
        yield name, tuple(row for row in rows if row.schedule == name)


def _row_diffs(before: tuple[StandingRow, ...], after: tuple[StandingRow, ...]) -> Iterator[FieldDiff]:
    was = {row.code: row for row in before}
    for row in after:
        old = was.get(row.code)
        if old is None or (old.amount, old.due_on, old.state) != (row.amount, row.due_on, row.state):
            before_text = f"{old.amount} on {old.due_on:%d %b %Y}" if old is not None else ""
            after_text = f"{row.amount} on {row.due_on:%d %b %Y}" if row.is_unbilled else row.state.value
            yield FieldDiff(field=f"row {row.code}", before=before_text, after=after_text)


def _text(value: object) -> str:
    return "" if value is None else str(value)
