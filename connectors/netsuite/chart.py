from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.errors import NeedsRepair
from models.ids import LegalEntityCode
from models.roles import Role
from models.survey import Chart, ChartEntity

__all__ = ["ReferenceBook", "ReferenceData", "UnknownReference"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Missing:
    """How a missing reference is told, and to whom."""

    sentence: str
    field: str
    owner: Role
    code: str | None = None


_MISSING = {
    "entity": _Missing(
        "NetSuite has no active subsidiary with external id {code}. Set that external id on the subsidiary, or "
        "correct the legal entity's code in the rules, then press Retry.",
        "legal entity",
        Role.FINANCE_OPERATIONS,
    ),
    "currency": _Missing(
        "Currency {code} is not active in NetSuite. Activate it there, then press Retry.",
        "currency",
        Role.FINANCE_OPERATIONS,
        "TL-CON-006",
    ),
    "terms": _Missing(
        "NetSuite has no active payment terms with external id {code}. Create them or correct the code in the "
        "rules, then press Retry.",
        "payment terms",
        Role.CREDIT_CONTROL,
        "TL-CON-007",
    ),
    "cost-centre": _Missing(
        "NetSuite has no active department with external id {prefix}{code}. Create it or correct the cost centre in "
        "the rules, then press Retry.",
        "cost centre",
        Role.FINANCE_OPERATIONS,
    ),
    "item": _Missing(
        "NetSuite has no active service item with external id {code}. Create it or correct the item in the rules, then "
        "press Retry.",
        "item",
        Role.FINANCE_OPERATIONS,
        "TL-CON-008",
    ),
}


@dataclass(frozen=True)
class ReferenceData:
    """The account's reference data at one moment: codes to internal ids and back."""

    rows: tuple[Row, ...]
    cost_centre_prefix: str
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    codes: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row], cost_centre_prefix: str) -> ReferenceData:
        """Index rows of the chart query; inactive ones cannot be referred to, but still have a name."""
        data = cls(rows=tuple(rows), cost_centre_prefix=cost_centre_prefix)
        # External ids first: a name that happens to equal another record's external id must not hide it.
        for by_name in (False, True):
            for row in data.rows:
                kind, record_id = str(row.get("kind", "")), str(row.get("id", ""))
                code = data.code_of(row)
                if by_name == bool(row.get("code")) or not code:
                    continue
                data.codes.setdefault((kind, record_id), code)
                if data.is_active(row):
                    data.ids.setdefault((kind, code), record_id)
        return data

    def code_of(self, row: Row) -> str:
        """Our code of a row: its external id without our prefix, else its name."""
        code = str(row.get("code") or row.get("name") or "")
        return code.removeprefix(self.cost_centre_prefix) if row.get("kind") == "cost-centre" else code

    @staticmethod
    def is_active(row: Row) -> bool:
        """Whether new records may refer to it."""
        return row.get("inactive") != "T"

    def chart(self) -> Chart:
        """What plans are checked against."""
        active = [row for row in self.rows if self.is_active(row)]

        def codes(kind: str) -> tuple[str, ...]:
            return tuple(sorted({self.code_of(row) for row in active if row.get("kind") == kind} - {""}))

        entities = [
            ChartEntity(
                code=LegalEntityCode(self.code_of(row)),
                record_id=str(row["id"]),
                name=str(row.get("name", "")),
                functional_currency=self.currency_code(str(row.get("extra", ""))),
                country=str(row.get("country", "")),
            )
            for row in active
            if row.get("kind") == "entity"
        ]
        # A currency whose decimals the account does not tell is left out: plans then stop with TL-CON-006.
        currencies = {
            self.code_of(row): int(row["extra"])
            for row in active
            if row.get("kind") == "currency" and str(row.get("extra", "")).isdecimal()
        }
        return Chart(
            entities=tuple(entities),
            currencies=currencies,
            terms=codes("terms"),
            cost_centres=codes("cost-centre"),
            items=codes("item"),
        )

    def currency_code(self, record_id: str) -> str:
        """ISO code of a currency; empty when the account does not show it."""
        return self.codes.get(("currency", record_id), "")

    def entity_code(self, record_id: str) -> LegalEntityCode:
        """Code of a legal entity; empty when the account does not show it."""
        return LegalEntityCode(self.codes.get(("entity", record_id), ""))

    def terms_code(self, record_id: str) -> str:
        """Code of payment terms; empty when the account does not show them."""
        return self.codes.get(("terms", record_id), "")

    def entity(self, code: str) -> str:
        """Internal id of one of our legal entities."""
        return self._id("entity", code)

    def currency(self, code: str) -> str:
        """Internal id of a currency."""
        return self._id("currency", code)

    def terms(self, code: str) -> str:
        """Internal id of payment terms."""
        return self._id("terms", code)

    def cost_centre(self, code: str) -> str:
        """Internal id of a cost centre."""
        return self._id("cost-centre", code)

    def item(self, code: str) -> str:
        """Internal id of a service item."""
        return self._id("item", code)

    def _id(self, kind: str, code: str) -> str:
        if found := self.ids.get((kind, code)):
            return found
        missing = _MISSING[kind]
        raise UnknownReference(
            missing.sentence.format(code=code or "(none)", prefix=self.cost_centre_prefix),
            code=missing.code,
            record=code,
            field=missing.field,
            owner=missing.owner,
        )


class UnknownReference(NeedsRepair):
    """A plan refers to reference data that the account does not have (any more)."""


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
        self._data: ReferenceData | None = None
        self._read_at = 0.0

    async def current(self) -> ReferenceData:
        """Reference data, at most the set time old."""
        if (data := self._kept(self._ttl_s)) is not None:
            return data
        async with self._lock:
            return self._kept(self._ttl_s) or await self._read()

    async def newer_than(self, data: ReferenceData) -> ReferenceData:
        """Data read after `data`: somebody may just have added what was missing in it."""
        async with self._lock:
            return self._data if self._data is not None and self._data is not data else await self._read()

    def forget(self) -> None:
        """What was read is out of date: we have just added to it."""
        self._data = None

    def _kept(self, age_s: float) -> ReferenceData | None:
        return self._data if self._data is not None and self._clock() - self._read_at < age_s else None

    async def _read(self) -> ReferenceData:
        read_at = self._clock()
        self._data = await self._load()
        self._read_at = read_at
        return self._data
