"""The tables SuiteQL reads: an in-memory SQLite database kept in step with the records."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.kit import Record, World
from sandbox.netsuite.directory import Directory, display_name
from sandbox.netsuite.filters import DATE_FORMATS
from sandbox.netsuite.oracle_dates import from_mask, shifted, to_mask
from sandbox.netsuite.render import enum_name
from sandbox.netsuite.schema import ENTITIES, ITEMS, TRANSACTIONS, Field, record_types, targets

__all__ = ["DATE_COLUMNS", "ReadModel"]

_TYPE_CODES = {"salesOrder": "SalesOrd", "invoice": "CustInvc", "creditMemo": "CustCred", "customerPayment": "CustPymt",
               "expenseReport": "ExpRept"}  # fmt: skip
_STATUS_LABELS = {
    "SalesOrd": ("salesOrder", "Sales Order"), "CustInvc": ("invoice", "Invoice"),
    "CustCred": ("creditMemo", "Credit Memo"),
    "CustPymt": ("customerPayment", "Payment"), "ExpRept": ("expenseReport", "Expense Report"),
}  # fmt: skip
_ENTITY_TYPES = {"customer": "CustJob", "job": "Job", "contact": "Contact", "employee": "Employee"}
_ITEM_TYPES = {"serviceSaleItem": "Service", "nonInventorySaleItem": "NonInvtPart"}
_LINE_TABLES = {"billingSchedule.milestone": "billingschedulemilestone",
                "billingSchedule.recurrence": "billingschedulerecurrence",
                "customer.taxRegistration": "entitytaxregistration"}  # fmt: skip
_ALIASES = {"foreigntotal": "total", "employee": "salesrep", "foreignamountpaid": "amountpaid",
            "foreignamountunpaid": "amountremaining", "entitytitle": "entityid", "createdby": "entity"}  # fmt: skip
DATE_COLUMNS = {"trandate", "duedate", "startdate", "enddate", "projectedenddate", "scheduledenddate",
                "lastmodifieddate", "datecreated", "createddate", "milestonedate", "milestoneactualcompletiondate",
                "recurrencedate", "seriesstartdate", "chargedate", "hiredate", "deleteddate", "nextbill"}  # fmt: skip
_SHOWN_KINDS = {"entity": ENTITIES, "parent": ("customer", "job"), "transaction": TRANSACTIONS,
                "transaction_": TRANSACTIONS, "nextdoc": TRANSACTIONS, "previousdoc": TRANSACTIONS}  # fmt: skip
Row = dict[str, Any]


class ReadModel:
    """Follows the record store; a query first brings the tables up to date."""

    def __init__(self, world: World, directory: Directory) -> None:
        """Make the tables of this account."""
        self._world = world
        self._directory = directory
        self._dirty: dict[tuple[str, str], None] = {}
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.columns = _tables()
        for table, columns in self.columns.items():
            spec = ", ".join(f"[{name}] {affinity}" for name, affinity in columns.items())
            self.db.execute(f"CREATE TABLE [{table}] ([_kind] TEXT, [_key] TEXT, {spec})")
            self.db.execute(f"CREATE INDEX [key_{table}] ON [{table}] ([_kind], [_key])")
        self._functions()
        world.store.rebuild_listeners.append(lambda kind, record_id, _: self._dirty.update({(kind, record_id): None}))

    def refresh(self) -> None:
        """Bring the tables in step with the records."""
        dirty, self._dirty = self._dirty, {}
        for kind, record_id in dirty:
            for table in _tables_of(kind):
                self.db.execute(f"DELETE FROM [{table}] WHERE [_kind]=? AND [_key]=?", (kind, record_id))  # noqa: S608
            if (record := self._world.store.get(kind, record_id)) is not None:
                for table, row in self._rows(kind, record_id, record):
                    self._insert(table, kind, record_id, row)

    def zone(self) -> ZoneInfo:
        """Return the account's time zone, in which the tables hold instants."""
        return ZoneInfo(self._world.text("time_zone"))

    def user_date(self, value: Any) -> Any:
        """Return a stored date as the user's preference shows it, date part only."""
        if not isinstance(value, str):
            return value
        day = datetime.fromisoformat(value).date()
        shown = day.strftime(DATE_FORMATS[self._world.text("date_format")])
        return re.sub(r"\b0(\d)", r"\1", shown) if "/" in shown else shown

    def _functions(self) -> None:
        functions: list[tuple[str, int, Callable[..., Any]]] = [
            ("NS_TO_CHAR", 2, to_mask), ("NS_TO_TIME", 2, from_mask), ("NS_DATE", 1, self.user_date),
            ("NS_SHIFT", 2, shifted), ("NS_DF", 2, self._display), ("NS_NOW", 0, self._now),
            ("UPPER", 1, lambda text: None if text is None else str(text).upper()),
            ("LOWER", 1, lambda text: None if text is None else str(text).lower()),
        ]  # fmt: skip
        for name, arguments, function in functions:
            self.db.create_function(name, arguments, function)

    def _now(self) -> str:
        return self._world.clock.now().astimezone(self.zone()).strftime("%Y-%m-%d %H:%M:%S")

    def _display(self, column: str, value: Any) -> Any:
        if value is None:
            return None
        kinds = _SHOWN_KINDS.get(column) or targets("", _FIELD_OF.get(column, column))
        if found := self._directory.resolve(kinds, str(value)):
            return display_name(*found)
        if column == "status" and ":" in str(value):
            code, _, letter = str(value).partition(":")
            kind, label = _STATUS_LABELS.get(code, ("", code))
            return f"{label} : {enum_name(kind, 'status', letter)}"
        return enum_name("", _FIELD_OF.get(column, column), str(value))

    def _insert(self, table: str, kind: str, record_id: str, row: Row) -> None:
        known = {name: value for name, value in row.items() if name in self.columns[table] and value is not None}
        names = ["_kind", "_key", *known]
        marks = ", ".join("?" for _ in names)
        columns = ", ".join(f"[{name}]" for name in names)
        self.db.execute(f"INSERT INTO [{table}] ({columns}) VALUES ({marks})", (kind, record_id, *known.values()))  # noqa: S608

    def _rows(self, kind: str, record_id: str, record: Record) -> Iterator[tuple[str, Row]]:
        row = self._flat(record) | {"id": int(record_id) if record_id.isdigit() else record_id}
        if kind == "_deletedRecord":
            yield "deletedrecord", row
            return
        if kind not in record_types():
            return
        row |= {alias: row.get(name) for alias, name in _ALIASES.items() if alias not in row}
        yield kind.lower(), row
        if kind in ENTITIES:
            yield "entity", row | {"type": _ENTITY_TYPES[kind], "altname": row.get("companyname")}
        if kind in ITEMS:
            yield "item", row | {"itemtype": _ITEM_TYPES[kind]}
        if kind in TRANSACTIONS:
            head = row | {"type": _TYPE_CODES[kind], "entity": row.get("entity", row.get("customer"))}
            yield "transaction_", head
            yield from self._transaction_lines(record_id, record, head)
        if kind == "customer":
            yield from self._addresses(row["id"], record)
        for name, field in record_types()[kind].sublists().items():
            table = _LINE_TABLES.get(f"{kind}.{name}")
            if table and field.lines:
                for number, line in enumerate(record.get(name, {}).get("items", []), start=1):
                    owner = "entity" if kind == "customer" else kind.lower()
                    yield table, self._flat(line) | {owner: row["id"], "id": line.get("milestoneId", number)}

    def _addresses(self, entity: Any, record: Record) -> Iterator[tuple[str, Row]]:
        """An address book entry and, under a number of its own, the address it points to."""
        for number, line in enumerate(record.get("addressBook", {}).get("items", []), start=1):
            nkey = int(entity) * 1000 + number
            yield "entityaddressbook", self._flat(line) | {
                "entity": entity, "id": line.get("internalId", number), "addressbookaddress": nkey,
            }  # fmt: skip
            address = line.get("addressBookAddress", {})
            country = address.get("country")
            yield "entityaddress", self._flat(address) | {
                "nkey": nkey, "country": country.get("id") if isinstance(country, dict) else country,
            }  # fmt: skip

    def _transaction_lines(self, record_id: str, record: Record, head: Row) -> Iterator[tuple[str, Row]]:
        shared = ("subsidiary", "department", "class", "location", "entity", "createdfrom")
        body = {name: head.get(name) for name in shared}
        own = {"transaction_": int(record_id), "taxline": "F"}
        yield "transactionline", body | own | {"id": 0, "linesequencenumber": 0, "mainline": "T",
                                               "foreignamount": head.get("total")}  # fmt: skip
        for number, line in enumerate(record.get("item", {}).get("items", []), start=1):
            row = self._flat(line)
            given = {name: value for name, value in row.items() if value is not None}
            sign = int(self._world.number("sales_line_sign"))
            signed = {"quantity": row.get("quantity", 0) * sign, "foreignamount": row.get("amount", 0) * sign,
                      "netamount": row.get("amount", 0) * sign}  # fmt: skip
            extra = {"id": row["line"], "linesequencenumber": number, "mainline": "F", "memo": row.get("description"),
                     "uniquekey": row.get("lineuniquekey")}  # fmt: skip
            yield "transactionline", body | given | signed | own | extra
        links = [(line["doc"]["id"], "Payment", line.get("amount", 0))
                 for line in record.get("apply", {}).get("items", []) if line.get("apply", True)]  # fmt: skip
        if "createdFrom" in record and head["type"] != "CustCred":
            links.append((record["createdFrom"]["id"], "OrdBill", record.get("total", 0)))
        for previous, kind, amount in links:
            link = {"previousdoc": int(previous), "nextdoc": int(record_id), "linktype": kind,
                    "foreignamount": float(amount)}  # fmt: skip
            yield "previoustransactionlinelink", link
            yield "previoustransactionlink", link

    def _flat(self, record: Record) -> Row:
        return {name.lower(): self._cell(name.lower(), value) for name, value in record.items()}

    def _cell(self, name: str, value: Any) -> Any:
        if isinstance(value, bool):
            return "T" if value else "F"
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        if isinstance(value, dict):
            value = value.get("id")
            return int(value) if isinstance(value, str) and value.isdigit() and value == str(int(value)) else value
        if isinstance(value, list):
            return None
        if name in DATE_COLUMNS and isinstance(value, str) and "T" in value:
            instant = datetime.fromisoformat(value)
            return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(self.zone()).strftime("%Y-%m-%d %H:%M:%S")
        return f"{value} 00:00:00" if name in DATE_COLUMNS and isinstance(value, str) and len(value) == 10 else value  # noqa: PLR2004 - a bare date


