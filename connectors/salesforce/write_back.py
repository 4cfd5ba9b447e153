from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.queries import DEAL, key_text, not_yet_written, record_id
from models.base import digest_of
from models.errors import Fatal, NeedsRepair
from models.ids import Step
from models.operations import WriteBackDeal
from models.records import Links, RecordRef
from models.roles import Role

__all__ = ["ACCOUNT_PART", "KEY_PART", "STATE_PART", "composite_parts", "digest_text", "status_text"]

KEY_PART, GATE_PART, STATE_PART, ACCOUNT_PART = "project", "gate", "state", "account"
_SUBJECT_LENGTH = 255
_NAME_LENGTH = 80
_URL_LENGTH = 255
_USER = "005"
_ACCOUNT = "001"


def status_text(request: WriteBackDeal) -> str:
    """How the status reads on the deal."""
    return request.status.capitalize()


def digest_text(request: WriteBackDeal) -> str:
    """What tells this very write-back from any other under its key: the plan, else a fingerprint of what is said."""
    return request.plan_digest or f"status:{digest_of(request)}"


def composite_parts(
    request: WriteBackDeal,
    links: Links,
    config: SalesforceConfig,
    now: datetime,
    *,
    gated: bool,
    leads: bool = True,
) -> list[dict[str, Any]]:
    """The parts of the one call. The record under our key comes first, so that two of these calls take turns.

    `gated`: a note has no unique key of its own, so the call must not work twice. The gate selects the record only
    while it does not yet say what we are about to write; when it selects none, the part after it leads nowhere and
    everything is rolled back. `leads`: this account is the first one of its company; of two accounts of one customer
    only one can hold the customer's id, which is kept unique, and both show its number.
    """
    parts = [_project_part(request, links, config, with_state=not gated)]
    if gated:
        soql = not_yet_written(request.key, status_text(request), digest_text(request), config)
        n = config.names
        parts.append({"method": "GET", "url": _query_url(soql, config), "referenceId": GATE_PART})
        path = f"{n.project_object}/@{{{GATE_PART}.records[0].Id}}"
        parts.append(_part(config, "PATCH", path, STATE_PART, _state(request, config)))
    parts += _account_part(request, links, config, leads=leads)
    parts.append(_deal_part(request, links, config, now))
    parts += _note_part(request, config, now)
    return parts


def _state(request: WriteBackDeal, config: SalesforceConfig) -> dict[str, Any]:
    n = config.names
    return {n.project_status: status_text(request), n.project_digest: digest_text(request)}


def _project_part(
    request: WriteBackDeal, links: Links, config: SalesforceConfig, *, with_state: bool
) -> dict[str, Any]:
    n = config.names
    body: dict[str, Any] = {
        "Name": request.contract_number[:_NAME_LENGTH],
        n.project_deal: record_id(request.deal_id, "a deal", DEAL),
        n.project_contract_number: request.contract_number,
    }
    if request.project_step is not None:
        project = _linked(links, request.project_step)
        body[n.project_erp_id] = project.record_id
        body[n.project_number] = project.number or project.record_id
        # A cut address leads nowhere; none is better.
        body[n.project_url] = project.url if 0 < len(project.url) <= _URL_LENGTH else None
    if with_state:
        body |= _state(request, config)
    return _part(config, "PATCH", f"{n.project_object}/{n.project_key}/{key_text(request.key)}", KEY_PART, body)


def _account_part(
    request: WriteBackDeal, links: Links, config: SalesforceConfig, *, leads: bool
) -> list[dict[str, Any]]:
    if not request.account_id or request.customer_step is None:
        return []
    n, customer = config.names, _linked(links, request.customer_step)
    body: dict[str, Any] = {n.account_erp_id: customer.record_id} if leads else {}
    if customer.number or not leads:
        body[n.account_erp_number] = customer.number or customer.record_id
    path = f"Account/{record_id(request.account_id, 'an account', _ACCOUNT)}"
    return [_part(config, "PATCH", path, ACCOUNT_PART, body)]


def _deal_part(request: WriteBackDeal, links: Links, config: SalesforceConfig, now: datetime) -> dict[str, Any]:
    n = config.names
    body: dict[str, Any] = {
        n.deal_status: status_text(request),
        n.deal_message: request.message or None,
        n.deal_synced_at: now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if request.project_step is not None:
        project = _linked(links, request.project_step)
        body |= {n.deal_erp_project_id: project.record_id, n.deal_erp_project_number: project.number or None}
    if request.contract_step is not None:
        contract = _linked(links, request.contract_step)
        body[n.deal_erp_contract_number] = contract.number or contract.record_id
    return _part(config, "PATCH", f"Opportunity/{record_id(request.deal_id, 'a deal', DEAL)}", "deal", body)


def _note_part(request: WriteBackDeal, config: SalesforceConfig, now: datetime) -> list[dict[str, Any]]:
    if not request.notify_subject:
        return []
    if not request.owner_id:
        raise NeedsRepair(
            f"Deal {request.deal_id} has no owner who could be told. Give it an owner in the CRM, then press Retry.",
            record=request.deal_id,
            field="OwnerId",
            owner=Role.SALES_OPERATIONS,
        )
    # The key makes the note findable: subjects can be searched, descriptions cannot (sheet 2.3).
    token = f" [{key_text(request.key)}]"
    body = {
        "OwnerId": record_id(request.owner_id, "a user", _USER),
        "WhatId": record_id(request.deal_id, "a deal", DEAL),
        "Subject": request.notify_subject[: _SUBJECT_LENGTH - len(token)] + token,
        "Status": config.task_status,
        "Priority": config.task_priority,
        "ActivityDate": f"{now:%Y-%m-%d}",
        "Description": request.notify_text,
    }
    return [_part(config, "POST", "Task", "note", body)]


def _linked(links: Links, step: Step) -> RecordRef:
    try:
        return links.of(step)
    except KeyError as early:
        raise Fatal(f"The write-back came before step {step} of its plan.", record=step) from early


def _part(config: SalesforceConfig, method: str, path: str, reference: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{config.data_path}/sobjects/{path}"
    return {"method": method, "url": url, "referenceId": reference, "body": body}


def _query_url(soql: str, config: SalesforceConfig) -> str:
    return f"{config.data_path}/query?q={quote(soql, safe='')}"
