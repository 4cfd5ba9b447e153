"""What the account insists on, fills in and computes when a record is saved."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.kit import Record, World
from sandbox.netsuite.directory import Directory
from sandbox.netsuite.errors import NsError, already_exists, bad_value, missing, user_error
from sandbox.netsuite.sales_rules import SalesRules, numbered, today

__all__ = ["Rules", "refused_lock"]

_LABELS = {"subsidiary": "Subsidiary", "companyName": "Company Name", "lastName": "Last Name", "name": "Name",
           "project": "Project", "title": "Name", "entity": "Customer", "customer": "Customer", "employee": "Employee",
           "hours": "Duration", "itemId": "Item Name/Number", "billTo": "Bill To", "billingItem": "Item"}  # fmt: skip
_REQUIRED = {
    "customer": ("companyName", "subsidiary"), "contact": ("entityId", "subsidiary"),
    "job": ("companyName", "subsidiary"), "projectTask": ("title", "project"), "salesOrder": ("entity", "subsidiary"),
    "invoice": ("entity", "subsidiary"), "creditMemo": ("entity", "subsidiary"),
    "billingSchedule": ("name",), "department": ("name",),
    "classification": ("name",), "location": ("name",), "subsidiary": ("name",), "currency": ("name",),
    "term": ("name",), "jobType": ("name",), "employee": ("entityId", "subsidiary"), "serviceSaleItem": ("itemId",),
    "nonInventorySaleItem": ("itemId",), "customerSubsidiaryRelationship": ("entity", "subsidiary"),
    "customerPayment": ("customer",), "charge": ("billTo", "billingItem"), "timeBill": ("employee", "hours"),
    "expenseReport": ("entity", "subsidiary"),
}  # fmt: skip
_SCHEDULE_CODES = {"1": "CM", "2": "FBI", "3": "FBM", "4": "TM", "5": "STD"}


class Rules:
    """Checks and completes one record just before it is saved."""

    def __init__(self, world: World, directory: Directory) -> None:
        """Apply the rules of this account."""
        self._world = world
        self._store = world.store
        self._directory = directory
        sales = SalesRules(world, directory)
        self._of: dict[str, Callable[[str, Record, Record | None], None]] = {
            "customer": self._customer, "contact": self._contact, "job": self._job, "employee": self._contact,
            "salesOrder": sales.order, "invoice": sales.invoice, "creditMemo": sales.credit,
            "customerPayment": sales.payment,
            "billingSchedule": self._schedule, "timeBill": self._time, "charge": self._charge,
        }  # fmt: skip

    def apply(self, kind: str, record_id: str, record: Record, old: Record | None) -> None:
        """Complete `record` in place; raises NsError when the account refuses it."""
        if rule := self._of.get(kind):
            rule(record_id, record, old)
        empty = [name for name in _REQUIRED.get(kind, ()) if not record.get(name)]
        if empty:
            raise missing([_LABELS.get(name, name) for name in empty])
        self._check_names(kind, record_id, record)
        self._check_subsidiary(record)
        self._check_period(kind, record)

    def schedule_code(self, record: Record) -> str:
        """Return a billing schedule's type as a code, whichever way it was given."""
        given = str(record.get("scheduleType", {}).get("id", "STD"))
        return _SCHEDULE_CODES.get(given, given)

    def _customer(self, record_id: str, record: Record, old: Record | None) -> None:
        record.setdefault("isPerson", False)
        record.setdefault("isInactive", False)
        if record["isPerson"] and not record.get("companyName"):
            person = f"{record.get('firstName', '')} {record.get('lastName', '')}".strip()
            if not person:
                raise missing(["Last Name"])
            record["companyName"] = person
        numbered("customer", record_id, record)
        record.setdefault("entityStatus", {"id": "13"})
        record.setdefault("balance", 0)
        if old is None and "currency" not in record and (home := self._home_currency(record)):
            record["currency"] = home

    def _contact(self, record_id: str, record: Record, old: Record | None) -> None:
        del record_id, old
        record.setdefault("isInactive", False)
        person = " ".join(str(record[name]) for name in ("firstName", "middleName", "lastName") if record.get(name))
        if not record.get("entityId") and person:
            record["entityId"] = person
        company = self._directory.resolve(("customer", "job"), str(record.get("company", {}).get("id")))
        if "subsidiary" not in record and company and "subsidiary" in company[1]:
            record["subsidiary"] = company[1]["subsidiary"]

    def _job(self, record_id: str, record: Record, old: Record | None) -> None:
        del old
        record.setdefault("isInactive", False)
        numbered("job", record_id, record)
        parent = self._store.get("customer", str(record.get("parent", {}).get("id")))
        for name in ("subsidiary", "currency"):
            if name not in record and parent and name in parent:
                record[name] = parent[name]
        record.setdefault("entityStatus", {"id": "2"})

    def _schedule(self, record_id: str, record: Record, old: Record | None) -> None:
        del record_id, old
        code = self.schedule_code(record)
        if code not in _SCHEDULE_CODES.values():
            raise bad_value(code, "scheduleType", "scheduleType")
        record.setdefault("scheduleType", {"id": "STD"})
        record.setdefault("isInactive", False)
        rows = record.get("milestone", {}).get("items", [])
        for number, row in enumerate(rows):
            row.setdefault("milestoneId", number + 1)
            row.setdefault("milestoneCompleted", False)
        if code == "FBM" and not rows:
            raise user_error("You must enter at least one milestone for a fixed bid milestone billing schedule.")
        for number, row in enumerate(record.get("recurrence", {}).get("items", [])):
            row.setdefault("recurrenceId", number + 1)
        share = sum((Decimal(row.get("milestoneAmount", 0)) for row in rows), Decimal(record.get("initialAmount", 0)))
        if code == "STD" and rows and share > 100:  # noqa: PLR2004 - a whole is 100 percent
            raise user_error("The total of the billing schedule percentages may not exceed 100%.")

    def _time(self, record_id: str, record: Record, old: Record | None) -> None:
        del record_id, old
        record.setdefault("tranDate", today(self._world))
        record.setdefault("approvalStatus", {"id": "1"})
        record.setdefault("timeType", {"id": "A"})
        record.setdefault("isBillable", False)

    def _charge(self, record_id: str, record: Record, old: Record | None) -> None:
        del record_id, old
        record.setdefault("chargeDate", today(self._world))
        record.setdefault("stage", {"id": "NON_BILLABLE"})
        record.setdefault("use", {"id": "Actual"})
        if "amount" not in record and "rate" in record:
            record["amount"] = Decimal(record["rate"]) * Decimal(record.get("quantity", 1))

    def _home_currency(self, record: Record) -> Any:
        subsidiary = self._store.get("subsidiary", str(record.get("subsidiary", {}).get("id"))) or {}
        return subsidiary.get("currency")

    def _check_names(self, kind: str, record_id: str, record: Record) -> None:
        if external_id := record.get("externalId"):
            holder = self._directory.holder_of(kind, str(external_id))
            if holder and holder != (kind, record_id):
                raise already_exists(transaction=kind in {"salesOrder", "invoice", "creditMemo", "customerPayment"})
        fields = {"customer": ("entityId", "companyName"), "job": ("entityId",), "contact": ("entityId",),
                  "employee": ("entityId",)}.get(kind, ())  # fmt: skip
        for name in fields:
            if self._directory.named(kind, str(record.get(name, ""))) - {record_id}:
                raise already_exists()

    def _check_subsidiary(self, record: Record) -> None:
        own = record.get("subsidiary", {}).get("id") if isinstance(record.get("subsidiary"), dict) else None
        if own is None:
            return
        entity = record.get("entity") or record.get("parent") or record.get("customer")
        found = self._directory.customer_of(entity) if entity else None
        if found and found[0] == "customer" and "item" in record and own not in self._subsidiaries_of(entity, found[1]):
            raise bad_value(own, "subsidiary", "subsidiary")
        for name, kind in (("department", "department"), ("class", "classification"), ("location", "location")):
            chosen = self._store.get(kind, str(record.get(name, {}).get("id"))) or {}
            allowed = {one["id"] for one in chosen.get("subsidiary", {}).get("items", [])}
            if allowed and own not in allowed:
                home = (self._store.get("subsidiary", own) or {}).get("name")
                raise user_error(f"The {chosen.get('name')} {name} cannot be used with the {home} subsidiary.")

    def _subsidiaries_of(self, entity: Any, customer: Record) -> set[str]:
        job = self._store.get("job", entity["id"])
        customer_id = job["parent"]["id"] if job and "parent" in job else entity["id"]
        linked = {
            row["subsidiary"]["id"]
            for _, row in self._store.rows("customerSubsidiaryRelationship")
            if row["entity"]["id"] == customer_id
        }
        return linked | {customer.get("subsidiary", {}).get("id", "")}

    def _check_period(self, kind: str, record: Record) -> None:
        closed = self._world.text("closed_before")
        posts = kind in {"invoice", "creditMemo", "customerPayment"}
        if closed and posts and str(record.get("tranDate", closed)) < closed:
            raise user_error(
                "The transaction date you specified is not within the date range of your accounting period."
            )


def refused_lock(record: Record) -> NsError | None:
    """Return the refusal when a workflow has locked the record; even reading it fails then."""
    if not record.get("_locked"):
        return None
    return user_error(f"This record has been locked by a user defined workflow. Reason: {record['_locked']}")
