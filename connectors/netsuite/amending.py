"""Changes of a contract in force.

There is no version of ours to send (sheet 3.7): what a write touches is read and compared just before it, and a
repeated write converges on the same rows.
"""

from __future__ import annotations

from typing import Any

from connectors.netsuite.chart import ReferenceBook
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.errors import AlreadyExists
from connectors.netsuite.mapping import RowText, external_id, internal_id
from connectors.netsuite.reading import Reader, to_amount
from connectors.netsuite.schemas import ProjectRecord, RecordHead
from connectors.netsuite.standing import Snapshot, listed_numbers, to_standing
from connectors.netsuite.standing_query import standing
from models.amending import AmendContract, AmendSchedule, CloseForTime, ProposeCreditNote
from models.contract_standing import ContractStanding, RowState, StandingLine, StandingRow
from models.errors import Fatal, NeedsRepair, Stale
from models.money import Money
from models.records import Effect, Guard, RecordKind, RecordRef
from models.roles import Role
from ports.amendments import ContractChange

__all__ = ["GUARDS", "Amending"]

GUARDS = {
    # Re-read, compared and written inside one activity: the small race between look and write is reconciliation's.
    "amend-schedule": Guard.GUARDED,
    "amend-contract": Guard.GUARDED,
    # A record of its own under our external id, which the vendor keeps unique.
    "propose-credit-note": Guard.PROOF,
    # Sets fields of a record that exists: twice is once.
    "close-for-time": Guard.PROOF,
}
"""What is not named here is done by hand: charge rules and time are not changed over this interface."""
_PENDING_APPROVAL = "A"
_MOST_NUMBERS = 3900


