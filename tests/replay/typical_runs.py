"""Four runs that between them take every turn of quote to project that people see in a usual week."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from models.errors import NeedsRepair, NotSent
from models.process import Outcome
from tests.unit.signed_terms import line
from tests.workflows.contracts import checked, simple, two_signatures
from tests.workflows.house import House

__all__ = ["TYPICAL_RUNS"]


async def straight(house: House) -> None:
    """Won, set up, active, without a person."""
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE


async def decided(house: House) -> None:
    """Two signatures; a refused one, nonsense by signal, and a change of terms on the way."""
    await house.win(two_signatures())
    first = await house.waiting()
    await house.decide("pia.pmo")
    await house.decide("ada.finance")
    await house.signal("decide", {"approve": True})
    await house.noted("message.refused")
    await house.win_again(expense_policy="Ten percent of fees")
    await house.waiting(besides=first.item)
    await house.decide("ada.finance")
    await house.decide("cora.controller")
    assert await house.outcome() is Outcome.ACTIVE


async def repaired(house: House) -> None:
    """A stop with an answer, an outage that the patient path sits out, a refusal by the ERP that is repaired."""
    left = {"project": 1, "contract": 1}

    def trouble(moment: str, kind: str) -> Exception | None:
        if moment == "after" or not left.get(kind):
            return None
        left[kind] -= 1
        return NotSent("No connection.") if kind == "project" else NeedsRepair("Field X is closed.")

    house.erp.trouble = trouble
    await house.win(checked(lines=[line("1", "milestones", "400000.00", service_line="Relocation")]))
    await house.repair("ada.finance", "TL-CON-008", "Advisory")
    await house.decide("ada.finance")
    await house.repair("ina.integration", "TL-INT-020")
    assert await house.outcome() is Outcome.ACTIVE


async def frozen(house: House) -> None:
    """Lost after the set-up, frozen, won again and released."""
    await house.win(simple())
    assert await house.outcome() is Outcome.ACTIVE
    await house.lose()
    await house.waiting("TL-CON-013")
    await house.win_again()
    assert await house.outcome() is Outcome.ACTIVE


TYPICAL_RUNS: dict[str, Callable[[House], Awaitable[None]]] = {
    run.__name__: run for run in (straight, decided, repaired, frozen)
}
