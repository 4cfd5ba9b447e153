from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Output
from cli.planning_changes import amended_contract, plan_of_changes, show_change
from cli.running import Session, open_session, run
from models.desk import EngagementRow, Stage
from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ConnectionId, ContractNumber, DealId, engagement_id
from models.plan import Plan, PlanVerdict
from models.process import EngagementRef
from runtime.contract_holder import find_beside
from runtime.temporal import workflow_id

__all__ = ["add_to"]

_MOVING = frozenset({Stage.PLANNING, Stage.APPLYING})
_LOOK_EVERY_S = 0.2
_STARTS_AT_ONCE = 20
"""A larger burst only fills the workers' task queues (TEMPORAL section 0, trap 11)."""


Crm = Annotated[
    str, typer.Option("--crm", help="The CRM account, by its connection's name; the first one unless given.")
]


def add_to(app: typer.Typer) -> None:
    """Commands that plan and start."""
    app.command("plan")(plan)
    app.command("start")(start)


def plan(
    deal: Annotated[str, typer.Argument(help="Id of the deal in the CRM, or number of a contract that is known here.")],
    crm: Crm = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Show what would be done for a deal, without doing it. Reads the CRM and the ERP, writes nothing."""

    async def command(output: Output) -> int:
        async with open_session(engine=False) as session:
            if (amended := amended_contract(session, deal)) is not None:
                return await _plan_changes(session, output, amended)
            known = await session.tieline.store.desk.find_engagement(session.engagement(deal))
            deal_id = known.deal_id if known is not None else DealId(deal)
            account = await _account_of(session, known, crm)
            terms = await session.tieline.crms.named(account).get_signed_terms(deal_id)
            amended = amended_contract(session, deal, terms.amendment_number, terms.contract_number)
            if amended is not None and session.tieline.changes is not None:
                return await _plan_changes(session, output, amended)
            engagement = engagement_id(session.settings.firm, terms.contract_number)
            subject = EngagementRef(
                firm=session.settings.firm,
                engagement=engagement,
                crm=account,
                deal_id=deal_id,
                contract_number=terms.contract_number,
                workflow_id=workflow_id(engagement),
            )
            verdict = await session.tieline.planning.verdict(subject, terms, binds=False)
            output.document(verdict)
            _show_verdict(output, verdict)
            return 0 if verdict.plan is not None else 1

    run(command, as_json=as_json)


async def _plan_changes(session: Session, output: Output, contract: ContractNumber) -> int:
    verdict = await plan_of_changes(session, contract)
    if verdict is None:
        output.problem(f"Amendments of {contract} are entered by hand here: these systems cannot do it. See `queue`.")
        return 1
    output.document(verdict)
    _show_verdict(output, verdict)
    return 0 if verdict.plan is not None else 1


def start(
    deals: Annotated[list[str] | None, typer.Argument(help="Ids of deals in the CRM.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", exists=True, dir_okay=False, help="A file with one deal id per line, or a JSON list."
        ),
    ] = None,
    won: Annotated[bool, typer.Option("--all-won", help="Every deal that is closed-won now.")] = False,
    crm: Crm = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each has ended or waits for a person.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Start (or join) quote to project for deals: by id, by file, or all closed-won."""
    if sum((bool(deals), file is not None, won)) != 1:
        raise typer.BadParameter("Give deal ids, or --file, or --all-won.")

    async def command(output: Output) -> int:
        async with open_session(engine=True) as session:
            ids = list(deals or ()) or (await asyncio.to_thread(_ids_in, file) if file else [])
            contracts, missing = await _contracts(session, ids, crm, won=won)
            outcomes = await _start_all(session, contracts)
            ended = await _wait_all(session, contracts) if wait else [{} for _ in contracts]
            rows = [
                {"deal": item.deal_id, "contract": item.contract_number, "outcome": outcome, **end}
                for item, outcome, end in zip(contracts, outcomes, ended, strict=True)
            ]
            output.document({"started": rows, "refused": missing})
            titles = ["deal", "contract", "outcome", *(["where it stands", ""] if wait else [])]
            output.table("", titles, [list(row.values()) for row in rows])
            for problem in missing:
                output.line(problem["reason"])
            return 1 if missing else 0

    run(command, as_json=as_json)


async def _account_of(session: Session, known: EngagementRow | None, asked: str) -> ConnectionId:
    """The CRM account of a deal: as asked for, else where the contract's deal is, else the first one."""
    if asked or known is None:
        return ConnectionId(asked) or session.tieline.crms.main
    bindings = session.tieline.store.deal_bindings
    holder = await bindings.find_deal_of_contract(session.settings.firm, known.contract_number)
    is_held = holder is not None and holder.deal == known.deal_id
    return holder.connection if holder is not None and is_held else session.tieline.crms.main


async def _contracts(
    session: Session, ids: list[str], account: str, *, won: bool
) -> tuple[list[ContractOfDeal], list[dict[str, str]]]:
    crms = session.tieline.crms
    found: list[ContractOfDeal] = []
    # Ids of one account mean nothing in another; all closed-won deals are asked for wherever they are.
    for name in [ConnectionId(account)] if account or not won else list(crms):
        crm = crms.named(name)
        found += await crm.list_won_deals() if won else await crm.find_contracts([DealId(item) for item in ids])
    missing = [
        {"deal": item, "reason": f"Deal {item} does not exist in the CRM. Check the id."}
        for item in ids
        if item[:15] not in {row.deal_id[:15] for row in found}
    ]
    good: list[ContractOfDeal] = []
    bindings, firm = session.tieline.store.deal_bindings, session.settings.firm
    for row in found:
        if not row.contract_number:
            reason = f"Deal {row.deal_id} has no contract number. Enter it on the deal in the CRM, then start again."
            missing.append({"deal": row.deal_id, "reason": reason})
        elif (beside := await find_beside(bindings, firm, row.crm, row)) is not None:
            if beside.is_amendment and row.is_won and session.tieline.changes is not None:
                await session.changes.ring(row.contract_number)
                continue
            missing.append({"deal": row.deal_id, "reason": beside.message})
        else:
            good.append(row)
    return good, missing


async def _start_all(session: Session, contracts: list[ContractOfDeal]) -> list[str]:
    turn = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def one(contract: ContractOfDeal) -> str:
        async with turn:
            return await session.starter.start_or_join(contract)

    return list(await asyncio.gather(*(one(item) for item in contracts)))


async def _wait_all(session: Session, contracts: list[ContractOfDeal]) -> list[dict[str, str]]:
    """Until every process has ended or waits for a person; says where each stands then.

    What the desk showed before, of a contract that is known here, is not where this start has led.
    """
    turn = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def one(contract: ContractOfDeal) -> dict[str, str]:
        engagement = engagement_id(session.settings.firm, contract.contract_number)
        while True:
            async with turn:
                moving = await session.starter.is_moving(engagement)
                row = None if moving else await session.tieline.store.desk.find_engagement(engagement)
            if row is not None and row.stage not in _MOVING:
                return {"stage": row.stage.value, "sentence": row.sentence}
            await asyncio.sleep(_LOOK_EVERY_S)

    return list(await asyncio.gather(*(one(item) for item in contracts)))


def _ids_in(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
        loaded = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError as unreadable:  # neither UTF-8 nor JSON
        raise NeedsRepair(
            f"{file} cannot be read. Write one deal id per line, or a JSON list of them.", record=str(file)
        ) from unreadable
    if loaded is not None:
        if not all(isinstance(item, str) for item in loaded):
            raise NeedsRepair(f"{file}: every entry of the list must be a deal id in quotes.", record=str(file))
        return [str(item) for item in loaded]
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _show_verdict(output: Output, verdict: PlanVerdict) -> None:
    if verdict.plan is not None:
        show_plan(output, verdict.plan)
        return
    if verdict.reason:
        output.line(f"{verdict.reason_code}: {verdict.reason}" if verdict.reason_code else verdict.reason)
    output.table(
        "", ["code", "record", "what stops it", "who"],
        [[item.code, item.record, item.message, item.owner.value] for item in verdict.blockers],
    )  # fmt: skip


def show_plan(output: Output, plan: Plan) -> None:
    """The plan as its approver reads it."""
    output.line(f"Plan {plan.digest}")
    output.line(f"{plan.customer_name}, contract {plan.contract_number}, booked by {plan.legal_entity}")
    values = plan.values
    output.table(
        "", ["funded", "sold", "with options", "cap"],
        [[str(item) if item else "-" for item in (values.funded, values.exercised, values.with_options, values.cap)]],
    )  # fmt: skip
    if plan.change is not None:
        show_change(output, plan.change)
    output.table(
        "Operations", ["step", "what is done", "guard", "amount", "rules"],
        [
            [item.step, item.summary, item.guard.value, str(item.amount or ""), ", ".join(r.rule for r in item.rules)]
            for item in plan.operations
        ],
    )  # fmt: skip
    for warning in (*plan.warnings, *plan.manual_steps):
        output.line(f"Note: {warning}")
    for slot in plan.approvals:
        output.line(f"Needs a decision of {' or '.join(sorted(slot.roles))}: {slot.reason} ({slot.rule.rule})")
    output.line(f"Matched: {plan.match.outcome}. {' '.join(plan.match.evidence)}")
    output.line(f"Rules {plan.rules_version}.")
