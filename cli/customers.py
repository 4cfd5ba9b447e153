from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Output
from cli.running import Session, open_session, run
from runtime.customer_sync import CustomerSyncStarter

__all__ = ["add_to", "starter_of"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def add_to(app: typer.Typer) -> None:
    """Commands about customers."""
    app.command("customers")(customers)


def customers(
    accounts: Annotated[list[str] | None, typer.Argument(help="Ids of accounts, or of people there.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every account that has a customer in the ERP.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at accounts and their customers now, and bring them to what each side owns."""

    async def command(output: Output) -> int:
        if everyone == bool(accounts):
            raise typer.BadParameter("Name accounts, or say --all.")
        async with open_session(engine=True) as session:
            reader = session.tieline.accounts
            if reader is None:
                output.problem("TL-INT-046: Customers of these systems are kept equal by hand.")
                return 1
            found = await (reader.list_customer_accounts() if everyone else reader.find_accounts(accounts or ()))
            starter = starter_of(session)
            known = [one.account_id for one in found if one.erp_customer_id]
            for account in known:
                await starter.ring(account)
            strangers = [one.account_id for one in found if not one.erp_customer_id]
            output.document({"started": known, "no_customer": strangers})
            output.line(f"Looking at {len(known)} accounts. `starter.py status` shows each as account-ID.")
            for account in strangers:
                output.line(f"{account} has no customer in the ERP yet: its first contract makes it.")
            if not found and not as_json:
                output.problem("None of these is an account, or a person at one, that the CRM knows.")
            return 0 if found or everyone else 1

    run(command, as_json=as_json)


def starter_of(session: Session) -> CustomerSyncStarter:
    """Rings the syncs of accounts. Only on sessions that were opened with the engine."""
    if session.client is None:
        raise AssertionError("this command opens the engine")
    return CustomerSyncStarter(session.client, session.settings.firm, session.settings.task_queue)
