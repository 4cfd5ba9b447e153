from __future__ import annotations

import hashlib
import re
from typing import NewType

__all__ = [
    "BlockerId",
    "ConnectionId",
    "ContractNumber",
    "CustomerKey",
    "DealId",
    "DecisionId",
    "EngagementId",
    "ExternalKey",
    "FirmId",
    "LegalEntityCode",
    "OperationKey",
    "PersonId",
    "PlanDigest",
    "Step",
    "TermsDigest",
    "engagement_id",
    "external_key",
    "operation_key",
]

FirmId = NewType("FirmId", str)
"""Who runs this Tieline."""
ConnectionId = NewType("ConnectionId", str)
"""One configured account of an outside system, for example `crm-main`."""
DealId = NewType("DealId", str)
"""The CRM's own id of a deal. Evidence, never identity (DOM-2.1)."""
ContractNumber = NewType("ContractNumber", str)
"""The number on the signed paper; with the amendment number it is what an engagement is known by."""
EngagementId = NewType("EngagementId", str)
"""`{firm}/{contract}`: the business key of one sold piece of work."""
CustomerKey = NewType("CustomerKey", str)
"""Fingerprint of what identifies a buyer (DOM-3.2); holds no readable personal data."""
LegalEntityCode = NewType("LegalEntityCode", str)
OperationKey = NewType("OperationKey", str)
"""Business intent of one external write: firm, process, contract, amendment, step. Never a run id, attempt or clock."""
ExternalKey = NewType("ExternalKey", str)
"""The key an outside system keeps unique for us: `[A-Za-z0-9_-]`, at most 60 characters."""
Step = NewType("Step", str)
"""Name of one operation inside a plan, for example `project` or `contact:billing`."""
PlanDigest = NewType("PlanDigest", str)
TermsDigest = NewType("TermsDigest", str)
PersonId = NewType("PersonId", str)
DecisionId = NewType("DecisionId", str)
BlockerId = NewType("BlockerId", str)

_SLUG_LENGTH = 32
_HASH_LENGTH = 12


def engagement_id(firm: FirmId, contract: ContractNumber) -> EngagementId:
    """Business key of an engagement; also the last part of its workflow id."""
    return EngagementId(f"{firm}/{contract}")


def operation_key(
    firm: FirmId, process: str, contract: ContractNumber, amendment: str, step: Step | str
) -> OperationKey:
    """Key of one write. Two runs, two attempts and two workers that mean the same write get the same key."""
    return OperationKey("/".join((firm, process, contract, amendment or "0", step)))


def external_key(*intent: str) -> ExternalKey:
    """Key for an outside system: readable start, then a hash of the exact intent, so look-alikes stay apart."""
    exact = "\x1f".join(intent)
    slug = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(intent)).strip("-")[:_SLUG_LENGTH].strip("-").lower()
    return ExternalKey(f"{slug}-{hashlib.sha256(exact.encode()).hexdigest()[:_HASH_LENGTH]}")
