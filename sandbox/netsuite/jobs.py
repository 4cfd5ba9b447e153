"""Asynchronous jobs: accepted at once, worked off later, told item by item."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.kit import Request, Response, World
from sandbox.netsuite.errors import Detail, NsError, no_such_record

__all__ = ["Jobs"]

COLLECTION = "application/vnd.oracle.resource+json; type=collection; charset=UTF-8"
SINGULAR = "application/vnd.oracle.resource+json; type=singular; charset=UTF-8"
Work = Callable[[], Response]


@dataclass
class _Task:
    work: Work
    needs_transient: bool = False
    progress: str = "pending"
    start: str | None = None
    end: str | None = None
    result: Response | None = None


@dataclass
class _Job:
    tasks: list[_Task] = field(default_factory=list)

    @property
    def progress(self) -> str:
        """`succeeded` says that all items were worked on, not that they were saved."""
        found = {task.progress for task in self.tasks}
        if found == {"pending"}:
            return "pending"
        return "succeeded" if found == {"succeeded"} else "processing"


class Jobs:
    """The jobs of this process; like idempotency keys they do not outlive it."""

    def __init__(self, world: World) -> None:
        """Work with the account's clock and delay."""
        self._world = world
        self._jobs: dict[str, _Job] = {}
        self._keys: dict[str, str] = {}
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, request: Request, base: str, work: list[Work], *, needs_transient: bool = False) -> Response:
        """Accept work; a repeated idempotency key is refused with the address of the first job."""
        key = request.header("x-netsuite-idempotency-key")
        if key and key in self._keys:
            text = (
                'A request with the same idempotency key is already submitted. See the "Location" header for a link '
                "to the previously submitted job"
            )
            location = f"{base}/async/v1/job/{self._keys[key]}"
            raise NsError(409, Detail(text, "IDEMPOTENCY_ERROR"), headers=(("Location", location),))
        job_id = str(len(self._jobs) + 1)
        job = _Job([_Task(one, needs_transient) for one in work])
        self._jobs[job_id] = job
        if key:
            self._keys[key] = job_id
        running = asyncio.create_task(self._work_off(job))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        headers = [("Location", f"/services/rest/async/v1/job/{job_id}"), ("Preference-Applied", "respond-async")]
        return Response(202, headers)

    def answer(self, request: Request, base: str, parts: list[str]) -> Response:
        """Answer the job routes; `parts` is the path after `async/v1/job`."""
        job = self._jobs.get(parts[0]) if parts else None
        if job is None:
            raise no_such_record()
        here = f"{base}/async/v1/job/{parts[0]}"
        if len(parts) == 1:
            body = {"id": parts[0], "completed": job.progress == "succeeded", "progress": job.progress,
                    "task": {"links": [_link("self", f"{here}/task")]}, "links": [_link("self", here)]}  # fmt: skip
            return Response.of_json(200, body, content_type=SINGULAR)
        if parts[1:] == ["task"]:
            items = [{"links": [_link("self", f"{here}/task/{n}")]} for n in range(1, len(job.tasks) + 1)]
            page = {"links": [_link("self", f"{here}/task")], "items": items, "count": len(items), "hasMore": False,
                    "offset": 0, "totalResults": len(items)}  # fmt: skip
            return Response.of_json(200, page, content_type=COLLECTION)
        return self._task_answer(request, job, f"{here}/task", parts[2:])

    async def stop(self) -> None:
        """Drop what is still to be done."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _task_answer(self, request: Request, job: _Job, here: str, parts: list[str]) -> Response:
        number = int(parts[0]) if parts and parts[0].isdigit() else 0
        if not 0 < number <= len(job.tasks):
            raise no_such_record()
        task = job.tasks[number - 1]
        if parts[1:] == ["result"]:
            if task.result is None or (task.needs_transient and "transient" not in request.header("prefer")):
                raise no_such_record()
            return task.result
        body: dict[str, Any] = {
            "id": str(number), "completed": task.result is not None, "progress": task.progress,
            "links": [_link("self", f"{here}/{number}"), _link("related", f"{here}/{number}/result")],
        }  # fmt: skip
        body |= {name: at for name, at in (("startTime", task.start), ("endTime", task.end)) if at}
        return Response.of_json(200, body, content_type=SINGULAR)

    async def _work_off(self, job: _Job) -> None:
        await asyncio.sleep(self._world.number("async_delay_s"))
        for task in job.tasks:
            task.progress, task.start = "processing", self._now()
            task.result = task.work()
            task.progress, task.end = "succeeded", self._now()
            await asyncio.sleep(0)

    def _now(self) -> str:
        return self._world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href}
