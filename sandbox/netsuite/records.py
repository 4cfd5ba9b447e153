"""Creates, changes and removes records as the vendor does, each call one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.kit import Author, Record, World
from sandbox.netsuite.directory import Directory, id_space
from sandbox.netsuite.errors import Detail, NsError, bad_value, no_such_record, user_error
from sandbox.netsuite.merge import merged
from sandbox.netsuite.normalise import Body, Normaliser
from sandbox.netsuite.rules import Rules, refused_lock
from sandbox.netsuite.schema import RecordType, type_named

__all__ = ["Records", "WriteOptions", "Written"]


_SETTLING = {"customerPayment", "creditMemo"}
_WITHOUT_EFFECT = {"R", "V"}


@dataclass(frozen=True)
class WriteOptions:
    """Who writes, and how strictly the write is to be read."""

    author: Author
    name_validation: str = "warning"
    replace: frozenset[str] = frozenset()
    replace_fields: bool = False

    @property
    def person(self) -> bool:
        """Tell whether a person writes in the vendor's screens."""
        return self.author.client == "ui"


@dataclass(frozen=True)
class Written:
    """The record that was written, and which names of the body were ignored."""

    kind: RecordType
    record_id: str
    ignored: tuple[str, ...] = ()


class Records:
    """The record service without its HTTP clothes."""

    def __init__(self, world: World, directory: Directory) -> None:
        """Serve the records of this account."""
        self._store = world.store
        self._clock = world.clock
        self._directory = directory
        self.rules = Rules(world, directory)

    def locate(self, kind: RecordType, key: str) -> tuple[str, Record]:
        """Find a record by internal id or `eid:` key; raises the vendor's refusal when there is none."""
        record_id = self._id_of(kind, key)
        record = self._store.get(kind.name, record_id) if record_id else None
        if record is None or record_id is None:
            if kind.is_transaction and not key.startswith("eid:"):
                raise user_error("Transaction type specified is incorrect.")
            raise no_such_record()
        if refusal := refused_lock(record):
            raise refusal
        return record_id, record

    def create(self, kind: RecordType, raw: Record, options: WriteOptions) -> Written:
        """Create a record; its external id, names and references are checked first."""
        body = self._read(kind, raw, options)
        with self._store.transaction():
            given = str(raw["id"]) if options.person and "id" in raw else None
            record_id = given or self._directory.next_id(id_space(kind.name))
            self._save(kind, record_id, merged(kind, {}, body.values, frozenset()), None, options)
        return Written(kind, record_id, tuple(body.unknown))

    def update(self, kind: RecordType, key: str, raw: Record, options: WriteOptions) -> Written:
        """Change a record that exists."""
        record_id, old = self.locate(kind, key)
        return self._change(kind, record_id, old, raw, options)

    def unlocked_update(self, kind: RecordType, record_id: str, raw: Record, options: WriteOptions) -> Written:
        """Change a record although a workflow may have locked it, as an administrator can."""
        old = self._store.get(kind.name, record_id)
        if old is None:
            raise no_such_record()
        return self._change(kind, record_id, old, raw, options)

    def _change(self, kind: RecordType, record_id: str, old: Record, raw: Record, options: WriteOptions) -> Written:
        body = self._read(kind, raw, options)
        new = merged(kind, old, body.values, options.replace, replace_fields=options.replace_fields)
        with self._store.transaction():
            self._save(kind, record_id, new, old, options)
        return Written(kind, record_id, tuple(body.unknown))

    def upsert(self, kind: RecordType, external_id: str, raw: Record, options: WriteOptions) -> Written:
        """Change the record with this external id, or create it."""
        if self._id_of(kind, f"eid:{external_id}"):
            return self.update(kind, f"eid:{external_id}", raw, options)
        return self.create(kind, {**raw, "externalId": external_id}, options)

    def delete(self, kind: RecordType, key: str, author: Author) -> None:
        """Remove a record and leave a trace in the list of deleted records."""
        record_id, record = self.locate(kind, key)
        if user := self._user_of(kind, record_id):
            raise user_error(f"This record cannot be deleted because it has dependent records ({user}).")
        with self._store.transaction():
            if kind.name in _SETTLING:
                self._apply({}, record, author)
            self._store.delete(kind.name, record_id, author, record.get("externalId"))
            trace = {"recordid": record_id, "recordtypeid": kind.name, "deleteddate": self._stamp(),
                     "name": str(record.get("externalId", ""))}  # fmt: skip
            self._store.save("_deletedRecord", f"{kind.name}-{record_id}", trace, author)

    def transform(
        self, source: RecordType, key: str, target: RecordType, raw: Record, options: WriteOptions
    ) -> Written:
        """Bill an order or a project, or make an order of a project; the body overrides what is carried over."""
        record_id, record = self.locate(source, key)
        if (source.name, target.name) not in {
            ("salesOrder", "invoice"), ("job", "salesOrder"), ("job", "invoice"),
        }:  # fmt: skip
            text = f"The transformation from {source.name} to {target.name} is not supported."
            raise NsError(400, Detail(text, "INVALID_REQUEST"))
        with self._store.transaction():
            if source.name == "job":
                return self.create(target, {**_from_job(record_id, record), **raw}, options)
            return self._bill(record_id, record, target, raw, options)

    def attach(self, kind: RecordType, key: str, contact_id: str, author: Author, *, attach: bool) -> None:
        """Link a contact to a record, or take the link away."""
        record_id, record = self.locate(kind, key)
        if self._store.get("contact", contact_id) is None:
            raise no_such_record()
        linked = [one for one in record.get("_contacts", []) if one != contact_id]
        record["_contacts"] = [*linked, contact_id] if attach else linked
        self._store.save(kind.name, record_id, record, author, record.get("externalId"))

    def _bill(
        self, order_id: str, order: Record, target: RecordType, raw: Record, options: WriteOptions
    ) -> Written:
        if order["orderStatus"]["id"] == "A":
            raise user_error("The sales order is pending approval and cannot be billed.")
        chosen = _to_bill(order, raw)
        if not chosen:
            raise user_error("You must enter at least one line item for this transaction.")
        carried: Record = {
            name: order[name]
            for name in ("entity", "job", "subsidiary", "currency", "terms", "department", "class", "location",
                         "otherRefNum", "custbody_tl_contract_number")
            if name in order
        }  # fmt: skip
        body = {**carried, **raw, "createdFrom": {"id": order_id}, "item": {"items": chosen}}
        written = self.create(target, body, options)
        for line in chosen:
            billed = next(one for one in order["item"]["items"] if one["line"] == line["orderLine"])
            billed["quantityBilled"] = Decimal(billed["quantityBilled"]) + Decimal(line["quantity"])
        type_ = type_named("salesOrder")
        if type_ is not None:
            self._save(type_, order_id, order, self._store.get("salesOrder", order_id), options)
        return written

    def _read(self, kind: RecordType, raw: Any, options: WriteOptions) -> Body:
        if not isinstance(raw, dict):
            raise NsError(400, Detail("Invalid content in the request body.", "INVALID_CONTENT"))
        body = Normaliser(self._directory, kind, person=options.person).read(raw)
        if body.unknown and options.name_validation == "error":
            raise NsError(400, *(_unknown(name, kind) for name in body.unknown))
        return body

    def _save(
        self, kind: RecordType, record_id: str, record: Record, old: Record | None, options: WriteOptions
    ) -> None:
        self.rules.apply(kind.name, record_id, record, old)
        stamp = self._stamp()
        created = "dateCreated" if "dateCreated" in kind.fields else "createdDate"
        if created in kind.fields:
            record.setdefault(created, stamp)
        record["lastModifiedDate"] = stamp
        self._store.save(kind.name, record_id, record, options.author, record.get("externalId"))
        if kind.name in _SETTLING:
            self._apply(record, old, options.author)

    def _apply(self, payment: Record, old: Record | None, author: Author) -> None:
        paid: dict[str, Decimal] = {}
        for sign, record in ((-1, old or {}), (1, payment)):
            for line in record.get("apply", {}).get("items", []):
                if line.get("apply", True) and record.get("status", {}).get("id") not in _WITHOUT_EFFECT:
                    invoice_id = line["doc"]["id"]
                    paid[invoice_id] = paid.get(invoice_id, Decimal(0)) + sign * Decimal(line.get("amount", 0))
        kind = type_named("invoice")
        for number, (invoice_id, amount) in enumerate(paid.items()):
            invoice = self._store.get("invoice", invoice_id)
            if invoice is None or kind is None:
                raise bad_value(invoice_id, "doc", f"apply.items[{number}].doc")
            if amount > Decimal(invoice["amountRemaining"]):
                raise bad_value(amount, "amount", f"apply.items[{number}].amount")
            if amount:
                before = self._store.get("invoice", invoice_id)
                invoice["amountPaid"] = Decimal(invoice["amountPaid"]) + amount
                self._save(kind, invoice_id, invoice, before, WriteOptions(author))

    def _user_of(self, kind: RecordType, record_id: str) -> str | None:
        fields: Mapping[str, tuple[str, ...]] = {
            "customer": ("parent", "entity", "customer"), "job": ("job", "project", "customer", "entity"),
            "salesOrder": ("createdFrom",), "billingSchedule": ("billingSchedule",),
        }  # fmt: skip
        for name in fields.get(kind.name, ()):
            for other in ("job", "projectTask", "salesOrder", "invoice", "customerPayment", "timeBill"):
                for other_id, row in self._store.rows(other):
                    value = row.get(name)
                    if isinstance(value, dict) and value.get("id") == record_id:
                        return f"{other} {other_id}"
        return None

    def _id_of(self, kind: RecordType, key: str) -> str | None:
        if not key.startswith("eid:"):
            return key
        found = self._directory.find_external((kind.name,), key.removeprefix("eid:"))
        return found[1] if found else None

    def _stamp(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _unknown(name: str, kind: RecordType) -> Detail:
    text = f"Error while accessing a resource. The field {name} does not exist on the {kind.name} record."
    return Detail(text, "NONEXISTENT_FIELD", path=name)


def _from_job(job_id: str, job: Record) -> Record:
    carried: Record = {name: job[name] for name in ("subsidiary", "currency", "billingSchedule") if name in job}
    return {**carried, "entity": job.get("parent", {"id": job_id}), "job": {"id": job_id}}


def _to_bill(order: Record, raw: Record) -> list[dict[str, Any]]:
    wanted = {
        int(line.get("orderLine") or line.get("line") or 0): line for line in (raw.get("item") or {}).get("items", [])
    }
    chosen = []
    for line in order["item"]["items"]:
        open_quantity = Decimal(line["quantity"]) - Decimal(line["quantityBilled"])
        override = wanted.get(line["line"], {})
        if line["isClosed"] or open_quantity <= 0 or (wanted and not override):
            continue
        quantity = Decimal(override.get("quantity", open_quantity))
        if quantity > open_quantity:
            raise bad_value(quantity, "quantity", "item.items[].quantity")
        amount = Decimal(line["amount"]) * quantity / Decimal(line["quantity"])
        kept = {
            name: value
            for name, value in line.items()
            if name in {"item", "rate", "description", "department", "class", "location", "job"}
            or name.startswith("custcol")
        }
        over = {name: value for name, value in override.items() if name not in {"line", "orderLine"}}
        chosen.append(kept | {"amount": amount} | over | {"quantity": quantity, "orderLine": line["line"]})
    return chosen
