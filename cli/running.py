from __future__ import annotations

import asyncio
import os
import shlex
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from cli.output import Output
from models.errors import TielineError
from models.ids import ContractNumber, EngagementId, engagement_id
from runtime.change_orders import ChangeOrderStarter
from runtime.log_events import forward_engine_logs
from runtime.settings import Settings, load_settings
from runtime.temporal import TemporalStarter, connect
from runtime.wiring import Tieline, open_tieline

__all__ = ["Session", "now", "open_session", "run"]

_DEMO_SETTINGS = Path("var/demo/tieline.env")


@dataclass(frozen=True)
class Session:
    """What a command works with: settings, our store and connections, and the engine when it needs it."""

    settings: Settings
    tieline: Tieline
    client: Client | None

    @property
    def starter(self) -> TemporalStarter:
        """Starts and finds processes. Only on sessions that were opened with the engine."""
        if self.client is None:
            raise AssertionError("this command opened no connection to the engine")
        return TemporalStarter(self.client, self.settings.firm, self.settings.task_queue)

    @property
    def changes(self) -> ChangeOrderStarter:
        """Starts and finds change orders. Only on sessions that were opened with the engine."""
        if self.client is None:
            raise AssertionError("this command opened no connection to the engine")
        return ChangeOrderStarter(self.client, self.settings.firm, self.settings.task_queue)

    def engagement(self, contract: str) -> EngagementId:
        """The engagement of a contract number, which may also be given with its firm."""
        if contract.startswith(f"{self.settings.firm}/"):
            return EngagementId(contract)
        return engagement_id(self.settings.firm, ContractNumber(contract))


def environment() -> dict[str, str]:
    """The variables of this process, over those of a settings file: `TIELINE_ENV_FILE`, else the demo's own."""
    named = os.environ.get("TIELINE_ENV_FILE")
    path = Path(named) if named else _DEMO_SETTINGS
    if named and not path.is_file():
        raise TielineError(f"TIELINE_ENV_FILE names {path}, which is not there.", code="TL-INT-044")
    kept = shlex.split(path.read_text(encoding="utf-8"), comments=True) if path.is_file() else []
    pairs = dict(item.split("=", 1) for item in kept if "=" in item)
    given = {name: value for name, value in os.environ.items() if name != "TIELINE_ENV_FILE"}
    return {**pairs, **given}


def now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_session(*, engine: bool) -> AsyncIterator[Session]:
    """Settings, store and connections; the engine only when asked for, so that looking works while it is down."""
    given = environment()
    settings = load_settings(given)
    client: Client | None = None
    if engine:
        forward_engine_logs()
        try:
            client = await connect(_engine_config(settings, given), keys=settings.payload_keys)
        except RuntimeError as refused:
            raise TielineError(
                f"Temporal does not answer at {settings.temporal_address}. Start it (`make demo` does), "
                "or set TEMPORAL_ADDRESS.",
                code="TL-INT-041",
            ) from refused
    async with open_tieline(settings) as tieline:
        yield Session(settings=settings, tieline=tieline, client=client)


def _engine_config(settings: Settings, given: dict[str, str]) -> dict[str, Any]:
    """How to reach the engine, with the settings file's TEMPORAL_* under those of this process."""
    for name, value in given.items():
        if name.startswith("TEMPORAL_"):
            os.environ.setdefault(name, value)
    return settings.temporal_connect_config()


def run(command: Callable[[Output], Awaitable[int]], *, as_json: bool) -> None:
    """Run a command's coroutine; its integer is the exit code."""
    output = Output(as_json=as_json)
    try:
        code = asyncio.run(_awaited(command, output))
    except TielineError as error:
        output.problem(f"{error.code}: {error.message}")
        code = 1
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as lost:
        status = f" ({lost.status.name})" if isinstance(lost, RPCError) else ""
        output.problem(
            f"TL-INT-041: Temporal did not answer as it should{status}. What you asked for may or may not have been "
            "done: look at `status` and `queue` before you ask again."
        )
        code = 1
    except Exception as broken:  # noqa: BLE001 - the edge to a person: the text of a bug may quote what it worked on
        what = f"{type(broken).__name__} {_place_of(broken)}"
        output.problem(f"TL-INT-030: Tieline itself failed ({what}). Tell the integration team.")
        code = 1
    raise typer.Exit(code)


def _place_of(broken: Exception) -> str:
    frames = traceback.extract_tb(broken.__traceback__)
    return f"at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "somewhere"


async def _awaited(command: Callable[[Output], Awaitable[int]], output: Output) -> int:
    return await command(output)
