from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio.converter import SerializationContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

__all__ = ["LeanSandbox"]


class LeanSandbox(SandboxedWorkflowRunner):
    """The engine's sandbox, which is not entered only to ask for whom a payload is.

    The library enters it some ninety times for each deal, to tell the converter which step a payload belongs to: six of
    sixty milliseconds. Our converter treats all payloads alike (`runtime/payload_codec.py`; a test holds that), so the
    answer is always the process itself.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A run in the sandbox."""
        return _Run(super().create_instance(det), det)


class _Run(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance, details: WorkflowInstanceDetails) -> None:
        self._sandboxed = sandboxed
        self._info = details.info
        self._context = WorkflowSerializationContext(
            namespace=details.info.namespace, workflow_id=details.info.workflow_id
        )

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:  # noqa: ARG002
        return self._context

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._sandboxed.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._info

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
