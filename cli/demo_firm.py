from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cli.demo_books import DemoBooks
from cli.demo_dialects import DemoDialect
from cli.demo_processes import Child, Ready, start_real_erp, start_sandbox
from cli.demo_settings import Account, DemoPorts, accounts_of
from cli.demo_sides import DemoCrm, DemoErp
from cli.demo_tables import DemoTables
from models.errors import TielineError
from models.values import SoldValues

__all__ = ["DemoFirm", "told_of"]


@dataclass
class DemoFirm:
    """The outside systems of the demo's firm: one or two CRMs and one or two ERPs."""

    dialects: tuple[DemoDialect, ...]
    books: tuple[DemoBooks, ...]
    selling: list[Account] = field(default_factory=list)
    booking: list[Account] = field(default_factory=list)
    crms: list[DemoCrm] = field(default_factory=list)
    erps: list[DemoErp | DemoTables] = field(default_factory=list)

    @property
    def patience_s(self) -> float:
        """How long all deals may take to settle."""
        return max(books.patience_s for books in self.books)

    async def start(self, folder: Path, ports: DemoPorts, stack: AsyncExitStack) -> None:
        """Start every system; what was started is stopped with the stack, also when another one fails."""
        crms = [
            start_sandbox(said.system, folder, port=port, settings=said.simulator_settings)
            for said, port in zip(self.dialects, ports.crms, strict=False)
        ]
        erps = [
            start_real_erp(kept.system, kept.module, folder, port=port)
            if kept.is_real
            else start_sandbox(kept.system, folder, port=port)
            for kept, port in zip(self.books, ports.erps, strict=False)
        ]
        started = await asyncio.gather(*crms, *erps, return_exceptions=True)
        running: list[tuple[Child, Ready]] = []
        for item in started:
            if not isinstance(item, BaseException):
                running.append(item)
                stack.push_async_callback(item[0].stop)
        failed = [item for item in started if isinstance(item, BaseException)]
        if failed:
            raise TielineError(f"The demo could not start: {failed[0]}") from failed[0]
        ready = [said for _, said in running]
        self.selling, self.booking = accounts_of(
            list(zip(self.dialects, ready, strict=False)),
            list(zip(self.books, ready[len(self.dialects) :], strict=True)),
        )

    async def look(self, stack: AsyncExitStack) -> None:
        """Open the eyes of the demo's people on each system. What a real ERP is asked counts from here on."""
        of = len(self.dialects)
        for part, (said, account) in enumerate(zip(self.dialects, self.selling, strict=True)):
            self.crms.append(await stack.enter_async_context(DemoCrm(account.ready, said, part=part, of=of)))
        for kept, account in zip(self.books, self.booking, strict=True):
            eye = DemoTables(Path(str(account.ready.client["file"]))) if kept.is_real else DemoErp(account.ready)
            self.erps.append(await stack.enter_async_context(eye))

    async def subscribe(self, base_url: str, environment: dict[str, str]) -> None:
        """Each system that sends events sends them to the address of its own account."""
        for crm, account in zip(self.crms, self.selling, strict=True):
            await crm.subscribe(f"{base_url}/intake/{account.connection}", environment)
        if isinstance(self.erps[0], DemoErp):
            await self.erps[0].subscribe(f"{base_url}/intake/{self.booking[0].connection}", environment)

    async def win_all(self) -> list[str]:
        """Every deal, in whichever CRM it is sold."""
        return [deal for crm in self.crms for deal in await crm.win_all()]

    async def mutations(self) -> tuple[int, int]:
        """Changes that the CRMs and the ERPs have seen."""
        crms = [await crm.mutations() for crm in self.crms]
        return sum(crms), sum([await erp.mutations() for erp in self.erps])

    async def sold_values(self) -> dict[str, SoldValues]:
        """What was sold, by contract."""
        return {number: values for crm in self.crms for number, values in (await crm.sold_values()).items()}

    async def signers(self) -> dict[str, str]:
        """Which of our companies signed, by contract."""
        return {number: name for crm in self.crms for number, name in (await crm.signers()).items()}

    async def awards(self) -> frozenset[str]:
        """Contracts that are new awards in the real file."""
        return frozenset[str]().union(*[await crm.awards() for crm in self.crms])

    def links(self) -> dict[str, str]:
        """Where each system answers."""
        named = [*zip(self.selling, ["simulated"] * len(self.selling), strict=True)]
        named += [
            (account, "real" if kept.is_real else "simulated")
            for account, kept in zip(self.booking, self.books, strict=True)
        ]
        return {f"{how} {account.system}": account.ready.url for account, how in named}


def told_of(dialects: Sequence[DemoDialect], books: Sequence[DemoBooks]) -> str:
    """What is simulated here and what is real."""
    simulated = [said.simulated for said in dialects] + [kept.told for kept in books if not kept.is_real]
    real = [f"{kept.told} (its own server, on this machine)" for kept in books if kept.is_real]
    return f"Simulated: {_listed(simulated)}. Real: {_listed([*real, 'Temporal', 'Tieline'])}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