class Amending:
    """Reads how a contract stands and changes it."""

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig, reader: Reader, book: ReferenceBook) -> None:
        self._client = client
        self._config = config
        self._reader = reader
        self._book = book

    async def get_standing(self, contract: RecordRef) -> ContractStanding:
        """The contract as it stands at this moment: one call."""
        seen = await self._look(contract)
        return to_standing(seen, await self._book.current(), self._reader)

    async def find(self, request: ContractChange) -> Effect | None:
        """Evidence that what the change touches stands as it wants it."""
        match request:
            case AmendSchedule():
                seen = await self._look(request.contract)
                return self._schedule_found(request, seen)
            case AmendContract():
                seen = await self._look(request.contract)
                is_there = request.amendment in listed_numbers(str(seen.order.get("item", "")))
                return Effect(ref=request.contract, created=False, changed=False) if is_there else None
            case ProposeCreditNote():
                return await self._credit_found(request)
            case CloseForTime():
                job = await self._client.get_record(
                    "job", internal_id(request.project), ProjectRecord, record=_name(request.project),
                    fields=("id", "allowTime"),
                )  # fmt: skip
                closed = job is not None and not job.allow_time
                return Effect(ref=request.project, created=False, changed=False) if closed else None
            case _:
                raise _by_hand(request)

    async def apply(self, request: ContractChange) -> Effect:
        """Make the change; raises Stale when what it touches stands otherwise than the plan saw it."""
        match request:
            case AmendSchedule():
                return await self._amend_schedule(request)
            case AmendContract():
                return await self._amend_contract(request)
            case ProposeCreditNote():
                return await self._credit(request)
            case CloseForTime():
                body = {"allowTime": False, "allowExpenses": False}
                await self._client.patch_record(
                    "job", internal_id(request.project), body, record=_name(request.project)
                )
                return Effect(ref=request.project, created=False)
            case _:
                raise _by_hand(request)

    async def _look(self, contract: RecordRef) -> Snapshot:
        page = await self._client.query(
            standing(internal_id(contract), self._config), record=_name(contract), needs=("source", "id")
        )
        if page.has_more:
            raise Fatal(f"NetSuite has more than a thousand rows for {_name(contract)}.", record=_name(contract))
        return Snapshot.of(page.items, contract, own_credits=self._config.prefixes.credit_note)

    async def _amend_schedule(self, request: AmendSchedule) -> Effect:
        seen = await self._look(request.contract)
        if (found := self._schedule_found(request, seen)) is not None:
            return found
        _still_stands(request, seen, request.schedule, "order", "invoices", "credits")
        if not request.schedule:
            return await self._open_schedule(request, seen)
        rows = {RowText.parse(str(row.get("code", ""))).code: row for row in _milestones(seen, request.schedule)}
        items = [_milestone(row, str(rows[row.code]["id"]) if row.code in rows else "") for row in request.rows]
        await self._client.patch_record(
            "billingSchedule", request.schedule, {"milestone": {"items": items}}, record=request.name,
            replace=("milestone",),
        )  # fmt: skip
        return Effect(ref=self._schedule_ref(request.schedule, request.name), created=False)

    async def _open_schedule(self, request: AmendSchedule, seen: Snapshot) -> Effect:
        """A schedule of its own, under our key, for rows that none of the contract's schedules bills."""
        body: dict[str, Any] = {
            "name": request.name,
            "scheduleType": {"id": self._config.schedule_type},
            "isPublic": False,
            "milestone": {"items": [_milestone(row, "") for row in request.rows]},
        }
        if seen.projects:
            body["job"] = {"id": str(seen.projects[0]["id"])}
        eid = external_id(self._config.prefixes.billing_schedule, request.key)
        record_id = await self._client.put_record(
            "billingSchedule", eid, body, record=request.name, replace=("milestone",)
        )
        return Effect(ref=self._schedule_ref(record_id, request.name), created=True)

    def _schedule_found(self, request: AmendSchedule, seen: Snapshot) -> Effect | None:
        wanted = {row.code: (row.amount.amount, row.due_on.isoformat()) for row in request.rows if _counts(row)}
        there = {
            RowText.parse(str(row.get("code", ""))).code: (
                to_amount(row, "amount", request.contract), str(row.get("day", ""))[:10],
            )
            for row in _milestones(seen, request.schedule)
            if to_amount(row, "amount", request.contract) != 0
        }  # fmt: skip
        if not request.schedule or wanted != there:
            return None
        return Effect(ref=self._schedule_ref(request.schedule, request.name), created=False, changed=False)

    async def _amend_contract(self, request: AmendContract) -> Effect:
        seen = await self._look(request.contract)
        if request.amendment in listed_numbers(str(seen.order.get("item", ""))):
            return Effect(ref=request.contract, created=False, changed=False)
        _still_stands(request, seen, "order", "invoices", "credits")
        for job, body in self._projects(request, seen).items():
            await self._client.patch_record("job", job, body, record=f"project {job}")
        await self._client.patch_record(
            "salesOrder", internal_id(request.contract), self._order(request, seen), record=_name(request.contract),
            replace=("item",),
        )  # fmt: skip
        return Effect(ref=request.contract, created=False)

    def _projects(self, request: AmendContract, seen: Snapshot) -> dict[str, dict[str, Any]]:
        """Fixed price and end of each project that the lines are booked on."""
        jobs = {str(row.get("code")): str(row.get("project") or "") for row in seen.lines}
        first = next((job for job in jobs.values() if job), "")
        found: dict[str, dict[str, Any]] = {}
        for row in seen.projects:
            job = str(row["id"])
            own = [line.amount for line in request.lines if jobs.get(line.code, first) == job]
            price = Money.total(own, own[0].currency).amount if own else None
            body: dict[str, Any] = {}
            if row.get("amount") and price is not None and price != to_amount(row, "amount", request.contract):
                body["jobPrice"] = price
            if request.end_on is not None and str(row.get("until_day", ""))[:10] != request.end_on.isoformat():
                body["projectedEndDate"] = request.end_on.isoformat()
            if body:
                found[job] = body
        return found

    def _order(self, request: AmendContract, seen: Snapshot) -> dict[str, Any]:
        custom = self._config.custom
        numbers = [*listed_numbers(str(seen.order.get("item", ""))), *(one.number for one in request.applied)]
        listed = ",".join(dict.fromkeys([*numbers, request.amendment]))
        if len(listed) > _MOST_NUMBERS:
            raise Fatal(f"Contract {request.contract_number} has more amendments than its field can list.")
        body: dict[str, Any] = {custom.contract_amendments: listed, "item": {"items": self._lines(request, seen)}}
        for name, value in (
            (custom.contract_funded, request.values.funded), (custom.contract_cap, request.values.cap),
            (custom.contract_with_options, request.values.with_options),
        ):  # fmt: skip
            if name and value is not None:
                body[name] = value.amount
        if request.end_on is not None:
            body["endDate"] = request.end_on.isoformat()
        if po_number := request.fields.get("po_number"):
            body["otherRefNum"] = po_number
        if request.billing_hold:
            body[custom.contract_billing_hold] = request.billing_hold
            body["orderStatus"] = {"id": _PENDING_APPROVAL}
        return body

    def _lines(self, request: AmendContract, seen: Snapshot) -> list[dict[str, Any]]:
        """Every line, the present ones under their own number so that what was billed of them stays known."""
        there = {str(row.get("code")): row for row in seen.lines}
        wanted = {line.code: line for line in request.lines}
        items = [_present(row, wanted.get(code), request) for code, row in there.items()]
        items += [self._added(line, _like(line, seen), request) for line in request.lines if line.code not in there]
        return items

    def _added(self, line: StandingLine, like: dict[str, Any], request: AmendContract) -> dict[str, Any]:
        custom = self._config.custom
        body: dict[str, Any] = {
            "item": {"id": str(like["item"])},
            "quantity": 1,
            "rate": line.amount.amount,
            "amount": line.amount.amount,
            "description": line.description or f"Amendment {request.amendment}",
            custom.line_code: line.code,
        }
        if self._config.custom_price_level:
            body["price"] = {"id": self._config.custom_price_level}
        if custom.line_billing_type:
            body[custom.line_billing_type] = line.billing_type.value
        project = line.project.record_id if line.project is not None else str(like.get("project") or "")
        for name, record in (
            ("department", like.get("cost_centre")), ("job", project),
            ("billingSchedule", line.schedule or like.get("parent")),
        ):  # fmt: skip
            if record:
                body[name] = {"id": str(record)}
        return body

    async def _credit_found(self, request: ProposeCreditNote) -> Effect | None:
        eid = external_id(self._config.prefixes.credit_note, request.key)
        head = await self._client.get_record(
            "creditMemo", f"eid:{eid}", RecordHead, record=f"credit note on {request.invoice}",
            fields=("id", "externalId", "tranId"),
        )  # fmt: skip
        if head is None:
            return None
        return Effect(ref=self._reader.ref(RecordKind.CREDIT_NOTE, head.id, head.tran_id), created=False, changed=False)

    async def _credit(self, request: ProposeCreditNote) -> Effect:
        """A credit note against that invoice, applied to it where it is still open."""
        seen = await self._look(request.contract)
        if (found := await self._credit_found(request)) is not None:
            return found
        _still_stands(request, seen, "order", "invoices", "credits")
        lines = [row for row in seen.invoices if row.get("number_") == request.invoice]
        if not lines:
            raise Stale(f"Invoice {request.invoice} is not there any more in NetSuite.", record=request.invoice)
        invoice = str(lines[0]["id"])
        is_open = to_amount(lines[0], "open_", request.contract) >= request.amount.amount
        billed = next(iter(seen.lines))
        body: dict[str, Any] = {
            "entity": {"id": str(seen.order["entity"])},
            "createdFrom": {"id": invoice},
            "tranDate": request.posting_on.isoformat(),
            "memo": request.reason[:900],
            "item": {"items": [{
                "item": {"id": str(billed["item"])}, "quantity": 1, "rate": request.amount.amount,
                "amount": request.amount.amount, "description": request.reason[:900],
            }]},
        }  # fmt: skip
        if is_open:
            applied = {"doc": {"id": invoice}, "apply": True, "amount": request.amount.amount}
            body["apply"] = {"items": [applied]}
        eid = external_id(self._config.prefixes.credit_note, request.key)
        name = f"credit note on {request.invoice}"
        try:
            record_id = await self._client.put_record("creditMemo", eid, body, record=name)
        except AlreadyExists:
            if (raced := await self._credit_found(request)) is None:
                raise
            return raced
        return Effect(ref=self._reader.ref(RecordKind.CREDIT_NOTE, record_id), created=True)

    def _schedule_ref(self, record_id: str, name: str) -> RecordRef:
        return self._reader.ref(RecordKind.BILLING_SCHEDULE, record_id, name)


