from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError

from activities.customer_sync import CustomerPlanning
from models.customer_sync import AccountState, AgreedState, CustomerState
from models.process import EngagementRef, PlannedKind
from tests.unit.test_customer_sync import BOOK, ERP, NOW, account, customer


@dataclass
class Sides:
    """Both sides, what they agreed on, and the desk, as far as planning reads them."""

    account: AccountState
    customers: dict[str, CustomerState]
    agreed: AgreedState
    connection: str = "crm-main"
    saved: list[AgreedState] = field(default_factory=list)

    async def get_account(self, _account_id: str) -> AccountState:
        return self.account

    async def get_customer(self, record_id: str, _people: object) -> CustomerState | None:
        return self.customers.get(record_id)

    def guard_of_customer_change(self) -> str:
        return "proof"

    async def get_agreed(self, *_: object) -> AgreedState:
        return self.agreed

    async def save_agreed(self, _firm: str, _connection: str, _account: str, agreed: AgreedState) -> None:
        self.saved.append(agreed)

    async def list_known_people(self, *_: object) -> tuple[()]:
        return ()

    async def is_bound_id(self, *_: object) -> bool:
        return True

    async def list_answers(self, _engagement: str) -> tuple[()]:
        return ()


def planning(sides: Sides) -> CustomerPlanning:
    side = cast("Any", sides)
    return CustomerPlanning(
        crm=side, erps={ERP: side}, guards={ERP: side}, memory=side, plans=side, desk=side,
        rules=lambda: BOOK, now=lambda: NOW,
    )  # fmt: skip


SUBJECT = EngagementRef.model_validate(
    {"firm": "hf", "engagement": "hf/account-001A", "deal_id": "001A", "contract_number": "account-001A",
     "workflow_id": "customer-sync/hf/001A"}
)  # fmt: skip


async def test_the_advice_to_clear_the_customers_id_helps() -> None:
    sides = Sides(account(erp_customer_id=""), {"4711": customer(is_active=False)}, AgreedState(customer_id="4711"))
    planned = await planning(sides).plan_customer(SUBJECT)
    assert planned.kind is PlannedKind.NOT_YET
    assert "no customer in the ERP" in planned.sentence


async def test_with_another_customer_nothing_was_agreed_on_yet() -> None:
    start = AgreedState(revision=7, customer_id="4711", values={"invoice-email": "ap@acme.example", "name": "Old"})
    other = customer(ref=customer().ref.model_copy(update={"record_id": "4802"}), people=())
    sides = Sides(account(erp_customer_id="4802", people=()), {"4802": other}, start)
    await planning(sides).plan_customer(SUBJECT)
    [saved] = sides.saved
    assert (saved.customer_id, saved.values["name"], saved.revision) == ("4802", "Acme Ltd", 8)


async def test_a_customer_that_is_not_there_any_more_is_a_persons_matter() -> None:
    with pytest.raises(ApplicationError, match="not there any more"):
        await planning(Sides(account(), {}, AgreedState())).plan_customer(SUBJECT)
