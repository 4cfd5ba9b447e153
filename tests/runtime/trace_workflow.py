from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow

__all__ = ["WriteOneRecord", "write_record"]


@activity.defn
async def write_record(url: str) -> int:
    """What a step does: one call of a vendor, with a query that holds what must not leave."""
    import httpx

    secret = {"authorization": "Bearer abcdefghijkl"}
    async with httpx.AsyncClient(headers=secret) as client:
        answer = await client.post(url, params={"q": "tax number DE123456789"})
    return answer.status_code


@workflow.defn
class WriteOneRecord:
    @workflow.run
    async def run(self, url: str) -> int:
        return await workflow.execute_activity(write_record, url, start_to_close_timeout=timedelta(seconds=5))
