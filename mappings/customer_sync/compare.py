from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappings.company_names import normal_name
from mappings.field_ownership import FieldOwner, FieldRule, OnDifference
from models.customer_sync import (
    AccountState,
    AgreedState,
    CustomerState,
    FieldChange,
    SharedField,
    UpdateContact,
    UpdateCustomer,
)
from models.party import ContactPerson
from models.plan import Plan, PlannedOperation

__all__ = ["Difference", "carried", "compare", "doubted", "settled", "values_of"]


@dataclass(frozen=True)
class Difference:
    """One difference with the rule that says what becomes of it."""

    change: FieldChange
    rule: FieldRule
    needs_call_back: bool = False
    is_the_others: bool = False
    """The CRM changed what the ERP owns: a person looks, nothing is written."""


def compare(
    account: AccountState, customer: CustomerState, agreed: AgreedState, rules: dict[SharedField, FieldRule]
) -> tuple[Difference, ...]:
    """Every difference that must be carried over or looked at, in a fixed order.

    Without an agreed state there is no telling who changed: then only what the ERP does not know yet is carried there.
    """
    return (
        *_customer(account, customer, agreed, rules),
        *_shown(account, customer, rules),
        *_people(account, customer, agreed, rules),
    )


def settled(
    account: AccountState, customer: CustomerState, agreed: AgreedState, open_differences: tuple[Difference, ...]
) -> AgreedState:
    """What both agree on now: all the CRM says, but for what still waits to be carried over or looked at."""
    waiting = {_key(one.change) for one in open_differences if one.change.side == "erp"}
    values = {key: value for key, value in values_of(account).items() if value and key not in waiting}
    kept = {key: value for key, value in agreed.values.items() if key in waiting}
    known = {f"{SharedField.PERSON.value}:{person.code}" for person in customer.people}
    people = f"{SharedField.PERSON.value}:"
    values = {key: value for key, value in (values | kept).items() if not key.startswith(people) or key in known}
    if values == agreed.values:
        return agreed
    return agreed.model_copy(update={"revision": agreed.revision + 1, "values": values})


def carried(agreed: AgreedState, operation: PlannedOperation) -> AgreedState:
    """What both agree on once this step is written: a change back that follows at once is news again.

    The revision moves even when no value does: the ERP's facts go back and forth as well, and each time is a write.
    """
    request, values = operation.request, dict(agreed.values)
    if isinstance(request, UpdateCustomer):
        values |= {diff.field: diff.after for diff in operation.diffs}
    elif isinstance(request, UpdateContact) and request.is_active:
        values[f"{SharedField.PERSON.value}:{request.person.code}"] = _person_text(request.person)
    elif isinstance(request, UpdateContact):
        values.pop(f"{SharedField.PERSON.value}:{request.person.code}", None)
    return agreed.model_copy(update={"revision": agreed.revision + 1, "values": values})


def doubted(agreed: AgreedState, plan: Plan) -> AgreedState:
    """As if nobody had agreed on what this plan wrote: what does not show after all is a difference again."""
    keys: set[str] = set()
    for operation in plan.operations:
        if isinstance(operation.request, UpdateCustomer):
            keys |= {diff.field for diff in operation.diffs}
        elif isinstance(operation.request, UpdateContact):
            keys.add(f"{SharedField.PERSON.value}:{operation.request.person.code}")
    values = agreed.values | dict.fromkeys(keys, "")
    return agreed.model_copy(update={"revision": agreed.revision + 1, "values": values})


def _key(change: FieldChange) -> str:
    return f"{change.field.value}:{change.subject}" if change.subject else change.field.value


def values_of(account: AccountState) -> dict[str, str]:
    """The CRM's own facts, by the names under which the agreed state keeps them."""
    own = {field.value: value for field, value in _own(account).items()}
    return own | {f"{SharedField.PERSON.value}:{person.code}": _person_text(person) for person in account.people}


def _own(account: AccountState) -> dict[SharedField, str]:
    return {
        SharedField.NAME: account.trading_name,
        SharedField.ADDRESS: account.address.one_line,
        SharedField.INVOICE_EMAIL: account.invoice_email,
        SharedField.TAX_NUMBER: account.tax_number,
        SharedField.REGISTRATION_NUMBER: account.registration_number,
    }


