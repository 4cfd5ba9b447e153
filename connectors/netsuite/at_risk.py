"""A project that was opened by hand before the signature becomes the contract's own. DOM-1.5."""

from __future__ import annotations

from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.mapping import Body, internal_id
from connectors.netsuite.schemas import ProjectHead
from models.errors import NeedsRepair
from models.records import Effect, RecordRef
from models.roles import Role

__all__ = ["take_on"]

_MUST_FIT = ("parent", "subsidiary", "currency")
"""What a project with bookings cannot change any more: it is compared, never written."""
_CALLED = {"parent": "customer", "subsidiary": "legal entity", "currency": "currency"}


async def take_on(client: NetSuiteClient, project: RecordRef, external_id: str, body: Body) -> Effect:
    """Give it our key and the signed terms, in one write that the vendor's unique key guards."""
    name = f"project {project.number or project.record_id}"
    head = await client.get_record(
        "job", internal_id(project), ProjectHead, record=name, fields=("id", *_MUST_FIT)
    )
    if head is None:
        raise NeedsRepair(
            f"NetSuite has no {name} any more, which was opened at risk. Look who deleted it, then press Retry.",
            record=name, owner=Role.PMO,
        )  # fmt: skip
    for field in _MUST_FIT:
        there, wanted = getattr(head, field), body[field]["id"]
        if there.id != wanted:
            raise NeedsRepair(
                f"The {name} in NetSuite was opened at risk for another {_CALLED[field]} "
                f"({there.ref_name or there.id or 'none'}) than the contract names. Correct it there, or clear its "
                "contract number so that a new project is made, then press Retry.",
                code="TL-CUS-004", record=name, field=_CALLED[field], owner=Role.PMO,
            )  # fmt: skip
    terms = {field: value for field, value in body.items() if field not in _MUST_FIT}
    await client.patch_record("job", project.record_id, terms | {"externalId": external_id}, record=name)
    return Effect(ref=project, created=False)
