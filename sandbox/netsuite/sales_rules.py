"""What the account computes on orders, invoices and payments."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.kit import Record, World
from sandbox.netsuite.directory import Directory
from sandbox.netsuite.errors import bad_value, missing, user_error

__all__ = ["SalesRules", "numbered", "today"]

_PREFIXES = {"customer": "CUST", "job": "PRJ", "salesOrder": "SO", "invoice": "INV", "creditMemo": "CM",
             "customerPayment": "PYMT"}  # fmt: skip
_TRANSACTIONS = {"salesOrder", "invoice", "creditMemo", "customerPayment"}
_PENDING_APPROVAL, _REJECTED = "1", "R"


def today(world: World) -> str:
    """Return the account's present business date."""
    return world.clock.now().date().isoformat()


def numbered(kind: str, record_id: str, record: Record) -> None:
    """Give a record the number people see, unless it has one."""
    record.setdefault("tranId" if kind in _TRANSACTIONS else "entityId", f"{_PREFIXES[kind]}{record_id}")


class SalesRules:
    """Completes orders, invoices and payments in place; raises NsError when the account refuses them."""

    def __init__(self, world: World, directory: Directory) -> None:
        """Apply the rules of this account."""
        self._world = world
        self._store = world.store
        self._directory = directory

    def order(self, record_id: str, record: Record, old: Record | None) -> None:
        """Complete an order."""
        numbered("salesOrder", record_id, record)
        self._complete_sale(record_id, record, old)
        record.setdefault("orderStatus", {"id": "A"})
        record["status"] = {"id": _order_status(record, record["item"]["items"])}

    def invoice(self, record_id: str, record: Record, old: Record | None) -> None:
        """Complete an invoice."""
        numbered("invoice", record_id, record)
        self._complete_sale(record_id, record, old)
        self._settle(record)

    def credit(self, record_id: str, record: Record, old: Record | None) -> None:
        """Complete a credit memo: a sale with the money going back, used up by the invoices it is applied to."""
        numbered("creditMemo", record_id, record)
        source = self._store.get("invoice", str(record.get("createdFrom", {}).get("id"))) or {}
        for name in ("entity", "job", "subsidiary", "currency", "custbody_tl_contract_number"):
            if name in source:
                record.setdefault(name, source[name])
        self._complete_sale(record_id, record, old)
        record["applied"] = _applied(record)
        record["unapplied"] = record["amountRemaining"] = record["total"] - record["applied"]
        if record["unapplied"] < 0:
            raise bad_value(record["applied"], "amount", "apply.items[0].amount")
        record["status"] = {"id": "V" if record.get("_voided") else "B" if record["unapplied"] == 0 else "A"}

    def _complete_sale(self, record_id: str, record: Record, old: Record | None) -> None:
        if found := self._directory.customer_of(record.get("entity", {})):
            for name in ("subsidiary", "currency", "terms"):
                if name in found[1]:
                    record.setdefault(name, found[1][name])
        record.setdefault("tranDate", today(self._world))
        lines: list[dict[str, Any]] = record.get("item", {}).get("items", [])
        if not record.get("entity"):
            raise missing(["Customer"])
        if not lines:
            raise user_error("You must enter at least one line item for this transaction.")
        self._check_billed(record, old)
        before = {str(line["line"]): line for line in (old or {}).get("item", {}).get("items", [])}
        for number, line in enumerate(lines):
            _forget_stale_amount(line, before.get(str(line.get("line")), {}))
            self._complete_line(record_id, record, line, number)
        record["subtotal"] = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
        record.setdefault("taxTotal", 0)
        record["total"] = record["subtotal"] + Decimal(record["taxTotal"])
        record.setdefault("exchangeRate", 1)

    def _complete_line(self, record_id: str, record: Record, line: dict[str, Any], number: int) -> None:
        path = f"item.items[{number}]"
        if not line.get("item"):
            raise missing(["Item"])
        line.setdefault("quantity", 1)
        if "amount" not in line:
            line["amount"] = (Decimal(line["quantity"]) * Decimal(line.get("rate", 0))).quantize(self._smallest(record))
        if "rate" not in line and line["quantity"]:
            line["rate"] = Decimal(line["amount"]) / Decimal(line["quantity"])
        line.setdefault("line", number + 1)
        line.setdefault("lineUniqueKey", f"{record_id}{int(line['line']):03d}")
        line.setdefault("quantityBilled", 0)
        line.setdefault("isClosed", False)
        if Decimal(line["quantity"]) < Decimal(line["quantityBilled"]):
            raise bad_value(line["quantity"], "quantity", f"{path}.quantity")

    def _check_billed(self, record: Record, old: Record | None) -> None:
        kept = {str(line.get("line")) for line in record["item"]["items"]}
        for line in (old or {}).get("item", {}).get("items", []):
            if Decimal(line.get("quantityBilled", 0)) > 0 and str(line["line"]) not in kept:
                raise user_error(f"You cannot delete line {line['line']}, because it has been billed.")

    def _smallest(self, record: Record) -> Decimal:
        currency = self._store.get("currency", str(record.get("currency", {}).get("id"))) or {}
        return Decimal(1).scaleb(-int(currency.get("currencyPrecision", 2)))

    def _settle(self, invoice: Record) -> None:
        invoice.setdefault("amountPaid", 0)
        invoice["amountRemaining"] = Decimal(invoice["total"]) - Decimal(invoice["amountPaid"])
        if invoice.get("_voided"):
            self._void(invoice)
        is_pending = invoice.get("approvalStatus", {}).get("id") == _PENDING_APPROVAL
        paid = "B" if invoice["amountRemaining"] <= 0 else "A"
        invoice["status"] = {"id": "V" if invoice.get("_voided") else "D" if is_pending else paid}
        term = self._store.get("term", str(invoice.get("terms", {}).get("id"))) or {}
        if "dueDate" not in invoice:
            due = date.fromisoformat(invoice["tranDate"]) + timedelta(days=int(term.get("daysUntilNetDue", 0)))
            invoice["dueDate"] = due.isoformat()

    def _void(self, invoice: Record) -> None:
        """The document stays with its number, and nothing in it."""
        if Decimal(invoice["amountPaid"]) > 0:
            raise user_error("This transaction cannot be voided because payments or credits are applied to it.")
        for line in invoice["item"]["items"]:
            line["amount"] = line["rate"] = Decimal(0)
        invoice["subtotal"] = invoice["taxTotal"] = invoice["total"] = invoice["amountRemaining"] = Decimal(0)

    def payment(self, record_id: str, record: Record, old: Record | None) -> None:
        """Complete a payment."""
        del old
        numbered("customerPayment", record_id, record)
        record.setdefault("tranDate", today(self._world))
        record["applied"] = _applied(record)
        record["total"] = Decimal(record.get("payment") or record.get("total") or record["applied"])
        record["payment"] = record["total"]
        record["unapplied"] = record["total"] - record["applied"]
        customer = self._store.get("customer", str(record.get("customer", {}).get("id"))) or {}
        for name in ("subsidiary", "currency"):
            if name in customer:
                record.setdefault(name, customer[name])
        record.setdefault("status", {"id": "C"})



def _applied(record: Record) -> Decimal:
    """A payment that the bank rejected still names its invoices, but pays none of them."""
    if record.get("status", {}).get("id") == _REJECTED:
        return Decimal(0)
    lines = [line for line in record.get("apply", {}).get("items", []) if line.get("apply", True)]
    return sum((Decimal(line.get("amount", 0)) for line in lines), Decimal(0))


def _forget_stale_amount(line: dict[str, Any], before: dict[str, Any]) -> None:
    # A new quantity or rate makes a new amount, unless the same call states the amount as well.
    changed = any(line.get(name) != before.get(name) for name in ("quantity", "rate"))
    if before and changed and line.get("amount") == before.get("amount") and line.get("rate") is not None:
        del line["amount"]


def _order_status(record: Record, lines: list[dict[str, Any]]) -> str:
    if all(line["isClosed"] for line in lines):
        return "H"
    billed = [Decimal(line["quantityBilled"]) for line in lines]
    if billed and all(done >= Decimal(line["quantity"]) for done, line in zip(billed, lines, strict=True)):
        return "G"
    if any(billed):
        return "E"
    return str(record["orderStatus"]["id"])
