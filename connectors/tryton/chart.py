from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from connectors.tryton.schemas import (
    AnalyticRow,
    CompanyRow,
    CountryRow,
    CurrencyRow,
    FieldRow,
    Named,
    ProductRow,
    TermsRow,
)
from models.errors import Fatal, NeedsRepair
from models.ids import LegalEntityCode
from models.roles import Role
from models.survey import Chart, ChartEntity

__all__ = ["Item", "ReferenceBook", "ReferenceData", "read_reference_data"]

_WHAT = "its reference data"


@dataclass(frozen=True)
class Item:
    """A product as a contract line needs it: the ERP fills in neither unit nor taxes by itself. Sheet 2.0."""

    product: int
    unit: int
    taxes: tuple[int, ...]


@dataclass(frozen=True)
class ReferenceData:
    """Reference data of one database at one moment."""

    companies: dict[str, CompanyRow]
    currencies: dict[str, CurrencyRow]
    countries: dict[str, int]
    terms: dict[str, int]
    items: dict[str, Item]
    cost_centres: dict[tuple[str, str], AnalyticRow]
    """By legal entity and code."""
    roots: dict[str, int]
    """Analytic root of each legal entity."""
    contact_relation: int | None

    when_lacking: Callable[[], None] = field(default=lambda: None, compare=False)
    """Told of each look-up in vain: whoever repairs it has added what was missing, so it must be read again."""

    def chart(self) -> Chart:
        """What plans are checked against. An entity without a code of ours is none of ours."""
        entities = [
            ChartEntity(
                code=LegalEntityCode(code),
                record_id=str(company.id),
                name=company.party.name,
                functional_currency=company.currency.code,
                country=next((one.country.code for one in company.party.addresses if one.country), ""),
            )
            for code, company in sorted(self.companies.items())
        ]
        return Chart(
            entities=tuple(entities),
            currencies={code: row.digits for code, row in sorted(self.currencies.items())},
            terms=tuple(sorted(self.terms)),
            cost_centres=tuple(sorted({code for _, code in self.cost_centres})),
            items=tuple(sorted(self.items)),
        )

    def company(self, code: str) -> CompanyRow:
        """Of one of our legal entities."""
        if (found := self.companies.get(code)) is None:
            raise self._missing(
                f"Tryton has no company whose party has the code {code}", "legal entity", Role.FINANCE_OPERATIONS, code
            )
        return found

    def currency(self, code: str) -> int:
        """Of a currency, by ISO code."""
        if (found := self.currencies.get(code)) is None:
            raise self._missing(
                f"Tryton has no active currency {code}", "currency", Role.FINANCE_OPERATIONS, code, "TL-CON-006"
            )
        return found.id

    def terms_id(self, code: str) -> int:
        """Of payment terms, by our code."""
        if (found := self.terms.get(code)) is None:
            raise self._missing(
                f"Tryton has no active payment terms under the name that the settings give for {code}",
                "payment terms", Role.CREDIT_CONTROL, code, "TL-CON-007",
            )  # fmt: skip
        return found

    def terms_code(self, record_id: int) -> str:
        """Our code of payment terms; empty when the settings name none."""
        return next((code for code, found in self.terms.items() if found == record_id), "")

    def item(self, code: str) -> Item:
        """Of a product, by its code."""
        if (found := self.items.get(code)) is None:
            raise self._missing(
                f"Tryton has no active product with the code {code}", "item", Role.FINANCE_OPERATIONS, code,
                "TL-CON-008",
            )  # fmt: skip
        return found

    def cost_centre(self, entity: str, code: str) -> AnalyticRow:
        """Of a cost centre of a legal entity."""
        if (found := self.cost_centres.get((entity, code))) is None:
            raise self._missing(
                f"Tryton has no active analytic account {code} of {entity}", "cost centre", Role.FINANCE_OPERATIONS,
                code,
            )  # fmt: skip
        return found

    def root(self, entity: str) -> int:
        """The analytic root under which cost centres of a legal entity stand."""
        if (found := self.roots.get(entity)) is None:
            raise self._missing(f"Tryton has no analytic root for the cost centres of {entity}", "cost centre root",
                                Role.FINANCE_OPERATIONS, entity)  # fmt: skip
        return found

    def country(self, code: str) -> int:
        """Of a country, by ISO code."""
        if (found := self.countries.get(code)) is None:
            raise self._missing(f"Tryton has no country {code}", "country", Role.MASTER_DATA, code)
        return found

    def _missing(self, what: str, field_name: str, owner: Role, record: str, code: str | None = None) -> NeedsRepair:
        self.when_lacking()
        return NeedsRepair(
            f"{what}. Add it there, or correct the code in the rules, then press Retry.",
            code=code, record=record, field=field_name, owner=owner,
        )  # fmt: skip