_FIELD_OF = {name.lower(): name for kind in record_types().values() for name in kind.fields} | {
    name.lower(): name for kind in record_types().values() for sub in kind.sublists().values() for name in sub.lines
}


def _affinity(field: Field) -> str:
    return {"ref": "INTEGER", "number": "NUMERIC", "any": "", "enum": ""}.get(field.kind, "TEXT")


def _columns(fields: dict[str, Field]) -> dict[str, str]:
    flat = {one.name.lower(): _affinity(one) for one in fields.values() if one.kind not in {"sublist", "select"}}
    return {"id": "INTEGER"} | {name: kind for name, kind in flat.items() if name not in {"id", "links", "refname"}}


def _tables() -> dict[str, dict[str, str]]:
    kinds = record_types()
    tables = {name.lower(): _columns(kind.fields) for name, kind in kinds.items()}
    union: dict[str, dict[str, str]] = {"entity": {}, "item": {}, "transaction_": {}}
    for name in ENTITIES:
        union["entity"] |= tables[name.lower()]
    for name in ITEMS:
        union["item"] |= tables[name.lower()]
    for name in TRANSACTIONS:
        union["transaction_"] |= tables[name.lower()]
    union["entity"]["type"] = union["item"]["itemtype"] = union["transaction_"]["type"] = "TEXT"
    union["transaction_"] |= {"foreigntotal": "NUMERIC", "employee": "INTEGER", "foreignamountpaid": "NUMERIC",
                              "foreignamountunpaid": "NUMERIC"}  # fmt: skip
    lines = _columns(kinds["salesOrder"].fields["item"].lines) | {
        "transaction_": "INTEGER", "linesequencenumber": "INTEGER", "uniquekey": "INTEGER", "mainline": "TEXT",
        "taxline": "TEXT", "foreignamount": "NUMERIC", "netamount": "NUMERIC", "memo": "TEXT", "entity": "INTEGER",
        "createdfrom": "INTEGER", "subsidiary": "INTEGER",
    }  # fmt: skip
    link = {"previousdoc": "INTEGER", "nextdoc": "INTEGER", "linktype": "TEXT", "foreignamount": "NUMERIC"}
    schedule, customer = kinds["billingSchedule"].fields, kinds["customer"].fields
    return tables | union | {
        "transactionline": lines, "previoustransactionlinelink": link, "previoustransactionlink": link,
        "billingschedulemilestone": _columns(schedule["milestone"].lines) | {"billingschedule": "INTEGER"},
        "billingschedulerecurrence": _columns(schedule["recurrence"].lines) | {"billingschedule": "INTEGER"},
        "entitytaxregistration": _columns(customer["taxRegistration"].lines) | {"entity": "INTEGER"},
        "entityaddressbook": {"id": "INTEGER", "entity": "INTEGER", "addressbookaddress": "INTEGER", "label": "TEXT",
                              "defaultbilling": "TEXT", "defaultshipping": "TEXT", "isresidential": "TEXT"},
        "entityaddress": {"nkey": "INTEGER", "addressee": "TEXT", "attention": "TEXT", "addr1": "TEXT", "addr2": "TEXT",
                          "addr3": "TEXT", "city": "TEXT", "state": "TEXT", "zip": "TEXT", "country": "TEXT"},
        "deletedrecord": {"recordid": "INTEGER", "recordtypeid": "TEXT", "deleteddate": "TEXT", "name": "TEXT"},
    }  # fmt: skip


def _tables_of(kind: str) -> list[str]:
    if kind == "_deletedRecord":
        return ["deletedrecord"]
    if kind not in record_types():
        return []
    found = [kind.lower(), *(table for path, table in _LINE_TABLES.items() if path.startswith(f"{kind}."))]
    if kind in ENTITIES:
        found.append("entity")
    if kind == "customer":
        found += ["entityaddressbook", "entityaddress"]
    if kind in ITEMS:
        found.append("item")
    if kind in TRANSACTIONS:
        found += ["transaction_", "transactionline", "previoustransactionlinelink", "previoustransactionlink"]
    return found
