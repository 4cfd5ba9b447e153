from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Output
from cli.running import Session, open_session, run
from models.errors import NeedsRepair
from models.ids import EngagementId
from models.operations import EnsureCustomer
from models.plan import Plan
from runtime.customer_sync import CustomerSyncStarter

__all__ = ["add_to"]

_match = typer.Typer(help="Who is whom: customers in the CRM and in the ERP.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def add_to(app: typer.Typer) -> None:
    """Commands about customers."""
    app.command("customers")(customers)
    app.add_typer(_match, name="match")


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
            starter = _starter(session)
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


@_match.command("explain")
def explain(
    about: Annotated[str, typer.Argument(help="Contract number, id of the CRM's account, or id or number in the ERP.")],
    as_json: AsJson = False,
) -> None:
    """Tell why an account is which customer: evidence, rule or person, plan."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            plans = await _plans_about(session, about)
            if not plans:
                message = f"No plan here is about '{about}'. Give a contract, an account or a customer."
                raise NeedsRepair(message, record=about)
            output.document([_row(plan) for plan in plans])
            for plan in plans:
                row = _row(plan)
                output.line(f"Contract {plan.contract_number}: {row['decided']}")
                for evidence in plan.match.evidence:
                    output.line(f"  - {evidence}")
                made = f"{plan.made_at:%d %b %Y %H:%M}"
                output.line(f"  by {row['by']}; plan {plan.digest[:12]} of {made}, rules {plan.rules_version}")
            return 0

    run(command, as_json=as_json)


def _starter(session: Session) -> CustomerSyncStarter:
    if session.client is None:
        raise AssertionError("this command opens the engine")
    return CustomerSyncStarter(session.client, session.settings.firm, session.settings.task_queue)


async def _plans_about(session: Session, about: str) -> list[Plan]:
    """The latest plan of each contract in which this contract, account or customer stands."""
    store = session.tieline.store
    known = await store.desk.find_engagement(EngagementId(session.engagement(about)))
    rows = [known] if known is not None else await store.desk.list_engagements(session.settings.firm)
    plans = [await store.plans.get_plan(row.plan) for row in rows if row.plan is not None]
    return [plan for plan in plans if known is not None or _is_about(plan, about)]


def _is_about(plan: Plan, about: str) -> bool:
    request = _customer(plan)
    names = {plan.match.candidate_id, plan.customer_key}
    if request is not None:
        names |= {request.account_id}
        if request.adopt is not None:
            names |= {request.adopt.record_id, request.adopt.number}
    return about in names - {""}


def _customer(plan: Plan) -> EnsureCustomer | None:
    return next((one.request for one in plan.operations if isinstance(one.request, EnsureCustomer)), None)


def _row(plan: Plan) -> dict[str, object]:
    request, match = _customer(plan), plan.match
    adopted = request.adopt if request is not None else None
    named = (adopted.number or adopted.record_id) if adopted is not None else match.candidate_id
    decided = {
        "adopt": f"{plan.customer_name} is customer {named} of the ERP.",
        "create": f"{plan.customer_name} is a company the ERP did not have.",
    }.get(match.outcome, f"{plan.customer_name}: {match.outcome}.")
    return {
        "contract": plan.contract_number,
        "account": request.account_id if request is not None else plan.deal_id,
        "decided": decided,
        "evidence": list(match.evidence),
        "by": match.decided_by,
        "plan": plan.digest,
        "made_at": plan.made_at.isoformat(),
        "rules": plan.rules_version,
    }
