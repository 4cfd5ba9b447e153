from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.customers import starter_of
from cli.output import Output
from cli.running import Session, open_session, run
from models.customer_process import account_of, number_of_account
from models.errors import NeedsRepair
from models.ids import EngagementId, PersonId
from models.match_undo import MatchUndo
from models.operations import EnsureCustomer
from models.plan import Plan
from runtime.match_undo import ask_undo

__all__ = ["add_to"]

_match = typer.Typer(help="Who is whom: customers in the CRM and in the ERP.", no_args_is_help=True)
_SYNC = "customer-sync"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def add_to(app: typer.Typer) -> None:
    """Commands about who is whom."""
    app.add_typer(_match, name="match")


@_match.command("undo")
def undo(
    account: Annotated[str, typer.Argument(help="Id of the CRM's account.")],
    person: Annotated[str, typer.Option("--as", help="Who asks (person id); signs with that person's own key.")],
    reason: Annotated[str, typer.Option("--reason", help="Why both are not one company; kept in the audit trail.")],
    as_json: AsJson = False,
) -> None:
    """Ask that an account and its customer are told apart; a second person decides, open contracts stay."""

    async def command(output: Output) -> int:
        async with open_session(engine=True) as session:
            key = session.settings.private_key_of(PersonId(person))
            wish = await ask_undo(
                session.tieline, session.settings.firm, account, person=PersonId(person), private_key=key, reason=reason
            )
            await starter_of(session).ring(wish.account_id)
            number = number_of_account(wish.account_id)
            output.document({"undo": wish, "contract": number})
            output.line(wish.sentence)
            output.line(f"`starter.py approve {number} --as ...` decides, somebody else than {wish.requested_by}.")
            return 0

    run(command, as_json=as_json)


@_match.command("explain")
def explain(
    about: Annotated[str, typer.Argument(help="Contract number, id of the CRM's account, or id or number in the ERP.")],
    as_json: AsJson = False,
) -> None:
    """Tell why an account is which customer: evidence, rule or person, plan."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            plans, undos = await _plans_about(session, about), await _undos_about(session, about)
            if not plans and not undos:
                message = f"No plan here is about '{about}'. Give a contract, an account or a customer."
                raise NeedsRepair(message, record=about)
            told = [await _signers(session, plan) for plan in plans]
            rows = [{**_row(plan), "signed_by": signers} for plan, signers in zip(plans, told, strict=True)]
            output.document([*rows, *(_undo_row(undo) for undo in undos)])
            for plan, row in zip(plans, rows, strict=True):
                label = "Sync" if plan.process == _SYNC else "Contract"
                output.line(f"{label} {plan.contract_number}: {row['decided']}")
                for evidence in plan.match.evidence:
                    output.line(f"  - {evidence}")
                made = f"{plan.made_at:%d %b %Y %H:%M}"
                for operation in plan.operations if plan.process == _SYNC else ():
                    output.line(f"  > {operation.summary}")
                signed = f", signed by {', '.join(row['signed_by'])}" if row["signed_by"] else ""
                output.line(f"  by {row['by']}{signed}; plan {plan.digest[:12]} of {made}, rules {plan.rules_version}")
            for undo in undos:
                output.line(f"Undo: {undo.sentence}")
            return 0

    run(command, as_json=as_json)


async def _undos_about(session: Session, about: str) -> tuple[MatchUndo, ...]:
    return await session.tieline.store.match_undos.list_about(session.settings.firm, account_of(about) or about)


async def _signers(session: Session, plan: Plan) -> list[str]:
    return [given.person for given in await session.tieline.store.desk.list_signatures(plan.digest)]


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
    if plan.process == _SYNC:
        names |= {str(plan.deal_id)}
    if request is not None:
        names |= {request.account_id}
        if request.adopt is not None:
            names |= {request.adopt.record_id, request.adopt.number}
    return about in names - {""}


def _customer(plan: Plan) -> EnsureCustomer | None:
    return next((one.request for one in plan.operations if isinstance(one.request, EnsureCustomer)), None)


def _undo_row(undo: MatchUndo) -> dict[str, Any]:
    """Told like a plan, with what became of it."""
    return {
        "account": undo.account_id,
        "customer": undo.customer_name,
        "undo": undo.state.value,
        "decided": undo.sentence,
        "evidence": list(undo.evidence),
        "by": undo.requested_by,
        "signed_by": list(undo.decided_by),
    }


def _row(plan: Plan) -> dict[str, Any]:
    request, match = _customer(plan), plan.match
    adopted = request.adopt if request is not None else None
    named = (adopted.number or adopted.record_id) if adopted is not None else match.candidate_id
    decided = {
        "adopt": f"{plan.customer_name} is customer {named} of the ERP.",
        "create": f"{plan.customer_name} is a company the ERP did not have.",
        "told-apart": f"{plan.customer_name} is not the ERP customer it was taken for.",
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
