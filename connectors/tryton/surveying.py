"""Reading the database for planning and for the check after the writes."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from typing import Any

from connectors.tryton import notes
from connectors.tryton.chart import ReferenceData
from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from connectors.tryton.holders import ANY_STATE, clause_of, inactive, key_of, ref_of
from connectors.tryton.mapping import internal_id, numbered
from connectors.tryton.notes import read_note
from connectors.tryton.schemas import PartyRow, SaleRow, WorkRow
from models.errors import NeedsRepair
from models.ids import ExternalKey, LegalEntityCode
from models.money import Money
from models.party import Address
from models.records import BilledRow, ReadBack, RecordKind, RecordRef
from models.roles import Role
from models.survey import CustomerCandidate, ExistingRecord, Survey, SurveyQuestion

__all__ = ["Surveying"]

_MOST_CANDIDATES = 500
_PARTY = (
    "name", "code", "active", "replaced_by.code", "identifiers.type", "identifiers.code", "addresses.street",
    "addresses.city", "addresses.postal_code", "addresses.country.code", "addresses.subdivision.name",
    "relations.to.id", "relations.type.name",
)  # fmt: skip
_WORK = ("number", "type", "comment", "timesheet_start_date", "company.party.code", "company.currency.code")
_SALE = (
    "number", "state", "reference", "comment", "sale_date", "untaxed_amount", "currency.code", "payment_term.name",
    "company.party.code", "company.currency.code",
)  # fmt: skip


class Surveying:
    """Three searches at once: parties, projects with schedules, contracts."""

    def __init__(self, client: TrytonClient, config: TrytonConfig) -> None:
        self._client = client
        self._config = config

    async def survey(self, question: SurveyQuestion, data: ReferenceData) -> Survey:
        """Candidates for the customer and records under our keys."""
        keys = [str(key) for key in question.keys]
        works, sales = (clause_of(kind, keys, self._config) for kind in (RecordKind.PROJECT, RecordKind.CONTRACT))
        numbers: list[Any] = ["OR", sales, ["reference", "=", question.contract_number]]
        parties, found_works, found_sales = await asyncio.gather(
            self._client.search(
                "party.party", PartyRow, _candidates(question, self._config),
                fields=self._with_key(_PARTY), record="the customer search", most=_MOST_CANDIDATES,
            ),
            self._client.search("project.work", WorkRow, [works], fields=self._with_key(_WORK), record="our projects"),
            self._client.search("sale.sale", SaleRow, [numbers], fields=self._with_key(_SALE), record="our contracts"),
        )  # fmt: skip
        entities = tuple(LegalEntityCode(code) for code in sorted(data.companies))
        candidates = [self._candidate(row, question, entities) for row in parties if not self._is_person(row)]
        existing = [self._work(row) for row in found_works if key_of(row, self._config) in keys]
        existing += [self._sale(row, keys, question, data) for row in found_sales if self._counts(row, keys)]
        return Survey(candidates=tuple(candidates), existing=tuple(existing))

    async def read_back(self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...]) -> ReadBack:
        """Lines of the contract and tasks of its schedules: two searches at once."""
        name = f"contract {contract.number or contract.record_id}"
        parents, root = [internal_id(one) for one in schedules], internal_id(project)
        sales, tasks = await asyncio.gather(
            self._client.search(
                "sale.sale", SaleRow, [["id", "=", internal_id(contract)]],
                fields=("number", "comment", "party.code", "currency.code", "lines.amount", "lines.note"), record=name,
            ),
            self._client.search(
                "project.work", WorkRow, ["OR", ["parent", "in", parents], ["id", "=", root]],
                fields=("number", "list_price", "comment", "company.currency.code"), record=name, most=2000,
            ),
        )  # fmt: skip
        if not sales:
            raise NeedsRepair(
                f"Tryton has no {name} any more. Look who deleted it there, then press Retry.",
                record=name, owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        currency = sales[0].currency.code if sales[0].currency else ""
        lines = [
            BilledRow(
                source="line",
                code=read_note(line.note).get(notes.CODE, ""),
                amount=Money.of(line.amount or 0, currency),
            )
            for line in sales[0].lines
        ]
        return ReadBack(
            rows=(*lines, *(_billed_task(task, name) for task in tasks if task.id != root)),
            customer_number=sales[0].party.code if sales[0].party else "",
            project_number=next((task.number for task in tasks if task.id == root), ""),
            contract_number=sales[0].number,
            billing_hold=read_note(sales[0].comment).get(notes.HOLD, ""),
        )

    def _with_key(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        return (*fields, "external_id") if self._config.has_uniqueness_module else fields

    def _is_person(self, row: PartyRow) -> bool:
        return any(one.type is not None and one.type.name == self._config.contact_relation for one in row.relations)

    def _candidate(
        self, row: PartyRow, question: SurveyQuestion, entities: tuple[LegalEntityCode, ...]
    ) -> CustomerCandidate:
        kept = {kind: rest for one in row.identifiers if not one.type for kind, _, rest in [one.code.partition(" ")]}
        taxes = [one.code for one in row.identifiers if one.type]
        asked = {_bare(number) for number in question.tax_numbers}
        key = row.external_id if self._config.has_uniqueness_module else row.code
        return CustomerCandidate(
            ref=ref_of(self._config, RecordKind.CUSTOMER, row.id, row.code),
            external_key=key if self._config.has_uniqueness_module or key == question.customer_key else "",
            account_id=kept.get("CRM", ""),
            name=row.name,
            address=_address(row),
            tax_number=next((one for one in taxes if _bare(one) in asked), taxes[0] if taxes else ""),
            registration_number=kept.get("REG", ""),
            duns=kept.get("DUNS", ""),
            lei=kept.get("LEI", ""),
            is_active=row.active,
            merged_into=row.replaced_by.code if row.replaced_by else "",
            # Parties belong to the whole database: every company may sell to them.
            legal_entities=entities,
        )

    def _work(self, row: WorkRow) -> ExistingRecord:
        is_project = row.type == "project"
        kind = RecordKind.PROJECT if is_project else RecordKind.BILLING_SCHEDULE
        facts = read_note(row.comment)
        fields: dict[str, str] = {}
        if is_project:
            fields = {
                "legal_entity": row.company.party.code if row.company else "",
                "contract_number": facts.get(notes.CONTRACT, ""),
                "start_on": facts.get("Starts on", ""),
                "end_on": facts.get(notes.ENDS, ""),
                "price": facts.get("Price", "").partition(" ")[0],
                "cap": facts.get(notes.CAP, "").partition(" ")[0],
            }
        return ExistingRecord(
            ref=ref_of(self._config, kind, row.id, row.number),
            key=ExternalKey(key_of(row, self._config)),
            contract_number=facts.get(notes.CONTRACT, ""),
            fields={name: value for name, value in fields.items() if value},
        )

    def _counts(self, row: SaleRow, keys: list[str]) -> bool:
        return key_of(row, self._config) in keys or row.state != "cancelled"

    def _sale(self, row: SaleRow, keys: list[str], question: SurveyQuestion, data: ReferenceData) -> ExistingRecord:
        ref = ref_of(self._config, RecordKind.CONTRACT, row.id, row.number)
        key = key_of(row, self._config)
        if key not in keys:
            raise NeedsRepair(
                f"Sale {row.number or row.id} in Tryton carries contract number {question.contract_number} as its "
                "reference, but not our key. Cancel it or clear its reference, then press Retry.",
                code="TL-CUS-004", record=row.number or str(row.id), field="reference", owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        if row.state == "cancelled":
            raise inactive(ref, key)
        facts = read_note(row.comment)
        fields = {
            "amount": str(row.untaxed_amount) if row.untaxed_amount is not None else "",
            "currency": row.currency.code if row.currency else "",
            "legal_entity": row.company.party.code if row.company else "",
            "contract_number": row.reference,
            "signed_on": row.sale_date.isoformat() if row.sale_date else "",
            "start_on": facts.get("Starts on", ""),
            "end_on": facts.get(notes.ENDS, ""),
            "payment_terms_code": data.terms_code(row.payment_term.id) if row.payment_term else "",
            "funded": facts.get(notes.FUNDED, "").partition(" ")[0],
            "cap": facts.get(notes.CAP, "").partition(" ")[0],
            "with_options": facts.get(notes.WITH_OPTIONS, "").partition(" ")[0],
        }
        return ExistingRecord(
            ref=ref, key=ExternalKey(key), contract_number=row.reference,
            fields={name: value for name, value in fields.items() if value},
        )  # fmt: skip


def _candidates(question: SurveyQuestion, config: TrytonConfig) -> list[Any]:
    """Whoever shares a number or the telling start of a name; the rules decide who it is."""
    numbers = [
        numbered(kind, number)
        for kind, number in (
            ("CRM", question.account_id), ("REG", question.registration_number), ("DUNS", question.duns),
            ("LEI", question.lei),
        )
        if number
    ]  # fmt: skip
    taxes = [form for number in question.tax_numbers for form in (_bare(number), _bare(number)[2:]) if form]
    clauses: list[Any] = [clause_of(RecordKind.CUSTOMER, [question.customer_key], config)]
    if question.erp_customer_id.isascii() and question.erp_customer_id.isdigit():
        clauses.append(["id", "=", int(question.erp_customer_id)])
    if numbers or taxes:
        clauses.append(["identifiers.code_compact", "in", [*numbers, *taxes]])
    clauses += [["name", "ilike", f"%{word}%"] for word in _telling_words(question.names)]
    # The ERP looks for the active field in each branch of an OR, not beside it.
    return ["OR", *([clause, ANY_STATE] for clause in clauses)]


def _telling_words(names: tuple[str, ...]) -> tuple[str, ...]:
    """The first word of each name that tells something, with and without accents."""
    found: list[str] = []
    for name in names:
        words = re.findall(r"[^\W_]+(?:['.-][^\W_]+)*", name)
        telling = next((word for word in words if len(word) > 3 and word.lower() not in _COMMON), words[0] if words else "")  # noqa: E501, PLR2004 - short words find everybody
        bare = "".join(one for one in unicodedata.normalize("NFKD", telling) if not unicodedata.combining(one))
        found += [word for word in (telling, bare) if word]
    return tuple(dict.fromkeys(found))


_COMMON = frozenset({"american", "bank", "central", "city", "department", "european", "federal", "first", "general",
                     "global", "group", "international", "ministry", "national", "north", "south", "state", "united",
                     "university"})  # fmt: skip


def _bare(number: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", number.upper())


def _address(row: PartyRow) -> Address:
    if not row.addresses:
        return Address()
    first = row.addresses[0]
    return Address(
        street=first.street, city=first.city, postal_code=first.postal_code,
        region=first.subdivision.name if first.subdivision else "", country=first.country.code if first.country else "",
    )  # fmt: skip


def _billed_task(task: WorkRow, name: str) -> BilledRow:
    facts = read_note(task.comment)
    currency = task.company.currency.code if task.company else ""
    try:
        return BilledRow.model_validate(
            {
                "source": "milestone",
                "code": facts.get(notes.CODE, ""),
                "amount": Money.of(task.list_price or 0, currency),
                "due_on": facts.get(notes.DUE) or None,
            }
        )
    except ValueError as unreadable:
        raise NeedsRepair(
            f"The due date in the comment of a milestone of {name} in Tryton cannot be read. Write it as "
            f"'{notes.DUE}: 2027-04-30', then press Retry.",
            record=name, field="comment", owner=Role.BILLING,
        ) from unreadable  # fmt: skip


