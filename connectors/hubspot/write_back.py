from __future__ import annotations

import hashlib
import html
import re
from datetime import datetime

from connectors.hubspot.client import is_record_id
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.schemas import Record
from models.base import digest_of
from models.errors import Fatal, NeedsRepair
from models.ids import ExternalKey, Step
from models.operations import WriteBackDeal
from models.records import Guard, Links, RecordRef
from models.roles import Role

__all__ = [
    "PART_GUARDS",
    "checked",
    "company_values",
    "deal_evidence",
    "deal_values",
    "digest_text",
    "is_linked",
    "key_text",
    "landed_on_deal",
    "landed_on_project",
    "note_token",
    "note_values",
    "project_values",
    "status_text",
]

PART_GUARDS = {"company": Guard.PROOF, "deal": Guard.PROOF, "note": Guard.GUARDED, "record": Guard.PROOF}
"""How each part of a write-back is kept to one effect. Company, deal: the same values again are no other effect.
Record: upsert on a key that the vendor keeps unique. Note: looked up at the deal by a token before it is written."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LONGEST_SUBJECT = 250


def status_text(request: WriteBackDeal) -> str:
    """How the status reads on the deal."""
    return request.status.capitalize()


def digest_text(request: WriteBackDeal) -> str:
    """What tells this very write-back from any other under its key: the plan, else a fingerprint of what is said."""
    return request.plan_digest or f"status:{digest_of(request)}"


def note_token(request: WriteBackDeal) -> str:
    """Ends the note's subject, so that the note of this very write-back is found again at the deal."""
    mark = hashlib.sha256(f"{status_text(request)}\x1f{digest_text(request)}".encode()).hexdigest()[:8]
    return f"[{key_text(request.key)} {mark}]"


def key_text(key: ExternalKey) -> str:
    """Our key, if it has the shape our keys have."""
    if not _KEY.fullmatch(key):
        raise Fatal("A key of ours has characters that must not stand in an address.", record=key[:60])
    return key


def checked(request: WriteBackDeal, links: Links) -> None:
    """Refuse what cannot be meant before anything is sent. Raises NeedsRepair or Fatal."""
    key_text(request.key)
    _record_id(request.deal_id, "a deal")
    if request.account_id and request.customer_step is not None:
        _record_id(request.account_id, "a company")
    for step in (request.customer_step, request.project_step, request.contract_step):
        if step is not None:
            _linked(links, step)
    if not request.notify_subject:
        return
    if not request.owner_id:
        raise NeedsRepair(
            f"Deal {request.deal_id} has no owner who could be told. Give it an owner in the CRM, then press Retry.",
            record=request.deal_id,
            field="hubspot_owner_id",
            owner=Role.SALES_OPERATIONS,
        )
    _record_id(request.owner_id, "an owner")


def company_values(
    request: WriteBackDeal, links: Links, config: HubSpotConfig, *, leads: bool = True
) -> dict[str, str]:
    """The customer's ERP id and number; nothing when the request is not about a customer.

    `leads`: of two companies here that are one customer there, only one can hold the id, which is kept unique.
    """
    if not request.account_id or request.customer_step is None:
        return {}
    n, customer = config.names, _linked(links, request.customer_step)
    values = {n.company_erp_id: customer.record_id} if leads else {}
    if customer.number or not leads:
        values[n.company_erp_number] = customer.number or customer.record_id
    return values


def deal_values(request: WriteBackDeal, links: Links, config: HubSpotConfig, now: datetime) -> dict[str, str]:
    """What the salesperson sees. An empty text clears a property; ids stay when a later status says none."""
    n = config.names
    values = {
        n.deal_status: status_text(request),
        n.deal_message: request.message,
        n.deal_synced_at: now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if request.project_step is not None:
        project = _linked(links, request.project_step)
        values |= {n.deal_erp_project_id: project.record_id, n.deal_erp_project_number: project.number}
    if request.contract_step is not None:
        contract = _linked(links, request.contract_step)
        values[n.deal_erp_contract_number] = contract.number or contract.record_id
    return values


def project_values(request: WriteBackDeal, links: Links, config: HubSpotConfig) -> dict[str, str]:
    """The record under our key. Its status and digest say which write-back landed, so it is written last."""
    n = config.names
    values = {
        n.project_key: key_text(request.key),
        n.project_name: str(request.contract_number),
        n.project_contract_number: str(request.contract_number),
        n.project_status: status_text(request),
        n.project_digest: digest_text(request),
    }
    if request.project_step is not None:
        project = _linked(links, request.project_step)
        values |= {
            n.project_erp_id: project.record_id,
            n.project_number: project.number or project.record_id,
            n.project_url: project.url,
        }
    return values


def deal_evidence(request: WriteBackDeal, links: Links, config: HubSpotConfig) -> dict[str, str]:
    """The same on the deal itself, in an edition without custom objects."""
    n = config.names
    values = {
        n.deal_project_key: key_text(request.key),
        n.deal_project_status: status_text(request),
        n.deal_project_digest: digest_text(request),
    }
    if request.project_step is not None:
        values[n.deal_project_url] = _linked(links, request.project_step).url
    return values


def landed_on_project(found: Record | None, request: WriteBackDeal, config: HubSpotConfig) -> bool:
    """Whether the record under our key says this very write-back, and hangs on this deal: its last two steps."""
    if found is None:
        return False
    n = config.names
    said = (found.properties.get(n.project_status), found.properties.get(n.project_digest))
    return said == (status_text(request), digest_text(request)) and is_linked(found, request)


def is_linked(found: Record, request: WriteBackDeal) -> bool:
    """Whether the record hangs on this deal."""
    return any(link.id == request.deal_id for link in found.linked("deals").results)


def landed_on_deal(found: Record | None, request: WriteBackDeal, config: HubSpotConfig) -> bool:
    """Whether the deal itself says this very write-back."""
    if found is None:
        return False
    n, told = config.names, found.properties
    said = (told.get(n.deal_project_key), told.get(n.deal_project_status), told.get(n.deal_project_digest))
    return said == (request.key, status_text(request), digest_text(request))


def note_values(request: WriteBackDeal, config: HubSpotConfig, now: datetime) -> dict[str, str]:
    """A task for the owner."""
    token = f" {note_token(request)}"
    values = {
        "hs_timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hs_task_subject": request.notify_subject[: _LONGEST_SUBJECT - len(token)] + token,
        "hs_task_body": _as_rich_text(request.notify_text),
        "hs_task_status": config.task_status,
        "hs_task_priority": config.task_priority,
        "hs_task_type": "TODO",
        "hubspot_owner_id": request.owner_id,
    }
    if config.names.task_key:
        values[config.names.task_key] = note_token(request).strip("[]")
    return values


def _as_rich_text(text: str) -> str:
    """The vendor shows a task's body as a page, so what a customer is called must not become one."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _record_id(text: str, what: str) -> None:
    if not is_record_id(text):
        raise NeedsRepair(
            f"'{text[:40]}' is no CRM id of {what}: such an id is a number. Check it.",
            record=text[:40],
            field=f"id of {what}",
            owner=Role.SALES_OPERATIONS,
        )


def _linked(links: Links, step: Step) -> RecordRef:
    try:
        return links.of(step)
    except KeyError as early:
        raise Fatal(f"The write-back came before step {step} of its plan.", record=step) from early
