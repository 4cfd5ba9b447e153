from __future__ import annotations

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from cli.output import Output
from cli.running import Session, now, open_session, run
from mappings.invoice_states import is_overdue, sentence_of, settlement_of, totals_of, totals_sentence
from models.errors import TielineError
from models.ids import ContractNumber
from models.roles import Role
from runtime.feedback import FeedbackStarter

__all__ = ["add_to", "billing_sentence"]

_DAY_S = 86_400


def add_to(app: typer.Typer) -> None:
    """Commands about what was billed."""
    app.command("invoices")(invoices)
    app.command("feedback")(feedback)


def invoices(
    contract: Annotated[str, typer.Argument(help="A contract number.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show the invoices of a contract as they were last read from the ERP, and whether the CRM shows them."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            number = ContractNumber(contract.removeprefix(f"{session.settings.firm}/"))
            kept = await session.tieline.store.billing.list_of_contract(session.settings.firm, number)
            today = _today(session)
            output.document(
                [
                    {
                        **one.invoice.model_dump(mode="json"),
                        "balance": str(one.invoice.amounts.balance),
                        "settlement": settlement_of(one.invoice.amounts).value,
                        "is_overdue": is_overdue(one.invoice, today),
                        "sentence": sentence_of(one.invoice, on=today),
                        "in_crm": _shown(one.trouble, one.shown),
                    }
                    for one in kept
                ]
            )
            if not kept:
                output.line(f"No invoice of contract {number} has been read yet. `starter.py feedback` looks now.")
                return 0
            output.table(
                "", ["invoice", "amount", "open", "in one sentence", "in the CRM"],
                [
                    [
                        one.invoice.number,
                        str(one.invoice.amounts.gross),
                        str(one.invoice.amounts.balance),
                        sentence_of(one.invoice, on=today),
                        _shown(one.trouble, one.shown),
                    ]
                    for one in kept
                ],
            )  # fmt: skip
            output.line(totals_sentence(totals_of([one.invoice for one in kept], on=today)))
            return 0

    run(command, as_json=as_json)


def feedback(
    days: Annotated[
        int | None, typer.Option("--days", min=0, max=3650, help="Look so many days behind the last sweep.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Look at the ERP's invoices now, and show in the CRM what changed or was refused before."""

    async def command(output: Output) -> int:
        async with open_session(engine=True) as session:
            if session.client is None or not session.tieline.billing_accounts:
                raise TielineError(
                    "The systems that are connected here show no invoices: the ERP tells of none, or the CRM has no "
                    "place for them.",
                    code="TL-INT-061",
                )
            settings = session.settings
            look_back_s = settings.feedback.look_back_s if days is None else days * _DAY_S
            starter = FeedbackStarter(session.client, settings.firm, settings.task_queue)
            said, code = {}, 0
            for account in session.tieline.billing_accounts:
                handle = await starter.ring(account, look_back_s=look_back_s, tries_refused_again=True)
                result = await handle.result()
                said[account] = result.model_dump(mode="json")
                tally = result.tally
                output.line(
                    f"{account}: {tally.read:,} documents read, {tally.shown:,} written to the CRM, {tally.totals:,} "
                    f"sums written, {tally.refused:,} refused, {tally.older:,} late ones ignored."
                )
                if result.trouble:
                    output.problem(result.trouble)
                    code = 1
            output.document(said)
            return code

    run(command, as_json=as_json)


async def billing_sentence(session: Session, contract: ContractNumber) -> str:
    """Where the money of a contract stands; empty before its first invoice."""
    kept = await session.tieline.store.billing.list_of_contract(session.settings.firm, contract)
    return totals_sentence(totals_of([one.invoice for one in kept], on=_today(session)))


def _today(session: Session) -> date:
    return now().astimezone(ZoneInfo(session.tieline.rules().working_time_of(Role.BILLING).zone)).date()


def _shown(trouble: str, shown: str) -> str:
    if trouble:
        return f"refused: {trouble}"
    return "shown" if shown else "not yet"
