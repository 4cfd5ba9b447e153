"""Customers and people that are there already: read as they are, and changed field by field."""

# ruff: noqa: S608 - only question marks stand in the text; every value is bound

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from connectors.netsuite.chart import ReferenceBook
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.mapping import Body, internal_id, is_same_number, to_address_book
from connectors.netsuite.queries import Query
from connectors.netsuite.reading import Reader, to_address
from connectors.netsuite.schemas import CustomerRecord, Reference, Wire
from models.customer_sync import CustomerState, KnownPerson, PersonState, UpdateContact, UpdateCustomer
from models.errors import NeedsRepair, Stale
from models.records import Effect, Guard, RecordKind, RecordRef
from models.roles import Role

__all__ = ["CustomerChanges"]

_PEOPLE_AT_ONCE = 500


class _TaxRegistration(Wire):
    number: str = Field(default="", alias="taxRegistrationNumber")


class _TaxRegistrations(Wire):
    items: tuple[_TaxRegistration, ...] = Field(default=(), max_length=200)


class _Customer(CustomerRecord):
    """A customer in full; the account's own fields stay in `model_extra`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, hide_input_in_errors=True, frozen=True)

    entity_id: str = Field(default="", alias="entityId")
    name: str = Field(default="", alias="companyName")
    email: str = ""
    is_inactive: bool = Field(default=False, alias="isInactive")
    terms: Reference = Reference()
    credit_hold: Reference = Field(default=Reference(), alias="creditHoldOverride")
    tax: _TaxRegistrations = Field(default=_TaxRegistrations(), alias="taxRegistration")

    def own(self, field: str) -> str:
        """One of the account's custom fields."""
        value = (self.model_extra or {}).get(field)
        return value.strip() if isinstance(value, str) else ""