def _still_stands(request: ContractChange, seen: Snapshot, *parts: str) -> None:
    """The parts that this write touches or was computed from; other parts may change, by our own writes too."""
    planned = dict(part.rsplit(":", 1) for part in request.expected_version.split(" ") if ":" in part)
    for part in parts:
        if part and planned.get(part) != seen.version_of(part):
            what = {"order": "The contract itself", "invoices": "What is invoiced", "credits": "What is credited"}
            raise Stale(
                f"{what.get(part, 'The billing schedule')} of {request.contract_number} was changed in NetSuite after "
                "the plan was made, so this part of it was not written.",
                record=request.contract_number,
                field=part,
            )


def _milestones(seen: Snapshot, schedule: str) -> list[Any]:
    return [row for row in seen.milestones if row.get("parent") == schedule]


def _counts(row: StandingRow) -> bool:
    return row.state is not RowState.CANCELLED and not row.amount.is_zero


def _milestone(row: StandingRow, milestone_id: str) -> dict[str, Any]:
    """A cancelled row stays, with nothing to bill, so that people see what became of it."""
    cancelled = row.state is RowState.CANCELLED
    body: dict[str, Any] = {
        "milestoneAmount": 0 if cancelled else row.amount.amount,
        "milestoneDate": row.due_on.isoformat(),
        "comments": str(RowText(code=row.code, name=row.name)),
    }
    if milestone_id:
        body["milestoneId"] = int(milestone_id)
    return body


