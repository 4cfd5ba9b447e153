from __future__ import annotations

import json
import uuid
from typing import Annotated

import typer
from pydantic import ValidationError
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.output import Output
from cli.running import Session, open_session, run
from models.blocker import OpenItem
from models.change_process import changes_under
from models.decision import Answer, Decision, Verdict
from models.errors import NeedsRepair
from models.ids import BlockerId, DecisionId, EngagementId, PersonId, PlanDigest
from runtime.people import sign_decision

__all__ = ["add_to"]

Contract = Annotated[str, typer.Argument(help="Contract number.")]
AsPerson = Annotated[str, typer.Option("--as", help="Who decides (person id); signs with that person's own key.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Digest = Annotated[
    str | None, typer.Option("--plan", help="Digest of the plan you have read; default: the one that waits.")
]


def add_to(app: typer.Typer) -> None:
    """Commands that decide."""
    for name, command in (
        ("approve", approve), ("reject", reject), ("withdraw", withdraw), ("repair", repair), ("token", token),
    ):  # fmt: skip
        app.command(name)(command)


def approve(
    contract: Contract, person: AsPerson, reason: Reason = "", plan: Digest = None, as_json: AsJson = False
) -> None:
    """Approve the plan that waits for this contract."""
    _decide(contract, person, Verdict.APPROVE, reason=reason, plan=plan, as_json=as_json)


def reject(contract: Contract, person: AsPerson, reason: Reason, plan: Digest = None, as_json: AsJson = False) -> None:
    """Reject the plan; nothing of it is written."""
    _decide(contract, person, Verdict.REJECT, reason=reason, plan=plan, as_json=as_json)


def withdraw(contract: Contract, person: AsPerson, reason: Reason, as_json: AsJson = False) -> None:
    """Withdraw the request (only whoever made it, or contracts)."""
    _decide(contract, person, Verdict.WITHDRAW, reason=reason, plan=None, as_json=as_json)


def repair(
    contract: Contract,
    person: AsPerson,
    answer: Annotated[
        str, typer.Option("--answer", help="The value to choose or enter; empty: fixed at the source.")
    ] = "",
    blocker: Annotated[str | None, typer.Option("--blocker", help="Blocker id or code, if several wait.")] = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Answer a blocker, or say that it was fixed at the source; the process then goes on."""

    async def command(output: Output) -> int:
        async with open_session(engine=True) as session:
            item = await _blocker(session, contract, blocker)
            decision = _signed(
                session, item.engagement, person, Verdict.REPAIR,
                blocker=BlockerId(item.item), answer=answer, reason=reason,
            )  # fmt: skip
            return _tell(output, contract, await _send(session, decision))

    run(command, as_json=as_json)


def token(
    contract: Contract,
    person: AsPerson,
    verdict: Annotated[Verdict, typer.Option("--verdict", help="What it says.")],
    answer: Annotated[str, typer.Option("--answer", help="For a repair: the value.")] = "",
    blocker: Annotated[str | None, typer.Option("--blocker", help="For a repair: blocker id or code.")] = None,
    reason: Reason = "",
) -> None:
    """Print a signed decision as JSON for `temporal workflow signal --name decide --input ...`."""

    async def command(_output: Output) -> int:
        async with open_session(engine=False) as session:
            if verdict is Verdict.REPAIR:
                item = await _blocker(session, contract, blocker)
                decision = _signed(
                    session,
                    item.engagement,
                    person,
                    verdict,
                    blocker=BlockerId(item.item),
                    answer=answer,
                    reason=reason,
                )
            else:
                item = await _plan_waiting(session, contract)
                decision = _signed(session, item.engagement, person, verdict, plan=PlanDigest(item.item), reason=reason)
            print(decision.model_dump_json(exclude_defaults=True))
            return 0

    run(command, as_json=False)


def _decide(contract: str, person: str, verdict: Verdict, *, reason: str, plan: str | None, as_json: bool) -> None:
    async def command(output: Output) -> int:
        async with open_session(engine=True) as session:
            waits = await _waiting(session, contract)
            named = next((item for item in waits if item.item == plan), None)
            item = named if plan else await _plan_waiting(session, contract)
            # A plan that does not wait is sent all the same: the process says why it is refused.
            engagement = item.engagement if item else session.engagement(contract)
            digest = PlanDigest(item.item if item else str(plan))
            decision = _signed(session, engagement, person, verdict, plan=digest, reason=reason)
            return _tell(output, contract, await _send(session, decision))

    run(command, as_json=as_json)


def _signed(
    session: Session,
    engagement: EngagementId,
    person: str,
    verdict: Verdict,
    *,
    plan: PlanDigest | None = None,
    blocker: BlockerId | None = None,
    answer: str = "",
    reason: str = "",
) -> Decision:
    decision_id = DecisionId(str(uuid.uuid4()))
    signature = sign_decision(
        session.settings.private_key_of(PersonId(person)),
        person=PersonId(person),
        firm=session.settings.firm,
        decision=decision_id,
        engagement=engagement,
        verdict=verdict,
        subject=str(plan or blocker),
        answer=answer,
        reason=reason,
    )
    try:
        return Decision(
            decision=decision_id, engagement=engagement, verdict=verdict, plan=plan, blocker=blocker, answer=answer,
            reason=reason, token=signature,
        )  # fmt: skip
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NeedsRepair(f"The {field} cannot be taken: {first['msg']}. Nothing was decided.", field=field) from wrong


async def _send(session: Session, decision: Decision) -> Answer:
    handle = session.starter.handle(decision.engagement)
    try:
        answer: Answer = await handle.execute_update("decide", decision, id=decision.decision, result_type=Answer)

    except RPCError as gone:
        if gone.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise NeedsRepair(
            f"Nothing of {decision.engagement} is running, so nothing waits for a decision. Look at `status`.",
            record=decision.engagement,
        ) from gone
    except WorkflowUpdateFailedError as failed:
        raise NeedsRepair(f"The decision could not be taken: {failed.cause}", record=decision.engagement) from failed
    return answer


def _tell(output: Output, contract: str, answer: Answer) -> int:
    output.document(answer)
    if answer.accepted:
        output.line(f"{contract}: {answer.message}")
        return 0
    if not output.as_json:
        output.problem(f"Refused ({answer.refusal}): {answer.message}")
    return 1


async def _plan_waiting(session: Session, contract: str) -> OpenItem:
    found = [item for item in await _waiting(session, contract) if item.kind == "decision"]
    if not found:
        raise NeedsRepair(f"No plan of {contract} waits for a decision. Look at `status` and `queue`.", record=contract)
    return found[0]


async def _blocker(session: Session, contract: str, wanted: str | None) -> OpenItem:
    found = [item for item in await _waiting(session, contract) if item.kind == "blocker"]
    if wanted is not None:
        found = [item for item in found if wanted in {item.item, item.code}]
    if not found:
        raise NeedsRepair(f"Nothing of {contract} waits for a repair. Look at `status` and `queue`.", record=contract)
    if len(found) > 1:
        listed = json.dumps({item.item: f"{item.code}: {item.message}" for item in found}, ensure_ascii=False, indent=1)
        raise NeedsRepair(f"Several blockers wait; name one with --blocker:\n{listed}", record=contract)
    return found[0]


async def _waiting(session: Session, contract: str) -> list[OpenItem]:
    """What waits of the contract, then what waits of its amendments."""
    engagement = session.engagement(contract)
    items = await session.tieline.store.desk.list_open(session.settings.firm)
    return [item for wanted in (engagement, changes_under(engagement)) for item in items if item.engagement == wanted]
