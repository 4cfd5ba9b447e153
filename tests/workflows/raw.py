"""Messages as anybody with access to the engine can send them: by its own command line, or byte by byte."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest

from tests.workflows.house import House

__all__ = ["Said", "signal_by_api", "temporal"]


@dataclass(frozen=True)
class Said:
    """What a program answered."""

    code: int
    out: str


async def temporal(house: House, *command: str) -> Said:
    """Run the engine's own command line against the engine of this house."""
    address = house.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("temporal")), *command, "--address", address,
        "--workflow-id", house.handle.id,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, out.decode())


async def signal_by_api(house: House, name: str, *payloads: Payload) -> None:
    """Any encoding, any bytes, any number of arguments."""
    await house.client.workflow_service.signal_workflow_execution(
        SignalWorkflowExecutionRequest(
            namespace=house.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=house.handle.id),
            signal_name=name,
            input=Payloads(payloads=payloads),
        )
    )
