from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType, WorkflowExecutionStatus
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, Plugin, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from models.change_process import base_of
from models.customer_process import account_of
from models.desk import EngagementRow
from models.events import ContractOfDeal
from models.ids import EngagementId, FirmId, engagement_id
from models.process import ClosedDeal, DealNews, QuoteToProjectResult
from runtime.lean_sandbox import LeanSandbox
from runtime.payload_codec import data_converter
from runtime.payload_keys import PayloadKey
from workflows.change_order import ChangeOrders
from workflows.customer_sync import CustomerSync
from workflows.invoice_feedback import InvoiceFeedback, InvoiceFeedbackClock
from workflows.policies import TASK_TIMEOUT
from workflows.quote_to_project import QuoteToProject
from workflows.showing import CUSTOMER, FIRM, LEGAL_ENTITY, OWNER_ROLE, PARKED, STAGE

__all__ = [
    "PASSED_THROUGH",
    "TemporalStarter",
    "build_worker",
    "connect",
    "register_search_attributes",
    "workflow_id",
]

PASSED_THROUGH = (
    "activities",
    "annotated_types",
    "babel",
    "cryptography",
    "jwt",
    "mappings",
    "models",
    "opentelemetry",
    "phonenumbers",
    "ports",
    "pycountry",
    "pydantic",
    "pydantic_core",
    "rapidfuzz",
    "stdnum",
    "typing_extensions",
)
"""What workflow modules import, loaded once for all runs. The modules themselves are not in it: the library loads them
anew for each run, with its guards around clocks, randomness and files. A test reads every line of them as well, because
a guard speaks only when its line is run (`tests/workflows/test_guards.py`)."""

_JOIN_ATTEMPTS = 5


async def connect(
    connect_config: dict[str, Any],
    *,
    keys: Sequence[PayloadKey] = (),
    plugins: Sequence[Plugin] = (),
    identity: str | None = None,
) -> Client:
    """A client with the converter that all of Tieline uses; with keys, what it says is sealed in the engine."""
    return await Client.connect(
        **connect_config, data_converter=data_converter(keys), plugins=list(plugins), identity=identity
    )


async def register_search_attributes(client: Client) -> None:
    """Make the attributes known; idempotent. A cluster that does not let us (Cloud) has them made by its operator."""
    kinds = {
        key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        for key in (FIRM, LEGAL_ENTITY, CUSTOMER, STAGE, OWNER_ROLE)
    }
    kinds[PARKED.name] = IndexedValueType.INDEXED_VALUE_TYPE_BOOL
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as refused:
        if refused.status not in {
            RPCStatusCode.ALREADY_EXISTS,
            RPCStatusCode.PERMISSION_DENIED,
            RPCStatusCode.UNIMPLEMENTED,
        }:
            raise


def workflow_id(engagement: EngagementId) -> str:
    """The business key: `quote-to-project/{firm}/{contract}`; change orders and customer sync have their own start."""
    if (base := base_of(engagement)) is not None:
        return f"change-orders/{base}"
    if account_of(engagement.partition("/")[2]) is not None:
        return f"customer-sync/{engagement}"
    return f"quote-to-project/{engagement}"


def build_worker(
    client: Client, task_queue: str, activities: Sequence[Any], *, max_cached_workflows: int = 500, slots: int = 20
) -> Worker:
    """A worker that takes over from a killed one within ten seconds (TEMPORAL section 11).

    A cached run holds about a third of a megabyte, so the cache decides what thousands of parked deals weigh; one that
    left it costs some milliseconds when it is woken (`docs/evidence/speed.md`).
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[QuoteToProject, ChangeOrders, CustomerSync, InvoiceFeedback, InvoiceFeedbackClock],
        activities=activities,
        build_id=_build_id(),
        workflow_runner=LeanSandbox(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)),
        max_cached_workflows=max_cached_workflows,
        max_concurrent_workflow_tasks=slots,
        max_concurrent_local_activities=100,
        max_concurrent_activities=100,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        max_heartbeat_throttle_interval=timedelta(milliseconds=500),
        default_heartbeat_throttle_interval=timedelta(milliseconds=500),
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


@functools.cache
def _build_id() -> str:
    """Names the code a worker runs. The SDK's own default compiles every loaded module again: seconds at each start."""
    root = Path(__file__).resolve().parent.parent
    content = hashlib.sha256()
    for package in ("workflows", "activities", "ports", "mappings", "models"):
        for file in sorted((root / package).rglob("*.py")):
            content.update(file.read_bytes())
    return f"tieline-{content.hexdigest()[:12]}"


class TemporalStarter:
    """Start a process for a contract, or join the one that runs."""

    def __init__(self, client: Client, firm: FirmId, task_queue: str) -> None:
        self._client = client
        self._firm = firm
        self._task_queue = task_queue

    def handle(self, engagement: EngagementId) -> WorkflowHandle[QuoteToProject, QuoteToProjectResult]:
        """The process of that engagement, running or not."""
        return self._client.get_workflow_handle_for(QuoteToProject.run, workflow_id(engagement))

    async def is_moving(self, engagement: EngagementId) -> bool:
        """Whether its process has something in hand now; False when it has ended, or rests until somebody acts.

        The engine itself is asked, so news that was told a moment ago counts before the process has looked at it.
        """
        seen = (await self.handle(engagement).describe()).raw_description
        if seen.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return False
        return seen.HasField("pending_workflow_task") or bool(seen.pending_activities)

    async def start_or_join(self, contract: ContractOfDeal) -> str:
        """`started` or `joined`. A run that ends between the two tries is simply started again."""
        for _ in range(_JOIN_ATTEMPTS):
            try:
                await self._start(contract)
            except WorkflowAlreadyStartedError:
                if await self._tell(contract):
                    return "joined"
            else:
                return "started"
        raise RuntimeError(f"The process of {contract.contract_number} starts and ends too fast to join; try again.")

    async def nudge(self, row: EngagementRow) -> None:
        """What a deal waited for is there again: its process looks. One that has ended meanwhile needs nothing."""
        if row.workflow_id != workflow_id(row.engagement) or base_of(row.engagement) is not None:
            return
        try:
            await self.handle(row.engagement).signal("deal-changed", DealNews())
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _start(self, contract: ContractOfDeal) -> None:
        engagement = engagement_id(self._firm, contract.contract_number)
        await self._client.start_workflow(
            QuoteToProject.run,
            ClosedDeal(
                firm=self._firm,
                engagement=engagement,
                crm=contract.crm,
                deal_id=contract.deal_id,
                contract_number=contract.contract_number,
                source_version=contract.source_version,
            ),
            id=workflow_id(engagement),
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"Contract {contract.contract_number}: from won deal to billable project"[:200],
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(FIRM, self._firm),
                    SearchAttributePair(STAGE, "planning"),
                    SearchAttributePair(PARKED, False),  # noqa: FBT003 - a pair is a key and its value
                ]
            ),
        )

    async def _tell(self, contract: ContractOfDeal) -> bool:
        """Tell the running process that the deal changed; False when it has ended meanwhile.

        Without the deal's stamp: a CRM that stamps in whole seconds gives two states of one second the same one, and a
        deal lost in the second in which it was read must not pass for what was read.
        """
        handle = self.handle(engagement_id(self._firm, contract.contract_number))
        try:
            await handle.signal("deal-changed", DealNews())
        except RPCError as gone:
            if gone.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True
