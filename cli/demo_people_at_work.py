from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from cli.output import Output
from models.blocker import OpenItem
from models.ids import FirmId
from models.roles import Role
from store import Store

__all__ = ["decide_and_repair"]

_ROOT = Path(__file__).resolve().parent.parent
_FOR_ROLE = {
    Role.FINANCE_OPERATIONS: "ada.finance",
    Role.MASTER_DATA: "mia.masterdata",
    Role.CONTRACTS: "carla.contracts",
    Role.SALES_OPERATIONS: "sofia.salesops",
    Role.TAX: "tara.tax",
}
_DECIDED = "160009"
"""The contract that the demo's finance approves: over 250,000, so it waits for a signature."""
_REPAIRED, _ANSWER = "TIRNE16D000030002", "Operations"
"""The contract whose service line no rule maps; relocation work is booked under operations."""


async def decide_and_repair(folder: Path, output: Output, store: Store, firm: FirmId) -> None:
    """Show what waits, then decide one plan and repair one blocker with the commands anybody would use."""
    items = await store.desk.list_open(firm)
    output.table(
        "Waits for a person",
        ["contract", "waits for", "held up", "what"],
        [
            [item.engagement.split("/", 1)[1], item.owner.value, str(item.stake or ""), f"{item.code}: {item.message}"]
            for item in items
        ],
    )
    waiting = {(item.engagement.split("/", 1)[1], item.kind): item for item in items if item.owner in _FOR_ROLE}
    decision, repair = waiting.get((_DECIDED, "decision")), waiting.get((_REPAIRED, "blocker"))
    if decision is not None:
        await _run(folder, output, "approve", decision, "--reason", "checked with the account team")
    if repair is not None:
        await _run(folder, output, "repair", repair, "--answer", _ANSWER)
    if decision is None and repair is None:
        output.line("What the demo decides and repairs was decided and repaired in an earlier run.")


async def _run(folder: Path, output: Output, verb: str, item: OpenItem, *options: str) -> None:
    contract = item.engagement.split("/", 1)[1]
    arguments = ["starter.py", verb, contract, "--as", _FOR_ROLE[item.owner], *options]
    output.line(f"\n$ .venv/bin/python {' '.join(arguments)}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=_ROOT, env=_environment(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    text, _ = await process.communicate()
    output.line(text.decode().strip())


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TIELINE_ENV_FILE": str(folder / "tieline.env")}
