from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from models.process import EngagementRef, Planned, StepDone
from models.roles import Role

__all__ = [
    "CUSTOMER",
    "FIRM",
    "LEGAL_ENTITY",
    "OWNER_ROLE",
    "PARKED",
    "STAGE",
    "decide_hint",
    "page_text",
    "repair_hint",
    "show_stage",
]

FIRM = SearchAttributeKey.for_keyword("TielineFirm")
LEGAL_ENTITY = SearchAttributeKey.for_keyword("TielineLegalEntity")
CUSTOMER = SearchAttributeKey.for_keyword("TielineCustomer")
STAGE = SearchAttributeKey.for_keyword("TielineStage")
OWNER_ROLE = SearchAttributeKey.for_keyword("TielineOwnerRole")
PARKED = SearchAttributeKey.for_bool("TielineParked")

_MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+-!|<>"})


def show_stage(stage: str, *, parked: bool = False, owner: Role | None = None, planned: Planned | None = None) -> None:
    """Tell lists and filters where this run stands, in one history event. No names, numbers or amounts."""
    updates: list[SearchAttributeUpdate[Any]] = [STAGE.value_set(stage), PARKED.value_set(parked)]
    updates.append(OWNER_ROLE.value_set(owner.value) if owner else OWNER_ROLE.value_unset())
    if planned is not None and planned.legal_entity:
        updates += [LEGAL_ENTITY.value_set(planned.legal_entity), CUSTOMER.value_set(planned.customer_key)]
    workflow.upsert_search_attributes(updates)


def decide_hint(subject: EngagementRef) -> str:
    """How to decide, ready to be copied."""
    contract = _command_word(subject.engagement.partition("/")[2])
    return (
        f"Decide: `starter.py approve {contract} --as YOU`, or `reject`. The whole plan: `starter.py plan {contract}`."
    )


def repair_hint(subject: EngagementRef) -> str:
    """How to repair, ready to be copied."""
    contract = _command_word(subject.engagement.partition("/")[2])
    return f"Repair: `starter.py repair {contract} --as YOU`. What waits for whom: `starter.py queue`."


def page_text(
    headline: str, planned: Planned | None, done: dict[str, StepDone], waits: tuple[str, ...] = (), hint: str = ""
) -> str:
    """The run page as somebody from finance reads it: headline, what waits, each operation and what became of it."""
    parts = [f"## {headline.translate(_MARKDOWN)}"]
    if waits:
        parts.append("### Waits for\n" + "\n".join(f"- {text.translate(_MARKDOWN)}" for text in waits))
    if hint:
        parts.append(hint)
    if planned is not None and planned.operations:
        rows = [
            f"| {row.summary.translate(_MARKDOWN)} | {row.guard} | {_became(done.get(row.step))} |"
            for row in planned.operations
        ]
        parts.append("| What is done | Guard | Result |\n|---|---|---|\n" + "\n".join(rows))
    if planned is not None and planned.warnings:
        parts.append("### Good to know\n" + "\n".join(f"- {text.translate(_MARKDOWN)}" for text in planned.warnings))
    return "\n\n".join(parts)


def _command_word(text: str) -> str:
    """Numbers come from the CRM: whatever could end the code span or the shell word is left out."""
    return "".join(char for char in text if char.isalnum() or char in "-_./")


def _became(done: StepDone | None) -> str:
    if done is None:
        return "not yet"
    name = (done.ref.number or done.ref.record_id).translate(_MARKDOWN)
    if done.created:
        return f"created {name}"
    return f"updated {name}" if done.changed else f"already there: {name}"