class ReferenceBook:
    """Reference data kept for some minutes; one caller at a time reads it anew."""

    def __init__(
        self,
        load: Callable[[], Awaitable[ReferenceData]],
        ttl_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[float, ReferenceData] | None = None

    async def current(self) -> ReferenceData:
        """Reference data, at most the set time old."""
        async with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= self._ttl_s:
                self._kept = (self._clock(), replace(await self._load(), when_lacking=self.forget))
            return self._kept[1]

    def forget(self) -> None:
        """What was read is out of date."""
        self._kept = None


async def read_reference_data(client: TrytonClient, config: TrytonConfig) -> ReferenceData:
    """All reference data, as it is now. Raises Fatal when the module's presence is not as the settings say."""
    party = ("party.name", "party.code", "party.addresses.country.code", "currency.code")
    product = ("code", "template.default_uom.id", "template.account_category.customer_taxes.id")
    analytic = ("code", "name", "type", "company.id", "root.id")
    companies, currencies, countries, terms = await asyncio.gather(
        client.search("company.company", CompanyRow, [], fields=party, record=_WHAT),
        client.search("currency.currency", CurrencyRow, [], fields=("code", "digits"), record=_WHAT),
        client.search("country.country", CountryRow, [], fields=("code",), record=_WHAT),
        client.search("account.invoice.payment_term", TermsRow, [], fields=("name",), record=_WHAT),
    )
    products, centres, relations, fields = await asyncio.gather(
        client.search("product.product", ProductRow, [["code", "!=", None]], fields=product, record=_WHAT, most=5000),
        client.search("analytic_account.account", AnalyticRow, [], fields=analytic, record=_WHAT, most=5000),
        client.search(
            "party.relation.type", Named, [["name", "=", config.contact_relation]], fields=("name",), record=_WHAT
        ),
        client.search("ir.model.field", FieldRow, [["name", "=", "external_id"]], fields=("model",), record=_WHAT),
    )
    _check_module({row.model for row in fields}, config)
    by_code = {row.party.code: row for row in companies if row.party.code}
    entity_of = {row.id: code for code, row in by_code.items()}
    named = {row.name: row.id for row in terms}
    owned = [(entity_of.get(row.company.id, ""), row) for row in centres if row.company is not None]
    return ReferenceData(
        companies=by_code,
        currencies={row.code: row for row in currencies},
        countries={row.code: row.id for row in countries},
        terms={code: named[name] for code, name in config.payment_terms.items() if name in named},
        items={row.code: _item(row) for row in products},
        cost_centres={(entity, row.code): row for entity, row in owned if row.type == "normal" and row.code},
        roots={
            entity: row.id for entity, row in owned if row.type == "root" and row.code == config.cost_centre_root
        },
        contact_relation=relations[0].id if relations else None,
    )


def _item(row: ProductRow) -> Item:
    category = row.template.account_category
    taxes = tuple(tax.id for tax in category.customer_taxes) if category else ()
    return Item(product=row.id, unit=row.template.default_uom.id, taxes=taxes)


def _check_module(keyed: set[str], config: TrytonConfig) -> None:
    is_there = {"party.party", "project.work", "sale.sale", "analytic_account.account"} <= keyed
    if config.has_uniqueness_module and not is_there:
        raise Fatal(
            "The connection's settings say that Tryton's database has the module 'tieline', and it has not. Install it "
            "(deploy/tryton), or set has_uniqueness_module to false: then writes are guarded by look-ups only.",
            record="Tryton",
            field="has_uniqueness_module",
        )
