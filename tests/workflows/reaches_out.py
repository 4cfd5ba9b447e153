"""A workflow module that talks to a vendor by itself."""

from __future__ import annotations

from temporalio import workflow

import connectors.salesforce

__all__ = ["ReachesOut"]


@workflow.defn(name="reaches-out")
class ReachesOut:
    @workflow.run
    async def run(self) -> str:
        return connectors.salesforce.__name__
