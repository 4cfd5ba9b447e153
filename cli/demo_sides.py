from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import TypeAdapter

from cli.demo_dialects import DemoDialect
from cli.demo_processes import Ready
from models.money import Money
from models.values import SoldValues

__all__ = ["DemoAmendment", "DemoCrm", "DemoErp", "DemoSide"]

_PAGE = 1000
_Rows = TypeAdapter(list[dict[str, Any]])


@dataclass(frozen=True)
class DemoAmendment:
    """One signed amendment as the CRM holds it: differences, not totals."""

    deal: str
    contract: str
    number: str
    values: SoldValues

    @property
    def key(self) -> tuple[str, str]:
        """A number is the contract's own."""
        return self.contract, self.number


class DemoSide:
    """One simulator as the demo's people use it: through its control routes, never through Tieline."""

    def __init__(self, ready: Ready) -> None:
        self._http = httpx.AsyncClient(base_url=ready.url, timeout=30.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def mutations(self) -> int:
        """How many changes by programs (not by people in the vendor's own screens) its journal holds."""
        count, since = 0, 0
        while True:
            answer = await self._http.get("/_sandbox/journal", params={"since": since, "limit": _PAGE})
            entries = _Rows.validate_python(answer.raise_for_status().json()["entries"])
            if not entries:
                return count
            count += sum(1 for entry in entries if entry["client"] != "ui")
            since = int(entries[-1]["seq"])

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        """All records by kind, as its own screens would show them."""
        answer = (await self._http.get("/_sandbox/state")).raise_for_status()
        found = answer.json()
        return TypeAdapter(dict[str, list[dict[str, Any]]]).validate_python(found.get("records", found))

    async def save(self, *records: dict[str, Any]) -> list[str]:
        """What a person enters in its screens; the ids of the records."""
        answer = await self._http.post("/_sandbox/records", json={"records": list(records)})
        return TypeAdapter(list[str]).validate_python(answer.raise_for_status().json()["ids"])

    @staticmethod
    async def answers(url: str) -> bool:
        """Whether that address answers with 200."""
        try:
            async with httpx.AsyncClient(timeout=2.0) as http:
                return (await http.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


class DemoErp(DemoSide):
    """A simulated ERP."""

    async def subscribe(self, url: str, environment: dict[str, str]) -> None:
        """Have the script in the account ring at Tieline after each save."""
        secret = json.loads(environment["TIELINE_ERP__EVENT_SECRETS"])[0]
        answer = await self._http.post("/_sandbox/subscriptions", json={"url": url, "secret": secret})
        answer.raise_for_status()

    async def contract_values(self) -> dict[str, Decimal]:
        """What each contract is worth there, by contract number."""
        answer = (await self._http.get("/_sandbox/state")).raise_for_status()
        orders = _Rows.validate_python(json.loads(answer.text, parse_float=str).get("salesOrder", []))
        return {str(row.get("custbody_tl_contract_number")): Decimal(str(row["subtotal"])) for row in orders}


class DemoCrm(DemoSide):
    """The simulated CRM, and the salesperson who wins its deals."""

    def __init__(self, ready: Ready, dialect: DemoDialect, *, part: int = 0, of: int = 1) -> None:
        super().__init__(ready)
        self._dialect = dialect
        self._part = part
        self._of = of

    async def subscribe(self, url: str, environment: dict[str, str]) -> None:
        """Have it send its signed events to Tieline; the demo's accounts sign with one secret."""
        secret = json.loads(environment["TIELINE_CRM__EVENT_SECRETS"])[0]
        answer = await self._http.post("/_sandbox/subscriptions", json={"url": url, "secret": secret})
        answer.raise_for_status()

    async def win_all(self) -> list[str]:
        """Close every open deal as won, which rings; deals that are won already ring again."""
        deals = await self._deals()
        said = self._dialect
        records = [
            {"type": said.deals, "id": deal[said.deal_id], **said.winning(deal)}
            for deal in deals
            if not said.is_won(deal)
        ]
        if records:
            (await self._http.post("/_sandbox/records", json={"records": records})).raise_for_status()
        again = [deal[said.deal_id] for deal in deals if said.is_won(deal)]
        if again:
            (await self._http.post("/_sandbox/emit", json={"ids": again})).raise_for_status()
        return [str(deal[said.deal_id]) for deal in deals]

    async def sign_modifications(self) -> list[DemoAmendment]:
        """Sign the later actions on the contracts, which rings; those that are signed already ring again."""
        if not self._dialect.tells_amendments:
            return []
        signed = await self._deals(amendments=True)
        if signed:
            ids = [deal[self._dialect.deal_id] for deal in signed]
            (await self._http.post("/_sandbox/emit", json={"ids": ids})).raise_for_status()
        else:
            ready = (await self._http.get("/_sandbox/modifications")).raise_for_status()
            (await self._http.post("/_sandbox/records", content=ready.content)).raise_for_status()
            signed = await self._deals(amendments=True)
        said = self._dialect
        return [
            DemoAmendment(
                str(deal[said.deal_id]), str(deal[said.contract]), str(deal[said.amendment]), self._values(deal)
            )
            for deal in signed
        ]

    async def sold_values(self) -> dict[str, SoldValues]:
        """What the CRM itself says was sold here, by contract number."""
        said = self._dialect
        return {str(deal[said.contract]): self._values(deal) for deal in await self._deals()}

    async def signers(self) -> dict[str, str]:
        """Which of our companies signed, by contract number, as the paper spells it."""
        said = self._dialect
        return {str(deal[said.contract]): str(deal[said.signer]) for deal in await self._deals()}

    async def awards(self) -> frozenset[str]:
        """Contracts that are new awards in the real file; the others were opened for its later modifications."""
        return frozenset(
            str(deal[self._dialect.contract])
            for deal in await self._deals()
            if "Real fields of the award" in str(deal.get("Description") or deal.get("description"))
        )

    async def _deals(self, *, amendments: bool = False) -> list[dict[str, Any]]:
        """The deals that sell a contract, or those that amend one."""
        answer = (await self._http.get("/_sandbox/state")).raise_for_status()
        state = json.loads(answer.text, parse_float=str)
        deals = _Rows.validate_python(state.get("records", state)[self._dialect.deals])
        return [
            deal
            for deal in deals
            if bool(deal.get(self._dialect.amendment)) is amendments and self._sells(str(deal[self._dialect.contract]))
        ]

    def _sells(self, contract: str) -> bool:
        """With several CRMs each contract is sold in one of them, in every run in the same."""
        return zlib.crc32(contract.encode()) % self._of == self._part

    def _values(self, deal: dict[str, Any]) -> SoldValues:
        said = self._dialect
        return SoldValues(
            funded=self._money(deal, said.funded),
            exercised=self._money(deal, said.exercised),
            with_options=self._money(deal, said.with_options),
        )

    def _money(self, deal: dict[str, Any], field: str) -> Money | None:
        value = deal.get(field)
        return None if value in {None, ""} else Money.of(str(value), str(deal[self._dialect.currency]))