def _customer(
    account: AccountState, customer: CustomerState, agreed: AgreedState, rules: dict[SharedField, FieldRule]
) -> Iterator[Difference]:
    there = {
        SharedField.NAME: customer.name,
        SharedField.ADDRESS: customer.address.one_line,
        SharedField.INVOICE_EMAIL: customer.invoice_email,
        SharedField.TAX_NUMBER: customer.tax_number,
        SharedField.REGISTRATION_NUMBER: customer.registration_number,
    }
    for field, value in _own(account).items():
        rule = rules.get(field)
        if rule is None or not value or _same(field, value, there[field]):
            continue
        if not _is_news(field.value, value, there[field], agreed):
            continue
        change = FieldChange(field=field, side="erp", before=there[field], after=value)
        is_theirs = rule.owner is FieldOwner.ERP or (
            rule.owner is FieldOwner.ERP_ONCE_VERIFIED and customer.is_verified and bool(there[field])
        )
        yield Difference(change, rule, needs_call_back=_asks(rule, change), is_the_others=is_theirs)


def _is_news(key: str, value: str, there: str, agreed: AgreedState) -> bool:
    """The CRM changed it since both agreed; or nobody ever agreed and the ERP does not have it at all."""
    known = agreed.values.get(key)
    return value != known if known is not None else not there


def _asks(rule: FieldRule, change: FieldChange) -> bool:
    """A new domain for invoices is how invoices are led astray; another name at the same domain is not. DOM-5.7."""
    if rule.on_difference is not OnDifference.CALL_BACK:
        return False
    if change.field is SharedField.INVOICE_EMAIL:
        return bool(change.before) and _domain(change.before) != _domain(change.after)
    return True


def _shown(
    account: AccountState, customer: CustomerState, rules: dict[SharedField, FieldRule]
) -> Iterator[Difference]:
    facts = (
        (SharedField.CUSTOMER_NUMBER, account.shown_number, customer.ref.number or customer.ref.record_id),
        (SharedField.PAYMENT_TERMS, account.shown_terms, customer.payment_terms),
        (
            SharedField.CREDIT_HOLD,
            None if account.shown_hold is None else _yes_or_no(account.shown_hold),
            _yes_or_no(customer.on_credit_hold),
        ),
    )
    for field, shown, true in facts:
        rule = rules.get(field)
        if rule is not None and shown is not None and shown != true:
            yield Difference(FieldChange(field=field, side="crm", before=shown, after=true), rule)


def _people(
    account: AccountState, customer: CustomerState, agreed: AgreedState, rules: dict[SharedField, FieldRule]
) -> Iterator[Difference]:
    """People whom the ERP knows; others come into it with the contracts they have a part in."""
    rule = rules.get(SharedField.PERSON)
    if rule is None:
        return
    listed = {person.code: person for person in account.people}
    for known in customer.people:
        person = listed.get(known.code)
        key = f"{SharedField.PERSON.value}:{known.code}"
        if person is None:
            if known.is_active and key in agreed.values:
                yield Difference(_person_change(known.code, "active", "inactive"), rule)
        elif not known.says(person) and _is_news(key, _person_text(person), known.last_name, agreed):
            yield Difference(_person_change(known.code, "as the ERP has it", "as the CRM has it"), rule)


def _person_change(code: str, before: str, after: str) -> FieldChange:
    """Without the person's data: a plan is read by many."""
    return FieldChange(field=SharedField.PERSON, side="erp", subject=code, before=before, after=after)


def _same(field: SharedField, one: str, other: str) -> bool:
    if field is SharedField.NAME:
        return normal_name(one) == normal_name(other)
    if field in {SharedField.TAX_NUMBER, SharedField.REGISTRATION_NUMBER}:
        return _bare(one) == _bare(other)
    return one.casefold() == other.casefold()


def _bare(number: str) -> str:
    return "".join(char for char in number if char.isalnum()).casefold()


def _domain(email: str) -> str:
    return email.rpartition("@")[2].casefold()


def _person_text(person: ContactPerson) -> str:
    return f"{person.first_name} | {person.last_name} | {person.email} | {person.phone} | {person.title}"


def _yes_or_no(flag: bool) -> str:
    return "yes" if flag else "no"
