"""The customer's PO number, when it comes after the set-up. DOM-2.2."""

from __future__ import annotations

from connectors.tryton import notes
from connectors.tryton.client import TrytonClient
from connectors.tryton.mapping import internal_id
from connectors.tryton.notes import read_note
from connectors.tryton.schemas import SaleRow, WorkRow
from models.errors import NeedsRepair
from models.operations import EnterPurchaseOrder
from models.roles import Role

__all__ = ["PurchaseOrders"]

_TO_CONFIRM = {"draft": ("quote", "confirm"), "quotation": ("confirm",)}


class PurchaseOrders:
    """The number stands in the sale's comment. A sale that waited for it is a draft, its projects bill nothing."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def has_po(self, request: EnterPurchaseOrder) -> bool:
        """Whether the sale carries the number, and waits for it no more."""
        sale = await self._sale(request)
        facts = read_note(sale.comment)
        hold = facts.get(notes.HOLD, "")
        waits = bool(request.lifts and request.lifts in hold) or (not hold and sale.state in _TO_CONFIRM)
        return facts.get(notes.PO) == request.po_number and not waits

    async def enter_po(self, request: EnterPurchaseOrder) -> None:
        """Enter the number; the sale is confirmed and its projects bill when nothing else is waited for."""
        sale = await self._sale(request)
        name = _name(request)
        hold = " ".join(read_note(sale.comment).get(notes.HOLD, "").replace(request.lifts, " ").split())
        others = [
            line for line in sale.comment.splitlines() if not line.startswith((f"{notes.HOLD}: ", f"{notes.PO}: "))
        ]
        ours = notes.note([(notes.HOLD, hold), (notes.PO, request.po_number)])
        await self._client.write("sale.sale", sale.id, {"comment": "\n".join([ours, *others])}, record=name)
        if hold:
            return
        for work in await self._projects(request):
            method = read_note(work.comment).get(notes.METHOD, "")
            if method and work.project_invoice_method == "manual":
                await self._client.write("project.work", work.id, {"project_invoice_method": method}, record=name)
        for button in _TO_CONFIRM.get(sale.state, ()):
            await self._client.press("sale.sale", sale.id, button, record=name)

    async def _projects(self, request: EnterPurchaseOrder) -> list[WorkRow]:
        works = await self._client.search(
            "project.work", WorkRow, [["parent", "child_of", [internal_id(request.project)], "parent"]],
            fields=("type", "comment", "project_invoice_method"), record=_name(request), most=5000,
        )  # fmt: skip
        return [work for work in works if work.type == "project"]

    async def _sale(self, request: EnterPurchaseOrder) -> SaleRow:
        name = _name(request)
        rows = await self._client.search(
            "sale.sale", SaleRow, [["id", "=", internal_id(request.contract)]],
            fields=("number", "state", "comment"), record=name,
        )  # fmt: skip
        if not rows:
            raise NeedsRepair(
                f"Tryton has no {name} any more. Look who deleted it there, then press Retry.",
                record=name, owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        return rows[0]


def _name(request: EnterPurchaseOrder) -> str:
    return f"contract {request.contract.number or request.contract.record_id}"