class CustomerChanges:
    """Reads a customer with its people, and patches what a plan names. A patch done twice is a patch done once."""

    def __init__(
        self, client: NetSuiteClient, config: NetSuiteConfig, reader: Reader, book: ReferenceBook
    ) -> None:
        self._client = client
        self._config = config
        self._reader = reader
        self._book = book

    def guard(self) -> Guard:
        """Fields of records that exist are set, never added to."""
        return Guard.PROOF

    async def get_customer(self, record_id: str, people: Sequence[KnownPerson]) -> CustomerState | None:
        """The customer as it is now: one call, and one more for its people."""
        ref = self._reader.ref(RecordKind.CUSTOMER, record_id)
        found = await self._record(ref)
        if found is None:
            return None
        custom, data = self._config.custom, await self._book.current()
        return CustomerState(
            ref=self._reader.ref(RecordKind.CUSTOMER, found.id, found.entity_id),
            account_id=found.own(custom.customer_crm_id),
            name=found.name,
            address=to_address(found),
            invoice_email=found.email,
            tax_number=found.tax.items[0].number if found.tax.items else "",
            registration_number=found.own(custom.customer_registration_number),
            payment_terms=data.terms_code(found.terms.id),
            on_credit_hold=found.credit_hold.id.upper() == "ON",
            is_active=not found.is_inactive,
            people=await self._people(people, at=internal_id(ref)),
        )

    async def find(self, request: UpdateCustomer | UpdateContact) -> Effect | None:
        """Evidence that the record says it already."""
        if isinstance(request, UpdateContact):
            person = await self._person(request)
            return _unchanged(request.contact) if _says(person, request) else None
        found = await self._there(request.customer)
        return _unchanged(request.customer) if not self._differing(found, request) else None

    async def apply(self, request: UpdateCustomer | UpdateContact) -> Effect:
        """Patch what differs. Raises Stale when one of those fields is no more as the plan saw it."""
        if isinstance(request, UpdateContact):
            return await self._apply_person(request)
        found, ref = await self._there(request.customer), request.customer
        differing = self._differing(found, request)
        for field in sorted(differing):
            before = request.expected.get(field)
            if before is not None and before.casefold() != differing[field].casefold():
                raise Stale(
                    f"Customer {_name(ref)} in NetSuite has another {field} than when the plan was made; a new plan is "
                    "made.",
                    record=_name(ref),
                    field=field,
                )
        if not differing:
            return _unchanged(ref)
        body, replace = self._body(request, differing)
        await self._client.patch_record("customer", internal_id(ref), body, record=_name(ref), replace=replace)
        return Effect(ref=ref, created=False)

    def _differing(self, found: _Customer, request: UpdateCustomer) -> dict[str, str]:
        """Fields that are to change, each with what is there now."""
        tax = found.tax.items[0].number if found.tax.items else ""
        registration = found.own(self._config.custom.customer_registration_number)
        wanted = (
            ("name", request.name, found.name, request.name == found.name),
            ("invoice-email", request.invoice_email, found.email, _alike(request.invoice_email, found.email)),
            ("tax-number", request.tax_number, tax, is_same_number(request.tax_number or "", tax)),
            ("registration-number", request.registration_number, registration,
             request.registration_number == registration),
        )  # fmt: skip
        differing = {field: now for field, value, now, same in wanted if value is not None and not same}
        if request.address is not None and request.address.one_line != to_address(found).one_line:
            differing["address"] = to_address(found).one_line
        return differing

    def _body(self, request: UpdateCustomer, differing: dict[str, str]) -> tuple[Body, tuple[str, ...]]:
        values: dict[str, tuple[str, Any]] = {
            "name": ("companyName", request.name),
            "invoice-email": ("email", request.invoice_email),
            "registration-number": (self._config.custom.customer_registration_number, request.registration_number),
        }
        body: Body = {name: value for field, (name, value) in values.items() if field in differing and name}
        replace: list[str] = []
        if "tax-number" in differing:
            if not request.tax_country:
                raise NeedsRepair(
                    f"The tax number of customer {_name(request.customer)} has no country. Enter the country of the "
                    "address on the CRM account, then press Retry.",
                    code="TL-CUS-014", record=_name(request.customer), field="tax country", owner=Role.SALES_OPERATIONS,
                )  # fmt: skip
            entry = {"nexusCountry": {"id": request.tax_country}, "taxRegistrationNumber": request.tax_number}
            body["taxRegistration"] = {"items": [entry]}
            replace.append("taxRegistration")
        if "address" in differing and request.address is not None:
            body["addressBook"] = to_address_book(request.address, request.name or "")
            replace.append("addressBook")
        return body, tuple(replace)

    async def _apply_person(self, request: UpdateContact) -> Effect:
        person = await self._person(request)
        if _says(person, request):
            return _unchanged(request.contact)
        wanted = request.person
        body: Body = {"isInactive": not request.is_active}
        if request.is_active:
            body |= {"firstName": wanted.first_name, "lastName": wanted.last_name, "email": wanted.email or None,
                     "phone": wanted.phone or None, "title": wanted.title or None}  # fmt: skip
        who = f"contact {request.contact.record_id}"
        await self._client.patch_record("contact", internal_id(request.contact), body, record=who)
        return Effect(ref=request.contact, created=False)

    async def _person(self, request: UpdateContact) -> PersonState:
        known = KnownPerson(code=request.person.code, ref=request.contact)
        found = await self._people((known,))
        if not found:
            raise NeedsRepair(
                f"Contact {request.contact.record_id} is not there any more in NetSuite. Take the person off the CRM's "
                "account, or restore the contact, then press Retry.",
                record=request.contact.record_id,
                owner=Role.MASTER_DATA,
            )
        return found[0]

    async def _people(self, people: Sequence[KnownPerson], *, at: str = "") -> tuple[PersonState, ...]:
        """Those people; `at` leaves out who is another customer's, such as somebody who changed sides in the CRM."""
        found: list[PersonState] = []
        for start in range(0, len(people), _PEOPLE_AT_ONCE):
            part = people[start : start + _PEOPLE_AT_ONCE]
            marks = ", ".join("?" for _ in part)
            query = Query(
                "SELECT TO_CHAR(p.id) AS id, p.firstname AS first_name, p.lastname AS last_name, p.email AS email,"
                f" p.phone AS phone, p.title AS title, p.isinactive AS inactive,"
                f" TO_CHAR(p.company) AS company FROM contact p WHERE p.id IN ({marks})",
                tuple(internal_id(one.ref) for one in part),
            )
            page = await self._client.query(query, record="people of a customer", needs=("id",))
            rows = {str(row["id"]): row for row in page.items if not at or row.get("company") == at}
            found += [_state(one, rows[one.ref.record_id]) for one in part if one.ref.record_id in rows]
        return tuple(found)

    async def _there(self, ref: RecordRef) -> _Customer:
        found = await self._record(ref)
        if found is None:
            raise NeedsRepair(
                f"Customer {_name(ref)} is not there any more in NetSuite. Clear the ERP customer id on the CRM's "
                "account, then press Retry.",
                code="TL-CUS-003",
                record=_name(ref),
                owner=Role.MASTER_DATA,
            )
        return found

    async def _record(self, ref: RecordRef) -> _Customer | None:
        return await self._client.get_record("customer", internal_id(ref), _Customer, record=f"customer {_name(ref)}")


def _state(known: KnownPerson, row: dict[str, str]) -> PersonState:
    names = ("first_name", "last_name", "email", "phone", "title")
    return PersonState(
        code=known.code,
        ref=known.ref,
        is_active=row.get("inactive") != "T",
        **{name: row.get(name, "") for name in names},
    )


def _says(person: PersonState, request: UpdateContact) -> bool:
    if not request.is_active:
        return not person.is_active
    return person.is_active and person.says(request.person)


def _alike(one: str | None, other: str) -> bool:
    return (one or "").casefold() == other.casefold()


def _name(ref: RecordRef) -> str:
    return ref.number or ref.record_id


def _unchanged(ref: RecordRef) -> Effect:
    return Effect(ref=ref, created=False, changed=False)
