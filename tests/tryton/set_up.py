"""The sample contract, written as the process writes it."""

from __future__ import annotations

from connectors.tryton import TrytonErp
from models.ids import Step
from models.records import Effect, Links
from tests.connectors.netsuite import samples

__all__ = ["set_up"]


async def set_up(erp: TrytonErp) -> tuple[Links, list[Effect]]:
    """Customer, person, project, schedule and contract; what each write came to."""
    links, effects = Links(), []

    def noted(step: str, effect: Effect) -> None:
        nonlocal links
        effects.append(effect)
        links = Links(refs={**links.refs, Step(step): effect.ref})

    noted("customer", await erp.ensure_customer(samples.customer(), links))
    noted("contact:billing", await erp.ensure_contact(samples.contact(), links))
    noted("project", await erp.ensure_project(samples.project(), links))
    noted("billing-schedule", await erp.ensure_billing_schedule(samples.schedule(billing_rule="SVC-FIXED"), links))
    noted("contract", await erp.ensure_contract(samples.contract(), links))
    return links, effects
