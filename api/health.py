from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from runtime.log_events import log_event
from runtime.readiness import ReadyCheck

__all__ = ["ReadyCheck", "health_router"]

_PATIENCE_S = 2.0


def health_router(checks: Mapping[str, ReadyCheck], connections: Mapping[str, ReadyCheck] | None = None) -> APIRouter:
    """`/healthz`: the process lives. `/readyz`: it can do its work.

    An outside system that refuses us is told under `connections` and does not make us unready: events are still taken,
    and the work of the others goes on.
    """
    outside = connections or {}
    router = APIRouter()

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Store, engine, dispatcher and credentials work", response_model=None)
    async def readyz() -> JSONResponse:
        problems = await asyncio.gather(*(_outcome(name, check) for name, check in checks.items()))
        ready = not any(problems)
        report = {name: problem or "ok" for name, problem in zip(checks, problems, strict=True)}
        told = await asyncio.gather(*(_outcome(name, check) for name, check in outside.items()))
        reached = {name: problem or "ok" for name, problem in zip(outside, told, strict=True)}
        document = {"ready": ready, "checks": report} | ({"connections": reached} if reached else {})
        return JSONResponse(document, status_code=200 if ready else 503)

    return router


async def _outcome(name: str, check: ReadyCheck) -> str:
    try:
        return await asyncio.wait_for(check(), _PATIENCE_S)
    except TimeoutError:
        return f"No answer within {_PATIENCE_S:g} s."
    except Exception as broken:  # noqa: BLE001 - a process edge: a check that breaks is a part that is not ready
        log_event("ready.check_failed", level=logging.WARNING, exc=broken, check=name)
        return f"Does not work ({type(broken).__name__}). The log says more."