def _present(row: Any, wanted: StandingLine | None, request: AmendContract) -> dict[str, Any]:
    body: dict[str, Any] = {"line": int(row["id"])}
    if row.get("flag") == "T":
        return body
    if wanted is None or wanted.amount.is_zero:
        return body | {"amount": 0, "rate": 0, "isClosed": True}
    if wanted.amount.amount != to_amount(row, "amount", request.contract):
        body["amount"] = wanted.amount.amount
        if to_amount(row, "quantity", request.contract) == 1:
            body["rate"] = wanted.amount.amount
    return body


def _like(line: StandingLine, seen: Snapshot) -> Any:
    """The line whose item, cost centre and project a new one takes over: the first that is billed in the same way."""
    same = [row for row in seen.lines if row.get("billing_type") == line.billing_type.value]
    if same:
        return same[0]
    raise NeedsRepair(
        f"Line {line.code} is billed as {line.billing_type.value}, as no line of this contract was before. Add the "
        "line in NetSuite by hand with its item and project, then press Retry.",
        code="TL-CON-008",
        record=line.code,
        field="item",
        owner=Role.FINANCE_OPERATIONS,
    )


def _name(ref: RecordRef) -> str:
    return f"{ref.kind} {ref.number or ref.record_id}"


def _by_hand(request: ContractChange) -> NeedsRepair:
    return NeedsRepair(
        f"NetSuite's interface cannot do this part of amendment {request.amendment} of contract "
        f"{request.contract_number} ({request.kind}). Do it there by hand, then say that it is done.",
        record=request.contract_number,
        field=request.kind,
        owner=Role.BILLING,
    )
