from __future__ import annotations

import asyncio
import time
from collections import Counter

from temporalio.client import Client

from cli.demo_figures import Totals, totals_of
from cli.demo_sides import DemoAmendment, DemoCrm, DemoErp
from cli.output import Output
from models.blocker import OpenItem
from models.change_process import changes_of
from models.desk import Stage
from models.errors import TielineError
from models.ids import ContractNumber, EngagementId, FirmId
from models.money import Money
from models.values import SoldValues
from ports.ledger import OperationState
from store import Store

__all__ = ["DemoChanges"]

_PATIENCE_S = 180.0
_MOVING = frozenset({Stage.PLANNING, Stage.APPLYING})
_NO_BASE = "TL-CHG-011"
_WRITTEN_BACK = "write-back:"


class DemoChanges:
    """The second part of the demo: later actions on the contracts are signed, and run as change orders."""

    def __init__(self, output: Output, store: Store, firm: FirmId, client: Client) -> None:
        self._output = output
        self._store = store
        self._firm = firm
        self._client = client

    async def tell(self, crm: DemoCrm, erp: DemoErp) -> bool:
        """Sign, watch, show what became of each. False: the totals do not agree."""
        signed = await crm.sign_modifications()
        if not signed:
            self._output.line("\nThis CRM tells no amendments, so the demo signs none.")
            return True
        contracts = {item.contract for item in signed}
        self._output.line(f"\n{len(signed)} amendments of {len(contracts)} contracts are signed in the CRM.")
        await self._settled(contracts)
        in_force = {item.key for item in signed if await self._is_in_force(item)}
        sold = await crm.sold_values()
        waits = {item.engagement: item for item in await self._store.desk.list_open(self._firm)}
        groups = {"in force": [item for item in signed if item.key in in_force]}
        for item in signed:
            if item.key not in in_force:
                why = self._why(waits.get(self._changes(item.contract)), is_known=item.contract in sold)
                groups.setdefault(why, []).append(item)
        return self._show(signed, groups) and await self._agrees_with_erp(sold, erp, groups["in force"])

    async def _settled(self, contracts: set[str]) -> None:
        """Until the changes of each contract have ended or wait for somebody."""
        deadline = time.monotonic() + _PATIENCE_S
        wanted = {self._changes(contract) for contract in contracts}
        while True:
            rows = {row.engagement: row for row in await self._store.desk.list_engagements(self._firm)}
            moving = {item for item in wanted if item not in rows or rows[item].stage in _MOVING}
            if not moving and not await self._store.inbox.list_waiting(1) and not await self._running():
                return
            if time.monotonic() > deadline:
                raise TielineError(f"The amendments of {len(moving)} contracts did not settle; look at worker.log.")
            await asyncio.sleep(0.2)

    async def _running(self) -> int:
        query = "WorkflowType = 'change-orders' AND ExecutionStatus = 'Running' AND TielineParked = false"
        return (await self._client.count_workflows(query)).count

    async def _is_in_force(self, item: DemoAmendment) -> bool:
        rows = await self._store.ledger.list_operations(self._changes(item.contract))
        step = f"{_WRITTEN_BACK}{item.number}"
        return any(row.step == step and row.state is OperationState.APPLIED for row in rows)

    @staticmethod
    def _why(waits: OpenItem | None, *, is_known: bool) -> str:
        if waits is None:
            return "nothing to do"
        if waits.code == _NO_BASE:
            return (
                "waits for its contract, which waits itself" if is_known else "waits: its contract is not in the file"
            )
        return "waits for a decision" if waits.kind == "decision" else f"waits for a person ({waits.code})"

    def _show(self, signed: list[DemoAmendment], groups: dict[str, list[DemoAmendment]]) -> bool:
        shown = [_row(name, total) for name in groups for total in totals_of(item.values for item in groups[name])]
        kept, together = totals_of(item.values for item in signed), totals_of(
            item.values for rows in groups.values() for item in rows
        )  # fmt: skip
        shown += [_row("together", total) for total in together]
        shown += [_row("signed in the CRM", total) for total in kept]
        counts = Counter({name: len(rows) for name, rows in groups.items()})
        self._output.line(", ".join(f"{count} {name}" for name, count in counts.most_common()) + ".")
        self._output.table(
            "Amendments (differences; those without any amount are not in the sums)",
            ["what", "amendments", "currency", "funded", "sold", "with options"], shown,
        )  # fmt: skip
        return kept == together and counts.total() == len(signed)

    async def _agrees_with_erp(self, sold: dict[str, SoldValues], erp: DemoErp, in_force: list[DemoAmendment]) -> bool:
        """What the ERP's contracts are worth is what was sold at first and since."""
        worth = await erp.contract_values()
        changed: dict[str, list[SoldValues]] = {}
        for item in in_force:
            changed.setdefault(item.contract, [sold[item.contract]]).append(item.values)
        wrong = []
        for contract, values in sorted(changed.items()):
            amounts = [one.exercised for one in values if one.exercised is not None]
            expected = Money.total(amounts, amounts[0].currency)
            if worth.get(contract) != expected.amount:
                wrong.append(f"{contract}: ERP {worth.get(contract)}, sold {expected}")
        said = "; ".join(wrong) or f"{len(changed)} amended contracts are worth in the ERP what was sold, to the cent."
        self._output.line(said)
        return not wrong

    def _changes(self, contract: str) -> EngagementId:
        return changes_of(self._firm, ContractNumber(contract))


def _row(name: str, total: Totals) -> list[str]:
    return [
        name, str(total.contracts), total.currency, f"{total.funded.amount:,}", f"{total.sold.amount:,}",
        f"{total.with_options.amount:,}",
    ]  # fmt: skip
