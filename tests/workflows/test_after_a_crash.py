"""What a worker does that takes over in the middle, or that wakes up when another one has taken over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from models.desk import Stage
from models.ids import ConnectionId, PlanDigest, Step, operation_key
from models.lost_deal import HoldCall, HoldTurn
from models.process import EngagementRef, FinishCall, Outcome, PlanCall
from models.records import Guard
from ports.ledger import Intent, OperationState
from tests.workflows.contracts import simple
from tests.workflows.house import House


def _activity(house: House, name: str) -> Any:
    return next(one for one in house.tieline.activities if one.__name__ == name)


def _subject(house: House) -> EngagementRef:
    return EngagementRef(
        firm=house.firm, engagement=house.engagement, deal_id=house.terms.deal_id,
        contract_number=house.terms.contract_number, workflow_id=house.handle.id,
    )  # fmt: skip


async def test_a_plan_that_is_being_applied_goes_on_although_the_erp_has_its_records_by_now(house: House) -> None:
    await house.win(simple())
    await house.result()
    row = await house.row()
    await house.store.desk.save_engagement(row.model_copy(update={"stage": Stage.APPLYING, "terms_digest": ""}))
    reference = await house.store.plans.save_terms(house.engagement, house.terms)
    call = PlanCall(subject=_subject(house), terms_reference=reference)

    planned = await ActivityEnvironment().run(_activity(house, "plan"), call)

    assert planned.digest == row.plan
    assert {operation.action for operation in planned.operations} == {"create"}


async def test_a_freeze_asked_for_again_after_we_touched_the_deal_is_the_same_write(house: House) -> None:
    await house.win(simple())
    await house.result()
    await house.lose()
    await house.waiting("TL-CON-013")
    later = house.terms.source_version + timedelta(seconds=9)
    call = HoldCall(
        subject=_subject(house), turn=HoldTurn.HOLD, reason="lost", version=f"{later:%Y%m%dT%H%M%S.%f}"
    )

    await ActivityEnvironment().run(_activity(house, "hold_engagement"), call)

    rows = await house.store.ledger.list_operations(house.engagement)
    assert len([row for row in rows if row.step.startswith("hold:")]) == 1


async def test_a_freeze_recorded_late_leaves_what_waits_on_the_desk(house: House) -> None:
    await house.win(simple())
    await house.result()
    await house.lose()
    blocker = await house.waiting("TL-CON-013")
    late = FinishCall(subject=_subject(house), outcome=Outcome.FROZEN, sentence="The deal is lost.")

    await ActivityEnvironment().run(_activity(house, "finish"), late)

    assert [item.item for item in await house.store.desk.list_open(house.firm)] == [blocker.item]
    assert (await house.row()).stage is Stage.FROZEN


async def test_a_release_that_may_not_have_landed_is_made_again(house: House) -> None:
    await house.win(simple())
    await house.result()
    await house.lose()
    await house.waiting("TL-CON-013")
    step = Step("release:of-a-killed-worker")
    await house.store.ledger.intend(
        Intent(
            key=operation_key(house.firm, "quote-to-project", house.terms.contract_number, "", step),
            payload_hash="not known here", engagement=house.engagement, step=step, plan=PlanDigest(""),
            guard=Guard.PROOF, connection=ConnectionId("erp-main"), workflow_id=house.handle.id, run_id="gone",
        )
    )  # fmt: skip

    await house.win_again()
    await house.stage(Stage.ACTIVE)

    rows = await house.store.ledger.list_operations(house.engagement)
    assert {row.state for row in rows} == {OperationState.APPLIED}
    assert [row.step for row in rows if row.step.startswith("release:")] == [step]
    assert [what.partition(":")[0] for _, what in house.crm.journal] == ["active", "frozen", "active"]
