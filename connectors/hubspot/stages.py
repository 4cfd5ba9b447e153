from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.hubspot.client import HubSpotClient
from models.errors import NeedsRepair
from models.roles import Role
from models.terms import DealState

__all__ = ["Stages", "StateOf"]

_KEPT_S = 3600.0
StateOf = Callable[[str, str], DealState | None]


class Stages:
    """What each stage of each pipeline means, by its own metadata: names and ids are the account's (sheet 2)."""

    def __init__(self, client: HubSpotClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._states: dict[tuple[str, str], DealState] = {}
        self._good_until = 0.0

    async def known(self, *wanted: tuple[str, str]) -> StateOf:
        """The meaning of stages, kept for an hour; read anew when one of the `wanted` is not among them."""
        if self._clock() >= self._good_until or any(stage not in self._states for stage in wanted):
            read = await self._client.pipelines()
            self._states = {
                (pipeline.id, stage.id): _state(stage.metadata, f"{stage.label or stage.id}")
                for pipeline in read.results
                for stage in pipeline.stages
            }
            self._good_until = self._clock() + _KEPT_S
        states = self._states
        return lambda pipeline, stage: states.get((pipeline, stage))

    async def won(self) -> list[str]:
        """Ids of the stages that mean won."""
        await self.known()
        return sorted({stage for (_, stage), state in self._states.items() if state is DealState.WON})


def _state(metadata: dict[str, Any], name: str) -> DealState:
    closed = str(metadata.get("isClosed", "")).lower()
    try:
        probability = Decimal(str(metadata.get("probability", "")))
    except InvalidOperation:
        probability = Decimal("NaN")
    if closed not in {"true", "false", ""} or (closed != "false" and probability.is_nan()):
        raise NeedsRepair(
            f"HubSpot does not say whether stage {name} is won, lost or open. Set its probability in the pipeline's "
            "settings, then press Retry.",
            record=name,
            field="probability",
            owner=Role.SALES_OPERATIONS,
        )
    # A closed stage is certain one way or the other; accounts whose stages lack the flag say it by the probability.
    is_closed = closed == "true" or (not closed and probability in {0, 1})
    if not is_closed:
        return DealState.OPEN
    return DealState.WON if probability == 1 else DealState.LOST
