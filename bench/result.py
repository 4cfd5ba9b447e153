"""What came out, as a table for people and as JSON for tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.arms import Round
from bench.crash import Recovery
from bench.crowd import Crowd
from bench.recording import PerDeal
from bench.side_by_side import SideBySide, Spread, quantile

__all__ = ["Report", "line_of", "shown_value", "verdict_on"]

_TARGETS = {
    "ratio_to_bare": (">=", 1.5),
    "lone_ratio_to_bare": ("<=", 0.6),
    "parked_rss_mb": ("<=", 400.0),
    "recover_s": ("<=", 10.0),
    "workers_2_ratio": (">=", 1.6),
}


@dataclass
class Report:
    """Figures by their public names; a figure that was not measured is not there."""

    settings: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def add_per_deal(self, costs: dict[str, PerDeal]) -> None:
        """Deterministic costs of a first purchase, the dearer kind."""
        new = costs["new"]
        self.figures |= {
            "vendor_calls_per_deal": new.vendor_calls,
            "temporal_actions_per_deal": new.temporal_actions,
            "history_events_per_deal": new.history_events,
            "store_statements_per_deal": new.statements,
        }
        self.details["per_deal"] = {name: vars(cost) for name, cost in costs.items()}

    def add_side_by_side(self, found: SideBySide) -> None:
        """Loaded and alone, apart."""
        ours = found.loaded["tieline"]
        took = [one for row in ours for one in row.took_ms]
        alone = [one for row in found.lone["tieline"] for one in row.took_ms]
        self.figures |= {
            "deals_per_s": median(row.per_second for row in ours),
            "p50_ms": quantile(took, 0.5),
            "p99_ms": quantile(took, 0.99),
            "lone_ms": median(alone),
            "lone_p99_ms": quantile(alone, 0.99),
            "worker_cpu_ms_per_deal": median(row.cpu_ms["own"] for row in ours),
        }
        self._spread("ratio_to_bare", found.throughput_ratio("bare"))
        self._spread("lone_ratio_to_bare", found.lone_ratio("bare"))
        self._spread("ratio_to_raw", found.throughput_ratio("raw"))
        self._spread("lone_ratio_to_raw", found.lone_ratio("raw"))
        self.details["loaded"] = {name: [_shown(row) for row in rows] for name, rows in found.loaded.items()}
        self.details["alone"] = {name: [_shown(row) for row in rows] for name, rows in found.lone.items()}

    def add_recovery(self, found: Recovery) -> None:
        """After `kill -9`: until work goes on, and until the last deal in hand had its turn in the queue again."""
        self.figures["recover_s"] = max(found.first_done_s, found.scheduled_again_s)
        self.figures["recover_last_in_hand_s"] = found.picked_up_s
        self.details["recovery"] = vars(found)

    def add_crowd(self, found: Crowd) -> None:
        """Queue, parked deals, and the price of a deal before and after."""
        self.figures["backlog_deals_per_s"] = found.backlog_per_second
        self.figures["parked_rss_mb"] = {str(level): rss for level, rss in sorted(found.parked_rss_mb.items())}
        self.figures["cpu_ms_per_deal_before_and_after"] = [found.before.cpu_ms["own"], found.after.cpu_ms["own"]]
        self.details["crowd"] = {
            "queued": found.queued, "parked": found.parked, "start_rss_mb": found.start_rss_mb,
            "before": _shown(found.before), "after": _shown(found.after),
        }  # fmt: skip

    def add_workers(self, found: Spread) -> None:
        """Two workers beside one."""
        self._spread("workers_2_ratio", found)

    def write(self, path: Path) -> None:
        """Everything, for tools."""
        document = {
            **self.figures,
            "spread": {name: vars(spread) for name, spread in self.spreads.items()},
            "settings": self.settings,
            "details": self.details,
        }
        path.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")

    def table(self) -> str:
        """One line per figure: value, spread over the rounds, target."""
        lines = [f"{name}: {value}" for name, value in self.settings.items()] + [""]
        lines.append(f"{'figure':<34}{'value':>12}  {'least .. most':<18}target")
        for name, value in self.figures.items():
            spread = self.spreads.get(name)
            ends = f"{spread.least:.2f} .. {spread.most:.2f}" if spread else ""
            lines.append(f"{name:<34}{shown_value(value):>12}  {ends:<18}{verdict_on(name, value)}")
        for part in ("loaded", "alone"):
            for name, rounds in self.details.get(part, {}).items():
                lines.append(f"{part} {name}: {line_of(rounds)}")
        return "\n".join(lines)

    def _spread(self, name: str, spread: Spread) -> None:
        self.figures[name], self.spreads[name] = spread.middle, spread


def _shown(row: Round) -> dict[str, Any]:
    return {
        "deals": row.deals,
        "per_second": row.per_second,
        "p50_ms": quantile(row.took_ms, 0.5),
        "p99_ms": quantile(row.took_ms, 0.99),
        "cpu_ms_per_deal": row.cpu_ms,
        "redone": row.redone,
    }


def line_of(rounds: Sequence[dict[str, Any]]) -> str:
    """One arm over all rounds."""
    rates = ", ".join(f"{row['per_second']:.1f}" for row in rounds)
    spent = {name: median(row["cpu_ms_per_deal"][name] for row in rounds) for name in rounds[0]["cpu_ms_per_deal"]}
    cpu = ", ".join(f"{name} {value:.0f}" for name, value in spent.items())
    p50 = ", ".join(f"{row['p50_ms']:.0f}" for row in rounds)
    redone = sum(row["redone"] for row in rounds)
    return f"deals/s {rates}; p50 ms {p50}; CPU ms per deal: {cpu}{f'; redone {redone}' if redone else ''}"


def shown_value(value: Any) -> str:
    """A figure as people read it."""
    if isinstance(value, dict):
        return " / ".join(f"{name}: {one:.0f}" for name, one in value.items())
    if isinstance(value, list):
        return " -> ".join(f"{one:.1f}" for one in value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def verdict_on(name: str, value: Any) -> str:
    """The target and whether it is met; nothing for a figure without one."""
    if name not in _TARGETS:
        return ""
    sign, target = _TARGETS[name]
    worst = max(value.values()) if isinstance(value, dict) else value
    met = worst >= target if sign == ">=" else worst <= target
    return f"{sign} {target:g}: {'met' if met else 'NOT met'}"
