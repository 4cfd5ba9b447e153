"""What stands between a valid record and its saving: locks, the firm's validation rules and duplicate rules."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.kit import Record
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import ObjectDef
from sandbox.salesforce.soql import bind_condition, parse_condition

__all__ = ["DuplicateRule", "Guards", "Lock", "ValidationRule"]

_LOCKING_PARENTS = ("AccountId", "OpportunityId", "Opportunity__c", "WhatId", "OrderId", "QuoteId", "ContractId")


@dataclass(frozen=True)
class ValidationRule:
    """A record that satisfies `condition` (query language) is refused with `message`."""

    object: str
    condition: str
    message: str
    field: str | None = None


@dataclass(frozen=True)
class DuplicateRule:
    """Two records that agree in all `match` fields, whatever the case, are reported as duplicates."""

    object: str
    match: tuple[str, ...]
    rule: str = "Standard_Account_Duplicate_Rule"
    message: str = "Use one of these records?"
    allow_save: bool = True


@dataclass
class Lock:
    """A record locked by an approval for as long as the lock stands, or by another write for so many attempts."""

    record_id: str
    kind: str
    times: int = 0


class Guards:
    """The rules and locks in force."""

    def __init__(self, org: Org) -> None:
        """Start without rules and locks."""
        self._org = org
        self.validation: list[ValidationRule] = []
        self.duplicates: list[DuplicateRule] = []
        self.locks: list[Lock] = []

    def as_json(self) -> dict[str, Any]:
        """List everything in force."""
        return {
            "validation_rules": [asdict(one) for one in self.validation],
            "duplicate_rules": [asdict(one) for one in self.duplicates],
            "locks": [asdict(one) for one in self.locks],
        }

    def clear(self) -> None:
        """Remove all rules and locks."""
        self.validation.clear()
        self.duplicates.clear()
        self.locks.clear()

    def check_locks(self, record: Record) -> None:
        """Refuse a write while the record, or for row locks one of its parents, is locked."""
        parents = {record.get(name) for name in _LOCKING_PARENTS} - {None}
        for lock in list(self.locks):
            if lock.kind == "approval" and lock.record_id == record["Id"]:
                message = "this record is locked. If you need to edit it, contact your admin."
                raise SalesforceError("ENTITY_IS_LOCKED", message, fields=[])
            if lock.kind == "row" and lock.record_id in parents | {record["Id"]}:
                lock.times -= 1
                if lock.times == 0:
                    self.locks.remove(lock)
                message = f"unable to obtain exclusive access to this record or 1 records: {lock.record_id}"
                raise SalesforceError("UNABLE_TO_LOCK_ROW", message, fields=[])

    def check_rules(self, target: ObjectDef, record: Record, *, allow_save: bool) -> None:
        """Refuse a record that a validation or duplicate rule stops."""
        for validation in self.validation:
            if validation.object.lower() == target.name.lower() and self._satisfies(target, record, validation):
                fields = [validation.field] if validation.field else []
                raise SalesforceError("FIELD_CUSTOM_VALIDATION_EXCEPTION", validation.message, fields=fields)
        for duplicate in self.duplicates:
            if duplicate.object.lower() == target.name.lower() and not (allow_save and duplicate.allow_save):
                self._check_duplicates(target, record, duplicate)

    def _satisfies(self, target: ObjectDef, record: Record, rule: ValidationRule) -> bool:
        condition = bind_condition(self._org.whole_schema, target, parse_condition(rule.condition), rule.condition)
        return self._org.runner().holds(condition, record)

    def _check_duplicates(self, target: ObjectDef, record: Record, rule: DuplicateRule) -> None:
        wanted = _matchable(record, rule.match)
        if not all(wanted):
            return
        found = [
            record_id
            for record_id, other in self._org.store.rows(target.name)
            if record_id != record["Id"] and _matchable(other, rule.match) == wanted
        ]
        if found:
            extra = {"duplicateResult": _duplicate_result(target, rule, found)}
            raise SalesforceError("DUPLICATES_DETECTED", rule.message, extra=extra)


def _matchable(record: Record, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(record.get(name) or "").strip().casefold() for name in names)


def _duplicate_result(target: ObjectDef, rule: DuplicateRule, found: list[str]) -> dict[str, Any]:
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": target.name, "url": f"/services/data/v67.0/sobjects/{target.name}/{one}"},
                "Id": one,
            },
        }
        for one in found
    ]
    return {
        "allowSave": rule.allow_save,
        "duplicateRule": rule.rule,
        "duplicateRuleEntityType": target.name,
        "errorMessage": rule.message,
        "matchResults": [
            {
                "entityType": target.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": f"Standard_{target.name}_Match_Rule_v1_0",
                "size": len(found),
                "success": True,
            }
        ],
    }
